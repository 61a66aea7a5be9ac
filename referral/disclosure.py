"""Disclosure: what of a report may leave the house, under which handling mark, and in which form.

A reported message leaves as the original only when every reporter who sent these bytes agrees to a transfer abroad
(`evidence.agreed`), or under TLP:RED when a person asked for originals. Otherwise a redacted copy leaves: recipient
fields, every form of the reporter's address and name, and attachments are withheld, and the log says which bytes;
outside the logged ranges the copy equals the original byte for byte, which anyone who is shown the original later can
check.
Where that is not certain (a message not fully examined, a reporter no longer kept, a form still found) only its
commitment leaves. A code in a link that only the sender can resolve is not recognised here, so queries of links are
withheld as well. DKIM can't be verified on a redacted copy. Digests of redacted originals never leave: whoever knows
all but an address could guess it.

Marks are those of TLP 2.0 (FIRST, 2022): who may know, no more. Redaction follows RFC 6590 in purpose.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from enrichment.examination import Examination
from intake.record import Record, Value, sha256
from intake.report import Claims, Reporter
from referral.contact import ContactPoint
from referral.identity import (
    MOST_ADDRESSES,
    Identifiers,
    Span,
    blocks,
    leaks,
    mapped,
    merged,
    quoted_printable,
    spans,
    unwrap,
)

VERSION = "redaction/1"
Mark = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
MARKS: tuple[Mark, ...] = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
LARGEST = 25_000_000
"""Bytes of a message that is redacted; of a larger one only the commitment leaves."""
WITHHELD = b"[withheld]"
_RECIPIENT_FIELDS = (
    rb"(?:resent-)?(?:to|cc|bcc)|(?:x-)?delivered-to|(?:x-)?envelope-to|x-original-to|x-rcpt-to|x-forwarded-(?:to|for)"
    rb"|apparently-to|x-apparently-to|(?:original|final)-recipient|original-rcpt-to|x-real-to|x-recipient"
    rb"|list-unsubscribe|feedback-id|x-report-abuse|x-csa-complaints"
)
_RECIPIENT = re.compile(rb"(?mi)^[> \t]{0,8}(?:" + _RECIPIENT_FIELDS + rb")[ \t]{0,8}:([^\n]*(?:\n[ \t][^\n]*){0,200})")
_RECEIVED = re.compile(rb"(?mi)^received[ \t]{0,8}:([^\n]*(?:\n[ \t][^\n]*){0,50})")
_FOR = re.compile(rb"(?i)\bfor[ \t\r\n]{1,20}(<[^<>\n]{1,320}>|[^\s<>;]{1,320})")
_TOKEN = re.compile(rb"[^\s\"'<>]+")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@]{1,64}@[A-Za-z0-9.-]{1,253}")
_TEXT = ("text/", "message/", "multipart/")


class Consent(Record, frozen=True, kw_only=True):
    """That a reporter agreed to the transfer of what they reported, with their identity, to an authority abroad."""

    kind = "consent"
    key_field = "reporter"
    sealed_under = ("reporter", "reporter")

    reporter: str
    at: datetime
    how: str
    """Where the agreement is written down: a form, a letter, a standing agreement with an ISP."""


class Cut(Value, frozen=True):
    """Bytes `start` to `end` of the original stand in the copy as its bytes `at` to `until`; `rule` says why."""

    start: int
    end: int
    at: int
    until: int
    rule: str


class Copy(Value, frozen=True):
    """A redacted copy; `data` is b'' and `reason` says why when none can be given."""

    data: bytes = b""
    cuts: tuple[Cut, ...] = ()
    reason: str = ""


def identifiers(reporter: Reporter, examination: Examination, claims: Claims, data: bytes = b"") -> Identifiers:
    """The reporter's address, and the addresses and names to which this message was delivered.

    The sender's own address is among them when the mail was made to look as if the reader had sent it to themselves.
    """
    addresses = [reporter.address, *claims.rcpt_to, *(each.address for each in examination.message.to)]
    for match in _RECIPIENT.finditer(data):
        addresses += _ADDRESS.findall(match.group(1).decode("latin-1"))
    for match in _RECEIVED.finditer(data):
        addresses += _ADDRESS.findall(b" ".join(_FOR.findall(match.group(1))).decode("latin-1"))
    unique = dict.fromkeys(address.lower() for address in addresses if "@" in address)
    exact = dict.fromkeys(address for address in addresses if "@" in address)
    return Identifiers(dict.fromkeys((*exact, *unique)), [each.name for each in examination.message.to if each.name])


def redacted(data: bytes, examination: Examination, own: Identifiers, others: Identifiers | None = None) -> Copy:
    """The copy that may leave, or the reason why none can; time is linear in the size per form of an identifier.

    `own` are the identifiers of this message's reader, `others` those of further people to withhold.
    """
    reason = _unsure(data, examination, own)
    if reason:
        return Copy(reason=reason)
    known = own.with_forms(others) if others else own
    attachments = list(_attachments(examination))
    found = merged([*attachments, *_fields(data), *_coded(data, known, attachments), *spans(data, known)])
    copy, cuts = _cut(data, found, known)
    left = leaks(copy, known)
    return Copy(reason=f"an identifier is still found ({', '.join(left)})") if left else Copy(data=copy, cuts=cuts)


def _unsure(data: bytes, examination: Examination, known: Identifiers) -> str:
    if examination.limits or examination.message.limits:
        return "the message is not fully examined"
    if len(data) > LARGEST:
        return "the message is too large to be searched"
    if len(known.addresses) > 2 * MOST_ADDRESSES:
        return "the message has too many recipients to be searched"
    if sha256(data) != examination.message.sha256:
        return "the examination is of other bytes"
    return ""


def _attachments(examination: Examination) -> Iterator[Span]:
    """Contents that are not text: an identity can stand in them in ways that no search finds."""
    for leaf in examination.message.leaves:
        if not leaf.type.startswith(_TEXT) and leaf.cite.end > leaf.cite.start:
            yield Span(leaf.cite.start, leaf.cite.end, f"attachment {leaf.type} sha256 {leaf.sha256}")


def _fields(data: bytes) -> Iterator[Span]:
    for match in _RECIPIENT.finditer(data):
        yield Span(*_trimmed(data, *match.span(1)), "recipient-field")
    for match in _RECEIVED.finditer(data):
        for inner in _FOR.finditer(data, *match.span(1)):
            yield Span(*inner.span(1), "received-for")
    view, back = quoted_printable(data)
    yield from (mapped(span, back) for span in _queries(view))


def _queries(data: bytes) -> Iterator[Span]:
    """What stands behind the question mark or hash of each link."""
    for match in _TOKEN.finditer(data):
        token = match.group()
        scheme = token.find(b"://")
        marks = [at for sign in (b"?", b"#") if (at := token.find(sign, scheme)) > scheme >= 0]
        if marks and match.start() + min(marks) + 1 < match.end():
            yield Span(match.start() + min(marks) + 1, match.end(), "link-query")


def _trimmed(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The value without the white space around it; an empty value gives an empty range at its place."""
    value = data[start:end]
    left = start + len(value) - len(value.lstrip())
    return (left, left + len(value.strip())) if value.strip() else (start, start)


def _coded(data: bytes, known: Identifiers, attachments: list[Span]) -> Iterator[Span]:
    """Base64 blocks that hold something to withhold when they are decoded."""
    for start, end in blocks(data):
        inside = any(each.start <= start and end <= each.end for each in attachments)
        if not inside and _inner(unwrap(data[start:end]), known):
            yield Span(start, end, "base64-block")


def _inner(plain: bytes, known: Identifiers) -> list[Span]:
    """What to withhold in a decoded block; a block inside it is withheld whole."""
    deeper = [Span(start, end, "base64-inside") for start, end in blocks(plain) if leaks(plain[start:end], known)]
    return merged([*spans(plain, known), *_fields(plain), *deeper])


def _cut(data: bytes, found: list[Span], known: Identifiers) -> tuple[bytes, tuple[Cut, ...]]:
    pieces, cuts, done, position = [], [], 0, 0
    for start, end, rule in found:
        if start == end:
            continue
        new = _recoded(data[start:end], known) if rule == "base64-block" else _marker(rule)
        pieces += [data[done:start], new]
        at = position + start - done
        cuts.append(Cut(start=start, end=end, at=at, until=at + len(new), rule=rule))
        position, done = at + len(new), end
    return b"".join((*pieces, data[done:])), tuple(cuts)


def _marker(rule: str) -> bytes:
    return f"[{rule}]".encode().replace(b"attachment", b"withheld attachment") if " " in rule else WITHHELD


def _recoded(block: bytes, known: Identifiers) -> bytes:
    """The block with its content redacted, in base64 lines of the same length and line end."""
    plain = unwrap(block)
    clean, _ = _cut(plain, _inner(plain, known), known)
    code = base64.b64encode(clean)
    first, newline, _ = block.partition(b"\n")
    width = len(first.strip()) or 76
    ending = b"\r\n" if first.endswith(b"\r") else newline or b"\n"
    return ending.join(code[at : at + width] for at in range(0, len(code), width))


def same_outside(original: bytes, copy: bytes, cuts: Iterable[Cut]) -> bool:
    """Whether the copy equals the original byte for byte outside the cuts: what a court checks later."""
    done = at = 0
    for cut in cuts:
        if original[done : cut.start] != copy[at : cut.at]:
            return False
        done, at = cut.end, cut.until
    return original[done:] == copy[at:]


def refused(mark: str, contact: ContactPoint, include_originals: bool) -> str:
    """Why an item under this mark may not go to that contact; '' when it may."""
    if mark not in MARKS:
        return f"{mark or 'no mark'} is no handling mark of TLP 2.0"
    if mark == "TLP:RED" and not include_originals:
        return "TLP:RED is for named recipients only, and nobody asked for it by name"
    if mark in ("TLP:RED", "TLP:AMBER+STRICT") and not contact.verified:
        return f"{mark} goes to a verified contact only"
    return ""
