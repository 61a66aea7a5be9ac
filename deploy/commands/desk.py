"""The desk at which every verb works: the home, who asks, and how to answer.

With `--json` standard output holds one JSON object a line and nothing else; tables, bars and remarks go to
standard error or, without it, to the terminal. Before evidence is shown the look is noted in the audit.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy import erasing, feeds, spare, states
from deploy.wiring import House, now, open_house
from intake.accept import Acceptor
from intake.audit import Audit, note
from intake.errors import Refused, Temporary
from intake.follower import only_one
from intake.people import MAY, Departure, Person, allow, everybody
from intake.record import name_of
from intake.vault import series
from triage import assess

JSON = typer.Option(False, "--json", help="Print one JSON object a line, and nothing else, on standard output.")
WIDE = 140
"""Columns of a table that is written to no terminal."""
out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else WIDE)
"""Its lines are never broken, so that what they say can be copied, and found by a script."""


@dataclass
class Desk:
    """Where a verb is carried out; `asked` is who the caller says they are."""

    home: Path
    asked: str = ""
    makes: bool = False
    """Whether the verb may make a home where there is none."""

    @cached_property
    def house(self) -> House:
        """The house of the home, for this command's own series; its store knows all that the vault holds.

        `Refused('no-home')` where there is none.
        """
        if not self.makes and not (self.home / "keys").is_dir():
            says = f"there is no Lapwing home at {self.home}; name yours with --home, or begin: lapwing report FILE..."
            raise Refused("no-home", says)
        if spare.give_up(self.home):
            err.print(
                f"[bold red]The disk is full.[/bold red] The last {spare.SIZE >> 20} MB were kept for this; make room."
            )
        house = open_house(self.home, "command")
        catch_up(house)
        return house

    @cached_property
    def acceptor(self) -> Acceptor:
        """What files are handed in with."""
        return self.house.acceptor(self.house.writer)

    def person(self, action: str) -> str:
        """The id of the person who asks, if they may do that.

        While nobody was added to the home, its owner on this machine may do everything but approve.
        """
        archive = self.house.archive
        people = [person for person, there in everybody(archive) if there]
        if not people and not self.asked:
            if action == "approve":
                raise Refused("not-allowed", "nobody can approve yet: `lapwing people add NAME --role approver`")
            return f"owner:{os.environ.get('USER') or os.geteuid()}"
        return allow(archive, self.asked or _only(people, action), action).id

    def noted(self, action: str, subject: str, reason: str = "", right: str = "look") -> str:
        """Check that the person may, note in the audit what is about to be done, and say who it is."""
        person = self.person(right)
        entry = Audit(
            id=name_of(os.urandom(16)), at=now(), person=person, action=action, subject=subject, reason=reason
        )
        note(self.house.archive, entry)
        return person

    def left(self, person: str) -> bool:
        """Whether that person has left."""
        return self.house.archive.get(Departure, person) is not None

    def close(self) -> None:
        """Let go of what this command opened."""
        house = self.__dict__.get("house")
        if house is not None:
            if "parser" in house.__dict__:
                house.parser.close()
            if "writer" in house.__dict__:
                house.writer.close()
                spare.lay(self.home, house.settings.reserve)
            if "database" in house.__dict__:
                house.database.close()


def catch_up(house: House) -> None:
    """Bring the store up to the vault, unless a running system does that; a store that was lost is filled again."""
    if not house.follower.behind:
        return
    try:
        with only_one(house.home):
            if house.follower.begun:
                house.follower.catch_up()
            else:
                err.print("The store is missing; filling it again from the vault ...")
                refill(house)
    except Temporary:
        return


def refill(house: House, step: Callable[[int], None] = lambda frames: None) -> int:
    """Fill an empty store: all records, then the cases' views and the receipts; how many frames were read."""
    list(series.recover_all(house.vault))
    count = house.follower.catch_up(step)
    house.follower.settle()
    erasing.finish(house)
    assess.refold(house.archive)
    states.fill(house.archive, house.receipts)
    feeds.fill_keyring(house.archive, house.keyring)
    feeds.refill(house.archive, house.outcomes, house.secret("reporter"))
    return count


def _only(people: list[Person], action: str) -> str:
    able = [person.id for person in people if MAY[action] & set(person.roles)]
    if len(able) == 1:
        return able[0]
    names = ", ".join(sorted(able)) or "nobody yet"
    raise Refused("who", f"say who you are with --as PERSON (or LAPWING_PERSON); who may {action}: {names}")


def emit(value: Any) -> None:
    """One JSON object on a line of standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.encode(whole(value)) + b"\n")
    sys.stdout.flush()


def whole(value: Any) -> Any:
    """The value with every member of its structs: records leave out defaults, which a reader of ours can't know."""
    if isinstance(value, msgspec.Struct):
        return {each.encode_name: whole(getattr(value, each.name)) for each in msgspec.structs.fields(value)}
    if isinstance(value, dict):
        return {name: whole(each) for name, each in value.items()}
    return [whole(each) for each in value] if isinstance(value, (list, tuple)) else value


def bar(quiet: bool = False) -> Progress:
    """A progress bar on standard error; silent where that is no terminal or where it is asked for."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=err, transient=True, disable=quiet or not err.is_terminal,
    )  # fmt: skip


def defanged(text: str) -> str:
    """Text of a message made inert for a terminal: no control or direction characters, links that nothing follows."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean.replace("http", "hxxp").replace("://", "[:]//")
