"""Mail as wire bytes out of readable templates, for the samples: headers, MIME bodies, ARF, attached mail, signatures.

A template's headers are written as people read them: {{text}} becomes encoded words, a line `DKIM-Signature: *` a
real signature over what stands below it. Everything is CRLF and the same for the same template.
Standards: RFC 5322, RFC 2045-2047, RFC 2231 section 4, RFC 5965, RFC 6376.
"""

import base64
import quopri
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import dkim

Template = Mapping[str, Any]

ENCODED = re.compile(r"\{\{(.+?)\}\}")
PLACE = "DKIM-Signature: *\n"
SIGNED = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding")
SIGNED_LIST = (*SIGNED, "list-id", "list-unsubscribe", "list-unsubscribe-post")
BYTES = 39
"""Most bytes in one encoded word, so that a line with one is at most 76 long (RFC 2047 section 2)."""


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def word(text: str, charset: str) -> str:
    """`text` as encoded words, folded; characters are never split between words (RFC 2047 section 5)."""
    pieces = [""]
    for character in text:
        if len((pieces[-1] + character).encode(charset)) > BYTES:
            pieces.append("")
        pieces[-1] += character
    coded = (base64.b64encode(piece.encode(charset)).decode() for piece in pieces)
    return "\n ".join(f"=?{charset.upper()}?B?{each}?=" for each in coded)


def headers(template: Template, charset: str = "utf-8") -> str:
    return ENCODED.sub(lambda match: word(match[1], charset), template["headers"])


def message(template: Template, key: bytes, selectors: Mapping[str, str]) -> bytes:
    """The whole message of a template that has text, and perhaps HTML; signed for its domain where it says so."""
    entity = body(template)
    return _signed(headers(template, template["charset"]), entity, template.get("sign", ""), key, selectors)


def body(template: Template) -> bytes:
    """Content headers, empty line and content; with HTML a multipart/alternative (RFC 2046 section 5.1.4)."""
    text = _leaf(template["text"], "plain", template)
    if "html" not in template:
        return text
    return multipart("alternative", [text, _leaf(template["html"], "html", template)])


def multipart(subtype: str, parts: list[bytes]) -> bytes:
    """`parts` under a boundary that is made from their number and type, as there is nothing random here."""
    boundary = f"=_{subtype.partition(';')[0]}_{len(parts)}_{sum(map(len, parts)):08x}"
    delimiter = f"--{boundary}".encode()
    head = crlf(f'Content-Type: multipart/{subtype};\n\tboundary="{boundary}"\n\n')
    return head + b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--\r\n"


def _leaf(text: str, subtype: str, template: Template) -> bytes:
    charset, transfer = template["charset"], template["transfer"]
    head = f'Content-Type: text/{subtype}; charset="{charset}"\nContent-Transfer-Encoding: {transfer}\n\n'
    return crlf(head) + _transferred(text.replace("\n", "\r\n").encode(charset), transfer)


def _transferred(data: bytes, transfer: str) -> bytes:
    if transfer == "base64":
        return base64.encodebytes(data).replace(b"\n", b"\r\n")
    if transfer == "quoted-printable":
        return quopri.encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return data


def report(template: Template, desk: Template, original: bytes, key: bytes, selectors: Mapping[str, str]) -> bytes:
    """An ARF report of `original` by an ISP's desk: its three parts in order (RFC 5965 section 2)."""
    fields = f"Feedback-Type: abuse\nUser-Agent: {desk['agent']}\nVersion: 1\n{template['feedback']}"
    text = b"Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    parts = [
        text + crlf(desk["text"]),
        b"Content-Type: message/feedback-report\r\n\r\n" + crlf(fields),
        b"Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n" + original,
    ]
    head = _report_headers(template, desk, original)
    return _signed(head, multipart("report; report-type=feedback-report", parts), desk["domain"], key, selectors)


def _report_headers(template: Template, desk: Template, original: bytes) -> str:
    """The report's own headers; its subject repeats that of the message, as encoded there (RFC 5965 section 2)."""
    subject = re.search(rb"^Subject: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", original, re.M)
    assert subject is not None
    when = parsedate_to_datetime(template["date"])
    own = {
        "from": f"From: {desk['from']}\nTo: report@lapwing.example\n",
        "subject": f"Subject: FW: {subject[1].decode().replace(chr(13), '')}\nDate: {template['date']}\n",
        "id": f"Message-ID: <{when:%Y%m%d%H%M%S}.{template['message']}@{desk['domain']}>\nMIME-Version: 1.0\n",
    }
    return PLACE + headers({"headers": "".join(own.values())})


def attached(template: Template, original: bytes, key: bytes, selectors: Mapping[str, str]) -> bytes:
    """A mail of a person with `original` attached as message/rfc822, its name in the form of RFC 2231."""
    cover = {"text": template["text"], "charset": "utf-8", "transfer": "base64"}
    name = quote(ENCODED.sub(lambda match: match[1], template["attached_as"]), safe="")
    head = f"Content-Type: message/rfc822\nContent-Disposition: attachment;\n filename*=UTF-8''{name}\n\n"
    mixed = multipart("mixed", [body(cover), crlf(head) + original])
    return _signed(headers(template), mixed, template["domain"], key, selectors)


def _signed(head: str, entity: bytes, domain: str, key: bytes, selectors: Mapping[str, str]) -> bytes:
    """Headers and entity together, with the signature of `domain` in the place where one is asked for."""
    above, place, below = head.partition(PLACE)
    if not place:
        return crlf(head) + entity
    data = crlf(below) + entity
    date = re.search(r"^Date: (.+)$", below, re.M)
    assert date is not None
    return crlf(above) + _signature(data, domain, parsedate_to_datetime(date[1]), key, selectors[domain]) + data


def _signature(data: bytes, domain: str, when: datetime, key: bytes, selector: str) -> bytes:
    """A DKIM-Signature field (RFC 6376), made at the time that the message gives, not now."""
    present = {line.partition(b":")[0].lower().decode() for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    clock = SimpleNamespace(time=lambda: int(when.astimezone(UTC).timestamp()))
    with patch.object(dkim, "time", clock):
        signed: bytes = dkim.sign(
            data,
            selector.encode(),
            domain.encode(),
            key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[each.encode() for each in SIGNED_LIST if each in present],
        )
    return signed
