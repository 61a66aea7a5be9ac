"""Judging one report: examination and claims in, Assessment out. Pure: the same bytes give the same judgement.

Every rule that fires is kept as a reason with its cites. The kind is the one whose rules weigh most; the band is the
grade of that kind, or a higher one where a rule is sure of it. Proof of a conversation or of an ordinary sender makes
it misreported, unless what it asks is concrete and sure. What nothing explains stays a nuisance of unclear kind with
little confidence: unknown is not zero.
"""

from collections.abc import Iterable, Sequence

from enrichment.enrich import answers_of
from enrichment.examination import Examination
from enrichment.gather.registry import network
from intake.record import Cite
from intake.report import Claims
from triage import lane as lanes
from triage.claims import losses
from triage.harm import CLAIMED, UNEXPLAINED, Assessment, Loss, Reason, Shown, band_of
from triage.rule import Rule
from triage.rules import LANES as CONCEPTS
from triage.rules import RULES, VERSION
from triage.signs import Signs, signs
from triage.terms import Lexicon

SURE = 0.6
"""A rule this sure sets the band whatever the leading kind is."""
DOUBTFUL = 0.15
TECHNIQUES = ("open-relay", "open-proxy", "zombie")


def judge(examination: Examination, claims: Claims, lexicon: Lexicon) -> Assessment:
    """The assessment of one examined report with what its reporter claims."""
    seen = signs(examination, lexicon)
    fired = [rule for rule in RULES if rule.when(seen)]
    kind, grade, sure = _weighed(fired, seen)
    message = examination.message
    lost = losses(claims, lexicon)
    grade = _with_loss(grade, bool(lost))
    holder = network(examination.boundary.ip, answers_of(examination))
    reasons = [_reason(rule, seen, examination) for rule in fired]
    if lost:
        reasons.append(_loss_reason(lost))
    if not fired:
        reasons.append(_unexplained(examination))
    return Assessment(
        band=band_of(grade),
        kind=kind,
        rules=VERSION,
        grades=_grades(fired, grade, bool(lost)),
        reasons=tuple(sorted(reasons, key=lambda reason: (-reason.grade, reason.code))),
        confidence=round(sure if not examination.limits else sure * 0.8, 2),
        losses=lost,
        lanes=tuple(
            lane for lane in lanes.LANES if lane == claims.lane or any(seen.has(each) for each in CONCEPTS[lane])
        ),
        said=claims.lane if claims.lane in lanes.LANES else "",
        techniques=_techniques(examination),
        limits=examination.limits,
        subject=message.subject[:200],
        language=message.language,
        sender=examination.boundary.ip,
        countries=(holder.allocated_to,) if holder and holder.allocated_to else (),
        asns=tuple(f"AS{number}" for number in holder.systems) if holder else (),
    )


def _techniques(examination: Examination) -> tuple[Shown, ...]:
    return tuple(
        Shown(
            name=each.name,
            strength=each.strength,
            address=each.subject or examination.boundary.ip,
            sentence=each.sentence,
            cites=each.cites[:8],
        )
        for each in examination.findings
        if each.name in TECHNIQUES and each.verdict == "present"
    )


def _weighed(fired: Sequence[Rule], seen: Signs) -> tuple[str, int, float]:
    """Kind, grade and confidence."""
    weights: dict[str, float] = {}
    for rule in fired:
        if rule.kind:
            weights[rule.kind] = weights.get(rule.kind, 0.0) + rule.sure * (1 + rule.grade / 4)
    harmful = {kind: weight for kind, weight in weights.items() if kind != "legitimate"}
    if "legitimate" in weights and not _concrete(fired, seen):
        return "legitimate", 0, _joint(fired, "legitimate")
    if not harmful:
        return "unclear", 1, DOUBTFUL
    kind = max(sorted(harmful), key=lambda name: harmful[name])
    own = [rule.grade for rule in fired if rule.kind == kind]
    sure = [rule.grade for rule in fired if rule.kind and rule.sure >= SURE]
    grade = max(own + sure)
    if grade > max(own):
        kind = max((rule for rule in fired if rule.kind and rule.grade == grade), key=lambda rule: rule.sure).kind
    return kind, grade, _joint(fired, kind)


def _concrete(fired: Iterable[Rule], seen: Signs) -> bool:
    """Whether what it asks outweighs the signs of ordinary mail: two sure rules of the highest grade, or one where the
    sender is not proven and the mail answers nothing."""
    sure = sum(rule.grade == 3 and rule.sure >= SURE for rule in fired)
    probable = sum(rule.grade == 2 and rule.sure >= SURE for rule in fired)
    if seen.conversation:
        return sure >= 3
    return sure >= 1 + seen.authentic or probable >= 2


def _joint(fired: Iterable[Rule], kind: str) -> float:
    """How sure the rules of this kind are together; each counts for less than the one before."""
    doubt = 1.0
    for place, sure in enumerate(sorted((rule.sure for rule in fired if rule.kind == kind), reverse=True)):
        doubt *= 1 - sure / (1 + place)
    return 1 - doubt


def _with_loss(grade: int, lost: bool) -> int:
    """A reported loss lifts by one grade: what was probable has happened. It can't make ordinary mail harmful, so that
    a false claim frames nobody."""
    return grade + 1 if lost and grade in (1, 2) else grade


def _grades(fired: Iterable[Rule], grade: int, lost: bool) -> tuple[tuple[str, int], ...]:
    """The highest grade per dimension, none above the grade of the message; dimensions nobody spoke of stay unknown."""
    highest: dict[str, int] = {}
    for rule in fired:
        highest[rule.dimension] = max(highest.get(rule.dimension, 0), min(rule.grade, grade))
    if lost:
        highest["money"] = max(highest.get("money", 0), grade)
    return tuple(sorted(highest.items()))


def _reason(rule: Rule, seen: Signs, examination: Examination) -> Reason:
    file = seen.program or seen.page or seen.packed
    sentence = rule.sentence.format(borrowed=seen.borrowed, file=file, sender=seen.sender)
    return Reason(
        code=rule.code,
        sentence=sentence,
        dimension=rule.dimension,
        grade=rule.grade,
        cites=tuple(dict.fromkeys(_cites(rule.cites, examination)))[:8],
    )


def _cites(names: Sequence[str], examination: Examination) -> Iterable[Cite]:
    message = examination.message
    if "subject" in names and message.subject_cite:
        yield message.subject_cite
    if "text" in names and message.text_cite:
        yield message.text_cite
    if "links" in names:
        yield from (link.cite for link in message.links[:4])
    if "parts" in names:
        yield from (leaf.cite for leaf in message.leaves[:6])
    if "headers" in names:
        for name in ("In-Reply-To", "List-Id", "List-Unsubscribe", "From"):
            yield from (header.cite for header in message.all(name)[:1])


def _loss_reason(lost: Sequence[Loss]) -> Reason:
    """The sums and nothing else: what a reporter wrote can name people, and a reason goes where the case goes."""
    told = ", ".join(f"{loss.currency} {loss.amount:,}".strip() for loss in lost if loss.amount)
    sentence = f"The reporter says that money was lost: {told or 'how much is not said'}."
    return Reason(code=CLAIMED, sentence=sentence, dimension="money", grade=3)


def _unexplained(examination: Examination) -> Reason:
    cites = tuple(_cites(("subject", "text"), examination))
    return Reason(
        code=UNEXPLAINED,
        sentence="No rule recognises what it wants; that is not known to be harmless.",
        grade=1,
        cites=cites,
    )
