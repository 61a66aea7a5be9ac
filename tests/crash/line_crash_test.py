"""The short form of `campaign.py`: a few SIGKILLs under SMTP load."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from campaign import BAD, campaign


def test_random_sigkills_lose_and_double_nothing(tmp_path):
    figures = campaign(tmp_path, kills=6, seed=3)
    assert figures["acknowledged"] > 50, figures
    assert {name: figures[name] for name in BAD} == dict.fromkeys(BAD, 0), figures
