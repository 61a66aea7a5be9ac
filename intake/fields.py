"""Fields of a header block: where they stand in the original bytes, and where the block ends.

Read line by line where they are not as they should be, in time linear in the block, never raising; each limit that is
hit is a word in `limits`, each departure from the standard one in `flags`. A line that is no header field ends the
block unless a field follows it, as mail clients read it. Line ends are LF or CRLF; a bare CR counts as one only where
the first line ends so.
Standards: RFC 5322 section 2.2, RFC 4155 (the line above a message in an mbox), leniently.
"""

import re
from collections.abc import Container
from itertools import islice

from intake.tree import Field
from intake.words import parameters

HEADER_BLOCK = 256 * 1024
"""Bytes of one header block that are read for fields."""
FIELDS = 2000
"""Most fields of one header block."""
TOTAL = 20_000
"""Most fields of all header blocks of one message together."""
HEADER_VALUE = 64 * 1024
"""Bytes of one field that `value` reads."""

_LEADING = 20
"""Lines above the first header field of a message that are passed over, such as the rest of an SMTP dialogue."""
_FIELD = re.compile(rb"([!-9;-~]{1,256})[ \t]*:")
_WHOLE = re.compile(rb"([!-9;-~]{1,256}+)[ \t]*+(:).*+(?:\n[ \t].*+)*+\n|")
"""A field as it should be, with all its lines, or nothing; other fields are read line by line."""
_BLANK = re.compile(rb"\n\r?\n|\r\r")
_EOL_CR = re.compile(rb"\r\n?|\n")


def value(data: bytes, field: Field) -> str:
    """The value of a field, unfolded, not decoded: its bytes as UTF-8, or as Latin-1 where they are not UTF-8."""
    _, _, colon, end = field
    raw = data[colon + 1 : end][:HEADER_VALUE]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if b"\n" in raw or b"\r" in raw:
        text = text.replace("\r", "").replace("\n", "")
    return text.strip(" \t")


class Blocks:
    """Reads the header blocks of one message; `bare_cr` says whether a CR alone ends its lines."""

    def __init__(self, data: bytes, flags: dict[str, None], limits: dict[str, None]) -> None:
        self.data = data
        self.flags = flags
        self.limits = limits
        self.bare_cr = _bare_cr(data)
        self.open: Container[bytes] = ()
        self.boundary: bytes | None = None
        self.searched = 0
        self.left = TOTAL
        self.most = FIELDS

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

    def read(self, position: int, message: bool, open_: Container[bytes]) -> tuple[list[Field], int]:
        """The fields of the block at `position`, and where the body begins; a delimiter of what is `open_` ends it too.

        `message` is true for the header of a message, which may have other lines above it.
        """
        self.open, self.boundary, self.searched = open_, None, 0
        self.most = min(FIELDS, self.left)
        fields: list[Field] = []
        block_end = position + HEADER_BLOCK
        while position < len(self.data):
            position = self.whole(fields, position, block_end)
            stop, following = self.line(position)
            if stop == position:
                position = following
                break
            if position >= block_end or len(fields) > self.most:
                self.limits["header-block" if position >= block_end else "header-fields"] = None
                position = self.after_blank(position)
                break
            if not self.take(fields, position, stop, following, message):
                break
            position = following
        self.measure(fields)
        fields = fields[: self.most]
        self.left -= len(fields)
        return fields, position

    def whole(self, fields: list[Field], position: int, block_end: int) -> int:
        """Add the fields from `position` on that are as they should be; where they end."""
        if self.bare_cr or self.data[position] in b" \t":
            return position
        data = self.data
        for match in islice(_WHOLE.finditer(data, position, block_end), self.most + 1 - len(fields)):
            name, start, position = match[1], position, match.end()
            if name is None:
                break
            stop = position - 1
            while data[stop - 1] == 0x0D:
                stop -= 1
            fields.append(Field(name.decode("ascii"), start, match.start(2), stop))
        return position

    def measure(self, fields: list[Field]) -> None:
        """Name the limits of a header that are hit."""
        if len(fields) > self.most:
            self.limits["header-fields"] = None
        size = fields[-1].end - fields[0].start if fields else 0
        if size > HEADER_VALUE and any(each.end - each.colon > HEADER_VALUE for each in fields):
            self.limits["header-value"] = None

    def take(self, fields: list[Field], start: int, stop: int, following: int, message: bool) -> bool:
        """Add one header line to `fields`; False where the header block ends before it."""
        if fields and self.data[start] in b" \t":
            fields[-1] = Field(*fields[-1][:3], stop)
            return True
        match = _FIELD.match(self.data, start, stop)
        if match:
            fields.append(Field(match[1].decode("ascii"), start, match.end() - 1, stop))
            return True
        if self.data.startswith(b"--", start) and self.delimits(self.data[start + 2 : min(stop, start + 2002)], fields):
            return False
        if self.goes_on(following, 1 if fields else message and _LEADING):
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

    def delimits(self, line: bytes, fields: list[Field]) -> bool:
        """Whether the line, without its hyphens, delimits what is open, or what this very header declares."""
        line = line.rstrip(b" \t\r")
        if line and line == self.declared(fields):
            self.flags["no-separator"] = None
            return True
        return line in self.open or (line.endswith(b"--") and line[:-2] in self.open)

    def declared(self, fields: list[Field]) -> bytes:
        """The boundary in the first Content-Type of the block so far."""
        if self.boundary is None:
            new, self.searched = fields[self.searched :], len(fields)
            kind = next((each for each in new if each.name.lower() == "content-type"), None)
            if kind:
                text = dict(parameters(value(self.data, kind))[1]).get("boundary", "")
                self.boundary = text.rstrip(" \t").encode("utf-8", "replace")
        return self.boundary or b""

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
        match = _BLANK.search(self.data, position)
        return match.end() if match else len(self.data)


def _bare_cr(data: bytes) -> bool:
    """Whether the first line ends with a CR that no LF follows."""
    match = re.search(rb"[\r\n]", data)
    return match is not None and not data[match.start() : match.start() + 3].lstrip(b"\r").startswith(b"\n")
