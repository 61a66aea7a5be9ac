"""Reported results: who wrote them, where they stand, and when they are believed."""

import pytest

from enrichment.examination import Boundary, Check
from tests.mails import PLAIN, RECEIVED, boundary, evaluated
from tests.soon import soon

RESULTS = (
    b"Authentication-Results: mx.isp.test;\r\n dkim=pass header.i=@sender.test header.s=s1 header.b=abc;\r\n"
    b" spf=softfail (isp.test: domain of news@bounce.sender.test) smtp.mailfrom=news@bounce.sender.test;\r\n"
    b" dmarc=fail (p=REJECT sp=NONE) header.from=sender.test\r\n"
)
EDGES = ("isp.test",)


def claimed(data: bytes, edges: tuple[str, ...] = EDGES, hop: Boundary | None = None) -> list[Check]:
    found = evaluated(data, edges=edges, hop=hop or boundary(data))
    return [each for each in found.checks if each.basis.startswith("asserted")]


def test_methods_results_domains_and_cites_are_read() -> None:
    data = RESULTS + RECEIVED + PLAIN
    checks = claimed(data)
    assert [(each.method, each.result, each.domain, each.selector) for each in checks] == [
        ("dkim", "pass", "sender.test", "s1"),
        ("spf", "softfail", "bounce.sender.test", ""),
        ("dmarc", "fail", "sender.test", ""),
    ]
    assert {each.by for each in checks} == {"mx.isp.test"}
    (cite,) = checks[0].cites
    assert data[cite.start : cite.end] + b"\r\n" == RESULTS


@pytest.mark.parametrize("edges", [("isp.test",), ("mx.isp.test",), ("other.test", "MX.ISP.test")])
def test_the_reporters_own_server_above_its_own_line_is_trusted(edges: tuple[str, ...]) -> None:
    assert {each.basis for each in claimed(RESULTS + RECEIVED + PLAIN, edges)} == {"asserted-trusted"}


@pytest.mark.parametrize("edges", [(), ("",), ("test.isp",), ("p.test",), ("other.test",), ("sub.mx.isp.test",)])
def test_another_server_is_not_trusted(edges: tuple[str, ...]) -> None:
    assert {each.basis for each in claimed(RESULTS + RECEIVED + PLAIN, edges)} == {"asserted-untrusted"}


def test_below_the_own_line_anyone_could_have_written_it() -> None:
    assert {each.basis for each in claimed(RECEIVED + RESULTS + PLAIN)} == {"asserted-untrusted"}


def test_a_planted_field_stays_untrusted_beside_the_true_one() -> None:
    planted = b"Authentication-Results: mx.isp.test; dmarc=pass header.from=bank.test\r\n"
    checks = claimed(RESULTS + RECEIVED + planted + PLAIN)
    assert [each.basis for each in checks if each.domain == "bank.test"] == ["asserted-untrusted"]
    assert [each.basis for each in checks].count("asserted-trusted") == 3


def test_without_a_boundary_nothing_is_trusted() -> None:
    assert {each.basis for each in claimed(RESULTS + PLAIN, hop=Boundary())} == {"asserted-untrusted"}


@pytest.mark.parametrize(
    "name", [b"ARC-Authentication-Results: i=1;", b"X-Authentication-Results:", b"Authentication-Results-Original:"]
)
def test_copies_under_another_name_are_never_trusted(name: bytes) -> None:
    data = RESULTS.replace(b"Authentication-Results:", name, 1) + RECEIVED + PLAIN
    assert [(each.method, each.basis) for each in claimed(data)] == [
        ("dkim", "asserted-untrusted"),
        ("spf", "asserted-untrusted"),
        ("dmarc", "asserted-untrusted"),
    ]


def test_a_field_without_an_id_is_read_and_not_trusted() -> None:
    field = b"Authentication-Results: spf=pass (sender IP is 192.0.2.25)\r\n smtp.mailfrom=sender.test; dkim=none\r\n"
    checks = claimed(field + RECEIVED + PLAIN)
    assert [(each.method, each.result, each.by, each.basis) for each in checks] == [
        ("spf", "pass", "", "asserted-untrusted"),
        ("dkim", "none", "", "asserted-untrusted"),
    ]


def test_methods_of_no_standard_are_left_out() -> None:
    field = b"Authentication-Results: mx.isp.test; compauth=pass reason=100; iprev=fail policy.iprev=192.0.2.25\r\n"
    assert [(each.method, each.result) for each in claimed(field + RECEIVED + PLAIN)] == [("iprev", "fail")]


@pytest.mark.parametrize(
    ("field", "by", "basis"),
    [
        (
            b"pass (mx.isp.test: designates) client-ip=192.0.2.25; receiver=mx.isp.test;",
            "mx.isp.test",
            "asserted-trusted",
        ),
        (b"Pass (isp.test: domain of news@sender.test) client-ip=192.0.2.25;", "isp.test", "asserted-trusted"),
        (b"pass (other.test: domain of news@sender.test) client-ip=192.0.2.25;", "other.test", "asserted-untrusted"),
        (b"pass client-ip=192.0.2.25", "", "asserted-untrusted"),
    ],
)
def test_received_spf(field: bytes, by: str, basis: str) -> None:
    line = b"Received-SPF: " + field + b' envelope-from="news@sender.test"; helo=mx.sender.test\r\n'
    (check,) = claimed(line + RECEIVED + PLAIN)
    assert (check.method, check.result, check.by, check.basis) == ("spf", "pass", by, basis)
    assert check.reason == "Received-SPF for 192.0.2.25"


def test_received_spf_names_the_domain() -> None:
    line = b'Received-SPF: fail (mx.isp.test: no) envelope-from="x@bad.test"; helo=h.bad.test; client-ip=192.0.2.25\r\n'
    (check,) = claimed(line + RECEIVED + PLAIN)
    assert (check.result, check.domain) == ("fail", "bad.test")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b";",
        b"mx.isp.test",
        b"mx.isp.test; none",
        b"mx.isp.test; =pass",
        b"mx.isp.test 9; spf=pass",
        b"\xff; spf=pass",
        b"(",
        b"x; spf=<b>",
    ],
)
def test_what_cannot_be_read_says_nothing(value: bytes) -> None:
    assert (
        claimed(b"Authentication-Results: " + value + b"\r\nReceived-SPF: " + value + b"\r\n" + RECEIVED + PLAIN) == []
    )


@pytest.mark.parametrize(
    "value", [b"(" * 3900, b"()" * 1900, b"a " * 1900, b"smtp." * 700, b'reason="' + b'\\"' * 1900, b"; spf=pass" * 390]
)
def test_hostile_fields_end_quickly(value: bytes) -> None:
    with soon():
        checks = claimed(b"Authentication-Results: mx.isp.test; spf=pass " + value + b"\r\n" + RECEIVED + PLAIN)
    assert len(checks) <= 20


def test_long_deep_and_many_fields_are_named_limits() -> None:
    long = b"Authentication-Results: mx.isp.test; spf=pass (" + b"x" * 5000 + b")\r\n"
    deep = b"Authentication-Results: mx.isp.test; spf=pass " + b"(" * 11 + b")" * 11 + b"\r\n"
    many = b"Authentication-Results: mx.isp.test; spf=pass smtp.mailfrom=a.test\r\n" * 25
    for field, count in ((long, 0), (deep, 0), (many, 20)):
        data = field + RECEIVED + PLAIN
        found = evaluated(data, edges=EDGES, hop=boundary(data))
        assert "authentication-results" in found.limits
        assert len([each for each in found.checks if each.basis.startswith("asserted")]) == count
