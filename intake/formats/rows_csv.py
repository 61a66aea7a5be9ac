"""Tables as text: comma, semicolon, tab or bar between the cells (RFC 4180 and its kin), or a list, one thing a line.

Promises that a mail is never taken for a table: there must be a heading that names something, or every one of the first
lines must be an address, domain, link or the like. Lines after '#' are remarks; the last one before the data may be the
heading. UTF-8 with or without its mark, UTF-16. A text that calls itself a table and names nothing is told so.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from intake.formats import rows, rows_value
from intake.formats.opened import Desk, Item
from intake.formats.raw import FIELDS
from intake.formats.rows import ALONE, Columns
from intake.sheet import Row

FORMAT = "rows_csv"
NAMES = (".csv", ".tsv", ".tab", ".psv")
DELIMITERS = ",;\t|"
HEAD = 65_536
"""Bytes in which heading and first rows are sought."""
REMARKS = 200
"""Most remarks before the data."""
PROOF = 20
"""Rows of a list by which it is recognised as one."""
_FIELD = re.compile(r"([!-9;-~]{1,60})[ \t]{0,5}:")


class Table(NamedTuple):
    """How a text is read as a table; `skipped` lines stand before its first row."""

    encoding: str
    delimiter: str
    known: Columns
    skipped: int


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a table; if so its rows are now in a Found."""
    if item.cover:
        return False
    content = item.content
    table = recognised(content[:HEAD])
    if table is not None:
        desk.table(item, FORMAT, _rows(content, table))
        return True
    headings = _headings(content[:HEAD]) if item.filename.lower().endswith(NAMES) else ()
    if headings:
        desk.verdict(item, "not-a-report", FORMAT, rows.unknown(headings))
    return bool(headings)


def recognised(head: bytes) -> Table | None:
    """How the text that begins with `head` is read as a table; None where it is none."""
    encoding = _encoding(head)
    lines = _lines(head, encoding)
    if len(head) >= HEAD:
        lines = lines[:-1]
    remarks = [line for line in lines[:REMARKS] if line.startswith("#")]
    start = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith(("#", "sep="))), -1)
    if start < 0 or start > REMARKS or _is_mail(lines[start]):
        return None
    found = _by_heading(lines[start])
    if found:
        return Table(encoding, *found, start + 1)
    found = _by_heading(remarks[-1].lstrip("# ")) if remarks and remarks[-1] in lines[:start] else None
    if found and len(_cells(lines[start], found[0])) == len(found[1].headings):
        return Table(encoding, *found, start)
    return Table(encoding, "", ALONE, start) if _is_list(lines[start:]) else None


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) > 3 and not any(head[1:200:2]):
        return "utf-16-le"
    return "utf-8-sig"


def _lines(head: bytes, encoding: str) -> list[str]:
    even = head[: len(head) // 2 * 2] if encoding.startswith("utf-16") else head
    return re.split(r"\r\n|\r|\n", even.decode(encoding, "replace"))


def _is_mail(line: str) -> bool:
    """Whether the line is a header field of a mail, or the separator of a mailbox."""
    field = _FIELD.match(line)
    return (field is not None and field[1].lower() in FIELDS) or line.startswith("From ")


def _by_heading(line: str) -> tuple[str, Columns] | None:
    """Delimiter and columns by which the line names most; one word alone is a heading too."""
    found = [(each, known) for each in DELIMITERS if (known := rows.columns(_cells(line, each))) is not None]
    return max(found, key=lambda pair: len(pair[1].headings), default=None)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _is_list(lines: Iterable[str]) -> bool:
    """Whether each of the first lines is one thing that can be named, but for one in five."""
    first = [line for line in islice(lines, 200) if line.strip() and not line.startswith("#")][:PROOF]
    good = sum(_names(line.strip()) for line in first)
    return good > 0 and good * 5 >= len(first) * 4


def _names(line: str) -> bool:
    if len(line) > rows_value.LONGEST or " " in line:
        return False
    try:
        return bool(rows_value.any_(line))
    except rows_value.Bad:
        return False


def _headings(head: bytes) -> Sequence[str]:
    """The first row of what is called a table; () where it doesn't look like one."""
    if b"\0" in head.replace(b"\0", b"", 1) and _encoding(head) == "utf-8-sig":
        return ()
    lines = [line for line in _lines(head, _encoding(head)) if line.strip() and not line.startswith("#")][:1]
    if not lines or _is_mail(lines[0]):
        return ()
    return max((_cells(lines[0], each) for each in DELIMITERS), key=len)


def _rows(content: bytes, table: Table) -> Iterator[Row]:
    text = io.TextIOWrapper(io.BytesIO(content), table.encoding, "replace", newline="")
    lines = islice(text, table.skipped, None)
    return _of_list(lines, table) if not table.delimiter else _of_table(lines, table)


def _of_list(lines: Iterable[str], table: Table) -> Iterator[Row]:
    for number, line in enumerate(lines, table.skipped + 1):
        if not line.startswith("#"):
            found = rows.row(number, [line], table.known)
            if found is not None:
                yield found


def _of_table(lines: Iterator[str], table: Table) -> Iterator[Row]:
    """The rows; one that can't be read as cells is a bad one, and the next line begins anew."""
    reader = csv.reader(lines, delimiter=table.delimiter)
    while True:
        line = table.skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(
                line=line,
                verdict="unreadable",
                says=f"the row has a cell of more than {csv.field_size_limit()} characters",
            )
            continue
        if cells and not cells[0].startswith("#"):
            found = rows.row(line, cells, table.known)
            if found is not None:
                yield found
