"""`lapwing selfcheck`: whether this home is set so that the promises can hold, and how each was last tried."""

from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, emit, err, out
from deploy.promises import LEDGER, Promise, promises
from deploy.soundness import Seen, checks

COLOURS = {"right": "green", "doubtful": "yellow", "wrong": "bold red", "unknown": "yellow"}


def selfcheck(
    context: typer.Context,
    ledger: Path = typer.Option(LEDGER, "--ledger", help="Where the campaigns wrote how the promises were tried."),
    json: bool = JSON,
) -> None:
    """Whether disk, keys, store, limits and the like let the promises hold, and how each promise was last tried; exit
    status 1 when something is wrong or a promise was not held.
    """
    desk: Desk = context.obj
    seen, tried = list(checks(desk.house)), list(promises(ledger))
    if json:
        _emit(seen, tried)
    else:
        out.print(_settings(seen), _tried(tried), sep="\n\n")
        untried = sum(each.tried is None for each in tried)
        err.print(f"{untried} of {len(tried)} promises were never tried on this machine")
    wrong = any(each.state == "wrong" for _, each in seen)
    raise typer.Exit(1 if wrong or any(each.tried and not each.tried.held for each in tried) else 0)


def _emit(seen: list[tuple[str, Seen]], tried: list[Promise]) -> None:
    for name, each in seen:
        emit({"check": name, "state": each.state, "says": each.says})
    for promise in tried:
        emit({"promise": promise.number, "says": promise.says, "commands": promise.long, "tried": promise.tried})


def _settings(seen: list[tuple[str, Seen]]) -> Table:
    table = Table("what", "is", "why", box=None, header_style="bold")
    for name, each in seen:
        table.add_row(name, f"[{COLOURS[each.state]}]{each.state}[/]", escape(each.says))
    return table


def _tried(tried: list[Promise]) -> Table:
    table = Table("", "promise", "held", "last tried", "figures", box=None, header_style="bold")
    for promise in tried:
        last = promise.tried
        if last is None:
            how = "\n".join(f".venv/bin/python {each}" for each in promise.long) or "nothing tries it yet"
            table.add_row(promise.number, promise.says, "[yellow]?[/]", "never here", f"[dim]{how}[/]")
            continue
        held = "[green]yes[/]" if last.held else "[bold red]NO[/]"
        figures = ", ".join(f"{name} {figure}" for name, figure in last.figures.items())
        table.add_row(promise.number, promise.says, held, f"{last.at:%Y-%m-%d} {last.form}", escape(figures))
    return table
