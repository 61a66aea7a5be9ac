"""`lapwing erase`, `retention` and `legal-hold`: what the law has forgotten, and what a court lets nobody forget."""

import os
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from deploy import erasing
from deploy import retention as end_of_retention
from deploy.commands.desk import JSON, Desk, defanged, emit, err, out
from deploy.meant import Meant, meant, owners_of
from deploy.wiring import now
from intake.archive import LegalHold
from intake.errors import Refused
from intake.record import Record, name_of
from intake.report import Reporter
from intake.store import every
from intake.submission import Submission
from referral.request import AssistanceRequest
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
    what: list[str] = typer.Argument(
        ..., metavar="WHAT", help="A reporter's address or id, or the id of a submission or report, or its reference."
    ),
    reason: str = typer.Option("", "--reason", help="Why: the reporter's wish, the end of retention. Never a name."),
    yes: bool = typer.Option(False, "--yes", help="Don't ask."),
    look: bool = typer.Option(False, "--dry-run", help="Only say what would go, and what stands in the way."),
    request: list[str] = typer.Option([], "--request", help="An approved request that rests on it and goes as well."),
    json: bool = JSON,
) -> None:
    """Erase for ever: the evidence becomes unreadable, the chain still verifies, cases are counted anew."""
    desk: Desk = context.obj
    one = meant(desk.house, _wanted(what))
    named = [_root(desk, each) for each in request]
    if look:
        desk.noted("look at what an erasure takes", str(one), right="erase")
    else:
        given(reason)
    todo = erasing.plan(desk.house, owners_of(desk.house, one), named)
    blocked = erasing.in_the_way(desk.house, todo)
    if look or not (yes or json):
        _show(one, todo, blocked, json)
    if look:
        raise typer.Exit(1 if blocked else 0)
    _carry_out(desk, one, todo, reason, yes, json)


def _wanted(words: list[str]) -> str:
    """The one word, behind its kind where somebody says that too."""
    rest = words[1:] if len(words) == 2 and words[0] in (Submission.kind, Reporter.kind) else words
    if len(rest) != 1:
        raise Refused("usage", "name one thing to erase: lapwing erase WHAT --reason ...")
    return rest[0]


def _root(desk: Desk, request: str) -> str:
    kept = desk.house.archive.get(AssistanceRequest, request)
    if kept is None:
        raise Refused("unknown", f"there is no request {request}")
    return kept.root


def _carry_out(desk: Desk, one: Meant, todo: erasing.Plan, reason: str, yes: bool, json: bool) -> None:
    if not yes:
        asked = f"Erase {one} and all that was derived from it ({len(todo.owners)} parts) for ever?"
        typer.confirm(asked, abort=True, err=json)
    erasing.refuse_naming(desk.house, todo, reason)
    person = desk.noted("erase", str(one), reason, right="erase")
    done = erasing.erase(desk.house, todo, reason, person)
    if json:
        emit({"erasure": done.id, **_told(one, todo, [])})
    err.print(f"erased {one}: {len(todo.owners)} parts; {len(todo.cases)} cases counted anew")


def _told(one: Meant, todo: erasing.Plan, blocked: list[str]) -> dict[str, Any]:
    """What goes, for programs: ids and counts, and no address."""
    reporters = sorted(name for kind, name in todo.owners if kind == Reporter.kind)
    return {
        "kind": one.kind, "ids": one.ids, "reporters": reporters, "submissions": sorted(todo.submissions),
        "reports": sorted(each.id for each in todo.reports), "cases": sorted(todo.cases), "requests": todo.requests,
        "blocked_by": blocked,
    }  # fmt: skip


def _show(one: Meant, todo: erasing.Plan, blocked: list[str], json: bool) -> None:
    """What would go, and what stands in the way."""
    told = _told(one, todo, blocked)
    if json:
        emit(told)
        return
    for name in ("reporters", "submissions", "reports", "requests"):
        if told[name]:
            out.print(f"{name}: {' '.join(told[name])}")
    if told["cases"]:
        out.print(f"counted anew: {' '.join(told['cases'])}")
    for each in blocked:
        out.print(f"[red]in the way:[/red] {escape(each)}")


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
