"""The sweeper process: recovers what a dead writer left, follows the vault, rings workers, tells how cases stand.
Once a day it ends what was kept long enough and signs a checkpoint.

There is one per home, held by a file lock. It says `ready` in the home's `run` folder once the store has
everything that was synced before it started; no step runs before.
"""

import logging
import sys
from pathlib import Path

from deploy import erasing, retention, spare, states
from deploy.alarm import Alarm
from deploy.bell import Bell, ringer
from deploy.checkpoints import age, write_checkpoint
from deploy.feeds import Reconciler, fill_keyring
from deploy.process import run
from deploy.wiring import House, now, open_house
from intake.follower import only_one
from intake.vault import series

log = logging.getLogger("lapwing.sweeper")
DAY = 86_400.0


def main(home: Path) -> None:
    """Follow until the process is told to stop."""
    house = open_house(home, "sweeper")
    bell, ring = Bell(home, "follower"), ringer(home, "worker")
    with only_one(home), run() as stopping:
        start(house)
        fill_keyring(house.archive, house.keyring)
        feeds = Reconciler(house.archive, house.outcomes, now)
        cases = states.Reconciler(house.archive, house.receipts)
        mine = house.settings.lanes
        alarm = Alarm(house.store, house.work, now, mine.every, bool(mine.alarm_to))
        (home / "run" / "ready").write_text("ready\n")
        while not stopping.is_set():
            if house.follower.catch_up():
                ring()
            feeds.turn()
            cases.turn()
            alarm.turn()
            spare.lay(home, house.settings.reserve)
            if age(house) > DAY:
                daily(house)
            bell.wait(1.0)
    (home / "run" / "ready").unlink(missing_ok=True)
    bell.close()


def daily(house: House) -> None:
    """Erase what was kept long enough, then sign a checkpoint, which names what was erased."""
    erased, overdue = retention.run(house, now().date())
    if erased or overdue:
        log.info("retention: %d submissions erased, %d overdue", erased, overdue)
    write_checkpoint(house)


def start(house: House) -> None:
    """Bring every series that nobody writes into order, read all that the store has not seen, finish erasures; fill
    receipts that were lost."""
    house.vault.mkdir(parents=True, exist_ok=True, mode=0o700)
    list(series.recover_all(house.vault))
    house.follower.catch_up()
    erasing.complete(house)
    if not house.receipts.filled:
        states.fill(house.archive, house.receipts)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
