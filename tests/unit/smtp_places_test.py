"""Who gives its place to whom when all are taken: who does nothing with it, to those who took less, and nobody else."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from intake.smtp_settings import Settings
from tests.doors import Line
from tests.proxies import v2
from tests.still import Door, still_door
from tests.tls import certificate

MAIL = b"Subject: x\r\n\r\nx\r\n.\r\n"
PRESSED = {"pressed": 10.0}
"""So anybody's place may be taken after 30 s."""
Come = Callable[[str], tuple[Line, str]]


@pytest.fixture
def open_() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def comer(door: Door, open_: ExitStack) -> Come:
    """Somebody comes: the connection, and what is said first."""

    def come(source: str) -> tuple[Line, str]:
        line = open_.enter_context(Line(door.ports["smtp"], greet=False, source=source))
        return line, line.reply()[:17]

    return come


def place(come: Come, source: str) -> Line:
    """One who gets a place."""
    line, said = come(source)
    assert said.startswith("220 "), said
    return line


TOTAL, PARTED = "421 4.3.2 [total]", "421 4.3.2 [presse"


def test_of_the_largest_network_who_was_idle_longest_goes(open_: ExitStack) -> None:
    with still_door(Settings(), total=4, **PRESSED) as door:
        come = comer(door, open_)
        alone = place(come, "127.0.2.1")
        door.wait(1.0)
        idle = []
        for _ in range(3):
            idle.append(place(come, "127.0.0.1"))
            door.wait(1.0)
        idle[0].envelope()
        assert idle[0].data(MAIL).startswith("250 2.6.0")
        door.wait(7.5)
        assert come("127.0.1.1")[1] == TOTAL
        assert come("127.0.0.2")[1] == TOTAL
        door.wait(0.5)
        assert come("127.0.0.2")[1] == TOTAL
        place(come, "127.0.1.1")
        assert idle[1].reply()[:17] == PARTED and idle[1].reply() == ""
        for each in (alone, idle[0], idle[2]):
            assert each.say("NOOP") == "250 2.0.0 OK"
        assert door.metrics.value("limits_total", door="smtp", limit="pressed") == 1


def test_the_largest_network_comes_before_the_longest_time(open_: ExitStack) -> None:
    with still_door(Settings(), total=3, **PRESSED) as door:
        come = comer(door, open_)
        alone = place(come, "127.0.2.1")
        door.wait(30.0)
        two = [place(come, "127.0.0.1") for _ in range(2)]
        door.wait(10.0)
        place(come, "127.0.1.1")
        assert alone.say("NOOP") == "250 2.0.0 OK"
        assert sorted(each.say("NOOP")[:17] for each in two) == ["250 2.0.0 OK", PARTED]


def test_of_equal_networks_who_was_idle_longest_goes_later(open_: ExitStack) -> None:
    with still_door(Settings(), total=3, **PRESSED) as door:
        come = comer(door, open_)
        idle = []
        for number in range(3):
            idle.append(place(come, f"127.0.{number}.1"))
            door.wait(1.0)
        door.wait(26.5)
        assert come("127.0.9.1")[1] == TOTAL
        door.wait(0.5)
        assert come("127.0.2.9")[1] == TOTAL
        place(come, "127.0.9.1")
        assert idle[0].reply()[:17] == PARTED
        assert come("127.0.9.2")[1] == TOTAL
        assert [each.say("NOOP")[:3] for each in idle[1:]] == ["250", "250"]


def test_who_wasted_a_place_has_less_of_one_the_next_time(open_: ExitStack) -> None:
    with still_door(Settings(), total=1, **PRESSED) as door:
        come = comer(door, open_)
        place(come, "127.0.0.1")
        door.wait(30.0)
        place(come, "127.0.1.1").close()
        door.settle()
        place(come, "127.0.0.2")
        door.wait(9.5)
        assert come("127.0.1.1")[1] == TOTAL
        door.wait(0.5)
        place(come, "127.0.1.1")


def test_who_handed_a_message_over_and_goes_wasted_nothing(open_: ExitStack) -> None:
    with still_door(Settings(), total=1, **PRESSED) as door:
        come = comer(door, open_)
        sender = place(come, "127.0.0.1")
        sender.envelope()
        assert sender.data(MAIL).startswith("250 2.6.0")
        door.wait(30.0)
        place(come, "127.0.1.1").close()
        assert sender.reply()[:17] == PARTED
        sender.close()
        door.settle()
        place(come, "127.0.0.1")
        door.wait(29.5)
        assert come("127.0.1.1")[1] == TOTAL


def test_who_sends_fast_enough_is_never_parted_from(open_: ExitStack) -> None:
    with still_door(Settings(), total=1, rate=100, grace=500.0, **PRESSED) as door:
        come = comer(door, open_)
        sender = place(come, "127.0.0.1")
        sender.envelope()
        sender.say("DATA")
        for _ in range(6):
            sender.socket.sendall(b"y" * 1000)
            door.settle()
            door.wait(10.0)
            assert come("127.0.1.1")[1] == TOTAL
        door.wait(29.5)
        assert come("127.0.1.1")[1] == TOTAL
        door.wait(0.5)
        place(come, "127.0.1.1")
        assert sender.reply()[:17] == PARTED


def test_who_wasted_many_gets_none_of_the_last_tenth_also_behind_a_balancer(open_: ExitStack) -> None:
    settings = Settings(proxies=("127.0.0.1/32",))
    with still_door(settings, total=20, **PRESSED) as door:

        def come(client: str) -> tuple[Line, str]:
            line = open_.enter_context(Line(door.ports["smtp"], greet=False))
            line.socket.sendall(v2(client))
            return line, line.reply()[:17]

        rest = [place(come, f"2001:db8:{number}::1") for number in range(19)]
        for _ in range(4):
            waster = place(come, "2001:db8:bad::1")
            door.wait(29.5)
            for each in rest:
                each.envelope()
                assert each.data(MAIL).startswith("250 2.6.0")
            door.wait(0.5)
            place(come, "2001:db8:600d::1").close()
            assert waster.reply()[:17] == PARTED
            waster.close()
            door.settle()
        assert come("2001:db8:bad::1")[1] == TOTAL
        place(come, "2001:db8:600d::1")


def test_who_has_no_name_yet_has_no_place_to_give(open_: ExitStack) -> None:
    settings = Settings(proxies=("127.0.0.1/32",))
    with still_door(settings, total=1, handshake=1000.0, **PRESSED) as door:
        nameless = open_.enter_context(Line(door.ports["smtp"], greet=False))
        door.settle()
        door.wait(400.0)
        come = comer(door, open_)
        place(come, "127.0.0.2")
        assert come("127.0.1.1")[1] == TOTAL
        door.wait(30.0)
        nameless.socket.sendall(v2("198.51.100.1"))
        assert nameless.reply().startswith("220 ")


def test_a_handshake_that_hangs_gives_its_place_too(tmp_path: Path, open_: ExitStack) -> None:
    with still_door(Settings(tls=certificate(tmp_path), tls_port=0), total=2, **PRESSED) as door:
        come = comer(door, open_)
        hanging = [open_.enter_context(Line(door.ports["smtp-tls"], greet=False)) for _ in range(2)]
        door.settle()
        door.wait(10.0)
        place(come, "127.0.1.1")
        assert sum(map(parted, hanging)) == 1


def parted(line: Line) -> bool:
    """The connection is gone, without a word."""
    line.socket.settimeout(0.5)
    try:
        return line.socket.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
