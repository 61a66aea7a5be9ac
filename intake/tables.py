"""Tables: the rows that a parsing child read are kept as sheets, and their table gets its verdict.

The child's word is taken for what a row says, as for every claim; its shape is checked here, and so are the counts. The
same table from the same sender is kept once. Sheets of many rows are kept together, because an index that grows in few,
sorted steps costs least.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from intake.archive import Archive
from intake.formats.opened import Found
from intake.record import name_of
from intake.sheet import ROWS, Row, Sheet, Tally
from intake.submission import Verdict

TOGETHER = 100
"""Sheets that are kept as one."""
_rows = msgspec.msgpack.Decoder(type=tuple[Row, ...])


class Table(NamedTuple):
    """A table of a submission: what the child found, the id of what it is a slice of, and its SHA-256."""

    submission: str
    found: Found
    source: str
    sha256: str


def keep_table(archive: Archive, table: Table, reporter: str) -> Verdict:
    """Keep the sheets of a table; its verdict. Doing it again changes nothing."""
    left = _sheets(table, reporter)
    tally = Tally()
    try:
        while sheets := list(islice(left, TOGETHER)):
            if not all(archive.holds(each) for each in sheets):
                raise msgspec.ValidationError
            kept = archive.keep_all(sheets)
            if any(each.submission != table.submission for each in kept):
                return _verdict(table, "duplicate", "the same sender handed in this table before")
            tally.add(row for sheet in sheets for row in sheet.rows)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _verdict(table, "not-fully-examined", "the parser gave back no rows (shape); the bytes are kept")
    return msgspec.structs.replace(
        _verdict(table, "rows", tally.told), rows=tally.good, bad=tally.bad, faults=tuple(tally.faults)
    )


def _sheets(table: Table, reporter: str) -> Iterator[Sheet]:
    found = table.found
    name = "t" + name_of("table", reporter, table.sha256, found.part)[:20]
    for number, packed in enumerate(found.sheets, 1):
        rows: Sequence[Row] = _rows.decode(packed)
        if len(rows) > ROWS:
            raise msgspec.ValidationError
        yield Sheet(
            id=f"{name}/{number:04}", submission=table.submission, reporter=reporter, format=found.format,
            source=table.source, start=found.start, end=found.end, sha256=table.sha256, name=found.name,
            part=found.part, rows=tuple(rows),
        )  # fmt: skip


def _verdict(table: Table, code: str, says: str) -> Verdict:
    found = table.found
    return Verdict(code=code, says=says, name=found.name, sha256=table.sha256, format=found.format)
