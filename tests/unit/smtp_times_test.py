"""The SMTP door's limits of time, each with its own reply; and that a client which is cut gets to read why."""

import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from intake.metrics import Metrics
from intake.smtp_settings import Settings
from tests.doors import FakeWriter, Line, acceptor, smtp_door, smtp_ways
from tests.tls import certificate

MAIL = b"Subject: x\r\n\r\nx\r\n.\r\n"


def test_a_client_that_talks_is_not_idle() -> None:
    with smtp_door(acceptor(FakeWriter()), idle=0.5) as port, Line(port) as line:
        for _ in range(8):
            time.sleep(0.1)
            assert line.say("NOOP") == "250 2.0.0 OK"


def test_a_client_that_hands_nothing_over_has_its_time() -> None:
    with smtp_door(acceptor(FakeWriter()), fruitless=0.5, idle=60) as port, Line(port) as line:
        began = time.monotonic()
        line.envelope()
        line.data(MAIL)
        time.sleep(0.3)
        line.envelope()
        line.data(MAIL)
        assert line.until_told(b"", every=0.05).startswith("421 4.4.2 [fruitless] ")
        assert time.monotonic() - began >= 0.75
        assert line.reply() == ""


def test_a_slow_sender_above_the_rate_is_waited_for() -> None:
    with smtp_door(acceptor(FakeWriter()), grace=0.2, rate=500, idle=0.3) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        for _ in range(30):
            line.socket.sendall(b"y" * 100)
            time.sleep(0.05)
        line.socket.sendall(b"\r\n.\r\n")
        assert line.reply().startswith("250 2.6.0")


def test_a_message_in_chunks_has_its_time_too() -> None:
    with smtp_door(acceptor(FakeWriter()), message_time=0.6, grace=0.2, rate=1) as port, Line(port) as line:
        line.envelope()
        assert line.say(b"BDAT 1000\r\n" + b"y" * 998).startswith("250 2.0.0")
        time.sleep(0.3)
        assert line.say(b"BDAT 1000\r\n" + b"y" * 998).startswith("250 2.0.0")
        assert line.reply().startswith("421 4.4.2 [message-time] ")


def test_the_disk_may_take_longer_than_a_client() -> None:
    writer = FakeWriter()
    writer.manual = True
    with smtp_door(acceptor(writer), grace=0.1, message_time=0.2, idle=0.2) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        line.socket.sendall(MAIL)
        time.sleep(0.8)
        writer.pending[-1].set_result(None)
        assert line.reply().startswith("250 2.6.0")


def test_the_time_that_the_disk_takes_is_not_the_clients() -> None:
    writer = FakeWriter()
    writer.manual = True
    with smtp_door(acceptor(writer), grace=0.5, message_time=0.8, rate=1) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        line.socket.sendall(b"y" * 300_000)
        time.sleep(1.2)
        writer.manual = False
        writer.pending[-1].set_result(None)
        line.socket.sendall(b"\r\n.\r\n")
        assert line.reply().startswith("250 2.6.0")


@pytest.mark.parametrize("how", ["starttls", "implicit"])
def test_a_handshake_has_its_time(tmp_path: Path, how: str) -> None:
    metrics = Metrics()
    settings = Settings(tls=certificate(tmp_path), tls_port=0)
    with smtp_ways(settings, acceptor(FakeWriter()), metrics=metrics, handshake=0.3, total=1) as ports:
        if how == "starttls":
            with Line(ports["smtp"]) as line:
                line.say("EHLO c.example")
                assert line.say("STARTTLS").startswith("220 2.0.0")
                assert line.reply() == ""
        else:
            with Line(ports["smtp-tls"], greet=False) as line:
                assert line.reply() == ""
        assert metrics.value("limits_total", door="smtp", limit="handshake") == 1
        time.sleep(0.05)
        with Line(ports["smtp"]) as line:
            assert line.say("NOOP") == "250 2.0.0 OK"


class Blind:
    """A client that sends without looking, as fast as it can, and only then reads."""

    def __init__(self, line: Line) -> None:
        self.sent = 0
        self._line = line
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        try:
            while self.sent < 100_000_000:
                self.sent += self._line.socket.send(b"y" * 65_536)
        except OSError:
            pass

    def over(self) -> None:
        self._thread.join()


@pytest.mark.parametrize("tls", [False, True])
def test_a_flood_is_cut_and_can_read_why(tmp_path: Path, tls: bool) -> None:
    settings = Settings(tls=certificate(tmp_path), tls_port=0)
    with ExitStack() as open_:
        ports = open_.enter_context(smtp_ways(settings, acceptor(FakeWriter()), size=100_000))
        line = open_.enter_context(Line(ports["smtp-tls" if tls else "smtp"], greet=not tls))
        if tls:
            line.wrap()
            assert line.reply().startswith("220 ")
        line.envelope()
        line.say("DATA")
        assert line.until_told(b"y" * 50_000, every=0.001) == "552 5.3.4 [flood] more than twice 100000 bytes"
        if not tls:
            assert line.reply() == ""


def test_a_flood_that_never_looks_is_cut_and_can_read_why() -> None:
    with smtp_door(acceptor(FakeWriter()), size=100_000) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        line.socket.settimeout(30)
        blind = Blind(line)
        blind.over()
        assert line.reply() == "552 5.3.4 [flood] more than twice 100000 bytes"
    assert blind.sent < 20_000_000  # what the kernel's buffers hold comes on top of our limit


def test_a_client_that_is_cut_reads_all_replies_before() -> None:
    with smtp_door(acceptor(FakeWriter()), commands=5) as port, Line(port) as line:
        line.socket.sendall(b"NOOP\r\n" * 5000)
        assert [line.reply() for _ in range(5)] == ["250 2.0.0 OK"] * 5
        assert line.reply() == "421 4.7.0 [commands] more than 5 commands without a message"
        assert line.reply() == ""


def test_what_follows_quit_does_not_cost_its_reply() -> None:
    with smtp_door(acceptor(FakeWriter())) as port, Line(port) as line:
        line.socket.sendall(b"QUIT\r\n" + b"NOOP\r\n" * 5000)
        assert line.reply() == "221 2.0.0 Bye"
        assert line.reply() == ""


def test_one_that_was_cut_and_stays_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.smtp_wire.LINGER", 0.2)
    with smtp_door(acceptor(FakeWriter()), idle=0.2, total=1) as port, Line(port) as line:
        assert line.reply().startswith("421 4.4.2")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with Line(port, greet=False) as other:
                if other.reply().startswith("220 "):
                    return
            time.sleep(0.02)
        pytest.fail("its place was not given back")


def test_a_client_that_goes_during_the_handshake_is_forgotten(tmp_path: Path) -> None:
    with smtp_ways(Settings(tls=certificate(tmp_path), tls_port=0), acceptor(FakeWriter()), total=1) as ports:
        for _ in range(3):
            socket.create_connection(("127.0.0.1", ports["smtp-tls"])).close()
            time.sleep(0.05)
        with Line(ports["smtp-tls"], greet=False) as line:
            line.wrap()
            assert line.reply().startswith("220 ")
