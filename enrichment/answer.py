"""Answer: what holds for every mail that Lapwing writes to a reporter by itself: to whom, how often, and sent but once.

To the envelope's sender alone, with a null return path, so that nothing answers it. Each answer takes create-only turns
before its first byte goes out; whoever finds one taken sends nothing, also where what had it was erased. So a process
that is killed while it sends leaves an answer that perhaps went out, and never a second one. Standards: RFC 3834
sections 2 to 4, RFC 5321 section 4.5.5.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from intake.archive import Archive
from intake.record import Record

LONGEST = 254
"""Characters of an address that can be written to (RFC 5321 section 4.5.3.1.3, less its brackets)."""
ROLES = frozenset({
    "postmaster", "mailer-daemon", "mailerdaemon", "mail-daemon", "daemon", "listserv", "majordomo", "bounce",
    "bounces", "no_reply", "donotreply", "do-not-reply", "do_not_reply", "nobody",
})  # fmt: skip
BEFORE = ("owner-", "bounce-", "bounces-", "bounce+", "bounces+", "noreply", "no-reply", "mailer-daemon")
AFTER = ("-request", "-owner", "-bounce", "-bounces", "-errors", "-relay")
REWRITTEN = ("srs0", "srs1")
"""First letters of an address that a forwarder wrote: that its own domain passes proves nothing of who wrote first."""
KEPT = 12
"""Months after its own for which a turn is kept, so that nobody is answered twice: after an erasure neither."""
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}){0,10}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,10}[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)

REASONS = {
    "no-address": "no sender, or an address that can't be written to",
    "null-sender": "the null sender, which stands for automatic mail",
    "role": "the address of a program, a list or a post office, not of a person",
    "own": "one of our own addresses",
    "feed": "a feed, which gets no receipts by mail",
    "duplicate": "the same reporter handed this in before",
    "bounce": "a notice of a mail system",
    "auto-reply": "an automatic answer",
    "auto-submitted": "the mail says that a program sent it",
    "list": "the mail came over a list or in bulk",
    "loop": "the mail went in circles",
    "suppressed": "the mail asks for no automatic answers",
    "not-examined": "the mail's own header could not be read in full",
    "fail": "the sender's domain says that the mail is not from it (SPF)",
    "none": "nothing proves that the mail is from its sender's address",
    "open": "the DNS did not answer, so that nothing could be proven",
    "one-a-day": "this address had a receipt today",
    "one-per-thread": "this conversation had a receipt before",
    "one-per-case": "this reporter had the note about this case before",
    "too-late": "it is too long ago",
    "no-server": "no mail server took it",
    "refused": "the mail server refused it for good",
    "interrupted": "the process was ended while it was sent: it may have gone out",
}
"""Why an answer was not sent, or may not have arrived: code and sentence."""


class TurnMonth(Record, frozen=True):
    """A month (YYYY-MM) whose turns are sealed together: they outlive what was answered, for KEPT months, and go."""

    kind = "answer_month"
    sealed_under = ("answer_month", "id")

    id: str


class Turn(Record, frozen=True):
    """That an answer may go out: `id` is a keyed hash of what there is but one of (an address and a day, a thread)."""

    kind = "answer_turn"
    sealed_under = ("answer_month", "month")

    id: str
    submission: str
    what: str
    """The answer that has it: of what kind, and about what."""
    attempt: str
    """Unlike any other, so that of two that are at it at once one knows that it is the other's."""
    at: datetime
    month: str = ""
    """'' in those of before there were months, whose seal is their submission's."""


def turn_for(id: str, submission: str, what: str, attempt: str, at: datetime) -> Turn:
    """The turn for an answer, in its month."""
    return Turn(id=id, submission=submission, what=what, attempt=attempt, at=at, month=f"{at:%Y-%m}")


class Post(Protocol):
    """A mail server that takes our answers."""

    def deliver(self, recipient: str, data: bytes, begin: Callable[[], bool]) -> str:
        """Send `data` there with a null return path, once `begin` has said yes, which is asked right before the data.

        'sent', 'stopped' (begin said no), 'refused' (for good, or after begin), 'interrupted' (perhaps it was taken).
        Temporary when it was certainly not taken and begin not asked.
        """


class Sent(NamedTuple):
    """What became of an answer: sent, not-sent or undelivered, and a code of REASONS."""

    result: str
    reason: str = ""


def writable(address: str) -> str:
    """The address if it can stand in a header and a command as it is (ASCII, RFC 5321 section 4.1.2), else ''."""
    bare = address.strip()
    return bare if len(bare) <= LONGEST and _ADDRESS.fullmatch(bare) else ""


def unfit(mail_from: str, own: Sequence[str]) -> str:
    """Why that envelope sender is never answered, a code of REASONS; `own` are our domains."""
    if mail_from.strip() in ("", "<>"):
        return "null-sender" if mail_from.strip() else "no-address"
    address = writable(mail_from).lower()
    if not address:
        return "no-address"
    local, _, domain = address.rpartition("@")
    if any(domain == each.lower() or domain.endswith(f".{each.lower()}") for each in own if each):
        return "own"
    bare = local.partition("+")[0]
    role = bare in ROLES or local.startswith(BEFORE) or bare.endswith(AFTER) or local.startswith(REWRITTEN)
    return "role" if role else ""


def send(archive: Archive, post: Post, turns: Sequence[tuple[Turn, str]], recipient: str, data: bytes) -> Sent:
    """Send the answer unless one of the turns is taken; each comes with the reason that this would be.

    Temporary when no server can be had and nothing was taken.
    """
    for turn, reason in turns:
        kept = archive.get(Turn, turn.id)
        if kept is not None:
            mine = (kept.submission, kept.what) == (turn.submission, turn.what)
            return Sent("undelivered", "interrupted") if mine else Sent("not-sent", reason)
    taken: list[str] = []

    def begin() -> bool:
        archive.keep_all([TurnMonth(id=month) for month in sorted({turn.month for turn, _ in turns})])
        kept = archive.keep_all([turn for turn, _ in turns])
        pairs = zip(kept, turns, strict=True)
        taken.extend(reason for each, (turn, reason) in pairs if each.attempt != turn.attempt)
        return not taken

    said = post.deliver(recipient, data, begin)
    if said == "stopped":
        return Sent("not-sent", taken[0])
    return Sent("sent") if said == "sent" else Sent("undelivered", said)
