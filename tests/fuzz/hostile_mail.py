"""Hostile submissions: each made on the spot, with words of which the verdict on it must have one.

7z and other archives that libarchive reads are not in here. Every name and address is a reserved one.
"""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.cfb import compound, outlook_message

MB = 1_000_000
K = 1000
HEAD = (
    b"Received: from a.example (a.example [192.0.2.1]) by mx.example.net with ESMTP; Mon, 23 Nov 2026 10:00:00 +0000\n"
    b"From: A <a@a.example>\nTo: b@example.net\nSubject: hostile\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n"
    b"Message-ID: <1@a.example>\nMIME-Version: 1.0\n"
)
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\n\n"
PLAIN = HEAD + b"Content-Type: text/plain\n\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"


@dataclass(frozen=True)
class Case:
    """Bytes of a submission; `says` are words of which the verdict must have one, none where no limit is met."""

    make: Callable[[], bytes]
    says: tuple[str, ...] = ()
    filename: str = "report.eml"
    cover: bool = False


def header(field: bytes, *says: str) -> Case:
    """A mail with that field on top."""
    return Case(lambda: field + b"\n" + HEAD + b"\nbody\n", says)


def html(markup: bytes, *says: str) -> Case:
    return Case(lambda: HTML + markup, says)


def plain(text: bytes, *says: str) -> Case:
    return Case(lambda: PLAIN + text, says)


def part(kind: bytes, body: bytes, more: bytes = b"") -> bytes:
    return b"--b\nContent-Type: " + kind + b"\n" + more + b"\n" + body + b"\n"


def file(make: Callable[[], bytes], filename: str, *says: str) -> Case:
    return Case(make, says, filename)


# Trees


def own_delimiters() -> bytes:
    """Multiparts in one another, each begun in the header of the one before, without an empty line."""
    chain = b"".join(b"Content-Type: multipart/mixed; boundary=c%d\n--c%d\n" % (n, n) for n in range(60))
    return MIXED + b"".join(b"--b\n" + chain + b"A: b\n" * 1500 for _ in range(200))


def near_boundaries() -> bytes:
    boundary = b"x" * 69
    return (
        HEAD + b"Content-Type: multipart/mixed; boundary=" + boundary + b"y\n\n" + (b"--" + boundary + b"\n") * 300 * K
    )


# Archives


def zipped(names: int, data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for number in range(names):
            archive.writestr(f"{number}.eml", data)
    return out.getvalue()


def overlapping(entries: int, size: int) -> bytes:
    """A zip whose directory names one and the same file many times (Fifield's bomb, without its quoting)."""
    data = zipped(1, bytes(size))
    at = data.rfind(b"PK\x05\x06")
    (start,) = struct.unpack_from("<I", data, at + 16)
    one = data[start:at]
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, entries, entries, len(one) * entries, start, 0)
    return data[:start] + one * entries + end


def nested_zip(levels: int) -> bytes:
    data = PLAIN + b"inside"
    for level in range(levels):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a.eml" if not level else "a.zip", data)
        data = out.getvalue()
    return data


def gz_bomb(size: int) -> bytes:
    """`size` bytes of nothing, packed piece by piece."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(bytes(MB)) for _ in range(size // MB)]) + packer.flush()


def tar(entries: int, link: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number in range(entries):
            info = tarfile.TarInfo(f"{number}.eml")
            if link:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            info.size = 0 if link else len(PLAIN)
            archive.addfile(info, io.BytesIO(PLAIN))
    return out.getvalue()


def mailbox(messages: int) -> bytes:
    one = b"From a@a.example Mon Nov 23 10:00:00 2026\n" + PLAIN + b"x\n\n"
    return one * messages


# Outlook


def outlook(properties: dict[int, str | bytes | datetime]) -> bytes:
    return outlook_message({0x001A: "IPM.Note", **properties}, {0x3003: "a@example.net"})


def rtf(plain_: bytes) -> bytes:
    """RTF stored without compression (MS-OXRTFCP section 2.1.3.1)."""
    return struct.pack("<4I", len(plain_) + 12, len(plain_), 0x414C454D, 0) + plain_


def cyclic(table: bool) -> bytes:
    """An Outlook item whose sectors lead round in a circle: the allocation table's own chain, or a stream's."""
    data = bytearray(outlook({0x1000: "x" * 40 * K}))
    (fat,) = struct.unpack_from("<I", data, 76)
    if table:
        struct.pack_into("<2I", data, 68, 0, 0xFFFFFF)
        return bytes(data)
    for number in range(60):
        struct.pack_into("<I", data, 512 + fat * 512 + 4 * number, max(number - 1, 0))
    return bytes(data)


def circle_of_storages() -> bytes:
    """Every entry of the directory names the first one as its child."""
    data = bytearray(outlook({0x1000: "x"}))
    (start,) = struct.unpack_from("<I", data, 48)
    for number in range((len(data) - 512 - start * 512) // 128):
        at = 512 + start * 512 + number * 128
        if data[at + 66] in (1, 5):
            struct.pack_into("<3I", data, at + 68, 0, 0, 0)
    return bytes(data)


def storages(levels: int) -> bytes:
    tree: dict[str, object] = {"x": b"y"}
    for _ in range(levels):
        tree = {"__substg1.0_3701000D": tree}
    return compound(tree)  # type: ignore[arg-type]


CASES: dict[str, Case] = {
    # MIME
    "10,000 multiparts in one another": Case(
        lambda: (
            HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(10 * K))
        ), ("depth",)
    ),
    "10,000 messages in one another": Case(lambda: HEAD + b"Content-Type: message/rfc822\n\n" * 10 * K, ("depth",)),
    "100,000 parts": Case(lambda: MIXED + b"--b\n\nx\n" * 100 * K, ("parts",)),
    "100,000 parts that are messages": Case(
        lambda: MIXED + b"--b\nContent-Type: message/rfc822\n\nFrom: x\n\nx\n" * 100 * K, ("parts",), cover=True
    ),
    "1,000 parts with 2,000 fields each": Case(
        lambda: MIXED + (b"--b\n" + b"A: b\n" * 2000 + b"\nx\n") * 1000, ("header-fields",)
    ),
    "delimiters inside headers": Case(own_delimiters, ("depth", "parts")),
    "300,000 lines that are nearly boundaries": Case(near_boundaries),
    "25 MB of line ends and hyphens": Case(lambda: MIXED + b"\n--" * (25 * MB // 3), ("delimiters",)),
    "a million header lines": header(b"\n".join([b"A: b"] * 1000 * K), "header-fields", "header-block"),
    "one header line of 8 MB": header(b"X: " + b"x" * 8 * MB, "header-value", "header-block"),
    "a folded Subject of 5 MB": header(b"Subject: x" + b"\n x" * 1_700 * K, "header-value", "header-block"),
    "100 kB of commas in To": header(b"To: " + b"," * 100 * K, "header-value"),
    "100 kB of addresses in To": header(b"To: " + b"a@b," * 25 * K, "addresses"),
    "100 kB of brackets in Message-ID": header(b"Message-ID: " + b"<" * 100 * K, "header-value"),
    "20,000 comments opened in To": header(b"To: " + b"(" * 20 * K),
    "20,000 parameters": header(b"Content-Type: text/plain" + b"; a=b" * 20 * K, "header-value"),
    "10,000 pieces of RFC 2231": header(
        b"Content-Type: text/plain" + b"".join(b"; a*%d*=%%41" % n for n in range(10 * K)), "header-value"
    ),
    "RFC 2231 with charsets that are none": header(
        b"Content-Disposition: x; " + b"; ".join(b"n%d*=utf-7''+AAA-" % n for n in range(3 * K))
    ),
    "7,000 encoded words": header(b"Subject: " + b"=?utf-8?q?a?= " * 7 * K, "header-value"),
    "encoded words in UTF-7": header(b"Subject: " + b"=?utf-7?q?+AAA-?= " * 3 * K, "subject"),
    "encoded words that never end": header(b"Subject: " + b"=?utf-8?b?" * 6 * K, "subject"),
    "a charset of 60 kB": header(b"Content-Type: text/plain; charset=" + b"x" * 60 * K),
    "5 MB of UTF-7": Case(lambda: HEAD + b"Content-Type: text/plain; charset=utf-7\n\n" + b"+AAA-" * MB, ("text",)),
    "5 MB of ISO-2022-JP escapes": Case(
        lambda: HEAD + b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B\x1b(B" * 830 * K
    ),
    "5 MB that fit no charset": Case(lambda: PLAIN + bytes(range(128, 256)) * 40 * K, ("text",)),
    "25 MB of base64": Case(
        lambda: HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + b"QUJD" * (25 * MB // 4),
        ("text",),
    ),
    "25 MB of soft line breaks": Case(
        lambda: HEAD + b"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 12 * MB
    ),
    "25 MB of uuencoding": Case(
        lambda: (
            HEAD + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n" + b"#86)C\n" * 4 * MB + b"end\n"
        ), ("text",)
    ),
    "25 MB of NUL": plain(bytes(25 * MB)),
    "25 MB of returns": plain(b"\r" * 25 * MB, "text"),
    # What is read of a header for the path and the signatures
    "2,000 Received fields": header(
        b"\n".join([b"Received: from x (y [192.0.2.7]) by z with ESMTP; Mon, 23 Nov 2026 10:00:00 +0000"] * 1900)
    ),
    "a Received field of 60 kB": header(b"Received: from " + b"(" * 30 * K + b"[192.0.2.1] " * 2500),
    "1,000 DKIM signatures": header(
        b"\n".join([b"DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=AA==; b=AA=="] * K),
        "authentication",
    ),
    "a DKIM signature of 60 kB of names": header(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; bh=AA==; b=AA==; h=from" + b":from" * 12 * K
    ),
    "500 sets of ARC": header(
        b"\n".join(
            b"ARC-Seal: i=%d; a=rsa-sha256; cv=pass; d=a.example; s=s; b=AA==\n"
            b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=a.example; s=s; h=from; bh=AA==; b=AA==\n"
            b"ARC-Authentication-Results: i=%d; x; spf=pass" % (n, n, n)
            for n in range(1, 500)
        )
    ),
    "25 MB of blanks under a DKIM signature": Case(
        lambda: (
            b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; bh=AA==; b=AA==\n"
            + PLAIN + (b" " * 999 + b"\n") * 25 * K
        )
    ),
    "60 kB of Authentication-Results": header(
        b"Authentication-Results: mx.example.net" + b"; spf=pass smtp.mailfrom=a@a.example" * 1500
    ),
    "comments without end in Authentication-Results": header(
        b"Authentication-Results: mx.example.net; spf=" + b"(" * 60 * K, "authentication-results"
    ),
    # HTML and text
    "200,000 comments opened": html(b"<!--" * 200 * K),
    "100,000 divs in one another": html(b"<div>" * 100 * K, "html-depth"),
    "mis-nested formatting": html(b"<b><i><a><p>" * 40 * K),
    "a tag with 100,000 attributes": html(b"<a " + b" ".join(b"a%d=1" % n for n in range(100 * K)) + b">"),
    "25 MB of brackets": html(b"<" * 25 * MB, "html-size"),
    "25 MB of tables": html(b"<table><tr><td>" * (25 * MB // 15), "html-size"),
    "500,000 entities": html(b"&#x;&#" * 300 * K),
    "40,000 links": html(b"".join(b"<a href=http://x%d.example/>x" % n for n in range(40 * K)), "links"),
    "a link of 1.6 MB": html(b'<a href="http://' + b"a." * 800 * K + b'">x</a>', "url"),
    "style sheets of 2 MB": html(b"<style>" + b".a,.b>c{color:red}" * 100 * K + b"</style>x"),
    "12 HTML parts of 2 MB": Case(
        lambda: MIXED + part(b"text/html", b"<p>x" * 500 * K) * 12, ("html-size", "html-tags", "text")
    ),
    "25 MB of URLs": plain(b"http://a.example/x " * (25 * MB // 19), "text"),
    "200 kB of colons and slashes": plain(b"http://" * 30 * K, "text"),
    "200 kB of at signs": plain(b"a@" * 99 * K),
    "200 kB of digits": plain(b"1234 5678 9012 3456 " * 9 * K),
    "200 kB of Chinese": plain("帳戶驗證請立即付款".encode() * 20 * K),
    "200 kB of one word": plain(b"pay " * 49 * K),
    "5,000 forward labels": Case(
        lambda: PLAIN + b"---------- Forwarded message ----------\n" + b"From: a@a.example\nDate: x\n\n" * 100 * K,
        ("text",), cover=True,
    ),
    # Archives
    "a zip of 100 MB of nothing": file(lambda: zipped(1, bytes(100 * MB)), "a.zip", "archive-ratio", "archive-bytes"),
    "a zip of 1,000 x 1 MB of nothing": file(
        lambda: zipped(1000, bytes(MB)), "a.zip", "archive-ratio", "archive-bytes"
    ),
    "a zip whose files are one and the same": file(lambda: overlapping(900, 100 * K), "a.zip", "archive-overlap"),
    "a zip of 20,000 files": file(lambda: zipped(20 * K, b"x", zipfile.ZIP_STORED), "a.zip", "archive-entries"),
    "10 zips in one another": file(lambda: nested_zip(10), "a.zip", "archive-depth"),
    "a zip in a mail, 900 x 1 MB of nothing": Case(
        lambda: MIXED + part(b"application/zip; name=a.zip", zipped(900, bytes(MB))),
        ("archive-ratio", "archive-bytes", "damaged"), cover=True,
    ),
    "a gzip of 1 GB of nothing": file(lambda: gz_bomb(1000 * MB), "a.eml.gz", "archive-ratio", "archive-bytes"),
    "a gzip in a gzip in a gzip in a gzip": file(
        lambda: gzip.compress(gzip.compress(gzip.compress(gzip.compress(PLAIN)))), "a.gz", "archive-depth"
    ),
    "a tar of 20,000 mails": file(lambda: tar(20 * K), "a.tar", "archive-entries"),
    "a tar of links": file(lambda: tar(100, link=True), "a.tar", "archive-link"),
    "a mailbox of 50,000 mails": file(lambda: mailbox(50 * K), "a.mbox", "archive-entries"),
    # Outlook and JSON
    "an Outlook item whose table is a circle": file(lambda: cyclic(table=True), "a.msg", "damaged"),
    "an Outlook item whose stream is a circle": file(lambda: cyclic(table=False), "a.msg"),
    "an Outlook item whose folders are a circle": file(circle_of_storages, "a.msg", "damaged", "not-a-report"),
    "500 folders in one another in an OLE file": file(lambda: storages(500), "a.msg", "damaged", "not-a-report"),
    "an Outlook item with 500,000 groups of RTF": file(
        lambda: outlook({0x1009: rtf(b"{\\rtf1 " + b"{" * 500 * K + b"x")}), "a.msg"
    ),
    "an Outlook item with RTF that says it is 4 GB": file(
        lambda: outlook({0x1009: struct.pack("<4I", 40, 0xFFFFFFFF, 0x75465A4C, 0) + bytes(40)}), "a.msg"
    ),
    "a XARF report 100,000 lists deep": file(
        lambda: b'{"xarf_version": "4.0.0", "evidence": ' + b"[" * 100 * K, "a.json", "not-a-report"
    ),
    "a XARF report with 20,000 samples": file(
        lambda: b'{"xarf_version": "4", "evidence": ['
        + b",".join([b'{"content_type": "message/rfc822", "payload": "RnJvbTogYQoKYg=="}'] * 20 * K) + b"]}",
        "a.json", "parts",
    ),
    "a feedback report with 2,000 fields": Case(
        lambda: HEAD + b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        + part(b"message/feedback-report", b"Feedback-Type: abuse\n" + b"Reported-Domain: a.example\n" * 1900)
        + part(b"message/rfc822", PLAIN), ("claims",),
    ),
    "300 feedback parts": Case(
        lambda: HEAD + b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        + (part(b"message/feedback-report", b"Feedback-Type: abuse\n") + part(b"message/rfc822", PLAIN)) * 300
    ),
    "900 attached mails": Case(
        lambda: MIXED + part(b"message/rfc822", PLAIN) * 450, ("parts",), cover=True
    ),
}  # fmt: skip
