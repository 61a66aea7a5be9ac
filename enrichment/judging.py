"""Judging: Facts, all that is known of one report, and Indicator, how a judge of them is declared.

A judge is a pure function from Facts to Finding. It runs only where every need is met; the words for needs are in
NEEDS. No input or output, no clock, no score.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Literal, NamedTuple

from msgspec import field

from enrichment.blocklists import Listing, Zone, read
from enrichment.examination import Boundary, Check, Hop
from enrichment.facts import Lookup
from enrichment.finding import Finding, Strength, Term
from enrichment.gather.names import reverse
from intake.message import Message
from intake.record import Cite, Value
from intake.report import Claims


class Facts(Value, frozen=True, dict=True):
    """One report: what it claims, its message, the walk of its lines, authentication, and every answer by question id.

    `zones` are the lists that were to be asked; `limits` say why the report is not fully examined.
    """

    message: Message
    claims: Claims = Claims()
    hops: tuple[Hop, ...] = ()
    boundary: Boundary = Boundary()
    checks: tuple[Check, ...] = ()
    lookups: dict[str, Lookup] = field(default_factory=dict)
    zones: tuple[Zone, ...] = ()
    limits: tuple[str, ...] = ()

    def lookup(self, type_: str, name: str) -> Lookup | None:
        """The answer that says something about the world; None where there is none, whatever the reason."""
        found = self.lookups.get(f"{type_} {name}") if name else None
        return found if found is not None and found.known else None

    @cached_property
    def pointer(self) -> Lookup | None:
        """The reverse names of the boundary address, as of now."""
        return self.lookup("PTR", reverse(self.boundary.ip))

    @property
    def handover(self) -> Hop | None:
        """The boundary line."""
        return self.hops[self.boundary.index] if 0 <= self.boundary.index < len(self.hops) else None

    @property
    def below(self) -> tuple[Hop, ...]:
        """The lines under the boundary, which anyone can have typed."""
        return self.hops[self.boundary.index + 1 :] if self.boundary.index >= 0 else ()

    @cached_property
    def name(self) -> str:
        """The reverse name of the boundary address: as recorded at receipt, else as of now; '' where there is none."""
        now = self.pointer
        return self.boundary.rdns or (now.answers[0] if now is not None and now.answers else "")

    @property
    def named(self) -> bool | None:
        """Whether the boundary address has a reverse name; None where nobody looked."""
        if self.name:
            return True
        return False if (self.handover and self.handover.unnamed) or self.pointer is not None else None

    @property
    def confirmed(self) -> bool | None:
        """Whether the reverse name leads back to the boundary address (RFC 8601 section 3); None where that is open."""
        now = self.pointer
        if now is None or not now.answers:
            return None if now is None else False
        type_ = "AAAA" if ":" in self.boundary.ip else "A"
        answers = [self.lookup(type_, name) for name in now.answers[:10]]
        if any(each is not None and self.boundary.ip in each.answers for each in answers):
            return True
        return None if any(each is None for each in answers) else False

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """What every list that is about addresses says of the boundary address."""
        zones = [zone for zone in self.zones if zone.about == "address"]
        return tuple(read(zone, self.lookups.get(f"A {reverse(self.boundary.ip, zone.zone)}")) for zone in zones)

    def listed(self, *kinds: str) -> tuple[Listing, ...]:
        """Those listings that have a code of one of these kinds."""
        return tuple(each for each in self.listings if any(code.kind in kinds for code in each.codes))

    def unlisted(self, *kinds: str) -> bool:
        """Whether a list that can say one of these kinds was asked, and all such lists answered that they don't."""
        able = {zone.zone for zone in self.zones if any(zone.has(kind) for kind in kinds)}
        answers = [each for each in self.listings if each.zone in able]
        return bool(answers) and all(each.status in ("listed", "clean") for each in answers) and not self.listed(*kinds)

    def check(self, method: str) -> tuple[Check, ...]:
        return tuple(each for each in self.checks if each.method == method)

    def cites(self, *zones: str) -> tuple[Cite, ...]:
        """The boundary line, and the answers of these lists about its address."""
        line = (self.boundary.cite,) if self.boundary.cite else ()
        asked = (self.lookup("A", reverse(self.boundary.ip, zone)) for zone in zones)
        return line + tuple(cite(each) for each in asked if each is not None)


def cite(lookup: Lookup) -> Cite:
    """The cite of a kept answer."""
    return Cite(of=f"lookup:{lookup.id}")


class Indicator(NamedTuple):
    """One judge: `name` for programs, `sentence` the question it answers, `basis` its standard or source."""

    name: str
    version: int
    needs: tuple[str, ...]
    sentence: str
    basis: str
    judge: Callable[[Facts], Finding]


class Says(NamedTuple):
    """Makes the findings of one indicator, so that each names it alike."""

    name: str
    version: int
    basis: str
    term: Literal["observed", "claimed", "listed", "inferred"] = "inferred"

    def present(
        self, subject: str, strength: Strength, sentence: str, cites: tuple[Cite, ...], against: tuple[str, ...] = ()
    ) -> Finding:
        return self._finding("present", subject, sentence, cites, against, strength)

    def absent(self, subject: str, sentence: str, cites: tuple[Cite, ...], against: tuple[str, ...] = ()) -> Finding:
        return self._finding("absent", subject, sentence, cites, against)

    def unknown(self, subject: str, sentence: str, cites: tuple[Cite, ...] = ()) -> Finding:
        return self._finding("unknown", subject, sentence, cites)

    def _finding(
        self,
        verdict: Term,
        subject: str,
        sentence: str,
        cites: tuple[Cite, ...],
        against: tuple[str, ...] = (),
        strength: Strength = "none",
    ) -> Finding:
        return Finding(
            name=self.name,
            version=self.version,
            verdict=verdict,
            sentence=sentence,
            strength=strength,
            cites=tuple(dict.fromkeys(cites)),
            against=against,
            basis=self.basis,
            term=self.term,
            subject=subject,
        )


NEEDS: dict[str, tuple[Callable[[Facts], bool], str]] = {
    "boundary": (
        lambda facts: bool(facts.boundary.ip and facts.boundary.cite),
        "the lines do not show who handed the mail over",
    ),
    "lookup:PTR": (lambda facts: facts.named is not None, "the reverse name of the address is not known"),
    "lists": (
        lambda facts: any(each.status in ("listed", "clean") for each in facts.listings),
        "no blocklist answered",
    ),
    "links": (lambda facts: bool(facts.message.links) or bool(facts.message.text), "the message has no text to read"),
    "from": (lambda facts: len(facts.message.from_) == 1, "the message has not exactly one sender"),
}
"""Words for needs: what must hold, and the sentence where it does not."""
