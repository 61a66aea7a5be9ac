"""A running house with every door open, and people with planted values who hand in through all of them.

with house(folder) as made:
    made.mail(PERSON) ...           each door, each with values of its own
    made.settled()
    made.search()                   where the person's values stand (`tests/planted.py`)
"""

import base64
import hashlib
import json
import os
import re
import smtplib
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests import proxies
from tests.planted import search
from tests.sink import Sink, sink
from tests.upload_doors import BOUNDARY, form
from tests.walker import Ran, Served, lapwing, serving, until

NAME = "Rhea Nameplant"
ADDRESS = "Rhea.Quill-7361@quillhome.example"
TYPED = "rhea.typed-5190@quillpost.example"
NETWORK = "198.51.100.77"
ANONYMOUS = "203.0.113.177"
IDENTITIES = (ADDRESS, TYPED, NETWORK, ANONYMOUS)
OTHER = "other@neighbour.example"
KEY_WORD = "idempotent-quill-4417"
FEED = "feed:quillnet"
SETTINGS = """
domain = "report.lapwing.example"
[smtp]
proxies = ["127.0.0.1"]
[dns]
mode = "recorded"
file = "dns.json"
zones = []
[retention]
{retention}
[receipts]
on = true
smtp_host = "127.0.0.1"
smtp_port = {port}
mail_from = "reports@lapwing.example"
name = "Example Agency"
base_url = "https://report.lapwing.example"
[[mailbox]]
kind = "maildir"
path = "{maildir}"
done = "delete"
poll = 1.0
"""
SPF = {"TXT quillhome.example": {"status": "answer", "answers": ["v=spf1 ip4:198.51.100.64/26 -all"]}}
COVER = """From: "{name}" <{who}>\r
To: report@report.lapwing.example\r
Subject: Fwd: coverplant-{tag}\r
Message-ID: <midplant-{tag}@quillhome.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="x"\r
\r
--x\r
Content-Type: text/plain; charset=utf-8\r
\r
noteplant-{tag}: I have lost 1200 EUR to them\r
--x\r
Content-Type: message/rfc822\r
\r
{spam}\r
--x--\r
"""
SPAM = """Received: from a.bad.test ([192.0.2.66]) by mx.quillhome.example; Mon, 23 Nov 2026 10:00:00 +0000\r
From: Parcel Desk <desk@parcel-fee.test>\r
To: {who}\r
Subject: innerplant-{tag}\r
Message-ID: <inmid-{tag}@parcel-fee.test>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="y"\r
\r
--y\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
{coded}\r
--y\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
{quoted}\r
--y\r
Content-Type: text/plain; charset=utf-16le\r
Content-Transfer-Encoding: base64\r
\r
{wide}\r
--y--\r
"""
COMMON = """Received: from a.bad.test ([192.0.2.66]) by mx.isp.example; Mon, 23 Nov 2026 10:00:00 +0000\r
From: Bank <desk@bank-login.test>\r
To: undisclosed-recipients:;\r
Subject: Your account is suspended\r
Message-ID: <common@bank-login.test>\r
\r
Confirm your password now: https://bank-login.test/confirm\r
"""
"""What two people report in the very same bytes."""


def spam(tag: str, who: str = ADDRESS) -> str:
    """A spam with values planted in base64, quoted-printable and UTF-16."""
    text = f"Your parcel is held, pay the fee at https://parcel-fee.test/pay base64plant-{tag}"
    return SPAM.format(
        who=who, tag=tag, coded=base64.b64encode(text.encode()).decode(),
        quoted="".join(f"={byte:02X}" for byte in f"quotedplant-{tag}".encode()),
        wide=base64.b64encode(f"wideplant-{tag}".encode("utf-16-le")).decode(),
    )  # fmt: skip


def values(tag: str) -> list[str]:
    """What a cover and its spam hold of that tag."""
    kinds = ("coverplant", "midplant", "noteplant", "innerplant", "inmid", "base64plant", "quotedplant", "wideplant")
    return [f"{kind}-{tag}" for kind in kinds]


class _Relayed(smtplib.SMTP):
    """A client that comes through a load balancer, which names its address."""

    def __init__(self, port: int, client: str) -> None:
        self._client = client
        super().__init__("127.0.0.1", port, timeout=30)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        made.sendall(proxies.v1(self._client))
        return made


@dataclass
class Forgetting:
    """The house, what runs in it, and what was planted."""

    served: Served
    folder: Path
    server: Sink
    planted: list[str] = field(default_factory=lambda: [NAME])
    digest: str = ""
    """SHA-256 of what the feed handed in."""

    @property
    def home(self) -> Path:
        return self.served.home

    def ask(self, *words: str | Path) -> Ran:
        return lapwing(self.home, *words, LAPWING_DNS_MODE="recorded", TMPDIR=str(self.folder / "tmp"))

    def mail(self, tag: str, who: str = ADDRESS, inner: str = "", network: str = NETWORK, padding: int = 0) -> str:
        """Over SMTP; the reference in the reply."""
        if who == ADDRESS:
            self.planted += [*values(tag)[: None if not inner else 3], f"heloplant-{tag}"]
        data = (
            COVER.format(
                who=who, tag=tag, spam=inner or spam(tag), name=NAME if who == ADDRESS else "Somebody Else"
            ).encode()
            + b"padding\r\n" * padding
        )
        with _Relayed(self.served.smtp, network) as client:
            client.ehlo(f"heloplant-{tag}.quillhome.example")
            client.mail(who)
            client.rcpt("report@report.lapwing.example")
            code, said = client.data(data)
        assert code == 250, said
        found = re.search(r"[0-9a-z]{26}-[0-9a-z]{8}", said.decode())
        assert found is not None
        return found[0]

    def broken_off(self, tag: str) -> None:
        """A mail of 600 kB whose connection breaks before its end."""
        self.planted += [f"halfplant-{tag}"]
        client = _Relayed(self.served.smtp, NETWORK)
        client.ehlo("quillhome.example")
        client.mail(ADDRESS)
        client.rcpt("report@report.lapwing.example")
        client.docmd("DATA")
        client.sock.sendall(f"Subject: halfplant-{tag}\r\n\r\n".encode() + b"halfway\r\n" * 70_000)  # type: ignore[union-attr]
        time.sleep(0.5)
        client.close()

    def page(self, tag: str, contact: str = TYPED, network: str = NETWORK) -> str:
        """By the form of the public page; the reference."""
        self.planted += [*values(tag)[3:], f"wordplant-{tag}", f"fileplant-{tag}"]
        said = {
            "what": "mail", "how": "file", "harm": "money", "amount": "500", "currency": "EUR",
            "words": f"wordplant-{tag} by card", "contact": contact, "consent": "yes" if contact else "",
        }  # fmt: skip
        parts = [(name, None, value.encode()) for name, value in said.items() if value]
        body, headers = form(*parts, ("file", f"fileplant-{tag}.eml", spam(tag, contact or "me@here.example").encode()))
        return str(self.post("/reports", body, headers | {"X-Forwarded-For": network})["reference"])

    def add(self, reference: str, what: str, **fields: str) -> str:
        """A loss or a withdrawal by reference; the addition's own reference."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": NETWORK}
        return str(self.post(f"/reports/{reference}/{what}", urlencode(fields).encode(), headers)["reference"])

    def add_original(self, reference: str, tag: str) -> str:
        self.planted += [*values(tag)[3:], f"fileplant-{tag}"]
        body, headers = form(("file", f"fileplant-{tag}.eml", spam(tag).encode()))
        return str(self.post(f"/reports/{reference}/original", body, headers)["reference"])

    def api(self, tag: str, key: str) -> None:
        """By the API of feeds, with an idempotency key and the name of a file."""
        data = spam(tag, "customer@quillnet.example").encode()
        self.digest = hashlib.sha256(data).hexdigest()
        self.planted += [*values(tag)[3:], f"fileplant-{tag}", self.digest]
        body, headers = form(("file", f"fileplant-{tag}.eml", data))
        told = {"Authorization": f"Bearer {key}", "Idempotency-Key": KEY_WORD, "X-Forwarded-For": NETWORK}
        assert BOUNDARY in headers["Content-Type"]
        self.post("/api/v1/batches", body, headers | told)

    def maildir(self, tag: str) -> None:
        """Into the mailbox that the house picks up."""
        self.planted += values(tag)
        data = f"Return-Path: <{ADDRESS}>\r\n" + COVER.format(who=ADDRESS, tag=tag, spam=spam(tag), name=NAME)
        fresh = self.folder / "maildir" / "tmp" / f"{tag}.1.example"
        fresh.write_bytes(data.encode())
        os.rename(fresh, self.folder / "maildir" / "new" / fresh.name)

    def file(self, name: str, data: str) -> None:
        """By the command, for the person."""
        path = self.folder / "files" / name
        path.write_text(data)
        ran = self.ask("report", path, "--reporter", ADDRESS, "--json", "--no-wait")
        assert ran.status == 0, ran.err
        path.unlink()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.served.upload}{path}", body, {"Accept": "application/json", **headers}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return dict(json.loads(answer.read()))

    def settled(self) -> None:
        """Until everything was worked on; a receipt may wait for the DNS."""
        until(lambda: not any((self.folder / "maildir" / "new").iterdir()))
        until(lambda: set(self.ask("status", "--json").line["waiting"]) <= {"acknowledge"})

    def search(self, *more: Path) -> Mapping[str, set[str]]:
        """Where the values of the person and of the feed stand: in the home, the log of all processes, what they left
        in the folder for temporary files, and what is named besides."""
        beside = [self.folder / "home.serve", self.folder / "tmp", *more]
        return search(self.home, self.planted, (*IDENTITIES, KEY_WORD), beside)


@contextmanager
def house(folder: Path, retention: str = "") -> Iterator[Forgetting]:
    """The house in that folder, until the block ends; its temporary files, log, mailbox and files beside it."""
    for name in ("home", "tmp", "files", "maildir/new", "maildir/cur", "maildir/tmp"):
        (folder / name).mkdir(parents=True, mode=0o700)
    home = folder / "home"
    with sink() as server:
        text = SETTINGS.format(port=server.port, maildir=folder / "maildir", retention=retention)
        (home / "lapwing.toml").write_text(text)
        (home / "dns.json").write_text(json.dumps(SPF))
        with serving(home, LAPWING_DNS_MODE="recorded", TMPDIR=str(folder / "tmp")) as served:
            yield Forgetting(served, folder, server)
