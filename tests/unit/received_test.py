# ruff: noqa: E501  (lines stand as servers write them)
"""Received lines of every dialect, the traps in them, and hostile ones."""

from datetime import UTC, datetime
from typing import Any

import pytest

from enrichment.examination import Hop
from enrichment.received import LONGEST, read
from intake.message import Header
from intake.record import Cite
from tests.soon import soon

CITE = Cite(of="0" * 64, start=0, end=9)
DATE = "Tue, 17 Nov 2026 09:14:52 +0800"
AT = datetime(2026, 11, 17, 1, 14, 52, tzinfo=UTC)


def hop(value: str) -> Hop:
    return read(Header(name="Received", value=value, cite=CITE))


DIALECTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "Postfix",
        "from mail.sender.test (host7.isp.test [198.51.100.7])\r\n\tby mx.example.org (Postfix) with ESMTPS id 4dKq7R2mXbz9sTk",
        {"helo": "mail.sender.test", "rdns": "host7.isp.test", "ip": "198.51.100.7", "by": "mx.example.org",
         "protocol": "ESMTPS", "dialect": "postfix", "unnamed": False},
    ),
    (
        "Postfix without a reverse name",
        "from mail.sender.test (unknown [198.51.100.7]) by mx.example.org (Postfix) with ESMTP id 1",
        {"helo": "mail.sender.test", "rdns": "", "ip": "198.51.100.7", "unnamed": True},
    ),
    (
        "Postfix with TLS comments and IPv6",
        "from out.sender.test (out.sender.test [IPv6:2001:db8:64:25::17]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
        "(256/256 bits) key-exchange x25519) (No client certificate requested) by mx.example.org (Postfix) with ESMTPS id 2",
        {"helo": "out.sender.test", "rdns": "out.sender.test", "ip": "2001:db8:64:25::17", "protocol": "ESMTPS"},
    ),
    (
        "Postfix after a login",
        "from [192.168.1.8] (line.isp.test [198.51.100.7]) (Authenticated sender: u@example.org) by mx.example.org (Postfix) "
        "with ESMTPSA id 3",
        {"helo": "[192.168.1.8]", "rdns": "line.isp.test", "ip": "198.51.100.7", "authenticated": True},
    ),
    (
        "sendmail with ident, may be forged",
        "from pc.local (IDENT:root@line.isp.test [198.51.100.7] (may be forged)) by mx.example.org (8.17.1/8.17.1) with SMTP "
        "id 5AH1EqXY012345 for <u@example.org>",
        {"helo": "pc.local", "rdns": "line.isp.test", "ip": "198.51.100.7", "unnamed": True, "dialect": "postfix"},
    ),
    (
        "sendmail after a login",
        "from python (gw.isp.test [198.51.100.7]) (authenticated bits=0) by mx.example.org (8.17.1/8.17.1) with ESMTP id 1",
        {"ip": "198.51.100.7", "authenticated": True, "protocol": "ESMTP"},
    ),
    (
        "Exim",
        "from host7.isp.test ([198.51.100.7] helo=mail.sender.test) by mx.example.org with esmtp (Exim 4.98) id 1vKzQ7-0a-2X",
        {"helo": "mail.sender.test", "rdns": "host7.isp.test", "ip": "198.51.100.7", "protocol": "ESMTP", "dialect": "exim"},
    ),
    (
        "Exim without a reverse name",
        "from [198.51.100.7] (port=41966 helo=mail.sender.test) by mx.example.org with esmtpsa (Exim 4.98) id 1vKzQ7-0a-2X",
        {"helo": "mail.sender.test", "rdns": "", "ip": "198.51.100.7", "unnamed": True, "authenticated": True},
    ),
    (
        "Exim where both names are one, with port",
        "from host7.isp.test ([198.51.100.7]:2202) by mx.example.org with esmtps (TLS1.3) tls TLS_AES_256 (Exim 4.98)",
        {"helo": "host7.isp.test", "rdns": "host7.isp.test", "ip": "198.51.100.7"},
    ),
    (
        "qmail",
        "from unknown (HELO mail.sender.test) (198.51.100.7) by mx.example.org with SMTP",
        {"helo": "mail.sender.test", "rdns": "", "ip": "198.51.100.7", "unnamed": True, "dialect": "qmail"},
    ),
    (
        "qmail with reverse name and ident",
        "from line.isp.test (HELO golden) (root@198.51.100.7) by mx.example.org with SMTP",
        {"helo": "golden", "rdns": "line.isp.test", "ip": "198.51.100.7", "unnamed": False},
    ),
    (
        "qmail where the host named itself rightly",
        "from line.isp.test (198.51.100.7) by mx.example.org with SMTP",
        {"helo": "line.isp.test", "rdns": "line.isp.test", "ip": "198.51.100.7"},
    ),
    (
        "Yahoo",
        "from 127.0.0.1 (EHLO mail.sender.test) (198.51.100.7) by mta4112.mail.example.org with SMTPS",
        {"helo": "mail.sender.test", "rdns": "", "ip": "198.51.100.7"},
    ),
    (
        "Exchange Online",
        "from mail.sender.test (198.51.100.7) by SA2PEPF1.mail.protection.outlook.com (10.167.242.9) with Microsoft SMTP "
        "Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.8746.27 via Frontend Transport",
        {"helo": "mail.sender.test", "rdns": "", "ip": "198.51.100.7", "by": "sa2pepf1.mail.protection.outlook.com",
         "by_ip": "10.167.242.9", "protocol": "SMTP", "dialect": "exchange", "unnamed": False},
    ),
    (
        "Exchange inside, IPv6",
        "from A.namprd10.prod.outlook.com (2603:10b6:610:55:cafe::47) by B.outlook.office365.com (2603:10b6:610:55::31) with "
        "Microsoft SMTP Server id 15.20.1.1",
        {"ip": "2603:10b6:610:55:cafe::47", "by_ip": "2603:10b6:610:55::31"},
    ),
    (
        "Exchange, MAPI with zone index",
        "from S.example.org ([fe80::d63a:1e42:68c5:46f1]) by S.example.org ([fe80::d63a:1e42:68c5:46f1%6]) with mapi id 15.1",
        {"ip": "fe80::d63a:1e42:68c5:46f1", "protocol": "MAPI"},
    ),
    (
        "Gmail",
        "from mail.sender.test (mail.sender.test. [198.51.100.7]) by mx.google.com with ESMTPS id d9443c01a7336-29f1a si8812345ad",
        {"helo": "mail.sender.test", "rdns": "mail.sender.test", "ip": "198.51.100.7", "dialect": "postfix"},
    ),
    (
        "Gmail inside",
        "by 2002:a05:7010:1a2b:b0:3f1:22c4:9a with SMTP id n7csp1482201wmi",
        {"ip": "", "by_ip": "2002:a05:7010:1a2b:b0:3f1:22c4:9a", "dialect": "by", "protocol": "SMTP"},
    ),
    (
        "Gmail's program interface",
        "from 77463558223 named unknown by gmailapi.google.com with HTTPREST",
        {"helo": "", "ip": "", "protocol": "HTTPREST", "authenticated": True, "dialect": "local"},
    ),
    (
        "Coremail (163)",
        "from mail.sender.test (unknown [198.51.100.7]) by mx7 (Coremail) with SMTP id MMCowABnbWhE.S2",
        {"helo": "mail.sender.test", "ip": "198.51.100.7", "by": "mx7", "unnamed": True},
    ),
    (
        "Coremail's web mail",
        "from u$example.org ( [198.51.100.7] ) by ajax-webmail-wmsvr1 (Coremail)",
        {"ip": "198.51.100.7", "by": "ajax-webmail-wmsvr1"},
    ),
    (
        "QQ",
        "from mail.sender.test (unknown [198.51.100.7]) by newxmmxszc6.example.org (NewMX) with SMTP id 8F1A",
        {"helo": "mail.sender.test", "ip": "198.51.100.7", "unnamed": True, "dialect": "named"},
    ),
    (
        "CommuniGate",
        "from [198.51.100.7] (HELO mail.sender.test) by mx.example.org (CommuniGate Pro SMTP 6.3) with ESMTP id 781577",
        {"helo": "mail.sender.test", "ip": "198.51.100.7", "dialect": "communigate", "unnamed": False},
    ),
    (
        "CommuniGate after a login",
        "from [198.51.100.7] (account u@example.org HELO pc) by mx.example.org (CommuniGate Pro SMTP 6.3) with ESMTPSA id 1",
        {"helo": "pc", "ip": "198.51.100.7", "authenticated": True},
    ),
    (
        "Domino",
        "from mail.sender.test ([198.51.100.7]) by notes.example.org (HCL Domino Release 12.0.2) with ESMTP id 0117-5",
        {"helo": "mail.sender.test", "ip": "198.51.100.7", "unnamed": False},
    ),
    (
        "fetchmail",
        "from pop.example.org [198.51.100.9] by localhost with POP3 (fetchmail-6.5.1) for <u@localhost> (single-drop)",
        {"rdns": "pop.example.org", "ip": "198.51.100.9", "protocol": "POP3", "dialect": "fetch", "helo": ""},
    ),
    (
        "PowerMTA, envelope behind the date",
        f"from app4 (198.51.100.7) by mta.sender.test (PowerMTA(TM) v5.0) id h8o1km; {DATE} (envelope-from <b@sender.test>)",
        {"helo": "app4", "ip": "198.51.100.7", "by": "mta.sender.test", "time": AT},
    ),
    (
        "IMail",
        "from mail.sender.test [198.51.100.7] by mx.example.org with ESMTP (SMTPD32-8.15) id AB47A4902A4",
        {"helo": "mail.sender.test", "rdns": "", "ip": "198.51.100.7", "dialect": "imail"},
    ),
    (
        "Dovecot",
        "from mx1.example.org ([10.40.1.10]) by store-02.example.org (Dovecot) with LMTP id 3k7dEAvBHWoMHwIAp3VdCA",
        {"ip": "10.40.1.10", "protocol": "LMTP"},
    ),
    (
        "web mail with login",
        "from 198.51.100.7 (SquirrelMail authenticated user u) by webmail.example.org with HTTP",
        {"ip": "198.51.100.7", "authenticated": True, "protocol": "HTTP"},
    ),
    (
        "SendGrid, no semicolon",
        "from sender.test (unknown) by geopod-ismtpd-26 (SG) with ESMTP id lx0zRrOqR Tue, 17 Nov 2026 01:14:52.216 +0000 (UTC)",
        {"helo": "sender.test", "ip": "", "by": "geopod-ismtpd-26", "time": AT},
    ),
    ("Postfix, local", "by mx.example.org (Postfix, from userid 33) id 5F1A2", {"by": "mx.example.org", "ip": ""}),
    ("Exim, local", "from www-data by web.example.org with local (Exim 4.98) id 1v-0-1", {"protocol": "LOCAL", "ip": ""}),
    ("pick-up service", "from mail pickup service by S.example.org with Microsoft SMTPSVC", {"protocol": "SMTP", "ip": ""}),
    ("sendmail, local", "(from u@localhost) by mx.example.org (8.17.1/8.17.1/Submit) id 5AH", {"by": "mx.example.org"}),
    (
        "smap",
        "from unknown(198.51.100.7) by gw.example.org via smap (V2.1) id xma014309",
        {"ip": "198.51.100.7", "helo": "", "protocol": "SMAP"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), [row[1:] for row in DIALECTS], ids=[row[0] for row in DIALECTS])
def test_dialect(value: str, expected: dict[str, Any]) -> None:
    read_ = hop(value if "2026" in value else f"{value}; {DATE}")
    assert {name: getattr(read_, name) for name in expected} == expected
    assert read_.parsed
    assert read_.time == AT


@pytest.mark.parametrize(
    "value", ["(qmail 9506 invoked from network); 17 Nov 2026 01:14:52 -0000", "(EGP: mail-8); " + DATE]
)
def test_queue_lines_are_understood(value: str) -> None:
    read_ = hop(value)
    assert (read_.parsed, read_.ip, read_.time) == (True, "", AT)


TRAPS = [
    (
        "a fake address in what the host called itself",
        "from [8.8.8.8] (line.isp.test [198.51.100.7]) by mx.example.org",
    ),
    (
        "a fake address behind the real one",
        "from line.isp.test ([198.51.100.7] helo=[8.8.8.8]) by mx.example.org with smtp",
    ),
    ("another", "from [198.51.100.7] (helo=[8.8.8.8]) by mx.example.org with esmtp (Exim 4.98)"),
    ("a fake address in qmail's HELO", "from unknown (HELO 8.8.8.8) (198.51.100.7) by mx.example.org with SMTP"),
    (
        "a version number",
        "from h.test (h.test [198.51.100.7]) by mx.example.org (MailSite SMTP Receiver 9.1.2.3) with ESMTP",
    ),
    ("a message id", "from h.test (h.test [198.51.100.7]) by mx.example.org with ESMTP id 8.8.8.8"),
    ("an address in for", "from h.test (h.test [198.51.100.7]) by mx.example.org with ESMTP id 1 for <u@[8.8.8.8]>"),
    ("a host that calls itself by", "from by (line.isp.test [198.51.100.7]) by mx.example.org (Postfix) with ESMTP"),
    ("IPv4 written as IPv6", "from h.test (h.test [IPv6:::ffff:198.51.100.7]) by mx.example.org (Postfix) with ESMTP"),
]


@pytest.mark.parametrize("value", [row[1] for row in TRAPS], ids=[row[0] for row in TRAPS])
def test_only_the_address_of_the_connection_is_taken(value: str) -> None:
    read_ = hop(f"{value}; {DATE}")
    assert (read_.ip, read_.by, read_.by_ip) == ("198.51.100.7", "mx.example.org", "")


def test_what_the_host_called_itself_never_makes_a_login() -> None:
    value = "from x (HELO authenticated) (198.51.100.7) by mx.example.org with SMTP"
    assert hop(f"{value}; {DATE}").authenticated is False
    assert hop(f"from ESMTPA (x.test [198.51.100.7]) by mx.example.org with ESMTP; {DATE}").authenticated is False


def test_an_impossible_address_is_marked_and_not_taken() -> None:
    read_ = hop(f"from unknown (HELO relay4.sender.test) (287.41.9.118) by smtp02.sender.test via HTTP; {DATE}")
    assert (read_.ip, read_.forged, read_.parsed) == ("", ("impossible-address",), True)


@pytest.mark.parametrize(
    "value",
    ["", "apparently", "from localhost Jun 2015 21: 10:15 +0200", "from " + "a" * LONGEST, "from x [AA.BB.CC.53] by y"],
)
def test_what_cannot_be_read_is_kept(value: str) -> None:
    read_ = hop(value)
    assert (read_.parsed, read_.ip, read_.cite) == (False, "", CITE)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("17 Nov 2026 01:14:52 -0000", AT),
        ("Tue, 17 Nov 26 01:14:52 GMT", AT),
        ("Tue Nov 17 01:14:52 UTC 2026", AT),
        ("Mon, 16 Nov 2026 17:14:52 PST", AT),
        ("Tue, 17-Nov-2026 01:14:52 AM +0000", AT),
        ("Tue, 17 Nov 2026 01:14:52", None),
        ("Tue, 17 Nov 2026 01:14:52 XYZ", None),
        ("Tue, 45 Nov 2026 01:14:52 +0000", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", None),
    ],
)
def test_times(stamp: str, expected: datetime | None) -> None:
    assert hop(f"from x.test (x.test [198.51.100.7]) by mx.example.org; {stamp}").time == expected


@pytest.mark.parametrize(
    "piece", ["(", ")", "((a) ", "from ", "by ", "[", "a.", "1.", ":", "HELO ", "a@", "(a [", " (HELO ["]
)
def test_reading_is_linear(piece: str) -> None:
    with soon():
        for start in ("", "from ", "from x (", "from x ([198.51.100.7] helo=", "from x (HELO "):
            for end in ("", ") by x; " + DATE):
                hop((start + piece * LONGEST)[: LONGEST - 60] + end)
