"""`lapwing queue`, `case show` and `explain`: what people look at; every look is noted before it is shown."""

from collections.abc import Iterator
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, defanged, emit, err, out
from deploy.wiring import OUTWARD
from deploy.withheld import withheld
from enrichment.acknowledge import Acknowledgement
from enrichment.answer import REASONS
from enrichment.examination import Examination
from intake.errors import Refused
from intake.report import Claims, Report, Withdrawal
from intake.store import every
from intake.submission import Submission
from triage import rank
from triage.case import Filing
from triage.fold import CaseView, standing
from triage.harm import recognised
from triage.lane import LANES, MANDATORY
from triage.support import Supported, support

SIGNS = {"open-relay": "an open relay", "open-proxy": "an open proxy", "zombie": "a zombie machine"}
COLOURS = {"concrete": "bold red", "potential": "yellow", "nuisance": "cyan", "none": "dim"}


def cases(desk: Desk) -> Iterator[CaseView]:
    """Every case that is not part of another and has a place in the queue, the most harmful first."""
    found = every(desk.house.store, CaseView, {"lane": ""}, order="rank_key")
    return (view for view in found if view.state not in ("merged", "erased"))


def filings(desk: Desk, view: CaseView) -> Iterator[Filing]:
    """The filings of a case and of those that it took in."""
    for case in (view.id, *view.members):
        yield from every(desk.house.store, Filing, {"case": case})


def reasons(view: CaseView) -> list[dict[str, str]]:
    """Why the case stands where it stands: the gravest first, then what its place depends on."""
    told = {code: view.reasons[code] for code in recognised(view.reasons)}
    order = sorted(told.items(), key=lambda item: (-item[1].grade, -item[1].count, item[0]))
    harm = [{"code": code, "sentence": each.sentence} for code, each in order]
    means = [
        {
            "code": f"technique.{name}",
            "sentence": f"{count} of {view.reports} reports show signs of {SIGNS.get(name, name)}.",
        }
        for name, count in sorted(view.techniques.items())
    ]
    return harm + means + [{"code": code, "sentence": sentence} for code, sentence in rank.reasons(standing(view))]


def _row(desk: Desk, place: int, view: CaseView) -> dict[str, Any]:
    reports = []
    for filing in filings(desk, view):
        submission = desk.house.archive.get(Submission, filing.submission)
        reports.append({"report": filing.report, "sha256": submission.sha256 if submission else ""})
    return {
        "rank": place, "case": view.id, "band": view.band, "kind": view.harm_kind, "confidence": view.confidence,
        "reasons": reasons(view), "reports": reports, "reporters": view.reporters, "state": view.state,
        "title": view.title, "techniques": sorted(view.techniques), "lane": view.lane,
    }  # fmt: skip


def queue(
    context: typer.Context, json: bool = JSON, limit: int = typer.Option(0, help="Only so many; 0: all.")
) -> None:
    """The queue: every case in the order in which people should see them, with the reasons."""
    print_queue(context.obj, json, limit)


def print_queue(desk: Desk, json: bool, limit: int = 0) -> None:
    """Show the queue, noted first."""
    desk.noted("look at the queue", "queue")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, style in (("", "dim"), ("case", ""), ("band", ""), ("kind", ""), ("reports", ""), ("why", "")):
        table.add_column(name, style=style, overflow="fold", no_wrap=name in {"case", "band", "kind"})
    count = 0
    for place, view in enumerate(cases(desk), 1):
        count = place
        if json:
            emit(_row(desk, place, view))
        else:
            table.add_row(*_cells(place, view))
        if place == limit:
            break
    if json:
        return
    alarms = sum(desk.house.store.count(CaseView, {"alarm": lane}).get("", 0) for lane in MANDATORY)
    if alarms:
        err.print(
            f"[bold red]{alarms} cases are about danger to life or child abuse and wait: lapwing lanes[/bold red]"
        )
    if count:
        out.print(table)
    else:
        err.print("The queue is empty. Hand something in: lapwing report FILE...")
    waiting = {step: count for step, count in desk.house.work.waiting().items() if step not in OUTWARD}
    if waiting:
        err.print(f"{sum(waiting.values())} items wait to be examined: `lapwing serve` does that, or the next report.")


def _cells(place: int, view: CaseView) -> tuple[str, ...]:
    told = [each for each in reasons(view) if each["code"] not in {"rank.band", "rank.confidence"}]
    means = [each["sentence"] for each in told if each["code"].startswith(("technique.", "rank."))]
    why = [each["sentence"] for each in told if each["sentence"] not in means][:5] + means
    title = f"[bold]{escape(defanged(view.title))}[/bold]\n" if view.title else ""
    colour = COLOURS[view.band]
    state = "" if view.state == "open" else f"\n[dim]{view.state}[/dim]"
    band = f"[{colour}]{view.band}[/{colour}]\n[dim]{view.confidence:.0%} sure[/dim]{state}"
    people = f"{view.reports} by {view.reporters}"
    return str(place), view.id, band, view.harm_kind, people, title + "\n".join(escape(defanged(line)) for line in why)


def explain(
    context: typer.Context, report: str = typer.Argument(..., help="A report's id, as `report` printed it."),
    json: bool = JSON,
) -> None:  # fmt: skip
    """Everything that is known about one report, and how we know it."""
    desk: Desk = context.obj
    archive = desk.house.archive
    kept = archive.get(Report, report)
    if kept is None:
        raise Refused("unknown", f"there is no report {report}")
    desk.noted("look at a report", f"report {report}")
    rounds, _ = desk.house.store.find(Examination, {"report": report}, limit=100)
    if not rounds:
        raise Refused("not-yet", f"report {report} is not examined yet")
    found = withheld(archive, kept, explained(kept, max(rounds, key=lambda each: each.round)))
    found["receipt"] = receipt(archive.get(Acknowledgement, kept.submission))
    filing = archive.get(Filing, report)
    said = support(desk.house.store, [filing] if filing else [])
    found["withdrawn"] = withdrawn(desk, report)
    if json:
        emit(found | {"support": said})
    else:
        _print(found)
        print_support(said)


def print_support(supported: Supported) -> None:
    """What lists of feeds say beside the reports; it stands apart from the reasons, because it is none."""
    for each in supported.said[:20]:
        out.print(f"  + {escape(defanged(each.sentence))} [dim]support, raises nothing[/dim]")
    more = len(supported.said) - 20
    if more > 0 or not supported.whole:
        rest = f"{more} things more are named by lists" if more > 0 else "more things may be named by lists"
        out.print(f"  + [dim]{rest}[/dim]")


def withdrawn(desk: Desk, report: str) -> str:
    """When its reporter took the report back (ISO 8601, UTC), '' where that did not happen."""
    found = desk.house.archive.get(Withdrawal, report)
    return found.at.isoformat(timespec="seconds") if found else ""


def explained(report: Report, examination: Examination) -> dict[str, Any]:
    """The interface of `explain --json`."""
    message = examination.message
    methods: dict[str, list[Any]] = {"spf": [], "dkim": [], "dmarc": [], "arc": []}
    for check in examination.checks:
        methods.setdefault(check.method, []).append(check)
    return {
        "report": report.id, "submission": report.submission, "reporter": report.reporter,
        "format": report.format, "sha256": report.sha256, "missing": report.missing,
        "message": {
            "from": [each.address for each in message.from_], "to": [each.address for each in message.to],
            "subject": message.subject, "date": message.date, "language": message.language,
            "from_names": [each.name for each in message.from_], "flags": message.flags,
        },
        "hops": [
            {"index": hop.index, "from": hop.helo or hop.rdns, "by": hop.by, "ip": hop.ip, "time": hop.time,
             "forged": list(hop.forged), "zone": hop.zone, "parsed": hop.parsed, "cite": hop.cite}
            for hop in examination.hops
        ],
        "boundary": examination.boundary,
        "claims": report.claims,
        "authentication": methods,
        "findings": examination.findings,
        "links": message.links,
        "leaves": message.leaves,
        "lookups": examination.lookups,
        "limits": (*examination.limits, *message.limits),
    }  # fmt: skip


def receipt(known: Acknowledgement | None) -> dict[str, str] | None:
    """Whether the submission's receipt was sent by mail, and why not; None where none was due, or not yet."""
    if known is None:
        return None
    return {"result": known.result, "reason": known.reason, "says": REASONS.get(known.reason, ""),
            "proof": known.proof, "language": known.language, "template": known.template}  # fmt: skip


def _print_told(told: Claims, withdrawn_at: str) -> None:
    """What the reporter said of the report as a whole."""
    if withdrawn_at:
        out.print(f"[bold red]withdrawn by its reporter on {withdrawn_at}[/bold red]; it counts no more")
    if told.lane in LANES:
        out.print(f"[bold red]the reporter says: {told.lane}[/bold red]")
    if told.consent:
        out.print("the reporter agrees, unverified, to being named to an authority abroad")


def _print(found: dict[str, Any]) -> None:
    message, boundary = found["message"], found["boundary"]
    _print_told(found["claims"], found["withdrawn"])
    out.print(f"[bold]{escape(defanged(message['subject'] or '(no subject)'))}[/bold]")
    out.print(f"[dim]report {found['report']}, submission {found['submission']}, reporter {found['reporter']}[/dim]")
    out.print(f"from {escape(defanged(', '.join(message['from']) or '?'))}, {message['date'] or 'no date'}, "
              f"{message['language'] or 'language not known'}")  # fmt: skip
    out.print(f"handed over by [bold]{boundary.ip or 'nobody that can be named'}[/bold] "
              f"(confidence {boundary.confidence}): {escape(boundary.reason)}")  # fmt: skip
    if found["receipt"]:
        told = found["receipt"]
        out.print(f"receipt {told['result']}" + (f": {told['says']}" if told["says"] else ""))
    for hop in found["hops"]:
        marks = f" [red]{', '.join(hop['forged'])}[/red]" if hop["forged"] else ""
        line = f"  {hop['index']:>2} {hop['from'] or '?'} [{hop['ip'] or '?'}] -> {hop['by'] or '?'}  ({hop['zone']})"
        out.print(escape(defanged(line)) + marks)
    for method, checks in found["authentication"].items():
        for check in checks:
            reason = f" ({escape(check.reason)})" if check.reason else ""
            out.print(f"{method} {check.result} {escape(check.domain)} [dim]{check.basis}[/dim]{reason}")
    for finding in found["findings"]:
        out.print(
            f"[bold]{finding.name}[/bold] {finding.verdict} {finding.strength}: {escape(defanged(finding.sentence))}"
        )
        for line in finding.against:
            out.print(f"    against it: {escape(defanged(line))}")
    for link in found["links"][:20]:
        out.print(f"link {escape(defanged(link.url or link.raw))} [dim]{escape(link.domain)}[/dim]")
