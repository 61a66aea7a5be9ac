"""Finding: what one indicator concludes of one report, with its proof.

present, absent or unknown; a timeout is unknown. A finding that says present or absent without a cite cannot be
built. Terms: observed (in the message), claimed (by the reporter), listed (by a third party), inferred (by us from
several of these).
"""

from typing import Literal

from intake.record import Cite, Value

Term = Literal["present", "absent", "unknown"]
Strength = Literal["none", "weak", "moderate", "strong"]


class Finding(Value, frozen=True):
    """The conclusion of indicator `name` in `version`: a sentence for people, cites for each part of it.

    `against` are sentences of counter-evidence or of the alternative reading; `basis` names standard or source.
    """

    name: str
    version: int
    verdict: Term
    sentence: str
    strength: Strength = "none"
    cites: tuple[Cite, ...] = ()
    against: tuple[str, ...] = ()
    basis: str = ""
    term: Literal["observed", "claimed", "listed", "inferred"] = "inferred"
    subject: str = ""
    """What it is about: an address or a host name."""

    def __post_init__(self) -> None:
        if self.verdict != "unknown" and not self.cites:
            raise ValueError(f"finding {self.name} says {self.verdict} and cites nothing")
