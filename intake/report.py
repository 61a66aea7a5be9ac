"""Report: one reported message (or one claim without a message), and Reporter: who said so.

A report is a slice of the submission's original bytes, or of a kept Decoding of them; never re-serialised.
What the reporter claims stands beside what the message shows and is never merged with it.
A reporter's identity stands in the Reporter record and nowhere else; all others hold its keyed hash.
"""

from intake.record import Record, Value
from intake.submission import Part


class Claims(Value, frozen=True):
    """What the report says of the message, as found there (RFC 5965 section 3): text, unverified, may be empty."""

    feedback_type: str = ""
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
    """Fields that no standard registers, name and value."""


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
    """public, isp, partner or trap."""
    edges: tuple[str, ...] = ()
