"""STEP acknowledge: the receipt to whoever handed something in by mail, or the reason why there is none.

At once after unpacking, in the reporter's language, by the rules of RFC 3834: only to a member of the public, only to
the envelope's sender, only when that address is proven (`enrichment/sender.py`), at most one a day to an address and
one in a conversation, never in answer to a program, a list, a bounce or ourselves. While the DNS or the mail server is
silent it is tried again, later and later, and then given up, which is kept as well. What was sent is known by its
digest and the version of its wording; the address stands nowhere but where it came in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from enrichment import letters
from enrichment.answer import Post, Sent, Turn, send, turn_for, unfit, writable
from enrichment.enrich import Clock, Resolver
from enrichment.facts import Lookup
from enrichment.letters import Letterhead
from enrichment.sender import JOB, Asking, Sender
from intake.additions import by_public
from intake.archive import Archive
from intake.errors import Temporary
from intake.parsing import Given, NotExamined, Parser
from intake.record import Record, name_of, sha256
from intake.report import Report, pseudonym
from intake.store import every
from intake.submission import Submission, Unpacked

CHANNELS = frozenset({"smtp", "mailbox"})
"""Ways in that leave somebody to write to; at the others the receipt stands in the answer."""
TURNS = 12
"""How often the child may ask for more answers: SPF follows at most ten terms (RFC 7208 section 4.6.4)."""
GROUP = 32 << 20
"""Bytes of mails that are looked at side by side, unless one is larger."""
SILENT_DNS = 4 * 3600.0
SILENT_SERVER = 48 * 3600.0
"""Seconds after a report came until its receipt is given up, for want of answers or of a mail server."""
FIRST, LONGEST = 60.0, 3600.0
"""Seconds until the next try: as long as it is since the report came, within these bounds."""
NOT_READ = Sender(marks="not-examined")
ASKS = {
    "headers": "original", "received": "original", "password-protected": "locked", "damaged": "unread",
    "not-fully-examined": "unread",
}  # fmt: skip
"""What is missing, or a verdict -> what the receipt asks for."""
_PROOFS = frozenset({"account", "spf", "dkim"})


class Acknowledgement(Record, frozen=True, kw_only=True):
    """What became of the receipt for a submission, and why.

    `proof` says how the sender's address was proven (account, spf, dkim; '' not), `reporter` is its pseudonym,
    `template` language and version of the wording, `sha256` of the mail that was sent, `lookups` what the DNS said.
    """

    kind = "acknowledgement"
    key_field = "submission"
    sealed_under = ("submission", "submission")
    indexed = ("result", "reason")

    submission: str
    result: str
    """sent, not-sent or undelivered."""
    reason: str = ""
    """A code of `enrichment/answer.py`."""
    proof: str = ""
    reporter: str = ""
    language: str = ""
    template: str = ""
    sha256: str = ""
    lookups: tuple[Lookup, ...] = ()
    at: datetime


@dataclass(frozen=True, slots=True)
class Tools:
    """What the step needs: `own` are our domains, `relays` our own mail servers' addresses, which prove nothing of who
    wrote; `secret` keys the pseudonyms, `token` gives a name unlike any other, `reference` what a reporter asks with.
    """

    archive: Archive
    parser: Parser
    resolver: Resolver
    post: Post
    head: Letterhead
    own: tuple[str, ...]
    relays: frozenset[str]
    secret: bytes
    clock: Clock
    token: Callable[[], str]
    reference: Callable[[str], str]


@dataclass(slots=True)
class _Desk:
    """One submission while it is judged."""

    lane: int
    submission: Submission
    asking: Asking
    asks: frozenset[str]
    answers: dict[str, Lookup] = field(default_factory=dict)
    sender: Sender = NOT_READ


def acknowledge(tools: Tools, keys: Sequence[str]) -> None:
    """See to the receipts of these submissions; doing it again sends nothing again.

    Temporary when one is to be tried later; the others are done.
    """
    done = tools.archive.get_all(Acknowledgement, keys)
    found = tools.archive.get_all(Submission, [key for key in keys if key not in done])
    unpacked = tools.archive.get_all(Unpacked, found)
    mails = [each for each in found.values() if each.channel in CHANNELS and each.id in unpacked]
    open_ = [each for each in mails if not _settled(tools, each, unpacked[each.id])]
    later: list[Temporary] = []
    for group in _groups(open_):
        desks = [_desk(tools, lane, each) for lane, each in enumerate(group)]
        _judge(tools, desks)
        for desk in desks:
            try:
                _conclude(tools, desk)
            except Temporary as error:
                later.append(error)
    if later:
        raise min(later, key=lambda error: error.after)


def _settled(tools: Tools, submission: Submission, unpacked: Unpacked) -> bool:
    """Whether it needs no look at the mail to know that there is no receipt; kept, if so."""
    reason = _plainly(tools, submission, unpacked)
    if reason:
        _keep(tools, submission, Sent("not-sent", reason))
    return bool(reason)


def _plainly(tools: Tools, submission: Submission, unpacked: Unpacked) -> str:
    envelope, codes = submission.envelope, {each.code for each in unpacked.verdicts}
    reason = unfit(envelope.mail_from, tools.own)
    if reason:
        return reason
    if not by_public(tools.archive, unpacked):
        return "feed"
    for code in ("bounce", "auto-reply"):
        if code in codes:
            return code
    if codes == {"duplicate"}:
        return "duplicate"
    return "too-late" if _age(tools, submission) >= SILENT_SERVER else ""


def _age(tools: Tools, submission: Submission) -> float:
    return (tools.clock() - submission.received).total_seconds()


def _groups(submissions: Sequence[Submission]) -> Iterator[list[Submission]]:
    """As many at a time as may be in memory together."""
    group: list[Submission] = []
    for each in submissions:
        if group and sum(other.size for other in group) + each.size > GROUP:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _desk(tools: Tools, lane: int, submission: Submission) -> _Desk:
    envelope = submission.envelope
    reports = list(every(tools.archive.store, Report, {"submission": submission.id}))
    asking = Asking(
        mail_from=writable(envelope.mail_from), peer="" if envelope.peer in tools.relays else envelope.peer,
        helo=envelope.helo, received=submission.received, note=" ".join(each.claims.note for each in reports)[:4000],
    )  # fmt: skip
    return _Desk(lane, submission, asking, _asks(tools, submission, reports))


def _asks(tools: Tools, submission: Submission, reports: Sequence[Report]) -> frozenset[str]:
    """What the receipt has to ask for."""
    unpacked = tools.archive.get(Unpacked, submission.id)
    codes = {each.code for each in unpacked.verdicts} if unpacked else set()
    lacks = {name for each in reports for name in each.missing}
    return frozenset(ASKS[name] for name in codes | lacks if name in ASKS)


def _judge(tools: Tools, desks: Sequence[_Desk]) -> None:
    """Let the children look, and ask what they want to know, until they want no more."""
    data = {desk.submission.id: tools.archive.bytes_of(desk.submission) for desk in desks}
    open_ = list(desks)
    for turn in range(TURNS):
        last = turn == TURNS - 1
        given = [
            Given(each.lane, data[each.submission.id],
                  msgspec.structs.replace(each.asking, answers=each.answers, last=last))
            for each in open_
        ]  # fmt: skip
        for desk, result in zip(open_, tools.parser.run_all(JOB, given, Sender), strict=True):
            desk.sender = NOT_READ if isinstance(result, NotExamined) else result
        open_ = [each for each in open_ if each.sender.questions]
        asked = {question.id: question for each in open_ for question in each.sender.questions}
        if not asked:
            return
        answers = {each.id: each for each in tools.resolver.ask(tuple(asked.values()))}
        for desk in open_:
            desk.answers |= {each.id: answers[each.id] for each in desk.sender.questions}


def _conclude(tools: Tools, desk: _Desk) -> None:
    """Send the receipt or keep why not; Temporary when it is to be tried later."""
    envelope, proof = desk.submission.envelope, desk.sender.proof
    if desk.sender.marks:
        _keep(tools, desk.submission, Sent("not-sent", desk.sender.marks))
        return
    if envelope.account and envelope.account.lower() == writable(envelope.mail_from).lower():
        proof = "account"
    if proof in _PROOFS:
        _send(tools, desk, proof)
        return
    age = _age(tools, desk.submission)
    if proof == "open" and age + _pause(age) < SILENT_DNS:
        raise Temporary("the DNS is silent", after=_pause(age))
    _keep(tools, desk.submission, Sent("not-sent", proof), lookups=desk.answers)


def _pause(age: float) -> float:
    return min(max(FIRST, age), LONGEST)


def _send(tools: Tools, desk: _Desk, proof: str) -> None:
    submission, sender, at = desk.submission, desk.sender, tools.clock()
    to = writable(submission.envelope.mail_from)
    wording = letters.chosen(sender.languages, tools.head.language)
    reference = tools.reference(submission.id)
    letter = letters.receipt(wording, tools.head, reference, desk.asks)
    data = letters.mail(letter, tools.head, to, at, f"receipt.{reference}", sender.message_id)
    try:
        sent = send(tools.archive, tools.post, _turns(tools, desk, at), to, data)
    except Temporary as error:
        age = _age(tools, submission)
        pause = max(_pause(age), error.after)
        if age + pause < SILENT_SERVER:
            raise Temporary(error.says, after=pause) from error
        sent = Sent("undelivered", "no-server")
    digest = sha256(data) if sent.result == "sent" else ""
    _keep(tools, submission, sent, proof, wording.template, digest, wording.language, desk.answers)


def _turns(tools: Tools, desk: _Desk, at: datetime) -> list[tuple[Turn, str]]:
    """What there is but one of: the address and the day, the address and the conversation."""
    who = pseudonym(tools.secret, desk.submission.envelope.mail_from)
    token = tools.token()
    names = [(name_of("receipt-day", who, f"{at:%Y-%m-%d}"), "one-a-day")]
    if desk.sender.thread:
        names.append((name_of("receipt-thread", who, desk.sender.thread), "one-per-thread"))
    return [(turn_for(id_, desk.submission.id, "receipt", token, at), reason) for id_, reason in names]


def _keep(
    tools: Tools, submission: Submission, sent: Sent, proof: str = "", template: str = "", digest: str = "",
    language: str = "", lookups: Mapping[str, Lookup] | None = None,
) -> None:  # fmt: skip
    who = pseudonym(tools.secret, submission.envelope.mail_from) if proof else ""
    answers = lookups or {}
    tools.archive.keep(
        Acknowledgement(
            submission=submission.id, result=sent.result, reason=sent.reason, proof=proof, reporter=who,
            template=template, sha256=digest, language=language, at=tools.clock(),
            lookups=tuple(answers[name] for name in sorted(answers)),
        )
    )  # fmt: skip
