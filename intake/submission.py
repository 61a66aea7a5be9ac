"""Submission: what arrived at a door, and Receipt: the promise that we have it.

A submission is one SMTP transaction, one upload or one file: its bytes stand in the vault as part frames, and this
record closes them. Its envelope may name the reporter, so it has a key slot of its own and can be forgotten alone.
"""

from datetime import datetime

from intake.record import Record, Value


class Part(Value, frozen=True):
    """Where one piece of the bytes stands: series, segment number, offset of the frame, plain bytes in it."""

    series: str
    segment: int
    offset: int
    size: int


class Envelope(Value, frozen=True):
    """What the door saw of the sender; every field is empty where the channel has no such thing."""

    mail_from: str = ""
    rcpt_to: tuple[str, ...] = ()
    peer: str = ""
    helo: str = ""
    tls: str = ""
    account: str = ""
    """Name under which the sender authenticated to us, or the person at the command line."""
    options: tuple[str, ...] = ()


class Submission(Record, frozen=True):
    """One thing handed in: `size` bytes with SHA-256 `sha256`; `received` is our clock, UTC."""

    kind = "submission"
    sealed_under = ("submission", "id")
    indexed = ("sha256", "channel")

    id: str
    channel: str
    """smtp, upload or file."""
    received: datetime
    sha256: str
    size: int
    parts: tuple[Part, ...]
    envelope: Envelope = Envelope()
    filename: str = ""
    """As the sender named it; data, never a path of ours."""


class Verdict(Value, frozen=True):
    """What became of one item inside a submission.

    `code` is one of: report, duplicate, bounce, auto-reply, not-a-report, empty, not-fully-examined,
    password-protected, limit, damaged. `name` is the item's name inside (path in a zip, number in an mbox).
    """

    code: str
    says: str = ""
    name: str = ""
    report: str = ""
    sha256: str = ""
    format: str = ""


class Unpacked(Record, frozen=True):
    """That a submission was unpacked, and what was in it: a verdict for every item, reports and others."""

    kind = "unpacked"
    key_field = "submission"
    sealed_under = ("submission", "submission")

    submission: str
    verdicts: tuple[Verdict, ...]


class Receipt(Value, frozen=True):
    """What a door gives back once the bytes are durable."""

    submission: str
    sha256: str
    size: int
