"""CHUNKING and BINARYMIME (RFC 3030): exact octets, in order or refused, and never a command inside a chunk."""

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.accept import PART
from intake.smtp_incoming import FLOOD
from tests.doors import FakeWriter, Kept, Line, acceptor, full_disk, smtp_door

HEAD = b"EHLO c.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("chunks"))


@pytest.fixture(scope="module")
def port(kept: Kept) -> Iterator[int]:
    with smtp_door(kept.acceptor, size=1_000_000) as number:
        yield number


def chunk(content: bytes, last: bool = False) -> bytes:
    return b"BDAT %d%s\r\n" % (len(content), b" LAST" if last else b"") + content


ODD = [
    b"",
    b"x",
    b".\r\n..\r\n\r\n.\r\nQUIT\r\n",
    b"no line end",
    b"\r",
    bytes(range(256)) * 300,
    b"MAIL FROM:<evil@example.net>\r\nBDAT 5 LAST\r\n",
    b"z" * (2 * PART + 7),
]


@pytest.mark.parametrize("content", ODD, ids=lambda each: repr(each[:20]))
@pytest.mark.parametrize("pieces", [1, 3])
def test_octets_are_kept_as_they_are(kept: Kept, port: int, content: bytes, pieces: int) -> None:
    cuts = sorted(random.Random(repr(content)).randrange(len(content) + 1) for _ in range(pieces - 1))
    parts = [content[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    before = len(kept.all())
    with Line(port) as line:
        line.envelope()
        for each in parts[:-1]:
            line.socket.sendall(chunk(each))
            assert line.reply() == f"250 2.0.0 {len(each)} octets taken"
        line.socket.sendall(chunk(parts[-1], last=True))
        assert line.reply().startswith("250 2.6.0 ")
        assert line.say("NOOP") == "250 2.0.0 OK"
    submission, found = kept.newest()
    assert (found, len(kept.all())) == (content, before + 1)
    assert submission.sha256 == hashlib.sha256(content).hexdigest()


def test_an_empty_last_chunk_ends_the_message(kept: Kept, port: int) -> None:
    with Line(port) as line:
        line.envelope()
        line.socket.sendall(chunk(b"Subject: x\r\n\r\nx\r\n") + chunk(b"") + b"BDAT 0 LAST\r\n")
        assert [line.reply()[:9] for _ in range(3)] == ["250 2.0.0", "250 2.0.0", "250 2.6.0"]
    assert kept.newest()[1] == b"Subject: x\r\n\r\nx\r\n"


def test_all_in_one_packet_and_at_each_cut(kept: Kept, port: int) -> None:
    wire = HEAD + chunk(b"a\r\n.\r\n") + chunk(b"b", last=True) + b"NOOP\r\n"
    for cut in (0, *range(len(HEAD) - 2, len(wire), 3)):
        with Line(port) as line:
            line.socket.sendall(wire[:cut])
            time.sleep(0.003)
            line.socket.sendall(wire[cut:])
            replies = [line.reply()[:9] for _ in range(6)]
        assert replies[1:] == ["250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.6.0", "250 2.0.0"]
        assert kept.newest()[1] == b"a\r\n.\r\nb"


@pytest.mark.parametrize(
    ("before", "command"),
    [
        ("MAIL FROM:<a@example.com>", "NOOP"),
        ("NOOP", "NOOP"),
    ],
)
def test_a_chunk_out_of_order_is_read_and_refused(port: int, before: str, command: str) -> None:
    with Line(port) as line:
        line.say("EHLO c.example")
        line.say(before)
        line.socket.sendall(chunk(b"QUIT\r\n" * 10) + chunk(b"QUIT\r\n", last=True))
        assert [line.reply() for _ in range(2)] == ["503 5.5.1 send RCPT first"] * 2
        assert line.say(command) == "250 2.0.0 OK"


def test_a_chunk_out_of_order_does_not_end_the_transaction(port: int) -> None:
    with Line(port) as line:
        line.envelope(0)
        assert line.say(b"BDAT 2 LAST\r\n").startswith("503 5.5.1")
        assert line.say("RCPT TO:<r@example.org>").startswith("250 2.1.5")
        assert line.say(b"BDAT 2 LAST\r\n").startswith("250 2.6.0")


@pytest.mark.parametrize("command", ["DATA", "RCPT TO:<r2@example.org>", "MAIL FROM:<b@example.com>"])
def test_nothing_else_in_the_middle_of_chunks(kept: Kept, port: int, command: str) -> None:
    with Line(port) as line:
        line.envelope()
        line.socket.sendall(chunk(b"one"))
        line.reply()
        assert line.say(command).startswith("503 5.5.1")
        line.socket.sendall(chunk(b"two", last=True))
        assert line.reply().startswith("250 2.6.0")
    assert kept.newest()[1] == b"onetwo"


@pytest.mark.parametrize("command", ["RSET", "EHLO c.example", "HELO c.example"])
def test_what_begins_anew_drops_the_chunks(kept: Kept, port: int, command: str) -> None:
    before = len(kept.all())
    with Line(port) as line:
        line.envelope()
        line.socket.sendall(chunk(b"gone"))
        line.reply()
        assert line.say(command).startswith("250")
        line.socket.sendall(chunk(b"x", last=True))
        assert line.reply().startswith("503 5.5.1")
        line.envelope()
        line.socket.sendall(chunk(b"new", last=True))
        assert line.reply().startswith("250 2.6.0")
    assert len(kept.all()) == before + 1
    assert kept.newest()[1] == b"new"


def test_binary_mail_comes_in_chunks_alone(kept: Kept, port: int) -> None:
    with Line(port) as line:
        line.say("EHLO c.example")
        assert line.say("MAIL FROM:<a@example.com> BODY=BINARYMIME").startswith("250 2.1.0")
        line.say("RCPT TO:<r@example.org>")
        assert line.say("DATA").startswith("503 5.5.1")
        line.socket.sendall(chunk(b"Content-Transfer-Encoding: binary\r\n\r\n\n\r\0\n.\n", last=True))
        assert line.reply().startswith("250 2.6.0")
    submission, content = kept.newest()
    assert content == b"Content-Transfer-Encoding: binary\r\n\r\n\n\r\0\n.\n"
    assert "BODY=BINARYMIME" in submission.envelope.options


@pytest.mark.parametrize("command", ["BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST", "BDAT 999999999999999999999"])
def test_where_it_is_not_clear_what_follows_the_client_is_cut(port: int, command: str) -> None:
    with Line(port) as line:
        line.envelope()
        line.socket.sendall(command.encode() + b"\r\nQUIT\r\n")
        assert line.reply().startswith("501 5.5.4")
        assert line.reply() == ""


@pytest.mark.parametrize(
    ("sizes", "replies"),
    [
        ([999], ["250 2.6.0"]),
        ([1000], ["250 2.6.0"]),
        ([1001], ["552 5.3.4"]),
        ([500, 500], ["250 2.0.0", "250 2.6.0"]),
        ([500, 501], ["250 2.0.0", "552 5.3.4"]),
        ([1001, 1, 1], ["552 5.3.4"] * 3),
    ],
)
def test_the_size_of_a_message_in_chunks(sizes: list[int], replies: list[str]) -> None:
    writer = FakeWriter()
    with smtp_door(acceptor(writer), size=1000) as port, Line(port) as line:
        line.envelope()
        wire = b"".join(chunk(b"s" * size, last=number == len(sizes)) for number, size in enumerate(sizes, 1))
        line.socket.sendall(wire)
        assert [line.reply()[:9] for _ in sizes] == replies
        line.envelope()
        line.socket.sendall(chunk(b"after", last=True))
        assert line.reply().startswith("250 2.6.0")
    assert writer.held == []


@pytest.mark.parametrize("size", [2001 + FLOOD, 10**12, 10**19])
def test_a_chunk_that_is_far_too_big_is_cut_at_once(size: int) -> None:
    with smtp_door(acceptor(FakeWriter()), size=1000) as port, Line(port) as line:
        line.envelope()
        assert line.say(f"BDAT {size}") == "552 5.3.4 [flood] more than twice 1000 bytes"
        assert line.reply() == ""


def test_chunks_that_are_too_big_together_are_cut() -> None:
    with smtp_door(acceptor(FakeWriter()), size=1000, commands=10_000) as port, Line(port) as line:
        line.envelope()
        replies = []
        for _ in range(1100):
            line.socket.sendall(chunk(b"y" * 1000))
            replies.append(line.reply()[:9])
            if replies[-1] == "":
                break
        assert replies[:2] == ["250 2.0.0", "552 5.3.4"]
        assert FLOOD / 1000 < len(replies) < FLOOD / 1000 + 10


@pytest.mark.parametrize("at", [1, 2])
def test_a_fault_in_a_chunk_is_said_until_the_message_ends(at: int) -> None:
    writer = FakeWriter(fails=full_disk(), at=at)
    with smtp_door(acceptor(writer)) as port, Line(port) as line:
        line.envelope()
        size = 300_000 * at
        line.socket.sendall(chunk(b"y" * size) + chunk(b"QUIT\r\n") + chunk(b"QUIT\r\n", last=True) + b"NOOP\r\n")
        assert [line.reply()[:9] for _ in range(4)] == ["452 4.3.1"] * 3 + ["250 2.0.0"]
    assert writer.held == []


def test_a_low_disk_is_said_after_the_chunk() -> None:
    with smtp_door(acceptor(FakeWriter(), free=lambda: 1)) as port, Line(port) as line:
        line.envelope()
        line.socket.sendall(chunk(b"QUIT\r\n", last=True))
        assert line.reply().startswith("452 4.3.1")
        assert line.say("NOOP") == "250 2.0.0 OK"


def test_a_client_that_leaves_between_chunks_leaves_no_submission(tmp_path: Path) -> None:
    writer = FakeWriter()
    with smtp_door(acceptor(writer)) as port:
        with Line(port) as line:
            line.envelope()
            line.socket.sendall(chunk(b"z" * (2 * PART)))
            assert line.reply().startswith("250 2.0.0")
            assert writer.held
        end = time.monotonic() + 5
        while writer.held:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert "submission" not in [kind for kind, _ in writer.frames]
