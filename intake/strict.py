"""Strict: what the standards object to in a report, with the line and the field; the dry run's second opinion.

Nothing here decides anything: reports are taken leniently. It runs in a parsing child, over bytes that nobody vouches
for, and stops at a number of flaws. A list has no flaws but its bad rows. Standards: RFC 5965 section 3 (ARF), RFC 5322
(mail), XARF v4 core schema.
"""

import base64
import binascii
import hashlib
import ipaddress
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from intake import mime
from intake.formats import Found, open_submission
from intake.formats.raw import is_mail
from intake.formats.xarf_types import PAIRS
from intake.header import moment
from intake.mime import Node, Tree
from intake.record import Value, sha256
from intake.sheet import Row, Tally
from intake.submission import Fault

JOB = "validate"
FLAWS = 100
"""Flaws that are told at most."""
LONGEST = 998
"""Bytes of a line of a mail at most (RFC 5322 section 2.1.1)."""
_ONCE = ("feedback-type", "user-agent", "version", "arrival-date", "incidents", "original-envelope-id",
         "original-mail-from", "reporting-mta", "source-ip")  # fmt: skip
_TYPES = frozenset(
    {"abuse", "fraud", "virus", "other", "not-spam", "auth-failure", "dmarc", "opt-out", "miscategorized"}
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_MAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9.-]{1,253}")
_HASHES = frozenset({"md5", "sha1", "sha256", "sha512"})
_rows = msgspec.msgpack.Decoder(type=tuple[Row, ...])


class Objection(Value, frozen=True):
    """A flaw: a code, a sentence, the line from 1 (0: the whole), the header field or the path of a JSON member."""

    code: str
    says: str
    line: int = 0
    field: str = ""


class Outlook(Value, frozen=True):
    """An item as the lenient readers see it; of a list, how many rows are claims, how many not, and the first."""

    name: str
    verdict: str
    format: str
    says: str
    sha256: str
    missing: tuple[str, ...]
    rows: int = 0
    bad: int = 0
    faults: tuple[Fault, ...] = ()


class Examined(Value, frozen=True):
    """A dry run's result."""

    items: tuple[Outlook, ...]
    limits: tuple[str, ...]
    flaws: tuple[Objection, ...]


def examine(data: bytes, filename: str) -> Examined:
    """What would become of these bytes, and what a strict reader objects to."""
    opened = open_submission(data, filename)
    items = []
    for found in opened.found[:1000]:
        whole = data if found.source < 0 else opened.made[found.source].data
        items.append(_outlook(found, sha256(memoryview(whole)[found.start : found.end])))
    listed = any(each.format.startswith("rows_") and _is_all(each, data) for each in opened.found)
    objections = () if listed else tuple(islice(flaws(data), FLAWS))
    return Examined(items=tuple(items), limits=opened.limits, flaws=objections)


def _outlook(found: Found, digest: str) -> Outlook:
    tally = Tally()
    for packed in found.sheets:
        tally.add(_rows.decode(packed))
    return Outlook(
        name=found.name, verdict=found.verdict, format=found.format, says=tally.told if found.sheets else found.says,
        sha256=digest, missing=found.missing, rows=tally.good, bad=tally.bad, faults=tuple(tally.faults),
    )  # fmt: skip


def _is_all(found: Found, data: bytes) -> bool:
    return found.source < 0 and (found.start, found.end) == (0, len(data))


def flaws(data: bytes) -> Iterator[Objection]:
    """Everything that a strict reader of this kind of report objects to."""
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        yield from _xarf(data)
    elif not data.startswith(b"From "):
        tree = mime.split(data)
        if is_mail(tree):
            yield from _mail(data, tree)


def _mail(data: bytes, tree: Tree) -> Iterator[Objection]:
    yield from _lines(data)
    for name in ("from", "date"):
        if name not in tree.root.first:
            yield Objection(code="missing", says=f"a mail has the field {name.title()}", field=name.title())
    date = mime.first(data, tree.root, "date")
    if date and moment(date) is None:
        yield Objection(code="date", says="not a date of RFC 5322", line=_line(data, tree.root, "date"), field="Date")
    for word in tree.limits:
        yield Objection(code="limit", says=f"a limit of the reader was hit: {word}")
    report = next((node for node in tree.nodes if node.type == "message/feedback-report"), None)
    if report is not None or _is_feedback(tree.root):
        yield from _arf(data, tree, report)


def _is_feedback(root: Node) -> bool:
    return any(name.lower() == "report-type" and value.lower() == "feedback-report" for name, value in root.params)


def _lines(data: bytes) -> Iterator[Objection]:
    """The first line of each kind that no mail has."""
    if b"\0" in data:
        yield Objection(code="nul", says="a NUL byte", line=data.count(b"\n", 0, data.index(b"\0")) + 1)
    bare = next((n for n, line in enumerate(data.split(b"\n")[:-1], 1) if not line.endswith(b"\r")), 0)
    if bare:
        yield Objection(code="line-end", says="a line that ends without CR LF; it is kept as it is", line=bare)
    long = next((n for n, line in enumerate(data.split(b"\n"), 1) if len(line) > LONGEST + 1), 0)
    if long:
        yield Objection(code="line-length", says=f"a line of more than {LONGEST} bytes", line=long)


def _arf(data: bytes, tree: Tree, report: Node | None) -> Iterator[Objection]:
    if tree.root.type != "multipart/report" or not _is_feedback(tree.root):
        yield Objection(code="arf-container", field="Content-Type", line=_line(data, tree.root, "content-type"),
                        says="an ARF report is multipart/report; report-type=feedback-report")  # fmt: skip
    if report is None:
        yield Objection(code="arf-part", says="it has no part message/feedback-report")
        return
    types = [node.type for node in tree.nodes if node.depth == 1]
    if not types or types[-1] not in ("message/rfc822", "text/rfc822-headers", "message/global"):
        yield Objection(code="arf-part", says="its last part is message/rfc822 or text/rfc822-headers")
    head = mime.head(data[report.body_start : report.end])
    yield from _arf_fields(data, report, head)


def _arf_fields(data: bytes, report: Node, head: Node) -> Iterator[Objection]:
    body = data[report.body_start : report.end]
    above = data.count(b"\n", 0, report.body_start)
    seen: dict[str, int] = {}
    for field in head.fields:
        name = field.name.lower()
        line = above + body.count(b"\n", 0, field.start) + 1
        seen[name] = seen.get(name, 0) + 1
        if name in _ONCE and seen[name] == 2:
            yield Objection(code="arf-twice", says="this field stands at most once", line=line, field=field.name)
        says = _arf_value(name, mime.value(body, field))
        if says:
            yield Objection(code="arf-value", says=says, line=line, field=field.name)
    for name in ("Feedback-Type", "User-Agent", "Version"):
        if name.lower() not in seen:
            yield Objection(code="missing", says="RFC 5965 requires this field", line=above + 1, field=name)


def _arf_value(name: str, value: str) -> str:
    """What is wrong with the value of a field, '' where nothing is."""
    if name == "version" and value not in ("1", "0.1"):
        return "the version is 1"
    if name == "feedback-type" and value.lower() not in _TYPES:
        return "no registered type; it is kept"
    if name == "source-ip" and not _address(value):
        return "no IP address"
    if name in ("arrival-date", "received-date") and moment(value) is None:
        return "not a date of RFC 5322"
    return "not a number" if name == "incidents" and not (value.isascii() and value.isdigit()) else ""


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return False
    return True


def _line(data: bytes, node: Node, name: str) -> int:
    found = node.first.get(name)
    return data.count(b"\n", 0, found.start) + 1 if found else 0


def _xarf(data: bytes) -> Iterator[Objection]:
    try:
        report = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode())
    except json.JSONDecodeError as error:
        yield Objection(code="json", says=f"{error.msg}, column {error.colno}", line=error.lineno)
        return
    except (ValueError, RecursionError):
        yield Objection(code="json", says="no JSON in UTF-8")
        return
    if not isinstance(report, dict):
        yield Objection(code="json", says="not a JSON object")
    elif "xarf_version" in report:
        for field, says in _xarf4(report):
            yield Objection(code="xarf", says=says, line=_member(data, field), field=field)
    elif "ReporterInfo" not in report:
        yield Objection(code="xarf", says="neither `xarf_version` (v4) nor `ReporterInfo` and `Report` (v3)")


def _member(data: bytes, path: str) -> int:
    """The line on which the first member of the path's name stands, 0 where it stands nowhere."""
    name = path.partition(".")[0].partition("[")[0]
    at = data.find(f'"{name}"'.encode())
    return data.count(b"\n", 0, at) + 1 if at >= 0 else 0


def _xarf4(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    patterns = {"xarf_version": re.compile(r"4\.\d{1,9}\.\d{1,9}"), "report_id": _UUID, "timestamp": _TIME}
    for name in (*patterns, "source_identifier"):
        value = report.get(name)
        if not isinstance(value, str) or not value:
            yield name, "required, text"
        elif name in patterns and not patterns[name].fullmatch(value):
            yield name, "not of the form that the schema wants"
    for name in ("reporter", "sender"):
        yield from _xarf_party(name, report.get(name))
    category, kind = report.get("category"), report.get("type")
    if not isinstance(category, str) or not isinstance(kind, str) or kind not in PAIRS.get(category, ()):
        yield "type", "no legal pair of category and type"
    if category == "messaging":
        yield from _xarf_messaging(report)
    evidence = report.get("evidence", [])
    if not isinstance(evidence, list) or len(evidence) > 50:
        yield "evidence", "a list of at most 50"
        return
    for number, each in enumerate(evidence):
        yield from _xarf_evidence(f"evidence[{number}]", each)


def _xarf_party(name: str, value: object) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict) or set(value) != {"org", "contact", "domain"}:
        yield name, "an object with exactly org, contact and domain"
    elif not isinstance(value["contact"], str) or not _MAIL.fullmatch(value["contact"]):
        yield f"{name}.contact", "no e-mail address"


def _xarf_messaging(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "protocol" not in report:
        yield "protocol", "required for messaging"
    if report.get("protocol", "smtp") == "smtp":
        if not isinstance(report.get("smtp_from"), str) or not _MAIL.fullmatch(report["smtp_from"]):
            yield "smtp_from", "required with smtp, an e-mail address"
        port = report.get("source_port")
        if not isinstance(port, int) or not 1 <= port <= 65535:
            yield "source_port", "required with smtp, 1 to 65535"


def _xarf_evidence(path: str, each: object) -> Iterator[tuple[str, str]]:
    if not isinstance(each, dict) or not isinstance(each.get("content_type"), str):
        yield f"{path}.content_type", "required, text"
        return
    try:
        data = base64.b64decode(str(each.get("payload", "")), validate=True)
    except (binascii.Error, ValueError):
        yield f"{path}.payload", "no base64 without line ends"
        return
    algorithm, _, digest = str(each.get("hash", "")).partition(":")
    if digest and algorithm in _HASHES:
        if hashlib.new(algorithm, data, usedforsecurity=False).hexdigest() != digest.lower():
            yield f"{path}.hash", "not the hash of the decoded payload"
    elif "hash" in each:
        yield f"{path}.hash", "not `algorithm:digest`"
