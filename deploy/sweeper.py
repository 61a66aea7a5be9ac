"""The sweeper process: recovers what a dead writer left, follows the vault, signs a checkpoint a day, rings workers.

There is one per home, held by a file lock. It says `ready` in the home's `run` folder once the store has
everything that was synced before it started; no step runs before.
"""

import sys
from pathlib import Path

from deploy.bell import Bell, ringer
from deploy.checkpoints import age, write_checkpoint
from deploy.process import run
from deploy.wiring import House, open_house
from intake.follower import only_one
from intake.vault import series

DAY = 86_400.0


def main(home: Path) -> None:
    """Follow until the process is told to stop."""
    house = open_house(home, "sweeper")
    bell, ring = Bell(home, "follower"), ringer(home, "worker")
    with only_one(home), run() as stopping:
        start(house)
        (home / "run" / "ready").write_text("ready\n")
        while not stopping.is_set():
            if house.follower.catch_up():
                ring()
            if age(house) > DAY:
                write_checkpoint(house)
            bell.wait(1.0)
    (home / "run" / "ready").unlink(missing_ok=True)
    bell.close()


def start(house: House) -> None:
    """Bring every series that nobody writes into order, then read all that the store has not seen."""
    house.vault.mkdir(parents=True, exist_ok=True, mode=0o700)
    list(series.recover_all(house.vault))
    house.follower.catch_up()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
