"""Tables of indicators: what is one and what is not, what each row names, and nothing beyond the limits."""

import base64
import datetime
import io
import json
import zipfile
from typing import Any

import msgspec
import openpyxl
import pytest

from intake.formats import Opened, open_submission, opened, rows, rows_xlsx
from intake.formats.rows_value import MOST, Bad, any_, refanged
from intake.formats.rows_value import count as read_count
from intake.formats.rows_value import time as read_time
from intake.sheet import Row

MAIL = (
    b"Received: from [203.0.113.7] by mx.example.net; Tue, 3 Nov 2026 08:11:02 +0000\n"
    b"From: a@deals.example\nSubject: pay\n\npay\n"
)


def rows_of(result: Opened, index: int = 0) -> list[Row]:
    packed = result.found[index].sheets
    return [row for each in packed for row in msgspec.msgpack.decode(each, type=list[Row])]


def verdicts(result: Opened) -> list[tuple[str, str]]:
    return [(found.name, found.verdict) for found in result.found]


def workbook(**worksheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for title, lines in worksheets.items():
        worksheet = book.create_sheet(title)
        for line in lines:
            worksheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def cover(*parts: tuple[str, str, bytes], text: str = "Our list of today.") -> bytes:
    """A feed's mail with these files (type, name, bytes)."""
    out = "From: feed@isp.example\nSubject: list\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    out += f"--b\nContent-Type: text/plain\n\n{text}\n"
    for kind, name, data in parts:
        out += f"--b\nContent-Type: {kind}; name={name}\nContent-Transfer-Encoding: base64\n\n"
        out += base64.encodebytes(data).decode()
    return (out + "--b--\n").encode()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("192.0.2.1", {"address": "192.0.2.1"}),
        ("203.0.113.9:25", {"address": "203.0.113.9"}),
        ("8.8.4.4", {"address": "8.8.4.4"}),
        ("[2001:DB8::1]:25", {"address": "2001:db8::1"}),
        ("::ffff:192.0.2.5", {"address": "192.0.2.5"}),
        ("192.0.2.77/24", {"network": "192.0.2.0/24"}),
        ("192.0.2.77/32", {"address": "192.0.2.77"}),
        ("Login.Evil.TEST.", {"host": "login.evil.test", "domain": "evil.test"}),
        ("evil[.]test", {"domain": "evil.test"}),
        ("evil (dot) test", {"domain": "evil.test"}),
        ("hxxps[:]//pay[.]evil[.]test/a?b=1",
         {"url": "https://pay.evil.test/a?b=1", "host": "pay.evil.test", "domain": "evil.test"}),
        ("http://192.0.2.9/x", {"url": "http://192.0.2.9/x", "address": "192.0.2.9"}),
        ("Drop <Drop[@]mail[.]example>", {"mailbox": "drop@mail.example"}),
        ("D41D8CD98F00B204E9800998ECF8427E", {"hash": "d41d8cd98f00b204e9800998ecf8427e"}),
        ("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", {"wallet": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}),
        ("網路.test", {"domain": "網路".encode("idna").decode() + ".test"}),
    ],
)  # fmt: skip
def test_a_value_has_one_spelling(text: str, values: dict[str, str]) -> None:
    assert dict(any_(text)) == values


NOTHING = [
    "10.0.0.1", "127.0.0.1", "::1", "fe80::1", "224.0.0.1", "0.0.0.0/0", "192.168.0.0/16", "192.0.2.256",
    "192.0.2.1/33", "nothing", "co.uk", "a..test", "-", "=1+1", "javascript:alert(1)", "http://", "a@b",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyU", "d41d8cd98f00b204e9800998ecf8427",
]  # fmt: skip


@pytest.mark.parametrize("text", [*NOTHING, "evil.test evil2.test", "x" * 300 + ".test"])
def test_what_names_nothing_is_bad(text: str) -> None:
    with pytest.raises(Bad):
        any_(text)


def test_only_what_was_made_harmless_is_put_back() -> None:
    assert refanged("http://[2001:db8::1]/a(b)") == "http://[2001:db8::1]/a(b)"
    assert refanged("hxxp://a[.]test") == "http://a.test" and refanged("h**p://a{.}test") == "http://a.test"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("2026-11-23 10:00:00.123Z", "2026-11-23T10:00:00Z"),
        ("2026-11-23T10:00:00+08:00", "2026-11-23T02:00:00Z"),
        ("2026-11-23 10:00:00 UTC", "2026-11-23T10:00:00Z"),
        ("2026-11-23 10:00", "2026-11-23T10:00:00"),
        ("2026-11-23", "2026-11-23T00:00:00"),
        ("Mon, 23 Nov 2026 10:00:00 +0100", "2026-11-23T09:00:00Z"),
        ("Mon, 23 Nov 2026 10:00:00 -0000", "2026-11-23T10:00:00"),
        ("1795600000", "2026-11-25T09:46:40Z"),
        ("1795600000123", "2026-11-25T09:46:40Z"),
    ],
)
def test_a_time_without_a_zone_is_utc_and_says_so(text: str, found: str) -> None:
    assert read_time(text) == found


UNREAD = [
    "yesterday", "11/23/2026", "2026-13-01T00:00:00Z", "1811-01-01", "9999-12-31T23:59:59-10:00",
    "2026-11-23T25:00:00Z", "0001-01-01T00:00:00+10:00", "2026-11-23T10:00:61Z",
]  # fmt: skip


@pytest.mark.parametrize("text", UNREAD)
def test_a_time_that_can_be_read_in_two_ways_is_not_read(text: str) -> None:
    with pytest.raises(Bad):
        read_time(text)


@pytest.mark.parametrize(("text", "found"), [(str(MOST - 1), False), (str(MOST), False), (str(MOST + 1), True)])
def test_counts_one_below_at_and_above(text: str, found: bool) -> None:
    assert read_count(text) == (min(int(text), MOST), found)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1e5", "٣", "1.5"])
def test_what_is_no_count_is_bad(text: str) -> None:
    with pytest.raises(Bad):
        read_count(text)


TABLE = "timestamp{d}ip{d}hostname{d}type{d}count\n2026-11-23 10:00:00{d}192.0.2.1{d}host.isp.test{d}spam{d}7\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_text_with_a_heading_is_a_table(delimiter: str, encoding: str) -> None:
    data = TABLE.format(d=delimiter).replace("\n", "\r\n").encode(encoding)
    result = open_submission(data)
    assert verdicts(result) == [("", "rows")] and result.found[0].format == "rows_csv"
    expected = Row(line=2, values=(("address", "192.0.2.1"),), time="2026-11-23T10:00:00", count=7, word="spam")
    assert rows_of(result) == [expected], "the machine's own name is no domain beside its address"
    assert (result.found[0].start, result.found[0].end) == (0, len(data))


def test_headings_of_known_feeds_are_read() -> None:
    shadowserver = b'"timestamp","ip","port","asn","geo","hostname","infection"\n'
    shadowserver += b'"2026-11-23 00:01:02","203.0.113.5",1,2,"XX","h.isp.test","spam"\n'
    commented = b'# a feed\n# "first_seen_utc","dst_ip","ioc_value"\n"2026-11-23 00:01:02","192.0.2.200","evil.test"\n'
    (row,) = rows_of(open_submission(shadowserver))
    assert (row.values, row.word, row.time) == ((("address", "203.0.113.5"),), "spam", "2026-11-23T00:01:02")
    result = open_submission(commented.replace(b"ioc_value", b"ioc"))
    assert [(row.line, row.values) for row in rows_of(result)] == [(3, (("domain", "evil.test"),))]


def test_who_received_a_message_is_never_named() -> None:
    result = open_submission(
        b"rcpt_to,to,recipient,url\nkim@mail.example,kim@mail.example,kim@mail.example,http://evil.test/\n"
    )
    assert "kim" not in repr(rows_of(result)) and len(rows_of(result)) == 1


def test_date_and_time_apart_are_one_time() -> None:
    (row,) = rows_of(open_submission(b"date;time;ip\n2026-11-23;10:30;192.0.2.1\n"))
    assert row.time == "2026-11-23T10:30:00"


def test_every_bad_row_has_its_line_its_column_and_the_reason() -> None:
    data = (
        b"ip,time,count\n192.0.2.1,2026-11-23,1\nnone of it,2026-11-23,1\n192.0.2.2,sometime,1\n192.0.2.3,,0\n"
        b',,5\n\n,,\n192.0.2.4,,1,more\n"192.0.2.5\n",,"2"\n192.0.2.6\n'
    )
    found = [(row.line, row.verdict, row.column, row.found) for row in rows_of(open_submission(data))]
    assert found == [
        (2, "claim", "", ""),
        (3, "bad-value", "ip", "none of it"),
        (4, "bad-time", "time", "sometime"),
        (5, "bad-count", "count", "0"),
        (6, "no-value", "", ""),
        (9, "unreadable", "", ""),
        (10, "claim", "", ""),
        (12, "claim", "", ""),
    ]


def test_text_that_looks_like_a_formula_is_text() -> None:
    result = open_submission(b'ip,type\n192.0.2.1,"=HYPERLINK(""http://x.test"")"\n=1+1,x\n@SUM(A1),x\n')
    assert [(row.verdict, row.word, row.found) for row in rows_of(result)] == [
        ("claim", '=hyperlink("http://x.test")', ""),
        ("bad-value", "", "=1+1"),
        ("bad-value", "", "@SUM(A1)"),
    ]


def test_a_list_has_one_thing_a_line() -> None:
    result = open_submission(b"# ours\nevil.test\nhxxp://pay[.]evil[.]test/\n192.0.2.0/24\nthat is all\n")
    assert verdicts(result) == [("", "not-a-report")], "one line in four is too many"
    result = open_submission(b"# ours\n" + b"evil.test\n192.0.2.1\n" * 4 + b"that is all\n")
    assert [row.line for row in rows_of(result)] == [*range(2, 11)] and rows_of(result)[-1].verdict == "bad-value"


@pytest.mark.parametrize(
    ("data", "name", "verdict"),
    [
        (b"name,age\nx,3\n", "people.csv", "not-a-report"),
        (b"name,age\nx,3\n", "people.txt", "not-a-report"),
        (MAIL, "list.csv", "report"),
        (b"From: a@b.test, c@d.test\nDate: x\nSubject: ip,domain\n\n192.0.2.1\n", "", "report"),
        (b"date: Mon\nfrom: a@b.test\n\nx\n", "ip.csv", "report"),
        (b"hello\n", "note.txt", "not-a-report"),
        (b"We saw 192.0.2.1 and evil.test today.\nPlease look.\n", "", "not-a-report"),
        (b'{"a": 1}', "", "not-a-report"),
        (b'[{"nothing": 1}]', "", "not-a-report"),
        (b"[1, 2]", "", "not-a-report"),
        (b'{"type": "bundle", "objects": [{"type": "identity"}]}', "", "not-a-report"),
        (b"ip,time\n", "", "empty"),
        (bytes(range(256)), "x.csv", "not-a-report"),
    ],
)
def test_what_is_no_table(data: bytes, name: str, verdict: str) -> None:
    result = open_submission(data, name)
    assert verdicts(result) == [("", verdict)] and (verdict == "report" or result.found[0].says)


def test_a_table_that_names_nothing_is_told_its_headings() -> None:
    (found,) = open_submission(b"name;age\nx;3\n", "people.csv").found
    assert "headings are: name, age" in found.says and found.format == "rows_csv"


@pytest.mark.parametrize(
    "data",
    [
        b'[{"ip": "192.0.2.1", "count": 3, "more": {"ip": "192.0.2.9"}}, {"ip": "x"}, 5]',
        b'{"source": "us", "rows": [{"ip": "192.0.2.1", "count": 3.0}, {"ip": "x"}, 5]}',
        b'{"indicators": [{"ip": "192.0.2.1", "count": "3"}, {"domain": "x"}, 5]}',
        b'\xef\xbb\xbf{"ip": "192.0.2.1", "count": 3}\n{"IP": "x"}\n5\n',
    ],
)
def test_json_in_each_of_its_shapes(data: bytes) -> None:
    result = open_submission(data)
    assert result.found[0].format == "rows_json"
    assert [(row.line, row.verdict, row.count) for row in rows_of(result)] == [
        (1, "claim", 3), (2, "bad-value", 0), (3, "unreadable", 0),
    ]  # fmt: skip


def test_half_a_character_is_no_fault_of_ours() -> None:
    (row,) = rows_of(open_submission(b"domain,type\n\xed\xa0\x80.test,\xff\n"))
    assert row.verdict == "bad-value" and row.found.endswith(".test")
    known = rows.columns(["domain", "type"])
    assert known is not None
    found = rows.row(1, ["\ud800.test", "\ud800"], known)
    assert found is not None and found.verdict == "bad-value" and msgspec.json.encode(found)


def test_a_list_of_texts_in_json() -> None:
    result = open_submission(b'{"indicators": ["evil.test", "192.0.2.1", "no such thing", null]}')
    assert [row.verdict for row in rows_of(result)] == ["claim", "claim", "bad-value", "unreadable"]


def bundle(*objects: dict[str, Any]) -> bytes:
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}).encode()


def indicator(pattern: str, **more: Any) -> dict[str, Any]:
    return {"type": "indicator", "id": "indicator--1", "pattern": pattern, "pattern_type": "stix",
            "valid_from": "2026-11-01T00:00:00Z", "indicator_types": ["malicious-activity"]} | more  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("[ipv4-addr:value = '192.0.2.3']", {"address": "192.0.2.3"}),
        ("[ipv4-addr:value = '192.0.2.0/24']", {"network": "192.0.2.0/24"}),
        ("[ ipv6-addr:value='2001:db8::3' ]", {"address": "2001:db8::3"}),
        ("[domain-name:value = 'evil.test']", {"domain": "evil.test"}),
        ("[url:value = 'http://evil.test/it\\'s']", {"url": "http://evil.test/it's", "domain": "evil.test"}),
        ("[email-addr:value = 'drop@mail.example']", {"mailbox": "drop@mail.example"}),
        ("[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", {"hash": "d41d8cd98f00b204e9800998ecf8427e"}),
        ("[file:hashes.'SHA-256' = '" + "a" * 64 + "']", {"hash": "a" * 64}),
    ],
)
def test_simple_patterns_are_read(pattern: str, values: dict[str, str]) -> None:
    (row,) = rows_of(open_submission(bundle(indicator(pattern))))
    assert dict(row.values) == values and row.time == "2026-11-01T00:00:00Z" and row.word == "malicious-activity"


@pytest.mark.parametrize(
    "found",
    [
        indicator("[ipv4-addr:value = '192.0.2.3' OR ipv4-addr:value = '192.0.2.4']"),
        indicator("[ipv4-addr:value LIKE '192.0.2.%']"),
        indicator("[network-traffic:dst_port = '25']"),
        indicator("alert tcp any any", pattern_type="snort"),
        indicator("[ipv4-addr:value = '192.0.2.3']", revoked=True),
        indicator("[ipv4-addr:value = '" + "\\\\" * 3000),
        {"type": "sighting", "sighting_of_ref": "indicator--9"},
        {"type": "observed-data", "object_refs": ["file--9"], "number_observed": 1},
    ],
)
def test_what_is_not_read_of_a_bundle_is_a_bad_row_with_its_reason(found: dict[str, Any]) -> None:
    (row,) = rows_of(open_submission(bundle(found)))
    assert row.verdict == "pattern" and row.column and row.says


def test_sightings_and_observations_bring_their_counts() -> None:
    data = bundle(
        indicator("[ipv4-addr:value = '192.0.2.3']"),
        {"type": "sighting", "sighting_of_ref": "indicator--1", "count": 50, "last_seen": "2026-11-02T00:00:00Z"},
        {"type": "domain-name", "id": "domain-name--1", "value": "evil.test"},
        {"type": "observed-data", "object_refs": ["domain-name--1"], "number_observed": 7,
         "last_observed": "2026-11-03T00:00:00Z"},
        {"type": "email-addr", "id": "email-addr--1", "value": "drop@mail.example"},
        {"type": "file", "id": "file--1", "hashes": {"MD5": "d" * 32, "SHA-256": "e" * 64}},
    )  # fmt: skip
    found = [(row.line, row.values[0][1], row.count, row.time[:10]) for row in rows_of(open_submission(data))]
    assert found == [
        (1, "192.0.2.3", 0, "2026-11-01"), (2, "192.0.2.3", 50, "2026-11-02"), (4, "evil.test", 7, "2026-11-03"),
        (5, "drop@mail.example", 0, ""), (6, "e" * 64, 0, ""),
    ]  # fmt: skip


def test_every_worksheet_with_a_heading_is_a_table() -> None:
    when = datetime.datetime(2026, 11, 23, 10, 30)
    data = workbook(
        cover=[["Our list"], ["of today"]],
        hosts=[["made by us"], [], ["IP address", "Last seen", "Hits"], ["192.0.2.1", when, 7], ["=1+1", None, 3.0]],
        links=[["URL"], ["hxxp://evil[.]test/"]],
    )
    result = open_submission(data, "list.xlsx")
    assert verdicts(result) == [("hosts", "rows"), ("links", "rows")]
    first, second = rows_of(result)
    assert (first.line, first.values, first.time, first.count) == (
        4, (("address", "192.0.2.1"),), "2026-11-23T10:30:00", 7,
    )  # fmt: skip
    assert (second.line, second.verdict, second.found) == (5, "bad-value", "=1+1")
    assert [each.part for each in result.found] == ["hosts", "links"]


def test_a_workbook_that_names_nothing_and_a_damaged_one_say_so() -> None:
    plain = workbook(a=[["name", "age"], ["x", 3]])
    assert verdicts(open_submission(plain)) == [("", "not-a-report")]
    broken = zipped("xl/workbook.xml", b"<workbook")
    assert verdicts(open_submission(broken)) == [("", "damaged")]


def test_a_workbook_that_would_fill_the_memory_is_not_opened() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
        archive.writestr("xl/sharedStrings.xml", b" " * (rows_xlsx.OUT + 1))
    assert verdicts(open_submission(out.getvalue())) == [("", "limit")]


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_cells_of_a_workbook_one_below_at_and_above(over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_xlsx, "CELLS", 13)
    data = workbook(a=[["ip", "count"], *([f"192.0.2.{n}", 1] for n in range(5 + over))])
    result = open_submission(data)
    assert ("rows" in result.limits) is (over == 1)
    assert len(rows_of(result)) == min(5 + over, 5)


@pytest.mark.parametrize("count", [opened.ROWS - 1, opened.ROWS, opened.ROWS + 1])
def test_rows_of_a_submission_one_below_at_and_above(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered = 1200 + count - opened.ROWS
    desk = opened.Desk(rows=1200)
    item = opened.Item(b"", -1, 0, 0)
    desk.table(item, "rows_csv", (Row(line=n) for n in range(lowered)))
    over = count > opened.ROWS
    assert [each.verdict for each in desk.found] == ["rows", *(["limit"] if over else [])]
    assert [len(msgspec.msgpack.decode(each)) for each in desk.found[0].sheets] == [500, 500, min(lowered, 1200) - 1000]


def test_a_sheet_is_full_by_its_bytes_too() -> None:
    data = b"url\n" + b"".join(b"http://evil.test/%0300d\n" % n for n in range(1500))
    sheets = open_submission(data).found[0].sheets
    assert len(sheets) == 3 and max(map(len, sheets)) < opened.SHEET_SIZE + 10_000
    long = b"url\n" + b"".join(b"http://evil.test/%01900d\n" % n for n in range(500))
    assert len(open_submission(long).found[0].sheets) > 1


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b'ip,count\n"' + b"192.0.2.1,1\n" * 50_000, "rows"),
        (b"ip\n" + b"[.]" * 1_000_000, "rows"),
        (b"ip\n" + b'"' * 1_000_000, "rows"),
        (b"ip," * 300_000 + b"\n" + b"1," * 300_000, "not-a-report"),
        (b"ip\n" + b"\n" * 1_000_000, "empty"),
        (b"\n" * 1_000_000, "empty"),
        (b"#\n" * 500_000, "not-a-report"),
        (b"[" * 1_000_000, "not-a-report"),
        (b'{"rows":' * 200_000, "not-a-report"),
        (b'[{"ip":"' + b"(dot)" * 400_000 + b'"}]', "rows"),
        (b"a.test\n" + b"a." * 1_000_000 + b"\n", "rows"),
        (b"ip\n192.0.2.1\n" + b"\0" * 1_000_000, "rows"),
    ],
    ids=range(12),
)
def test_hostile_tables_have_their_verdict(data: bytes, verdict: str) -> None:
    assert [each.verdict for each in open_submission(data, "a.csv").found] == [verdict]


def test_a_pattern_without_an_end_is_a_bad_row() -> None:
    data = bundle(indicator("[ipv4-addr:value = '" + "\\'" * 500_000))
    assert [row.verdict for row in rows_of(open_submission(data))] == ["pattern"]


def test_a_row_after_an_endless_cell_is_read() -> None:
    data = b'ip,count\n"' + b"x" * 200_000 + b"\n192.0.2.1,4\n"
    found = rows_of(open_submission(data))
    assert [row.verdict for row in found] == ["unreadable", "claim"] and found[-1].count == 4


def test_tables_inside_archives_are_opened() -> None:
    result = open_submission(zipped("a/list.csv", b"ip\n192.0.2.1\n"), "lists.zip")
    assert verdicts(result) == [("a/list.csv", "rows")] and result.made[0].name == "zip"


CSV = b"ip,count\n192.0.2.1,3\n"


@pytest.mark.parametrize(
    ("kind", "name", "data"),
    [
        ("text/csv", "list.csv", CSV),
        ("application/octet-stream", "LIST.CSV", CSV),
        ("text/csv", '""', CSV),
        ("application/zip", "lists.zip", zipped("list.csv", CSV)),
        ("application/json", "list.json", b'[{"ip": "192.0.2.1"}]'),
        ("application/vnd.ms-excel", "list.xlsx", workbook(a=[["ip"], ["192.0.2.1"]])),
        ("application/stix+json", "list.json", bundle(indicator("[ipv4-addr:value = '192.0.2.1']"))),
    ],
)
def test_a_table_attached_to_a_feeds_mail_is_opened(kind: str, name: str, data: bytes) -> None:
    result = open_submission(cover((kind, name, data)), cover=True)
    assert [each.verdict for each in result.found] == ["rows"]
    assert dict(rows_of(result)[0].values) == {"address": "192.0.2.1"}


def test_a_mail_that_is_a_table_is_opened() -> None:
    data = b"From: feed@isp.example\nContent-Type: text/csv\n\n" + CSV
    result = open_submission(data, cover=True)
    assert [each.verdict for each in result.found] == ["rows"] and data[result.found[0].start :] == CSV


def test_mails_beside_a_table_are_lifted_out() -> None:
    data = cover(("text/csv", "list.csv", CSV), ("message/rfc822", "1.eml", MAIL))
    result = open_submission(data, cover=True)
    assert sorted(each.verdict for each in result.found) == ["report", "rows"]


def test_a_reported_mail_that_carries_a_file_stays_a_report() -> None:
    """What a spammer attaches is no list of the reporter's."""
    for name, data in (("offer.xlsx", workbook(a=[["Name", "Price"], ["x", 3]])), ("a.json", b'{"a": 1}')):
        assert [each.verdict for each in open_submission(cover(("x/y", name, data)), cover=True).found] == ["report"]
    result = open_submission(cover(("text/csv", "offer.csv", b"name,price\nx,3\n")), cover=True)
    assert verdicts(result) == [("offer.csv", "not-a-report"), ("", "report")]
    assert verdicts(open_submission(cover(("text/csv", "list.csv", CSV)))) == [("", "report")], (
        "as a file it is the spam"
    )
