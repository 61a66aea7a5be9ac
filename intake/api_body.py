"""The bodies that the API takes, cut into items as they come: one report, a form of files, or lines of JSON.

Nothing is held whole: a file goes on as it comes, and so does the `message` of a line, out of its base64 (`lines.py`).
RFC 7578 (form).
"""

from concurrent.futures import Future
from typing import Protocol

from intake.errors import Refused
from intake.multipart import Parts

PARTS = 2000
"""Parts of a form at most, those that are no items included."""
KEY = 255
"""Characters of an idempotency key at most."""
ALONE = frozenset({
    "message/rfc822", "message/global", "multipart/report", "application/octet-stream", "application/zip",
    "application/gzip", "application/x-tar", "application/x-7z-compressed", "application/vnd.rar", "application/mbox",
    "application/vnd.ms-outlook", "application/json", "application/xarf+json", "application/ms-tnef", "text/plain",
    "text/csv", "application/stix+json", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "image/png", "image/jpeg",
})  # fmt: skip
"""Types of a body that is the report itself."""
LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/ndjson"})
Wait = Future[None] | None


class Takes(Protocol):
    """What items go into."""

    def begin(self, filename: str, id_: str = "", key: str | None = "") -> None:
        """An item; with a key of None `name` says it all before the end."""

    def feed(self, chunk: bytes) -> Wait: ...
    def name(self, filename: str, id_: str, key: str) -> None: ...

    def fail(self, error: Exception) -> None: ...
    def end(self) -> None: ...


class Body(Protocol):
    """A body on its way in."""

    def write(self, chunk: bytes) -> Wait: ...

    def end(self) -> None:
        """All of it was there; `Refused` when it was cut short."""


def checked_key(key: str) -> str:
    """An idempotency key as it was given; `Refused` when it is none."""
    if len(key) > KEY or not key.isascii() or not key.isprintable():
        raise Refused("idempotency-key", f"an idempotency key has at most {KEY} printable ASCII characters")
    return key


class Alone:
    """A body that is one item."""

    def __init__(self, takes: Takes, filename: str) -> None:
        self._takes, self._filename, self._begun = takes, filename, False

    def write(self, chunk: bytes) -> Wait:
        if not self._begun:
            self._begun = True
            self._takes.begin(self._filename)
        return self._takes.feed(chunk)

    def end(self) -> None:
        if not self._begun:
            self._takes.begin(self._filename)
        self._takes.end()


class Form:
    """A form: every part that is called `file`, or has a file name, is an item."""

    def __init__(self, content_type: str, takes: Takes) -> None:
        self._takes, self._parts, self._item = takes, Parts(content_type, self, PARTS), False

    def write(self, chunk: bytes) -> Wait:
        return self._parts.write(chunk)

    def end(self) -> None:
        self._parts.end()

    def part(self, name: str, filename: str | None) -> None:
        self._item = filename is not None or name == "file"
        if self._item:
            self._takes.begin(filename or "")

    def data(self, piece: bytes) -> Wait:
        return self._takes.feed(piece) if self._item else None

    def part_ends(self) -> None:
        if self._item:
            self._takes.end()
