"""The SMTP door's limits and faults: each with its own reply, at its border, and never at other clients' cost."""

import http.client
import logging
import re
import smtplib
import socket
import threading
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from intake import smtp
from intake.errors import Damaged, Refused, Temporary
from intake.metrics import Metrics
from intake.smtp_settings import Limits, Settings
from tests.doors import FakeWriter, Line, acceptor, full_disk, loopback6, smtp_door, smtp_ways
from tests.tls import certificate

MAIL = b"Subject: x\r\n\r\nx\r\n.\r\n"


# -- the dialogue ---------------------------------------------------------------------------------------------------


def test_what_ehlo_offers(tmp_path: Path) -> None:
    with smtp_door(acceptor(FakeWriter()), tls=certificate(tmp_path)) as port, Line(port) as line:
        offered = set(line.say("EHLO c.example").replace("250-", "250 ").split("|"))
    assert offered == {
        "250 mx.example.org", "250 SIZE 25000000", "250 8BITMIME", "250 PIPELINING", "250 SMTPUTF8",
        "250 ENHANCEDSTATUSCODES", "250 CHUNKING", "250 BINARYMIME", "250 STARTTLS",
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
        ("AUTH PLAIN AGEAYg==", "502 5.5.1"),
        ("RCPT TO:<r@example.org>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<a@example.com> BODY=BINARYMIME", "250 2.1.0"),
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


@pytest.mark.parametrize(
    "command",
    [
        "GET / HTTP/1.1", "POST /x HTTP/1.0", "PUT / HTTP/1.1", "HEAD / HTTP/1.1", "OPTIONS * HTTP/1.1",
        "CONNECT mx.example.org:25 HTTP/1.1", "get /", "Host: mx.example.org", "host:mx.example.org:25",
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", ["", "EHLO c.example"])
def test_a_browser_is_cut_at_its_first_line(command: str, first: str) -> None:
    with smtp_door(acceptor(FakeWriter())) as port, Line(port) as line:
        assert not first or line.say(first).startswith("250")
        assert line.say(command) == "421 4.7.0 [http] this is no web server"
        assert line.reply() == ""


@pytest.mark.parametrize("command", ["GETS", "HOSTS: x", "OPTION", "xPOST / HTTP/1.1"])
def test_a_word_that_is_not_known_is_no_browser(command: str) -> None:
    with smtp_door(acceptor(FakeWriter())) as port, Line(port) as line:
        assert line.say(command).startswith("500 5.5.2 command not known")
        assert line.say("NOOP") == "250 2.0.0 OK"


def test_what_a_web_page_has_a_browser_post_is_no_mail() -> None:
    writer = FakeWriter()
    body = b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\nDATA\r\n" + MAIL
    with smtp_door(acceptor(writer)) as port:
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/", body, {"Content-Type": "text/plain"})
        with pytest.raises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(asked, timeout=30)
    assert writer.frames == []


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


@pytest.mark.parametrize("most", [1, 5])
def test_errors_without_a_message(most: int) -> None:
    metrics = Metrics()
    with smtp_ways(Settings(), acceptor(FakeWriter()), metrics=metrics, errors=most) as ports:
        with Line(ports["smtp"]) as line:
            assert [line.say("FOO")[:9] for _ in range(most + 1)] == ["500 5.5.2"] * most + ["421 4.7.0"]
            assert line.reply() == ""
        with Line(ports["smtp"]) as line:
            for _ in range(3):
                assert [line.say("FOO")[:3] for _ in range(most)] == ["500"] * most
                line.envelope()
                assert line.data(MAIL).startswith("250 2.6.0")
        assert metrics.value("limits_total", door="smtp", limit="errors") == 1


def test_connections_of_one_source_of_its_network_and_of_all() -> None:
    metrics, limits = Metrics(), {"per_source": 2, "per_network": 3, "total": 4}
    with smtp_ways(Settings(), acceptor(FakeWriter()), metrics=metrics, **limits) as ports, ExitStack() as open_:

        def come(source: str) -> str:
            line = open_.enter_context(Line(ports["smtp"], greet=False, source=source))
            lines.append(line)
            return line.reply()

        lines: list[Line] = []
        sources = ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.1.1", "127.0.2.1")
        replies = [come(source) for source in sources]
        assert [each[:3] for each in replies] == ["220", "220", "421", "220", "421", "220", "421"]
        assert replies[2] == "421 4.7.0 [source] 2 connections from your address are open"
        assert replies[4] == "421 4.7.0 [network] 3 connections from your network are open"
        assert replies[6] == "421 4.3.2 [total] too many connections are open, please come back"
        assert lines[2].reply() == ""
        lines[0].say("QUIT")
        time.sleep(0.05)
        assert come("127.0.0.3").startswith("220 ")
        assert lines[3].say("NOOP") == "250 2.0.0 OK"
    counted = [metrics.value("limits_total", door="smtp", limit=each) for each in ("source", "network", "total")]
    assert counted == [1, 1, 1]


def test_messages_per_minute_of_one_source_and_of_its_network() -> None:
    metrics, limits = Metrics(), {"per_minute": 3, "network_per_minute": 4}
    with smtp_ways(Settings(), acceptor(FakeWriter()), metrics=metrics, **limits) as ports:

        def send(source: str) -> str:
            with Line(ports["smtp"], source=source) as line:
                line.say("EHLO c.example")
                reply = line.say("MAIL FROM:<a@example.com>")
                if reply.startswith("250"):
                    line.say("RCPT TO:<r@example.org>")
                    assert line.data(MAIL).startswith("250 2.6.0")
                return reply

        replies = [send(f"127.0.0.{number}") for number in (1, 1, 1, 1, 2, 2)]
        assert [each[:9] for each in replies] == ["250 2.1.0"] * 3 + ["450 4.7.1", "250 2.1.0", "450 4.7.1"]
        assert "from your address" in replies[3] and "from your network" in replies[5]
        assert send("127.0.1.1").startswith("250")
    assert metrics.value("limits_total", door="smtp", limit="source-rate") == 1
    assert metrics.value("limits_total", door="smtp", limit="network-rate") == 1


# -- others ---------------------------------------------------------------------------------------------------------


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
    settings = Settings(limits=Limits(per_source=0, per_network=0, total=0, per_minute=0, network_per_minute=0))
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


def test_a_port_that_is_taken_is_an_error_at_once_and_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError) as caught:
        port = taken.getsockname()[1]
        smtp.serve(Settings(port=port), acceptor(FakeWriter()))
    assert caught.value.filename == f"port {port} of 127.0.0.1"


def test_a_port_is_shared_with_the_house_and_with_no_stranger() -> None:
    first = Settings(shared=True, first=True)
    with smtp_ways(first, acceptor(FakeWriter())) as ports:
        with pytest.raises(OSError, match="already in use"):
            smtp.serve(replace(first, port=ports["smtp"]), acceptor(FakeWriter()))
        with smtp_ways(Settings(shared=True, port=ports["smtp"]), acceptor(FakeWriter())) as again:
            assert again == ports


def test_no_host_is_every_address_of_both_families() -> None:
    both = loopback6()
    family = socket.AF_INET6 if both else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=both) as free:
        port = free.getsockname()[1]
    with smtp_ways(Settings(host="", port=port), acceptor(FakeWriter())):
        for source in ("127.0.0.1", *(["::1"] if both else [])):
            with Line(port, source=source) as line:
                assert line.say("NOOP") == "250 2.0.0 OK"
