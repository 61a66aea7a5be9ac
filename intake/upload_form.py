"""The body of an upload: the one file or pasted text in it, streamed to an acceptance as it comes.

Nothing is written to disk in the clear and nothing is held whole, which is why the multipart stream is read here and
not by the web framework. RFC 7578; python-multipart cuts the stream into headers and data.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from intake.accept import Acceptance
from intake.errors import Refused

FIELDS = ("file", "source")
PARTS = 100
_NAME = 255
logging.getLogger("python_multipart").setLevel(logging.CRITICAL + 1)  # it would write bytes of a body into the log

Open = Callable[[str], Acceptance]
"""Opens the acceptance of a file of that name ('' for pasted text)."""
Wait = Future[None] | None


class Body(Protocol):
    """A request body on its way in."""

    acceptance: Acceptance | None
    """What the bytes go into; None while there were none."""

    def write(self, chunk: bytes) -> Wait:
        """Take the next bytes; what to wait for before the next ones."""

    def end(self) -> Acceptance:
        """All of it was there: its acceptance. `Refused` when it was empty or cut short."""


class Raw:
    """A body that is the report itself."""

    def __init__(self, open_: Open) -> None:
        self.acceptance: Acceptance | None = None
        self._open = open_

    def write(self, chunk: bytes) -> Wait:
        if not chunk:
            return None
        if self.acceptance is None:
            self.acceptance = self._open("")
        return self.acceptance.feed(chunk)

    def end(self) -> Acceptance:
        if self.acceptance is None:
            raise Refused("empty", "there was nothing in it")
        return self.acceptance


class Form:
    """A multipart form: the part `file` or the part `source` is the report, other parts are passed over."""

    def __init__(self, content_type: str, open_: Open) -> None:
        self.acceptance: Acceptance | None = None
        self._open = open_
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        self._parser = _parser(boundary, self)
        self._field = self._value = b""
        self._disposition = b""
        self._filename: str | None = None
        self._taken = False
        self._parts = 0
        self._wait: Wait = None
        self._ended = False

    def write(self, chunk: bytes) -> Wait:
        self._wait = None
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error
        return self._wait

    def end(self) -> Acceptance:
        if not self._ended:
            raise _malformed()
        if self.acceptance is None:
            raise Refused("empty", "neither a file nor a pasted message was in it")
        return self.acceptance

    def part_begins(self) -> None:
        self._parts += 1
        if self._parts > PARTS:
            raise Refused("malformed", f"more than {PARTS} parts")
        self._field = self._value = self._disposition = b""
        self._taken = False
        self._filename = None

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_ends(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def headers_end(self) -> None:
        """Whether this part is wanted, and the name that the sender gave its file."""
        options = parse_options_header(self._disposition.decode("latin-1"))[1]
        if options.get(b"name", b"").decode("latin-1") in FIELDS:
            self._filename = options.get(b"filename", b"").decode("utf-8", "backslashreplace")[:_NAME]

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._filename is None or start == end:
            return
        if not self._taken:
            if self.acceptance is not None:
                raise Refused("one-at-a-time", "send one file or one pasted message at a time")
            self.acceptance, self._taken = self._open(self._filename), True
        if self.acceptance is not None:
            self._wait = self.acceptance.feed(data[start:end]) or self._wait

    def form_ends(self) -> None:
        self._ended = True


def _malformed() -> Refused:
    return Refused("malformed", "the form is not a complete multipart/form-data body")


def _parser(boundary: bytes, form: Form) -> MultipartParser:
    if not boundary:
        raise _malformed()
    try:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": form.part_begins,
                "on_header_field": form.header_field,
                "on_header_value": form.header_value,
                "on_header_end": form.header_ends,
                "on_headers_finished": form.headers_end,
                "on_part_data": form.data,
                "on_end": form.form_ends,
            },
        )
    except FormParserError as error:
        raise _malformed() from error
