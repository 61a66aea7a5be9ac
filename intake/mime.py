"""The MIME tree of one message: where its header fields and its parts stand in the original bytes.

`split` reads any bytes at all, in one forward pass with a stack of its own (no recursion), in time linear in their
number and within the limits below; it never raises and never changes a byte. Each limit that is hit is a word in
`limits`, each departure from the standards a word in `flags`.
Standards: RFC 5322 (fields), RFC 2045 and 2046 (MIME), RFC 2231 and 2047 (names, in `intake/words.py`), all leniently.

Line ends are LF or CRLF; a bare CR counts as one only where the first line ends so. A line that is no header field
ends the header block unless a field follows it, as mail clients read it.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from intake import transfer
from intake.tree import Field, Node, Tree
from intake.words import parameters, words

__all__ = ["BOUNDARY", "DECODED", "DEPTH", "EMBEDDED", "ENCODED", "FIELDS", "HEADER_BLOCK", "HEADER_VALUE", "PARTS",
           "Field", "Node", "Tree", "decoded", "first", "head", "split", "value"]  # fmt: skip

DEPTH = 50
"""Most levels below the root."""
PARTS = 1000
"""Most nodes of a tree, root included."""
HEADER_BLOCK = 256 * 1024
"""Bytes of one header block that are read for fields."""
FIELDS = 2000
"""Most fields of one header block."""
HEADER_VALUE = 64 * 1024
"""Bytes of one field that `value` reads."""
BOUNDARY = 1000
"""Longest boundary that is honoured; RFC 2046 allows 70."""
DECODED = 100 * 1000 * 1000
"""Bytes that `decoded` gives back at most, unless told otherwise."""

EMBEDDED = frozenset({"message/rfc822", "message/global", "message/news"})
"""Types whose body is a message; it becomes a child node unless it stands there encoded."""
ENCODED = transfer.ENCODED

_LEADING = 20
"""Lines above the first header field of a message that are passed over, such as the rest of an SMTP dialogue."""
_FIELD = re.compile(rb"([!-9;-~]{1,256})[ \t]*:")
_WHOLE = re.compile(rb"([!-9;-~]{1,256}+)[ \t]*+:[^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*+(\r?\n)")
"""A field as it should be, with all its lines; others are read line by line."""
_DELIMITER = re.compile(rb"\n--([^\n]{1,2000})")
_DELIMITER_CR = re.compile(rb"[\r\n]--([^\r\n]{1,2000})")
_EOL_CR = re.compile(rb"\r\n?|\n")
_TYPE = re.compile(r"[!-.0-~]{1,100}/[!-.0-~]{1,150}")


_Span = list[Any]
"""What will be a Field, while lines are still added to it: name, start, colon, end."""


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
    first: dict[str, Field] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)
    type: str = "text/plain"
    params: tuple[tuple[str, str], ...] = ()
    name: str = ""
    disposition: str = ""
    encoding: str = ""
    charset: str = ""
    children: list[int] = field(default_factory=list)

    def index(self) -> None:
        """Find the first field of each name, and which names there are twice."""
        for each in self.fields:
            low = each.name.lower()
            if self.first.setdefault(low, each) is not each:
                self.several.add(low)

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


def value(data: bytes, field: Field) -> str:
    """The value of a field, unfolded, not decoded: its bytes as UTF-8, or as Latin-1 where they are not UTF-8."""
    raw = data[field.colon + 1 : min(field.end, field.colon + 1 + HEADER_VALUE)]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r", "").replace("\n", "").strip(" \t")


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
        self.bare_cr = _bare_cr(data)

    def run(self) -> Tree:
        position = self.enter(-1, 0, 0, message=True)
        while self.open:
            position = self.delimiter(position)
        self.close(0, len(self.data))
        nodes = tuple(draft.node() for draft in self.drafts)
        return Tree(nodes[0], nodes, tuple(self.flags), tuple(self.limits))

    def head(self) -> Node:
        draft = _Draft(-1, 0, self.preamble(0), True)
        self.header(draft)
        self.describe(draft)
        draft.end = len(self.data)
        return draft.node()

    def delimiter(self, position: int) -> int:
        """Take the next delimiter line of an open multipart; where to go on."""
        pattern, known = _DELIMITER_CR if self.bare_cr else _DELIMITER, self.open
        # The line end before the first line of the body is that of the empty line above it.
        for match in pattern.finditer(self.data, max(position - 1, 0)):
            line = match[1].rstrip()
            if line in known:
                return self.part(known[line], match.start(), match.end())
            if line[-2:] == b"--" and line[:-2] in known:
                return self.last(known[line[:-2]], match.start(), match.end())
        self.flags["no-end-boundary"] = None
        self.open = {}
        return len(self.data)

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
        return self.enter(index, self.drafts[index].depth + 1, self.line(end)[1])

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
            draft = _Draft(parent, depth, self.preamble(position) if message else position, message)
            position = self.header(draft)
            self.describe(draft)
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

    def preamble(self, position: int) -> int:
        """Where the header of a message begins: after a byte order mark, empty lines and an mbox 'From ' line."""
        if self.data.startswith(b"\xef\xbb\xbf", position):
            self.flags["byte-order-mark"] = None
            position += 3
        start = position
        while self.data[start : start + 1] in (b"\r", b"\n"):
            start += 1
        if start > position and (_FIELD.match(self.data, start) or self.data.startswith(b"From ", start)):
            self.flags["leading-blank"] = None
            position = start
        if self.data.startswith((b"From ", b">From "), position):
            self.flags["mbox-from"] = None
            position = self.line(position)[1]
        return position

    def header(self, draft: _Draft) -> int:
        """Read the header fields into `draft`; where the body begins."""
        fields: list[_Span] = []
        position, block_end = draft.header_start, draft.header_start + HEADER_BLOCK
        while position < len(self.data):
            match = None if self.bare_cr or len(fields) > FIELDS else _WHOLE.match(self.data, position, block_end)
            if match:
                fields.append([match[1].decode("ascii"), position, self.data.find(b":", match.end(1)), match.start(2)])
                position = match.end()
                continue
            stop, following = self.line(position)
            if stop == position:
                position = following
                break
            if position >= block_end or len(fields) > FIELDS:
                self.limits["header-block" if position >= block_end else "header-fields"] = None
                position = self.after_blank(position)
                break
            if not self.take(draft, fields, position, stop, following):
                break
            position = following
        if len(fields) > FIELDS:
            self.limits["header-fields"] = None
        if any(end - colon > HEADER_VALUE for _, _, colon, end in fields):
            self.limits["header-value"] = None
        draft.fields = tuple([Field(*each) for each in fields[:FIELDS]])
        draft.index()
        draft.body_start = position
        return position

    def take(self, draft: _Draft, fields: list[_Span], start: int, stop: int, following: int) -> bool:
        """Add one header line to `fields`; False where the header block ends before it."""
        if fields and self.data[start] in b" \t":
            fields[-1][3] = stop
            return True
        match = _FIELD.match(self.data, start, stop)
        if match:
            fields.append([match[1].decode("ascii"), start, match.end() - 1, stop])
            return True
        if self.data.startswith(b"--", start) and self.delimits(self.data[start + 2 : min(stop, start + 2002)]):
            return False
        if self.goes_on(following, 1 if fields else draft.message and _LEADING):
            self.flags["bad-header-line"] = None
            return True
        self.flags["no-separator" if fields else "no-header"] = None
        return False

    def goes_on(self, position: int, lines: int) -> bool:
        """Whether a field begins one of the next `lines` lines, before an empty one."""
        for _ in range(lines):
            if _FIELD.match(self.data, position, position + 300):
                return True
            stop, following = self.line(position)
            if stop == position:
                return False
            position = following
        return False

    def delimits(self, line: bytes) -> bool:
        line = line.rstrip(b" \t\r")
        return line in self.open or (line.endswith(b"--") and line[:-2] in self.open)

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
        if name in draft.several:
            self.flags[f"several-{name}"] = None
        found = draft.first.get(name)
        return value(self.data, found) if found else ""

    def line(self, position: int) -> tuple[int, int]:
        """Where the line at `position` ends, and where the next one begins."""
        if self.bare_cr:
            match = _EOL_CR.search(self.data, position)
            return match.span() if match else (len(self.data), len(self.data))
        end = self.data.find(b"\n", position)
        if end < 0:
            return len(self.data), len(self.data)
        stop = end
        while stop > position and self.data[stop - 1] == 0x0D:
            stop -= 1
        return stop, end + 1

    def after_blank(self, position: int) -> int:
        """Where the body begins in a header block that is too large to be read to its end."""
        ends = [self.data.find(blank, position) + len(blank) for blank in (b"\n\n", b"\n\r\n", b"\r\r")]
        ends = [end for end in ends if end >= position]
        return min(ends, default=len(self.data))


def _bare_cr(data: bytes) -> bool:
    """Whether the first line ends with a CR that no LF follows."""
    match = re.search(rb"[\r\n]", data)
    return match is not None and not data[match.start() : match.start() + 3].lstrip(b"\r").startswith(b"\n")
