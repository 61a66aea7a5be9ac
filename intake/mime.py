"""The MIME tree of one message: where its header fields and its parts stand in the original bytes.

`split` reads any bytes at all, in one forward pass with a stack of its own (no recursion), in time linear in their
number and within the limits below; it never raises and never changes a byte. Each limit that is hit is a word in
`limits`, each departure from the standards a word in `flags`.
Standards: RFC 5322 (fields), RFC 2045 and 2046 (MIME), RFC 2231 and 2047 (names, in `intake/words.py`), all leniently.

Header blocks and line ends: `intake/fields.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from intake import transfer
from intake.fields import FIELDS, HEADER_BLOCK, HEADER_VALUE, Blocks, value
from intake.tree import Field, Node, Tree
from intake.words import parameters, words

__all__ = ["BOUNDARY", "DECODED", "DEPTH", "EMBEDDED", "ENCODED", "FIELDS", "HEADER_BLOCK", "HEADER_VALUE", "LINES",
           "PARTS", "Field", "Node", "Tree", "decoded", "first", "head", "split", "value"]  # fmt: skip

DEPTH = 50
"""Most levels below the root."""
PARTS = 1000
"""Most nodes of a tree, root included."""
BOUNDARY = 1000
"""Longest boundary that is honoured; RFC 2046 allows 70."""
DASHED = 2000
"""Bytes of a line that are looked at for a boundary."""
LINES = 500_000
"""Most lines beginning with two hyphens that are looked at for a boundary; beyond them all belongs to the last part."""
DECODED = 100 * 1000 * 1000
"""Bytes that `decoded` gives back at most, unless told otherwise."""

EMBEDDED = frozenset({"message/rfc822", "message/global", "message/news"})
"""Types whose body is a message; it becomes a child node unless it stands there encoded."""
ENCODED = transfer.ENCODED

_DASHED_CR = re.compile(rb"[\r\n]--[^\r\n]{1,%d}" % DASHED)
_BOUNDARY = re.compile(r"(?i);\s*boundary(?:\*0?)?\*?\s*=")
_ENCODINGS = ENCODED | {"", "7bit", "8bit", "binary"}
_TYPE = re.compile(r"[!-.0-~]{1,100}/[!-.0-~]{1,150}")


@dataclass(slots=True)
class _Draft:
    """A node while its end and its children are not known yet."""

    parent: int
    depth: int
    header_start: int
    message: bool
    body_start: int = 0
    end: int = -1
    fields: tuple[Field, ...] = ()
    names: list[str] = field(default_factory=list)
    first: dict[str, Field] = field(default_factory=dict)
    type: str = "text/plain"
    params: tuple[tuple[str, str], ...] = ()
    name: str = ""
    disposition: str = ""
    encoding: str = ""
    charset: str = ""
    children: list[int] = field(default_factory=list)

    def index(self) -> None:
        """Find the first field of each name."""
        self.names = [each.name.lower() for each in self.fields]
        self.first = dict(zip(reversed(self.names), reversed(self.fields), strict=True))

    def node(self) -> Node:
        return Node(
            self.type, self.params, self.name, self.disposition, self.encoding, self.charset,
            self.header_start, self.body_start, self.end, self.depth, self.fields, tuple(self.children), self.parent,
            self.first,
        )  # fmt: skip


@dataclass(slots=True)
class _Frame:
    """An open node on the stack; `boundary` is empty for what is no multipart or is closed already."""

    index: int
    boundary: bytes = b""
    seen: bool = False


def split(data: bytes) -> Tree:
    """The MIME tree of `data`."""
    return _Splitter(data).run()


def head(data: bytes) -> Node:
    """The root of `data` alone: its header as `split` reads it, and all the rest as its body."""
    return _Splitter(data).head()


def decoded(data: bytes, node: Node, cap: int = DECODED) -> bytes:
    """The body of `node` without its transfer encoding, at most `cap` bytes; what can't be decoded stays as it is."""
    return transfer.decode(data[node.body_start : node.end], node.encoding, cap)


def first(data: bytes, node: Node, name: str) -> str:
    """The value of the first field of that name (lower case) in the node's header, '' where there is none."""
    found = node.first.get(name)
    return value(data, found) if found else ""


class _Splitter:
    """The one forward pass: `position` only grows."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.drafts: list[_Draft] = []
        self.stack: list[_Frame] = []
        self.open: dict[bytes, int] = {}
        self.flags: dict[str, None] = {}
        self.limits: dict[str, None] = {}
        self.lines = 0
        self.blocks = Blocks(data, self.flags, self.limits)

    def run(self) -> Tree:
        position = self.enter(-1, 0, 0, message=True)
        while self.open:
            position = self.delimiter(position)
        self.close(0, len(self.data))
        nodes = tuple(draft.node() for draft in self.drafts)
        return Tree(nodes[0], nodes, tuple(self.flags), tuple(self.limits))

    def head(self) -> Node:
        draft = _Draft(-1, 0, self.blocks.preamble(0), True)
        self.header(draft)
        draft.end = len(self.data)
        return draft.node()

    def delimiter(self, position: int) -> int:
        """Take the next delimiter line of an open multipart; where to go on."""
        known = self.open
        # The line end before the first line of the body is that of the empty line above it.
        for start, end in self.dashed(max(position - 1, 0)):
            self.lines += 1
            if self.lines > LINES:
                self.limits["delimiters"] = None
                break
            line = self.data[start + 3 : end].rstrip()
            if line in known:
                return self.part(known[line], start, end)
            if line[-2:] == b"--" and line[:-2] in known:
                return self.last(known[line[:-2]], start, end)
        self.flags["no-end-boundary"] = None
        self.open = {}
        return len(self.data)

    def dashed(self, position: int) -> Iterator[tuple[int, int]]:
        """The lines from `position` on that begin with two hyphens, each from the line end before it."""
        data = self.data
        if self.blocks.bare_cr:
            yield from (match.span() for match in _DASHED_CR.finditer(data, position))
            return
        start = data.find(b"\n--", position)
        while start >= 0:
            end = data.find(b"\n", start + 3, start + 3 + DASHED)
            end = end if end >= 0 else min(start + 3 + DASHED, len(data))
            yield start, end
            start = data.find(b"\n--", end)

    def last(self, level: int, start: int, end: int) -> int:
        """Take a closing delimiter; what follows up to the next one of an outer multipart is nobody's part."""
        self.close_before(level, start)
        self.stack[level].boundary = b""
        self.reopen()
        return end

    def part(self, level: int, start: int, end: int) -> int:
        """Take a delimiter and enter the part after it."""
        self.close_before(level, start)
        if len(self.drafts) >= PARTS:
            self.limits["parts"] = None
            self.stack[level].boundary = b""
            self.reopen()
            return end
        index = self.stack[level].index
        return self.enter(index, self.drafts[index].depth + 1, self.blocks.line(end)[1])

    def close_before(self, level: int, start: int) -> None:
        """End what is open inside `level` before a delimiter; the line end at `start` belongs to that."""
        if any(frame.boundary for frame in self.stack[level + 1 :]):
            self.flags["unclosed-multipart"] = None
        self.close(level + 1, start - (self.data[start - 1 : start + 1] == b"\r\n"))
        self.stack[level].seen = True

    def close(self, level: int, stop: int) -> None:
        """End every open node from `level` of the stack up at `stop`."""
        for frame in self.stack[level:]:
            draft = self.drafts[frame.index]
            draft.end = max(stop, draft.body_start)
            if frame.boundary and not frame.seen:
                self.flags["boundary-not-found"] = None
        del self.stack[level:]
        self.reopen()

    def reopen(self) -> None:
        """Boundary -> level on the stack; where two are equal the innermost counts."""
        self.open = {frame.boundary: level for level, frame in enumerate(self.stack) if frame.boundary}

    def enter(self, parent: int, depth: int, position: int, message: bool = False) -> int:
        """Open a node whose header begins at `position`, and the messages nested right in it; where its body begins."""
        while True:
            draft = _Draft(parent, depth, self.blocks.preamble(position) if message else position, message)
            position = self.header(draft)
            index = len(self.drafts)
            self.drafts.append(draft)
            if parent >= 0:
                self.drafts[parent].children.append(index)
            self.push(index, draft)
            if not self.descends(draft):
                return position
            parent, depth, message = index, depth + 1, True

    def push(self, index: int, draft: _Draft) -> None:
        frame = _Frame(index)
        if draft.type.startswith("multipart/"):
            frame.boundary = self.boundary(draft)
        self.stack.append(frame)
        if frame.boundary:
            self.reopen()

    def boundary(self, draft: _Draft) -> bytes:
        """The boundary that the node's parts are to be found by, or empty."""
        text = dict(draft.params).get("boundary", "").rstrip(" \t")
        if not text:
            self.flags["no-boundary"] = None
        elif len(text) > BOUNDARY:
            self.limits["boundary"] = None
        elif draft.depth >= DEPTH:
            self.limits["depth"] = None
        else:
            return text.encode("utf-8", "replace")
        return b""

    def descends(self, draft: _Draft) -> bool:
        """Whether the node's body is a message to be read as a child."""
        if draft.type not in EMBEDDED or draft.encoding in ENCODED:
            return False
        if draft.depth >= DEPTH:
            self.limits["depth"] = None
        elif len(self.drafts) >= PARTS:
            self.limits["parts"] = None
        else:
            return True
        return False

    def header(self, draft: _Draft) -> int:
        """Read the header of a node; where its body begins."""
        fields, draft.body_start = self.blocks.read(draft.header_start, draft.message, self.open)
        draft.fields = tuple(fields)
        draft.index()
        self.describe(draft)
        return draft.body_start

    def describe(self, draft: _Draft) -> None:
        """Read the fields that say what the node is."""
        kind = self.field(draft, "content-type")
        bare, params = parameters(kind)
        draft.type = self.type(draft, bare, bool(kind))
        disposition, more = parameters(self.field(draft, "content-disposition"))
        draft.params = params
        draft.disposition = disposition.lower()
        draft.name = words(dict(more).get("filename", "") or dict(params).get("name", ""))
        draft.charset = dict(params).get("charset", "").strip(" '\"").lower()
        draft.encoding = parameters(self.field(draft, "content-transfer-encoding"))[0].lower()
        self.ambiguous(draft, kind)

    def ambiguous(self, draft: _Draft, kind: str) -> None:
        """Flag what mail programs are known to read in different ways."""
        if draft.encoding not in _ENCODINGS:
            self.flags["unknown-encoding"] = None
        elif draft.encoding in ENCODED and draft.type.startswith("multipart/"):
            self.flags["encoded-multipart"] = None
        if len(_BOUNDARY.findall(kind)) > 1:
            self.flags["several-boundary"] = None

    def type(self, draft: _Draft, bare: str, given: bool) -> str:
        """The media type, lower case; RFC 2045 section 5.2 and RFC 2046 section 5.1.5 for its default."""
        match = _TYPE.fullmatch(bare)
        if match:
            return bare.lower()
        if given:
            self.flags["bad-content-type"] = None
        digest = draft.parent >= 0 and self.drafts[draft.parent].type == "multipart/digest"
        return "message/rfc822" if digest and not given else "text/plain"

    def field(self, draft: _Draft, name: str) -> str:
        found = draft.first.get(name)
        if found is None:
            return ""
        if len(draft.first) < len(draft.names) and draft.names.count(name) > 1:
            self.flags[f"several-{name}"] = None
        return value(self.data, found)
