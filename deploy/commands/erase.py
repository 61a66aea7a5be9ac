"""`lapwing erase` and `legal-hold`: what the law lets people have forgotten, and what a court lets nobody forget."""

import os

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, defanged, emit, err, out
from deploy.wiring import LINE, House, now
from intake.archive import LegalHold
from intake.errors import Refused
from intake.record import Record, name_of
from intake.report import Report, Reporter
from intake.store import every
from intake.submission import Submission
from triage import assess
from triage.case import Case
from triage.stream import current

hold = typer.Typer(help="Legal holds: what must not be erased.", no_args_is_help=True)
Name = tuple[str, str]
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
    archive = desk.house.archive
    owners = owners_of(desk, kind, key)
    if not yes:
        typer.confirm(
            f"Erase {kind} {key} and all that was derived from it ({len(owners)} parts) for ever?", abort=True
        )
    person = desk.noted("erase", f"{kind} {key}", given(reason), right="erase")
    submissions = [name for each, name in owners if each == Submission.kind]
    reports = [one for each in submissions for one in every(archive.store, Report, {"submission": each})]
    cases = assess.concerned(archive, submissions)
    _refuse_held(desk, cases, {each.reporter for each in reports})
    fresh = name_of(os.urandom(16))
    archive.erase(owners, {"id": fresh, "reason": reason, "by": person, "at": now()})
    _drop_work(desk.house, submissions, [each.id for each in reports])
    desk.house.receipts.forget(submissions)
    assess.fold_anew(archive, cases)
    err.print(f"erased {kind} {key}: {len(owners)} parts; {len(cases)} cases counted anew")


def given(reason: str) -> str:
    """The reason, if there is one."""
    if not reason.strip():
        raise Refused("reason", "this needs a reason")
    return reason


def _refuse_held(desk: Desk, cases: set[str], reporters: set[str]) -> None:
    """`Refused('held')` when a legal hold stands on one of these cases, or on the case that took it in, or on one of
    these reporters, whose submissions it covers.
    """
    for reporter in reporters:
        if desk.house.archive.held(("reporter", reporter)):
            raise Refused("held", f"a legal hold stands on reporter {reporter}, whose report this is")
    for case in {*cases, *(current(desk.house.archive, each).id for each in cases)}:
        if desk.house.archive.held(("case", case)):
            raise Refused("held", f"a legal hold stands on case {case}, to which this belongs")


def owners_of(desk: Desk, kind: str, key: str) -> list[Name]:
    """What has to go: a submission, or a reporter with all submissions of theirs; `Refused` when there is none."""
    archive = desk.house.archive
    if kind == "submission" and archive.get(Submission, key) is not None:
        return [(kind, key)]
    if kind == "reporter" and archive.get(Reporter, key) is not None:
        return [(kind, key), *(("submission", each) for each in sorted(_submissions(desk, key)))]
    raise Refused("unknown", f"there is no {kind} {key}; kinds are submission and reporter")


def _submissions(desk: Desk, reporter: str) -> set[str]:
    return {each.submission for each in every(desk.house.store, Report, {"reporter": reporter})}


def _drop_work(house: House, submissions: list[str], reports: list[str]) -> None:
    """Nothing more is to be done for what is erased."""
    for step in LINE:
        house.work.done(step.name, submissions if step.name == "unpack" else reports)


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
