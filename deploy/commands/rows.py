"""`lapwing rows`: the rows of a table that was handed in, each with its own verdict."""

from collections.abc import Iterator

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, defanged, emit, err, out
from intake.errors import Refused
from intake.sheet import CLAIM, Row, Sheet
from intake.store import every
from intake.submission import Submission

SHOWN = 200
"""Rows of a table that is printed for people."""


def rows(
    context: typer.Context,
    submission: str = typer.Argument(..., help="A submission's id, as `report --json` and `explain` print it."),
    json: bool = JSON,
    bad: bool = typer.Option(False, "--bad", help="Only the rows that are no claims."),
) -> None:
    """The rows of a list that was handed in: what each names, or why it is no claim."""
    desk: Desk = context.obj
    if desk.house.archive.get(Submission, submission) is None:
        raise Refused("unknown", f"there is no submission {submission}")
    desk.noted("look at rows", f"submission {submission}")
    found = ((sheet, row) for sheet, row in _rows(desk, submission) if not (bad and row.verdict == CLAIM))
    if json:
        for sheet, row in found:
            emit({"table": sheet.name, "sha256": sheet.sha256, "line": row.line, "verdict": row.verdict,
                  "values": [{"kind": kind, "value": value} for kind, value in row.values],
                  "time": row.time, "count": row.count, "word": row.word,
                  "column": row.column, "says": row.says, "found": row.found})  # fmt: skip
        return
    table = Table("line", "verdict", "names", "time", "count", "word", "why", box=None, header_style="bold")
    shown = 0
    for shown, (_, row) in enumerate(found, 1):
        if shown > SHOWN:
            break
        table.add_row(*(escape(defanged(cell)) for cell in _row_cells(row)))
    out.print(table)
    if shown > SHOWN:
        err.print(f"The first {SHOWN} rows; all of them: lapwing rows {submission} --json")


def _rows(desk: Desk, submission: str) -> Iterator[tuple[Sheet, Row]]:
    for sheet in every(desk.house.store, Sheet, {"submission": submission}):
        for row in sheet.rows:
            yield sheet, row


def _row_cells(row: Row) -> tuple[str, ...]:
    names = ", ".join(value for _, value in row.values) or row.found
    why = f"{row.column}: {row.says}" if row.column else row.says
    return str(row.line), row.verdict, names, row.time, str(row.count or ""), row.word, why
