"""Weighing: what is asked of a parsing child about an examined report, and how far its answer is believed.

Assessment and join keys are drawn from the words of strangers, so that happens where those can do no harm. The child
gets the examination and what the reporter claims, and no secret; whoever asks hashes the keys. Cites must lie inside
the message or name a kept lookup. A report whose child was killed is assessed without its words, and says so.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from enrichment.enrich import answers_of, proven
from enrichment.examination import Examination
from intake.message import Message
from intake.parsing import Given, NotExamined, Parser
from intake.record import Cite, Value
from intake.report import Claims
from triage.harm import Assessment
from triage.key import Drawn

JOB = "weigh"
MOST_KEYS = 1000
"""Join keys of one report that are believed."""


class Weighing(Value, frozen=True):
    """What the child gets."""

    examination: Examination
    claims: Claims


class Weighed(Value, frozen=True):
    """What the child makes of it: the assessment, and what the join keys stand for."""

    assessment: Assessment
    drawn: tuple[Drawn, ...] = ()


Weigh = Callable[[Sequence[Weighing]], list[Weighed]]
"""Weighs a batch of reports; in the running system `in_children`."""


def in_children(parser: Parser) -> Weigh:
    """Weighs in parsing children."""

    def weigh(wanted: Sequence[Weighing]) -> list[Weighed]:
        results = parser.run_all(JOB, [Given(lane, b"", each) for lane, each in enumerate(wanted)], Weighed)
        return [_believed(each, result) for each, result in zip(wanted, results, strict=True)]

    return weigh


def _believed(asked: Weighing, result: Weighed | NotExamined) -> Weighed:
    try:
        if isinstance(result, NotExamined):
            raise result
        _check(asked.examination, result)
    except NotExamined as error:
        return _without_words(asked, error.reason)
    return result


def _check(examination: Examination, weighed: Weighed) -> None:
    """`NotExamined` when the child says what can't be."""
    if len(weighed.drawn) > MOST_KEYS:
        raise NotExamined("shape")
    if not proven(_cites(weighed.assessment), examination.message, answers_of(examination)):
        raise NotExamined("cite")


def _cites(assessment: Assessment) -> Iterator[Cite]:
    for reason in assessment.reasons:
        yield from reason.cites
    for shown in assessment.techniques:
        yield from shown.cites


def _without_words(asked: Weighing, reason: str) -> Weighed:
    """The assessment of a report of which nothing can be read, but the lane that its reporter chose."""
    from triage.judge import judge
    from triage.terms import lexicon

    examination = asked.examination
    bare = Message(sha256=examination.message.sha256, size=examination.message.size)
    limits = (*examination.limits, f"not fully weighed ({reason})")
    unread = msgspec.structs.replace(
        examination, message=bare, hops=(), checks=(), lookups=(), findings=(), limits=limits
    )
    return Weighed(assessment=judge(unread, Claims(lane=asked.claims.lane), lexicon()))
