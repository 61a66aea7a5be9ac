"""The short form of `campaign.py`: a few SIGKILLs under SMTP load."""

from tests.crash.campaign import RULE, campaign


def test_random_sigkills_lose_and_double_nothing(tmp_path):
    figures = campaign(tmp_path, kills=6, seed=3)
    assert RULE.ended(figures, "short"), (RULE.broken(figures), figures)
