"""Clients that mean harm, in the short form; `hostile.py` is the long one."""

from pathlib import Path

import pytest

from tests.crash import hostile


@pytest.mark.promise("P14")
def test_slow_clients_starve_nobody(tmp_path: Path) -> None:
    """P14: with 120 slow clients and room for 50."""
    said = hostile.slow(tmp_path, 120, 3.0, pause=1.0, total=50, per_source=10, per_network=20, pressed=0.1)
    assert said["refused"] == []
    assert said["acknowledged"] > 0
    assert said["grown"] < 100 * hostile.MEGABYTE and said["p95"] <= 2.0


@pytest.mark.promise("P14")
def test_slow_clients_of_many_networks_starve_nobody(tmp_path: Path) -> None:
    """P14: with 25 of them, each of a network of its own, and room for 20."""
    said = hostile.spread_all(tmp_path, 25, 1.5, total=20, pressed=0.3)
    for name in ("idle direct", "idle balanced", "data direct", "data balanced"):
        assert said[name]["refused"] == [] and said[name]["delivered"] > 0, said


@pytest.mark.promise("P15")
def test_what_never_ends_is_cut(tmp_path: Path) -> None:
    """P15: within a megabyte of the limit, and memory stays bounded."""
    said = hostile.endless(tmp_path, 0.1)
    assert said["memory"] <= 300 * hostile.MEGABYTE
    assert {name: each["kept"] for name, each in said.items() if isinstance(each, dict)} == dict.fromkeys(
        ("line", "headers", "rcpt", "noop", "word"), True
    ), said


@pytest.mark.promise("P17")
def test_odd_mail_is_kept_as_it_is(tmp_path: Path) -> None:
    """P17: all thousand cases."""
    said = hostile.odd(tmp_path, 1000)
    assert (said["refused"], said["identical"]) == ([], True)
