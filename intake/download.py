"""Download: answers of the API as CSV, for people who open them in a spreadsheet.

A file begins with the mark of UTF-8, without which spreadsheets take it for something else, and with a heading. A cell
that a spreadsheet would run as a formula is preceded by an apostrophe. RFC 4180; OWASP, CSV Injection.
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from intake.answers import Item, Page, Reported, Stats

TYPE = "text/csv"
_FORMULA = frozenset("=+-@\t\r")
_ITEM = (
    "reference", "item", "received", "name", "verdict", "says", "format", "report", "state", "group", "group_state",
    "seconds", "rows", "bad", "sha256",
)  # fmt: skip
_LIST = ("reference", "item", "name", "format", "rows", "bad")
_DAY = ("day", "accepted", "duplicate", "refused", "verdicts", "triaged", "mean", "half_below", "most_below")


def reports(page: Page) -> bytes:
    """The items, one a row."""
    return _table(_ITEM, (_item(each) for each in page.items))


def _item(item: Item) -> list[object]:
    return [getattr(item, name) for name in _ITEM]


def rows(told: Reported) -> bytes:
    """The lists of a submission, and of each the bad rows that are named, one a row."""
    lists = [each for each in told.items if each.verdict == "rows"]
    named = [[*_list(each), *fault] for each in lists for fault in _faults(each)]
    return _table((*_LIST, "line", "column", "fault"), named)


def _list(item: Item) -> list[object]:
    return [getattr(item, name) for name in _LIST]


def _faults(item: Item) -> list[tuple[object, ...]]:
    return [(each.line, each.column, each.says) for each in item.faults] or [(None, "", "")]


def stats(told: Stats) -> bytes:
    """The days, one a row, the newest first; seconds to triage as in `intake.answers.Pace`."""
    rows = []
    for day in told.days:
        verdicts = ", ".join(f"{code} {count}" for code, count in sorted(day.verdicts.items()))
        pace = day.triage
        paces = (pace.count, pace.mean, pace.half_below, pace.most_below) if pace else (0, None, None, None)
        rows.append([day.day, day.accepted, day.duplicate, day.refused, verdicts, *paces])
    return _table(_DAY, rows)


TABLES: Mapping[type, Callable[[Any], bytes]] = {Page: reports, Stats: stats}
"""What can be had as CSV."""


def _table(heading: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heading)
    writer.writerows([_cell(each) for each in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if not isinstance(value, str):
        return value
    return f"'{value}" if unicodedata.normalize("NFKC", value[:1]) in _FORMULA else value
