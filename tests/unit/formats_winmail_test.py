"""winmail.dat: the messages inside are reports, and where there are none the sender is told what to do."""

import base64
import random
import struct
import subprocess
import sys

import compressed_rtf
import pytest

from intake import mime
from intake.formats import Opened, open_submission, winmail
from tests.cfb import outlook_message
from tests.tnef import attribute, file, item, properties, tnef

HEADERS = (
    "Received: from mail.deals.example ([203.0.113.77]) by mx.isp.example.net; Tue, 3 Nov 2026 08:11:02 +0000\r\n"
    "From: Parcel <track@deals.example>\r\nSubject: Your\r\n parcel\r\nContent-Type: text/html\r\n\r\n"
)
SPAM = tnef({0x001A: "IPM.Note", 0x007D: HEADERS, 0x1000: "Pay 1.99", 0x1013: b"<a href='http://fee.test'>x</a>"})
UNSENT = {
    0x0037: "包裹",
    0x0C1A: "Parcel",
    0x0C1F: "track@deals.example",
    0x0039: 134_381_670_580_000_000,
    0x1000: "Pay",
}
EML = b"Received: from x by y\nFrom: a@deals.example\nSubject: pay\n\npay\n"


def cover(data: bytes, text: bytes = b"Spam, please look.", kind: bytes = b"application/ms-tnef") -> bytes:
    return (
        b"From: ana@isp.example.net\nSubject: spam\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n%s\n--b\n"
        b"Content-Type: %s; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n%s--b--\n"
    ) % (text, kind, base64.encodebytes(data))


def verdicts(result: Opened) -> list[tuple[str, str, str]]:
    return [(found.format, found.name, found.verdict) for found in result.found]


def message(result: Opened) -> bytes:
    return result.made[result.found[0].source].data


@pytest.mark.parametrize("kind", [b"application/ms-tnef", b"application/octet-stream"])
def test_a_message_inside_is_a_report_with_its_transport_headers(kind: bytes) -> None:
    result = open_submission(cover(tnef({0x1000: "see"}, [item("Your parcel", SPAM)]), kind=kind), cover=True)
    assert verdicts(result) == [("winmail", "winmail.dat/Your parcel", "report")]
    assert [(made.name, made.source) for made in result.made] == [("base64", -1), ("tnef", 0)]
    found, data = result.found[0], message(result)
    tree = mime.split(data)
    assert data.startswith(b"Received: from mail.deals.example") and found.missing == ()
    assert mime.first(data, tree.root, "x-original-content-type") == "text/html"
    assert [node.type for node in tree.nodes] == ["multipart/alternative", "text/plain", "text/html"]
    assert mime.decoded(data, tree.nodes[2]) == b"<a href='http://fee.test'>x</a>"
    assert found.claims.note == "Spam, please look."


def test_a_message_that_was_never_sent_is_put_together_from_its_properties() -> None:
    result = open_submission(tnef({}, [item("x", tnef(UNSENT))]), "winmail.dat")
    data = message(result)
    root = mime.split(data).root
    fields = {field.name: mime.value(data, field) for field in root.fields}
    assert fields["From"] == '"Parcel" <track@deals.example>' and fields["Subject"] == "包裹"
    assert fields["Date"] == "Tue, 03 Nov 2026 08:10:58 -0000"
    assert result.found[0].missing == ("headers", "received")


def test_html_in_rtf_comes_out() -> None:
    wrapped = rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}Pay {\*\htmltag84 <a href='http://fee.test'>}x}"
    inner = tnef({0x007D: HEADERS, 0x1000: "Pay x", 0x1009: compressed_rtf.compress(wrapped)})
    assert b"text/html" in message(open_submission(tnef({}, [item("x", inner)])))


@pytest.mark.parametrize(
    ("name", "data", "format_"),
    [
        ("1.eml", EML, "raw"),
        ("1.msg", outlook_message({0x001A: "IPM.Note", 0x007D: HEADERS}, {0x3003: "a@x.example"}), "outlook_msg"),
    ],
)
def test_files_of_mail_inside_are_opened(name: str, data: bytes, format_: str) -> None:
    result = open_submission(cover(tnef({0x1000: "see"}, [file("logo.png", b"\x89PNG"), file(name, data)])), cover=True)
    assert verdicts(result) == [(format_, f"winmail.dat/{name}", "report")]


def test_messages_inside_each_other_stay_in_the_outermost() -> None:
    inner = tnef({0x007D: HEADERS, 0x1000: "outer"}, [item("deep", SPAM), file("a.pdf", b"%PDF")])
    data = message(open_submission(tnef({}, [item("x", inner)])))
    assert [node.type for node in mime.split(data).nodes] == [
        "multipart/mixed", "text/plain", "message/rfc822", "multipart/alternative", "text/plain", "text/html",
        "application/octet-stream",
    ]  # fmt: skip


def test_where_there_is_no_mail_inside_the_sender_is_told_what_to_do() -> None:
    empty = tnef({0x1000: "see"}, [file("logo.png", b"\x89PNG")])
    alone, mailed = open_submission(empty, "winmail.dat").found, open_submission(cover(empty), cover=True).found
    assert [one.verdict for one in alone] == ["not-a-report"] and "as an attachment" in alone[0].says
    assert [one.verdict for one in mailed] == ["not-fully-examined"] and "as an attachment" in mailed[0].says


def test_a_forward_in_the_text_goes_before_the_notice() -> None:
    text = b"---------- Forwarded message ---------\nFrom: a <a@deals.example>\nDate: today\nSubject: pay\n\npay\n"
    result = open_submission(cover(tnef({0x1000: "see"}), text), cover=True)
    assert [found.format for found in result.found] == ["inline_forward"]


def test_a_spam_with_a_winmail_that_is_handed_in_as_a_file_is_the_message() -> None:
    assert [found.format for found in open_submission(cover(SPAM)).found] == ["raw"]


def test_without_the_library_there_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winmail, "tnefparse", None)
    data = tnef({}, [item("x", SPAM)])
    for result in (open_submission(data), open_submission(cover(data), cover=True)):
        assert [found.verdict for found in result.found] == ["not-fully-examined"]
        assert "winmail.dat" in result.found[0].says


def test_an_installation_without_the_library_imports_all_the_same() -> None:
    program = (
        "import sys; sys.modules['tnefparse'] = None; from intake.formats import winmail; print(winmail.tnefparse)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert ran.stdout == "None\n"


@pytest.mark.parametrize("count", [winmail.OBJECTS - 1, winmail.OBJECTS, winmail.OBJECTS + 1])
def test_objects_one_below_at_and_above(count: int) -> None:
    inner = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x8009, 1, b"x\0") * count
    for data in (inner, tnef({}, [item("x", inner)])):
        result = open_submission(data)
        assert ("tnef-objects" in result.limits) is (count > winmail.OBJECTS)


HUGE = struct.pack("<I", 0xFFFFFFFF)


@pytest.mark.parametrize(
    "data",
    [
        tnef({}) + attribute(1, 0x9003, 6, HUGE),
        tnef({}) + attribute(1, 0x9003, 6, struct.pack("<IHH", 1, 0x1002, 0x1000) + HUGE),
        tnef({}) + attribute(1, 0x9003, 6, struct.pack("<IHH", 1, 0x001F, 0x1000) + HUGE),
        tnef({}) + attribute(1, 0x9004, 6, HUGE),
        tnef({}) + struct.pack("<BHHI", 1, 0x9003, 6, 0xFFFFFFFF),
        SPAM[:60],
    ],
)
def test_counts_that_lie_cost_nothing(data: bytes) -> None:
    assert open_submission(data).found


def test_messages_inside_each_other_without_end_are_damaged_or_cut() -> None:
    data = SPAM
    for _ in range(1200):
        data = tnef({}, [item("x", data)])
    assert {found.verdict for found in open_submission(data).found} <= {"damaged", "report"}


def test_hostile_bytes_give_a_verdict_and_never_an_exception() -> None:
    whole, chance, seen = tnef({0x1000: "see"}, [item("x", SPAM), file("1.eml", EML)]), random.Random(5), set()
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        result = open_submission(bytes(data[: chance.choice((len(data), chance.randrange(8, len(data))))]))
        assert result.found
        seen |= {found.verdict for found in result.found}
    assert {"damaged", "report"} <= seen


def test_the_writer_of_these_tests_writes_what_the_library_reads() -> None:
    assert winmail.tnefparse.TNEF(SPAM).objects[0].good_checksum
    assert properties({1: "x"}).startswith(struct.pack("<I", 1))
