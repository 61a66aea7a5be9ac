"""What doors refused to feeds: written soon, by several processes together, and once more where the disk fails."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from intake.errors import Temporary
from intake.turned_away import TurnedAway

AT = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)


def test_two_doors_count_together_by_day_and_why(tmp_path: Path) -> None:
    one, other = (TurnedAway(tmp_path / "refused.sqlite", lambda: AT) for _ in range(2))
    for _ in range(3):
        one.count("feed:acme", "account-rate")
    other.count("feed:acme", "feed-rate")
    other.count("feed:acme", "size")
    other.count("feed:else", "empty")
    end = time.monotonic() + 10
    while len(one.since("acme", "2026-11-01")) < 2 or one.since("acme", "2026-11-01")[0][2] < 4:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert one.since("acme", "2026-11-23") == [("2026-11-23", "feed-rate", 4), ("2026-11-23", "too-big", 1)]
    assert one.since("acme", "2026-11-24") == [] and one.since("nobody", "2026-11-01") == []


def test_a_disk_that_fails_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is written with what comes next, without anybody asking for it."""
    counts = TurnedAway(tmp_path / "refused.sqlite", lambda: AT)

    def fails(*_: Any) -> int:
        raise Temporary("full")

    counts.count("feed:acme", "empty")
    with monkeypatch.context() as broken:
        broken.setattr(counts._db, "run_many", fails)
        counts.write()
    counts.count("feed:acme", "empty")
    end = time.monotonic() + 10
    while not (found := counts.since("acme", "2026-11-01")):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert found == [("2026-11-23", "empty", 2)]
