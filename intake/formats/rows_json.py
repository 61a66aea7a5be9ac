"""Tables as JSON: an array of objects or of texts, an object that holds one as `rows` or `indicators`, or JSON lines.

Promises a Row for each member; members of the objects are known by the headings of `rows.py`. What is one object a line
is read a line at a time, and a line that is none is a bad row. Standards: RFC 8259; JSON lines (jsonlines.org).
"""

import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec

from intake.formats import rows, rows_stix
from intake.formats.opened import Desk, Item
from intake.sheet import Row

FORMAT = "rows_json"
LARGEST = 50_000_000
LINE = 100_000
"""Most bytes of one line of JSON lines."""
MEMBERS = ("rows", "indicators")


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a table as JSON; if so its rows are now in a Found."""
    content = item.content.removeprefix(b"\xef\xbb\xbf")
    if item.cover or content[:64].lstrip()[:1] not in (b"[", b"{"):
        return False
    if _is_lines(content):
        desk.table(item, FORMAT, _of_lines(content))
        return True
    if len(content) > LARGEST:
        desk.limit(item, "rows", FORMAT, f"JSON of more than {LARGEST:,} bytes is not read; send JSON lines.")
        return True
    return _whole(item, content, desk)


def _whole(item: Item, content: bytes, desk: Desk) -> bool:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    if rows_stix.is_bundle(found):
        rows_stix.take(item, found, desk)
        return True
    listed = _listed(found)
    if listed is None:
        return False
    if _names_something(listed):
        desk.table(item, FORMAT, _of_list(listed))
    else:
        desk.verdict(item, "not-a-report", FORMAT, rows.unknown(_members(listed)))
    return True


def _listed(found: Any) -> list[Any] | None:
    """The list of objects or texts, None where it is none."""
    if isinstance(found, dict):
        found = next((found[name] for name in MEMBERS if isinstance(found.get(name), list)), None)
    return found if isinstance(found, list) and found and isinstance(found[0], (dict, str)) else None


def _names_something(listed: list[Any]) -> bool:
    """Whether one of the first members does: an object by its members' names, a text by its form."""
    first = listed[:20]
    known = any(isinstance(each, dict) and rows.columns(rows.plain(each)) is not None for each in first)
    texts = [rows.row(1, [each], rows.ALONE) for each in first if isinstance(each, str)]
    return known or any(each is not None and each.values for each in texts)


def _members(listed: list[Any]) -> list[str]:
    return list(listed[0]) if isinstance(listed[0], dict) else []


def _of_list(listed: list[Any]) -> Iterator[Row]:
    for line, each in enumerate(listed, 1):
        yield from _one(line, each)


def _one(line: int, each: Any) -> Iterator[Row]:
    if isinstance(each, dict):
        yield from rows.of_objects([(line, each)])
    elif isinstance(each, str):
        found = rows.row(line, [each], rows.ALONE)
        yield from [found] if found is not None else []
    else:
        yield Row(line=line, verdict="unreadable", says="is neither an object nor a text")


def _is_lines(content: bytes) -> bool:
    """Whether the first line is an object that names something, and another line follows or none."""
    first, _, more = content[: LINE + 1].lstrip().partition(b"\n")
    if not first.startswith(b"{") or not (more.lstrip()[:1] == b"{" or not more.strip()):
        return False
    found = _decoded(first)
    return isinstance(found, dict) and not rows_stix.is_bundle(found) and rows.columns(rows.plain(found)) is not None


def _decoded(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _of_lines(content: bytes) -> Iterator[Row]:
    for line, data in enumerate(io.BytesIO(content), 1):
        if len(data) > LINE:
            yield Row(line=line, verdict="unreadable", says=f"the line is longer than {LINE} bytes")
        elif data.strip():
            found = _decoded(data)
            yield from chain(_one(line, found) if isinstance(found, (dict, str)) else _bad_line(line))


def _bad_line(line: int) -> Iterator[Row]:
    yield Row(line=line, verdict="unreadable", says="the line is no JSON object")
