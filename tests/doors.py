"""What tests of the doors need: a real vault to accept into, and everything that it then holds.

kept = Kept(tmp_path)                      a vault and an acceptor on it
with smtp_door(kept, per_source=2) as port: ...
kept.all()                                 [(Submission, bytes)] in the order of their frames
"""

import errno
import os
import select
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PrivateKey

from intake import smtp
from intake.accept import PART_KIND, Acceptor, Writer
from intake.metrics import Metrics
from intake.smtp_port import Port
from intake.smtp_settings import Check, Limits, Settings
from intake.store import Place, Slot
from intake.submission import Submission
from intake.vault.reader import Reader
from intake.vault.writer import Writer as VaultWriter

SECRET = b"a secret of the tests, 32 bytes."
ROOM = 10**12
WHEN = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


def find(program: str, package: str) -> str:
    """The path of an installed program; missing is a failure that says what to install, never a skip."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail(f"{program} is not installed; on Debian: apt-get install {package}")
    return found


def acceptor(writer: Writer, free: Callable[[], int] = lambda: ROOM, **more: Any) -> Acceptor:
    return Acceptor(writer, clock=lambda: WHEN, random=os.urandom, free=free, secret=SECRET, **more)


class Kept:
    """A real vault in `folder`/vault, its writer, an acceptor on it, and a reader of what was kept."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self._key = PrivateKey.generate()
        self._folder = folder / "vault"
        self.writer = VaultWriter(self._folder, "door", self._key.public_key)
        self.acceptor = acceptor(self.writer, **more)

    def frames(self) -> list[tuple[Place, str, bytes]]:
        """(place, kind, plain bytes) of every durable frame but the books."""
        reader = Reader(self._folder, self._key)
        found = []
        for place, header, stored in reader.follow(self.writer.series, 0, 0):
            opened = reader.open(header, stored)
            if header.kind != "book" and opened is not None:
                found.append((place, header.kind, opened.plain))
        return found

    def all(self) -> list[tuple[Submission, bytes]]:
        """Every closed submission with its bytes."""
        frames = self.frames()
        parts = {place: plain for place, kind, plain in frames if kind == PART_KIND}
        closed = [Submission.read(plain) for _, kind, plain in frames if kind == Submission.kind]
        return [(each, b"".join(parts[place_of(part)] for part in each.parts)) for each in closed]

    def newest(self) -> tuple[Submission, bytes]:
        """The last one."""
        return self.all()[-1]


def place_of(part: Any) -> Place:
    return Place(series=part.series, segment=part.segment, offset=part.offset)


class FakeWriter:
    """In memory; `fails` is raised by append number `at` (from 1) or, with at=0, comes out of commit."""

    def __init__(self, fails: Exception | None = None, at: int = 1) -> None:
        self.frames: list[tuple[str, bytes]] = []
        self.held: list[Slot] = []
        self.pending: list[Future[None]] = []
        self.manual = self.unlisted = False
        self._fails, self._at, self._calls = fails, at, 0

    def new_slot(self) -> Slot:
        slot = Slot(series="0123456789abcdef", book=1, number=len(self.frames) + 1)
        self.held.append(slot)
        return slot

    def release(self, slot: Slot) -> None:
        self.held.remove(slot)

    def append(self, kind: str, slot: Slot, plain: bytes) -> Place:
        self._calls += 1
        if self._fails is not None and self._calls == self._at:
            raise self._fails
        self.frames.append((kind, plain))
        return Place(series=slot.series, segment=1, offset=len(self.frames))

    def commit(self) -> "Future[None]":
        future: Future[None] = Future()
        if self._fails is not None and self._at == 0:
            future.set_exception(self._fails)
        elif self.manual:
            self.pending.append(future)
        else:
            future.set_result(None)
        return future


def full_disk() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


FREE = Limits(per_source=0, per_network=0, total=0, per_minute=0, network_per_minute=0)
"""Limits of counts by source are off."""


@contextmanager
def smtp_door(
    acceptor_: Acceptor, tls: ssl.SSLContext | None = None, domains: tuple[str, ...] = (), **limits: Any
) -> Iterator[int]:
    """The SMTP door on a free port of 127.0.0.1; limits of counts are off unless given."""
    with smtp_ways(Settings(tls=tls, domains=domains), acceptor_, **limits) as ports:
        yield ports["smtp"]


@contextmanager
def smtp_ways(
    settings: Settings,
    acceptor_: Acceptor,
    check: Check | None = None,
    metrics: Metrics | None = None,
    **limits: Any,
) -> Iterator[dict[str, int]]:
    """The SMTP door with more ways in than one; gives their ports by name."""
    mine = replace(settings, name="mx.example.org", limits=replace(FREE, **limits))
    running = smtp.serve(mine, acceptor_, check, metrics)
    assert isinstance(running.server, Port)
    try:
        yield running.server.ports
    finally:
        running.stop(grace=2.0)


def loopback6() -> bool:
    """Whether this machine has an IPv6 address of its own."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


class Line:
    """A raw SMTP client that reads replies and nothing else."""

    def __init__(self, port: int, greet: bool = True, source: str = "127.0.0.1") -> None:
        host = "::1" if ":" in source else "127.0.0.1"
        self.socket = socket.create_connection((host, port), timeout=10, source_address=(source, 0))
        self._file = self.socket.makefile("rb")
        if greet:
            assert self.reply().startswith("220 ")

    def reply(self) -> str:
        """The next whole reply, its lines joined by a bar; '' when the server is gone."""
        lines = []
        while True:
            try:
                line = self._file.readline()
            except ConnectionResetError:
                return "|".join(lines)
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                return "|".join(lines)

    def say(self, line: str | bytes) -> str:
        """Send one command and read its reply."""
        self.socket.sendall((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.reply()

    def envelope(self, recipients: int = 1) -> None:
        """EHLO, MAIL and so many RCPT."""
        assert self.say("EHLO client.example").startswith("250")
        assert self.say("MAIL FROM:<a@example.com>").startswith("250")
        for number in range(recipients):
            assert self.say(f"RCPT TO:<r{number}@example.org>").startswith("250")

    def data(self, content: bytes) -> str:
        """DATA, the content as it is with its end, and the reply."""
        assert self.say("DATA").startswith("354")
        self.socket.sendall(content)
        return self.reply()

    def until_told(self, piece: bytes, every: float = 0.02, seconds: float = 8.0) -> str:
        """Send a piece again and again until the server says something, and what that is."""
        end = time.monotonic() + seconds
        while not select.select([self.socket], [], [], every)[0]:
            assert time.monotonic() < end, "the server says nothing"
            self.socket.sendall(piece)
        return self.reply()

    def wrap(self) -> None:
        """Speak TLS from now on, whatever the certificate."""
        self.socket = ssl._create_unverified_context().wrap_socket(self.socket)
        self._file = self.socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
