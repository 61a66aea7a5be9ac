"""Support: what lists of feeds say of the things that a case names: its senders, domains, mailboxes, wallets and files.

Promises that it is said and nothing more: rows count as no reporter, lift no band, open no case and join nothing. It is
drawn when it is asked for, so a list that comes after the report counts too, and one that was erased no longer does.
What it costs is bounded whatever is stored: so many things are looked for and so many sheets are opened, and where one
of these ends was reached the numbers are said to be the least ones. A network in a list counts for a sender inside it.
The same list from the same feed twice is one.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from intake.record import Value
from intake.sheet import CLAIM, Row, Sheet
from intake.store import Store
from triage.case import Filing

THINGS = 300
"""Most things of a case that are looked for."""
EACH = 100
"""Most sheets that are opened for one thing."""
SHEETS = 600
"""Most sheets that are opened for one case."""
CITES = 3
"""Rows that are cited for each thing."""
_FAMILIES = {"domain": "domain", "dkim": "domain", "mailbox": "mailbox", "wallet": "wallet", "attachment": "hash"}
"""Family of a join key -> kind of a row's value."""
_WIDEST = {4: 8, 6: 16}


class RowCite(Value, frozen=True):
    """A row as proof: line `line` (from 1) of the table with SHA-256 `sha256`, kept in `sheet`, of `submission`."""

    submission: str
    sheet: str
    sha256: str
    line: int


class Support(Value, frozen=True):
    """What lists say of one thing: `rows` of `feeds` distinct senders name it, or a network that it is in.

    `first` and `last` are times that rows give (ISO 8601, UTC; '' where none does), `count` the sum of their counts, 0
    where none has one. `least` says that there may be more.
    """

    kind: str
    value: str
    rows: int
    feeds: int
    first: str
    last: str
    count: int
    least: bool
    sentence: str
    cites: tuple[RowCite, ...]


class Supported(Value, frozen=True):
    """What lists say of a case, the most rows first; not `whole` where not everything was looked for."""

    said: tuple[Support, ...]
    whole: bool


class _Thing(NamedTuple):
    kind: str
    value: str
    names: tuple[str, ...]
    """Under which sheets are found."""


def support(store: Store, filings: Iterable[Filing]) -> Supported:
    """What lists say of the things that these filings name."""
    left = SHEETS
    found: list[Support] = []
    things = _things(filings)
    for thing in things[:THINGS]:
        if left <= 0:
            break
        sheets, least = _sheets(store, thing, min(left, EACH))
        left -= len(sheets)
        if sheets:
            found.append(_summed(thing, sheets, least))
    said = tuple(sorted(found, key=lambda each: (-each.rows, each.kind, each.value)))
    return Supported(said=said, whole=left > 0 and len(things) <= THINGS)


def _things(filings: Iterable[Filing]) -> list[_Thing]:
    """What the filings name, each once; one more than are looked for where there are more."""
    named: dict[tuple[str, str], None] = {}
    for filing in filings:
        if filing.assessment.sender:
            named["address", filing.assessment.sender] = None
        for key, says in filing.says:
            kind = _FAMILIES.get(key.partition(":")[0])
            if kind:
                named[kind, says] = None
        if len(named) > THINGS:
            break
    return [_Thing(kind, value, tuple(_names(kind, value))) for kind, value in list(named)[: THINGS + 1]]


def _names(kind: str, value: str) -> Iterator[str]:
    yield f"{kind}:{value}"
    if kind == "address":
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return
        for bits in range(_WIDEST[address.version], address.max_prefixlen):
            yield f"network:{ipaddress.ip_network((address, bits), strict=False)}"


def _sheets(store: Store, thing: _Thing, most: int) -> tuple[list[Sheet], bool]:
    """Up to so many sheets that name the thing, and whether there may be more of them."""
    sheets: dict[str, Sheet] = {}
    for name in thing.names:
        page, cursor = store.find(Sheet, {"named": name}, limit=most)
        sheets |= {each.id: each for each in page}
        if cursor or len(sheets) >= most:
            return list(sheets.values())[:most], True
    return list(sheets.values()), False


def _summed(thing: _Thing, sheets: list[Sheet], least: bool) -> Support:
    """What the rows of these sheets say of the thing."""
    wanted = set(thing.names)
    naming = [(sheet, row) for sheet in sheets for row in sheet.rows if _names_it(row, wanted)]
    times = sorted(row.time for _, row in naming if row.time)
    feeds = len({sheet.reporter for sheet, _ in naming})
    first, last = (times[0], times[-1]) if times else ("", "")
    count = sum(row.count for _, row in naming)
    return Support(
        kind=thing.kind, value=thing.value, rows=len(naming), feeds=feeds, first=first, last=last, count=count,
        least=least, sentence=_sentence(thing, len(naming), feeds, (first, last), count, least),
        cites=tuple(
            RowCite(submission=sheet.submission, sheet=sheet.id, sha256=sheet.sha256, line=row.line)
            for sheet, row in naming[:CITES]
        ),
    )  # fmt: skip


def _names_it(row: Row, names: set[str]) -> bool:
    return row.verdict == CLAIM and any(f"{kind}:{value}" in names for kind, value in row.values)


def _sentence(thing: _Thing, rows: int, feeds: int, times: tuple[str, str], count: int, least: bool) -> str:
    by = f"{rows:,} {'row' if rows == 1 else 'rows'} of {feeds} {'feed' if feeds == 1 else 'feeds'}"
    days = f", {times[0][:10]} to {times[1][:10]}" if times[0] else ""
    counted = f", {count:,} counted" if count else ""
    more = "at least " if least else ""
    return f"The {thing.kind} {thing.value} is also named by {more}{by}{days}{counted}."
