"""Formats of machines over the corpora pack: recall, precision and the ids of the files that are read wrongly.

The measure is the pack's expected fields where it gives them, else what the standard library's compat32 reading of the
same bytes finds; never our own parser. `.venv/bin/python tests/walk/formats_recall.py` prints the table. Data only:
nothing in the pack is resolved or fetched.
"""

import base64
import csv
import email
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from intake import mime
from intake.formats import Found, Opened, open_submission
from intake.report import Claims
from tests.corpora import found as pack_folder

EMBEDDED = ("message/rfc822", "message/global", "message/news")
NOTICES = frozenset({"bounce", "auto-reply"})


@dataclass
class Row:
    """One line of the table: ids of the files that a format was expected in, was seen in, was read wrongly in."""

    expected: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    wrong: dict[str, str] = field(default_factory=dict)
    """Id of a file that was recognised, and what of it isn't as expected."""

    @property
    def missed(self) -> set[str]:
        return self.expected - self.seen

    @property
    def extra(self) -> set[str]:
        return self.seen - self.expected

    def known(self) -> dict[str, list[str]]:
        """What the test holds: ids missed, ids that are none, ids read wrongly."""
        return {"missed": sorted(self.missed), "extra": sorted(self.extra), "wrong": sorted(self.wrong)}

    def line(self, name: str) -> str:
        right = len((self.seen & self.expected) - self.wrong.keys())
        recall = f"{right}/{len(self.expected)}"
        precision = f"{right}/{len(self.seen)}"
        return f"{name:14} {recall:>10} {precision:>10}  {json.dumps(self.known())}"


def files(root: Path) -> Iterator[tuple[str, Path, bool]]:
    """Id and path of every file of the manifest, and whether its source calls it a bounce."""
    with (root / "manifest.csv").open(newline="") as manifest:
        for row in csv.DictReader(manifest):
            bounce = row["kind"] == "bounce" and "/not/" not in row["source_path"]
            yield row["id"], root / row["path"], bounce


def table(root: Path) -> dict[str, Row]:
    """The row of every format."""
    rows = {
        name: Row()
        for name in ("arf", "auth-failure", "xarf", "x-arf", "feedback-text", "attached", "bounce", "aggregate")
    }
    for id_, path, bounce in files(root):
        if path.suffix not in (".eml", ".json") or path.name.endswith(".expected.json"):
            continue
        data = path.read_bytes()
        if path.suffix == ".json":
            _xarf(rows["xarf"], id_, data, open_submission(data, path.name))
        else:
            _mail(rows, id_, path, data, bounce)
    return rows


def _mail(rows: dict[str, Row], id_: str, path: Path, data: bytes, bounce: bool) -> None:
    opened = open_submission(data, path.name, cover=True)
    whole = email.message_from_bytes(data.removeprefix(b"\xef\xbb\xbf"))
    parts = list(own(whole))
    feedback = [part for part in parts if part.get_content_type() == "message/feedback-report"]
    lines = x_arf_lines(whole, parts)
    formats = {found.format for found in opened.found}
    failure = bool(feedback) and "auth-failure" in str(dict(fields_of(feedback[0])).get("feedback-type", "")).lower()
    for name in ("arf", "auth-failure"):
        right = bool(feedback) and failure is (name == "auth-failure")
        seen = "arf" in formats and (opened.found[0].claims.feedback_type == "auth-failure") is (name == "auth-failure")
        if _counted(rows[name], id_, right, seen):
            _note(rows[name], id_, arf_differs(path, parts, feedback[0], opened, data))
    if _counted(rows["x-arf"], id_, bool(lines), "x-arf" in formats):
        _note(rows["x-arf"], id_, x_arf_differs(lines, opened.found[0].claims))
    _counted(rows["feedback-text"], id_, b"\n[ SpamCop V" in data, "feedback-text" in formats)
    counts = any(found.format == "bounce" and found.verdict == "not-a-report" for found in opened.found)
    _counted(rows["aggregate"], id_, False, counts)
    notice = bounce or is_notice(whole, parts)
    plain = open_submission(data, path.name)
    _counted(rows["bounce"], id_, notice, plain.found[0].verdict in NOTICES)
    carried = [] if feedback or lines or notice else [part for part in parts[1:] if is_carried(part)]
    seen = any(found.format == "attached" and found.verdict == "report" for found in opened.found)
    if _counted(rows["attached"], id_, bool(carried), seen):
        _note(rows["attached"], id_, attached_differs(carried, opened, data))


def _counted(row: Row, id_: str, expected: bool, seen: bool) -> bool:
    """Count the file; whether it is both, so that its fields are to be compared."""
    if expected:
        row.expected.add(id_)
    if seen:
        row.seen.add(id_)
    return expected and seen


def _note(row: Row, id_: str, differences: list[str]) -> None:
    if differences:
        row.wrong[id_] = ", ".join(differences)


def own(message: Message) -> Iterator[Message]:
    """The parts of the mail itself, without those of a message inside it."""
    yield message
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            yield from own(part)  # type: ignore[arg-type]


def is_carried(part: Message) -> bool:
    """Whether a part of a cover is a mail, by its type or the name of the file."""
    return part.get_content_type() in EMBEDDED or str(part.get_filename("")).lower().endswith(".eml")


def inner(part: Message) -> Message:
    """The message in a message/* part, decoded where it is encoded against the rules."""
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if part.get_content_type() not in (*EMBEDDED, "message/feedback-report"):
        return email.message_from_bytes(bytes(part.get_payload(decode=True)))  # type: ignore[arg-type]
    payload = part.get_payload()
    first = payload[0] if isinstance(payload, list) else None
    if isinstance(first, Message) and not first.items() and str(first.get_payload()).startswith(">From "):
        # compat32 takes the quoted line of an mbox for the body.
        return email.message_from_string(str(first.get_payload()).partition("\n")[2])
    text = payload[0].get_payload() if isinstance(payload, list) else payload  # type: ignore[union-attr]
    if encoding == "base64":
        return email.message_from_bytes(base64.b64decode(str(text)))
    return payload[0] if isinstance(payload, list) else email.message_from_string(str(payload))  # type: ignore[return-value]


def fields_of(part: Message) -> list[tuple[str, str]]:
    """The fields of a feedback part, name in lower case, value unfolded."""
    return [(name.lower(), " ".join(str(value).split())) for name, value in inner(part).items()]


def message_of(opened: Opened, found: Found, data: bytes) -> bytes:
    source = data if found.source < 0 else opened.made[found.source].data
    return source[found.start : found.end]


def values_of(claims: Claims) -> set[str]:
    """Every text in the claims, white space made one blank."""
    out: set[str] = set()
    for name in claims.__struct_fields__:
        value = getattr(claims, name)
        for each in value if isinstance(value, tuple) else (value,):
            text = each[1] if isinstance(each, tuple) else each
            if isinstance(text, str):
                out.add(" ".join(text.split()))
    return out


def arf_differs(path: Path, parts: list[Message], feedback: Message, opened: Opened, data: bytes) -> list[str]:
    """What of an ARF report isn't as the pack expects it or as compat32 reads it."""
    found = opened.found[0]
    have = {value.lower() for value in values_of(found.claims)}
    out = [name for name, value in fields_of(feedback) if value[:4000].lower() not in have]
    originals = [
        part for part in parts if part.get_content_type() in EMBEDDED or "rfc822-header" in part.get_content_type()
    ]
    out += [] if len(opened.found) == max(len(originals), 1) else ["count"]
    if originals:
        out += message_differs(inner(originals[0]), message_of(opened, found, data))
    expected = path.with_suffix(".expected.json")
    return out + (expected_differs(json.loads(expected.read_text()), found.claims) if expected.exists() else [])


def message_differs(want: Message, got: bytes) -> list[str]:
    """What of the reported message isn't as compat32 reads it: fields in order, a body of one part."""
    root = mime.split(got).root
    names = [name.lower() for name, _ in want.items()]
    out = [] if names == [each.name.lower() for each in root.fields] else ["header"]
    body = want.get_payload()
    if isinstance(body, str):
        mine = got[root.body_start :].decode("ascii", "surrogateescape")
        if "".join(body.split()) != "".join(mine.split()):
            out.append("body")
    return out


_EXPECTED: dict[str, Callable[[Claims], Any]] = {
    "feedback_type": lambda claims: claims.feedback_type.replace("-", ""),
    "arrival_date": lambda claims: int(parsedate_to_datetime(claims.arrival_date).timestamp()),
    "authentication_results": lambda claims: ["".join(value.split()) for value in claims.authentication_results],
    "incidents": lambda claims: int(claims.incidents or 1),
    "original_envelope_id": lambda claims: claims.envelope_id,
    "original_mail_from": lambda claims: claims.mail_from,
    "original_rcpt_to": lambda claims: claims.rcpt_to[0],
    "reported_domain": lambda claims: list(claims.reported_domain),
    "reported_uri": lambda claims: list(claims.reported_uri),
    "reporting_mta": lambda claims: claims.reporting_mta.removeprefix("dns;").strip(),
    "source_ip": lambda claims: claims.source_ip.partition(" ")[0],
    "user_agent": lambda claims: claims.user_agent,
    "version": lambda claims: int(claims.version),
    "source_port": lambda claims: int(claims.source_port or 0),
    "auth_failure": lambda claims: claims.auth_failure or "unspecified",
    "delivery_result": lambda claims: claims.delivery_result or "unspecified",
    "identity_alignment": lambda claims: claims.identity_alignment or "unspecified",
    "dkim_domain": lambda claims: claims.dkim_domain,
    "dkim_identity": lambda claims: claims.dkim_identity,
    "dkim_selector": lambda claims: claims.dkim_selector,
    "dkim_canonicalized_header": lambda claims: dict(claims.extra)["DKIM-Canonicalized-Header"],
    "dkim_canonicalized_body": lambda claims: dict(claims.extra)["DKIM-Canonicalized-Body"],
    "dkim_selector_dns": lambda claims: dict(claims.dns)["DKIM-Selector-DNS"],
    "dkim_adsp_dns": lambda claims: dict(claims.dns)["DKIM-ADSP-DNS"],
    "spf_dns": lambda claims: dict(claims.dns)["SPF-DNS"],
}


def expected_differs(expected: dict[str, Any], claims: Claims) -> list[str]:
    """The fields that the pack's expected values say otherwise; those it gives no value for aren't compared."""
    asked = {name: value for name, value in expected.items() if value not in (None, []) and name in _EXPECTED}
    return [f"expected {name}" for name, value in asked.items() if _plain(value) != _plain(_got(name, claims))]


def _got(name: str, claims: Claims) -> Any:
    try:
        return _EXPECTED[name](claims)
    except (ValueError, KeyError, IndexError):
        return None


def _plain(value: Any) -> str:
    return "".join(json.dumps(value).lower().replace("\\n", "").replace("\\t", "").split())


def x_arf_lines(whole: Message, parts: list[Message]) -> dict[str, str]:
    """The `Key: value` lines of an X-ARF report, keys in lower case; none where the mail is no such report."""
    if not (whole["x-arf"] or whole["x-xarf"]):
        return {}
    for part in parts:
        payload = b"" if part.is_multipart() else bytes(part.get_payload(decode=True) or b"")  # type: ignore[arg-type]
        pairs = [line.partition(":") for line in payload.decode("utf-8", "replace").splitlines()]
        lines = {name.strip().lower(): value.strip().strip("'\"") for name, colon, value in pairs if colon}
        if {"reported-from", "report-type"} <= lines.keys():
            return lines
    return {}


def x_arf_differs(lines: dict[str, str], claims: Claims) -> list[str]:
    have = {value.lower() for value in values_of(claims)}
    return [name for name, value in lines.items() if value and name != "reported-from" and value.lower() not in have]


def is_notice(whole: Message, parts: list[Message]) -> bool:
    """Whether the mail has the containers of RFC 3464 or RFC 8098, or says that it answers by itself."""
    kinds = {part.get_content_type() for part in parts}
    containers = {"message/delivery-status", "message/disposition-notification"}
    return bool(kinds & containers) or str(whole.get("auto-submitted", "")).lower().startswith("auto-replied")


def attached_differs(carried: list[Message], opened: Opened, data: bytes) -> list[str]:
    mine = [found for found in opened.found if found.format in ("attached", "raw", "outlook_msg")]
    if len(mine) < len(carried):
        return ["count"]
    wanted = {identity(inner(part)) for part in carried}
    got = {identity(email.message_from_bytes(message_of(opened, found, data))) for found in mine}
    return sorted({"message" for each in wanted - got if each is not None})


def identity(message: Message) -> tuple[str, ...]:
    names = ("from", "subject", "message-id", "date")
    return (*("".join(str(message.get(name, "")).split()) for name in names), str(len(message.items())))


def _xarf(row: Row, id_: str, data: bytes, opened: Opened) -> None:
    try:
        report = json.loads(data)
    except ValueError:
        report = None
    inside = report.get("Report") if isinstance(report, dict) else None
    right = isinstance(report, dict) and (
        "xarf_version" in report or (isinstance(inside, dict) and "ReporterInfo" in report)
    )
    if _counted(row, id_, right, opened.found[0].format == "xarf"):
        _note(row, id_, xarf_differs(report, inside if isinstance(inside, dict) else report, opened, data))


def xarf_differs(report: dict[str, Any], body: dict[str, Any], opened: Opened, data: bytes) -> list[str]:
    """What of a XARF report isn't as its JSON says: the mails in it, and where it has none, source and type."""
    samples = [
        each for name in ("evidence", "Samples", "Attachment") for each in body.get(name) or report.get(name) or []
    ]
    mails = [
        each
        for each in samples
        if isinstance(each, dict) and "rfc822" in str(each.get("content_type", each.get("ContentType")))
    ]
    coded = [str(each.get("payload") or each.get("Payload") or each.get("Data") or "") for each in mails]
    wanted = {sha256(base64.b64decode(each)).hexdigest() for each in coded if each}
    got = {sha256(message_of(opened, found, data)).hexdigest() for found in opened.found if found.end > found.start}
    if wanted:
        return [] if wanted == got else ["mails"]
    found = opened.found[0]
    if found.verdict == "not-a-report":
        return [] if mail_less(body) else ["dropped"]
    named = body.get("source_identifier") or body.get("SourceIp") or (body.get("Source") or {}).get("IP") or ""
    out = [] if str(named) in values_of(found.claims) | {""} else ["source"]
    return (
        out
        if str(body.get("type", body.get("ReportType", ""))).lower() == found.claims.feedback_type
        else [*out, "type"]
    )


def mail_less(body: dict[str, Any]) -> bool:
    """Whether the report speaks of attacks on machines, of copyright or of flaws."""
    word = str(body.get("type", body.get("ReportType", ""))).lower()
    words = (
        "loginattack",
        "portscan",
        "dos",
        "ddos",
        "copyright",
        "trademark",
        "cve",
        "misconfiguration",
        "exposed_data",
    )
    return word in words or body.get("category") in ("connection", "copyright")


def main() -> None:
    root = pack_folder()
    if root is None:
        sys.exit("LAPWING_CORPORA names no folder with the pack")
    print(f"{'format':14} {'recall':>10} {'precision':>10}  ids missed, ids that are none, ids read wrongly")
    for name, row in table(root).items():
        print(row.line(name))
        for id_, what in sorted(row.wrong.items()):
            print(f"{'':14} {id_}: {what}")


if __name__ == "__main__":
    main()
