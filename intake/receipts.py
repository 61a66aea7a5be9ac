"""Receipts: the only database that the public side reads: what became of a submission, by reference, without content.

Here a reference finds its submission: by the submission's own id, or by the one that an idempotency key stands for.
States are unpacked, filed, closed, withdrawn and erased; counts are by verdict code. A submission is closed when every
case that its reports are in was closed after they came in. Workers and the sweeper write; all of it is drawn from
records, so that the file may be lost (`deploy/states.py`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from intake.sqlite import Database

SCHEMA: dict[str, tuple[str, ...]] = {
    "receipts": (
        "create table receipts (submission text primary key, state text not null, items text not null)",
        """
    drop table receipts;
    create table taken (
        ref text primary key, submission text not null, state text not null, items text not null,
        adds integer not null) without rowid;
    create index taken_as on taken (submission);
    create table places (
        submission text not null, grouped text not null, at real not null, primary key (submission, grouped))
        without rowid;
    create table closings (
        grouped text primary key, version integer not null, at real not null, outcome text not null) without rowid;
    create table filled (once integer primary key);
    """,
    )
}


class Known(NamedTuple):
    """What may be told of a submission. `adds`: something may be added to it by its reference; `outcome` is how it was
    closed, as who closed it says it ('' where that was not said, or several differ)."""

    state: str
    items: Mapping[str, int] = MappingProxyType({})
    adds: bool = True
    outcome: str = ""


class Taken(NamedTuple):
    """A submission that was opened: the id that its reference is made from, its own, and what was in it."""

    ref: str
    submission: str
    items: Mapping[str, int]
    adds: bool


class Placed(NamedTuple):
    """That a report of a submission is in a case since then (seconds)."""

    submission: str
    case: str
    at: float


class Closing(NamedTuple):
    """That a case was closed then (seconds), as known from `version` of its view."""

    case: str
    version: int
    at: float
    outcome: str


class Receipts:
    """The receipts in a file; a door opens it to read. `closings`: whether it is told that a case was closed."""

    def __init__(self, path: Path, closings: bool = False) -> None:
        self.db, self._closings = Database(path, SCHEMA), closings

    @property
    def filled(self) -> bool:
        """Whether everything that is kept stands here, and not only what came since the file was made."""
        return bool(self.db.run("select 1 from filled"))

    def clear(self) -> None:
        """Make room for all of it anew, which is then said to be here."""
        for table in ("taken", "places", "closings", "filled"):
            self.db.run(f"delete from {table}")  # noqa: S608
        self.db.run("insert into filled values (1)")

    def unpacked(self, rows: Iterable[Taken]) -> None:
        """These were opened, and perhaps filed before we were told. Of two under one reference the first stands, unless
        it was erased."""
        self.db.run_many(
            "insert into taken select ?1, ?2, iif(count(*), 'filed', 'unpacked'), ?3, ?4 from places"
            " where submission = ?2 on conflict do update"
            " set submission = excluded.submission, items = excluded.items, adds = excluded.adds,"
            " state = iif(taken.submission = excluded.submission and taken.state <> 'unpacked', taken.state,"
            " excluded.state)"
            " where (taken.submission = excluded.submission) <> (taken.state = 'erased')",
            [(each.ref, each.submission, msgspec.json.encode(each.items).decode(), each.adds) for each in rows],
        )

    def filed(self, rows: Iterable[Placed]) -> None:
        """These are in cases."""
        placed = list(rows)
        with self.db.together():
            self.db.run_many(
                "insert into places values (?, ?, ?) on conflict do update set at = max(at, excluded.at)", placed
            )
            self.db.run_many(
                "update taken set state = 'filed' where submission = ? and state = 'unpacked'",
                {(each.submission,) for each in placed},
            )

    def withdrawn(self, submissions: Iterable[str]) -> None:
        """These were taken back; they stay so whatever is done with them but erase them."""
        self.db.run_many(
            "insert into taken values (?1, ?1, 'withdrawn', '{}', 1)"
            " on conflict do update set state = 'withdrawn' where taken.state <> 'erased'",
            [(each,) for each in submissions],
        )

    def erased(self, references: Mapping[str, str]) -> None:
        """These were erased: of each submission nothing is left here but the id that its reference was made from."""
        with self.db.together():
            self.db.run_many("delete from places where submission = ?", [(each,) for each in references])
            self.db.run_many(
                "insert into taken values (?, ?, 'erased', '{}', 0) on conflict do update"
                " set state = 'erased', items = '{}', adds = 0 where taken.submission = excluded.submission",
                [(ref, submission) for submission, ref in references.items()],
            )
        self.db.scrub()

    def closed(self, rows: Iterable[Closing]) -> None:
        """These cases are closed."""
        self.db.run_many("insert or replace into closings values (?, ?, ?, ?)", rows)

    def reopened(self, cases: Iterable[str]) -> None:
        """These are not closed any more."""
        self.db.run_many("delete from closings where grouped = ?", [(each,) for each in cases])

    def closings(self, cases: Iterable[str]) -> dict[str, Closing]:
        """What was told of these cases, by the case."""
        listed = msgspec.json.encode(list(cases)).decode()
        rows = self.db.run("select * from closings where grouped in (select value from json_each(?))", (listed,))
        return {row[0]: Closing(*row) for row in rows}

    def closings_after(self, case: str, limit: int) -> list[str]:
        """The cases that were told to be closed, by name, from that one on."""
        return [
            name
            for (name,) in self.db.run(
                "select grouped from closings where grouped > ? order by grouped limit ?", (case, limit)
            )
        ]

    def known(self, ref: str) -> Known | None:
        """What became of the submission whose reference was made from that id, None while no worker has seen it."""
        found = self.db.run("select submission, state, items, adds from taken where ref = ?", (ref,))
        if not found:
            return None
        submission, state, items, adds = found[0]
        outcome = self._outcome(submission) if self._closings and state == "filed" else None
        told = state if outcome is None else "closed"
        return Known(told, msgspec.json.decode(items), bool(adds), outcome or "")

    def submission_of(self, ref: str) -> str:
        """The submission whose reference was made from that id, '' when none is known."""
        found = self.db.run("select submission from taken where ref = ?", (ref,))
        return str(found[0][0]) if found else ""

    def _outcome(self, submission: str) -> str | None:
        """How its cases were closed, None while one is not, or was before a report of it came."""
        rows = self.db.run(
            "select c.outcome from places p left join closings c on c.grouped = p.grouped and c.at >= p.at"
            " where p.submission = ?",
            (submission,),
        )
        found = {outcome for (outcome,) in rows}
        if not found or None in found:
            return None
        return found.pop() if len(found) == 1 else ""

    def gone(self, ref: str) -> bool:
        """Whether that was erased."""
        return bool(self.db.run("select 1 from taken where ref = ? and state = 'erased'", (ref,)))
