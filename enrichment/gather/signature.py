"""Signature tags: what a DKIM-Signature says of itself, checked before any arithmetic is done.

Tags come as dkimpy parses them, bytes to bytes. Whatever forbids going on raises Stop with a result and a reason.
Standards: RFC 6376 sections 3.5 and 6.1.1, RFC 8616 (internationalised d= and s=).
"""

import re
from datetime import datetime

from enrichment.gather.names import alabels

SIGNED_NAMES = 200
"""Most names in h=; dkimpy compares each with every header field."""
CLOCK_SLOP = 36_000
"""Seconds by which a signer's clock may be wrong."""

_NAME_LIST = re.compile(rb"\s*:\s*")


class Stop(Exception):
    """A signature is judged before its arithmetic: `result` in the words of Check, and why."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(result, reason)
        self.result = result
        self.reason = reason


def owner(tags: dict[bytes, bytes]) -> tuple[str, str]:
    """(domain, selector) as A-labels (RFC 8616 section 4)."""
    domain, selector = (alabels(tags[name].decode("utf-8", "replace")) for name in (b"d", b"s"))
    if not domain or not selector or not alabels(f"{selector}._domainkey.{domain}"):
        raise Stop("permerror", "d= or s= is no domain name")
    return domain, selector


def signed_names(tags: dict[bytes, bytes]) -> list[bytes]:
    """The names of h=, which must have From (RFC 6376 section 6.1.1)."""
    names = [each.lower() for each in _NAME_LIST.split(tags[b"h"])]
    if len(names) > SIGNED_NAMES:
        raise Stop("unverifiable", "limit: too many signed header fields")
    if b"from" not in names:
        raise Stop("permerror", "From is not signed")
    return names


def lateness(tags: dict[bytes, bytes], received: datetime) -> str:
    """What t= and x= say against the signature at the time the mail was received (RFC 6376 section 3.5), or ''."""
    times = {}
    for name in (b"t", b"x"):
        text = tags.get(name, b"")
        if text and not (text.isdigit() and len(text) <= 12):
            raise Stop("permerror", f"{name.decode()}= is no time")
        times[name] = int(text) if text else None
    signed, expires = times[b"t"], times[b"x"]
    if signed is not None and expires is not None and expires < signed:
        raise Stop("permerror", "x= is before t=")
    if expires is not None and expires + CLOCK_SLOP < received.timestamp():
        return "expired before the mail was received (x=)"
    if signed is not None and signed - CLOCK_SLOP > received.timestamp():
        return "signed after the mail was received (t=)"
    return ""


def coverage(tags: dict[bytes, bytes], size: int) -> str:
    """How much of the body l= leaves out; '' where all is signed (RFC 6376 section 8.2)."""
    if b"l" not in tags:
        return ""
    length = int(tags[b"l"])
    if length > size:
        raise Stop("permerror", "l= is more than the body has")
    return f"l= covers {length} of {size} bytes of the body" if length < size else ""
