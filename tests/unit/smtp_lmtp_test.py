"""LMTP (RFC 2033): LHLO alone, a reply for each recipient, over TCP and a socket in the file system."""

import os
import smtplib
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from intake.errors import Temporary
from intake.metrics import Metrics
from intake.smtp_settings import Settings
from tests.doors import FakeWriter, Kept, Line, acceptor, smtp_ways

LMTP = Settings(port=None, lmtp_port=0)
MAIL = b"Subject: x\r\n\r\nx\r\n.\r\n"


@pytest.fixture
def writer() -> FakeWriter:
    return FakeWriter()


@pytest.fixture
def line(writer: FakeWriter) -> Iterator[Line]:
    with smtp_ways(LMTP, acceptor(writer), per_source=1, per_minute=1, size=1000) as ports:
        assert list(ports) == ["lmtp"]
        with Line(ports["lmtp"]) as line:
            yield line


def envelope(line: Line, recipients: int) -> None:
    assert line.say("LHLO client.example").startswith("250")
    assert line.say("MAIL FROM:<a@example.com>").startswith("250")
    for number in range(recipients):
        assert line.say(f"RCPT TO:<r{number}@example.org>").startswith("250")


def test_lhlo_alone(line: Line) -> None:
    for word in ("HELO", "EHLO"):
        assert line.say(f"{word} client.example") == "500 5.5.1 this is LMTP, say LHLO"
        assert line.say("MAIL FROM:<a@example.com>") == "503 5.5.1 send LHLO first"
    offered = line.say("LHLO client.example")
    assert "250-PIPELINING" in offered and "ENHANCEDSTATUSCODES" in offered
    assert "AUTH" not in offered


def test_no_lhlo_in_smtp() -> None:
    with smtp_ways(Settings(), acceptor(FakeWriter())) as ports, Line(ports["smtp"]) as line:
        assert line.say("LHLO client.example") == "500 5.5.1 this is SMTP, say EHLO"


def test_no_lmtp_by_default_and_never_on_port_25() -> None:
    with smtp_ways(Settings(), acceptor(FakeWriter())) as ports:
        assert list(ports) == ["smtp"]
    with pytest.raises(ValueError, match="RFC 2033"):
        Settings(lmtp_port=25)


@pytest.mark.parametrize("recipients", [1, 2, 100])
def test_a_reply_for_each_recipient_after_the_dot(line: Line, writer: FakeWriter, recipients: int) -> None:
    envelope(line, recipients)
    assert line.say("RCPT TO:<>").startswith("501")
    replies = [line.data(MAIL), *[line.reply() for _ in range(recipients - 1)]]
    assert len(set(replies)) == 1
    assert replies[0].startswith("250 2.6.0 ")
    assert line.say("NOOP") == "250 2.0.0 OK"
    assert [kind for kind, _ in writer.frames] == ["part", "submission"]


def test_the_same_recipient_twice_is_two_replies(line: Line) -> None:
    envelope(line, 1)
    line.say("RCPT TO:<r0@example.org>")
    assert [line.data(MAIL)[:3], line.reply()[:3], line.say("NOOP")[:3]] == ["250", "250", "250"]


def test_no_recipient_is_one_reply(line: Line) -> None:
    envelope(line, 0)
    assert line.say("DATA").startswith("503 5.5.1")
    assert line.say(b"BDAT 3 LAST\r\nx").startswith("503 5.5.1")
    assert line.say("NOOP") == "250 2.0.0 OK"


def test_a_reply_for_each_recipient_after_the_last_chunk(line: Line, writer: FakeWriter) -> None:
    envelope(line, 2)
    assert line.say(b"BDAT 5\r\nabc") == "250 2.0.0 5 octets taken"
    line.socket.sendall(b"BDAT 4 LAST\r\nde\r\n")
    assert [line.reply()[:9] for _ in range(2)] == ["250 2.6.0"] * 2
    assert writer.frames[0] == ("part", b"abc\r\nde\r\n")


def test_a_refusal_for_each_recipient(line: Line) -> None:
    envelope(line, 2)
    assert line.data(b"y" * 1001 + b"\r\n.\r\n").startswith("552 5.3.4")
    assert line.reply().startswith("552 5.3.4")
    envelope(line, 2)
    assert line.say(b"BDAT 1001\r\n" + b"y" * 999).startswith("552 5.3.4")
    line.socket.sendall(b"BDAT 0 LAST\r\nNOOP\r\n")
    assert [line.reply()[:9] for _ in range(3)] == ["552 5.3.4", "552 5.3.4", "250 2.0.0"]


@pytest.mark.parametrize("last", [b"", b" LAST"])
def test_a_flood_of_chunks_is_cut_with_a_reply_for_each_recipient(line: Line, last: bytes) -> None:
    envelope(line, 2)
    assert line.say(b"BDAT 999999999" + last) == "552 5.3.4 [flood] more than twice 1000 bytes"
    assert [line.reply() for _ in range(2)] == ["552 5.3.4 [flood] more than twice 1000 bytes", ""]


def test_a_flood_of_data_is_cut_with_a_reply_for_each_recipient(line: Line) -> None:
    envelope(line, 2)
    line.say("DATA")
    assert line.until_told(b"y" * 50_000, every=0.001).startswith("552 5.3.4 [flood] ")
    assert [line.reply()[:17] for _ in range(2)] == ["552 5.3.4 [flood]", ""]


def test_a_fault_for_each_recipient() -> None:
    writer = FakeWriter(fails=Temporary("not now"), at=0)
    with smtp_ways(LMTP, acceptor(writer)) as ports, Line(ports["lmtp"]) as line:
        envelope(line, 2)
        assert [line.data(MAIL), line.reply()] == ["451 4.3.2 not now"] * 2
        assert line.say("NOOP") == "250 2.0.0 OK"


def test_a_low_disk_is_one_reply_to_data() -> None:
    with smtp_ways(LMTP, acceptor(FakeWriter(), free=lambda: 1)) as ports, Line(ports["lmtp"]) as line:
        envelope(line, 2)
        assert line.say("DATA").startswith("452 4.3.1")
        assert line.say("NOOP") == "250 2.0.0 OK"


def test_the_server_in_front_is_not_counted_by_source_but_is_by_all() -> None:
    with ExitStack() as open_:
        counts = {"per_source": 1, "per_minute": 1, "total": 2}
        ports = open_.enter_context(smtp_ways(LMTP, acceptor(FakeWriter()), **counts))
        one, two = (open_.enter_context(Line(ports["lmtp"])) for _ in range(2))
        three = open_.enter_context(Line(ports["lmtp"], greet=False))
        assert three.reply().startswith("421 4.3.2")
        for line in (one, one, two):
            envelope(line, 1)
            assert line.data(MAIL).startswith("250 2.6.0")


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    kept, metrics, path = Kept(tmp_path), Metrics(), tmp_path / "lmtp.sock"
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(path))
    old.close()
    with smtp_ways(Settings(port=None, lmtp_socket=str(path)), kept.acceptor, metrics=metrics) as ports:
        assert ports == {}
        mode = os.stat(path).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
        with smtplib.LMTP(str(path)) as client:
            refused = client.sendmail("a@example.com", ["r1@example.org"], b"Subject: x\r\n\r\nx\r\n")
        assert refused == {}
    assert not path.exists()
    submission, content = kept.newest()
    assert content == b"Subject: x\r\n\r\nx\r\n"
    assert submission.channel == "smtp"
    assert submission.envelope.peer == ""
    assert "with=LMTP" in submission.envelope.options
    assert metrics.value("messages_total", door="lmtp", outcome="kept") == 1


def test_a_socket_on_which_somebody_listens_is_left_alone(tmp_path: Path) -> None:
    settings = Settings(port=None, lmtp_socket=str(tmp_path / "lmtp.sock"))
    with smtp_ways(settings, acceptor(FakeWriter())):
        with pytest.raises(OSError, match="already in use"), smtp_ways(settings, acceptor(FakeWriter())):
            pass
        with smtplib.LMTP(settings.lmtp_socket) as client:
            assert client.noop()[0] == 250


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    path.write_text("mine")
    with pytest.raises(OSError), smtp_ways(Settings(port=None, lmtp_socket=str(path)), acceptor(FakeWriter())):
        pass
    assert path.read_text() == "mine"
