"""Mail that programs read in different ways, as of espoofer and MIME-miner: what is odd about it is flagged."""

import pytest

from intake.message import derive

REST = b"Date: Mon, 23 Nov 2026 10:00:00 +0000\nMessage-ID: <1@a.example>\n"
PART = b"--b\nContent-Type: text/plain\n\nx\n--b--\n"
CASES = {
    "two From fields": (b"From: a@a.example\nFrom: b@b.example\n", "duplicate-from"),
    "two From fields, one with a blank": (b"From: a@a.example\nFrom : b@b.example\n", "duplicate-from"),
    "a blank before the colon": (b"From : a@a.example\n", "blank-before-colon"),
    "a blank line begins the header": (b" \nFrom: a@a.example\n", "bad-header-line"),
    "several mailboxes": (b"From: a@a.example, b@b.example\n", "from-several"),
    "a mailbox in the name": (b'From: "a@bank.example" <b@b.example>\n', "from-name-is-address"),
    "an encoded mailbox": (b"From: =?utf-8?q?a=40bank=2Eexample?= <b@b.example>\n", "from-name-is-address"),
    "no From": (b"Sender: a@a.example\n", "no-from"),
    "no address": (b"From: somebody\n", "from-without-address"),
    "NUL in From": (b"From: a@a.example\0@b.example\n", "nul-bytes"),
    "a bare CR in From": (b"From: a@a.example\r@b.example\n", "bare-cr"),
    "eight bits in From": (b"From: \xe4 <a@a.example>\n", "eight-bit-header"),
    "a direction override": ("From: \u202ea <a@a.example>\n".encode(), "bidi-in-name"),
    "two subjects": (b"From: a@a.example\nSubject: 1\nSubject: 2\n", "duplicate-subject"),
    "two types": (b"Content-Type: text/html\nContent-Type: text/plain\n", "several-content-type"),
    "two encodings": (
        b"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n", "several-content-transfer-encoding",
    ),
    "an encoding that nobody knows": (b"Content-Transfer-Encoding: x-base64\n", "unknown-encoding"),
    "an encoding with more after it": (b"Content-Transfer-Encoding: base64 x\n", "unknown-encoding"),
    "a type that is none": (b"Content-Type: text/plain/html\n", "bad-content-type"),
    "two boundaries": (b"Content-Type: multipart/mixed; boundary=b; boundary=c\n", "several-boundary"),
    "a boundary twice written": (b"Content-Type: multipart/mixed; boundary=b; boundary*0=c\n", "several-boundary"),
    "an encoded multipart": (
        b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n", "encoded-multipart",
    ),
    "a multipart without a boundary": (b"Content-Type: multipart/mixed\n", "no-boundary"),
    "a boundary that never comes": (b"Content-Type: multipart/mixed; boundary=z\n", "boundary-not-found"),
    "no separator": (b"Content-Type: multipart/mixed; boundary=b\n--b\nContent-Type: text/html\n", "no-separator"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_is_flagged(name: str) -> None:
    field, flag = CASES[name]
    assert flag in derive(REST + field + b"\n" + PART).flags or flag in derive(field + REST + b"\n" + PART).flags


def test_plain_mail_is_not() -> None:
    head = REST + b"From: a@a.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=b\n\n"
    assert derive((head + PART).replace(b"\n", b"\r\n")).flags == ()
