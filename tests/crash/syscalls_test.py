"""The short form of `syscalls.py`: a few points of every scene, drawn by the seed, and those that once went wrong."""

import pytest

from tests.crash.scenes import SCENES
from tests.crash.syscalls import RULE, SYNC_RULE, Point, all_points, campaign, failed_syncs, sample

ONCE_WRONG = [Point("first", "write", "", 1, "error=ENOSPC"), Point("first", "fsync", "", 2, "error=EIO")]
"""A folder cut short while its role was written was taken for a series; a book's folder not synced stopped nobody."""


@pytest.mark.promise("P2")
@pytest.mark.parametrize("scene", SCENES)
def test_no_failing_system_call_loses_alters_or_blames_anybody(tmp_path, scene, record_property):
    every = all_points(tmp_path, [scene])
    assert {"fdatasync", "fsync", "openat", "pwrite64", "rename", "write"} <= {point.call for point in every}
    once = [point for point in ONCE_WRONG if point.scene == scene]
    figures = campaign(tmp_path, [*once, *sample(every, 5, seed=4)])
    assert RULE.holds(figures, record_property), (RULE.broken(figures), figures)


@pytest.mark.promise("P4")
def test_nothing_is_acknowledged_after_a_failed_sync(tmp_path, record_property):
    every = all_points(tmp_path, ["again", "torn"])
    figures = campaign(tmp_path, sample(failed_syncs(every, 50), 6, seed=5))
    assert SYNC_RULE.holds(figures, record_property), (SYNC_RULE.broken(figures), figures)
