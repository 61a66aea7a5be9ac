"""Examine: one look at the bytes of a reported message, with the answers known so far; pure, runs in a parsing
child.

Message, Received walk, authentication, indicators. What is not answered yet is asked for, and nothing else is said
until it is; whoever asks gives the answers with the next look. The same bytes and answers give the same result at any
later time.
"""

from collections import OrderedDict
from dataclasses import dataclass

from enrichment import path, questions
from enrichment.blocklists import zones_named
from enrichment.enrich import Context, Examined
from enrichment.examination import Boundary, Hop
from enrichment.gather.authentication import evaluate
from enrichment.gather.reported import Reported, reported
from enrichment.indicator import examine as judge
from enrichment.judging import Facts
from intake.message import Message, derive
from intake.record import sha256
from intake.report import Claims

HELD = 64
HELD_BYTES = 64 << 20
"""Messages (and their bytes) that stay derived between two looks at them."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What doesn't depend on answers: the message, and what was read of it for a report with these claims and edges."""

    message: Message
    told: tuple[Claims, tuple[str, ...], bool]
    hops: tuple[Hop, ...]
    boundary: Boundary
    reported: Reported
    limits: tuple[str, ...]


class Desk:
    """Keeps what was read of the last messages, because each is looked at more than once."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, _Read] = OrderedDict()
        self._bytes = 0

    def examine(self, data: bytes, context: Context) -> Examined:
        """One look; `questions` are those without an answer. While there are some, nothing but they is said, unless
        the look is the last.
        """
        read = self._read(data, context)
        message, answers, zones = read.message, context.answers, zones_named(context.zones)
        found = evaluate(data, message, read.hops, read.boundary, answers, context.received, read.reported)
        asked = {each.id: each for each in questions.questions(message, read.boundary, zones, answers)}
        asked |= {each.id: each for each in found.questions if each.id not in answers}
        if asked and not context.last:
            return Examined(message=Message(sha256=message.sha256, size=message.size), questions=tuple(asked.values()))
        limits = tuple(sorted({*read.limits, *found.limits}))
        facts = Facts(
            message=message, claims=context.claims, hops=read.hops, boundary=read.boundary, checks=found.checks,
            lookups=answers, zones=zones, limits=limits,
        )  # fmt: skip
        return Examined(
            message=message, hops=read.hops, boundary=read.boundary, checks=found.checks, findings=judge(facts),
            limits=limits, questions=tuple(asked.values()),
        )  # fmt: skip

    def _read(self, data: bytes, context: Context) -> _Read:
        digest, told = sha256(data), (context.claims, context.edges, context.whole)
        held = self._held.get(digest)
        if held is None or held.told != told:
            held = _reading(held.message if held else derive(data), told)
            self._hold(digest, held)
        return held

    def _hold(self, digest: str, read: _Read) -> None:
        if digest not in self._held:
            self._bytes += read.message.size
        self._held[digest] = read
        while len(self._held) > HELD or self._bytes > HELD_BYTES:
            self._bytes -= self._held.popitem(last=False)[1].message.size


def _reading(message: Message, told: tuple[Claims, tuple[str, ...], bool]) -> _Read:
    claims, edges, whole = told
    hops, boundary = path.walk(message, edges, claims)
    claimed = reported(message, boundary, edges if whole else ())
    return _Read(
        message, told, hops, boundary, claimed, (*message.limits, *questions.limits(message), *path.limits(message))
    )
