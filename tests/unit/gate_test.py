"""The gate: every count at its limit less one, at it and beyond it."""

import pytest

from intake.gate import FAILURES, MINUTE, Gate, network_of, source_of


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


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::/64", "2001:db8:1::/48"),
        ("lmtp-socket", ""),
        ("", ""),
    ],
)
def test_what_a_network_is(source: str, network: str) -> None:
    assert network_of(source) == network


def test_connections_of_one_network() -> None:
    gate = Gate(Clock(), per_source=2, total=0, per_minute=0, per_network=3)
    entered = [gate.enter(f"192.0.2.{number}") for number in (1, 1, 1, 2, 2, 3)]
    assert entered == ["", "", "source", "", "network", "network"]
    assert gate.enter("198.51.100.1") == ""
    gate.leave("192.0.2.1")
    assert [gate.enter("192.0.2.3"), gate.enter("192.0.2.4")] == ["", "network"]


def test_one_that_is_not_counted_is_one_of_all() -> None:
    gate = Gate(Clock(), per_source=1, total=3, per_minute=0, per_network=1)
    assert [gate.enter("192.0.2.1", counted=False) for _ in range(4)] == ["", "", "", "total"]
    gate.leave("192.0.2.1", counted=False)
    assert [gate.enter("192.0.2.1"), gate.enter("192.0.2.1"), gate.enter("198.51.100.1")] == ["", "source", "total"]
    assert gate.enter("198.51.100.1", beyond=True) == ""


def test_the_last_tenth_is_for_those_who_hold_few() -> None:
    gate = Gate(Clock(), per_source=0, total=20, per_minute=0)
    assert [gate.enter("192.0.2.1") for _ in range(19)] == [""] * 18 + ["total"]
    assert gate.enter("192.0.2.2") == "total"
    assert [gate.enter("198.51.100.1") for _ in range(3)] == ["", "", "total"]
    gate.leave("192.0.2.1")
    gate.leave("192.0.2.1")
    assert [gate.enter("192.0.2.1"), gate.enter("198.51.100.1"), gate.enter("198.51.100.1")] == ["total", "", ""]


def test_the_share_is_that_of_the_network() -> None:
    gate = Gate(Clock(), 0, 0, 0)
    for source in ("192.0.2.1", "192.0.2.1", "192.0.2.9", "unix"):
        gate.enter(source)
    assert [gate.share(each) for each in ("192.0.2.77", "unix", "198.51.100.1")] == [3, 1, 0]
    assert gate.share("192.0.2.1", counted=False) == 0


def test_messages_of_one_network_in_a_minute() -> None:
    clock = Clock()
    gate = Gate(clock, 0, 0, per_minute=2, network_per_minute=3)
    sent = [gate.over(f"192.0.2.{number}")[0] for number in (1, 1, 1, 2, 2)]
    assert sent == ["", "", "source-rate", "", "network-rate"]
    assert gate.over("198.51.100.1") == ("", 0.0)
    clock.now += MINUTE
    assert gate.over("192.0.2.2") == ("", 0.0)


def test_messages_of_an_account_in_a_minute() -> None:
    gate = Gate(Clock(), 0, 0, per_minute=1)
    assert [gate.over_account("feed:acme", 2)[0] for _ in range(3)] == ["", "", "account-rate"]
    assert [gate.over_account("feed:other", 0)[0] for _ in range(3)] == ["", "", ""]
    assert gate.over("192.0.2.1")[0] == ""


def test_failures_are_remembered_for_a_while() -> None:
    clock = Clock()
    gate = Gate(clock, 0, 0, 0)
    assert [gate.failed("a") for _ in range(3)] == [1, 2, 3]
    assert (gate.failures("a"), gate.failures("b")) == (3, 0)
    clock.now += FAILURES
    assert gate.failures("a") == 0


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
    assert list(gate._minutes._counts) == ["last"]
