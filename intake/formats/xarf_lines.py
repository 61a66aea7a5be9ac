"""X-ARF 0.1 and 0.2: mails with a report of `Key: value` lines, as a part of its own or in the text.

Promises one Found per report, its message the part that follows where that is a mail, else a claim that stands alone.
The lines are read as lines: no YAML is loaded, `Schema-URL` is kept as text and never fetched. Who reports is not
repeated in the claims. Standard: X-ARF specification 0.1 and 0.2 (x-arf.org), read leniently.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from intake import mime, words
from intake.formats import carried, xarf_types
from intake.formats.carried import LENGTH, VALUES
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree
from intake.report import Claims

FORMAT = "x-arf"
LINES = 500
"""Most lines of one report, and most lines of text above one."""

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,63})[ \t]{0,20}:(?:[ \t](.*)|[ \t]{0,20})")
_KNOWN = frozenset(
    {
        "reported-from", "report-type", "report-id", "category", "date", "source", "source-type", "schema-url",
        "attachment", "version", "user-agent", "port", "service", "tlp", "occurrences", "ip", "domain", "uri",
    }
)  # fmt: skip
_SILENT = frozenset({"reported-from", "reported-by", "reporter", "contact"})
_ONCE = {
    "report-type": "feedback_type",
    "category": "category",
    "date": "arrival_date",
    "report-id": "report_id",
    "version": "version",
    "user-agent": "user_agent",
    "source-port": "source_port",
    "occurrences": "incidents",
}
_SAID = ("x-arf", "x-xarf")


@dataclass(slots=True)
class _Report:
    """The lines of one report: first value of each key in lower case, the other ones, words for the claims."""

    first: dict[str, str] = field(default_factory=dict)
    extra: list[tuple[str, str]] = field(default_factory=list)
    flags: dict[str, None] = field(default_factory=dict)


def read_mail(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail brings X-ARF reports; if so each is now a Found, or named as no matter of spam."""
    content, own = item.content, carried.own(tree)
    marked = any(mime.first(content, tree.root, name) for name in _SAID)
    read = {index: _report(content, tree.nodes[index], marked) for index in own}
    reports = {index: report for index, report in read.items() if report}
    for index, stop in zip(reports, [*list(reports)[1:], len(tree.nodes)], strict=False):
        after = [each for each in own if index < each < stop]
        note = _above(carried.sentence(content, tree))
        _take(item, reports[index], carried.messages(content, tree, after), note, desk)
    return bool(reports)


def _above(text: str) -> str:
    """The text for people without the lines of a report that stands in it, which name the reporter."""
    lines = text.splitlines()
    names = (_LINE.fullmatch(line) for line in lines)
    first = next((at for at, name in enumerate(names) if name and name[1].lower() in _KNOWN), len(lines))
    return "\n".join(lines[:first]).strip().removesuffix("---").strip()


def _report(content: bytes, node: Node, marked: bool) -> _Report | None:
    """The report in a part: its first lines, or, in a mail that says it has one, lines further down."""
    if node.children or node.type not in (
        "text/plain",
        "text/x-yaml",
        "application/octet-stream",
        "application/x-yaml",
    ):
        return None
    data = carried.beginning(content, node)
    if not marked and b"reported-from" not in data.lower():
        return None
    text = words.text(data, node.charset)
    report = _lines(text, marked)
    keys = report.first.keys()
    needed = {"report-type", "reported-from"} <= keys or (marked and {"source"} < keys & _KNOWN)
    return report if needed and len(keys & _KNOWN) >= 4 else None


def _lines(text: str, marked: bool) -> _Report:
    report, last, begun = _Report(), "", False
    for line in text.splitlines()[:LINES]:
        if line.strip() in ("---", "...", ""):
            if begun and line.strip():
                break
            continue
        match = _LINE.fullmatch(line)
        if match and (begun or match[1].lower() in _KNOWN):
            begun, last = True, match[1]
            _add(report, last, match[2] or "")
        elif begun and line[0] in " \t-":
            _more(report, last, line)
        elif begun or not marked:
            break
    return report


def _add(report: _Report, name: str, value: str) -> None:
    low, value = name.lower(), _unquoted(value)
    if low not in report.first:
        report.first[low] = value
    elif low in _KNOWN:
        report.flags["duplicate-field"] = None
    if low not in _ONCE or report.first[low] != value:
        report.extra.append((name, value))


def _more(report: _Report, name: str, line: str) -> None:
    """A further line of a value, or an entry of a list."""
    value = _unquoted(line.strip().removeprefix("-"))
    if not report.first[name.lower()]:
        report.first[name.lower()] = value
    report.extra.append((name, value))


def _unquoted(value: str) -> str:
    value = value.strip()[:LENGTH]
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _take(item: Item, report: _Report, found: list[Node], note: str, desk: Desk) -> None:
    claims = _claims(report, note, desk)
    if claims.lane:
        desk.report(item, 0, 0, FORMAT, claims, carried.NOTHING)
    elif not found and xarf_types.elsewhere(claims.category, claims.feedback_type):
        says = f"An X-ARF report of {claims.category}/{claims.feedback_type} without a mail: no matter of spam."
        desk.verdict(item, "not-a-report", FORMAT, says)
    else:
        carried.take(item, found, FORMAT, claims, desk)


def _claims(report: _Report, note: str, desk: Desk) -> Claims:
    extra = [(name, value) for name, value in report.extra if value and name.lower() not in _SILENT]
    if len(extra) > VALUES:
        desk.limits["claims"] = None
    once = {name: report.first[key] for key, name in _ONCE.items() if key in report.first}
    once |= {name: once[name].lower() for name in ("feedback_type", "category") if name in once}
    lane = xarf_types.lane(once.get("feedback_type", "")) or xarf_types.lane(once.get("category", ""))
    return Claims(
        **once,  # type: ignore[arg-type]
        **_source(report.first),  # type: ignore[arg-type]
        note=note,
        extra=tuple(extra[:VALUES]),
        lane=lane,
        flags=tuple(report.flags),
    )


def _source(first: Mapping[str, str]) -> dict[str, object]:
    """Address, site or domain, whichever the source is; Source-Type may lie."""
    source = first.get("source", "") or first.get("ip", "")
    if xarf_types.is_address(source):
        return {"source_ip": source}
    if "://" in source:
        return {"reported_uri": (source,)}
    return {"reported_domain": (source,)} if source else {}
