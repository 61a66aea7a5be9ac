"""The follower: reads the tails of all series into store and work; there is one, held by a file lock.

It reads each series up to the frame that its writer has published as synced, and puts rows, unfinished work and its
position into the store as one. On an empty store the same pass is the rebuild. Doors touch no store; without the
follower nothing that they took would be worked on.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from intake.errors import Damaged, Temporary
from intake.loose import Loose
from intake.record import Record
from intake.store import Place, Row, Store, row_of
from intake.vault import series
from intake.vault.book import blanked
from intake.vault.frame import Header
from intake.vault.reader import Reader
from intake.work import LeaseTable

_Framed = tuple[Place, Header, bytes]
log = logging.getLogger("lapwing.follower")
BATCH = 500
"""Frames that go into the store as one."""
PART, CLOSING = "part", "submission"
"""Kinds of the frames that hold a submission's bytes, and of the one that ends it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work: records of kind `cause` cause it, one of kind `end` ends it.

    `cause_field` names the field of the causing record that holds the key of the work; the ending record's key is that
    key with `end_suffix`.
    """

    name: str
    cause: str
    cause_field: str
    end: str
    end_suffix: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What the kinds mean: their classes, the steps, and what else a record refills when it is read."""

    kinds: Mapping[str, type[Record]]
    steps: tuple[Step, ...]
    refills: Mapping[str, Callable[[Record], None]] = field(default_factory=dict)


class Follower:
    """Reads series into `store` and `work` as `table` says."""

    def __init__(
        self, reader: Reader, store: Store, work: LeaseTable, table: Table, loose: Loose | None = None
    ) -> None:
        self._reader, self._store, self._work, self._table, self._loose = reader, store, work, table, loose
        self.damaged: dict[str, str] = {}
        """Series -> where it is damaged and how. A record that can't be opened is left out; of a series whose frames
        are broken nothing after that place is followed."""

    def catch_up(self, step: Callable[[int], None] = lambda frames: None) -> int:
        """Read until nothing new is there; how many frames. `step` is told after each batch."""
        total = 0
        while True:
            read = sum(self._one(name, step) for name in series.all_series(self._reader.folder))
            total += read
            if not read:
                return total

    @property
    def begun(self) -> bool:
        """Whether the store has read anything of any series yet."""
        return any(self._store.position(name) != (0, 0) for name in series.all_series(self._reader.folder))

    @property
    def behind(self) -> bool:
        """Whether some series has synced frames that the store has not seen."""
        return any(self._unread(name) for name in series.all_series(self._reader.folder))

    def _unread(self, name: str) -> bool:
        mark = series.synced(self._reader.folder, name)
        return self._store.position(name) != (mark.segment, mark.offset)

    def _one(self, name: str, step: Callable[[int], None]) -> int:
        mark = series.synced(self._reader.folder, name)
        position = self._store.position(name)
        if not self._unread(name):
            return 0
        count = 0
        frames = self._sound(name, self._reader.follow(name, *position))
        while batch := list(islice(frames, BATCH)):
            place, header, _ = batch[-1]
            self._take(batch, name, place.segment, place.offset + len(header.raw) + header.length)
            count += len(batch)
            step(len(batch))
        if name not in self.damaged:
            self._store.advance(name, mark.segment, mark.offset)
        return count

    def _sound(self, name: str, frames: Iterator[_Framed]) -> Iterator[_Framed]:
        """The frames of a series up to where it is damaged, if it is; other series go on."""
        try:
            yield from frames
        except Damaged as error:
            self._alarm(name, error)

    def _alarm(self, name: str, error: Damaged) -> None:
        if name not in self.damaged:
            log.critical("ALARM: evidence is damaged at %s: %s; run `lapwing verify`", error.digest, error.says)
        self.damaged[name] = f"{error.digest}: {error.says}"

    def _take(self, batch: list[_Framed], name: str, segment: int, offset: int) -> None:
        opened = [pair for pair in (self._read(*each) for each in batch) if pair is not None]
        with self._store.together():
            opened = self._not_erased(opened)
            self._store.begin([row for _, row in opened])
            for record, _ in opened:
                self._note(record)
            self._note_loose(batch)
            self._store.advance(name, segment, offset)

    def _note_loose(self, batch: Sequence[_Framed]) -> None:
        """The slots of parts whose end is not there yet; a decoding's parts stand in the series of a worker."""
        parts = {
            header.slot for place, header, _ in batch if header.kind == PART and header.slot.series == place.series
        }
        closed = {header.slot for _, header, _ in batch if header.kind == CLOSING}
        if self._loose is not None and (parts or closed):
            self._loose.seen(parts - closed - blanked(self._reader.folder, parts - closed), closed)

    def _not_erased(self, opened: list[tuple[Record, Row]]) -> list[tuple[Record, Row]]:
        """Without what was erased since it was opened: slots are blanked before the store forgets, which waits for
        us."""
        gone = blanked(self._reader.folder, {row.slot for _, row in opened if row.slot is not None})
        return [(record, row) for record, row in opened if row.slot not in gone]

    def _read(self, place: Place, header: Header, stored: bytes) -> tuple[Record, Row] | None:
        type_ = self._table.kinds.get(header.kind)
        try:
            opened = self._reader.open(header, stored) if type_ else None
        except Damaged as error:
            self._alarm(place.series, error)
            return None
        if type_ is None or opened is None:
            return None
        record = type_.read(opened.plain)
        return record, row_of(record, header.slot, place)

    def _note(self, record: Record) -> None:
        """Put the work that this record causes and nobody has ended; only the worker itself takes work away."""
        for step in self._table.steps:
            if record.kind == step.cause:
                key = getattr(record, step.cause_field)
                if not self._ended(step, key):
                    self._work.put(step.name, [key])
        if record.kind in self._table.refills:
            self._table.refills[record.kind](record)

    def _ended(self, step: Step, key: str) -> bool:
        return self._store.get(self._table.kinds[step.end], key + step.end_suffix) is not None

    def settle(self) -> None:
        """After a rebuild: take away work whose end was read after its cause."""
        for step in self._table.steps:
            self._work.done(step.name, [key for key in self._work.keys(step.name) if self._ended(step, key)])


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the follower's lock; `Temporary` when another process follows."""
    handle = os.open(home / "follower.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            says = "another process works in this home, such as a running `lapwing serve`; stop it first"
            raise Temporary(says, 1.0) from error
        yield
    finally:
        os.close(handle)
