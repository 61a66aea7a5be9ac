"""`lapwing case`: look at a case, claim it, give it back, close it, open it again, overrule the machine with a
reason.
"""

from collections.abc import Iterator
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, defanged, emit, out
from deploy.commands.look import COLOURS, filings, print_support, reasons, withdrawn
from deploy.wiring import now
from enrichment.letters import OUTCOMES
from intake.errors import Refused
from intake.store import every
from triage import decide
from triage.case import CaseEvent, Note
from triage.fold import CaseView
from triage.stream import current
from triage.support import support

app = typer.Typer(help="Cases: show, claim, release, close, reopen, override.", no_args_is_help=True)
CASE = typer.Argument(..., help="A case's id, as the queue prints it.")
REASON = typer.Option(..., "--reason", help="Why; a sentence that stays with the case.")


def found(desk: Desk, case: str) -> CaseView:
    """The case that now holds this id; `Refused` when there is none."""
    view = current(desk.house.archive, case)
    if view.version == 0:
        raise Refused("unknown", f"there is no case {case}; see: lapwing queue")
    return view


@app.command("show")
def show(context: typer.Context, case: str = CASE, json: bool = JSON) -> None:
    """One case: why it stands where it stands, its reports and what happened to it."""
    desk: Desk = context.obj
    view = found(desk, case)
    desk.noted("look at a case", f"case {view.id}")
    kept = list(filings(desk, view))
    said = support(desk.house.store, kept)
    if json:
        reports = [
            {"report": each.report, "sender": each.assessment.sender, "band": each.assessment.band,
             "withdrawn": withdrawn(desk, each.report)} for each in kept
        ]  # fmt: skip
        emit({"case": view.id, "band": view.band, "kind": view.harm_kind, "confidence": view.confidence,
              "state": view.state, "claimed_by": view.claimed_by, "reporters": view.reporters,
              "reasons": reasons(view), "techniques": view.techniques, "countries": view.countries,
              "members": view.members, "reports": reports, "support": said,
              "decisions": list(decisions(desk, view))})  # fmt: skip
        return
    colour = COLOURS[view.band]
    out.print(f"[bold]{escape(defanged(view.title or view.id))}[/bold]")
    state = f"{view.state} by {view.claimed_by}" if view.claimed_by else view.state
    out.print(f"{view.id}  [{colour}]{view.band}[/{colour}] {view.harm_kind}  {view.confidence:.0%} sure  {state}")
    for each in reasons(view):
        out.print(f"  - {escape(defanged(each['sentence']))} [dim]{each['code']}[/dim]")
    print_support(said)
    table = Table("report", "handed over by", "kind", "language", "joined by", box=None, header_style="bold")
    for filing in kept:
        why = "; ".join(f"{family}: {what}" for family, what in filing.says[:4]) or "likeness of text"
        told = filing.assessment
        back = withdrawn(desk, filing.report)
        why = f"withdrawn by its reporter on {back}; it counts no more" if back else why
        table.add_row(filing.report, told.sender or "?", told.kind, told.language, escape(defanged(why)))
    out.print(table)
    for decided in decisions(desk, view):
        what = " ".join((decided["what"], *decided["codes"].values()))
        because = f": {escape(defanged(decided['reason']))}" if decided["reason"] else ""
        out.print(f"{decided['at']:%Y-%m-%d %H:%M} UTC  {decided['by']}  {what}{because}")


def decisions(desk: Desk, view: CaseView) -> Iterator[dict[str, Any]]:
    """What people decided about the case and those it took in, each with the reason that they gave, oldest first."""
    cases = (view.id, *view.members)
    events = [each for case in cases for each in every(desk.house.store, CaseEvent, {"case": case}) if each.by]
    for each in sorted(events, key=lambda event: (event.at, event.n)):
        note = desk.house.archive.get(Note, each.note) if each.note else None
        yield {"what": each.what, "by": each.by, "at": each.at, "codes": dict(each.codes),
               "reason": note.text if note else ""}  # fmt: skip


@app.command("claim")
def claim(context: typer.Context, case: str = CASE) -> None:
    """Take a case: from now on you work on it."""
    desk: Desk = context.obj
    view = found(desk, case)
    person = desk.noted("claim a case", f"case {view.id}", right="work")
    _say(decide.claim(desk.house.archive, view.id, person, now()))


@app.command("release")
def release(context: typer.Context, case: str = CASE) -> None:
    """Give a case back to the queue."""
    desk: Desk = context.obj
    view = found(desk, case)
    person = desk.noted("release a case", f"case {view.id}", right="work")
    _say(decide.release(desk.house.archive, view.id, person, now()))


@app.command("close")
def close(
    context: typer.Context, case: str = CASE, reason: str = REASON,
    outcome: str = typer.Option("", "--outcome", help="What its reporters are told: finished, helped or elsewhere."),
) -> None:  # fmt: skip
    """Close a case."""
    if outcome and outcome not in OUTCOMES:
        raise Refused("outcome", f"'{outcome[:40]}' is not one of: {', '.join(OUTCOMES)}")
    desk: Desk = context.obj
    view = found(desk, case)
    person = desk.noted("close a case", f"case {view.id}", right="work")
    _say(decide.close(desk.house.archive, view.id, person, reason, now(), outcome=outcome))
    if desk.house.settings.receipts.outcome:
        desk.house.work.put("notify", [view.id])


@app.command("reopen")
def reopen(context: typer.Context, case: str = CASE, reason: str = REASON) -> None:
    """Open a closed case again."""
    desk: Desk = context.obj
    view = found(desk, case)
    person = desk.noted("reopen a case", f"case {view.id}", right="work")
    _say(decide.reopen(desk.house.archive, view.id, person, reason, now()))


@app.command("override")
def override(
    context: typer.Context, case: str = CASE, reason: str = REASON,
    band: str = typer.Option(..., "--band", help="concrete, potential, nuisance or none."),
) -> None:  # fmt: skip
    """Overrule the machine's band; the machine never overrules you."""
    desk: Desk = context.obj
    view = found(desk, case)
    person = desk.noted("override a case", f"case {view.id}", right="work")
    _say(decide.override(desk.house.archive, view.id, person, band, reason, now()))


def _say(view: CaseView) -> None:
    out.print(f"{view.id}: {view.band}, {view.state}" + (f" by {view.claimed_by}" if view.claimed_by else ""))
