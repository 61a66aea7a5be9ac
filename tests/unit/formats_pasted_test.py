"""Pasted headers: folds come back, however the text lost them; what is no header is left alone."""

import pytest

from intake import mime
from intake.formats import Opened, open_submission

HEADER = """\
Delivered-To: ana@isp.example.net
Received: by 2001:db8::1 with SMTP id x1;
        Tue, 3 Nov 2026 08:11:03 +0000 (UTC)
Return-Path: <track@deals.example>
Received: from mail.deals.example (mail.deals.example [203.0.113.77])
        by mx.isp.example.net with ESMTPS id y2
        for <ana@isp.example.net>;
        Tue, 3 Nov 2026 08:11:02 +0000
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=deals.example; s=a;
        h=from:to:subject:date:message-id;
        to:subject:date;
        bh=AAAA=; b=BBBB
X-Google-Smtp-Source: AGHT+IE
From: Parcel <track@deals.example>
To: ana@isp.example.net
Subject: Your parcel
        waits
Date: Tue, 3 Nov 2026 08:10:58 +0000
Message-ID: <1@deals.example>
MIME-Version: 1.0
Content-Type: text/plain
"""
COVER = "From: ana@isp.example.net\nSubject: spam\nContent-Type: %s; charset=utf-8\n\n"
LOST = "\n".join(line.lstrip() for line in HEADER.split("\n"))
WAYS = {
    "as it was": HEADER,
    "blanks of folds lost": LOST,
    "every line doubled": LOST.replace("\n", "\n\n"),
    "entities": LOST.replace("<", "&lt;").replace(">", "&gt;"),
    "quoted": "".join(f"> {line}\n" for line in LOST.splitlines()),
    "blanks that do not break": HEADER.replace("        ", "\u00a0\u00a0"),
}


def cover(text: str, kind: str = "text/plain") -> bytes:
    return (COVER % kind + text).encode()


def check(result: Opened, body: str = "", note: str = "") -> None:
    assert [(found.format, found.verdict) for found in result.found] == [("pasted", "report")]
    found = result.found[0]
    made = result.made[found.source]
    assert (made.name, made.version) == ("reconstructed", "1")
    tree = mime.split(made.data)
    assert [field.name for field in tree.root.fields] == [
        line.partition(":")[0] for line in HEADER.splitlines() if line[0] != " "
    ]
    received = [mime.value(made.data, field) for field in tree.root.fields if field.name == "Received"]
    assert "from mail.deals.example" in received[1] and received[1].endswith("08:11:02 +0000")
    assert mime.first(made.data, tree.root, "from") == "Parcel <track@deals.example>"
    assert mime.first(made.data, tree.root, "subject").split() == ["Your", "parcel", "waits"]
    assert made.data[tree.root.body_start :].decode().strip() == body
    assert found.claims.note == note and "received" not in found.missing
    assert "reconstructed" in found.says and "Origin" not in found.says


@pytest.mark.parametrize("way", WAYS)
def test_a_pasted_header_in_a_mail_comes_out_with_its_folds(way: str) -> None:
    result = open_submission(cover(f"Hello,\nthis is spam.\n\n{WAYS[way]}\n"), cover=True)
    check(result, note="Hello,\nthis is spam.")
    assert result.found[0].missing == ("body",)


@pytest.mark.parametrize("way", WAYS)
def test_all_of_the_source_pasted_has_its_body(way: str) -> None:
    check(open_submission(cover(f"{WAYS[way]}\n\nPay 1.99: now\n"), cover=True), body="Pay 1.99: now")


def test_a_header_pasted_into_html_is_read() -> None:
    lines = "".join(f"<div>{line.strip().replace('<', '&lt;')}</div>" for line in HEADER.splitlines())
    check(open_submission(cover(f"<p>Spam!</p>{lines}", "text/html"), cover=True), note="Spam!")


def test_a_text_file_with_a_pasted_header_is_read() -> None:
    check(open_submission(f"This came today:\n\n\n{LOST}".encode(), "spam.txt"), note="This came today:")


def test_a_file_whose_header_breaks_off_at_a_lost_fold_is_put_together() -> None:
    lost = LOST.encode()
    assert "no-separator" in mime.split(lost).flags
    check(open_submission(lost, ""))


def test_a_mail_with_one_bad_line_in_its_header_stays_as_it_is() -> None:
    data = HEADER.replace("Subject:", "a bad line\nSubject:").encode() + b"\nPay\n"
    result = open_submission(data, "spam.eml")
    assert [found.format for found in result.found] == ["raw"] and result.made == ()


@pytest.mark.parametrize(
    "text",
    [
        "From: a@deals.example\nTo: b\nSubject: x\nDate: today\n\npay\n",
        "I had no Received: line and no Message-ID: either.\n",
        "Received: two parcels\nFrom: the postman\n",
        "Note: see http://x.test\nTo: do\nDate: 3/11\n",
    ],
)
def test_what_readers_are_shown_is_no_pasted_header(text: str) -> None:
    assert [found.format for found in open_submission(cover(text), cover=True).found] != ["pasted"]


def test_a_mail_that_only_quotes_a_header_is_the_message_where_it_is_handed_in_as_a_file() -> None:
    assert [found.format for found in open_submission(cover(f"Look:\n\n{HEADER}\n")).found] == ["raw"]


@pytest.mark.parametrize(
    "text",
    [
        "From: a\n" * 100_000,
        "From: a\nTo: b\nSubject: c\n\n" * 20_000,
        "Received:" * 50_000,
        "Received: a\n\n" * 50_000,
        "From: " + "&lt;" * 90_000 + "\nReceived: a\nTo: b\nDate: c\n",
        "a-" * 200_000 + ": x\n",
    ],
)
def test_hostile_text_is_no_trouble(text: str) -> None:
    for data, as_cover in ((cover(text), True), (text.encode(), False)):
        assert open_submission(data, "x.txt", cover=as_cover).found
