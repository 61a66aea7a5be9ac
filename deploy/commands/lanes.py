"""`lapwing lanes`: reports that are somebody else's matter, outside the queue; danger to life and child abuse wait here
until a person has passed them on.
"""

from collections.abc import Iterator
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.case import CASE, REASON, found
from deploy.commands.desk import JSON, Desk, defanged, emit, out
from deploy.wiring import now
from intake.bodies import in_charge
from intake.errors import Refused
from intake.store import every
from triage import decide
from triage.fold import CaseView
from triage.lane import LANES, MANDATORY

app = typer.Typer(help="Reports that are others' matters: list, passed, none, again.", invoke_without_command=True)
LANE = typer.Option("", "--lane", help=f"Only this one: {', '.join(LANES)}.")


@app.callback()
def lanes(
    context: typer.Context, lane: str = LANE, json: bool = JSON,
    all_: bool = typer.Option(False, "--all", help="Also what a person has passed on, and what waits for nobody."),
) -> None:  # fmt: skip
    """What is others' matter, the gravest and oldest first, and who is in charge; by itself only what waits."""
    if context.invoked_subcommand:
        return
    if lane and lane not in LANES:
        raise Refused("lane", f"'{lane[:40]}' is not one of: {', '.join(LANES)}")
    desk: Desk = context.obj
    desk.noted("look at the lanes", "lanes")
    rows = [
        _row(desk, view, each)
        for each in ([lane] if lane else LANES)
        for view in _views(desk, each, all_ or bool(lane))
    ]
    if json:
        for row in rows:
            emit(row)
        return
    if not rows:
        out.print("Nothing waits." if not all_ else "Nothing is in a lane.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("lane", "case", "since", "reports", "in charge"):
        table.add_column(name, overflow="fold", no_wrap=name in {"lane", "case", "since"})
    for row in rows:
        table.add_row(*_cells(row))
    out.print(table)


def _views(desk: Desk, lane: str, all_: bool) -> list[CaseView]:
    """The cases in a lane, the oldest first: those that wait, or all."""
    store = desk.house.store
    views = {view.id: view for view in every(store, CaseView, {"alarm": lane})} if lane in MANDATORY else {}
    if all_:
        others = (view for view in every(store, CaseView, {"lane": lane}) if view.state not in ("merged", "erased"))
        views |= {view.id: view for view in others}
    return sorted(views.values(), key=lambda view: (not view.alarm, view.lane_since or view.first_seen, view.id))


def _row(desk: Desk, view: CaseView, lane: str) -> dict[str, Any]:
    bodies = in_charge(desk.house.settings.country, lane)
    return {
        "lane": lane, "case": view.id, "waits": view.alarm == lane, "since": view.lane_since or view.first_seen,
        "state": view.state, "claimed_by": view.claimed_by, "reports": view.lanes.get(lane, 0), "title": view.title,
        "bodies": [{"name": each.name("en"), "phone": each.phone, "web": each.web} for each in bodies],
    }  # fmt: skip


def _cells(row: dict[str, Any]) -> Iterator[str]:
    told = [" ".join(filter(None, (each["name"], each["phone"], each["web"]))) for each in row["bodies"]]
    waits = "[bold red]{}[/bold red]" if row["waits"] else "{}"
    yield waits.format(row["lane"])
    yield row["case"]
    yield row["since"].replace("T", " ").rstrip("Z")
    yield str(row["reports"]) + (f"\n{row['claimed_by']}" if row["claimed_by"] else "")
    title = f"[bold]{escape(defanged(row['title']))}[/bold]\n" if row["title"] else ""
    yield title + (escape("\n".join(told)) or "nobody is known for this country: upload.country or authority.country")


@app.command("passed")
def passed(context: typer.Context, case: str = CASE, reason: str = REASON, lane: str = LANE) -> None:
    """The body in charge was told; say whom, when and how in the reason. Later reports wait anew."""
    _decide(context.obj, case, lane, "passed", reason)


@app.command("none")
def none(context: typer.Context, case: str = CASE, reason: str = REASON, lane: str = LANE) -> None:
    """It is no matter of that lane after all: the case takes its place in the queue."""
    _decide(context.obj, case, lane, "unlaned", reason)


@app.command("again")
def again(context: typer.Context, case: str = CASE, reason: str = REASON, lane: str = LANE) -> None:
    """Take back `passed` or `none`: it waits again."""
    _decide(context.obj, case, lane, "relaned", reason)


def _decide(desk: Desk, case: str, lane: str, what: decide.Found, reason: str) -> None:
    view = found(desk, case)
    chosen = lane or view.alarm or next((each for each in MANDATORY if view.lanes.get(each)), "")
    if not chosen:
        raise Refused("lane", f"case {view.id} has no report about danger to life or child abuse")
    person = desk.noted(f"say of a lane: {what}", f"case {view.id}", right="work")
    view = decide.lane(desk.house.archive, view.id, person, chosen, what, reason, now())
    out.print(
        f"{view.id}: "
        + (f"waits ({view.alarm})" if view.alarm else f"in the lane {view.lane}" if view.lane else "in the queue")
    )
