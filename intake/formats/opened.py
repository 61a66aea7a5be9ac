"""What was found in a submission, and the desk on which it is opened.

Values: Made (a decoding of bytes), Found (what became of one item), Opened (both, with the limits that were hit).
The desk counts for all readers together: bytes decoded, entries of archives, levels of nesting, pixels. What is
over a limit gets a Found with the verdict 'limit' and a word in `limits`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import msgspec

from intake import mime
from intake.record import Value
from intake.report import Claims
from intake.sheet import ROWS as SHEET
from intake.sheet import Row

ENTRIES = 1000
"""Most entries of one archive or mailbox that are opened."""
TOTAL = 5000
"""Most entries of all of them in one submission."""
NESTING = 3
"""Most archives and mailboxes inside each other."""
OUT = 100 * 1000 * 1000
"""Most bytes that all decodings of one submission may have together."""
RATIO = 200
"""Most bytes out of one byte that is compressed."""
TRIED = 2 * 1000 * 1000
"""Most encrypted bytes of one submission on which the customary password is tried."""
LOOKED_AT = 80_000_000
"""Most pixels of all pictures of one submission that are decoded."""
SEARCHED = 8_000_000
"""Most pixels of all pictures of one submission, reduced ones, in which codes are looked for."""
NAME = 255
"""Longest name of an item that is kept."""
ROWS = 250_000
"""Most rows of tables in one submission."""
SHEET_SIZE = 400_000
"""Bytes of rows after which a sheet is full."""


_NONE = Claims()
_PACK = msgspec.msgpack.Encoder().encode


class Made(Value, frozen=True):
    """A decoding, by the decoder `name` in `version`, of bytes `start` to `end` of `source`.

    `source` is -1 for the submission's bytes, else the index of another Made in the same Opened.
    """

    source: int
    start: int
    end: int
    name: str
    version: str
    data: bytes


class Found(Value, frozen=True):
    """What became of one item: a verdict code of `intake.submission.Verdict`, and for a report its bytes.

    The reported message is bytes `start` to `end` of `source` (as in Made); start = end where there is a claim only.
    `format` names the reader, `name` the item's place inside ('' for the submission itself), `missing` what a full
    report would have had ('headers', 'received', 'body'); `says` tells people what that means, or why it is no report.
    `sheets` are the rows of a table: of each sheet a MessagePack list of `intake.sheet.Row`; `part` names its
    worksheet.
    """

    verdict: str
    format: str = ""
    name: str = ""
    says: str = ""
    source: int = -1
    start: int = 0
    end: int = 0
    claims: Claims = Claims()
    missing: tuple[str, ...] = ()
    sheets: tuple[bytes, ...] = ()
    part: str = ""


class Opened(Value, frozen=True):
    """Everything found, never without a Found, in the order in which it stands there.

    Entries of an archive that could not be opened, and what it says of itself, come before those that were opened.
    """

    found: tuple[Found, ...]
    made: tuple[Made, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """Bytes to be opened: data[start:end], where data is that of `source`; `cover` as in `open_submission`.

    `name` is its place inside the submission, `filename` what it was called there, `level` how many archives it is in,
    `claims` what the cover says of it.
    """

    data: bytes
    source: int
    start: int
    end: int
    name: str = ""
    filename: str = ""
    level: int = 0
    cover: bool = False
    claims: Claims = _NONE

    @cached_property
    def content(self) -> bytes:
        """The item's bytes, copied once."""
        return self.data[self.start : self.end]


@dataclass(slots=True)
class Desk:
    """What the readers have done so far; `todo` is a stack with the next item on top."""

    made: list[Made] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    limits: dict[str, None] = field(default_factory=dict)
    todo: list[Item] = field(default_factory=list)
    left: int = OUT
    entries: int = TOTAL
    tried: int = TRIED
    pixels: int = LOOKED_AT
    searched: int = SEARCHED
    rows: int = ROWS

    def opened(self) -> Opened:
        return Opened(found=tuple(self.found), made=tuple(self.made), limits=tuple(self.limits))

    def make(self, item: Item, start: int, end: int, name: str, data: bytes, version: str = "1") -> Item | None:
        """Keep `data` as the decoding of content[start:end] of `item`; None, and a limit, where it is too much."""
        if len(data) > self.left:
            self.limits["archive-bytes"] = None
            return None
        self.left -= len(data)
        made = Made(
            source=item.source, start=item.start + start, end=item.start + end, name=name, version=version, data=data
        )
        self.made.append(made)
        return replace(item, data=data, source=len(self.made) - 1, start=0, end=len(data))

    def report(
        self, item: Item, start: int, end: int, format: str, claims: Claims | None = None,
        missing: tuple[str, ...] | None = None, says: str = "",
    ) -> None:  # fmt: skip
        """content[start:end] of `item` is a reported message; what it lacks for its origin is said before `says`."""
        missing = lacks(item.content[start:end]) if missing is None else missing
        self.found.append(
            Found(
                verdict="report", format=format, name=item.name, source=item.source,
                start=item.start + start, end=item.start + end, claims=claims or item.claims,
                missing=missing, says=" ".join(filter(None, (origin(missing), says))),
            )
        )  # fmt: skip

    def verdict(self, item: Item, code: str, format: str, says: str) -> None:
        """The item is no report; the Found names its bytes all the same."""
        self.found.append(
            Found(
                verdict=code, format=format, name=item.name, says=says,
                source=item.source, start=item.start, end=item.end,
            )
        )  # fmt: skip

    def table(self, item: Item, format: str, rows: Iterable[Row], part: str = "") -> None:
        """The item, or its worksheet `part`, is a table with these rows, which are packed as they come."""
        before = self.rows
        reading = iter(rows)
        sheets = tuple(_sheets(islice(reading, before), self))
        beyond = next(reading, None) is not None
        named = replace(item, name=inside(item, part)) if part else item
        if self.rows < before:
            self.found.append(
                Found(
                    verdict="rows", format=format, name=named.name, source=item.source, start=item.start, end=item.end,
                    sheets=sheets, part=part,
                )
            )  # fmt: skip
        elif not beyond:
            self.verdict(named, "empty", format, "A table with headings and no row.")
        if beyond:
            self.limit(named, "rows", format, f"Rows beyond the first {ROWS:,} of a submission were not read.")

    def limit(self, item: Item, word: str, format: str, says: str) -> None:
        self.limits[word] = None
        self.verdict(item, "limit", format, says)

    def admit(self, count: int) -> int:
        """How many of an archive's `count` entries may be opened."""
        taken = min(count, ENTRIES, self.entries)
        self.entries -= taken
        return taken

    def open(self, items: Iterable[Item]) -> None:
        """Put `items` on the stack, the first one on top."""
        self.todo.extend(reversed(list(items)))


def _sheets(rows: Iterable[Row], desk: Desk) -> Iterator[bytes]:
    """The rows in packets of a sheet each, packed as they come."""
    packed: list[bytes] = []
    size = 0
    for each in rows:
        desk.rows -= 1
        packed.append(_PACK(each))
        size += len(packed[-1])
        if len(packed) == SHEET or size > SHEET_SIZE:
            yield _PACK(list(map(msgspec.Raw, packed)))
            packed, size = [], 0
    if packed:
        yield _PACK(list(map(msgspec.Raw, packed)))


def lacks(content: bytes, root: mime.Node | None = None) -> tuple[str, ...]:
    """What a full report of this message would have had, and it has not; `root` where the message has been split."""
    root = root or mime.head(content[: 2 * mime.HEADER_BLOCK])
    out = [] if root.fields else ["headers"]
    if "received" not in root.first:
        out.append("received")
    if not content[root.body_start :].strip():
        out.append("body")
    return tuple(out)


def origin(missing: tuple[str, ...]) -> str:
    """What to say where nothing shows which server handed the message over; '' where something does."""
    lacking = "headers" if "headers" in missing else "Received line" if "received" in missing else ""
    return f"Origin not determinable: no {lacking}." if lacking else ""


def inside(item: Item, name: str) -> str:
    """The name of an entry of `item`: never absolute, never with '..', nothing that a terminal would obey."""
    parts = [part for part in name.replace("\\", "/").split("/") if part.strip(" .") and not part.endswith(":")]
    clean = "".join(char if char.isprintable() else "_" for char in "/".join(parts))
    clean = clean.encode("utf-8", "replace").decode()
    return "/".join(part for part in (item.name, clean) if part)[-NAME:]


def rest(item: Item, count: int, taken: int, desk: Desk) -> None:
    """A Found for what stands beyond the entries that are opened, or for an archive with nothing in it."""
    if count == 0:
        desk.verdict(item, "empty", "bundle", "An archive with no file in it.")
    elif count > taken:
        says = f"{count - taken} entries beyond the first {taken} were not opened."
        desk.limit(item, "archive-entries", "bundle", says)


def too_much(item: Item, total: bool, desk: Desk) -> None:
    """A Found for an entry that gives more bytes than are left for the submission, or than its ratio allows."""
    if total:
        desk.limit(item, "archive-bytes", "bundle", f"More than {OUT} bytes would come out of this submission.")
    else:
        desk.limit(item, "archive-ratio", "bundle", f"More than {RATIO} bytes would come out of each compressed one.")
