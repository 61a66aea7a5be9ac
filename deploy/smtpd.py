"""The SMTP process: the door for reports by mail; it holds no private key and no store."""

import ssl
import sys
from pathlib import Path

from deploy.process import run
from deploy.wiring import open_house
from intake import smtp
from intake.smtp_settings import Limits, Settings


def main(home: Path) -> None:
    """Serve until the process is told to stop; writes the port into `run/smtp.port`."""
    house = open_house(home, "smtp")
    mine = house.settings.smtp
    tls = None
    if mine.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(mine.certificate, mine.key)
    settings = Settings(
        host=mine.host, port=mine.port, name=house.settings.domain, domains=mine.domains, tls=tls,
        limits=Limits(per_minute=mine.per_minute),
    )  # fmt: skip
    with run() as stopping:
        server = smtp.serve(settings, house.acceptor(house.door))
        (home / "run").mkdir(exist_ok=True)
        (home / "run" / "smtp.port").write_text(f"{server.port}\n")
        stopping.wait()
        server.stop()
    house.door.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
