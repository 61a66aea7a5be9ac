"""The short form of `power_loss.py`, and that it would notice a door that doesn't sync."""

import pytest

from tests.crash.power_loss import RULE, campaign


@pytest.mark.promise("P3")
def test_no_crash_state_loses_or_alters_what_was_acknowledged(tmp_path, record_property):
    figures = campaign(tmp_path, states=60, seed=7)
    assert RULE.holds(figures, record_property), (RULE.broken(figures), figures)


def test_a_door_that_never_synced_would_be_found_out(tmp_path):
    figures = campaign(tmp_path, states=20, seed=8, without="fdatasync")
    assert figures["lost"] > 0, figures
