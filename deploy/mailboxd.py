"""The mailbox process: picks up reports from the mailboxes of the settings; it holds no private key and no store."""

import sys
import threading
from functools import partial
from pathlib import Path

from deploy.process import beginning, run, served
from deploy.wiring import open_house
from intake.mailbox import opened
from intake.metrics import Metrics
from intake.pickup import Pickup


def main(home: Path) -> None:
    """Pick up until the process is told to stop, each mailbox in a thread of its own."""
    house = open_house(home, "mailbox")
    acceptor, metrics = house.acceptor(house.door), Metrics()
    told = home / "run" / "mailbox.metrics"
    with run() as stopping, served("pickup", metrics, house.settings.pickup.metrics_port, told):
        figures = metrics.door("mailbox")
        mailboxes = house.settings.mailbox
        pickups = [Pickup(each, partial(opened, each), acceptor, figures=figures) for each in mailboxes]
        threads = [threading.Thread(target=each.run, args=(stopping,), daemon=True) for each in pickups]
        for thread in threads:
            thread.start()
        stopping.wait()
        for thread in threads:
            thread.join(timeout=10)
    house.door.close()


if __name__ == "__main__":
    with beginning():
        main(Path(sys.argv[1]))
