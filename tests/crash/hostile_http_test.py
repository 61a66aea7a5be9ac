"""Clients that mean harm over HTTP, in the short form; `hostile_http.py` is the long one."""

from pathlib import Path

import pytest

from tests.crash import hostile_http


@pytest.mark.promise("P14")
def test_slow_heads_starve_nobody(tmp_path: Path) -> None:
    """With 700 slow clients and room for 600."""
    said = hostile_http.heads(tmp_path, 700, 3.0, pause=2.0)
    assert said["refused"] == []
    assert said["acknowledged"] > 0
    assert said["grown"] < 100 * hostile_http.MEGABYTE


@pytest.mark.promise("P14")
def test_slow_bodies_starve_nobody(tmp_path: Path) -> None:
    """With 210 slow clients of 70 networks and room for 100; at more than the rate at which each may stay."""
    said = hostile_http.bodies(tmp_path, 210, 3.0)
    assert said["refused"] == []
    assert said["acknowledged"] > 0
    assert said["grown"] < 100 * hostile_http.MEGABYTE


@pytest.mark.promise("P15")
def test_memory_is_bounded_whatever_is_held(tmp_path: Path) -> None:
    """Twenty lines and eight dry runs of the largest size, and everything at once; and it is given back."""
    said = hostile_http.memory(tmp_path)
    assert max(said[each] for each in ("lines", "dry_runs", "everything")) < hostile_http.MOST, said
    assert said["after"] - said["before"] < 80 * hostile_http.MEGABYTE, said
