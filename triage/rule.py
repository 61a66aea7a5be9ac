"""Rule: one row of the table of rules, and the words for where its proof stands."""

from collections.abc import Callable

from intake.record import Value
from triage.signs import Signs

LINKS = ("subject", "text", "links")
PARTS = ("subject", "parts")
HEADERS = ("headers",)


class Rule(Value, frozen=True):
    """One row. `sentence` may hold {borrowed}, {file}, {sender}; `cites` names where its proof stands: text, subject,
    links, parts, headers."""

    code: str
    kind: str
    dimension: str
    grade: int
    sure: float
    sentence: str
    when: Callable[[Signs], bool]
    cites: tuple[str, ...] = ("subject", "text")


def row(
    code: str, kind: str, dimension: str, grade: int, sure: float, sentence: str, when: Callable[[Signs], bool],
    cites: tuple[str, ...] = ("subject", "text"),
) -> Rule:  # fmt: skip
    """A rule, by position."""
    return Rule(
        code=code, kind=kind, dimension=dimension, grade=grade, sure=sure, sentence=sentence, when=when, cites=cites
    )
