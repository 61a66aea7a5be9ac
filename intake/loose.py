"""Loose pieces: parts of submissions whose end never came, because the sender broke off or a door died.

They count for nothing and nobody answered for them, but they are sealed under a key slot that nothing names: no erasure
of a person would reach it. So the follower notes each such slot, and what is still loose after a day is destroyed.
"""

from collections.abc import Callable, Iterable

from intake.sqlite import Database, Schema
from intake.store import Slot

SCHEMA: Schema = {"loose": ("create table loose (slot text primary key, since real not null) without rowid",)}
DAY = 86_400.0
"""Seconds; no door waits for the rest of a submission for so long."""


class Loose:
    """The slots in a database file, each with when it was first seen; `now` is a clock in seconds."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._db, self._now = database, now

    def seen(self, parts: Iterable[Slot], closed: Iterable[Slot]) -> None:
        """Parts under these slots were read, and the ends of those."""
        ended = {_text(each) for each in closed}
        self.forget(closed)
        rows = [(each, self._now()) for each in sorted({_text(each) for each in parts} - ended)]
        self._db.run_many("insert or ignore into loose values (?, ?)", rows)

    def over(self) -> list[Slot]:
        """Those that have been loose for a day, as far as is known here."""
        found = self._db.run("select slot from loose where since <= ? order by slot", (self._now() - DAY,))
        return [_slot(text) for (text,) in found]

    def forget(self, slots: Iterable[Slot]) -> None:
        """These aren't loose."""
        if self._db.run("select 1 from loose limit 1"):
            self._db.run_many("delete from loose where slot = ?", [(_text(each),) for each in slots])


def _text(slot: Slot) -> str:
    return f"{slot.series}/{slot.book}/{slot.number}"


def _slot(text: str) -> Slot:
    series, book, number = text.split("/")
    return Slot(series=series, book=int(book), number=int(number))
