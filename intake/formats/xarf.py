"""XARF: JSON reports, versions 4 and 3, as files, as parts of a mail or as its text.

Promises one Found per mail among the evidence, each the slice of a Made decoding of its base64; a report without a
mail is a claim that stands alone. Evidence of child abuse is never opened, its claim asks for the mandatory lane. Who
reports, and what the sender meant for itself (`_internal`, `InternalProcessing`), is not repeated in the claims.
Standards: XARF v4 (`evidence`), v3 in both shapes (`Samples` of abusix, `Attachment` of xarf-spec).
"""

import binascii
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs

from intake import mime
from intake.formats import carried, xarf_types
from intake.formats.carried import LENGTH, VALUES
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree
from intake.report import Claims

FORMAT = "xarf"
LARGEST = 20_000_000
SAMPLES = 50
"""Most samples of one report, as version 4 allows."""
REPORTS = 1000
"""Most reports in one JSON array."""
DEEP = 3
"""Levels of JSON objects whose members become further fields of the claims."""

_MAIL = frozenset({"message/rfc822", "message/global", "text/rfc822", *carried.HEADERS_ONLY})
_BYTES = ("payload", "Payload", "Data")
_SILENT = frozenset(
    {"_internal", "internalprocessing", "reporter", "sender", "reporterinfo", "onbehalfof", "payload", "data"}
)
"""Members (lower case) that no claim repeats: who reports, what is meant for the sender alone, the evidence itself."""
_READ = frozenset(
    {
        "xarf_version", "version", "report_id", "reportid", "category", "reportclass", "type", "reporttype",
        "source_identifier", "sourceip", "source.ip", "source_port", "sourceport", "source.port", "timestamp", "date",
        "smtp_from", "smtpmailfromaddress", "smtp_to", "smtprcpttoaddress", "description", "url", "sourceurl",
        "domain",
    }
)  # fmt: skip
"""Members that have a place of their own in the claims."""
_HASHES = frozenset({"md5", "sha1", "sha256", "sha512"})


@dataclass(slots=True)
class _Taken:
    """What became of a report's evidence: mails taken or found damaged, and words for the claims."""

    mails: list[tuple[bytes, bytes, bool]] = field(default_factory=list)
    """As it is written in the report, decoded, and whether it stands there without base64."""
    damaged: int = 0
    flags: dict[str, None] = field(default_factory=dict)


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a XARF report, or an array of them; if so they are now Founds."""
    reports = _reports(item.content)
    for report in reports[:REPORTS]:
        _open(item, report, desk)
    if len(reports) > REPORTS:
        desk.limit(item, "parts", FORMAT, f"{len(reports) - REPORTS} reports more were not opened.")
    return bool(reports)


def read_mail(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether parts of the mail are XARF reports; its type word alone means nothing.

    Where a report brings no mail of its own, a message attached beside it is the reported one.
    """
    own = carried.own(tree)
    parts = [tree.nodes[index] for index in own if _may_be(item.content, tree.nodes[index])]
    found = [(node, data) for node in parts for data in [mime.decoded(item.content, node, LARGEST)] if _reports(data)]
    beside = carried.messages(item.content, tree, own) if len(found) == 1 else []
    for node, data in found:
        part = _part(item, node, data, desk)
        reports = _reports(data)
        if part and len(reports) == 1:
            _open(part, reports[0], desk, (item, [each for each in beside if each is not node]))
        elif part:
            read(part, desk)
    return bool(found)


def _may_be(content: bytes, node: Node) -> bool:
    if node.children or node.type in mime.EMBEDDED or node.type.startswith("multipart/"):
        return False
    if node.name.lower().endswith(".json") or "json" in node.type or "xarf" in node.type:
        return True
    if node.type not in ("text/plain", "application/octet-stream"):
        return False
    return carried.beginning(content, node)[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))


def _part(item: Item, node: Node, data: bytes, desk: Desk) -> Item | None:
    if node.encoding in mime.ENCODED:
        made = desk.make(item, node.body_start, node.end, node.encoding, data)
        if made is None:
            desk.limit(item, "archive-bytes", FORMAT, "The report is too large to be decoded.")
        return made
    return replace(item, start=item.start + node.body_start, end=item.start + node.end)


def _reports(data: bytes) -> list[dict[str, Any]]:
    """The JSON objects that have the keys of either version."""
    if data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"[") or len(data) > LARGEST:
        return []
    try:
        read = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode())
    except (ValueError, RecursionError):
        return []
    found = read if isinstance(read, list) else [read]
    return found if found and all(isinstance(each, dict) and _is_report(each) for each in found) else []


def _is_report(report: dict[str, Any]) -> bool:
    version3 = isinstance(report.get("Report"), dict) and "ReporterInfo" in report
    return "xarf_version" in report or version3


def _open(item: Item, report: dict[str, Any], desk: Desk, beside: tuple[Item, Sequence[Node]] | None = None) -> None:
    """Take one report: its mails, else the messages attached beside it, else its claims alone."""
    claims = carried.with_cover(item, _claims(report, desk))
    if claims.lane:
        desk.report(item, 0, 0, FORMAT, claims, carried.NOTHING)
        return
    samples = list(_samples(report))
    if len(samples) > SAMPLES:
        desk.limit(item, "parts", FORMAT, f"{len(samples) - SAMPLES} samples more were not opened.")
    taken = _taken(samples[:SAMPLES])
    claims = structs.replace(claims, flags=(*claims.flags, *taken.flags))
    for written, data, flat in taken.mails:
        _mail(item, written, data, flat, claims, desk)
    if taken.damaged:
        desk.verdict(item, "damaged", FORMAT, f"Samples that are no base64: {taken.damaged}.")
    if taken.mails:
        return
    if beside and beside[1]:
        carried.take(beside[0], beside[1], FORMAT, claims, desk)
    elif xarf_types.elsewhere(claims.category, claims.feedback_type):
        says = f"A XARF report of {claims.category}/{claims.feedback_type} without a mail: no matter of spam."
        desk.verdict(item, "not-a-report", FORMAT, says)
    else:
        desk.report(item, 0, 0, FORMAT, claims, carried.NOTHING)


def _samples(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The evidence: v4 `evidence`, v3 `Samples` (abusix) and `Attachment` (xarf-spec)."""
    inner = report.get("Report")
    inner = inner if isinstance(inner, dict) else {}
    for group in (report.get("evidence"), inner.get("Samples"), inner.get("Attachment"), inner.get("Attachments")):
        yield from (each for each in group if isinstance(each, dict)) if isinstance(group, list) else ()


def _taken(samples: Sequence[dict[str, Any]]) -> _Taken:
    """The mails among the samples: what says that it is one, and text that looks like one."""
    taken = _Taken()
    for sample in samples:
        kind = _text(sample, "content_type", "ContentType").partition(";")[0].strip().lower()
        written = next((sample[name] for name in _BYTES if isinstance(sample.get(name), str)), "")
        if kind not in _MAIL and kind != "text/plain":
            continue
        coded = written.encode("utf-8", "replace")[:LARGEST]
        flat = sample.get("Base64Encoded") is False
        try:
            data = coded if flat else binascii.a2b_base64(coded)
        except binascii.Error:
            taken.damaged += kind in _MAIL
            continue
        if data and (kind in _MAIL or carried.is_mail(data)):
            taken.mails.append((coded, data, flat))
            taken.flags |= dict.fromkeys(_checked(sample, data))
        elif kind in _MAIL:
            taken.flags["empty-sample"] = None
    return taken


def _checked(sample: dict[str, Any], data: bytes) -> Iterator[str]:
    """Whether hash and size of version 4 agree with the decoded bytes."""
    said = _text(sample, "hash").lower()
    name, _, digest = said.partition(":")
    if said and name not in _HASHES:
        yield "hash-unknown"
    elif said and hashlib.new(name, data, usedforsecurity=False).hexdigest() != digest.strip():
        yield "hash-mismatch"
    size = sample.get("size")
    if isinstance(size, int) and size != len(data):
        yield "size-mismatch"


def _mail(item: Item, written: bytes, data: bytes, flat: bool, claims: Claims, desk: Desk) -> None:
    """Keep one sample as the decoding of where it stands; of the whole report where JSON wrote it otherwise."""
    forms = (written, written.replace(b"/", b"\\/"))
    start, size = next(((at, len(form)) for form in forms if (at := item.content.find(form)) >= 0), (-1, 0))
    span = (start, start + size) if start >= 0 else (0, len(item.content))
    made = desk.make(item, *span, "text" if flat else "base64", data)
    if made is None:
        desk.limit(item, "archive-bytes", FORMAT, "The sample of the mail is too large to be decoded.")
    else:
        desk.report(made, 0, len(data), FORMAT, claims)


def _text(value: dict[str, Any], *names: str) -> str:
    """The first of these members that is text or a number, '' where none is."""
    found = next((value[name] for name in names if isinstance(value.get(name), str | int | float)), "")
    return _plain(found)


def _plain(value: str | int | float) -> str:
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return written[:LENGTH].encode("utf-8", "replace").decode()


def _claims(report: dict[str, Any], desk: Desk) -> Claims:
    inner = report.get("Report")
    body = {name: value for name, value in report.items() if name != "Report"}
    body |= inner if isinstance(inner, dict) else {}
    source = body.get("Source")
    source = source if isinstance(source, dict) else {}
    category = _text(body, "category", "ReportClass").lower()
    word = _text(body, "type", "ReportType").lower()
    version = _text(report, "xarf_version", "Version")
    extra = _extra(body)
    if len(extra) > VALUES:
        desk.limits["claims"] = None
    named = _text(body, "source_identifier", "SourceIp") or _text(source, "IP")
    recipient = _text(body, "smtp_to", "SmtpRcptToAddress")
    sites = (_text(body, "url"), _text(body, "SourceUrl"), named if "://" in named else "")
    hosts = (_text(body, "domain"), "" if xarf_types.is_address(named) or "://" in named else named)
    return Claims(
        feedback_type=word,
        category=category,
        version=version,
        report_id=_text(body, "report_id", "ReportID", "ReportId"),
        source_ip=named if xarf_types.is_address(named) else "",
        source_port=_text(body, "source_port", "SourcePort") or _text(source, "Port"),
        arrival_date=_text(body, "timestamp", "Date"),
        mail_from=_text(body, "smtp_from", "SmtpMailFromAddress"),
        rcpt_to=(recipient,) if recipient else (),
        reported_uri=tuple(dict.fromkeys(filter(None, sites))),
        reported_domain=tuple(dict.fromkeys(filter(None, hosts))),
        note=_text(body, "description"),
        extra=tuple(extra[:VALUES]),
        lane=xarf_types.lane(word) or xarf_types.lane(category),
        flags=tuple(xarf_types.flags(version, category, word, _text(body, "report_id"))),
    )


def _extra(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The further members, as name and value, objects inside each other with a dot between their names."""
    out: list[tuple[str, str]] = []
    todo: list[tuple[str, object, int]] = [("", body, 0)]
    while todo and len(out) <= VALUES:
        name, value, depth = todo.pop()
        if isinstance(value, dict) and depth < DEEP:
            members = [(key, each) for key, each in list(value.items())[: VALUES * 2] if key.lower() not in _SILENT]
            above = f"{name}." if name else ""
            todo += [(f"{above}{key}"[:LENGTH], each, depth + 1) for key, each in reversed(members)]
        elif isinstance(value, list) and depth <= DEEP:
            todo += [(name, each, depth) for each in reversed(value[: VALUES * 2]) if not isinstance(each, list)]
        elif isinstance(value, str | int | float) and name.lower() not in _READ:
            out.append((_plain(name), _plain(value)))
    return out
