"""The forward fixtures of the corpora: exactly those are read wrongly that are named here, field by field."""

from tests.corpora import pack
from tests.walk import forwards_recall

WRONG: dict[str, list[str]] = {}
"""Fixture's number -> fields that are read otherwise than its source expects; what is new here is a fault."""


def test_exactly_the_known_fixtures_are_read_wrongly() -> None:
    outcomes = list(forwards_recall.outcomes(pack()))
    assert len({one.fixture for one in outcomes}) > 100
    assert {one.field for one in outcomes} == set(forwards_recall.FIELDS)
    assert forwards_recall.wrong(outcomes) == WRONG
