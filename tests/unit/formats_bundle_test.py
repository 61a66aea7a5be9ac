"""Archives and mailboxes: an outcome for every entry, and nothing beyond the limits."""

import base64
import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Iterable

import pytest

from intake.formats import Opened, bundle, open_submission, opened

SPAM = (
    b"Received: from [203.0.113.7] by mx.example.net; Tue, 3 Nov 2026 08:11:02 +0000\n"
    b"From: a@deals.example\nSubject: %d\n\npay\n"
)


def zipped(entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data, compress_type=method)
    return out.getvalue()


def tarred(entries: Iterable[tuple[str, bytes]], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def verdicts(result: Opened) -> list[tuple[str, str]]:
    return [(found.name, found.verdict) for found in result.found]


def message(result: Opened, index: int, data: bytes) -> bytes:
    found = result.found[index]
    source = data if found.source < 0 else result.made[found.source].data
    return source[found.start : found.end]


def test_each_entry_of_a_zip_has_its_outcome() -> None:
    data = zipped([("a/1.eml", SPAM % 1), ("a/note.txt", b"hello"), ("a/", b""), ("2.eml", b""), ("3.eml", SPAM % 3)])
    result = open_submission(data, "reports.zip")
    assert verdicts(result) == [
        ("a/1.eml", "report"),
        ("a/note.txt", "not-a-report"),
        ("2.eml", "empty"),
        ("3.eml", "report"),
    ]
    assert message(result, 0, data) == SPAM % 1 and message(result, 3, data) == SPAM % 3
    made = result.made[result.found[0].source]
    assert (made.name, made.source) == ("zip", -1) and data[made.start : made.start + 2] == b"PK"


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_each_entry_of_a_tar_has_its_outcome(mode: str) -> None:
    long = "d/" * 80 + "1.eml"
    data = tarred([("1.eml", SPAM % 1), (long, SPAM % 2), ("x.png", b"\x89PNG....")], mode)
    result = open_submission(data, "r.tar")
    assert verdicts(result) == [("1.eml", "report"), (long, "report"), ("x.png", "not-a-report")]
    assert message(result, 1, data) == SPAM % 2
    assert [made.name for made in result.made] == ([] if mode == "w" else ["gzip"])


def test_a_tar_entry_in_the_clear_is_a_slice_of_the_submission() -> None:
    data = tarred([("1.eml", SPAM % 1)])
    found = open_submission(data).found[0]
    assert found.source == -1 and data[found.start : found.end] == SPAM % 1


def test_a_pax_name_is_read() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("報告" * 60 + ".eml")
        info.size = len(SPAM % 1)
        archive.addfile(info, io.BytesIO(SPAM % 1))
    assert verdicts(open_submission(out.getvalue())) == [("報告" * 60 + ".eml", "report")]


def test_links_in_a_tar_are_not_followed() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("link.eml")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    result = open_submission(out.getvalue())
    assert verdicts(result) == [("link.eml", "limit")] and result.limits == ("archive-link",)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_each_message_of_an_mbox_is_a_slice_without_its_separator(end: bytes) -> None:
    mails = [(SPAM % n).replace(b"\n", end) for n in range(3)]
    line = b"From a@deals.example Tue Nov  3 08:11:02 2026" + end
    data = b"".join(line + mail + end for mail in mails)
    result = open_submission(data, "inbox.mbox")
    assert verdicts(result) == [("1", "report"), ("2", "report"), ("3", "report")]
    assert [message(result, n, data) for n in range(2)] == mails[:2]
    assert message(result, 2, data).startswith(mails[2]) and result.made == ()


def test_the_word_from_in_a_text_parts_no_mailbox() -> None:
    data = (
        b"From a@deals.example Tue Nov  3 08:11:02 2026\n"
        + SPAM % 1
        + b"\nFrom here on it gets better in 2026.\nReally.\n"
    )
    assert verdicts(open_submission(data)) == [("", "report")]


def test_a_gzipped_mail_is_opened() -> None:
    data = gzip.compress(SPAM % 1)
    result = open_submission(data, "1.eml.gz")
    assert verdicts(result) == [("", "report")] and message(result, 0, data) == SPAM % 1


def test_a_zip_of_a_mailbox_names_both() -> None:
    box = b"".join(b"From a@x.example Tue Nov  3 08:11:02 2026\n" + SPAM % n + b"\n" for n in range(2))
    assert verdicts(open_submission(zipped([("in.mbox", box)]))) == [("in.mbox/1", "report"), ("in.mbox/2", "report")]


def test_a_zip_attached_to_a_cover_is_opened_with_what_the_cover_says() -> None:
    data = (
        b"From: ana@isp.example.net\nSubject: reports\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nAll of these came today.\n--b\nContent-Type: application/zip; name=r.zip\n"
        b"Content-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(zipped([("1.eml", SPAM % 1), ("2.eml", SPAM % 2)]))
        + b"--b--\n"
    )
    result = open_submission(data, cover=True)
    assert verdicts(result) == [("r.zip/1.eml", "report"), ("r.zip/2.eml", "report")]
    assert {found.claims.note for found in result.found} == {"All of these came today."}
    assert [made.name for made in result.made] == ["base64", "zip", "zip"]
    assert verdicts(open_submission(data)) == [("", "report")], "as a file the mail itself is the spam"


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd.eml", "etc/passwd.eml"),
        ("/abs/x.eml", "abs/x.eml"),
        ("C:\\mail\\x.eml", "mail/x.eml"),
        ("a/./../b.eml", "a/b.eml"),
        ("x\x1b[2J\u202e.eml", "x_[2J_.eml"),
        ("n" * 400 + ".eml", "n" * (opened.NAME - 4) + ".eml"),
    ],
)
def test_names_come_out_clean(name: str, clean: str) -> None:
    assert verdicts(open_submission(zipped([(name, SPAM % 1)]))) == [(clean, "report")]


def test_a_password_is_said() -> None:
    data = bytearray(zipped([("1.eml", SPAM % 1)]))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        data[at] |= 1
    assert verdicts(open_submission(bytes(data))) == [("1.eml", "password-protected")]


def test_a_link_in_a_zip_is_not_followed() -> None:
    info = zipfile.ZipInfo("link.eml")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    assert verdicts(open_submission(zipped([(info, b"/etc/passwd")]))) == [("link.eml", "limit")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_not_examined(method: int) -> None:
    assert verdicts(open_submission(zipped([("1.eml", SPAM % 1)], method))) == [("1.eml", "not-fully-examined")]


@pytest.mark.parametrize("count", [opened.ENTRIES - 1, opened.ENTRIES, opened.ENTRIES + 1])
def test_entries_of_a_zip_one_below_at_and_above(count: int) -> None:
    result = open_submission(zipped(((f"{n}.txt", b"x") for n in range(count)), zipfile.ZIP_STORED))
    over = count > opened.ENTRIES
    assert len(result.found) == min(count, opened.ENTRIES) + over
    assert ("archive-entries" in result.limits) is over
    assert [one.verdict for one in result.found].count("limit") == over


@pytest.mark.parametrize("levels", [opened.NESTING - 1, opened.NESTING, opened.NESTING + 1])
def test_zips_inside_each_other_one_below_at_and_above(levels: int) -> None:
    data = SPAM % 1
    for level in range(levels):
        data = zipped([(f"{level}.zip" if level else "1.eml", data)])
    result = open_submission(data)
    over = levels > opened.NESTING
    assert [found.verdict for found in result.found] == ["limit" if over else "report"]
    assert ("archive-depth" in result.limits) is over


def test_a_bomb_by_ratio_is_stopped() -> None:
    result = open_submission(zipped([("1.eml", SPAM % 1 + b"\0" * 5_000_000), ("2.eml", SPAM % 2)]))
    assert verdicts(result) == [("1.eml", "limit"), ("2.eml", "report")] and result.limits == ("archive-ratio",)
    assert sum(len(made.data) for made in result.made) < 1000


def test_a_gzip_bomb_is_stopped() -> None:
    result = open_submission(gzip.compress(b"\0" * 5_000_000))
    assert verdicts(result) == [("", "limit")] and result.limits == ("archive-ratio",) and result.made == ()


@pytest.mark.parametrize(("left", "over"), [(101, False), (100, False), (99, True)])
def test_bytes_out_one_below_at_and_above(left: int, over: bool) -> None:
    desk = opened.Desk(left=left)
    data = gzip.compress(bytes(range(100)))
    assert bundle.read(opened.Item(data, -1, 0, len(data)), desk)
    assert ("archive-bytes" in desk.limits) is over
    assert len(desk.todo) == (not over)


def test_entries_that_share_bytes_are_refused() -> None:
    """Two directory entries that point at the same local file: the construction of a non-recursive bomb."""
    data = zipped([("1.eml", SPAM % 1), ("2.eml", SPAM % 2)], zipfile.ZIP_STORED)
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data = data[: second + 42] + struct.pack("<I", 0) + data[second + 46 :]
    result = open_submission(data)
    assert "archive-overlap" in result.limits and "limit" in [found.verdict for found in result.found]


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + b"x" * 100,
        zipped([("1.eml", SPAM % 1)])[:-30],
        gzip.compress(SPAM % 1)[:-12],
        tarred([("1.eml", SPAM % 1)])[:600],
    ],
)
def test_a_damaged_archive_says_so(data: bytes) -> None:
    assert [found.verdict for found in open_submission(data).found] == ["damaged"]


def test_a_damaged_entry_does_not_hide_its_neighbours() -> None:
    data = zipped([("1.eml", SPAM % 1), ("2.eml", SPAM % 2)], zipfile.ZIP_STORED)
    data = data.replace(b"Subject: 1", b"Subject: 9", 1)
    assert verdicts(open_submission(data)) == [("1.eml", "damaged"), ("2.eml", "report")]


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"", "empty"),
        (b" \r\n\0\n", "empty"),
        (zipped([]), "empty"),
        (zipped([("[Content_Types].xml", b"<x/>")]), "not-a-report"),
        (b"%PDF-1.7\n", "not-a-report"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (b"Rar!\x1a\x07\x00", "damaged"),
        (b"7z\xbc\xaf\x27\x1c...", "damaged"),
        (b'{"a": 1}', "not-a-report"),
        (bytes(range(256)), "not-a-report"),
    ],
)
def test_what_holds_no_mail_says_so(data: bytes, verdict: str) -> None:
    found = open_submission(data).found
    assert [one.verdict for one in found] == [verdict] and found[0].says
