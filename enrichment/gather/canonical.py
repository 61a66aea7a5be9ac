"""Canonical forms of a mail body for DKIM (RFC 6376 section 3.4), in time linear in its size.

dkimpy finds white space at line ends by an expression that takes quadratic time on a run of spaces; it is given the
body already in canonical form, which it then leaves as it is.
"""

import re
from dataclasses import dataclass
from functools import cached_property

_LINE_END = re.compile(rb"\r?\n")
_SPACE = re.compile(rb"[ \t]+")
_BARE_CR = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True)
class Mail:
    """A message as dkimpy wants it: fields and body; the canonical forms are made when a key is there to try them."""

    headers: list[tuple[bytes, bytes]]
    raw: bytes

    @cached_property
    def body(self) -> bytes:
        return crlf(self.raw)

    @cached_property
    def simple(self) -> bytes:
        return simple(self.body)

    @cached_property
    def relaxed(self) -> bytes:
        return relaxed(self.body)


def crlf(body: bytes) -> bytes:
    """The body with CRLF at every line end; bare CR stays."""
    return body if body.count(b"\n") == body.count(b"\r\n") else _LINE_END.sub(b"\r\n", body)


def bare_cr_as_line_end(body: bytes) -> bytes:
    """The body with bare CR read as line end too, as some mail clients write it."""
    return _BARE_CR.sub(b"\r\n", body)


def simple(body: bytes) -> bytes:
    """Section 3.4.3: empty lines at the end left out, one CRLF at the end. `body` has CRLF line ends."""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    text = body.rstrip(b"\r\n")
    keep = len(text) + body[len(text) :].rfind(b"\r\r") + 1  # a bare CR is part of the last line
    return body[:keep] + b"\r\n"


def relaxed(body: bytes) -> bytes:
    """Section 3.4.4: runs of white space are one space, none at line ends, and a body of empty lines is nothing."""
    text = simple(_SPACE.sub(b" ", body if body.endswith(b"\r\n") else body + b"\r\n").replace(b" \r\n", b"\r\n"))
    return b"" if text == b"\r\n" else text
