"""Readers beside their golden mails: Outlook items, XARF samples, limits of claims, hostile bytes."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import compressed_rtf
import pytest
from PIL import Image

from intake import mime
from intake.formats import arf, open_submission, rtf
from tests.cfb import compound, outlook_message
from tests.rar import rar
from tests.soon import soon
from tests.tnef import item as attached
from tests.tnef import tnef

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
HEADERS = (
    "Microsoft Mail Internet Headers Version 2.0\r\n"
    "Received: from mail.deals.example ([203.0.113.77]) by mx.isp.example.net; Tue, 3 Nov 2026 08:11:02 +0000\r\n"
    "From: Parcel <track@deals.example>\r\nSubject: Your\r\n parcel\r\n"
    "Content-Type: multipart/alternative; boundary=gone\r\n\r\n"
)
RECIPIENT = {0x3003: "ana@isp.example.net"}


def made_of(properties: dict) -> tuple[bytes, tuple[str, ...]]:
    opened = open_submission(outlook_message({0x001A: "IPM.Note", **properties}, RECIPIENT), "x.msg")
    assert [found.verdict for found in opened.found] == ["report"] and opened.made[0].name == "msg"
    return opened.made[0].data, opened.found[0].missing


def test_an_outlook_item_keeps_its_transport_headers() -> None:
    data, missing = made_of(
        {0x007D: HEADERS, 0x1000: "Pay 1.99\r\n", 0x1013: b"<a href='http://parcel-fee.test'>x</a>"}
    )
    tree = mime.split(data)
    assert [node.type for node in tree.nodes] == ["multipart/alternative", "text/plain", "text/html"]
    assert mime.first(data, tree.root, "subject") == "Your parcel"
    assert mime.first(data, tree.root, "x-original-content-type") == "multipart/alternative; boundary=gone"
    assert mime.decoded(data, tree.nodes[1]) == b"Pay 1.99\r\n"
    assert missing == () and data.startswith(b"Received: from mail.deals.example")


def test_an_outlook_item_without_them_is_put_together_from_its_properties() -> None:
    data, missing = made_of(
        {
            0x0037: "包裹",
            0x0C1A: "Parcel",
            0x5D01: "track@deals.example",
            0x0E04: "Ana",
            0x0039: datetime(2026, 11, 3, 8, 10, 58, tzinfo=UTC),
            0x1000: "Pay",
        }
    )
    root = mime.split(data).root
    fields = {field.name: mime.value(data, field) for field in root.fields}
    assert fields["From"] == '"Parcel" <track@deals.example>' and fields["Subject"] == "包裹"
    assert fields["Date"] == "Tue, 03 Nov 2026 08:10:58 +0000" and missing == ("headers", "received")


def test_html_that_outlook_wrapped_into_rtf_comes_out() -> None:
    wrapped = (
        rb"{\rtf1\ansi\ansicpg1252\fromhtml1{\fonttbl{\f0 Arial;}}"
        rb"{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Pay "
        rb"{\*\htmltag84 <a href='http://parcel-fee.test'>}\'e9\htmlrtf }\htmlrtf0 }"
    )
    assert rtf.read(compressed_rtf.compress(wrapped)) == ("", "<p>Pay <a href='http://parcel-fee.test'>é")
    data, _ = made_of({0x007D: HEADERS, 0x1009: compressed_rtf.compress(wrapped)})
    assert mime.split(data).root.type == "text/html"


def test_html_in_rtf_comes_out_beside_a_plain_text_too() -> None:
    packed = compressed_rtf.compress(rb"{\rtf1\ansi\fromhtml1{\*\htmltag84 <a href='http://parcel-fee.test'>}x}")
    data, _ = made_of({0x007D: HEADERS, 0x1000: "Pay", 0x1009: packed})
    assert [node.type for node in mime.split(data).nodes] == ["multipart/alternative", "text/plain", "text/html"]


def test_links_of_plain_rtf_are_not_lost() -> None:
    packed = compressed_rtf.compress(
        rb'{\rtf1 See {\field{\*\fldinst{HYPERLINK "http://parcel-fee.test/a"}}{\fldrslt{\ul here}}}'
        rb"{\field{\*\fldinst PAGE}{\fldrslt 1}}}"
    )
    assert rtf.read(packed) == ("See <http://parcel-fee.test/a> here1", "")


def test_an_item_that_was_never_sent_is_the_cover_of_those_it_carries() -> None:
    inner = {"__substg1.0_3707001F": "spam".encode("utf-16-le"), "__substg1.0_3701000D": item_tree({0x007D: HEADERS})}
    outer = item_tree({0x001A: "IPM.Note", 0x1000: "See what I got"})
    opened = open_submission(compound(outer | {"__attach_version1.0_#00000000": inner}), "x.msg")
    assert [(one.verdict, one.name, one.missing) for one in opened.found] == [("report", "spam", ())]
    assert opened.found[0].claims.note == "See what I got"
    sent = item_tree({0x001A: "IPM.Note", 0x007D: HEADERS, 0x1000: "See what I got"})
    opened = open_submission(compound(sent | {"__attach_version1.0_#00000000": inner}), "x.msg")
    assert "message/rfc822" in [node.type for node in mime.split(opened.made[0].data).nodes]


def item_tree(values: dict[int, str]) -> dict:
    """The storage of an item with these texts."""
    texts = {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le") for number, value in values.items()}
    return texts | {"__properties_version1.0": bytes(32)}


def test_plain_rtf_gives_its_text() -> None:
    packed = compressed_rtf.compress(rb"{\rtf1{\*\generator x;}{\fonttbl{\f0 A;}}One\par two \u8364?}")
    assert rtf.read(packed)[0].startswith("One\ntwo €")
    assert rtf.read(b"") == ("", "")


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("IPM.Contact", "not-a-report"),
        ("REPORT.IPM.Note.NDR", "bounce"),
        ("REPORT.IPM.Note.IPNRN", "auto-reply"),
        ("IPM.Schedule.Meeting.Request", "report"),
    ],
)
def test_other_outlook_items(kind: str, verdict: str) -> None:
    data = outlook_message({0x001A: kind, 0x1000: "x"}, RECIPIENT)
    assert [found.verdict for found in open_submission(data).found] == [verdict]


def test_an_ole_file_that_is_no_outlook_item() -> None:
    found = open_submission(compound({"WordDocument": b"x" * 600})).found
    assert [(one.verdict, one.format) for one in found] == [("not-a-report", "outlook_msg")]


def test_an_attached_outlook_item_is_opened() -> None:
    item = outlook_message({0x001A: "IPM.Note", 0x007D: HEADERS, 0x1000: "Pay"}, RECIPIENT)
    data = (
        b"From: ana@isp.example.net\nSubject: spam\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n"
        b"--b\nContent-Type: application/octet-stream; name=a.msg\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(item)
        + b"--b--\n"
    )
    opened = open_submission(data, cover=True)
    assert [(one.verdict, one.format, one.name) for one in opened.found] == [("report", "outlook_msg", "a.msg")]
    assert [(one.name, one.source) for one in opened.made] == [("base64", -1), ("msg", 0)]
    assert opened.found[0].claims.note == "See."


def test_damaged_outlook_items_say_so_and_never_raise() -> None:
    item = outlook_message({0x001A: "IPM.Note", 0x007D: HEADERS, 0x1000: "Pay"}, RECIPIENT)
    chance, seen = random.Random(5), set()
    for _ in range(150):
        data = bytearray(item)
        for _ in range(20):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
        seen |= {found.verdict for found in open_submission(bytes(data)).found}
    assert [found.verdict for found in open_submission(item[:700]).found] == ["damaged"]
    assert {"damaged", "report"} <= seen


MAIL = b"Received: from x by y\nFrom: a@deals.example\nSubject: pay\n\npay\n"
CODED = base64.b64encode(MAIL).decode()
V4 = {
    "xarf_version": "4.2.0",
    "report_id": "6f1c2b58-0c57-4d0e-9d5a-1f0a7c3e2b11",
    "category": "messaging",
    "type": "spam",
    "source_identifier": "203.0.113.77",
    "smtp_from": "a@deals.example",
    "evidence": [
        {"content_type": "text/plain", "payload": "eA=="},
        {"content_type": "message/rfc822", "payload": CODED},
    ],
}
V3 = {
    "Version": "3",
    "ReporterInfo": {},
    "Report": {
        "ReportType": "Spam",
        "SourceIp": "203.0.113.77",
        "SmtpMailFromAddress": "a@deals.example",
        "Samples": [{"ContentType": "message/rfc822", "Base64Encoded": True, "Payload": CODED}],
    },
}
V3_SPEC = {
    "Version": "3.0.0",
    "ReporterInfo": {},
    "Report": {
        "ReportType": "spam",
        "Source": {"IP": "203.0.113.77"},
        "SmtpMailFromAddress": "a@deals.example",
        "Attachment": [{"ContentType": "message/rfc822", "Data": CODED}],
    },
}


@pytest.mark.parametrize("report", [V4, V3, V3_SPEC])
def test_the_mail_in_a_xarf_report_is_opened(report: dict) -> None:
    data = json.dumps(report).encode()
    opened = open_submission(data, "xarf.json")
    assert [(one.verdict, one.format) for one in opened.found] == [("report", "xarf")]
    assert opened.made[0].data == MAIL and base64.b64decode(data[opened.made[0].start : opened.made[0].end]) == MAIL
    claims = opened.found[0].claims
    assert (claims.source_ip, claims.feedback_type, claims.mail_from) == ("203.0.113.77", "spam", "a@deals.example")


def test_a_xarf_report_in_a_mail_goes_before_the_word_feedback() -> None:
    data = (
        b"From: x@example.org\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        b"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: xarf\nVersion: 1\nUser-Agent: x\n\n"
        b"--b\nContent-Type: application/json; name=xarf.json\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(json.dumps(V4).encode())
        + b"--b--\n"
    )
    opened = open_submission(data, cover=True)
    assert [one.format for one in opened.found] == ["xarf"] and opened.made[1].source == 0


@pytest.mark.parametrize(
    ("evidence", "verdicts", "flags"),
    [
        ([], ["report"], ()),
        ("x", ["report"], ()),
        ([{"content_type": "message/rfc822", "payload": 7}], ["report"], ("empty-sample",)),
        ([{"content_type": "message/rfc822"}], ["report"], ("empty-sample",)),
        ([{"content_type": "message/rfc822", "payload": "aaaaa"}], ["damaged", "report"], ()),
    ],
)
def test_a_xarf_report_without_a_mail_is_a_claim(evidence: object, verdicts: list, flags: tuple) -> None:
    found = open_submission(json.dumps({**V4, "evidence": evidence}).encode()).found
    assert [(one.verdict, one.format) for one in found] == [(verdict, "xarf") for verdict in verdicts]
    assert found[-1].start == found[-1].end and found[-1].missing == ("headers", "received", "body")
    assert found[-1].claims.source_ip == "203.0.113.77" and set(flags) <= set(found[-1].claims.flags)


def test_json_of_any_depth_is_no_trouble() -> None:
    assert open_submission(b'{"xarf_version":' + b"[" * 500_000).found[0].verdict == "not-a-report"


@pytest.mark.parametrize("count", [arf.VALUES - 1, arf.VALUES, arf.VALUES + 1])
def test_claims_one_below_at_and_above(count: int) -> None:
    lines = "".join(f"Reported-URI: http://{n}.test/\n" for n in range(count))
    data = (
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
        f"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n{lines}\n--b--\n"
    ).encode()
    opened = open_submission(data, cover=True)
    assert len(opened.found[0].claims.reported_uri) == min(count, arf.VALUES)
    assert ("claims" in opened.limits) is (count > arf.VALUES)


def test_a_long_claim_is_cut_and_said() -> None:
    data = (
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
        b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: " + b"x" * 5000 + b"\n\n--b--\n"
    )
    opened = open_submission(data, cover=True)
    assert len(opened.found[0].claims.user_agent) == arf.LENGTH and opened.limits == ("claims",)


def test_an_emlx_is_the_message_that_its_first_line_counts() -> None:
    data = b"%d        \n" % len(MAIL) + MAIL + b'<?xml version="1.0"?><plist/>'
    found = open_submission(data, "1.emlx").found[0]
    assert data[found.start : found.end] == MAIL and found.verdict == "report"
    assert open_submission(b"999999\n" + MAIL, "1.emlx").found[0].verdict == "damaged"


def test_a_mail_to_our_own_address_is_a_cover() -> None:
    data = (GOLDEN / "inline-outlook-2013-es.eml").read_bytes().replace(b"Para: ana@isp.example.net\n", b"")
    assert open_submission(data).found[0].format == "raw"
    assert open_submission(data, recipient_hint="reports@authority.example").found[0].format == "inline_forward"


def test_text_of_a_cover_alone_never_makes_a_mail_of_something_else() -> None:
    assert open_submission(b"hello", cover=True).found[0].verdict == "report"
    assert open_submission(b"hello", cover=False).found[0].verdict == "not-a-report"


def test_five_hundred_mutations_of_the_golden_mails_never_raise() -> None:
    chance = random.Random(20261103)
    mails = [path.read_bytes() for path in sorted(GOLDEN.glob("*.eml"))]
    for number in range(500):
        data = bytearray(chance.choice(mails))
        for _ in range(chance.randrange(1, 20)):
            at = chance.randrange(len(data) + 1)
            piece = chance.choice((b"", b"\r", b"\n", b"--", b"\0", b'"', b":", b"\xff", b"=", data[at : at + 200]))
            data[at : at + chance.randrange(40)] = piece
        opened = open_submission(bytes(data), "x.eml", cover=number % 2 == 0)
        assert opened.found
        for found in opened.found:
            source = data if found.source < 0 else opened.made[found.source].data
            assert 0 <= found.start <= found.end <= len(source)


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: Fwd: x\n\n" + b"From: a@b.test\n" * 60_000,
        b"Subject: Fwd: x\n\n" + b"a@b.test 12:30 wrote:\n" * 40_000,
        b"Subject: Fwd: x\n\n" + b"From: a To: b Sent: c Subject: d " * 30_000,
        b"Subject: Fwd: x\nContent-Type: text/html\n\n" + b"<p>" * 300_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n"
        + b"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n" * 990,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: message/rfc822\n\nSubject: x\n\n" * 990,
    ],
)
def test_hostile_covers_end_soon(data: bytes) -> None:
    with soon():
        assert open_submission(data, cover=True).found


WITHOUT_FILES = """
import sys
from intake.formats import open_submission, warm
warm()
data = sys.stdin.buffer.read()
items, rest = [], data[10:]
while rest:
    items.append(rest[10 : 10 + int(rest[:10])])
    rest = rest[10 + int(rest[:10]) :]
touched = []
sys.addaudithook(lambda event, args: touched.append(event) if event in ("open", "import", "socket.__new__") else None)
codes = [open_submission(item, cover=True).found[0].verdict for item in items]
print(len(codes), codes.count("report"), sorted(set(touched)))
"""


def picture(kind: str, mode: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "red").convert("RGB" if kind in ("JPEG", "WebP") else mode).save(out, kind)
    return out.getvalue()


def test_nothing_is_loaded_once_the_package_is_warm() -> None:
    """The children that parse have no files left: neither a module nor a codec may be looked for then."""
    item = outlook_message(
        {0x001A: "IPM.Note", 0x007D: HEADERS, 0x1009: compressed_rtf.compress(b"{\\rtf1 x}")}, RECIPIENT
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("b\xfccher.eml", MAIL)
    items = [path.read_bytes() for path in sorted(GOLDEN.glob("*.eml"))]
    items += [item, archive.getvalue(), gzip.compress(MAIL), json.dumps(V4).encode()]
    items += [rar([("b.eml", MAIL)]), lzma.compress(MAIL), bz2.compress(MAIL), tnef({}, [attached("x", tnef({}))])]
    items += [picture(kind, mode) for kind in ("PNG", "JPEG", "GIF", "WebP", "BMP", "TIFF") for mode in ("RGB", "P")]
    items += [
        b"Subject: Fwd: =?%s?q?=e4?=\nContent-Type: text/html; charset=%s\n\n<p>\xe4\xa7" % (name, name)
        for name in (b"big5", b"gb18030", b"iso-2022-jp", b"windows-1251", b"utf-7", b"x-nobody", b"idna", b"koi8-r")
    ]
    packed = b"".join(b"%010d" % len(one) + one for one in items)
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_FILES], input=b"%010d" % len(items) + packed, capture_output=True, check=True
    )
    count, reports, touched = ran.stdout.decode().split(" ", 2)
    assert int(count) == len(items) and int(reports) >= 40
    assert touched.strip() == "[]"
