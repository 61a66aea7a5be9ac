"""What the reports of a case show together about the means: open relay, open proxy, zombie network.

One report never proves an open relay: it shows that one mail passed once. Several reports count as independent when
both reporter and message come from different hands: distinct reporters, and for a network distinct machines. A
timeout or a report that could not tell is no evidence against it.
"""

from collections.abc import Iterable, Sequence

from enrichment.finding import Strength
from intake.record import Cite, Value
from triage.case import Filing

STRENGTHS: tuple[Strength, ...] = ("none", "weak", "moderate", "strong")
MOST_CITES = 20
_ALONE = {"open-relay": 1, "open-proxy": 2, "zombie": 2}
"""The highest strength (index into STRENGTHS) that one reporter's reports can give."""
_NAMES = {"open-relay": "an open relay", "open-proxy": "an open proxy", "zombie": "a zombie"}


class CaseTechnique(Value, frozen=True):
    """The case's finding: `addresses` are the machines, each seen by so many `reporters` in `reports`."""

    name: str
    strength: Strength
    sentence: str
    addresses: tuple[str, ...]
    reporters: int
    reports: int
    cites: tuple[Cite, ...] = ()


def techniques(filings: Iterable[Filing]) -> tuple[CaseTechnique, ...]:
    """The findings of a case from its filings, the strongest first; () where no report shows any."""
    shown: dict[str, list[Filing]] = {}
    for filing in sorted(filings, key=lambda each: each.report):
        for each in filing.assessment.techniques:
            shown.setdefault(each.name, []).append(filing)
    found = [_joined(name, listed) for name, listed in shown.items() if name in _NAMES]
    return tuple(sorted(found, key=lambda each: (-STRENGTHS.index(each.strength), each.name)))


def _joined(name: str, filings: Sequence[Filing]) -> CaseTechnique:
    seen = [(filing, each) for filing in filings for each in filing.assessment.techniques if each.name == name]
    addresses = tuple(sorted({each.address for _, each in seen if each.address}))
    reporters = len({filing.reporter for filing, _ in seen})
    alone = max(_index(each.strength) for _, each in seen)
    strength = STRENGTHS[_strength(name, alone, reporters, len(addresses))]
    return CaseTechnique(
        name=name,
        strength=strength,
        sentence=_sentence(name, len(addresses), reporters),
        addresses=addresses,
        reporters=reporters,
        reports=len({filing.report for filing, _ in seen}),
        cites=tuple(dict.fromkeys(cite for _, each in seen for cite in each.cites))[:MOST_CITES],
    )


def _strength(name: str, alone: int, reporters: int, addresses: int) -> int:
    """Two independent reporters lift by one, three to strong; for zombies the machines must differ too."""
    independent = min(reporters, addresses) if name == "zombie" else reporters
    base = min(alone, _ALONE[name])
    if independent >= 3:
        return 3
    return min(3, base + 1) if independent == 2 else base


def _index(strength: str) -> int:
    return [str(each) for each in STRENGTHS].index(strength)


def _sentence(name: str, addresses: int, reporters: int) -> str:
    by = "one reporter" if reporters == 1 else f"{reporters} reporters independently of each other"
    if name == "zombie" and addresses > 1:
        return f"Mail came from {addresses} machines that behave like zombies, seen by {by}: a zombie network."
    machines = "a machine that behaves" if addresses == 1 else f"{addresses} machines that behave"
    return f"Mail passed through {machines} like {_NAMES[name]}, seen by {by}."
