"""Asked: the answers that a judgement may use, and the questions that it turned out to need.

Judging is pure and can't ask; it reads `Asked` and notes what is missing. The caller asks those questions and judges
again, until nothing is missing any more. One `Asked` serves one judgement.
"""

from collections.abc import Mapping

from enrichment.facts import Lookup, Question
from intake.record import Cite

NOT_YET = "not asked yet"


class Asked:
    """Answers by question id (`Question.id`); `questions` are those that were wanted and are not there, once each."""

    def __init__(self, answers: Mapping[str, Lookup]) -> None:
        self._answers = answers
        self._wanted: dict[str, Question] = {}

    def get(self, type_: str, name: str) -> Lookup | None:
        """The answer, or None, and then the question is noted. `name` in lower-case A-labels."""
        question = Question(type=type_, name=name)
        lookup = self._answers.get(question.id)
        if lookup is None:
            self._wanted[question.id] = question
        return lookup

    def missing(self, name: str) -> bool:
        """Whether some answer says that `name` does not exist at all."""
        return any(each.name == name and each.status == "nxdomain" for each in self._answers.values())

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(self._wanted.values())


def why_open(lookup: Lookup | None) -> str:
    """Why a question has no answer: a status of Lookup, 'not asked yet', or '' where it has one."""
    if lookup is None:
        return NOT_YET
    return "" if lookup.known else lookup.status


def cite(lookup: Lookup | None) -> tuple[Cite, ...]:
    """The cite of a kept answer; () where there is none."""
    return (Cite(of=f"lookup:{lookup.id}"),) if lookup is not None and lookup.known else ()
