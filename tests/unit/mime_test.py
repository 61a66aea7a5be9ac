"""The MIME splitter: offsets, line ends, limits one below, at and above, and time on hostile structure."""

import base64
import random

import pytest

from intake import fields, mime, words
from tests.soon import soon

MAIL = (
    b"From: Ana <ana@isp.example.net>\n"
    b"Subject: two\n lines\n"
    b'Content-Type: multipart/mixed; boundary="b 1"\n'
    b"\n"
    b"preamble\n"
    b"--b 1\n"
    b"Content-Type: text/plain; charset=UTF-8\n"
    b"\n"
    b"hello\n"
    b"--b 1 \t\n"
    b"Content-Type: message/rfc822\n"
    b"\n"
    b"Subject: inner\n"
    b"\n"
    b"body\n"
    b"\n"
    b"--b 1--\n"
    b"epilogue\n"
)


def bodies(data: bytes) -> list[bytes]:
    return [data[node.body_start : node.end] for node in mime.split(data).nodes]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_gives_the_same_tree(end: bytes) -> None:
    data = MAIL.replace(b"\n", end)
    tree = mime.split(data)
    assert [node.type for node in tree.nodes] == ["multipart/mixed", "text/plain", "message/rfc822", "text/plain"]
    assert [node.depth for node in tree.nodes] == [0, 1, 1, 2]
    assert [node.parent for node in tree.nodes] == [-1, 0, 0, 2]
    assert tree.root.children == (1, 2) and tree.nodes[2].children == (3,)
    assert bodies(data)[1] == b"hello" and bodies(data)[3] == b"body" + end
    assert data[tree.nodes[2].body_start : tree.nodes[2].end].startswith(b"Subject: inner")
    assert (tree.flags, tree.limits) == ((), ())


def test_fields_cover_name_colon_and_value() -> None:
    tree = mime.split(MAIL)
    subject = tree.root.fields[1]
    assert MAIL[subject.start : subject.end] == b"Subject: two\n lines"
    assert (subject.name, MAIL[subject.colon : subject.colon + 1]) == ("Subject", b":")
    assert mime.value(MAIL, subject) == "two lines"
    assert mime.first(MAIL, tree.root, "from") == "Ana <ana@isp.example.net>"
    assert mime.first(MAIL, tree.root, "reply-to") == ""


def test_a_value_that_is_not_utf8_is_read_as_latin1() -> None:
    data = b"Subject: \xfcber\n\n"
    assert mime.value(data, mime.split(data).root.fields[0]) == "über"
    data = "Subject: über\n\n".encode()
    assert mime.value(data, mime.split(data).root.fields[0]) == "über"


@pytest.mark.parametrize(
    ("data", "flag", "body"),
    [
        (b"", "", b""),
        (b"\0\0\0", "no-header", b"\0\0\0"),
        (b"just text\nmore\n", "no-header", b"just text\nmore\n"),
        (b"Subject: x", "", b""),
        (b"\n\nSubject: x\n\nb", "leading-blank", b"b"),
        (b"From a@b Tue Nov  3 2026\nSubject: x\n\nb", "mbox-from", b"b"),
        (b"\xef\xbb\xbfSubject: x\n\nb", "byte-order-mark", b"b"),
        (b"Subject: x\nno colon here\nTo: y\n\nb", "bad-header-line", b"b"),
        (b"MAIL FROM:<x@y.example>\nDATA\nSubject: x\n\nb", "bad-header-line", b"b"),
        (b"Subject: x\nbody without an empty line\n", "no-separator", b"body without an empty line\n"),
        (b"Content-Type: multipart/mixed\n\nb", "no-boundary", b"b"),
        (b"Content-Type: multipart/mixed; boundary=z\n\nb", "boundary-not-found", b"b"),
        (b"Content-Type: nonsense\n\nb", "bad-content-type", b"b"),
        (b"Content-Type: text/plain\nContent-Type: text/html\n\nb", "several-content-type", b"b"),
    ],
)
def test_odd_mail_is_read_and_flagged(data: bytes, flag: str, body: bytes) -> None:
    tree = mime.split(data)
    assert not flag or flag in tree.flags
    assert data[tree.root.body_start : tree.root.end] == body
    assert data == data[: tree.root.body_start] + body


@pytest.mark.parametrize("gap", [b" \n", b"\t\n", b""])
def test_a_part_is_found_where_no_empty_line_ends_the_header(gap: bytes) -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=b\n" + gap + b"--b\nContent-Type: text/html\n\n<p>x</p>\n"
        b"--b\n\nsecond\n--b--\n"
    )
    tree = mime.split(data)
    assert bodies(data)[1:] == [b"<p>x</p>", b"second"] and "no-separator" in tree.flags
    assert [field.name for field in tree.root.fields] == ["Content-Type"]


def test_fields_with_bare_returns_and_odd_line_ends_keep_their_bytes() -> None:
    data = b"X: y\r\nA: one\rstill one\r\r\nB :two\r\n\r\n folded? no: body"
    root = mime.split(data).root
    assert [data[field.start : field.end] for field in root.fields] == [b"X: y", b"A: one\rstill one", b"B :two"]
    assert [mime.value(data, field) for field in root.fields] == ["y", "onestill one", "two"]
    assert data[root.body_start :] == b" folded? no: body"


def test_an_encoded_message_stays_a_leaf() -> None:
    inner = base64.encodebytes(b"Subject: inner\n\nbody")
    data = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: BASE64\n\n" + inner
    tree = mime.split(data)
    assert len(tree.nodes) == 1 and mime.decoded(data, tree.root) == b"Subject: inner\n\nbody"


def test_parts_of_a_digest_are_messages() -> None:
    data = b"Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: one\n\nx\n--d--\n"
    assert [node.type for node in mime.split(data).nodes] == ["multipart/digest", "message/rfc822", "text/plain"]


def test_an_outer_delimiter_ends_what_is_open_inside() -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
        b"--i\n\nin\n--o\n\nout\n--o--\n"
    )
    tree = mime.split(data)
    assert bodies(data)[2:] == [b"in", b"out"] and tree.nodes[3].parent == 0
    assert "unclosed-multipart" in tree.flags


def test_a_part_may_be_empty_or_all_header() -> None:
    data = b"Content-Type: multipart/mixed; boundary=o\n\n--o\n\n--o\nX-A: 1\n--o--\n"
    assert bodies(data)[1:] == [b"", b""]
    assert mime.split(data).nodes[2].fields[0].name == "X-A"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b'attachment; filename="a b.eml"', "a b.eml"),
        (b"attachment; filename=plain.eml; size=3", "plain.eml"),
        (b"attachment; filename*=utf-8'en'%e5%8c%85.eml", "包.eml"),
        (b"attachment; filename*0*=iso-8859-1''%fc; filename*1=\".eml\"", "ü.eml"),
        (b'attachment; filename="=?big5?b?pV27cQ==?="', "包裹"),
        (b'attachment; filename="unterminated', "unterminated"),
        (b"attachment; filename*=bogus", "bogus"),
    ],
)
def test_file_names(header: bytes, name: str) -> None:
    data = b"Content-Disposition: " + header + b"\n\n"
    node = mime.split(data).root
    assert (node.disposition, node.name) == ("attachment", name)


@pytest.mark.parametrize(
    ("encoding", "body", "want"),
    [
        (b"base64", b"aGVs\nbG8h!!\n", b"hello!"),
        (b"base64", b"aGVsbG8", b"hello"),
        (b"base64", b"aGVsbA=\nx", b"hell"),
        (b"base64", b"aGVsb", b"hel"),
        (b"quoted-printable", b"a=3Db=\nc=ZZ", b"a=bc=ZZ"),
        (b"x-uuencode", b"begin 644 x\n#86)C\n`\nend\n", b"abc"),
        (b"8bit", b"\xff=3D", b"\xff=3D"),
        (b"x-nobody-knows", b"as it is", b"as it is"),
    ],
)
def test_transfer_encodings(encoding: bytes, body: bytes, want: bytes) -> None:
    data = b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body
    node = mime.split(data).root
    assert mime.decoded(data, node) == want
    assert mime.decoded(data, node, cap=2) == want[:2]


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("=?utf-8?q?a_b?= =?utf-8?q?c?= d", "a bc d"),
        ("=?utf-8?b?5Yw=?= =?utf-8?b?hQ==?=", "包"),
        ("=?gb2312?b?sPw=?=", "包"),
        ("=?x-none?q?=fc?=", "ü"),
        ("=?utf-8?b?%%%?= x", " x"),
        ("no words =? here ?=", "no words =? here ?="),
        ("\ud800", "?"),
    ],
)
def test_encoded_words(value: str, want: str) -> None:
    assert words.words(value) == want


@pytest.mark.parametrize("name", ["idna", "punycode", "zlib", "unicode_escape", "rot13", "no-such", "ü", ""])
def test_codecs_that_are_not_for_mail_are_not_used(name: str) -> None:
    assert words.charset_codec(name) is None
    assert words.text(b"caf\xe9", name) == "café"


def nested(depth: int) -> bytes:
    """`depth` multiparts inside each other, the root one of them."""
    head = "".join(
        f"--b{n}\n" * (n > 0) + f"Content-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(depth)
    )
    return head.replace("--b0\n", "").encode() + f"--b{depth}\n\nx\n".encode()


def flat(parts: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * parts + b"--b--\n"


def many_fields(count: int) -> bytes:
    """A message with so many fields in all its headers together."""
    full, rest = divmod(count - 1, 1000)
    parts = [b"--b\n" + b"a: b\n" * number + b"\nx\n" for number in [1000] * full + [rest]]
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(parts) + b"--b--\n"


def hyphens(lines: int) -> bytes:
    """A message with so many lines that may be delimiters, the last one of which is."""
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--\n" * (lines - 2) + b"--b\n\nx\n--b--\n"


@pytest.mark.parametrize(
    ("data", "word", "hit"),
    [
        (nested(mime.DEPTH), "depth", False),
        (nested(mime.DEPTH + 1), "depth", True),
        (nested(mime.DEPTH + 2), "depth", True),
        (b"Content-Type: message/rfc822\n\n" * mime.DEPTH + b"\n", "depth", False),
        (b"Content-Type: message/rfc822\n\n" * (mime.DEPTH + 1) + b"\n", "depth", True),
        (flat(mime.PARTS - 2), "parts", False),
        (flat(mime.PARTS - 1), "parts", False),
        (flat(mime.PARTS), "parts", True),
        (b"a: b\n" * (mime.FIELDS - 1) + b"\n", "header-fields", False),
        (b"a: b\n" * mime.FIELDS + b"\n", "header-fields", False),
        (b"a: b\n" * (mime.FIELDS + 1) + b"\n", "header-fields", True),
        (b"a:" + b"x" * (mime.HEADER_VALUE - 1) + b"\n\n", "header-value", False),
        (b"a:" + b"x" * mime.HEADER_VALUE + b"\n\n", "header-value", True),
        (b"a:" + b"x" * (mime.HEADER_BLOCK - 3) + b"\n\n", "header-block", False),
        (b"a:" + b"x" * (mime.HEADER_BLOCK - 3) + b"\nb:c\n\n", "header-block", True),
        (many_fields(fields.TOTAL - 1), "header-fields", False),
        (many_fields(fields.TOTAL), "header-fields", False),
        (many_fields(fields.TOTAL + 1), "header-fields", True),
        (hyphens(mime.LINES - 1), "delimiters", False),
        (hyphens(mime.LINES), "delimiters", False),
        (hyphens(mime.LINES + 1), "delimiters", True),
        (b"Content-Type: multipart/x; boundary=" + b"b" * mime.BOUNDARY + b"\n\n", "boundary", False),
        (b"Content-Type: multipart/x; boundary=" + b"b" * (mime.BOUNDARY + 1) + b"\n\n", "boundary", True),
    ],
)
def test_limits_one_below_at_and_above(data: bytes, word: str, hit: bool) -> None:
    tree = mime.split(data)
    assert (word in tree.limits) is hit
    assert len(tree.nodes) <= mime.PARTS and max(node.depth for node in tree.nodes) <= mime.DEPTH
    assert all(len(node.fields) <= mime.FIELDS for node in tree.nodes)


def test_what_stands_after_a_huge_header_is_still_the_body() -> None:
    data = b"a: b\n" * 100_000 + b"\r\n" + b"body"
    root = mime.split(data).root
    assert data[root.body_start : root.end] == b"body"


@pytest.mark.parametrize(
    "data",
    [
        nested(1000),
        b"Content-Type: message/rfc822\n\n" * 20_000,
        b"a: b\n" + b" x\n" * 400_000,
        b"a:b\r" + b"\r" * 1_000_000,
        b"--\n" * 300_000,
        b"Content-Type: text/plain" + b';a="\\"' * 100_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 300_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--a\n" * 300_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n" + b"a: b\n" * 2100 + b"\nx\n") * 900,
        b"Content-Disposition: x; " + b"; ".join(b"filename*%d=a" % n for n in range(9000)),
    ],
)
def test_hostile_structure_ends_soon(data: bytes) -> None:
    with soon():
        assert mime.split(data).nodes


def test_five_hundred_mutations_are_read_with_offsets_in_order() -> None:
    chance = random.Random(20261103)
    for _ in range(500):
        data = bytearray(MAIL * 2)
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = chance.choice(
                (b"", b"\r", b"\n", b"--", b"\0", b'"', b"b 1", b"\xff")
            )
        for node in mime.split(bytes(data)).nodes:
            assert 0 <= node.header_start <= node.body_start <= node.end <= len(data)
            assert all(node.header_start <= f.start < f.colon < f.end <= node.body_start for f in node.fields)
