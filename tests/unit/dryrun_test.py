"""The dry run through a real uvicorn: the verdict that handing in would bring, the exact flaws, and nothing is kept."""

from collections.abc import Iterator

import pytest

from intake.strict import flaws
from tests.feed_house import RFC822, Ours, house


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ours]:
    with house(tmp_path_factory.mktemp("dryrun")) as made:
        yield made


ARF = b"""From: fbl@isp.example\r
Date: Mon, 23 Nov 2026 10:00:00 +0000\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
A report.\r
--b\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: Desk/1\r
Source-IP: 192.0.2.300\r
Source-IP: 192.0.2.3\r
\r
--b\r
Content-Type: message/rfc822\r
\r
From: a@example.test\r
Subject: x\r
\r
y\r
--b--\r
"""


def test_a_dry_run_names_line_and_field_and_keeps_nothing(ours: Ours) -> None:
    before = sum(path.stat().st_size for path in (ours.house.home / "vault").rglob("*.segment"))
    told = ours.ask("POST", "/validate", ARF, ours.a, RFC822).json
    assert [item["verdict"] for item in told["items"]] == ["report"]
    assert [(flaw["code"], flaw["line"], flaw["field"]) for flaw in told["flaws"]] == [
        ("arf-value", 15, "Source-IP"), ("arf-twice", 16, "Source-IP"), ("missing", 13, "Version"),
    ]  # fmt: skip
    assert sum(path.stat().st_size for path in (ours.house.home / "vault").rglob("*.segment")) == before
    assert b"Source-IP" not in b"".join(p.read_bytes() for p in ours.house.home.glob("*.sqlite*"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"xarf_version": "4.0.0",\n "report_id": 1\n', ("json", 3, "")),
        (b'{"xarf_version": "4.0.0",\n "type": "spam", "category": "content"}', ("xarf", 2, "type")),
        (b'{"xarf_version":"4.0.0",\n\n"reporter":{"org":"x"}}', ("xarf", 3, "reporter")),
        (b'{"xarf_version":"4.0.0","evidence":[\n{"content_type":"message/rfc822","payload":"eA==","hash":"md5:00"}]}',
         ("xarf", 1, "evidence[0].hash")),
        (b"Subject: x\n\ny\n", ("line-end", 1, "")),
        (b"From: a@example.test\r\nDate: soon\r\n\r\n" + b"y" * 1000 + b"\r\n", ("line-length", 4, "")),
        (b"From: a@example.test\r\nDate: soon\r\n\r\ny\r\n", ("date", 2, "Date")),
        (b"From: a@example.test\r\n\r\n\0\r\n", ("nul", 3, "")),
    ],
)  # fmt: skip
def test_exact_flaws(data: bytes, expected: tuple[str, int, str]) -> None:
    assert expected in [(each.code, each.line, each.field) for each in flaws(data)]


CSV = b"""timestamp,ip,url,type
2026-11-23 10:00:00,203.0.113.7,,spam
2026-11-23 10:05:00,,http://pay.parcel-fee.test/,phishing
soon,203.0.113.8,,spam
2026-11-23 10:06:00,not known,,spam
"""
FAULTS = [
    {
        "line": 4,
        "column": "timestamp",
        "says": "is no time that we read: ISO 8601, a mail's date, or seconds since 1970",
    },
    {"line": 5, "column": "ip", "says": "is no address of the internet protocol"},
]


def test_a_list_is_told_by_its_rows_in_the_dry_run_and_afterwards(ours: Ours) -> None:
    headers = {"Content-Type": "text/csv"}
    dry = ours.ask("POST", "/validate?filename=a.csv", CSV, ours.a, headers).json
    reference = ours.ask("POST", "/reports?filename=a.csv", CSV, ours.a, headers).json["reference"]
    ours.work()
    kept = ours.ask("GET", f"/reports/{reference}", key=ours.a).json
    changed = [each for each in ours.ask("GET", "/reports", key=ours.a).json["items"] if each["reference"] == reference]
    assert dry["flaws"] == []
    assert [item["faults"] for item in (*dry["items"], *kept["items"], *changed)] == [FAULTS, FAULTS, []]
    for item in (*dry["items"], *kept["items"], *changed):
        assert (item["verdict"], item["says"], item["rows"], item["bad"]) == ("rows", "2 of 4 rows are claims", 2, 2)
    assert kept["counts"] == {"rows": 1}


def test_a_list_has_no_more_than_twenty_named(ours: Ours) -> None:
    data = b"ip\n" + b"203.0.113.7\n" * 3 + b"x y\n" * 30
    (item,) = ours.ask("POST", "/validate", data, ours.a, {"Content-Type": "text/csv"}).json["items"]
    assert (item["rows"], item["bad"], len(item["faults"])) == (3, 30, 20)
    assert item["says"] == "3 of 33 rows are claims; of the others the first 20 are named"


@pytest.mark.parametrize(
    "data",
    [CSV, CSV.decode().encode("utf-16"), b'[{"ip": "203.0.113.7"}]', b'{"rows": [{"ip": "203.0.113.7"}]}',
     b'{"ip": "203.0.113.7"}\n{"ip": "x"}\n', b"203.0.113.7\n203.0.113.8\n", b"just some words\n", b"\xff\xfe\0\0",
     b"From a@example.test Mon Nov 23 10:00:00 2026\nSubject: x\n\ny\n"],
)  # fmt: skip
def test_what_is_no_mail_is_not_measured_by_what_mails_have(ours: Ours, data: bytes) -> None:
    told = ours.ask("POST", "/validate", data, ours.a, RFC822).json
    assert told["items"] and told["flaws"] == []


def test_a_mail_with_a_list_in_it_is_measured_as_a_mail(ours: Ours) -> None:
    data = b"From: a@example.test\r\nContent-Type: text/csv\r\n\r\nip\r\n203.0.113.7\r\n"
    told = ours.ask("POST", "/validate", data, ours.a, RFC822).json
    assert ("missing", "Date") in [(flaw["code"], flaw["field"]) for flaw in told["flaws"]]


def test_a_good_report_has_no_flaw() -> None:
    good = ARF.replace(b"Source-IP: 192.0.2.300\r\n", b"Version: 1\r\n")
    assert list(flaws(good)) == []
