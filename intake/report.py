"""Report: one reported message (or one claim without a message), and Reporter: who said so.

A report is a slice of the submission's original bytes, or of a kept Decoding of them; never re-serialised.
What the reporter claims stands beside what the message shows and is never merged with it.
A reporter's identity stands in the Reporter record and nowhere else; all others hold its keyed hash.
"""

import hmac
from datetime import datetime

from intake.record import Record, Value, name_of
from intake.submission import Part


class Claims(Value, frozen=True):
    """What the report says of the message, as found there (RFC 5965 section 3): text, unverified, may be empty."""

    feedback_type: str = ""
    """A word of the format's register in lower case, or 'other' with the reporter's own word in `extra`."""
    source_ip: str = ""
    arrival_date: str = ""
    incidents: str = ""
    mail_from: str = ""
    rcpt_to: tuple[str, ...] = ()
    reported_domain: tuple[str, ...] = ()
    reported_uri: tuple[str, ...] = ()
    reporting_mta: str = ""
    user_agent: str = ""
    authentication_results: tuple[str, ...] = ()
    note: str = ""
    """What the person wrote above the forwarded message."""
    loss: str = ""
    """What the person wrote of a loss, in their words."""
    extra: tuple[tuple[str, str], ...] = ()
    """Further fields, name and value: those that no standard registers, those that stood there too often."""
    version: str = ""
    category: str = ""
    """XARF's category, report class or X-ARF's category, in lower case."""
    report_id: str = ""
    """What the reporter calls this report."""
    envelope_id: str = ""
    source_port: str = ""
    auth_failure: str = ""
    delivery_result: str = ""
    identity_alignment: str = ""
    """Never to be computed with: RFC 7489 and RFC 9991 define it in opposite senses."""
    dkim_domain: str = ""
    dkim_identity: str = ""
    dkim_selector: str = ""
    dns: tuple[tuple[str, str], ...] = ()
    """DNS records that the reporter saw (SPF-DNS, DKIM-Selector-DNS, DKIM-ADSP-DNS), name of the field and value."""
    lane: str = ""
    """Where the reporter, or their own category, sees it: sms, police, child-abuse, life or other."""
    flags: tuple[str, ...] = ()
    """Departures from the format, each a word that the reader of the format declares."""
    given: bool = False
    """That the person gave away data, such as a password or the number of a card."""
    consent: bool = False
    """That the person agreed, unverified, to their identity being passed on to an authority abroad."""


class Decoding(Record, frozen=True):
    """A named, versioned decoding of bytes of a submission (base64, quoted-printable, zip, msg, inline ...).

    It was made from bytes `start` to `end` of `source` (`submission`, or the id of another decoding); the result,
    `size` bytes with SHA-256 `sha256`, stands in `parts`.
    """

    kind = "decoding"
    sealed_under = ("submission", "submission")

    id: str
    submission: str
    source: str
    start: int
    end: int
    name: str
    version: str
    sha256: str
    size: int
    parts: tuple[Part, ...]


class Report(Record, frozen=True):
    """One reported message: bytes `start` to `end` of `source` ('submission' or a Decoding's id).

    `format` names the file in `intake/formats` that recognised it. `missing` says what a full report would have had
    ('headers', 'received', 'body'). The id comes from reporter, message and what the reporter says of it in their
    own words, so the same report twice is one, and a loss that is told of later is not lost.
    """

    kind = "report"
    sealed_under = ("submission", "submission")
    indexed = ("reporter", "submission", "sha256")

    id: str
    reporter: str
    submission: str
    format: str
    source: str
    start: int
    end: int
    sha256: str
    claims: Claims = Claims()
    missing: tuple[str, ...] = ()
    name: str = ""


class Withdrawal(Record, frozen=True, kw_only=True):
    """That whoever handed a report in took it back by the submission `by`: it stays as evidence, and counts no more."""

    kind = "withdrawal"
    key_field = "report"
    sealed_under = ("submission", "submission")
    indexed = ("submission",)

    report: str
    submission: str
    """Of the report."""
    by: str
    at: datetime


class ConsentEnd(Record, frozen=True, kw_only=True):
    """That whoever handed in `submission` agrees no more, by the submission `by`, to being named to an authority
    abroad; as lasting as what they handed in."""

    kind = "consent_end"
    key_field = "submission"
    sealed_under = ("submission", "submission")

    submission: str
    by: str
    at: datetime


class Reporter(Record, frozen=True):
    """Who reports: the one place that holds the identity. `id` is a keyed hash of `address`.

    `edges` are host names, domains or networks of the servers that take in mail for this reporter, as registered or
    derived from the address; the walk of the Received lines trusts them (`enrichment/path.py`).
    """

    kind = "reporter"
    sealed_under = ("reporter", "id")

    id: str
    address: str
    class_: str = "public"
    """public, isp, partner, trap or authority."""
    edges: tuple[str, ...] = ()
    unverified: bool = False
    """The address was typed into a form, and anybody can type it."""
    voice: str = ""
    """The id under which they are counted, where that is another one: whoever types an address counts as whoever
    sends mail from it, so that one person who uses both ways is one, and a typed address never makes two of them."""


def pseudonym(secret: bytes, address: str) -> str:
    """The id of the reporter with that address (or account, or network): a keyed hash that only we can make."""
    return "p" + name_of("reporter", hmac.digest(secret, address.strip().lower().encode(), "sha256"))[:16]
