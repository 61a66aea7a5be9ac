"""Reports by machines beside their golden mails: limits, flags, what is never opened, what is the same report twice."""

import base64
import json
from pathlib import Path

import pytest

from intake.formats import Opened, arf, carried, feedback_text, open_submission, xarf, xarf_lines, xarf_types
from intake.report import Claims, Report, Reporter
from intake.unpack import _with_reporter
from tests.soon import soon
from tests.triage_house import examined, mail
from triage.judge import judge
from triage.lane import LANES
from triage.terms import lexicon

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
MAIL = b"Received: from x by y\nFrom: a@deals.example\nSubject: pay\nDate: Tue, 3 Nov 2026 08:11:02 +0000\n\npay\n"
CODED = base64.b64encode(MAIL).decode()
V4 = {
    "xarf_version": "4.2.0",
    "report_id": "6f1c2b58-0c57-4d0e-9d5a-1f0a7c3e2b11",
    "category": "messaging",
    "type": "spam",
    "source_identifier": "203.0.113.77",
}


def xarf_with(**more: object) -> Opened:
    return open_submission(json.dumps({**V4, **more}).encode(), "xarf.json")


def feedback(fields: str, after: bytes = b"") -> Opened:
    head = b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
    part = f"Content-Type: message/feedback-report\n\n{fields}\n".encode()
    return open_submission(head + part + after + b"--b--\n", cover=True)


@pytest.mark.parametrize("said", [arf.INCIDENTS - 1, arf.INCIDENTS, arf.INCIDENTS + 1, 10**30])
def test_incidents_one_below_at_and_above_the_cap(said: int) -> None:
    claims = feedback(f"Feedback-Type: abuse\nIncidents: {said}\n").found[0].claims
    assert claims.incidents == str(min(said, arf.INCIDENTS))
    assert ("incidents-capped" in claims.flags) is (said > arf.INCIDENTS)
    assert (("Incidents", str(said)) in claims.extra) is (said > arf.INCIDENTS)


@pytest.mark.parametrize("said", ["-1", "1e3", "１２", "0x10", "4.5"])
def test_incidents_that_are_no_number_are_none(said: str) -> None:
    claims = feedback(f"Feedback-Type: abuse\nIncidents: {said}\n").found[0].claims
    assert claims.incidents == "" and "bad-incidents" in claims.flags


@pytest.mark.parametrize("count", [carried.MOST - 1, carried.MOST, carried.MOST + 1])
def test_messages_of_one_feedback_part_one_below_at_and_above(count: int) -> None:
    opened = feedback("Feedback-Type: abuse\n", (b"--b\nContent-Type: message/rfc822\n\n" + MAIL + b"\n") * count)
    verdicts = [found.verdict for found in opened.found]
    assert verdicts.count("report") == min(count, carried.MOST)
    assert ("parts" in opened.limits) is ("limit" in verdicts) is (count > carried.MOST)


@pytest.mark.parametrize("count", [xarf.SAMPLES - 1, xarf.SAMPLES, xarf.SAMPLES + 1])
def test_samples_one_below_at_and_above(count: int) -> None:
    opened = xarf_with(evidence=[{"content_type": "message/rfc822", "payload": CODED}] * count)
    verdicts = [found.verdict for found in opened.found]
    assert verdicts.count("report") == min(count, xarf.SAMPLES)
    assert verdicts.count("limit") == (count > xarf.SAMPLES)


@pytest.mark.parametrize("count", [xarf.REPORTS - 1, xarf.REPORTS, xarf.REPORTS + 1])
def test_reports_of_an_array_one_below_at_and_above(count: int) -> None:
    opened = open_submission(json.dumps([V4] * count).encode(), "xarf.json")
    verdicts = [found.verdict for found in opened.found]
    assert verdicts.count("report") == min(count, xarf.REPORTS)
    assert verdicts.count("limit") == (count > xarf.REPORTS)


def test_an_array_with_anything_else_in_it_is_no_xarf() -> None:
    assert open_submission(json.dumps([V4, {"rows": 3}]).encode()).found[0].format != "xarf"
    assert open_submission(b"[]").found[0].format != "xarf"


@pytest.mark.parametrize("category", sorted(xarf_types.PAIRS))
def test_every_pair_of_the_master_schema_is_known(category: str) -> None:
    for word in xarf_types.PAIRS[category]:
        assert list(xarf_types.flags("4.2.0", category, word, "id")) == []
    assert list(xarf_types.flags("4.2.0", category, "nothing", "id")) == ["unknown-type"]
    assert sum(map(len, xarf_types.PAIRS.values())) == 32


@pytest.mark.parametrize("word", ["LoginAttack", "PortScan", "DOS", "Spam", "PotentiallyCompromisedAccount"])
def test_types_of_version_3_are_known_as_the_schema_spells_them(word: str) -> None:
    report = {
        "Version": "3",
        "ReporterInfo": {},
        "Report": {"ReportType": word, "Samples": [], "SourceIp": "192.0.2.1"},
    }
    report["Report"]["Samples"] = [{"ContentType": "message/rfc822", "Payload": CODED}]  # type: ignore[index]
    found = open_submission(json.dumps(report).encode()).found
    assert [(one.verdict, one.claims.feedback_type) for one in found] == [("report", word.lower())]
    assert found[0].claims.flags == ()


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512", "crc32", "shake_128", "nothing"])
def test_a_hash_of_another_content_is_a_flag(name: str) -> None:
    evidence = [{"content_type": "message/rfc822", "payload": CODED, "hash": f"{name}:00"}]
    flags = xarf_with(evidence=evidence).found[0].claims.flags
    assert flags == ("hash-mismatch" if name in ("md5", "sha1", "sha256", "sha512") else "hash-unknown",)


@pytest.mark.parametrize("secret", ["SECRET-1", "SECRET-2", "abuse@isp.example.net", "Mr. Sample", "Example Net"])
def test_neither_internals_nor_who_reports_stand_in_any_claim(secret: str) -> None:
    seen = 0
    for path in sorted(GOLDEN.glob("x*arf-*.eml")):
        opened = open_submission(path.read_bytes(), cover=True)
        seen += len(opened.found)
        assert all(secret not in str(found.claims) for found in opened.found), path.name
    assert seen > 20


@pytest.mark.parametrize("name", ["xarf-v4-child-abuse", "xarf-v3-child-abuse", "x-arf-child-abuse"])
def test_evidence_of_child_abuse_is_not_decoded_and_goes_to_its_lane(name: str) -> None:
    opened = open_submission((GOLDEN / f"{name}.eml").read_bytes(), cover=True)
    assert not any(b"Your parcel" in made.data for made in opened.made)
    assert opened.found[0].claims.lane in LANES
    judged = judge(examined(b""), opened.found[0].claims, lexicon())
    assert judged.lanes == ("child-abuse",)


def test_a_lane_that_nobody_knows_opens_none() -> None:
    assert judge(examined(mail("hello")), Claims(lane="elsewhere"), lexicon()).lanes == ()


def reported(claims: Claims, sha256: str = "0" * 64, end: int = 0) -> str:
    report = Report(
        id="", reporter="", submission="s", format="xarf", source="submission", start=0, end=end, sha256=sha256,
        claims=claims,
    )  # fmt: skip
    return _with_reporter(report, Reporter(id="p1", address="feed@isp.example.net")).id


def test_a_claim_with_the_same_id_about_the_same_is_the_same_report() -> None:
    one = Claims(report_id="7", source_ip="203.0.113.77", note="first try")
    assert reported(one) == reported(Claims(report_id="7", source_ip="203.0.113.77", note="second try"))
    others = (
        Claims(report_id="8", source_ip="203.0.113.77"),
        Claims(report_id="7", source_ip="203.0.113.78"),
        Claims(source_ip="203.0.113.77", note="first try"),
    )
    assert len({reported(one), *map(reported, others)}) == 4


def test_a_report_with_a_message_is_the_same_by_its_message() -> None:
    one, two = Claims(report_id="7"), Claims(report_id="8")
    assert reported(one, "1" * 64, 5) == reported(two, "1" * 64, 5) != reported(one, "2" * 64, 5)


def test_what_the_cover_of_an_archive_says_stays_with_a_report_in_it() -> None:
    part = base64.encodebytes((GOLDEN / "arf-abuse.eml").read_bytes())
    data = (
        b"From: ana@isp.example.net\nSubject: all\nContent-Type: multipart/mixed; boundary=q\n\n--q\n\nI lost 40 EUR.\n"
        b"--q\nContent-Type: application/octet-stream; name=a.mbox\nContent-Transfer-Encoding: base64\n\n" + part
    )
    found = open_submission(data + b"--q--\n", cover=True).found
    assert [(one.format, one.claims.note) for one in found] == [("arf", "I lost 40 EUR.")]


def spamcop(body: bytes) -> bytes:
    return b"From: 1@reports.spamcop.example\nSubject: x\n\n[ SpamCop V5.3.0 ]\n" + body


HOSTILE = [
    spamcop(b"[ Offending message ]\n" * 100_000),
    spamcop(b"Email from " * 100_000),
    spamcop(b"Headers\n" + b"From: x\n" * 120_000),
    b"X-ARF: yes\n\n" + b"Source: x\n" * 200_000,
    b"X-ARF: yes\n\n" + b"A" * 2_000_000 + b": x\n",
    b"X-ARF: yes\n\n" + b"Source:" + b" " * 1_000_000,
    b"X-ARF: yes\nContent-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Type: text/plain\n\nReported-From: a\nReport-Type: spam\nSource: x\nDate: x\n\n" * 990,
    b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nreceived from "
    + b"1." * 500_000
    + b"\n--b--\n",
    b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: application/json\n\n{}\n" * 990,
    b"Content-Type: message/feedback-report\n\n" + b"Source-IP: x\n" * 200_000,
    b"Content-Type: message/feedback-report\n\n" + b"a: x\n\n" * 200_000,
    json.dumps({**V4, "x": [{str(n): n for n in range(1000)}] * 300}).encode(),
    json.dumps({**V4, "evidence": [{"content_type": "text/plain", "payload": CODED}] * 20_000}).encode(),
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_reports_end_soon(data: bytes) -> None:
    with soon():
        opened = open_submission(data, cover=True)
    assert opened.found
    for found in opened.found:
        size = len(data) if found.source < 0 else len(opened.made[found.source].data)
        assert 0 <= found.start <= found.end <= size
        assert len(found.claims.extra) <= carried.VALUES


def test_a_divider_beyond_the_limit_of_tries_is_not_followed() -> None:
    last = b"[ Offending message ]\n" + MAIL
    at = [
        open_submission(spamcop(b"[ Headers ]\nx\n" * n + last)).found[0]
        for n in (feedback_text.TRIES - 1, feedback_text.TRIES)
    ]
    assert [found.end > found.start for found in at] == [True, False]


def test_lines_beyond_the_limit_are_not_read() -> None:
    def source(above: int) -> str:
        lines = "Reported-From: a\nReport-Type: spam\nDate: x\n" + f"{'Key: x'}\n" * above + "Source: 192.0.2.1\n"
        return open_submission(f"X-ARF: yes\nFrom: a@isp.example.net\n\n{lines}".encode()).found[0].claims.source_ip

    assert source(xarf_lines.LINES - 4) == "192.0.2.1" and source(xarf_lines.LINES - 3) == ""
