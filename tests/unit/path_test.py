# ruff: noqa: E501  (lines stand as servers write them)
"""The walk to the boundary: by registered edges, by inference, against lines that the sender typed, and with claims."""

import pytest

from enrichment.examination import Boundary, Hop
from enrichment.path import walk
from intake.report import Claims
from tests.plain import lines

DATE = "; Tue, 17 Nov 2026 09:14:52 +0800"
EVIL = (
    "from mail.bank.test (line7.isp.test [198.51.100.7]) by mx1.example.org (Postfix) with ESMTP id 4dKq"
    + DATE
    + " (CST)"
)
FORGED = (
    "from mx9.bank.test (mx9.bank.test [203.0.113.99]) by mx1.example.org (Postfix) with ESMTP id 9zzz"
    + DATE
    + " (CST)"
)
STORE = "from mx1.example.org ([10.40.1.10]) by store.example.org (Dovecot) with LMTP id 3k7d" + DATE
EDGES = ("mx1.example.org",)


def walked(
    *received: str, edges: tuple[str, ...] = EDGES, source_ip: str = "", more: str = ""
) -> tuple[list[Hop], Boundary]:
    hops, boundary = walk(lines(*received, more=f"From: a@sender.test\n{more}"), edges, Claims(source_ip=source_ip))
    return list(hops), boundary


@pytest.mark.parametrize(
    "edges", [("mx1.example.org",), ("example.org",), ("EXAMPLE.org.", "10.0.0.0/8"), ("mx1.example.org", "rubbish/x")]
)
def test_the_edge_that_took_the_mail_is_the_boundary(edges: tuple[str, ...]) -> None:
    hops, boundary = walked(STORE, EVIL, FORGED, edges=edges)
    assert (boundary.index, boundary.ip, boundary.confidence) == (1, "198.51.100.7", "high")
    assert (boundary.helo, boundary.rdns) == ("mail.bank.test", "line7.isp.test")
    assert boundary.cite == hops[1].cite
    assert [hop.zone for hop in hops] == ["edge", "edge", "claimed"]


def test_an_edge_is_known_by_its_address_too() -> None:
    line = "from h.test (198.51.100.7) by EX1 (192.0.2.9) with Microsoft SMTP Server id 15.2" + DATE
    assert walked(line, edges=("192.0.2.0/28",))[1].ip == "198.51.100.7"


def test_a_sender_inside_the_registered_networks_is_passed() -> None:
    inner = "from relay (relay [192.0.2.9]) by mx1.example.org (Postfix) with ESMTP id 1" + DATE
    outer = "from x.test (x.test [198.51.100.7]) by relay (192.0.2.9) with Microsoft SMTP Server" + DATE
    assert walked(inner, outer, edges=(*EDGES, "192.0.2.9"))[1].index == 1


def test_a_confirmed_name_of_an_edge_is_passed() -> None:
    inner = "from mx1.example.org (mx1.example.org [192.0.2.9]) by imap.example.org (Postfix) with ESMTP id 1" + DATE
    assert walked(inner, EVIL, edges=("example.org",))[1].index == 1


def test_a_host_that_only_calls_itself_an_edge_is_not_passed() -> None:
    liar = "from mx1.example.org (line7.isp.test [198.51.100.7]) by imap.example.org (Postfix) with ESMTP id 1" + DATE
    _, boundary = walked(liar, FORGED, edges=("example.org",))
    assert (boundary.ip, boundary.confidence) == ("198.51.100.7", "low")
    assert "calls itself mx1.example.org" in boundary.reason


@pytest.mark.parametrize(
    "unconfirmed",
    [
        "from mx1.example.org (mx1.example.org [198.51.100.7] (may be forged)) by imap.example.org (8.17.1/8.17.1) with ESMTP",
        "from mx1.example.org (HELO mx1.example.org) (198.51.100.7) by imap.example.org with SMTP",
        "from mx1.example.org (mx1.example.org [198.51.100.7]) by imap.example.org (Some Server) with ESMTP",
    ],
)
def test_a_reverse_name_that_is_not_confirmed_is_not_passed(unconfirmed: str) -> None:
    assert walked(unconfirmed + DATE, FORGED, edges=("example.org",))[1].ip == "198.51.100.7"


def test_what_the_sender_typed_is_never_the_boundary() -> None:
    """The real edge is not registered; a forged line below names a registered one."""
    real = "from evil.test (evil.test [198.51.100.7]) by mx2.another.test (Postfix) with ESMTP id 1" + DATE
    _, boundary = walked(real, FORGED)
    assert (boundary.index, boundary.ip, boundary.confidence) == (-1, "", "none")
    assert "mx2.another.test, which is no registered edge" in boundary.reason


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("from x [unreadable] by mx1.example.org (Postfix) with ESMTP id 1", "can't be read"),
        ("from evil.test by mx1.example.org with SMTP id 1", "names no address"),
    ],
)
def test_below_an_edge_line_without_an_address_nothing_is_certain(line: str, fault: str) -> None:
    _, boundary = walked(line + DATE, FORGED)
    assert boundary.index == -1
    assert fault in boundary.reason


def test_an_unread_line_above_lowers_the_confidence_and_one_below_does_not() -> None:
    assert walked("some words that no server writes", EVIL)[1].confidence == "medium"
    assert walked("words", "words", EVIL)[1].confidence == "low"
    hops, boundary = walked(EVIL, "words")
    assert (boundary.confidence, hops[1].parsed) == ("high", False)


def test_a_login_at_the_edge_is_the_boundary() -> None:
    line = "from pc (line7.isp.test [198.51.100.7]) (Authenticated sender: u) by mx1.example.org (Postfix) with ESMTPSA id 1"
    _, boundary = walked(line + DATE, FORGED)
    assert boundary.index == 0
    assert "logged in" in boundary.reason


def test_no_lines() -> None:
    hops, boundary = walked(edges=())
    assert (hops, boundary.index, boundary.reason) == ([], -1, "no Received lines")


def test_edges_that_no_line_names_leave_a_guess() -> None:
    _, boundary = walked(STORE, EVIL, edges=("mx.elsewhere.test",))
    assert (boundary.ip, boundary.confidence) == ("198.51.100.7", "low")
    assert boundary.reason.startswith("no line names one of the reporter's registered edges")


def test_inferred_from_the_topmost_server() -> None:
    hops, boundary = walked(STORE, EVIL, FORGED, edges=())
    assert (boundary.index, boundary.confidence) == (1, "medium")
    assert boundary.reason.startswith("inferred: 198.51.100.7")
    assert hops[2].zone == "claimed"


def test_inferred_below_the_readers_own_fetching() -> None:
    fetch = "from pop.example.org [192.0.2.9] by localhost with POP3 (fetchmail-6.5.1) for <u@localhost>" + DATE
    local = "from localhost (localhost [127.0.0.1]) by laptop.home.test (Postfix) with ESMTP id 1" + DATE
    assert walked(local, fetch, EVIL, edges=())[1] == Boundary(
        index=2,
        ip="198.51.100.7",
        helo="mail.bank.test",
        rdns="line7.isp.test",
        confidence="medium",
        reason="inferred: 198.51.100.7 is the first public address from which mx1.example.org took the mail",
        cite=walked(local, fetch, EVIL, edges=())[0][2].cite,
    )


MICROSOFT = (
    "from A.namprd10.prod.outlook.com (::1) by B.namprd10.prod.outlook.com with HTTPS" + DATE,
    "from C.namprd04.prod.outlook.com (2603:10b6:610:55:cafe::47) by D.outlook.office365.com (2603:10b6:610:55::31) with "
    "Microsoft SMTP Server id 15.20.1.1" + DATE,
    "from E.outbound.protection.outlook.com (52.100.209.210) by F.mail.protection.outlook.com (10.167.8.134) with "
    "Microsoft SMTP Server id 15.20.1.1" + DATE,
    "from G.eurprd10.prod.outlook.com (2603:10a6:1:2::3) by H.eurprd10.prod.outlook.com (2603:10a6:4:5::6) with Microsoft "
    "SMTP Server id 15.20.1.1" + DATE,
)


@pytest.mark.parametrize("edges", [(), ("outlook.com",), ("hotmail.com",)])
def test_a_providers_own_outbound_host_is_a_sender_like_any_other(edges: tuple[str, ...]) -> None:
    assert walked(*MICROSOFT, edges=edges)[1].ip == "52.100.209.210"


def test_inside_gmail() -> None:
    inner = "by 2002:a05:7010:1a2b:b0:3f1:22c4:9a with SMTP id n7csp1" + DATE
    outer = "from h.test (h.test. [198.51.100.7]) by mx.google.com with ESMTPS id d9si1" + DATE
    assert walked(inner, outer, edges=("gmail.com",))[1].index == 1


def test_an_inferred_side_may_have_a_gateway_of_its_own() -> None:
    inner = "from gw.example.org (192.0.2.9) by ex1.example.org (192.0.2.10) with Microsoft SMTP Server id 15.2" + DATE
    outer = "from x.test (x.test [198.51.100.7]) by gw.example.org (Postfix) with ESMTP id 1" + DATE
    _, boundary = walked(inner, outer, edges=())
    assert (boundary.index, boundary.confidence) == (1, "low")
    assert "passed over" in boundary.reason


@pytest.mark.parametrize(
    ("source_ip", "confidence", "says"),
    [
        ("198.51.100.7", "high", "claims the same address"),
        ("[IPv6:::ffff:198.51.100.7]", "high", "claims the same address"),
        ("203.0.113.99", "low", "claims 203.0.113.99, which stands in another line"),
        ("192.0.2.77", "low", "claims 192.0.2.77, which stands in no line"),
        ("nonsense", "medium", "can't be read"),
    ],
)
def test_the_claimed_address_is_compared_and_not_used(source_ip: str, confidence: str, says: str) -> None:
    _, boundary = walked(EVIL, FORGED, edges=(), source_ip=source_ip)
    assert (boundary.ip, boundary.confidence) == ("198.51.100.7", confidence)
    assert says in boundary.reason


def test_a_claim_alone_makes_no_boundary() -> None:
    _, boundary = walked(STORE, source_ip="198.51.100.7")
    assert (boundary.index, boundary.ip) == (-1, "")
    assert "which no line confirms" in boundary.reason


def test_a_forwarders_own_lines() -> None:
    forwarder = (
        "from fwd.alumni.test (fwd.alumni.test [192.0.2.30]) by mx1.example.org (Postfix) with ESMTP id 1" + DATE
    )
    taken = "from x.test (x.test [198.51.100.7]) by fwd.alumni.test (Postfix) with ESMTP id 2" + DATE
    hops, boundary = walked(forwarder, taken, EVIL, more="Return-Path: <SRS0=a=b=c.test=u@alumni.test>\n")
    assert boundary.ip == "192.0.2.30"
    assert [hop.zone for hop in hops] == ["edge", "forwarder", "claimed"]
    assert [hop.zone for hop in walked(forwarder, taken, EVIL)[0]] == ["edge", "claimed", "claimed"]
