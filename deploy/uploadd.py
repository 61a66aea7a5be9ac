"""The upload process: the public's HTTP door; it holds no private key and no store, and reads receipts alone."""

import socket
import sys
import threading
from pathlib import Path

import uvicorn

from deploy.process import run
from deploy.wiring import open_house
from intake.receipts import Receipts
from intake.upload import application


def main(home: Path) -> None:
    """Serve until the process is told to stop; writes the port into `run/upload.port`."""
    house = open_house(home, "upload")
    mine = house.settings.upload
    app = application(house.acceptor(house.door), Receipts(home / "receipts.sqlite").status)
    listening = socket.create_server((mine.host, mine.port), backlog=256)
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, date_header=False)
    server = uvicorn.Server(config)
    with run() as stopping:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        (home / "run").mkdir(exist_ok=True)
        (home / "run" / "upload.port").write_text(f"{listening.getsockname()[1]}\n")
        stopping.wait()
        server.should_exit = True
        thread.join(timeout=10)
    house.door.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
