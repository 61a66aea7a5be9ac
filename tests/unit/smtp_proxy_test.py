"""The PROXY header (versions 1 and 2): the true client counts, and a balancer that does not say it is cut."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from intake import smtp_proxy
from intake.metrics import Metrics
from intake.smtp_settings import Settings
from tests.doors import FakeWriter, Kept, Line, acceptor, smtp_ways
from tests.proxies import SIGNATURE, v1, v2
from tests.tls import certificate

BEHIND = Settings(proxies=("127.0.0.1/32", "2001:db8::/32"))
GOOD = {
    "v1": (v1("198.51.100.7"), "198.51.100.7", 4711),
    "v1 IPv6": (v1("2001:db8:7::7"), "2001:db8:7::7", 4711),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", "", 0),
    "v1 unknown with words": (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "", 0),
    "v2": (v2("198.51.100.7"), "198.51.100.7", 4711),
    "v2 IPv6": (v2("2001:db8:7::7"), "2001:db8:7::7", 4711),
    "v2 with more": (v2("198.51.100.7", more=b"\x04\0\x02ab"), "198.51.100.7", 4711),
    "v2 local": (v2("198.51.100.7", command=0), "", 0),
    "v2 local without": (SIGNATURE + b"\x20\0\0\0", "", 0),
}
BAD = {
    "nothing": b"EHLO c.example\r\n",
    "v1 too long": b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n",
    "v1 never ends": b"PROXY TCP4 " + b"1" * 200,
    "v1 bare LF": b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 25\n",
    "v1 address": b"PROXY TCP4 198.51.100.700 192.0.2.1 4711 25\r\n",
    "v1 family": b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 25\r\n",
    "v1 protocol": b"PROXY UDP4 198.51.100.7 192.0.2.1 4711 25\r\n",
    "v1 port": b"PROXY TCP4 198.51.100.7 192.0.2.1 70000 25\r\n",
    "v1 short": b"PROXY TCP4 198.51.100.7\r\n",
    "v2 version": SIGNATURE + b"\x11\x11\0\x0c" + bytes(12),
    "v2 command": v2("198.51.100.7", command=2),
    "v2 truncated": SIGNATURE + b"\x21\x11\0\x04" + bytes(4),
    "v2 datagram": v2("198.51.100.7", family=0x12),
    "v2 no protocol": v2("198.51.100.7", family=0x10),
    "v2 unix": SIGNATURE + b"\x21\x31\0\xd8" + bytes(216),
    "v2 huge": SIGNATURE + b"\x21\x11\xff\xff" + bytes(200),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_header_is_read_wherever_it_is_cut(name: str) -> None:
    header, address, port = GOOD[name]
    for cut in range(len(header)):
        assert smtp_proxy.read(header[:cut]) is None
    assert smtp_proxy.read(header + b"EHLO") == ((address, port), len(header))


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_header_is_bad(name: str) -> None:
    with pytest.raises(smtp_proxy.Bad):
        smtp_proxy.read(BAD[name])


@pytest.mark.parametrize("header", [v1("198.51.100.7"), v2("198.51.100.7")], ids=["v1", "v2"])
@pytest.mark.parametrize("how", ["at once", "slowly", "tls"])
def test_the_true_client_is_in_the_envelope(tmp_path: Path, header: bytes, how: str) -> None:
    kept = Kept(tmp_path)
    settings = Settings(proxies=BEHIND.proxies, tls=certificate(tmp_path), tls_port=0)
    with (
        smtp_ways(settings, kept.acceptor) as ports,
        Line(ports["smtp-tls" if how == "tls" else "smtp"], greet=False) as line,
    ):
        for piece in [header] if how != "slowly" else [header[n : n + 1] for n in range(len(header))]:
            line.socket.sendall(piece)
            time.sleep(0.001)
        if how == "tls":
            line.wrap()
        assert line.reply().startswith("220 ")
        line.envelope()
        assert line.data(b"Subject: x\r\n\r\nx\r\n.\r\n").startswith("250 2.6.0")
    envelope = kept.newest()[0].envelope
    assert envelope.peer == "198.51.100.7"
    assert {"peer-port=4711", "via=127.0.0.1"} <= set(envelope.options)


def test_commands_in_the_packet_of_the_header_are_answered() -> None:
    with smtp_ways(BEHIND, acceptor(FakeWriter())) as ports, Line(ports["smtp"], greet=False) as line:
        line.socket.sendall(v1("198.51.100.7") + b"NOOP\r\n")
        assert line.reply().startswith("220 ")
        assert line.reply() == "250 2.0.0 OK"


@pytest.mark.parametrize("name", BAD)
def test_a_balancer_without_a_good_header_is_cut(name: str) -> None:
    metrics = Metrics()
    with smtp_ways(BEHIND, acceptor(FakeWriter()), metrics=metrics) as ports:
        with Line(ports["smtp"], greet=False) as line:
            line.socket.sendall(BAD[name])
            assert line.reply() == ""
        assert metrics.value("limits_total", door="smtp", limit="proxy-header") == 1


def test_a_balancer_that_says_nothing_is_cut() -> None:
    with (
        smtp_ways(BEHIND, acceptor(FakeWriter()), handshake=0.2) as ports,
        Line(ports["smtp"], greet=False) as line,
    ):
        line.socket.sendall(b"PROXY TCP4")
        assert line.reply() == ""


def test_nobody_else_may_say_who_it_is() -> None:
    with smtp_ways(BEHIND, acceptor(FakeWriter())) as ports, Line(ports["smtp"], source="127.0.0.2") as line:
        assert line.say(v1("198.51.100.7").strip()).startswith("500 5.5.2")


def test_limits_count_for_the_true_client() -> None:
    limits = {"per_source": 2, "per_network": 3, "per_minute": 1}
    with smtp_ways(BEHIND, acceptor(FakeWriter()), **limits) as ports:
        lines = []

        def come(client: str) -> str:
            lines.append(Line(ports["smtp"], greet=False))
            lines[-1].socket.sendall(v2(client))
            return lines[-1].reply()

        replies = [come(f"198.51.100.{number}") for number in (7, 7, 7, 8, 8)]
        assert [each[:9] for each in replies] == ["220 mx.ex", "220 mx.ex", "421 4.7.0", "220 mx.ex", "421 4.7.0"]
        assert "[source]" in replies[2] and "[network]" in replies[4]
        for _ in range(5):
            assert come("203.0.113.9")[:3] == "220"
            lines.pop().close()
            time.sleep(0.02)
        lines[0].envelope(0)
        lines[1].say("EHLO c.example")
        assert lines[1].say("MAIL FROM:<a@example.com>").startswith("450 4.7.1")
        for line in lines:
            line.close()


def test_the_balancers_own_connections_are_not_counted_by_source() -> None:
    with smtp_ways(BEHIND, acceptor(FakeWriter()), per_source=1) as ports:
        lines = [Line(ports["smtp"], greet=False) for _ in range(3)]
        for line in lines:
            line.socket.sendall(v2("198.51.100.7", command=0))
            assert line.reply().startswith("220 ")
        for line in lines:
            line.close()


def test_as_many_as_there_are_places_may_wait_to_say_who_they_are() -> None:
    with smtp_ways(BEHIND, acceptor(FakeWriter()), total=2) as ports, ExitStack() as open_:
        first, second, third = (open_.enter_context(Line(ports["smtp"], greet=False)) for _ in range(3))
        assert third.reply() == ""
        assert name(first).startswith("220 ")
        third = open_.enter_context(Line(ports["smtp"], greet=False))
        assert name(second).startswith("220 ")
        assert name(third).startswith("421 4.3.2 [total] ")


def name(line: Line) -> str:
    """Say who it is: what is said to that."""
    line.socket.sendall(v2("198.51.100.7"))
    return line.reply()
