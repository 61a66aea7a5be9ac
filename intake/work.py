"""The Work port: what is still to be done, as `put(step, keys)`; a broker is only a doorbell.

A row (step, key) is put after the record that causes it is kept, and taken away after the next step's row is put. So
some row stands at every moment for whatever is unfinished, as long as a step that is done again puts the next again.
A worker takes rows on a lease; a lease that runs out counts as an attempt, and after three the row is held with its
reason, its bytes safe, until a person says again. Two kinds: `Inline` runs at once (tests, small tools), `LeaseTable`
lasts in SQLite.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from intake.sqlite import Database, Schema

ATTEMPTS = 3
LEASE = 300.0
"""Seconds that a worker may be silent before its items are given to another."""

SCHEMA: Schema = {
    "work": (
        """
    create table work (
        step text not null, key text not null, attempts integer not null default 0, due real not null,
        held text not null default '', owner text not null default '', primary key (step, key)) without rowid;
    create index due on work (held, due);
    """,
    )
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do; `attempts` counts this one."""

    step: str
    key: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that failed three times, or can never be done, with the reason."""

    step: str
    key: str
    reason: str


class Work(Protocol):
    """See the module."""

    def put(self, step: str, keys: Iterable[str]) -> None:
        """These are to be done; one that stands already stays as it is."""


class Inline:
    """Does the work at once, in the calling thread."""

    def __init__(self, steps: Mapping[str, Callable[[Sequence[str]], None]]) -> None:
        self._steps = steps

    def put(self, step: str, keys: Iterable[str]) -> None:
        self._steps[step](list(keys))


class LeaseTable:
    """Lasting work in a SQLite file; `now` is a clock in seconds, `owner` names the worker that takes leases."""

    def __init__(self, database: Database, now: Callable[[], float], owner: str = "") -> None:
        self._db, self._now, self._owner = database, now, owner

    def put(self, step: str, keys: Iterable[str]) -> None:
        now = self._now()
        self._db.run_many(
            "insert or ignore into work (step, key, due) values (?, ?, ?)", [(step, key, now) for key in keys]
        )

    def take(self, limit: int, lease: float = LEASE) -> list[Item]:
        """Up to `limit` due items of one step, leased for so many seconds; poison goes on hold instead.

        An item that was taken before and not done comes alone, so that it can't take others with it again.
        """
        now = self._now()
        with self._db.together():
            self._db.run(
                "update work set held = 'its worker died or hung three times'"
                " where held = '' and due <= ? and attempts >= ?",
                (now, ATTEMPTS),
            )
            first = self._db.run(
                "select step, attempts from work where held = '' and due <= ? order by attempts, due limit 1", (now,)
            )
            if not first:
                return []
            step, attempts = first[0]
            found = self._db.run(
                "update work set attempts = attempts + 1, due = ?, owner = ? where (step, key) in (select step, key"
                " from work where held = '' and due <= ? and step = ? and attempts = ? order by due limit ?)"
                " returning step, key, attempts",
                (now + lease, self._owner, now, step, attempts, 1 if attempts else limit),
            )
        return [Item(*row) for row in found]

    def resume(self) -> None:
        """To be called by a worker when it starts: what it held when it last died is due now, not after its lease."""
        self._db.run("update work set due = ?, owner = '' where owner = ? and held = ''", (self._now(), self._owner))

    def done(self, step: str, keys: Iterable[str]) -> None:
        """These are finished: their successors are kept."""
        self._db.run_many("delete from work where step = ? and key = ?", [(step, key) for key in keys])

    def again(self, item: Item, after: float) -> None:
        """The world was not ready: the same attempt counts as none, and comes back after so many seconds."""
        self._db.run(
            "update work set attempts = max(attempts - 1, 0), due = ?, owner = '' where step = ? and key = ?",
            (self._now() + after, item.step, item.key),
        )

    def failed(self, item: Item, reason: str, for_good: bool = False) -> None:
        """It failed: try again soon, or hold it when that was the third time or it can never be done."""
        held = reason[:500] if for_good or item.attempts >= ATTEMPTS else ""
        self._db.run(
            "update work set held = ?, due = ?, owner = '' where step = ? and key = ?",
            (held, self._now() + 2.0**item.attempts, item.step, item.key),
        )

    def held(self) -> list[Held]:
        """All that is on hold."""
        return [
            Held(*row) for row in self._db.run("select step, key, held from work where held <> '' order by step, key")
        ]

    def retry(self, step: str, key: str) -> bool:
        """Take an item off hold, to be done afresh; whether there was one."""
        changed = self._db.run(
            "update work set held = '', attempts = 0, due = ? where step = ? and key = ? and held <> '' returning key",
            (self._now(), step, key),
        )
        return bool(changed)

    def keys(self, step: str) -> list[str]:
        """The keys of a step's items, those on hold too."""
        return [key for (key,) in self._db.run("select key from work where step = ?", (step,))]

    def pending(self, step: str, key: str) -> bool:
        """Whether that is to be done and not on hold."""
        return bool(self._db.run("select 1 from work where step = ? and key = ? and held = ''", (step, key)))

    def soon(self, seconds: float) -> set[str]:
        """The steps with items that a worker has, or that are due within so many seconds."""
        rows = self._db.run(
            "select distinct step from work where held = '' and (owner <> '' or due <= ?)", (self._now() + seconds,)
        )
        return {step for (step,) in rows}

    def waiting(self) -> dict[str, int]:
        """How many items of each step are not done and not on hold."""
        return dict(self._db.run("select step, count(*) from work where held = '' group by step"))
