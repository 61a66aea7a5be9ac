"""The SMTP door's promise on content: one message in is one message out, byte for byte, durable before the 250."""

import hashlib
import random
import re
import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.accept import PART, submission_of
from tests.doors import SECRET, FakeWriter, Kept, Line, acceptor, find, smtp_door
from tests.tls import certificate

# SEC Consult's end-of-data variants: none of them ends a message.
NOT_AN_END = [
    b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n.\n", b"\n.\r", b"\r.\n", b"\r\n\0.\r\n",
]  # fmt: skip
SMUGGLED = b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<v@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nhi\r\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("smtp"))


@pytest.fixture(scope="module")
def port(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with smtp_door(kept.acceptor, tls=certificate(tmp_path_factory.mktemp("tls"))) as number:
        yield number


def send(line: Line, wire: bytes, dice: random.Random, pieces: int = 4) -> None:
    """Send bytes cut at random places, each piece in a packet of its own."""
    cuts = sorted(dice.randrange(len(wire)) for _ in range(pieces))
    for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        line.socket.sendall(wire[start:stop])
        time.sleep(0.002)


def by_octets(line: Line, wire: bytes) -> None:
    """Send each byte in a packet of its own."""
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place in range(len(wire)):
        line.socket.sendall(wire[place : place + 1])
        time.sleep(0.0002)


def newest(kept: Kept, reply: str) -> bytes:
    """The bytes that were kept under the reference in a 250 reply, and the proof that it is the newest one."""
    found = re.fullmatch(r"250 2\.6\.0 (\S+) kept", reply)
    assert found, reply
    submission, content = kept.all()[-1]
    assert submission.id == submission_of(SECRET, found[1])
    assert submission.sha256 == hashlib.sha256(content).hexdigest()
    return content


@pytest.mark.parametrize("variant", NOT_AN_END, ids=repr)
@pytest.mark.parametrize("how", ["data", "pipelined", "tls", "octet by octet"])
@pytest.mark.promise("P16")
def test_nothing_but_crlf_dot_crlf_ends_a_message(kept: Kept, port: int, variant: bytes, how: str) -> None:
    dice = random.Random(repr((variant, how)))
    content = b"Subject: outer\r\n\r\nfirst" + variant + SMUGGLED
    before = len(kept.all())
    with Line(port) as line:
        if how == "tls":
            assert line.say("EHLO c.example").startswith("250")
            assert line.say("STARTTLS").startswith("220 2.0.0")
            line.wrap()
        if how == "pipelined":
            head = b"EHLO c.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\nDATA\r\n"
            send(line, head + content + b".\r\nNOOP\r\n", dice)
            replies = [line.reply() for _ in range(6)]
            reply, after = replies[4], replies[5]
        else:
            line.envelope()
            assert line.say("DATA").startswith("354")
            wire = content + b".\r\nNOOP\r\n"
            send(line, wire, dice) if how != "octet by octet" else by_octets(line, wire)
            reply, after = line.reply(), line.reply()
    assert newest(kept, reply) == (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]
    assert after == "250 2.0.0 OK"
    assert len(kept.all()) == before + 1


@pytest.mark.parametrize("variant", NOT_AN_END, ids=repr)
@pytest.mark.parametrize("how", ["chunks", "octet by octet"])
@pytest.mark.promise("P16")
def test_in_a_chunk_nothing_at_all_ends_a_message(kept: Kept, port: int, variant: bytes, how: str) -> None:
    content = b"Subject: outer\r\n\r\nfirst" + variant + SMUGGLED + b".\r\nQUIT\r\n"
    wire = b"BDAT 20\r\n" + content[:20] + b"BDAT %d LAST\r\n" % (len(content) - 20) + content[20:] + b"NOOP\r\n"
    before = len(kept.all())
    with Line(port) as line:
        line.envelope()
        send(line, wire, random.Random(repr(variant))) if how == "chunks" else by_octets(line, wire)
        replies = [line.reply() for _ in range(3)]
    assert replies[0] == "250 2.0.0 20 octets taken"
    assert newest(kept, replies[1]) == content
    assert replies[2] == "250 2.0.0 OK"
    assert len(kept.all()) == before + 1


@pytest.mark.parametrize("variant", NOT_AN_END, ids=repr)
@pytest.mark.promise("P16")
def test_what_is_put_before_tls_is_no_part_of_the_message(kept: Kept, port: int, variant: bytes) -> None:
    before = len(kept.all())
    with Line(port) as line:
        line.say("EHLO c.example")
        line.socket.sendall(b"STARTTLS\r\n" + SMUGGLED + variant + b".\r\n" + SMUGGLED + b"\r\n.\r\n")
        assert line.reply().startswith("220 2.0.0")
        line.wrap()
        line.envelope()
        reply = line.data(b"Subject: x\r\n\r\nfirst" + variant + SMUGGLED + b".\r\n")
    assert newest(kept, reply).startswith(b"Subject: x\r\n\r\nfirst")
    assert len(kept.all()) == before + 1


ODD = {
    "empty": b"",
    "one byte line": b"x\r\n",
    "long line": b"y" * 1_500_000 + b"\r\n",
    "line of 1001": b"y" * 1001 + b"\r\n",
    "bare LF only": b"Subject: x\n\nline\n" * 100 + b"\r\n",
    "bare CR only": b"Subject: x\r\rline\r" * 100 + b"\r\n",
    "NUL": b"Subject: a\0b\r\n\r\n\0\0\0\r\n",
    "8-bit header": b"Subject: \xc4\xa7\xb0t\r\n\r\n\xff\xfe\r\n",
    "no header": b"\r\nbody\r\n",
    "mbox From_": b"From a@example.com Tue Nov  3 09:30:00 2026\r\nSubject: x\r\n\r\n>From\r\n",
    "dots": b".\r\n..\r\n...x\r\n.\r\n\r\n.",
    "cut short": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: te\r\n",
    "all bytes": bytes(range(256)) * 64 + b"\r\n",
    "end mark pieces": b"\r\n\r\r\n.\r\r\n" * 20 + b"\r\n",
    "part border": b"z" * (PART - 2) + b"\r\n",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_mail_is_kept_as_it_is(kept: Kept, port: int, name: str) -> None:
    content = ODD[name]
    content += b"" if content.endswith(b"\r\n") or not content else b"\r\n"
    wire = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    with Line(port) as line:
        line.envelope()
        assert newest(kept, line.data(wire)) == content


def test_smtplib_sends_and_the_envelope_is_kept(kept: Kept, port: int) -> None:
    content = b"From: a@example.com\r\nSubject: fwd\r\n\r\n.hello\r\n"
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example") as client:
        client.sendmail("a@example.com", ["r1@example.org", "r2@example.org"], content, ["BODY=8BITMIME"])
        client.sendmail("", ["postmaster"], content)
    (first, kept_first), (second, _) = kept.all()[-2:]
    assert kept_first == content
    assert first.channel == "smtp"
    assert first.envelope.mail_from == "a@example.com"
    assert first.envelope.rcpt_to == ("r1@example.org", "r2@example.org")
    assert (first.envelope.peer, first.envelope.helo, first.envelope.tls) == ("127.0.0.1", "client.example", "")
    assert "BODY=8BITMIME" in first.envelope.options
    assert (second.envelope.mail_from, second.envelope.rcpt_to) == ("<>", ("postmaster",))


def test_smtplib_over_starttls(kept: Kept, port: int) -> None:
    trusting = ssl._create_unverified_context()
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.starttls(context=trusting)
        client.ehlo()
        assert client.docmd("STARTTLS")[0] == 503
        assert not client.has_extn("starttls") and not client.has_extn("auth")
        client.sendmail("a@example.com", ["r@example.org"], b"Subject: x\r\n\r\nx\r\n")
    assert kept.all()[-1][0].envelope.tls.startswith("TLSv1.3 ")


def test_what_was_sent_in_the_clear_after_starttls_is_dropped(kept: Kept, port: int) -> None:
    with Line(port) as line:
        line.say("EHLO c.example")
        line.socket.sendall(b"STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@example.net>\r\n")
        assert line.reply().startswith("220")
        line.wrap()
        assert line.say("RCPT TO:<r@example.org>").startswith("503 5.5.1")


def test_many_sessions_of_smtp_source(kept: Kept, port: int) -> None:
    before = len(kept.all())
    program = find("smtp-source", "postfix")
    command = [program, "-s", "20", "-m", "200", "-l", "20480", "-f", "a@example.com", "-t", "r@example.org"]
    done = subprocess.run([*command, f"127.0.0.1:{port}"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    fresh = kept.all()[before:]
    assert len(fresh) == 200
    assert len({submission.id for submission, _ in fresh}) == 200
    assert all(hashlib.sha256(content).hexdigest() == submission.sha256 for submission, content in fresh)


def test_swaks(kept: Kept, port: int) -> None:
    command = [find("swaks", "swaks"), "-s", "127.0.0.1", "-p", str(port), "-f", "a@example.com", "-t", "r@example.org"]
    done = subprocess.run([*command, "--body", ".\n..\nend"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout
    assert b"\r\n.\r\n..\r\nend" in kept.all()[-1][1]


def test_several_messages_in_one_send(kept: Kept, port: int) -> None:
    before = len(kept.all())
    one = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\nDATA\r\nSubject: %d\r\n\r\nx\r\n.\r\n"
    with Line(port) as line:
        line.socket.sendall(b"EHLO c.example\r\n" + b"".join(one % number for number in range(30)) + b"QUIT\r\n")
        replies = [line.reply() for _ in range(1 + 4 * 30 + 1)]
    assert replies[-1] == "221 2.0.0 Bye"
    assert [content for _, content in kept.all()[before:]] == [b"Subject: %d\r\n\r\nx\r\n" % n for n in range(30)]


def test_no_answer_before_the_bytes_are_durable() -> None:
    writer = FakeWriter()
    writer.manual = True
    with smtp_door(acceptor(writer)) as port, Line(port) as line:
        line.envelope()
        assert line.say("DATA").startswith("354")
        line.socket.sendall(b"Subject: x\r\n\r\nx\r\n.\r\n")
        line.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.socket.recv(100)
        line.socket.settimeout(5)
        writer.pending[-1].set_result(None)
        assert line.socket.recv(100).startswith(b"250 2.6.0 ")


def test_a_client_that_leaves_in_the_middle_leaves_no_submission() -> None:
    writer = FakeWriter()
    with smtp_door(acceptor(writer)) as port:
        with Line(port) as line:
            line.envelope()
            assert line.say("DATA").startswith("354")
            line.socket.sendall(b"z" * (2 * PART))
            wait_for(lambda: len(writer.frames) >= 1)
        wait_for(lambda: not writer.held)
    assert "submission" not in [kind for kind, _ in writer.frames]


def wait_for(condition, seconds: float = 5.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_a_client_that_half_closes_still_gets_its_answer(kept: Kept, port: int) -> None:
    before = len(kept.all())
    with Line(port) as line:
        head = b"EHLO c.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\nDATA\r\n"
        line.socket.sendall(head + b"Subject: half\r\n\r\nx\r\n.\r\n")
        line.socket.shutdown(socket.SHUT_WR)
        replies = [line.reply() for _ in range(6)]
    assert replies[4].startswith("250 2.6.0")
    assert replies[5] == ""
    assert len(kept.all()) == before + 1


def test_thousands_of_refused_messages_in_one_send() -> None:
    one = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nlonger than ten\r\n.\r\n"
    with smtp_door(acceptor(FakeWriter()), size=10, commands=10**6) as port, Line(port) as line:
        line.say("EHLO c.example")
        line.socket.sendall(one * 3000 + b"QUIT\r\n")
        replies = [line.reply()[:9] for _ in range(4 * 3000 + 1)]
    assert replies[3::4] == ["552 5.3.4"] * 3000
    assert replies[-1] == "221 2.0.0"


def test_a_failed_handshake_gives_its_place_back(tmp_path: Path) -> None:
    with smtp_door(acceptor(FakeWriter()), tls=certificate(tmp_path), per_source=1) as port:
        for _ in range(3):
            with Line(port) as line:
                line.say("EHLO c.example")
                assert line.say("STARTTLS").startswith("220 2.0.0")
                line.socket.sendall(b"this is no TLS\r\n" * 10)
                line.reply()
            time.sleep(0.05)
        with Line(port) as line:
            assert line.say("NOOP") == "250 2.0.0 OK"


def test_a_client_that_reads_no_replies_is_not_listened_to() -> None:
    with smtp_door(acceptor(FakeWriter()), commands=10**9, idle=60) as port, Line(port) as line:
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 100_000_000:
                sent += line.socket.send(b"NOOP\r\n" * 10_000)
        line.socket.settimeout(10)
        assert line.reply() == "250 2.0.0 OK"
    assert sent < 30_000_000


def test_what_is_sent_ahead_while_the_disk_works_is_bounded_and_kept() -> None:
    writer = FakeWriter()
    writer.manual = True
    one = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
    with smtp_door(acceptor(writer)) as port, Line(port) as line:
        line.say("EHLO c.example")
        line.socket.sendall(one)
        assert [line.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
        line.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 100_000_000:
                sent += line.socket.send(one * 1000)
        assert sent < 30_000_000
        assert len(writer.pending) == 1
        writer.manual = False
        writer.pending[0].set_result(None)
        line.socket.settimeout(10)
        assert [line.reply()[:3] for _ in range(400)] == ["250"] + ["250", "250", "354", "250"] * 99 + [
            "250",
            "250",
            "354",
        ]
