"""The archive: vault and store together; `keep` is the only write path for records.

`keep(record)` returns whatever is now kept under the record's key: ours, or the one that was there first. The store
says who is first (a create-only row that holds the record), the vault makes it last, and the row is visible once
its frame is durable; whoever meets an unfinished row finishes *that* record and drops its own. Nothing is updated.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from intake.errors import Damaged, Refused
from intake.record import HOUSE, Record, Value, sha256
from intake.report import Decoding, Report
from intake.store import Place, Row, Slot, Store, every, row_of
from intake.submission import Part, Submission
from intake.vault import frame
from intake.vault.book import blank
from intake.vault.reader import Opened, Reader
from intake.vault.writer import Writer

R = TypeVar("R", bound=Record)
Name = tuple[str, str]
"""(kind, key) of a record."""
_GONE = "the {} that this {} belongs to is not kept any more"


class Erasure(Record, frozen=True):
    """That the slots of these owners were blanked, why and by whom; kept before anything is erased.

    `references`: submissions among them, and the id that their reference was made from, where that is another one.
    `cases` are counted anew after it.
    """

    kind = "erasure"

    id: str
    owners: tuple[Name, ...]
    slots: tuple[Slot, ...]
    reason: str
    by: str
    at: datetime
    references: tuple[Name, ...] = ()
    cases: tuple[str, ...] = ()


class CarriedOut(Record, frozen=True):
    """That nothing of an erasure is left to do, here and in the databases beside; in the store alone."""

    kind = "carried_out"

    id: str


class LegalHold(Record, frozen=True):
    """That this owner must not be erased while a court or a case needs it; `lifted` makes it the end of that hold."""

    kind = "legal_hold"
    indexed = ("owner",)

    id: str
    owner: str
    reason: str
    by: str
    at: datetime
    lifted: str = ""
    """Id of the hold that this record ends."""


class Proof(Value, frozen=True):
    """What proves a kept record: its frame's header and salt; SHA-256 of salt and body is the header's plain digest."""

    header: bytes
    salt: bytes


class Archive:
    """Keeps and reads records. `reader` opens evidence, `writer` owns this process's series."""

    def __init__(self, store: Store, reader: Reader, writer: Writer) -> None:
        self.store, self.reader, self.writer = store, reader, writer
        self._reached = writer.start

    def keep(self, record: R) -> R:
        """What is now kept under that key."""
        kept: R = self.keep_all([record])[0]
        return kept

    def keep_all(self, records: Sequence[R]) -> list[R]:
        """What is now kept under the key of each; one transaction and one sync for all of them.

        `Refused('erased')` when the owner of one was erased.
        """
        if not records:
            return []
        rows = self._rows(records)
        standing = self._begin([rows[each.kind, each.key] for each in records])
        self._finish([row for row in standing if row.place is None])
        self._release(rows)
        return [
            mine if mine.body == row.body else type(mine).read(row.body)
            for mine, row in zip(records, standing, strict=True)
        ]

    def _rows(self, records: Sequence[Record]) -> dict[Name, Row]:
        """A row for each record, with a slot: its own, its owner's, or the house's."""
        own = {(each.kind, each.key) for each in records if each.under == (each.kind, each.key)}
        owners = {each.under for each in records} - own - {HOUSE}
        known = self.store.rows(owners | own)
        slots: dict[Name, Slot | None] = {name: row.slot for name, row in known.items()}
        slots |= {name: self.writer.new_slot() for name in own if name not in known}
        slots[HOUSE] = self.writer.house
        rows: dict[Name, Row] = {}
        for record in records:
            slot = slots.get(record.under)
            if slot is None:
                raise Refused("erased", _GONE.format(record.under[0], record.kind))
            rows.setdefault((record.kind, record.key), row_of(record, slot))
        return rows

    def _begin(self, rows: Sequence[Row]) -> list[Row]:
        """Put the rows into the store, all or none: none when somebody has erased the owner of one meanwhile."""
        owners = {row.owner: row for row in rows if row.owner not in (HOUSE, (row.kind, row.key))}
        with self.store.together():
            standing = list(self.store.begin(rows))
            known = self.store.rows(owners)
            for owner, row in owners.items():
                if owner not in known or known[owner].slot is None:
                    raise Refused("erased", _GONE.format(owner[0], row.kind))
        return standing

    def _finish(self, unfinished: Sequence[Row]) -> None:
        places: dict[Name, Place] = {}
        for row in unfinished:
            if (row.kind, row.key) not in places and row.slot is not None:
                places[row.kind, row.key] = self.writer.append(row.kind, row.slot, row.body)
        if places:
            mark = self.writer.commit().result()
            with self.store.together():
                self.store.finish(places)
                self._advance((mark.segment, mark.offset))

    def _advance(self, reached: tuple[int, int]) -> None:
        """Spare the follower our own series, as long as the store holds all that came before in it."""
        if not self.writer.unlisted and self.store.position(self.writer.series) == self._reached:
            self.store.advance(self.writer.series, *reached)
        self._reached = reached

    def _release(self, rows: dict[Name, Row]) -> None:
        for row in rows.values():
            if row.slot is not None and row.owner == (row.kind, row.key):
                self.writer.release(row.slot)

    def get(self, type_: type[R], key: str) -> R | None:
        """The kept record under that key, or None."""
        return self.store.get(type_, key)

    def get_all(self, type_: type[R], keys: Iterable[str]) -> dict[str, R]:
        """Those kept records of these keys that there are, by key."""
        return self.store.get_all(type_, keys)

    def holds(self, record: Record) -> bool:
        """Whether a record is small enough to be kept."""
        return len(record.body) <= frame.MAX_PLAIN

    def write_parts(self, owner: Name, data: bytes | memoryview) -> tuple[Part, ...]:
        """Put bytes into the vault as part frames under the owner's slot; durable with the next keep."""
        row = self.store.rows([owner]).get(owner)
        if row is None or row.slot is None:
            raise Refused("erased", f"the {owner[0]} that these bytes belong to is not kept any more")
        parts = []
        for start in range(0, len(data), frame.MAX_PLAIN):
            piece = bytes(data[start : start + frame.MAX_PLAIN])
            place = self.writer.append("part", row.slot, piece)
            parts.append(Part(series=place.series, segment=place.segment, offset=place.offset, size=len(piece)))
        return tuple(parts)

    def bytes_of(self, kept: Submission | Decoding) -> bytes:
        """The bytes of a submission or of a decoding, checked against its digest.

        `Refused('erased')` when they were erased, `Damaged` when they don't match.
        """
        pieces = []
        for part in kept.parts:
            opened = self.reader.read(Place(series=part.series, segment=part.segment, offset=part.offset))
            if opened is None:
                raise Refused("erased", "these bytes were erased")
            pieces.append(opened.plain)
        data = b"".join(pieces)
        if sha256(data) != kept.sha256:
            raise Damaged(kept.sha256)
        return data

    def message(self, report: Report) -> bytes:
        """The reported message: its slice of the original bytes, checked against the report's digest."""
        return self.messages([report])[report.id]

    def messages(self, reports: Iterable[Report]) -> dict[str, bytes]:
        """Bulk form of `message`, by the report's id; what several of them are slices of is read once."""
        by_source: dict[Name, list[Report]] = {}
        for each in reports:
            decoded = each.source != Submission.kind
            source = (Decoding.kind, each.source) if decoded else (Submission.kind, each.submission)
            by_source.setdefault(source, []).append(each)
        found: dict[str, bytes] = {}
        for (kind, key), slices in by_source.items():
            kept = self.get(Submission, key) if kind == Submission.kind else self.get(Decoding, key)
            if kept is None:
                raise Refused("erased", "the submission of this report is not kept any more")
            whole = memoryview(self.bytes_of(kept))
            found |= {each.id: _slice(whole, each) for each in slices}
        return found

    def proof(self, record: Record) -> Proof:
        """Header and salt of a kept record's frame; `Refused` when it was erased or is not kept."""
        row = self.store.rows([(record.kind, record.key)]).get((record.kind, record.key))
        opened: Opened | None = self.reader.read(row.place) if row and row.place else None
        if opened is None:
            raise Refused("erased", f"this {record.kind} is not kept any more")
        return Proof(header=opened.header.raw, salt=opened.salt)

    def held(self, owner: Name) -> bool:
        """Whether a legal hold stands on that owner."""
        holds = list(every(self.store, LegalHold, {"owner": f"{owner[0]} {owner[1]}"}))
        lifted = {each.lifted for each in holds}
        return any(not each.lifted and each.id not in lifted for each in holds)

    def erase(self, owners: Sequence[Name], erasure: dict[str, Any]) -> Erasure:
        """Erase these owners and all that is sealed under them: record, slots, rows, in this order.

        `erasure`: id, reason, by, at, references. `Refused('held')` when a legal hold stands on one of them. The caller
        folds the views concerned anew.
        """
        for owner in owners:
            if self.held(owner):
                raise Refused("held", f"a legal hold stands on {owner[0]} {owner[1]}")
        found = self.store.rows(owners)
        slots = tuple(row.slot for row in found.values() if row.slot is not None)
        kept = self.keep(Erasure(owners=tuple(owners), slots=slots, **erasure))
        self.carry_out(kept)
        return kept

    def discard(self, slots: Sequence[Slot], erasure: dict[str, Any]) -> None:
        """Blank slots that no record stands under, as those of submissions without an end."""
        self.carry_out(self.keep(Erasure(owners=(), slots=tuple(slots), **erasure)))

    def carry_out(self, erasure: Erasure) -> None:
        """Blank the slots and forget the rows; doing it twice does no harm.

        Whoever was erased and came back, as a reporter who reports again, has a slot of their own since: that stays.
        """
        for slot in erasure.slots:
            blank(self.reader.folder, slot)
        self.reader.drop_keys()
        if not erasure.owners:
            return
        rows = self.store.rows(erasure.owners)
        back = {name for name, row in rows.items() if row.slot is not None and row.slot not in erasure.slots}
        self.store.forget(name for name in erasure.owners if name not in back)

    def unfinished(self, erasure: Erasure) -> bool:
        """Whether it was cut short: rows of what it erased are still there."""
        return any(row.slot in erasure.slots for row in self.store.rows(erasure.owners).values())


def _slice(whole: memoryview, report: Report) -> bytes:
    data = bytes(whole[report.start : report.end])
    if sha256(data) != report.sha256:
        raise Damaged(report.sha256)
    return data
