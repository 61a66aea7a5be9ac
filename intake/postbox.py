"""Postbox: which events of which feed were posted, and when the next attempt is due.

Events of a feed go in order, each at least once; one that is not taken is tried again with a growing delay for as long
as it takes, and no feed waits for another. A replay sets the number back.
"""

from typing import NamedTuple

from intake.outcomes import Outcomes

FIRST, LONGEST = 2.0, 3600.0
"""Seconds until the second attempt, and at most between two."""


class Posted(NamedTuple):
    """How far a feed's events were taken: up to `n`; attempts that failed since, and what the last one said."""

    n: int
    attempts: int
    due: float
    said: str


class Postbox:
    """The state of all deliveries, in the file of the outcomes."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._db = outcomes.db

    def state(self, feed: str) -> Posted:
        """How far it is with that feed."""
        found = self._db.run("select n, attempts, due, said from posted where feed = ?", (feed,))
        return Posted(*found[0]) if found else Posted(0, 0, 0.0, "")

    def taken(self, feed: str, before: int, n: int) -> None:
        """All up to `n` were taken; void when somebody asked for a replay since `before`."""
        self._db.run("insert or ignore into posted (feed, n) values (?, 0)", (feed,))
        self._db.run(
            "update posted set n = ?, attempts = 0, due = 0, said = '' where feed = ? and n = ?", (n, feed, before)
        )

    def failed(self, feed: str, now: float, said: str) -> None:
        """They were not taken."""
        self._db.run("insert or ignore into posted (feed, n) values (?, 0)", (feed,))
        attempts = self.state(feed).attempts + 1
        wait = min(FIRST * 2.0 ** min(attempts - 1, 20), LONGEST)
        self._db.run(
            "update posted set attempts = ?, due = ?, said = ? where feed = ?", (attempts, now + wait, said, feed)
        )

    def again(self, feed: str) -> None:
        """Try at once: the address is another one now."""
        self._db.run("update posted set attempts = 0, due = 0, said = '' where feed = ?", (feed,))

    def replay(self, feed: str, n: int) -> None:
        """Post again from event `n` on, now."""
        self._db.run(
            "insert into posted (feed, n) values (?, ?) on conflict (feed) do update set n = excluded.n, attempts = 0,"
            " due = 0, said = ''",
            (feed, max(n - 1, 0)),
        )
