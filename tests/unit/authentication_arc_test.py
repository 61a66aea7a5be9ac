"""ARC: chains sealed here, judged from given answers."""

import dkim
import pytest

from enrichment.examination import Check
from tests.mails import PLAIN, evaluated, only, pem, record
from tests.soon import soon

KEY = "TXT s1._domainkey.isp.test"
RESULTS = b"Authentication-Results: mx.isp.test; spf=pass smtp.mailfrom=sender.test\r\n"


def sealed(data: bytes, times: int = 1) -> bytes:
    """`data` with that many ARC sets, the later ones vouching for the earlier."""
    for number in range(times):
        chain = b" arc=pass;" if number else b""
        with_results = RESULTS.replace(b"mx.isp.test;", b"mx.isp.test;" + chain) + data
        lines = dkim.arc_sign(with_results, b"s1", b"isp.test", pem(), b"mx.isp.test", timestamp=1700000000 + number)
        data = b"".join(lines) + data
    return data


def judged(data: bytes, text: str = "") -> Check:
    return only(evaluated(data, {KEY: text or record()}), "arc")


@pytest.mark.parametrize("times", [1, 2])
def test_a_whole_chain_passes(times: int) -> None:
    check = judged(sealed(PLAIN, times))
    assert (check.result, check.domain, check.selector, check.basis) == ("pass", "isp.test", "s1", "verified-now")


def test_a_changed_body_breaks_the_chain() -> None:
    check = judged(sealed(PLAIN).replace(b"1.99", b"9.99"))
    assert check.result == "fail"
    assert "written anew" in check.reason


def test_without_the_key_nothing_can_be_said_and_it_is_asked_for() -> None:
    found = evaluated(sealed(PLAIN))
    assert (only(found, "arc").result, only(found, "arc").reason) == ("unverifiable", "not asked yet")
    assert KEY in [each.id for each in found.questions]
    assert judged(sealed(PLAIN), "withheld").reason == "withheld"
    assert judged(sealed(PLAIN), "nxdomain").reason == "key not published now"


def test_a_chain_that_reports_its_own_failure_is_a_fail() -> None:
    data = sealed(PLAIN).replace(b"cv=none", b"cv=fail")
    assert judged(data).result == "fail"


def test_a_missing_set_is_a_fail() -> None:
    data = sealed(PLAIN, 2)
    start = data.index(b"ARC-Seal: i=1")
    end = data.index(b"\r\nARC", start)
    assert judged(data[:start] + data[end + 2 :]).result == "fail"


def test_more_sets_than_the_limit_are_not_looked_at() -> None:
    found = evaluated(b"".join(b"ARC-Seal: i=%d; cv=pass\r\n" % each for each in range(1, 200)) + PLAIN)
    assert only(found, "arc").reason == "limit: too many ARC sets"
    assert "authentication" in found.limits
    assert not [each for each in found.questions if "_domainkey" in each.name]


@pytest.mark.parametrize("old", [b"i=1;", b"a=rsa-sha256;", b"cv=none"])
def test_odd_sets_never_raise(old: bytes) -> None:
    data = sealed(PLAIN)
    for new in (b"i = 1;", b":i=1;", b"i=99999;", b"", b"i=;", b"\xff"):
        assert judged(data.replace(old, new)).result in ("fail", "unverifiable")


def test_a_run_of_spaces_does_not_hold_the_chain_up() -> None:
    simple = sealed(PLAIN).replace(b"c=relaxed/relaxed", b"c=relaxed/simple")
    with soon():
        assert judged(sealed(PLAIN) + b" " * 200_000 + b"x\r\n").result == "fail"
        assert judged(simple + b" " * 200_000 + b"x\r\n").reason == "limit: runs of white space"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"t=1700000000", b"t=9900000000", "sealed after the mail was received (t=)"),
        (b"c=relaxed", b"x=1700000001; c=relaxed", "an ARC field has x="),
    ],
)
def test_the_clock_of_now_never_judges_a_chain(old: bytes, new: bytes, reason: str) -> None:
    check = judged(sealed(PLAIN).replace(old, new))
    assert (check.result, check.reason) == ("unverifiable", reason)


def test_a_mail_without_chain_has_no_check() -> None:
    assert [each for each in evaluated(PLAIN).checks if each.method == "arc"] == []
