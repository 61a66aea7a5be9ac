"""The gate: every count at its limit less one, at it and beyond it."""

import pytest

from intake.gate import MINUTE, Gate, source_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_what_a_source_is(peer: str, source: str) -> None:
    assert source_of(peer) == source


def test_connections_of_one_source() -> None:
    gate = Gate(Clock(), per_source=3, total=0, per_minute=0)
    assert [gate.enter("a") for _ in range(4)] == ["", "", "", "source"]
    assert gate.enter("b") == ""
    gate.leave("a")
    assert [gate.enter("a"), gate.enter("a")] == ["", "source"]


def test_connections_of_all() -> None:
    gate = Gate(Clock(), per_source=0, total=3, per_minute=0)
    assert [gate.enter(str(number)) for number in range(4)] == ["", "", "", "total"]
    gate.leave("0")
    assert [gate.enter("x"), gate.enter("y")] == ["", "total"]


def test_messages_in_a_minute() -> None:
    clock = Clock()
    gate = Gate(clock, per_source=0, total=0, per_minute=3)
    assert [gate.message("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    clock.now += 20
    assert gate.message("a") == MINUTE - 20
    assert gate.message("b") == 0.0
    clock.now += 39.5
    assert gate.message("a") == 0.5
    clock.now += 0.5
    assert [gate.message("a") for _ in range(4)] == [0.0, 0.0, 0.0, MINUTE]


def test_zero_is_no_limit() -> None:
    gate = Gate(Clock(), 0, 0, 0)
    assert {gate.enter("a") for _ in range(500)} == {""}
    assert {gate.message("a") for _ in range(500)} == {0.0}


def test_the_table_of_minutes_does_not_grow() -> None:
    clock = Clock()
    gate = Gate(clock, 0, 0, per_minute=1)
    for number in range(1000):
        gate.message(str(number))
    clock.now += MINUTE
    gate.message("last")
    assert list(gate._minutes) == ["last"]
