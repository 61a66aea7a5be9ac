"""Sender: whether the mail in which somebody handed something in may be answered, and is from whom it says it is.

Pure, runs in a parsing child. An address counts as proven when SPF of the envelope's domain passes for the address that
connected to us, or when the mail carries a DKIM signature that verifies, covers all of the body, is aligned with that
domain, and its one From is the envelope's sender: else whoever has a signed mail of a large provider could have us
write to any of its customers. A record that lets every address pass proves nothing, and where SPF says fail nothing
else is asked. To ask is no warning here: whoever sent the mail knows that we took it.
Standards: RFC 3834 (whom not to answer), RFC 7208 and RFC 6376 (proof), RFC 9989 section 4.10 (relaxed alignment).
"""

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from enrichment import addresses
from enrichment.facts import Lookup, Question
from enrichment.gather import spf
from enrichment.gather.asked import NOT_YET, Asked
from enrichment.gather.authentication import signers
from enrichment.gather.names import alabels
from intake import automatic, mime
from intake.domains import registrable
from intake.language import language
from intake.message import Message, derive
from intake.record import Value

JOB = "sender"
ANYBODY = "240.0.0.1"
"""An address that nobody has: a record under which it passes lets everybody pass."""
TAGS = 8
"""Languages of one field that are looked at."""
_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,120}@[A-Za-z0-9.-]{1,120}>")
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


class Asking(Value, frozen=True):
    """What the child is told beside the mail: its envelope, when it came, what its sender wrote of it, and answers.

    `peer` is '' where the address that connected is not the sender's.
    """

    mail_from: str
    peer: str
    helo: str
    received: datetime
    note: str = ""
    last: bool = False
    answers: dict[str, Lookup] = msgspec.field(default_factory=dict)


class Sender(Value, frozen=True):
    """What was found: `marks` says why no program may answer; else `proof` is spf, dkim, fail (SPF), open or none.

    `message_id` is the mail's own and `thread` the first that it refers to, '' where they are none that can be written
    down as they are. `languages` are tags, the likeliest first. While there are `questions` nothing else is said.
    """

    marks: str = ""
    proof: str = ""
    message_id: str = ""
    thread: str = ""
    languages: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


def judge(data: bytes, asking: Asking) -> Sender:
    """One look at the mail; the caller asks what it wants to know, and looks again."""
    root = mime.head(data)
    marks = automatic.unanswerable(data, root)
    if marks:
        return Sender(marks=marks)
    message = derive(data)
    proof, questions = _proof(data, message, asking)
    if questions and not asking.last:
        return Sender(questions=questions)
    own = _ids(mime.first(data, root, "message-id"))
    above = _ids(mime.first(data, root, "references")) or _ids(mime.first(data, root, "in-reply-to"))
    return Sender(
        proof=proof, message_id=next(iter(own), ""), thread=next(iter(above or own), ""),
        languages=tuple(_languages(data, root, message, asking.note)),
    )  # fmt: skip


def _proof(data: bytes, message: Message, asking: Asking) -> tuple[str, tuple[Question, ...]]:
    """(proof, questions); with questions the proof may still change."""
    result, questions = _spf(asking)
    if questions or result in ("pass", "fail"):
        return {"pass": "spf"}.get(result, result), questions
    signed, questions = _dkim(data, message, asking)
    if questions or signed == "dkim":
        return signed, questions
    return ("open" if "open" in (result, signed) else "none"), ()


def _spf(asking: Asking) -> tuple[str, tuple[Question, ...]]:
    """pass, fail, open or none."""
    if not asking.peer or addresses.private(asking.peer):
        return "none", ()
    asked = Asked(asking.answers)
    found = spf.of_envelope(asking.mail_from, asking.peer, asking.helo, asked)
    if found.result == "pass":
        anybody = spf.of_envelope(asking.mail_from, ANYBODY, asking.helo, asked)
        return ("none" if anybody.result == "pass" else "pass"), asked.questions
    if found.result == "unverifiable":
        return ("open" if _silent(found.reason) else "none"), asked.questions
    return ("fail" if found.result == "fail" else "none"), asked.questions


def _dkim(data: bytes, message: Message, asking: Asking) -> tuple[str, tuple[Question, ...]]:
    """dkim, open or none. Keys are asked for only where they would prove something."""
    domain = alabels(asking.mail_from.rpartition("@")[2])
    if [each.address.lower() for each in message.from_] != [asking.mail_from.lower()]:
        return "none", ()
    found = signers(data, message, asking.answers, asking.received, domain)
    ours = tuple(each for each in found.questions if _organisation(each.name) == registrable(domain) != "")
    checks = [each for each in found.checks if each.aligned]
    if any(each.result == "pass" and not each.reason for each in checks):
        return "dkim", ()
    return ("open" if any(_silent(each.reason) for each in checks) else "none"), ours


def _organisation(name: str) -> str:
    """The registrable domain of the signer whose key stands under that name."""
    return registrable(name.partition("._domainkey.")[2])


def _silent(reason: str) -> bool:
    """Whether a result was left open because a question has no answer, as its reason says."""
    status = reason.partition(":")[0]
    return status in (NOT_YET, "timeout", "servfail", "refused")


def _ids(value: str) -> list[str]:
    """The message ids of a field that can be repeated in a header without harm (RFC 5322 section 3.6.4)."""
    return _ID.findall(value[:2000])


def _languages(data: bytes, root: mime.Node, message: Message, note: str) -> Iterator[str]:
    """What the sender writes, then what their mail program says they read, then the mail as a whole."""
    yield from filter(None, (language(note),))
    for name in ("accept-language", "x-accept-language", "content-language"):
        for part in mime.first(data, root, name)[:500].split(",")[:TAGS]:
            tag = part.partition(";")[0].strip()
            if _TAG.fullmatch(tag):
                yield tag
    yield from filter(None, (message.language,))
