"""Structured header fields: the mailboxes, the date and the message identifier that a field's value holds.

Every reader here takes an unfolded value as written (at most 64 kB of it), works in linear time and never raises.
Encoded words are decoded only after the structure is known, so that no comma or bracket inside one can make a mailbox.
Standards: RFC 5322 sections 3.3, 3.4, 4.3, 4.4; RFC 2047 section 5 (read more widely: words inside quotes too).
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import NamedTuple

from intake.words import words

MAILBOXES = 500
"""Most mailboxes that one field gives."""
VALUE = 64 * 1024
"""Characters of a value that are read."""

_TOKEN = re.compile(r'<@[^<>]*>|<[^<>,;]*>?|[,;:()\\"]|[^"<,;:()\\]+', re.DOTALL)
_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_IN_COMMENT = re.compile(r"[()\\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPACES = re.compile(r"[ \t\r\n]+")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_ZONE = re.compile(r"(?:[+-]\d{4}|[A-Za-z]{1,5})\)?\s*(?:\([^()]*\)?\s*)?$")


class Mailbox(NamedTuple):
    """A display name, decoded, and an address as written; either may be empty."""

    name: str
    address: str


class Moment(NamedTuple):
    """A moment in UTC; `zoned` says whether the field named a time zone."""

    at: datetime
    zoned: bool


def mailboxes(value: str) -> tuple[list[Mailbox], bool]:
    """The mailboxes of an address field, groups flattened, and whether there were more than are given."""
    reader = _Reader(value[:VALUE])
    reader.run()
    return reader.found[:MAILBOXES], len(reader.found) > MAILBOXES or len(value) > VALUE


class _Reader:
    """One pass over the tokens of an address field."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.found: list[Mailbox] = []
        self.phrase: list[str] = []
        self.comment: list[str] = []
        self.address: str | None = None
        self.at = False
        self.quotes = True

    def run(self) -> None:
        position = 0
        while position < len(self.value) and len(self.found) <= MAILBOXES:
            piece = self.piece(position)
            if piece == "(":
                position = self.take_comment(position + 1)
                continue
            position += len(piece)
            self.take(piece)
        self.finish()

    def piece(self, position: int) -> str:
        """The token at `position`; after one quote that nothing closes all are lone ones, else time is quadratic."""
        if self.quotes and self.value[position] == '"':
            quoted = _QUOTED.match(self.value, position)
            if quoted:
                return quoted.group()
            self.quotes = False
        match = _TOKEN.match(self.value, position)
        return match.group() if match else self.value[position]

    def take(self, piece: str) -> None:
        """Add one token; a lone quote or bracket that nothing closes stands for itself or for nothing."""
        if piece in ",;":
            self.finish()
        elif piece == ":":
            self.take_colon()
        elif piece[0] == "<" and self.address is None:
            self.address = piece.strip("<> \t")
        elif len(piece) > 1 and piece[0] == '"':
            self.phrase.append(_ESCAPE.sub(r"\1", piece[1:-1]))
        elif piece not in '"\\)':
            self.phrase.append(piece)
            self.at = self.at or "@" in piece

    def take_colon(self) -> None:
        """A colon ends the name of a group (RFC 5322 section 3.4), unless what precedes it is an address already."""
        if self.address is None and not self.at:
            self.phrase.clear()
        else:
            self.phrase.append(":")

    def take_comment(self, position: int) -> int:
        """Read the comment that was opened before `position`; where to go on."""
        depth, start = 1, position
        while depth:
            match = _IN_COMMENT.search(self.value, position)
            if match is None:
                position = len(self.value)
                break
            position = match.end() + (match.group() == "\\")
            depth += {"(": 1, ")": -1}.get(match.group(), 0)
        self.comment.append(self.value[start : position - (depth == 0)])
        return position

    def finish(self) -> None:
        """Close the mailbox that was being read."""
        phrase, comment = _plain("".join(self.phrase)), _plain(" ".join(self.comment))
        if self.address is not None:
            self.found.append(Mailbox(words(phrase or comment), _bare(self.address)))
        elif "@" in phrase and " " not in phrase:
            self.found.append(Mailbox(words(comment), _bare(phrase)))
        elif phrase:
            self.found.append(_loose(words(phrase)))
        self.phrase, self.comment, self.address, self.at = [], [], None, False


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" \t")


def _bare(address: str) -> str:
    """An address without an obsolete route before it and without white space (RFC 5322 section 4.4)."""
    if address.startswith("@") and ":" in address:
        address = address.partition(":")[2]
    return _SPACES.sub("", address)


def _loose(phrase: str) -> Mailbox:
    """A phrase with no brackets: its last word is the address where that looks like one."""
    before, _, last = phrase.rpartition(" ")
    return Mailbox(before, last) if _ADDRESS.fullmatch(last) else Mailbox(phrase, "")


def address_inside(name: str) -> str:
    """The domain (lower case) of an address that a display name shows, '' where it shows none."""
    match = _ADDRESS.search(name[:1000])
    return match.group(1).lower() if match else ""


def moment(value: str) -> Moment | None:
    """The date of a Date or Received field; None where it can't be read. A date without a zone is taken as UTC."""
    value = value[:200].strip()
    try:
        parts = parsedate_tz(value)
        at = _instant(parts) if parts else datetime.fromisoformat(value if value[4:5] == "-" else "")
        zoned = at.tzinfo is not None and (parts is None or bool(_ZONE.search(value)))
        return Moment(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), zoned)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _instant(parts: tuple[int, int, int, int, int, int, int, int, int, int | None]) -> datetime:
    """A leap second counts as the second before it."""
    year, month, day, hour, minute, second = parts[:6]
    zone = timezone(timedelta(seconds=parts[9] or 0))
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)


def bracketed(value: str) -> str:
    """What stands between the first pair of angle brackets (Message-ID, Return-Path), else the first word."""
    value = value[:2000]
    start = value.find("<")
    end = value.find(">", start)
    if 0 <= start < end:
        return _SPACES.sub("", value[start + 1 : end])
    return (value.strip().split(None, 1) or [""])[0]
