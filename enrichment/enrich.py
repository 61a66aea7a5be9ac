"""STEP enrich: a report gets its Examination, lookups and findings together, one record per round.

The hostile bytes are read in a parsing child, which gets them with the answers known so far and gives back what
it found and what it would like to ask. What a feed handed in is judged by the edges that it had when it came in,
whatever it has now. Questions are asked here, as far as asking can't warn the sender
(`askable.py`); the child judges again until it has nothing more to ask. What it cites must lie inside the bytes
or name a kept lookup; an answer that doesn't is not believed.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec

from enrichment.blocklists import zones_named
from enrichment.examination import Boundary, Check, Examination, Hop
from enrichment.facts import Lookup, Question
from enrichment.finding import Finding
from enrichment.questions import divided
from intake.archive import Archive
from intake.errors import Refused
from intake.feed import Feeds
from intake.message import Message
from intake.parsing import Given, NotExamined, Parser
from intake.record import Cite, Value, sha256
from intake.report import Claims, Report, Reporter
from intake.submission import Submission
from intake.work import Work

JOB = "examine"
TURNS = 6
"""How often the child may ask for more answers before it must conclude with what it has."""


class Context(Value, frozen=True):
    """What the child is told beside the bytes.

    `received` is when the submission came in, `zones` name the blocklists, `whole` says that the copy came whole from a
    reporter whom we know, `last` that no more will be answered.
    """

    claims: Claims
    edges: tuple[str, ...]
    received: datetime
    zones: tuple[str, ...]
    whole: bool = False
    last: bool = False
    answers: dict[str, Lookup] = msgspec.field(default_factory=dict)


class Examined(Value, frozen=True):
    """What the child found, and what it would ask to know more."""

    message: Message
    hops: tuple[Hop, ...] = ()
    boundary: Boundary = Boundary()
    checks: tuple[Check, ...] = ()
    findings: tuple[Finding, ...] = ()
    limits: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


class Resolver(Protocol):
    """The port of `enrichment/gather/resolver.py`."""

    def ask(self, questions: Sequence[Question]) -> tuple[Lookup, ...]: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What the step needs; `clock` gives UTC, `feeds` all feeds with all their versions."""

    archive: Archive
    parser: Parser
    work: Work
    resolver: Resolver
    zones: tuple[str, ...]
    clock: "Clock"
    feeds: Callable[[], Feeds] = Feeds


class Clock(Protocol):
    """Gives the time, UTC."""

    def __call__(self) -> datetime: ...


@dataclass(slots=True)
class _Desk:
    """One report while it is examined."""

    lane: int
    report: Report
    data: bytes
    context: Context
    answers: dict[str, Lookup] = field(default_factory=dict)
    examined: Examined | None = None
    failed: str = ""


def enrich(tools: Tools, keys: Sequence[str]) -> None:
    """Examine these reports for the first time; doing it again changes nothing."""
    done = tools.archive.get_all(Examination, [f"{key}/1" for key in keys])
    desks = _desks(tools, [key for key in keys if f"{key}/1" not in done])
    open_ = list(desks)
    for turn in range(TURNS):
        last = turn == TURNS - 1
        asking = [pair for pair in _turn(tools, open_, last) if pair[1] and not last]
        _answer(tools, asking)
        open_ = [desk for desk, _ in asking]
        if not open_:
            break
    tools.archive.keep_all([_examination(tools, desk) for desk in desks])
    tools.work.put("assess", keys)


def _desks(tools: Tools, keys: Sequence[str]) -> list[_Desk]:
    """A desk for each report; `Refused` when one is not kept any more."""
    archive = tools.archive
    reports = archive.get_all(Report, keys)
    submissions = archive.get_all(Submission, {each.submission for each in reports.values()})
    reporters = archive.get_all(Reporter, {each.reporter for each in reports.values()})
    if len(reports) < len(set(keys)) or any(each.submission not in submissions for each in reports.values()):
        raise Refused("erased", "this report is not kept any more")
    messages, feeds = archive.messages(reports.values()), tools.feeds()
    contexts = {
        key: _context(tools.zones, each, submissions[each.submission], reporters.get(each.reporter), feeds)
        for key, each in reports.items()
    }
    return [_Desk(lane, each, messages[key], contexts[key]) for lane, (key, each) in enumerate(sorted(reports.items()))]


def _context(
    zones: tuple[str, ...], report: Report, submission: Submission, reporter: Reporter | None, feeds: Feeds
) -> Context:
    known = feeds.of(submission.envelope, submission.received) or reporter
    edges = known.edges if known and reporter else ()
    whole = reporter is not None and reporter.class_ != "public" and not report.missing
    return Context(claims=report.claims, edges=edges, received=submission.received, zones=zones, whole=whole)


def _turn(tools: Tools, desks: Sequence[_Desk], last: bool) -> list[tuple[_Desk, list[Question]]]:
    """Let the children look with the answers so far; each desk's questions that are new."""
    given = [
        Given(desk.lane, desk.data, msgspec.structs.replace(desk.context, answers=desk.answers, last=last))
        for desk in desks
    ]
    results = tools.parser.run_all(JOB, given, Examined)
    return [(desk, _seen(desk, result)) for desk, result in zip(desks, results, strict=True)]


def _seen(desk: _Desk, result: Examined | NotExamined) -> list[Question]:
    """Put what a child says on the desk if it can be believed; the questions that are new."""
    try:
        if isinstance(result, NotExamined):
            raise result
        _check(result, desk)
    except NotExamined as error:
        desk.failed = error.reason
        return []
    desk.examined = result
    return [each for each in result.questions if each.id not in desk.answers]


def _answer(tools: Tools, asking: Sequence[tuple[_Desk, Sequence[Question]]]) -> None:
    """Ask all desks' questions together; what must not be asked is answered 'withheld'."""
    zones = zones_named(tools.zones)
    allowed: dict[str, Question] = {}
    for desk, questions in asking:
        may, held = divided(questions, zones, desk.answers, {})
        allowed |= {each.id: each for each in may}
        desk.answers |= {each.id: msgspec.structs.replace(each, at=tools.clock()) for each in held}
    found = {each.id: each for each in tools.resolver.ask(tuple(allowed.values()))}
    for desk, questions in asking:
        desk.answers |= {each.id: found[each.id] for each in questions if each.id in found}


def _check(examined: Examined, desk: _Desk) -> None:
    """`NotExamined` when the child says what can't be: another digest, or a cite of bytes or lookups that aren't
    there.
    """
    message = examined.message
    if message.sha256 != desk.report.sha256 or message.size != len(desk.data):
        raise NotExamined("shape")
    if not proven(_cites(examined), message, desk.answers):
        raise NotExamined("cite")


def proven(cites: Iterable[Cite], message: Message, answers: Container[str]) -> bool:
    """Whether each cite lies inside the bytes of that message or names one of these lookups (ids)."""
    return all(
        0 <= cite.start <= cite.end <= message.size
        if cite.of == message.sha256
        else cite.of.startswith("lookup:") and cite.of[len("lookup:") :] in answers
        for cite in cites
    )


def _cites(examined: Examined) -> Iterator[Cite]:
    message = examined.message
    for group in (message.headers, message.from_, message.to, message.reply_to, message.links, message.leaves):
        yield from (each.cite for each in group)
    yield from (hop.cite for hop in examined.hops)
    for check in examined.checks:
        yield from check.cites
    for finding in examined.findings:
        yield from finding.cites
    single = (message.subject_cite, message.date_cite, message.text_cite, examined.boundary.cite)
    yield from (cite for cite in single if cite is not None)


def _examination(tools: Tools, desk: _Desk) -> Examination:
    """What is kept of this round; of a message of which more was found than a frame holds, that it was too much."""
    made = _made(tools, desk)
    if tools.archive.holds(made):
        return made
    desk.failed = "size"
    return _made(tools, desk)


def _made(tools: Tools, desk: _Desk) -> Examination:
    if desk.examined is None or desk.failed:
        message = Message(sha256=sha256(desk.data), size=len(desk.data), limits=("not-fully-examined",))
        desk.examined = Examined(message=message, limits=(f"not fully examined ({desk.failed})",))
    found = desk.examined
    return Examination(
        report=desk.report.id, submission=desk.report.submission, round=1, at=tools.clock(), message=found.message,
        hops=found.hops, boundary=found.boundary, checks=found.checks, findings=found.findings,
        lookups=tuple(desk.answers[name] for name in sorted(desk.answers)), limits=found.limits,
    )  # fmt: skip


def answers_of(examination: Examination) -> Mapping[str, Lookup]:
    """The answers of a round by question, as a replay gives them to the child."""
    return {each.id: each for each in examination.lookups}
