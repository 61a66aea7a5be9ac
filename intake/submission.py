"""Submission: what arrived at a door, and Receipt: the promise that we have it.

A submission is one SMTP transaction, one upload or one file: its bytes stand in the vault as part frames, and this
record closes them. Its envelope may name the reporter, so it has a key slot of its own and can be forgotten alone.
"""

from datetime import datetime
from typing import Literal

from intake.record import Record, Value

REST = "rest"
"""What the retention of a submission goes by that held no report."""


class Part(Value, frozen=True):
    """Where one piece of the bytes stands: series, segment number, offset of the frame, plain bytes in it."""

    series: str
    segment: int
    offset: int
    size: int


class Told(Value, frozen=True):
    """What a person told in the form beside the message: in their words, unverified, every field may be empty."""

    how: str = ""
    """In which form they have the message: file, source, text or picture."""
    lane: str = ""
    """Where they see it: sms, police, child-abuse, life or other; '' for mail."""
    note: str = ""
    loss: str = ""
    given: bool = False
    """They gave away data such as a password or the number of a card."""
    consent: bool = False
    """They agree that their identity is passed on to an authority abroad."""
    contact: str = ""
    """A mail address that they typed in; it is the reporter's identity and nobody has checked it."""
    language: str = ""
    """BCP 47 tag of the pages that they read."""
    of: str = ""
    """The submission (its id) that this one adds to."""
    adds: Literal["", "loss", "original", "withdrawal", "no-consent"] = ""
    """`no-consent`: they agree no more that their identity is passed on."""


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
    told: Told = Told()


class Submission(Record, frozen=True):
    """One thing handed in: `size` bytes with SHA-256 `sha256`; `received` is our clock, UTC."""

    kind = "submission"
    sealed_under = ("submission", "id")
    indexed = ("sha256", "channel")

    id: str
    channel: str
    """smtp, upload, mailbox or file."""
    received: datetime
    sha256: str
    size: int
    parts: tuple[Part, ...]
    envelope: Envelope = Envelope()
    filename: str = ""
    """As the sender named it; data, never a path of ours."""


class Fault(Value, frozen=True):
    """A row of a table that is no claim: its line, the heading of the cell at fault ('' for the whole), and why."""

    line: int
    column: str = ""
    says: str = ""


class Verdict(Value, frozen=True):
    """What became of one item inside a submission.

    `code` is one of: report, duplicate, rows, bounce, auto-reply, not-a-report, empty, not-fully-examined,
    password-protected, limit, damaged, withdrawal. `name` is the item's name inside (path in a zip, number in an mbox).
    A table has the code `rows`: so many of its `rows` are claims, so many `bad`, and the first of these are named.
    """

    code: str
    says: str = ""
    name: str = ""
    report: str = ""
    sha256: str = ""
    format: str = ""
    rows: int = 0
    bad: int = 0
    faults: tuple[Fault, ...] = ()


class Unpacked(Record, frozen=True):
    """That a submission was unpacked, and what was in it: a verdict for every item, reports and others.

    `kept_as` is what its retention goes by: the reporter's class, or `rest` when there was neither report nor list in
    it; `day` is the day on which it came in, UTC. `reporter` is who handed it in, whatever was in it.
    """

    kind = "unpacked"
    key_field = "submission"
    sealed_under = ("submission", "submission")
    indexed = ("since", "reporter")

    submission: str
    verdicts: tuple[Verdict, ...]
    kept_as: str = ""
    day: str = ""
    reporter: str = ""

    @property
    def since(self) -> str:
        """Class and day, so that what is over is one range."""
        return f"{self.kept_as} {self.day}"


class Addition(Record, frozen=True, kw_only=True):
    """That a submission adds to an earlier one, `of`: a loss, the original, that it is withdrawn, or that
    consent to being named is."""

    kind = "addition"
    key_field = "submission"
    sealed_under = ("submission", "submission")
    indexed = ("of",)

    submission: str
    of: str
    what: Literal["loss", "original", "withdrawal", "no-consent"]
    at: datetime


class Receipt(Value, frozen=True):
    """What a door gives back once the bytes are durable."""

    submission: str
    sha256: str
    size: int
