"""`lapwing request` and `lapwing contact`: asking an authority elsewhere for help; nothing goes out without two
people.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from json import dumps, loads
from pathlib import Path
from typing import Any, cast, get_args

import typer
from rich.markup import escape
from rich.table import Table

from deploy.checkpoints import sign_checkpoint
from deploy.commands import people
from deploy.commands.case import found
from deploy.commands.desk import JSON, Desk, defanged, emit, err, out
from deploy.wiring import now
from intake import audit
from intake.errors import Refused
from intake.people import Person, everybody
from intake.record import name_of
from referral import contact as contacts
from referral import refer
from referral.approval import Signer
from referral.contact import ContactPoint
from referral.custody import Entry
from referral.draft import Change, Wish
from referral.outbox import Folder, Mail, Outbox, submission, write
from referral.request import AssistanceRequest, Exception_, FormType, Hand, Seal
from referral.weighing import dossier_of

app = typer.Typer(help="Requests for assistance: draft, show, change, approve, send, withdraw.", no_args_is_help=True)
directory = typer.Typer(help="Contact points: list them, verify one.", no_args_is_help=True)
REQUEST = typer.Argument(..., help="A request's id, as `draft` printed it.")


def house_of(desk: Desk) -> refer.House:
    """What the steps of referral need; puts the directory into a home that has none."""
    archive = desk.house.archive
    if not refer.contacts(archive):
        import_directory(desk)
    return refer.House(archive, desk.house.settings.authority, refer.approvers(everybody(archive)))


def import_directory(desk: Desk) -> None:
    """Keep every row of the directory that comes with Lapwing; each starts unverified."""
    text = files("referral").joinpath("contacts/jurisdictions.csv").read_text("utf-8")
    desk.house.archive.keep_all(contacts.read_directory(text))


def hand_of(desk: Desk, person: str) -> Hand:
    """The person as one who writes, with their public key if they have one."""
    kept = desk.house.archive.get(Person, person)
    known = refer.approvers([(kept, True)]) if kept else {}
    return Hand(person=person, public_key=known.get(person, ""))


@app.command("draft")
def draft(
    context: typer.Context,
    case: str = typer.Argument(..., help="A case's id, as the queue prints it."),
    form: str = typer.Option("information", "--form", help="Type of help: information, evidence, enforcement ..."),
    exception: str = typer.Option("", "--exception", help="Why you ask although the case isn't in the concrete band."),
    json: bool = JSON,
) -> None:
    """Draft a request for a case: the 38 fields, filled from what is known and nothing else."""
    desk: Desk = context.obj
    view = found(desk, case)
    person = desk.noted("draft a request", f"case {view.id}", right="draft")
    made = make(desk, view.id, person, form, exception)
    if json:
        emit({"request": made.id})
    else:
        print_request(desk, made)


def make(desk: Desk, case: str, person: str, form: str = "information", exception: str = "") -> AssistanceRequest:
    """Draft and keep a request for that case."""
    wish = Wish(form=_form(form), exception=Exception_(by=person, reason=exception) if exception else None)
    view = found(desk, case)
    return refer.draft(house_of(desk), dossier_of(desk.house.archive, view), hand_of(desk, person), now(), wish)


def _form(text: str) -> FormType:
    if text not in get_args(FormType):
        raise Refused("form", f"there is no type of request '{text}'; there are {', '.join(get_args(FormType))}")
    return cast(FormType, text)


@app.command("show")
def show(context: typer.Context, request: str = REQUEST, json: bool = JSON) -> None:
    """A request as it stands: its fields, each with its proof, and its checks."""
    desk: Desk = context.obj
    house = house_of(desk)
    kept = refer.newest_version(house.archive, request)
    desk.noted("look at a request", f"request {kept.id}")
    if json:
        emit(shown(desk, kept))
    else:
        print_request(desk, kept)


def shown(desk: Desk, kept: AssistanceRequest) -> dict[str, Any]:
    """The interface of `request show --json`."""
    checks = refer.results(house_of(desk), kept, now())
    fields = [
        {"number": each.number, "name": each.name, "mark": each.mark}
        | ({"value": each.value, "cites": each.cites} if each.value is not None else {"reason": each.reason})
        for each in kept.fields
    ]
    return {"request": kept.id, "version": kept.version, "case": kept.case, "digest": kept.digest, "fields": fields,
            "checks": checks}  # fmt: skip


def print_request(desk: Desk, kept: AssistanceRequest) -> None:
    """The fields and what the checks say, for people."""
    checks = refer.results(house_of(desk), kept, now())
    table = Table("", "field", "value", box=None, header_style="bold")
    for each in kept.fields:
        value = _short(each.value) if each.value is not None else f"[dim]not established: {escape(each.reason)}[/dim]"
        table.add_row(str(each.number), each.name, value)
    out.print(table)
    wrong = [each for each in checks if not each.passed]
    for check in wrong:
        colour = "red" if check.blocking else "yellow"
        where = f"field {check.field}" if check.field else "request"
        out.print(f"[{colour}]{'blocks' if check.blocking else 'note'}[/{colour}] {where}: {escape(check.sentence)}")
    out.print(f"request [bold]{kept.id}[/bold], version {kept.version}, digest {kept.digest[:16]}..., "
              f"{sum(each.passed for each in checks)} of {len(checks)} checks pass")  # fmt: skip


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else dumps(value, ensure_ascii=False, default=str)
    return escape(defanged(text if len(text) <= 300 else text[:300] + " ..."))


@app.command("change")
def change(
    context: typer.Context, request: str = REQUEST,
    field: int = typer.Option(..., "--field", help="The field's number, 1 to 38."),
    value: str = typer.Option(..., "--value", help="The new value: JSON, or plain text; null takes it away."),
    reason: str = typer.Option("", "--reason", help="Why there is no value; needed with null."),
) -> None:  # fmt: skip
    """Write a next version of a request with another value in one field; approvals of the old one don't count for
    it.
    """
    desk: Desk = context.obj
    person = desk.noted("change a request", f"request {request}", right="draft")
    try:
        new = loads(value)
    except ValueError:
        new = value
    made = revise(desk, request, [Change(number=field, value=new, reason=reason)], person)
    print_request(desk, made)


def revise(desk: Desk, request: str, changes: Sequence[Change], person: str) -> AssistanceRequest:
    """Keep a next version with these changes."""
    house = house_of(desk)
    kept = refer.newest_version(house.archive, request)
    dossier = dossier_of(house.archive, found(desk, kept.case))
    return refer.change(house, request, dossier, changes, hand_of(desk, person), now())


@app.command("approve")
def approve(
    context: typer.Context, request: str = REQUEST,
    key: Path = typer.Option(None, "--key", help="Your key file; default: people/NAME.pem in the home."),
    json: bool = JSON,
) -> None:  # fmt: skip
    """Sign exactly this version with your own key, and write the sealed bundle; the drafter can't do this."""
    desk: Desk = context.obj
    person = desk.noted("set out to approve a request", f"request {request}", right="approve")
    path = key or people.key_path(desk, person)
    if not path.exists():
        raise Refused("key", f"there is no key file {path}; name yours with --key")
    signer = Signer(path.read_bytes(), people.passphrase(f"Passphrase of {person}").decode())
    bundle = sign_and_seal(desk, request, person, signer)
    verified, said = check_bundle(bundle)
    if json:
        emit({"request": request, "bundle": str(bundle), "verified": verified})
    else:
        out.print(said.rstrip())
        out.print(f"sealed bundle: {bundle}")
    raise typer.Exit(0 if verified else 1)


def sign_and_seal(desk: Desk, request: str, person: str, signer: Signer) -> Path:
    """Approve and write the bundle, unless an approver before has sealed it; its path."""
    house = house_of(desk)
    path = desk.home / "bundles" / f"{request}.zip"
    refer.approve(house, request, person, signer, now())
    if house.archive.get(Seal, request) is not None and path.exists():
        return path
    kept = refer.newest_version(house.archive, request)
    view = found(desk, kept.case)
    dossier = dossier_of(house.archive, view)
    desk.house.writer.seal()
    bundle = refer.package(
        house, request, dossier.items, person, signer, now(), sign_checkpoint(desk.house), _custody(desk, kept)
    )
    path.parent.mkdir(exist_ok=True, mode=0o700)
    write(path, bundle.data)
    refer.record_seal(house, request, bundle, person, now())
    return path


def _custody(desk: Desk, kept: AssistanceRequest) -> list[Entry]:
    """What the audit says about the case and the request."""
    archive = desk.house.archive
    subjects = (f"case {kept.case}", f"request {kept.id}")
    noted = [each for subject in subjects for each in audit.about(archive, subject)]
    return [Entry(at=each.at, who=each.person, what=each.action, about=each.subject.split(" ", 1)[1]) for each in noted]


def check_bundle(path: Path) -> tuple[bool, str]:
    """Whether the verifier that lies in the bundle finds it in order, and what it says; run apart, as anybody would."""
    verifier = files("referral").joinpath("verify.py")
    run = subprocess.run(
        [sys.executable, "-I", str(verifier), str(path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={},
    )
    return run.returncode == 0, run.stdout


@app.command("send")
def send(context: typer.Context, request: str = REQUEST, json: bool = JSON) -> None:
    """Send an approved request: its sealed bundle goes into the outbox folder, or by mail where a server is set."""
    desk: Desk = context.obj
    person = desk.noted("set out to send a request", f"request {request}", right="send")
    bundle = desk.home / "bundles" / f"{request}.zip"
    if not bundle.exists():
        raise Refused("not-sealed", "there is no sealed bundle of this request; an approver makes one: request approve")
    delivery = refer.send(
        house_of(desk), request, bundle.read_bytes(), person, now(), outbox_of(desk), name_of(os.urandom(16))
    )
    folder = desk.home / desk.house.settings.outbox.folder
    place = delivery.place if delivery.place.startswith("<") else str(folder / delivery.place)
    if json:
        emit({"request": request, "place": place})
    else:
        out.print(f"sent: {escape(place)}")


def outbox_of(desk: Desk) -> Outbox:
    """The way out that the settings name: a mail server when there is one, else the folder."""
    mine = desk.house.settings.outbox
    if not mine.smtp_host:
        (desk.home / mine.folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        return Folder(desk.home / mine.folder)
    if "@" not in mine.mail_from:
        raise Refused("settings", "outbox.smtp_host is set, so outbox.mail_from must be an address")
    return Mail(lambda: submission(mine.smtp_host, mine.smtp_port), mine.mail_from)


@app.command("withdraw")
def withdraw(context: typer.Context, request: str = REQUEST, reason: str = typer.Option(..., "--reason")) -> None:
    """Withdraw a request that was not sent."""
    desk: Desk = context.obj
    person = desk.noted("withdraw a request", f"request {request}", right="send")
    refer.withdraw(house_of(desk), request, person, reason, now())
    out.print(f"withdrawn: {request}")


@directory.command("list")
def contact_list(context: typer.Context, json: bool = JSON) -> None:
    """Every contact point, with what is known of it; only a verified one can be asked."""
    desk: Desk = context.obj
    table = Table("id", "country", "agency", "requests to", "verified", box=None, header_style="bold")
    for each in refer.contacts(house_of(desk).archive):
        if json:
            emit(each)
        table.add_row(each.id[:12], each.country, each.agency, each.request_address or "-", each.verified_by or "no")
    if not json:
        out.print(table)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("date", f"'{text}' is no day; write it as 2027-06-30") from error


@directory.command("verify")
def contact_verify(
    context: typer.Context,
    contact: str = typer.Argument(..., help="The contact's id, or enough of its beginning."),
    address: str = typer.Option(..., "--address", help="Where requests go, as you confirmed it with them."),
    until: str = typer.Option("", "--until", help="Valid until, as 2027-06-30; default: open."),
) -> None:
    """Confirm a contact point after you checked it with the agency itself."""
    desk: Desk = context.obj
    person = desk.noted("verify a contact", f"contact {contact}", right="operate")
    known = [each for each in refer.contacts(house_of(desk).archive) if each.id.startswith(contact)]
    if len(known) != 1:
        raise Refused("unknown", f"{len(known)} contacts begin with {contact}; see: lapwing contact list")
    verified: ContactPoint = contacts.verify(known[0], address, person, now(), _day(until) if until else None)
    desk.house.archive.keep(verified)
    err.print(f"{verified.agency} is verified; requests go to {verified.request_address}")
