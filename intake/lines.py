"""Lines: NDJSON cut into items as it comes, an object a line; its `message`, in base64, is never held whole.

What else stands in the line is held, and read when the line is at its end: `id`, `filename`, `idempotency_key`, in any
order. So all of it but the message is checked as JSON, and a line that can't be read fails alone. The message goes on
as it comes, whose member is known by its place: a text after the name `message`, in the outermost object. RFC 8259;
RFC 4648 section 4 (base64, with its padding and without line ends); `\\/` and `\\u002b`, which some writers put for
`/` and `+`, are read.
"""

import binascii
import re
from concurrent.futures import Future

import msgspec

from intake.api_body import KEY, Takes, checked_key
from intake.errors import Refused

BESIDE = 16_000
"""Bytes of a line beside its message at most."""
_MARKS = re.compile(rb'["{}\[\]:,]')
_STOPS = re.compile(rb'["\\]')
_ESCAPES = re.compile(rb"\\(/|u002[bBfF]|u003[dD])")
_LONGEST = len(rb"\u002b")
Wait = Future[None] | None


class Line(msgspec.Struct):
    """A line of a batch."""

    message: str
    id: str = ""
    filename: str = ""
    idempotency_key: str = ""


class Base64:
    """Base64 that comes in pieces, perhaps with escapes of JSON in it; `binascii.Error` when it is none."""

    def __init__(self) -> None:
        self._left, self._over = b"", False

    def write(self, piece: bytes) -> bytes:
        """The bytes that are whole by now."""
        text = _ESCAPES.sub(_plain, self._left + piece)
        cut = text.rfind(b"\\", max(0, len(text) - _LONGEST + 1))
        whole = len(text) if cut < 0 else cut
        whole -= whole % 4
        self._left = text[whole:]
        return self._decoded(text[:whole])

    def end(self) -> bytes:
        """The last bytes."""
        left, self._left = self._left, b""
        return self._decoded(left)

    def _decoded(self, text: bytes) -> bytes:
        if text and self._over:
            raise binascii.Error
        self._over = self._over or text.endswith(b"=")
        return binascii.a2b_base64(text, strict_mode=True)


def _plain(found: re.Match[bytes]) -> bytes:
    return b"/" if found[1] == b"/" else bytes([int(found[1][3:], 16)])


class Lines:
    """The reader of a body of lines."""

    def __init__(self, takes: Takes) -> None:
        self._takes, self._decoder = takes, msgspec.json.Decoder(Line)
        self._begin()

    def _begin(self) -> None:
        self._beside = bytearray()
        self._read = b""
        """The text that is being read, and then the last one that was."""
        self._depth, self._named, self._inside, self._escaped = 0, False, False, False
        self._message: Base64 | None = None
        """While the message comes."""
        self._begun = self._failed = False

    def write(self, chunk: bytes) -> Wait:
        wait: Wait = None
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            if line or self._beside or self._begun:
                wait = self._some(line) or wait
                self._line()
        return self._some(rest) or wait

    def end(self) -> None:
        self._line()

    def _some(self, piece: bytes) -> Wait:
        """A piece of one line."""
        wait: Wait = None
        at = 0
        while at < len(piece) and not self._failed:
            if self._message is not None:
                at, waited = self._of_message(piece, at)
                wait = waited or wait
            elif self._inside:
                at = self._of_text(piece, at)
            else:
                at = self._between(piece, at)
        return wait

    def _between(self, piece: bytes, at: int) -> int:
        """Outside of texts, up to the next mark; where the reader is now."""
        found = _MARKS.search(piece, at)
        end = found.end() if found else len(piece)
        self._hold(piece[at:end])
        mark = found[0] if found else b""
        if mark == b'"':
            self._open()
        elif mark in (b"{", b"["):
            self._depth += 1
        elif mark in (b"}", b"]"):
            self._depth -= 1
        if mark and mark != b'"':
            self._named = mark == b":" and self._depth == 1 and self._read == b"message"
        return end

    def _open(self) -> None:
        """A text begins."""
        if not self._named:
            self._inside, self._read = True, b""
        elif self._begun:
            self._fail(_twice())
        else:
            self._begun, self._message = True, Base64()
            self._takes.begin("", "", self._known())

    def _known(self) -> str | None:
        """The idempotency key, where it stands before the message."""
        try:
            return checked_key(self._decoder.decode(bytes(self._beside) + b'"}').idempotency_key) or None
        except (Refused, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _of_text(self, piece: bytes, at: int) -> int:
        """Inside of a text, up to its end or to a backslash."""
        if self._escaped:
            self._escaped, end = False, at + 1
        else:
            found = _STOPS.search(piece, at)
            end = found.end() if found else len(piece)
            self._inside = not (found and found[0] == b'"')
            self._escaped = bool(found and found[0] == b"\\")
        self._read += piece[at : end - (not self._inside)]
        self._hold(piece[at:end])
        return end

    def _of_message(self, piece: bytes, at: int) -> tuple[int, Wait]:
        assert self._message is not None
        end = piece.find(b'"', at)
        until = len(piece) if end < 0 else end
        try:
            data = self._message.write(piece[at:until])
            if end >= 0:
                data += self._message.end()
        except binascii.Error:
            self._fail(_no_base64())
            return until, None
        wait = self._takes.feed(data) if data else None
        if end < 0:
            return until, wait
        self._message, self._named = None, False
        self._hold(b'"')
        return end + 1, wait

    def _hold(self, piece: bytes) -> None:
        self._beside += piece
        if len(self._beside) > BESIDE:
            self._fail(Refused("line-size", f"a line has {BESIDE} bytes at most beside its `message`"))

    def _fail(self, error: Exception) -> None:
        """This line can't be read; the rest of it is passed over."""
        if self._failed:
            return
        if not self._begun:
            self._takes.begin("")
        self._takes.fail(error)
        self._begun = self._failed = True

    def _line(self) -> None:
        """The line is at its end."""
        if not self._failed and (self._begun or self._beside.strip()):
            self._finish()
        self._begin()

    def _finish(self) -> None:
        try:
            given = self._decoder.decode(self._beside)
            key = checked_key(given.idempotency_key)
            data = binascii.a2b_base64(given.message, strict_mode=True)
        except (Refused, msgspec.DecodeError, ValueError) as error:
            self._fail(error if isinstance(error, Refused) else _unreadable(error))
            return
        if self._begun and data:
            self._fail(_twice())
            return
        if self._begun:
            self._takes.name(given.filename, given.id[:KEY], key)
        else:
            self._takes.begin(given.filename, given.id[:KEY], key)
            self._takes.feed(data)
        self._takes.end()


def _twice() -> Refused:
    return Refused("line", "`message` stands there twice")


def _no_base64() -> Refused:
    return Refused("line", "`message` is no base64")


def _unreadable(error: Exception) -> Refused:
    """What is wrong with a line, in the words of the decoder where these name a member and no content."""
    if isinstance(error, msgspec.ValidationError):
        return Refused("line", str(error))
    return _no_base64() if isinstance(error, binascii.Error) else Refused("line", "this line is no JSON object")
