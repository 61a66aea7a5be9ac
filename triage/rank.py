"""The order of the queue: which case a person should see first, and why it stands where it stands.

Band; within concrete a reported loss; the weight of the harms; whether it is still going on; distinct reporters on a
logarithmic scale as the last tie-breaker before age. Confidence is shown beside the order and never multiplied in.
The key sorts as text, the first case first, so that every store can keep the queue in order.
"""

from intake.record import Value
from triage.harm import HARMS, grade_of

WEIGHTS = {
    "extortion": 6,
    "vulnerable": 5,
    "malware": 5,
    "credentials": 5,
    "money": 5,
    "health": 4,
    "people": 3,
}
"""What a grade counts within a band; the sum is the weight."""


class Standing(Value, frozen=True):
    """What the place of a case depends on.

    `grades` holds the highest grade per dimension, `evidence` how many distinct reasons stand behind the band,
    `first` and `last` are days (ISO 8601), `losses` currency and sum.
    """

    case: str
    band: str
    grades: tuple[tuple[str, int], ...] = ()
    evidence: int = 0
    loss_reports: int = 0
    losses: tuple[tuple[str, int], ...] = ()
    days: int = 0
    reporters: int = 0
    confidence: float = 0.0
    first: str = ""
    last: str = ""


def rank_key(standing: Standing) -> str:
    """The sort key, ascending: the smaller, the nearer the top."""
    grade = grade_of(standing.band)
    loss = 0 if grade == 3 and standing.loss_reports else 1
    going = 0 if standing.days > 1 else 1
    reporters = 99 - min(99, standing.reporters.bit_length())
    return f"{3 - grade}{loss}-{999 - weight(standing):03d}-{going}-{reporters:02d}-{standing.first}-{standing.case}"


def weight(standing: Standing) -> int:
    """How much harm on how many dimensions, 0 to 999; reasons of the band's grade count a little."""
    harms = sum(WEIGHTS[name] * grade for name, grade in standing.grades if name in HARMS)
    return min(999, harms * 5 + min(standing.evidence, 12))


def reasons(standing: Standing) -> tuple[tuple[str, str], ...]:
    """Why it stands there, in the order of the key: code and sentence."""
    told = [("rank.band", f"The harm is in the band '{standing.band}'.")]
    if standing.loss_reports:
        sums = ", ".join(f"{currency} {amount:,}".strip() for currency, amount in standing.losses if amount)
        told.append(("rank.loss", f"{_count(standing.loss_reports, 'reporter')} reported a loss{_of(sums)}."))
    high = [name.replace("_", " ") for name, grade in standing.grades if grade >= 2 and name in HARMS]
    if high:
        told.append(("rank.dimensions", f"It harms through: {', '.join(high)}."))
    if standing.days > 1:
        told.append(("rank.going", f"It was seen on {standing.days} days, from {standing.first} to {standing.last}."))
    told.append(("rank.reporters", f"{_count(standing.reporters, 'distinct reporter')} sent it in."))
    told.append(("rank.confidence", f"How sure the evidence is: {standing.confidence:.0%} (does not move the place)."))
    return tuple(told)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _of(sums: str) -> str:
    return f" of {sums}" if sums else ""
