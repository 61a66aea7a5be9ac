"""SMTP syntax: the end of a message wherever the chunks are cut, and paths as senders write them."""

import random

import pytest

from intake.smtp_syntax import Dots, chunk, path, readable, sound


def take_all(stream: bytes, cuts: list[int]) -> tuple[bytes, bytes, bool]:
    """The message, what follows, and whether it ended, of a stream cut at these places."""
    dots, found, rest = Dots(), b"", b""
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        if dots.ended:
            rest += stream[start:stop]
        else:
            piece, after = dots.take(stream[start:stop])
            found, rest = found + piece, rest + after
    return found, rest, dots.ended


def stuffed(content: bytes) -> bytes:
    """What a careful client sends for content that ends in CRLF or is empty (RFC 5321 section 4.5.2)."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def test_any_content_survives_any_cuts() -> None:
    dice = random.Random(20261103)
    pieces = [b"\r\n", b"\r", b"\n", b".", b"..", b"\0", b"a", b"\xff\xfe", b"\r\n.\r", b"\n.\r\n", b"x" * 50]
    for _ in range(3000):
        content = b"".join(dice.choice(pieces) for _ in range(dice.randrange(12)))
        content += b"\r\n" if content else b""
        sent = stuffed(content) + b"QUIT\r\n"
        cuts = sorted(dice.randrange(len(sent) + 1) for _ in range(dice.randrange(6)))
        assert take_all(sent, cuts) == (content, b"QUIT\r\n", True), (content, cuts)


def test_every_single_cut_of_a_difficult_message() -> None:
    content = b".\r\n..\r\n.x\r\n\r\n.\r.\n.\r\r\n\n.\r\n"
    sent = stuffed(content) + b"NOOP\r\n"
    for cut in range(len(sent) + 1):
        assert take_all(sent, [cut]) == (content, b"NOOP\r\n", True)
    assert take_all(sent, list(range(1, len(sent)))) == (content, b"NOOP\r\n", True)


def test_an_unfinished_message_holds_back_at_most_the_end_mark() -> None:
    found, _, ended = take_all(b"abc\r\n.\r", [])
    assert (found, ended) == (b"abc", False)


def test_the_empty_message() -> None:
    assert take_all(b".\r\nQUIT\r\n", []) == (b"", b"QUIT\r\n", True)


@pytest.mark.parametrize(
    ("arg", "found"),
    [
        ("FROM:<a@example.com>", ("a@example.com", [])),
        ("from:<a@example.com>", ("a@example.com", [])),
        ("FROM: <a@example.com>  body=8bitmime  ENVID=aB", ("a@example.com", ["body=8bitmime", "ENVID=aB"])),
        ("FROM:<>", ("", [])),
        ("FROM:a@example.com SIZE=7", ("a@example.com", ["SIZE=7"])),
        ('FROM:<"a>b \\" c"@example.com>', ('"a>b \\" c"@example.com', [])),
        ("FROM:<@relay.example:a@example.com>", ("@relay.example:a@example.com", [])),
        ("FROM:<a@[192.0.2.1]>", ("a@[192.0.2.1]", [])),
        ("FROM:<a@example.com", None),
        ("FROM:<a@example.com>SIZE=7", None),
        ('FROM:<"a@example.com>', None),
        ("FROM:", None),
        ("FROM: ", None),
        ("TO:<a@example.com>", None),
        ("", None),
        ("FROM:<a\rb@example.com>", None),
        ("FROM:<a\0b@example.com>", None),
        ("FROM:<a\x7fb@example.com>", None),
    ],
)
def test_paths(arg: str, found: tuple[str, list[str]] | None) -> None:
    assert path("FROM:", arg) == found


def test_unicode_only_where_it_was_declared_and_proper() -> None:
    assert sound("a@example.com", False)
    assert sound("gruß@example.com", True)
    assert not sound("gruß@example.com", False)
    assert not sound(b"gru\xdf".decode("utf-8", "surrogateescape"), True)


def test_bytes_that_are_no_text_become_escapes() -> None:
    assert readable(b"gru\xdf \xc3\x9f".decode("utf-8", "surrogateescape")) == "gru\\xdf ß"


@pytest.mark.parametrize(
    ("arg", "found"),
    [
        ("0", (0, False)),
        ("86 LAST", (86, True)),
        ("86  last", (86, True)),
        ("0 LAST", (0, True)),
        ("9" * 20, (int("9" * 20), False)),
        ("9" * 21, None),
        ("", None),
        ("LAST", None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        ("1.0", None),
        ("\u0661", None),
        ("86 FIRST", None),
        ("86 LAST LAST", None),
    ],
)
def test_chunks(arg: str, found: tuple[int, bool] | None) -> None:
    assert chunk(arg) == found
