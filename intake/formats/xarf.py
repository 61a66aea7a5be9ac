"""XARF: JSON reports, versions 3 and 4, as far as they bring the reported mail with them.

Promises one Found per message/rfc822 sample, each the slice of a Made decoding of its base64; a report without one
is no report of a mail and says so. Standards: XARF v4 (`evidence`), v3 in both shapes (`Samples`, `Attachment`).
"""

import binascii
import json
from dataclasses import replace
from typing import Any

from intake import mime
from intake.formats.opened import Desk, Item
from intake.mime import Tree
from intake.report import Claims

FORMAT = "xarf"
LARGEST = 20_000_000
SAMPLES = 50
"""Most samples of one report, as version 4 allows."""
_MAIL = frozenset({"message/rfc822", "message/global", "text/rfc822"})


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a XARF report; if so its samples are now Founds."""
    report = _report(item.content)
    if report is None:
        return False
    samples = _samples(report)
    taken = [_take(item, sample, _claims(report), desk) for sample in samples[:SAMPLES]]
    if len(samples) > SAMPLES:
        desk.limit(item, "parts", FORMAT, f"{len(samples) - SAMPLES} samples more were not opened.")
    if not any(taken):
        desk.verdict(item, "not-a-report", FORMAT, "A XARF report without a mail in it; only reported mails are taken.")
    return True


def read_mail(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether a part of the mail is a XARF report that brings a mail; its type word alone means nothing."""
    for node in tree.nodes:
        if node.children or not (node.name.lower().endswith(".json") or "json" in node.type or "xarf" in node.type):
            continue
        data = mime.decoded(item.content, node, LARGEST)
        report = _report(data)
        if report is None or not _samples(report):
            continue
        encoded = node.encoding in mime.ENCODED
        part = desk.make(item, node.body_start, node.end, node.encoding, data) if encoded else item
        if part is None:
            continue
        if not encoded:
            part = replace(item, start=item.start + node.body_start, end=item.start + node.end)
        return read(part, desk)
    return False


def _report(data: bytes) -> dict[str, Any] | None:
    """The JSON object, if it has the keys of either version."""
    if not data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or len(data) > LARGEST:
        return None
    try:
        report = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(report, dict):
        return None
    version3 = isinstance(report.get("Report"), dict) and "ReporterInfo" in report
    return report if "xarf_version" in report or version3 else None


def _samples(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What claims to be a mail: v4 `evidence`, v3 `Samples` (abusix) and `Attachment` (xarf-spec)."""
    inner = report.get("Report")
    inner = inner if isinstance(inner, dict) else {}
    lists = (report.get("evidence"), inner.get("Samples"), inner.get("Attachment"), inner.get("Attachments"))
    found = [sample for group in lists if isinstance(group, list) for sample in group if isinstance(sample, dict)]
    return [sample for sample in found if _text(sample, "content_type", "ContentType").lower() in _MAIL]


def _text(value: dict[str, Any], *names: str) -> str:
    """The first of these members that is text or a number, '' where none is."""
    found = next((value[name] for name in names if isinstance(value.get(name), str | int | float)), "")
    return str(found)[: LARGEST if "payload" in names else 4000].encode("utf-8", "replace").decode()


def _take(item: Item, sample: dict[str, Any], claims: Claims, desk: Desk) -> bool:
    payload = _text(sample, "payload", "Payload", "Data")
    written = payload.encode()
    if not written:
        return False
    start = item.content.find(written)
    span = (start, start + len(written)) if start >= 0 else (0, len(item.content))
    flat = sample.get("Base64Encoded") is False
    try:
        data = written if flat else binascii.a2b_base64(written)
    except binascii.Error:
        desk.verdict(item, "damaged", FORMAT, "The sample of the mail is no base64.")
        return True
    made = desk.make(item, *span, "text" if flat else "base64", data)
    if made is None:
        desk.limit(item, "archive-bytes", FORMAT, "The sample of the mail is too large to be decoded.")
    else:
        desk.report(made, 0, len(data), FORMAT, claims)
    return True


def _claims(report: dict[str, Any]) -> Claims:
    inner = report.get("Report")
    body: dict[str, Any] = {**report, **inner} if isinstance(inner, dict) else report
    source = body.get("Source")
    source = source if isinstance(source, dict) else {}
    recipient = _text(body, "smtp_to", "SmtpRcptToAddress")
    return Claims(
        feedback_type=_text(body, "type", "ReportType").lower(),
        source_ip=_text(body, "source_identifier", "SourceIp") or _text(source, "IP"),
        arrival_date=_text(body, "timestamp", "Date"),
        mail_from=_text(body, "smtp_from", "SmtpMailFromAddress"),
        rcpt_to=(recipient,) if recipient else (),
        note=_text(body, "description"),
    )
