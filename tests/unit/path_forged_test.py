# ruff: noqa: E501  (lines stand as servers write them)
"""Signs of forgery: each on a line of its own, none on lines that honest servers write, none above the boundary."""

import pytest

from enrichment.forged import SIGNS
from enrichment.path import walk
from intake.report import Claims
from tests.plain import lines

TOP = (
    "from mail.sender.test (mail.sender.test [198.51.100.7]) by mx.example.org (Postfix) with ESMTP id 1; "
    "Tue, 17 Nov 2026 09:14:52 +0800 (CST)"
)
DATE = "; Tue, 17 Nov 2026 09:14:40 +0800"
CASES = [
    ("trail", "from a.test (a.test [203.0.113.4]) by mx.unrelated.test with ESMTP id 2" + DATE),
    ("helo-address", "from [192.0.2.1] (h.isp.test [203.0.113.4]) by mail.sender.test with ESMTP id 2" + DATE),
    ("numeric-helo", "from 203.0.113.4 (h.isp.test [203.0.113.4]) by mail.sender.test with ESMTP id 2" + DATE),
    ("provider-unnamed", "from m1.yahoo.com (unknown [203.0.113.4]) by mail.sender.test with ESMTP id 2" + DATE),
    ("bare-provider", "from hotmail.com (h.isp.test [203.0.113.4]) by mail.sender.test with ESMTP id 2" + DATE),
    ("double-address", "from [203.0.113.4] by 203.0.113.9 with SMTP id 2" + DATE),
    ("bot-template", "from [203.0.113.4] by mail.sender.test" + DATE),
    ("impossible-address", "from a.test (a.test [240.1.2.3]) by mail.sender.test with ESMTP id 2" + DATE),
    ("impossible-address", "from a.test (HELO a.test) (287.1.2.3) by mail.sender.test with SMTP" + DATE),
    (
        "clock",
        "from a.test (a.test [203.0.113.4]) by mail.sender.test with SMTP id 2; Tue, 17 Nov 2026 09:14:40 AM +0800",
    ),
    ("protocol", "from a.test (a.test [203.0.113.4]) by mail.sender.test with ssmtp id 2" + DATE),
    ("postfix-date", "from a.test (a.test [203.0.113.4]) by mail.sender.test (Postfix) with ESMTP id 2" + DATE),
    ("zone", "from a.test (a.test [203.0.113.4]) by mail.sender.test with ESMTP id 2; Tue, 17 Nov 2026 02:14:40 +0060"),
    (
        "time-order",
        "from a.test (a.test [203.0.113.4]) by mail.sender.test with ESMTP id 2; Tue, 17 Nov 2026 11:14:40 +0800",
    ),
]


def forged(*below: str) -> list[tuple[str, ...]]:
    hops, boundary = walk(lines(TOP, *below), ("mx.example.org",), Claims())
    assert boundary.index == 0
    return [hop.forged for hop in hops]


@pytest.mark.parametrize(("code", "line"), CASES, ids=[row[0] for row in CASES])
def test_sign(code: str, line: str) -> None:
    assert code in forged(line)[1]
    assert SIGNS[code]


def test_every_sign_has_a_case() -> None:
    assert {code for code, _ in CASES} == set(SIGNS)


HONEST = [
    "from a.test (a.test [203.0.113.4]) by mail.sender.test (Postfix) with ESMTP id 2" + DATE + " (CST)",
    "from [10.1.2.3] (h.isp.test [203.0.113.4]) (Authenticated sender: u) by mail.sender.test (Postfix) with ESMTPSA id 2"
    + DATE + " (CST)",
    "from localhost (localhost [127.0.0.1]) by mail.sender.test (Postfix) with ESMTP id 2" + DATE + " (CST)",
    "from a.test ([203.0.113.4]) by mail.sender.test with esmtps (TLS1.3) (Exim 4.98) id 1vK-0-1" + DATE,
    "by mail.sender.test (Postfix, from userid 33) id 2" + DATE,
    "from a.test (a.test [203.0.113.4]) by mail.sender.test with ESMTP id 2; Tue, 17 Nov 2026 09:18:40 +0800",
    "from a.test (203.0.113.4) by mail.sender.test (10.0.0.1) with Microsoft SMTP Server id 15.2" + DATE,
]  # fmt: skip


@pytest.mark.parametrize("line", HONEST)
def test_honest_lines_have_no_sign(line: str) -> None:
    assert forged(line)[1] == ()


def test_nothing_is_suspected_above_the_boundary() -> None:
    odd = "from 10.1.2.3 (10.1.2.3 [10.1.2.3]) by store.example.org (Postfix) with ssmtp id 1" + DATE
    hops, _ = walk(lines(odd, TOP), ("example.org",), Claims())
    assert [hop.forged for hop in hops] == [(), ()]


def test_without_a_boundary_lines_are_not_compared() -> None:
    hops, boundary = walk(lines(CASES[0][1], CASES[-1][1]), ("mx.example.org", "mx.unrelated.test"), Claims())
    assert boundary.index == 0
    hops, boundary = walk(lines("from x by mx.example.org", CASES[-1][1]), ("10.0.0.1",), Claims())
    assert [set(hop.forged) & {"trail", "time-order"} for hop in hops] == [set(), set()]
