"""Multipart: a form cut into its parts as it comes; nothing of it is held but the header of one part.

python-multipart cuts the stream; what a part is, and how many and how large their headers may be, is said here.
RFC 7578.
"""

import logging
from concurrent.futures import Future
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from intake.errors import Refused

TYPE = "multipart/form-data"
HEADER = 8_000
"""Bytes of the header of a part at most."""
logging.getLogger("python_multipart").setLevel(logging.CRITICAL + 1)  # it would write bytes of a body into the log
Wait = Future[None] | None


class Takes(Protocol):
    """What the parts go into."""

    def part(self, name: str, filename: str | None) -> None:
        """A part begins; `filename` is None where it has none."""

    def data(self, piece: bytes) -> Wait:
        """Its next bytes; what to wait for before more is written."""

    def part_ends(self) -> None: ...


class Parts:
    """A body of that type, of at most `most` parts."""

    def __init__(self, content_type: str, takes: Takes, most: int) -> None:
        self._takes, self._most, self._count, self._header = takes, most, 0, 0
        self._field = self._value = self._disposition = b""
        self._wait: Wait = None
        self._ended = False
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise _malformed()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begins, "on_header_field": self._names, "on_header_value": self._says,
                    "on_header_end": self._header_ends, "on_headers_finished": self._headers_end,
                    "on_part_data": self._data, "on_part_end": takes.part_ends, "on_end": self._ends,
                },
            )  # fmt: skip
        except FormParserError as error:
            raise _malformed() from error

    def write(self, chunk: bytes) -> Wait:
        """The next bytes of the body; `Refused('malformed')` when it is no form."""
        self._wait = None
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error
        return self._wait

    def end(self) -> None:
        """All of it was there; `Refused('malformed')` when it was not."""
        if not self._ended:
            raise _malformed()

    def _begins(self) -> None:
        self._count += 1
        if self._count > self._most:
            raise Refused("malformed", f"more than {self._most} parts")
        self._field = self._value = self._disposition = b""
        self._header = 0

    def _names(self, data: bytes, start: int, end: int) -> None:
        self._field += self._some(data[start:end])

    def _says(self, data: bytes, start: int, end: int) -> None:
        self._value += self._some(data[start:end])

    def _some(self, data: bytes) -> bytes:
        self._header += len(data)
        if self._header > HEADER:
            raise Refused("malformed", f"the header of a part has {HEADER} bytes at most")
        return data

    def _header_ends(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_end(self) -> None:
        options = parse_options_header(self._disposition.decode("latin-1"))[1]
        filename = options.get(b"filename")
        name = options.get(b"name", b"").decode("latin-1")
        self._takes.part(name, None if filename is None else filename.decode("utf-8", "backslashreplace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if start < end:
            self._wait = self._takes.data(data[start:end]) or self._wait

    def _ends(self) -> None:
        self._ended = True


def _malformed() -> Refused:
    return Refused("malformed", "the form is not a complete multipart/form-data body")
