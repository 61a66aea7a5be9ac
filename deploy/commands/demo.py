"""`lapwing demo`: the whole line once, on sample reports that arrive the way people really send them.

Starts the real processes on free ports, sends the samples over SMTP and HTTP, shows the queue, drafts a request for the
top case, has it approved by a second person and seals the bundle. The answers of the DNS come from a recording, so
it runs the same without a network. With a path it does the same on the user's own mail and stops at the draft.
"""

import base64
import http.client
import json as json_
import os
import secrets
import shutil
import smtplib
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from deploy.commands import look, operate, people, request
from deploy.commands.case import found
from deploy.commands.desk import JSON, Desk, bar, emit, err, out
from deploy.commands.report import hand_in, work
from deploy.commands.report import show as show_handed
from deploy.wiring import now
from intake.errors import Refused
from referral.approval import Signer
from referral.contact import demo_contact
from triage.fold import CaseView

MARK = "demo"
DRAFTER, APPROVER = "anna", "ben"
SETTINGS = """domain = "lapwing.example"

[smtp]
port = 0
per_minute = 0

[upload]
port = 0

[dns]
mode = "recorded"
file = "dns.json"

[authority]
name = "Demonstration Spam Centre"
country = "TW"
liaison = "Demonstration liaison office"
liaison_address = "liaison@lapwing.example"
official = "Head of investigations"
power = "Demonstration Spam Act, section 1 (invented for this demonstration)"
legal_basis = "Demonstration Spam Act, section 2 (invented for this demonstration)"
certified_by = "Head of the authority"
confidentiality = "Demonstration Spam Act, section 3 (invented for this demonstration)"
reciprocity = "yes: this authority helps in like cases"
zone = "Asia/Taipei"
languages = ["en", "zh-Hant"]
tried = "The sending networks are not at home; shared lists were asked."
demo = true
"""


def demo(
    context: typer.Context,
    paths: list[Path] = typer.Argument(None, help="Your own mail instead of the samples; stops at the draft."),
    json: bool = JSON,
) -> None:
    """The whole line on sample reports, or on your own mail: from the door to the sealed request."""
    desk: Desk = context.obj
    desk.makes = True
    if paths:
        own(desk, paths, json)
    else:
        samples(desk, json)


def own(desk: Desk, paths: list[Path], json: bool) -> None:
    """Report these files, show the queue, draft a request for the top case if it is concrete."""
    handed = hand_in(desk, paths, "", quiet=json)
    work(desk, [each for each in handed if each.submission], quiet=json)
    bad = show_handed(desk, handed, json, waited=True)
    _queue(desk, json)
    top = next(look.cases(desk), None)
    if top is not None:
        _draft(desk, top, json)
    raise typer.Exit(1 if bad or top is None else 0)


def _draft(desk: Desk, top: CaseView, json: bool) -> None:
    """Draft a request for the top case, and stop there."""
    person = desk.noted("draft a request", f"case {top.id}", right="draft")
    exception = "" if top.band == "concrete" else "demonstration of a draft"
    made = request.make(desk, top.id, person, exception=exception)
    if json:
        emit({"request": made.id})
    else:
        request.print_request(desk, made)
        err.print("This is a draft. It goes nowhere until a second person approves it: lapwing request --help")


def samples(desk: Desk, json: bool) -> None:
    """Send the samples through the running system and take the top case to the sealed bundle."""
    passphrase = prepare(desk)
    began = time.monotonic()
    folder = files("deploy").joinpath("samples")
    sendings = json_.loads(folder.joinpath("manifest.json").read_text("utf-8"))["submissions"]
    with operate.running(desk.home):
        _send_all(desk, sendings, json)
        _wait(desk, len(sendings), json)
    _queue(desk, json)
    bundle, verified = _refer(desk, passphrase, json)
    if not json:
        out.print(
            f"\n[bold]Sealed bundle:[/bold] {bundle}\n[bold]Verified offline:[/bold] {'yes' if verified else 'NO'}"
        )
        out.print(
            f"[dim]{time.monotonic() - began:.1f} s. Look around: lapwing --home {desk.home} --as {DRAFTER} queue[/dim]"
        )
    raise typer.Exit(0 if verified else 1)


def prepare(desk: Desk) -> str:
    """A fresh home for the demonstration, with two people and contact points of our own; the approver's passphrase."""
    home = desk.home
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise Refused(
                "exists", f"{home} holds something else; the demonstration needs a home of its own: --home DIR"
            )
        shutil.rmtree(home)
    home.mkdir(parents=True, mode=0o700)
    (home / MARK).write_text("made by `lapwing demo`; may be thrown away\n")
    folder = files("deploy").joinpath("samples")
    (home / "dns.json").write_bytes(folder.joinpath("dns.json").read_bytes())
    known = json_.loads(folder.joinpath("manifest.json").read_text("utf-8"))["reporters"]
    (home / "lapwing.toml").write_text(SETTINGS + "".join(_reporter(each) for each in known))
    passphrase = secrets.token_urlsafe(16)
    people.enrol(
        desk, DRAFTER, "Anna (demonstration)", ["administrator", "investigator"], MARK, secrets.token_bytes(16)
    )
    people.enrol(desk, APPROVER, "Ben (demonstration)", ["approver"], DRAFTER, passphrase.encode())
    request.import_directory(desk)
    desk.house.archive.keep_all([demo_contact(each, now()) for each in ("BR", "VN", "NL", "DE", "SG", "PH", "US")])
    return passphrase


def _reporter(known: dict[str, Any]) -> str:
    edges = ", ".join(f'"{edge}"' for edge in known["edges"])
    return f'\n[[reporters]]\naddress = "{known["address"]}"\nclass = "{known["class"]}"\nedges = [{edges}]\n'


def _send_all(desk: Desk, sendings: list[dict[str, Any]], json: bool) -> None:
    folder = files("deploy").joinpath("samples")
    with bar(json) as progress:
        task = progress.add_task("sending", total=len(sendings))
        for each in sendings:
            data = folder.joinpath(each["file"]).read_bytes()
            said = by_smtp(desk.home, each, data) if each["way"] == "smtp" else by_upload(desk.home, each, data)
            if not json:
                err.print(f"[dim]{each['way']:>6}  {each['note']}  ->  {said}[/dim]")
            progress.advance(task)


def by_smtp(home: Path, sending: dict[str, Any], data: bytes) -> str:
    """Send a mail as a mail server does; what our door said."""
    with smtplib.SMTP("127.0.0.1", operate.port(home, "smtp"), timeout=30) as client:
        client.ehlo(sending["helo"] or "sender.example")
        client.mail(sending["mail_from"])
        for address in sending["rcpt_to"]:
            client.rcpt(address)
        code, said = client.data(data)
    return f"{code} {said.decode()}"


def by_upload(home: Path, sending: dict[str, Any], data: bytes) -> str:
    """Upload a file as a browser does; what our door said."""
    boundary = base64.b16encode(os.urandom(12)).decode()
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{sending["file"]}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode() + data + f"\r\n--{boundary}--\r\n".encode()  # fmt: skip
    client = http.client.HTTPConnection("127.0.0.1", operate.port(home, "upload"), timeout=30)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "application/json"}
        client.request("POST", "/reports", body, headers)
        answer = client.getresponse()
        return f"{answer.status} {json_.loads(answer.read()).get('reference', '')}"
    finally:
        client.close()


def _wait(desk: Desk, submissions: int, json: bool) -> None:
    """Until every submission is in and nothing is left to do."""
    house = desk.house
    with bar(json) as progress:
        task = progress.add_task("examining", total=submissions)
        for _ in range(1200):
            waiting = house.work.waiting()
            progress.update(task, completed=max(0, submissions - sum(waiting.values())))
            if not waiting and not house.follower.behind:
                return
            time.sleep(0.1)
    raise Refused("stuck", "the samples were not examined in two minutes; see: lapwing hold list")


def _queue(desk: Desk, json: bool) -> None:
    looking = Desk(desk.home, desk.asked or (DRAFTER if (desk.home / MARK).exists() else ""))
    looking.__dict__["house"] = desk.house
    look.print_queue(looking, json)


def _refer(desk: Desk, passphrase: str, json: bool) -> tuple[Path, bool]:
    """Draft for the top case, complete what only people know, approve as the second person, seal and verify."""
    top = next(look.cases(desk))
    desk.asked = DRAFTER
    desk.noted("draft a request", f"case {top.id}", right="draft")
    made = request.make(desk, top.id, DRAFTER)
    if not json:
        agency = made.field(12).value["agency"] if made.field(12).value else "nobody"
        case = found(desk, made.case).id
        out.print(f"\n[bold]Request {made.id[:10]}[/bold] for case {case}, to {agency}; drafted by {DRAFTER}")
    signer = Signer(people.key_path(desk, APPROVER).read_bytes(), passphrase)
    desk.asked = APPROVER
    desk.noted("set out to approve a request", f"request {made.id}", right="approve")
    bundle = request.sign_and_seal(desk, made.id, APPROVER, signer)
    verified, said = request.check_bundle(bundle)
    if json:
        emit({"request": made.id, "bundle": str(bundle), "verified": verified})
    else:
        out.print(f"approved by {APPROVER}: a signature over {made.digest[:16]}...\n[dim]{said.rstrip()}[/dim]")
    return bundle, verified
