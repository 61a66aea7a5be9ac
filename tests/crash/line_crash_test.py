"""The short form of `campaign.py`: a few SIGKILLs under SMTP load."""

import pytest

from tests.crash.campaign import RULE, campaign


@pytest.mark.promise("P1")
def test_random_sigkills_lose_and_double_nothing(tmp_path, record_property):
    figures = campaign(tmp_path, kills=6, seed=3)
    assert RULE.holds(figures, record_property), (RULE.broken(figures), figures)
