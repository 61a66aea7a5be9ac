"""Intake in any order of events (P22): the short form of `states_campaign.py`; and that the machine is no dummy."""

import pytest

from intake.receipts import Receipts
from tests.contract.states_campaign import RULE, campaign
from triage import stream


@pytest.mark.promise("P22")
def test_states_hold_in_any_order_of_events(record_property: pytest.FixtureRequest) -> None:
    figures = campaign(220, 7)
    assert RULE.holds(figures, record_property), figures  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["people", "receipts"])
def test_a_house_that_counts_wrongly_is_found_out(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    if what == "people":
        monkeypatch.setattr(stream, "_first", lambda *_: True)
    else:
        monkeypatch.setattr(Receipts, "filed", lambda *_: None)
    with pytest.raises(AssertionError):
        campaign(400, 8)
