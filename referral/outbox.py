"""Outbox: the ways in which a sealed bundle leaves the house.

A folder, from which people or another system take it, or a mail server that the operator configured. Each is told the
name, the bytes and the address; `repeatable` says whether doing it twice is the same as doing it once.
Standards: RFC 5321 and RFC 3207 for the mail; its Message-ID comes from the request, so that a double is recognised.
"""

import os
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from intake.errors import Temporary
from referral.request import AssistanceRequest, Outcome


class Parcel(NamedTuple):
    """What is sent: the request, its outcome (which names the address and the hour), bundle bytes and file name."""

    request: AssistanceRequest
    outcome: Outcome
    data: bytes
    name: str


class Outbox(Protocol):
    """A way out. `refuses` says why so many bytes can't go this way ('' when they can), before anything is kept;
    `deliver` returns where it went, and raises Temporary when it may not have gone."""

    @property
    def repeatable(self) -> bool: ...
    def refuses(self, size: int) -> str: ...
    def deliver(self, parcel: Parcel) -> str: ...


class Folder:
    """An outbox folder: the bundle under its name, whole or not at all."""

    repeatable = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def refuses(self, size: int) -> str:
        return ""

    def deliver(self, parcel: Parcel) -> str:
        write(self.folder / parcel.name, parcel.data)
        return parcel.name


class Mail:
    """A mail server; `connect` opens it (`submission` below for the real one). Never repeated by the machine."""

    repeatable = False

    def __init__(self, connect: Callable[[], smtplib.SMTP], sender: str, largest: int = 20_000_000) -> None:
        self.connect, self.sender, self.largest = connect, sender, largest

    def refuses(self, size: int) -> str:
        return f"the bundle has {size} bytes; mail takes {self.largest}" if size > self.largest else ""

    def deliver(self, parcel: Parcel) -> str:
        """Send it, and give back the Message-ID."""
        message = self._mail(parcel)
        try:
            with self.connect() as server:
                server.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary("the mail server did not take the request") from error
        return str(message["Message-ID"])

    def _mail(self, parcel: Parcel) -> EmailMessage:
        request, domain = parcel.request, self.sender.rpartition("@")[2]
        message = EmailMessage()
        message["From"], message["To"] = self.sender, parcel.outcome.to
        message["Subject"] = f"Request for assistance {request.field(1).value['number']}"
        message["Date"] = format_datetime(parcel.outcome.at)
        message["Message-ID"] = f"<request.{request.root}@{domain}>"
        message.set_content(_COVER.format(number=request.field(1).value["number"], name=parcel.name))
        message.add_attachment(parcel.data, maintype="application", subtype="zip", filename=parcel.name)
        return message


_COVER = """\
Please find attached request {number} for assistance.

{name} is a sealed bundle: unpack it, read data/request.en.html or the other
languages beside it, and check it with: python3 data/verify.py

Co-operation is voluntary. A refusal with its reason is an answer.
"""


def submission(host: str, port: int, user: str = "", password: str = "", timeout: float = 30.0) -> smtplib.SMTP:
    """A connection to a submission server, encrypted before anything is said unless it is this machine."""
    server = smtplib.SMTP(host, port, timeout=timeout)
    if host not in ("127.0.0.1", "::1", "localhost"):
        server.starttls(context=ssl.create_default_context())
    if user:
        server.login(user, password)
    return server


def write(path: Path, data: bytes) -> None:
    """The file, readable by its owner only, durable and never half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
