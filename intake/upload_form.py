"""The body of an upload: the one file or pasted text in it, streamed to an acceptance as it comes, and the answers.

Nothing is written to disk in the clear and nothing is held whole, which is why the stream is read here and not by the
web framework.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from intake.accept import Acceptance
from intake.errors import Refused
from intake.multipart import Parts

RAW_TYPES = ("message/rfc822", "application/octet-stream")
"""Types of a body that is the report itself."""
FIELDS = ("file", "source")
PARTS = 100
SMALL = 64_000
"""Bytes of all other parts together, which are answers and are held in memory."""
_NAME = 255
UNSENT = ("empty", "one-at-a-time")
"""Refusals that are about the choice of the message, which a person can put right on the page."""

Open = Callable[[str], Acceptance]
"""Opens the acceptance of a file of that name ('' for pasted text)."""
Wait = Future[None] | None


class Body(Protocol):
    """A request body on its way in."""

    acceptance: Acceptance | None
    """What the bytes go into; None while there were none."""
    fields: dict[str, list[str]]
    """What stood in the other parts."""

    def write(self, chunk: bytes) -> Wait:
        """Take the next bytes; what to wait for before the next ones."""

    def end(self) -> Acceptance:
        """All of it was there: its acceptance. `Refused` when it was empty or cut short."""


class Raw:
    """A body that is the report itself."""

    def __init__(self, open_: Open) -> None:
        self.acceptance: Acceptance | None = None
        self.fields: dict[str, list[str]] = {}
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
    """A multipart form: the part `file` or the part `source` is the report, what else there is are answers."""

    def __init__(self, content_type: str, open_: Open) -> None:
        self.acceptance: Acceptance | None = None
        self.fields: dict[str, list[str]] = {}
        self._parts, self._open = Parts(content_type, self, PARTS), open_
        self._name, self._text, self._small = "", bytearray(), 0
        self._filename: str | None = None
        self._taken = False

    def write(self, chunk: bytes) -> Wait:
        return self._parts.write(chunk)

    def end(self) -> Acceptance:
        self._parts.end()
        if self.acceptance is None:
            raise Refused("empty", "neither a file nor a pasted message was in it")
        return self.acceptance

    def part(self, name: str, filename: str | None) -> None:
        """Whether this part is wanted, and the name that the sender gave its file."""
        self._filename, self._taken = (filename or "")[:_NAME] if name in FIELDS else None, False
        self._name = name[:_NAME] if name not in FIELDS and filename is None else ""
        self._text.clear()

    def data(self, piece: bytes) -> Wait:
        if self._name:
            self._answer(piece)
        if self._filename is None:
            return None
        if not self._taken:
            if self.acceptance is not None:
                raise Refused("one-at-a-time", "send one file or one pasted message at a time")
            self.acceptance, self._taken = self._open(self._filename), True
        return self.acceptance.feed(piece) if self.acceptance is not None else None

    def _answer(self, piece: bytes) -> None:
        self._small += len(piece)
        if self._small > SMALL:
            raise Refused("too-big", f"more than {SMALL} bytes beside the report")
        self._text += piece

    def part_ends(self) -> None:
        if self._name:
            self.fields.setdefault(self._name, []).append(self._text.decode("utf-8", "replace"))
