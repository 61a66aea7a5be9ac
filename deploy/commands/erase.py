"""`lapwing erase`, `retention` and `legal-hold`: what the law has forgotten, and what a court lets nobody forget."""

import os

import typer
from rich.markup import escape
from rich.table import Table

from deploy import erasing
from deploy import retention as end_of_retention
from deploy.commands.desk import JSON, Desk, defanged, emit, err, out
from deploy.wiring import now
from intake.archive import LegalHold
from intake.errors import Refused
from intake.record import Record, name_of
from intake.report import Reporter
from intake.store import every
from intake.submission import Submission
from triage.case import Case


def retention(
    context: typer.Context,
    run: bool = typer.Option(False, "--run", help="Erase what is due now; the running system does so once a day."),
    json: bool = JSON,
) -> None:
    """What was kept long enough, by the periods in the settings, and what stands in the way of erasing it."""
    desk: Desk = context.obj
    if run:
        desk.noted("end retention", "what is due", right="erase")
        erased, _ = end_of_retention.run(desk.house, now().date())
        err.print(f"{erased} submissions erased")
    table = Table("submission", "kept as", "since", "blocked by", box=None, header_style="bold")
    for each in end_of_retention.due(desk.house, now().date()):
        if json:
            emit(each._asdict())
        table.add_row(each.submission, each.kept_as, each.day, escape(each.blocked))
    if not json:
        out.print(table if table.row_count else "Nothing is due.")


hold = typer.Typer(help="Legal holds: what must not be erased.", no_args_is_help=True)
HELD: dict[str, type[Record]] = {"submission": Submission, "reporter": Reporter, "case": Case}
"""What a legal hold can stand on."""


def erase(
    context: typer.Context,
    kind: str = typer.Argument(..., help="submission or reporter."),
    key: str = typer.Argument(..., help="Its id; the id of a reporter stands in `explain`."),
    reason: str = typer.Option(..., "--reason", help="Why: the reporter's wish, the end of retention."),
    yes: bool = typer.Option(False, "--yes", help="Don't ask."),
) -> None:
    """Erase for ever: the evidence becomes unreadable, the chain still verifies, cases are counted anew."""
    desk: Desk = context.obj
    what = erasing.plan(desk.house, erasing.owners_of(desk.house, kind, key))
    parts = len(what.owners)
    if not yes:
        typer.confirm(f"Erase {kind} {key} and all that was derived from it ({parts} parts) for ever?", abort=True)
    person = desk.noted("erase", f"{kind} {key}", given(reason), right="erase")
    erasing.erase(desk.house, what, reason, person)
    err.print(f"erased {kind} {key}: {parts} parts; {len(what.cases)} cases counted anew")


def given(reason: str) -> str:
    """The reason, if there is one."""
    if not reason.strip():
        raise Refused("reason", "this needs a reason")
    return reason


@hold.command("place")
def place(
    context: typer.Context,
    kind: str,
    key: str,
    reason: str = typer.Option(..., "--reason", help="Which court or case."),
) -> None:
    """Forbid to erase this submission, reporter or case until the hold is lifted."""
    desk: Desk = context.obj
    if kind not in HELD or desk.house.archive.get(HELD[kind], key) is None:
        raise Refused("unknown", f"there is no {kind} {key}; kinds are {', '.join(HELD)}")
    person = desk.noted("place a legal hold", f"{kind} {key}", given(reason), right="erase")
    made = LegalHold(id=name_of(os.urandom(16)), owner=f"{kind} {key}", reason=reason, by=person, at=now())
    desk.house.archive.keep(made)
    out.print(made.id)


@hold.command("lift")
def lift(
    context: typer.Context,
    id: str = typer.Argument(..., help="The hold's id."),
    reason: str = typer.Option(..., "--reason", help="Why it ends."),
) -> None:
    """End a legal hold."""
    desk: Desk = context.obj
    known = desk.house.archive.get(LegalHold, id)
    if known is None or known.lifted:
        raise Refused("unknown", f"there is no legal hold {id}")
    person = desk.noted("lift a legal hold", known.owner, given(reason), right="erase")
    end = LegalHold(id=name_of("lift", id), owner=known.owner, reason=reason, by=person, at=now(), lifted=id)
    desk.house.archive.keep(end)


@hold.command("list")
def list_(context: typer.Context, json: bool = JSON) -> None:
    """The holds that stand."""
    desk: Desk = context.obj
    holds = list(every(desk.house.store, LegalHold, {}))
    lifted = {each.lifted for each in holds}
    table = Table("id", "on", "reason", "by", box=None, header_style="bold")
    for each in (hold for hold in holds if not hold.lifted and hold.id not in lifted):
        if json:
            emit({"hold": each.id, "on": each.owner, "reason": each.reason, "by": each.by})
        table.add_row(each.id, each.owner, escape(defanged(each.reason)), each.by)
    if not json:
        out.print(table if table.row_count else "No legal hold stands.")
