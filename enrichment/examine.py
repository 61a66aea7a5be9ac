"""Examine: one look at the bytes of a reported message, with the answers known so far; pure, runs in a parsing
child.

Message, Received walk, authentication, indicators. What is not answered yet is asked for; whoever asks gives the
answers with the next look. The same bytes and answers give the same result at any later time.
"""

from collections import OrderedDict

from enrichment import path, questions
from enrichment.blocklists import zones_named
from enrichment.enrich import Context, Examined
from enrichment.gather.authentication import evaluate
from enrichment.indicator import examine as judge
from enrichment.judging import Facts
from intake.message import Message, derive
from intake.record import sha256

HELD = 64
HELD_BYTES = 64 << 20
"""Messages (and their bytes) that stay derived between two looks at them."""


class Desk:
    """Keeps what was derived from the last messages, because each is looked at more than once."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Message] = OrderedDict()
        self._bytes = 0

    def message(self, data: bytes) -> Message:
        """The message in these bytes."""
        digest = sha256(data)
        message = self._held.get(digest)
        if message is None:
            message = derive(data)
            self._held[digest] = message
            self._bytes += message.size
            while len(self._held) > HELD or self._bytes > HELD_BYTES:
                self._bytes -= self._held.popitem(last=False)[1].size
        return message

    def examine(self, data: bytes, context: Context) -> Examined:
        """One look; `questions` are those without an answer."""
        message = self.message(data)
        zones = zones_named(context.zones)
        hops, boundary = path.walk(message, context.edges, context.claims)
        edges = context.edges if context.whole else ()
        found = evaluate(data, message, hops, boundary, context.answers, context.received, edges)
        asked = {each.id: each for each in questions.questions(message, boundary, zones, context.answers)}
        asked |= {each.id: each for each in found.questions if each.id not in context.answers}
        limits = tuple(sorted({*message.limits, *found.limits, *questions.limits(message)}))
        facts = Facts(
            message=message, claims=context.claims, hops=hops, boundary=boundary, checks=found.checks,
            lookups=context.answers, zones=zones, limits=limits,
        )  # fmt: skip
        return Examined(
            message=message, hops=hops, boundary=boundary, checks=found.checks,
            findings=judge(facts) if not asked or context.last else (), limits=limits, questions=tuple(asked.values()),
        )  # fmt: skip
