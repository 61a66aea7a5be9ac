"""The worker process: does what is due, as often as a bell or the clock says; may be killed at any moment."""

import os
import sys
from pathlib import Path

from deploy.bell import Bell
from deploy.line import turn
from deploy.process import run
from deploy.wiring import open_house


def main(home: Path, name: str = "worker") -> None:
    """Work in that home until the process is told to stop."""
    os.nice(5)  # the doors come first, also before the parsing children
    house = open_house(home, name)
    house.work.resume()
    bell = Bell(home, name)
    with run() as stopping:
        while not stopping.is_set():
            if not turn(house):
                bell.wait(0.5)
    bell.close()
    house.parser.close()
    house.writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
