"""`lapwing status`: what waits, what is on hold, and what became of the mails to reporters; nothing of any report."""

import typer
from rich.table import Table

from deploy import alarm
from deploy.commands.desk import JSON, Desk, emit, out
from enrichment.acknowledge import Acknowledgement
from enrichment.answer import REASONS
from intake.store import every
from triage.notify import OutcomeNote


def status(context: typer.Context, json: bool = JSON) -> None:
    """What waits, alarms, holds, and which receipts were not delivered; exit status 1 when a person should look."""
    desk: Desk = context.obj
    store, work = desk.house.store, desk.house.work
    lanes = alarm.says(list(alarm.waiting(store)))
    waiting, held = work.waiting(), len(work.held())
    by_result = store.count(Acknowledgement, {}, "result")
    by_reason = store.count(Acknowledgement, {"result": "not-sent"}, "reason")
    receipts, unsent = ({str(name): count for name, count in each.items()} for each in (by_result, by_reason))
    lost = [(each.submission, each.reason) for each in every(store, Acknowledgement, {"result": "undelivered"})]
    lost += [(each.submission, each.reason) for each in every(store, OutcomeNote, {"result": "undelivered"})]
    if json:
        undelivered = [{"submission": each, "reason": reason} for each, reason in lost]
        emit(
            {
                "waiting": waiting,
                "held": held,
                "receipts": receipts,
                "not_sent": unsent,
                "undelivered": undelivered,
                "alarms": lanes,
            }
        )
    else:
        for each in lanes:
            out.print(f"[bold red]ALARM: {each}[/bold red]")
        _print(waiting, held, receipts, unsent, lost)
    raise typer.Exit(1 if held or lost or lanes else 0)


def _print(
    waiting: dict[str, int], held: int, receipts: dict[str, int], unsent: dict[str, int], lost: list[tuple[str, str]]
) -> None:  # fmt: skip
    told = ", ".join(f"{count} to {step}" for step, count in sorted(waiting.items())) or "nothing"
    out.print(f"waiting: {told}\non hold: {held}" + (" (lapwing hold list)" if held else ""))
    if not receipts:
        out.print("receipts: none was due yet")
        return
    out.print("receipts: " + ", ".join(f"{count} {result}" for result, count in sorted(receipts.items())))
    table = Table(box=None, show_header=False)
    for reason, count in sorted(unsent.items(), key=lambda each: -each[1]):
        table.add_row(str(count), "not sent", REASONS.get(reason, reason))
    for submission, reason in lost:
        table.add_row(submission, "not delivered", REASONS.get(reason, reason))
    out.print(table)
