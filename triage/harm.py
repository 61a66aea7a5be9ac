"""Harm: what a message does to whom, kept apart by dimension, with the reasons in sentences.

`Assessment` is the judgement of one report. A grade is 3 concrete (a person who does what the message asks is
harmed), 2 potential, 1 nuisance, 0 none, as in the rubric; an unnamed dimension is unknown, which is not 0.
The band is the highest grade of any harm dimension: volume can't lift it and confidence can't lower it.
Dimensions: the house plan, section 7; criteria: US 15 USC 46(j), MoRiLE, London Action Plan (concrete damage first).
"""

from collections.abc import Iterable
from typing import Literal

from intake.record import Cite, Value

Band = Literal["concrete", "potential", "nuisance", "none"]
Dimension = Literal[
    "people",
    "money",
    "credentials",
    "malware",
    "extortion",
    "health",
    "vulnerable",
    "still_going",
    "spread",
    "enabling",
]
Kind = Literal[
    "phishing", "malware", "advance-fee", "extortion", "investment", "job-mule", "pharma-health", "counterfeit",
    "gambling-adult", "scam-other", "marketing", "legitimate", "unclear",
]  # fmt: skip

BANDS: tuple[Band, ...] = ("none", "nuisance", "potential", "concrete")
"""Indexed by grade."""
HARMS: frozenset[str] = frozenset({"money", "credentials", "malware", "extortion", "health", "vulnerable", "people"})
"""Dimensions that can set the band; the others describe reach and means."""
CLAIMED, UNEXPLAINED = "cl.loss", "un.known"
"""Codes of the reasons that no rule gives: what the reporter claims; that no rule recognises what it wants."""


class Reason(Value, frozen=True):
    """Why: a rule's code, a sentence for people, and the bytes behind it."""

    code: str
    sentence: str
    dimension: str = ""
    grade: int = 0
    cites: tuple[Cite, ...] = ()


class Loss(Value, frozen=True):
    """A loss that a reporter claims: ISO 4217 code ('' where none was named) and whole units (0: no sum named)."""

    currency: str
    amount: int


class Shown(Value, frozen=True):
    """That a report shows a technique (open-relay, open-proxy, zombie) at the machine `address`, and how strongly."""

    name: str
    strength: str
    address: str
    sentence: str = ""
    cites: tuple[Cite, ...] = ()


class Assessment(Value, frozen=True):
    """The judgement of one report under version `rules` of the table of rules.

    `grades`: dimension and grade; `confidence` 0 to 1, how sure the evidence is; `losses` are claims of the reporter,
    beside what the message shows. `subject` and what follows describe the message for the case's view.
    """

    band: Band
    kind: str
    rules: int
    grades: tuple[tuple[str, int], ...] = ()
    reasons: tuple[Reason, ...] = ()
    confidence: float = 0.0
    losses: tuple[Loss, ...] = ()
    lanes: tuple[str, ...] = ()
    said: str = ""
    """The one of the lanes that the reporter chose."""
    techniques: tuple[Shown, ...] = ()
    limits: tuple[str, ...] = ()
    subject: str = ""
    language: str = ""
    countries: tuple[str, ...] = ()
    asns: tuple[str, ...] = ()
    sender: str = ""
    """Address that handed the mail over, '' where it is not known."""

    def grade(self, dimension: str) -> int | None:
        """The grade on that dimension, None where it is unknown."""
        return dict(self.grades).get(dimension)


def recognised(codes: Iterable[str]) -> list[str]:
    """Those of a case's reasons that hold for it as a whole: one report that nobody recognises says nothing of the
    case when another one is recognised."""
    known = list(codes)
    return [code for code in known if code != UNEXPLAINED] if set(known) - {CLAIMED, UNEXPLAINED} else known


def band_of(grade: int) -> Band:
    """The band of a grade."""
    return BANDS[grade]


def grade_of(band: str) -> int:
    """The grade of a band; ValueError for a word that is none."""
    return [str(each) for each in BANDS].index(band)
