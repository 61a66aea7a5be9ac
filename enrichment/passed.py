"""Passed: what in a message says that somebody passed it on for others: list, forwarder, mailing service.

These headers can be typed by anyone, so they never clear a sender; they are counter-evidence and the reason to call a
line below the boundary a forwarder's. Sources: RFC 2919 and RFC 2369 (lists), RFC 5322 section 3.6.6 (resent), the
Sender Rewriting Scheme, and the headers that mailing services write.
"""

import re

from intake.message import Message
from intake.record import Cite, Value

_LIST = ("List-Id", "List-Post", "X-BeenThere", "X-Mailman-Version", "Mailing-List")
_FORWARD = ("X-Forwarded-For", "X-Forwarded-To", "X-Forwarded-Encrypted", "Resent-From", "X-Google-Group-Id")
_SERVICE = (
    "Feedback-ID",
    "X-SG-EID",
    "X-SES-Outgoing",
    "X-Mailgun-Sid",
    "X-MC-User",
    "X-PM-Message-Id",
    "X-CSA-Complaints",
)
_SRS = re.compile(r"<?(?:srs[01][=+-]|[^@<>\s]{1,200}\+caf_=|bounces?[+-])", re.IGNORECASE)


class Passing(Value, frozen=True):
    """That the message was passed on: `how` is list, forward or service, `says` a sentence."""

    how: str
    says: str
    cite: Cite


def passings(message: Message) -> tuple[Passing, ...]:
    """Every sign of passing on, at most one of each kind."""
    found = (
        _first(message, _LIST, "list", "it carries the headers of a mailing list"),
        _first(message, _FORWARD, "forward", "it carries the headers of a forwarder"),
        _rewritten(message),
        _first(message, _SERVICE, "service", "it carries the headers of a mailing service"),
    )
    return tuple(each for each in found if each is not None)


def _first(message: Message, names: tuple[str, ...], how: str, says: str) -> Passing | None:
    for name in names:
        for header in message.all(name):
            return Passing(how=how, says=f"{says} ({name})", cite=header.cite)
    return None


def _rewritten(message: Message) -> Passing | None:
    """An envelope sender in the form of the Sender Rewriting Scheme or of a bounce address."""
    for header in message.all("Return-Path"):
        if found := _SRS.match(header.value.strip()[:256]):
            how = "service" if "bounce" in found.group().lower() else "forward"
            return Passing(
                how=how, says="its envelope sender is that of a forwarder or mailing service", cite=header.cite
            )
    return None
