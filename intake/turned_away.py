"""Turned away: how many items of each feed were refused at a door, before anything of them was kept, by day and why.

They are in no vault, so that a rebuild has nothing to count them from: the file stays. A door counts in memory and
writes each second, so that a feed that knocks a thousand times a second costs it nothing; a kill loses that second.
Only who showed a key is counted: to a door, all others are strangers.
"""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from intake.errors import Temporary
from intake.feed import ACCOUNT
from intake.sqlite import Database, Schema

SCHEMA: Schema = {
    "turned_away": (
        """
    create table refused (
        feed text not null, day text not null, code text not null, count integer not null,
        primary key (feed, day, code)) without rowid;
    """,
    )
}
EVERY = 1.0
"""Seconds between two writes."""
CODES = {"account-rate": "feed-rate", "size": "too-big"}
"""Limit of the SMTP door -> what it is called over HTTP, and here."""


class TurnedAway:
    """The counts in a file; `clock` gives UTC."""

    def __init__(self, path: Path | None, clock: Callable[[], datetime]) -> None:
        self._db, self._clock = Database(path, SCHEMA), clock
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._guard, self._coming = threading.Lock(), False

    def count(self, account: str, code: str) -> None:
        """One more item of that account was refused."""
        row = (account.removeprefix(ACCOUNT), f"{self._clock():%Y-%m-%d}", CODES.get(code, code))
        with self._guard:
            self._counts[row] += 1
            if not self._coming:
                self._coming = True
                timer = threading.Timer(EVERY, self.write)
                timer.daemon = True
                timer.start()

    def write(self) -> None:
        """Write what was counted; where the disk doesn't take it, it is written with the next."""
        with self._guard:
            counts, self._counts, self._coming = self._counts, Counter(), False
        try:
            self._db.run_many(
                "insert into refused values (?, ?, ?, ?) on conflict do update set count = count + excluded.count",
                [(*row, count) for row, count in counts.items()],
            )
        except Temporary:
            with self._guard:
                self._counts.update(counts)

    def since(self, feed: str, day: str) -> list[tuple[str, str, int]]:
        """(day, code, count) of that feed from that day on."""
        found = self._db.run("select day, code, count from refused where feed = ? and day >= ?", (feed, day))
        return [(on, code, count) for on, code, count in found]
