"""The command `lapwing`: its verbs, its home, and what it says when something is wrong.

Exit status: 0 done, 1 something was not taken or is wrong, 2 the command was used wrongly.
"""

import os
import sys
from pathlib import Path

import typer
from rich.markup import escape

from deploy.commands import (
    case,
    demo,
    erase,
    feed,
    lanes,
    look,
    mailbox,
    operate,
    people,
    report,
    request,
    rows,
    selfcheck,
    status,
)
from deploy.commands.desk import Desk, err
from deploy.line import fault
from intake.errors import Damaged, Refused, Temporary

app = typer.Typer(
    help="Lapwing takes in spam reports, keeps them as evidence, ranks the cases they make, and drafts requests for "
    "help to other authorities.\n\nStart with: lapwing demo. Then hand in your own mail: lapwing report FILE...; "
    "then look: lapwing queue.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def home(
    context: typer.Context,
    where: Path = typer.Option(
        Path("~/.lapwing"), "--home", envvar="LAPWING_HOME", help="Where vault, store, keys and settings live."
    ),
    person: str = typer.Option("", "--as", envvar="LAPWING_PERSON", help="Who you are: a name from `people list`."),
) -> None:
    """Options that stand before the verb."""
    desk = Desk(where.expanduser().absolute(), person)
    context.obj = desk
    context.call_on_close(desk.close)


app.command()(demo.demo)
app.command()(operate.init)
app.command()(operate.serve)
app.command()(report.report)
app.command()(rows.rows)
app.command()(look.queue)
app.command()(look.explain)
app.add_typer(lanes.app, name="lanes")
app.add_typer(case.app, name="case")
app.add_typer(request.app, name="request")
app.add_typer(request.directory, name="contact")
app.add_typer(people.app, name="people")
app.add_typer(feed.app, name="feed")
app.command()(erase.erase)
app.command()(erase.retention)
app.add_typer(erase.hold, name="legal-hold")
app.command()(operate.verify)
app.command()(operate.rebuild)
app.command()(operate.backup)
app.command()(operate.restore)
app.add_typer(operate.hold, name="hold")
app.add_typer(mailbox.app, name="mailbox")
app.command()(status.status)
app.command()(selfcheck.selfcheck)
app.command()(operate.version)


def main() -> None:
    """Run the command; whatever went wrong is said in one line."""
    os.umask(0o077)
    try:
        app()
    except (Refused, Temporary) as error:
        err.print(f"[red]lapwing:[/red] {escape(error.says)}")
        sys.exit(1)
    except Damaged as error:
        err.print(
            f"[red]lapwing: evidence is damaged[/red] ({error.digest}: {escape(error.says)}); run: lapwing verify"
        )
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if os.environ.get("LAPWING_TRACE"):
            raise
        err.print(f"[red]lapwing: our fault:[/red] {fault(error)}; nothing that was acknowledged is lost")
        sys.exit(1)


if __name__ == "__main__":
    main()
