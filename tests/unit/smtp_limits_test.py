"""The SMTP door's limits and faults: each with its own reply, at its border, and never at other clients' cost."""

import logging
import re
import smtplib
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from intake import smtp
from intake.errors import Damaged, Refused, Temporary
from intake.smtp_settings import Limits, Settings
from tests.doors import FakeWriter, Line, acceptor, full_disk, smtp_door
from tests.tls import certificate

MAIL = b"Subject: x\r\n\r\nx\r\n.\r\n"


# -- the dialogue ---------------------------------------------------------------------------------------------------


def test_what_ehlo_offers(tmp_path: Path) -> None:
    with smtp_door(acceptor(FakeWriter()), tls=certificate(tmp_path)) as port, Line(port) as line:
        offered = set(line.say("EHLO c.example").replace("250-", "250 ").split("|"))
    assert offered == {
        "250 mx.example.org", "250 SIZE 25000000", "250 8BITMIME", "250 PIPELINING", "250 SMTPUTF8",
        "250 ENHANCEDSTATUSCODES", "250 STARTTLS",
    }  # fmt: skip


def test_every_reply_has_an_enhanced_code() -> None:
    commands = [
        "MAIL FROM:<a@example.com>", "HELO", "FOO", "", "EXPN list", "VRFY", "VRFY a", "STARTTLS", "AUTH PLAIN x",
        "EHLO", "DATA", "RCPT TO:<r@example.org>", "HELP", "HELP MAIL", "HELP X", "NOOP", "RSET", "RSET x", "QUIT x",
    ]  # fmt: skip
    after = [
        "DATA", "RCPT TO:<a>", "MAIL", "MAIL FROM:<a@example.com> FOO=1", "MAIL FROM:<a@example.com> SIZE=9999999999",
        "MAIL FROM:<gr\xfc@example.com>", "MAIL FROM:<a@example.com>", "MAIL FROM:<b@example.com>", "RCPT TO:<>",
        "RCPT TO:<r@example.org> NOTIFY=NEVER", "DATA x", "RSET", "QUIT",
    ]  # fmt: skip
    with smtp_door(acceptor(FakeWriter())) as port:
        with Line(port) as line:
            replies = [(each, line.say(each)) for each in commands]
        with Line(port) as line:
            assert line.say("HELO c.example") == "250 mx.example.org"
            line.say("EHLO c.example")
            replies += [(each, line.say(each)) for each in after]
    for command, reply in replies:
        assert re.fullmatch(r"([245])\d\d \1\.\d{1,3}\.\d{1,3} \S.*", reply), (command, reply)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("VRFY postmaster", "252 2.1.5"),
        ("EXPN list", "502 5.5.1"),
        ("AUTH PLAIN AGEAYg==", "500 5.5.2"),
        ("RCPT TO:<r@example.org>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<a@example.com> BODY=BINARYMIME", "555 5.5.4"),
        ("MAIL FROM:<a@example.com> SIZE=-1", "555 5.5.4"),
        ("MAIL FROM:<a@example.com> SIZE=25000000", "250 2.1.0"),
        ("MAIL FROM:<a@example.com> SIZE=25000001", "552 5.3.4"),
        ("MAIL FROM:<a@example.com> BODY=8BITMIME SMTPUTF8 SIZE=1", "250 2.1.0"),
        ("MAIL FROM:<a@example.com>x", "501 5.1.7"),
        ("MAIL FROM:<gr\u00fc@example.com>", "553 5.6.7"),
        ("MAIL FROM:<gr\u00fc@example.com> SMTPUTF8", "250 2.1.0"),
        (b"MAIL FROM:<gr\xfc@example.com> SMTPUTF8", "553 5.6.7"),
        (b"MAIL FROM:<a\0b@example.com>", "501 5.1.7"),
        (b"NO\0OP", "500 5.5.2"),
        (b"\xff\xfe", "500 5.5.2"),
        ("NOOP " + "x" * 2041, "250 2.0.0"),
        ("NOOP " + "x" * 2042, "500 5.5.2"),
        ("NOOP " + "x" * 200_000, "500 5.5.2"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_reply_to_one_command(command: str | bytes, reply: str) -> None:
    with smtp_door(acceptor(FakeWriter())) as port, Line(port) as line:
        line.say("EHLO c.example")
        assert line.say(command).startswith(reply)


def test_no_mail_for_foreign_domains_where_domains_are_set() -> None:
    with smtp_door(acceptor(FakeWriter()), domains=("Reports.example.org",)) as port, Line(port) as line:
        line.envelope(0)
        assert line.say("RCPT TO:<spam@reports.EXAMPLE.org>").startswith("250 2.1.5")
        assert line.say("RCPT TO:<spam@example.org>").startswith("550 5.7.1")
        assert line.say("RCPT TO:<a@notreports.example.org>").startswith("550 5.7.1")
        assert line.say("RCPT TO:<Postmaster>").startswith("250 2.1.5")


# -- counts ---------------------------------------------------------------------------------------------------------


def test_recipients() -> None:
    with smtp_door(acceptor(FakeWriter()), recipients=3) as port, Line(port) as line:
        line.envelope(3)
        for _ in range(3):
            assert line.say("RCPT TO:<more@example.org>").startswith("452 4.5.3")
        assert line.data(MAIL).startswith("250 2.6.0")
        line.say("MAIL FROM:<a@example.com>")
        replies = [line.say("RCPT TO:<r@example.org>")[:9] for _ in range(5)]
    assert replies == ["250 2.1.5"] * 3 + ["452 4.5.3"] * 2


def test_the_size_of_a_message() -> None:
    writer = FakeWriter()
    with smtp_door(acceptor(writer), size=1000) as port, Line(port) as line:
        for size, reply in ((999, "250 2.6.0"), (1000, "250 2.6.0"), (1001, "552 5.3.4"), (1000, "250 2.6.0")):
            line.envelope()
            assert line.data(b"s" * (size - 2) + b"\r\n.\r\n").startswith(reply), size
    assert [len(plain) for kind, plain in writer.frames if kind == "part"] == [999, 1000, 1000]
    assert writer.held == []


def test_a_message_that_never_ends_is_cut_and_not_stored() -> None:
    writer = FakeWriter()
    with smtp_door(acceptor(writer), size=100_000) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        sent = 0
        with pytest.raises(OSError):
            while sent < 60_000_000:
                sent += line.socket.send(b"MAIL FROM:<evil@example.net>\n" * 2000)
                if sent > 2_000_000:
                    time.sleep(0.01)
    assert sent < 20_000_000  # what the kernel's buffers hold comes on top of our limit
    assert writer.frames == []


def memory() -> int:
    """Resident bytes of this process, which is the server too."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("head", [b"", b"x"])
def test_memory_is_bounded_whatever_one_line_is(head: bytes) -> None:
    class Forgetful(FakeWriter):
        def append(self, kind, slot, plain):  # type: ignore[no-untyped-def]
            return super().append(kind, slot, b"")

    with smtp_door(acceptor(Forgetful())) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        before = peak = memory()
        for number in range(24 if head else 40):
            line.socket.sendall(b"y" * 1_000_000)
            peak = max(peak, memory())
            if number == 5:
                before = memory()
        line.socket.sendall(b"\r\n.\r\n")
        assert line.reply().startswith("250 2.6.0" if head else "552 5.3.4")
    assert peak - before < 8_000_000


def test_a_command_that_never_ends_is_cut() -> None:
    with smtp_door(acceptor(FakeWriter())) as port, Line(port) as line:
        sent = 0
        with pytest.raises(OSError):
            while sent < 40_000_000:
                sent += line.socket.send(b"y" * 65_536)
                time.sleep(0.002)
    assert sent < 20_000_000


@pytest.mark.parametrize(
    ("command", "reply"), [("NOOP", "250 2.0.0"), ("FOO", "500 5.5.2"), ("RCPT TO:<r@example.org>", "503 5.5.1")]
)
def test_commands_without_a_message(command: str, reply: str) -> None:
    with smtp_door(acceptor(FakeWriter()), commands=10) as port:
        with Line(port) as line:
            replies = [line.say(command)[:9] for _ in range(11)]
            assert line.reply() == ""
        assert replies == [reply] * 10 + ["421 4.7.0"]
        with Line(port) as line:
            for _ in range(5):
                line.envelope()
                assert line.data(MAIL).startswith("250 2.6.0")


def test_connections_of_one_source_and_of_all() -> None:
    with smtp_door(acceptor(FakeWriter()), per_source=2, total=3) as port, ExitStack() as open_:
        lines = [open_.enter_context(Line(port)) for _ in range(2)]
        with Line(port, greet=False) as refused:
            assert refused.reply().startswith("421 4.7.0")
            assert refused.reply() == ""
        other = open_.enter_context(Line(port, source="127.0.0.2"))
        with Line(port, greet=False, source="127.0.0.3") as refused:
            assert refused.reply().startswith("421 4.3.2")
        lines[0].say("QUIT")
        time.sleep(0.05)
        open_.enter_context(Line(port, source="127.0.0.3"))
        assert other.say("NOOP") == "250 2.0.0 OK"


def test_messages_per_minute() -> None:
    with smtp_door(acceptor(FakeWriter()), per_minute=3) as port:
        with Line(port) as line:
            for _ in range(3):
                line.envelope()
                assert line.data(MAIL).startswith("250 2.6.0")
        with Line(port) as line:
            line.say("EHLO c.example")
            assert line.say("MAIL FROM:<a@example.com>").startswith("450 4.7.1")
        with Line(port, source="127.0.0.2") as line:
            line.envelope()


# -- time -----------------------------------------------------------------------------------------------------------


def test_an_idle_client_is_told_and_closed() -> None:
    with smtp_door(acceptor(FakeWriter()), idle=0.3) as port, Line(port) as line:
        assert line.reply().startswith("421 4.4.2")
        assert line.reply() == ""


def test_a_sender_below_the_rate_is_cut_after_the_grace() -> None:
    with smtp_door(acceptor(FakeWriter()), grace=0.4, rate=500) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < began + 8:
                line.socket.sendall(b"y")
                time.sleep(0.02)
        assert 0.3 < time.monotonic() - began < 4


def test_a_slow_sender_above_the_rate_is_waited_for() -> None:
    with smtp_door(acceptor(FakeWriter()), grace=0.2, rate=500, idle=0.3) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        for _ in range(30):
            line.socket.sendall(b"y" * 100)
            time.sleep(0.05)
        line.socket.sendall(b"\r\n.\r\n")
        assert line.reply().startswith("250 2.6.0")


def test_a_message_has_its_time_and_no_more() -> None:
    with smtp_door(acceptor(FakeWriter()), message_time=0.6, grace=0.2, rate=1) as port, Line(port) as line:
        line.envelope()
        line.say("DATA")
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < began + 8:
                line.socket.sendall(b"y" * 1000)
                time.sleep(0.02)
        assert 0.5 < time.monotonic() - began < 4


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


def test_slow_clients_cost_nothing_to_others() -> None:
    with smtp_door(acceptor(FakeWriter()), per_source=150, total=200) as port, ExitStack() as open_:
        slow = [open_.enter_context(Line(port)) for _ in range(150)]
        for line in slow:
            line.socket.sendall(b"E")
        began = time.monotonic()
        with smtplib.SMTP("127.0.0.1", port, source_address=("127.0.0.2", 0)) as client:
            client.sendmail("a@example.com", ["r@example.org"], b"Subject: x\r\n\r\nx\r\n")
        assert time.monotonic() - began < 2


# -- faults ---------------------------------------------------------------------------------------------------------

ESCAPE = b"Subject: x\r\n\r\nNOOP\r\nQUIT\r\nRSET\r\n.\r\n"


@pytest.mark.parametrize(
    ("error", "at", "reply"),
    [
        (full_disk(), 1, "452 4.3.1"),
        (full_disk(), 2, "452 4.3.1"),
        (RuntimeError("secret words"), 1, "451 4.3.0"),
        (RuntimeError("secret words"), 2, "451 4.3.0"),
        (RuntimeError("secret words"), 0, "451 4.3.0"),
        (Temporary("not now"), 1, "451 4.3.2"),
        (Damaged("ab" * 32), 1, "451 4.3.0"),
        (Refused("no", "never"), 1, "554 5.6.0"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("size", [0, 300_000])
def test_a_fault_is_said_once_after_the_message(error: Exception, at: int, reply: str, size: int) -> None:
    writer = FakeWriter(fails=error, at=at)
    with smtp_door(acceptor(writer)) as port, Line(port) as line:
        line.envelope()
        answer = line.data(b"y" * size + b"\r\n" + ESCAPE)
        assert answer.startswith(reply)
        assert "secret" not in answer
        assert line.say("NOOP") == "250 2.0.0 OK"
    assert writer.held == []


def test_a_low_disk_is_said_before_the_message() -> None:
    with smtp_door(acceptor(FakeWriter(), free=lambda: 1)) as port, Line(port) as line:
        line.envelope()
        assert line.say("DATA").startswith("452 4.3.1")
        assert line.say("RSET").startswith("250")


def test_no_address_and_no_error_text_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp_door(acceptor(FakeWriter(fails=RuntimeError("secret words")))) as port, Line(port) as line:
        line.envelope()
        line.data(MAIL)
        line.say("FOO a@example.com")
    assert "RuntimeError" in caplog.text
    assert "example.com" not in caplog.text
    assert "secret" not in caplog.text


def test_closing_lets_a_message_finish_and_parts_from_the_idle() -> None:
    settings = Settings(limits=Limits(per_source=0, total=0, per_minute=0))
    writer = FakeWriter()
    running = smtp.serve(settings, acceptor(writer))
    with Line(running.port) as idle, Line(running.port) as busy:
        busy.envelope()
        busy.say("DATA")
        busy.socket.sendall(b"Subject: x\r\n")
        closing = threading.Thread(target=running.stop, args=(5.0,))
        closing.start()
        assert idle.reply().startswith("421 4.3.2")
        busy.socket.sendall(b"\r\nx\r\n.\r\n")
        assert busy.reply().startswith("250 2.6.0")
        assert busy.reply().startswith("421 4.3.2")
    closing.join()
    assert [kind for kind, _ in writer.frames] == ["part", "submission"]


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        smtp.serve(Settings(port=taken.getsockname()[1]), acceptor(FakeWriter()))
