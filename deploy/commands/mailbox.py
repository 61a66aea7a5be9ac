"""`lapwing mailbox check`: tries the mailboxes of the settings and says what it sees, without touching anything."""

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, defanged, emit, out
from intake.errors import Temporary
from intake.mailbox import look
from intake.pickup import Mailbox, Seen

app = typer.Typer(help="Mailboxes that `serve` picks reports up from.", no_args_is_help=True)


@app.command("check")
def check(context: typer.Context, json: bool = JSON) -> None:
    """Try every mailbox of the settings: connect, log in, count; exit status 1 when one can't be used."""
    desk: Desk = context.obj
    table = Table("mailbox", "messages", "waiting", "largest", "says", box=None, header_style="bold")
    bad = False
    for mailbox in desk.house.settings.mailbox:
        seen, says = _tried(mailbox)
        bad = bad or seen is None
        found = seen or Seen(0, 0, 0, ())
        if json:
            emit({"mailbox": mailbox.label, "ok": seen is not None, "messages": found.messages,
                  "waiting": found.waiting, "largest": found.largest, "can": found.can, "says": says})  # fmt: skip
        cells = (mailbox.label, str(found.messages), str(found.waiting), str(found.largest), says)
        table.add_row(*(escape(defanged(cell)) for cell in cells))
    if not json:
        out.print(table if table.row_count else "No mailbox is set: see [[mailbox]] in the settings.", markup=False)
    raise typer.Exit(1 if bad else 0)


def _tried(mailbox: Mailbox) -> tuple[Seen | None, str]:
    """What was seen, None where it can't be used; and what is to be said of it."""
    try:
        seen = look(mailbox)
    except Temporary as error:
        return None, error.says
    said = [] if mailbox.kind == "maildir" or "IDLE" in seen.can else [f"no IDLE: a look every {mailbox.poll:g} s"]
    if seen.largest > mailbox.limit:
        said.append(f"the largest is over the limit of {mailbox.limit} bytes and will be left alone")
    return seen, "; ".join(said) or "ready"
