"""`lapwing people`: who works here, what they may do, and the keys with which approvers sign."""

import base64
import getpass
import os
import sys
from pathlib import Path

import typer
from rich.table import Table

from deploy.commands.desk import JSON, Desk, emit, err, out
from deploy.wiring import now
from intake.errors import Refused
from intake.people import MAY, Departure, Person, Role, everybody, new_key

app = typer.Typer(help="People: add, list, and let go.", no_args_is_help=True)
ROLES: tuple[Role, ...] = ("administrator", "investigator", "approver")


@app.command("add")
def add(
    context: typer.Context, name: str = typer.Argument(..., help="Short name, as in --as NAME."),
    role: list[str] = typer.Option(["investigator"], help="administrator, investigator, approver; may be repeated."),
    full_name: str = typer.Option("", help="The person's full name."),
) -> None:  # fmt: skip
    """Add a person. An approver gets a signing key that only their passphrase opens; they type it themselves."""
    desk: Desk = context.obj
    desk.makes = True
    by = desk.noted("add a person", f"person {name}", right="people")
    person = enrol(desk, name, full_name or name, role, by, passphrase(f"Passphrase of {name}", twice=True))
    err.print(f"{person.id} is added ({', '.join(person.roles)}); their key is {key_path(desk, name)}")


def enrol(desk: Desk, name: str, full_name: str, roles: list[str], by: str, secret: bytes) -> Person:
    """Keep the person, and write their key file; `Refused` when the name or a role is not possible."""
    if not name.isascii() or not name.replace("-", "").replace(".", "").isalnum():
        raise Refused("name", "a person's short name has letters, digits, hyphens and dots only")
    wrong = [role for role in roles if role not in ROLES]
    if wrong:
        raise Refused("role", f"there is no role {wrong[0]}; there are {', '.join(ROLES)}")
    if desk.house.archive.get(Person, name) is not None:
        raise Refused("name", f"there is a person {name} already")
    pem, public = new_key(secret)
    chosen = tuple(role for role in ROLES if role in roles)
    person = desk.house.archive.keep(
        Person(
            id=name, name=full_name, roles=chosen, public_key=base64.b64encode(public).decode(), added_by=by, at=now()
        )
    )
    path = key_path(desk, name)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    return person


def key_path(desk: Desk, name: str) -> Path:
    """Where a new person's key file is put; they may take it away and name it with --key."""
    return desk.home / "people" / f"{name}.pem"


def passphrase(prompt: str, twice: bool = False) -> bytes:
    """What the person types, or LAPWING_PASSPHRASE for scripts; `Refused` when it is too short."""
    text = os.environ.get("LAPWING_PASSPHRASE", "")
    if not text:
        if not sys.stdin.isatty():
            raise Refused("passphrase", "no terminal to ask for the passphrase; set LAPWING_PASSPHRASE")
        text = getpass.getpass(f"{prompt}: ")
        if twice and getpass.getpass("Once more: ") != text:
            raise Refused("passphrase", "the two did not agree")
    if len(text) < 8:
        raise Refused("passphrase", "a passphrase needs at least 8 characters")
    return text.encode()


@app.command("list")
def list_(context: typer.Context, json: bool = JSON) -> None:
    """Everybody, with roles."""
    desk: Desk = context.obj
    table = Table("name", "full name", "roles", "here", "added by", box=None, header_style="bold")
    for person, there in everybody(desk.house.archive):
        if json:
            emit({"person": person.id, "name": person.name, "roles": person.roles, "here": there})
        table.add_row(person.id, person.name, ", ".join(person.roles), "yes" if there else "left", person.added_by)
    if not json:
        out.print(table)


@app.command("leave")
def leave(context: typer.Context, name: str) -> None:
    """A person leaves: they may do nothing any more; what they signed stays valid."""
    desk: Desk = context.obj
    by = desk.noted("let a person go", f"person {name}", right="people")
    if desk.house.archive.get(Person, name) is None:
        raise Refused("name", f"there is no person {name}")
    able = [each.id for each, there in everybody(desk.house.archive) if there and MAY["people"] & set(each.roles)]
    if able == [name]:
        raise Refused("last", "the last administrator can't leave; add another one first")
    desk.house.archive.keep(Departure(person=name, by=by, at=now()))
