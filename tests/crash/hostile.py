"""Clients that mean harm, against the SMTP door in a process of its own; a judge says whether its promises hold.

    python tests/crash/hostile.py [slow] [spread] [endless] [odd] [--clients 1000] [--seconds 60] [--millions 1]
                                  [--cases 1000]

slow     so many slow clients of many kinds hold on (a byte every ten seconds) while others hand mail in (P14): nobody
         of other addresses is refused, every message is kept, the slowest answers are told
spread   a quarter as many, each of a network of its own, that say nothing, or nothing after DATA, and come again at
         once when they are cut; by their own address and behind a load balancer: after the few seconds that anybody
         has, nobody else is refused
endless  a line, headers, RCPT, NOOP and replies without end (P15): memory stays bounded, and a client is cut at most a
         megabyte beyond its limit
odd      so many odd mails made by chance (P17): each is accepted and kept as it is, byte for byte

Prints one JSON object for each; ends with status 1 when a promise was broken. The test runs it in a short form.
"""

import argparse
import contextlib
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from intake import smtp
from intake.metrics import Metrics
from intake.smtp_settings import Limits, Settings
from tests import promise
from tests.crash.odd import odd
from tests.doors import Kept, Line
from tests.proxies import v1, v2

MAIL = b"Subject: report %d\r\n\r\n" + b"A line of a report that somebody sends.\r\n" * 50
SIZE = 25_000_000
MEGABYTE = 1_000_000


class Door:
    """The door in a child process: its port, and what it uses."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid

    @property
    def memory(self) -> int:
        """The most resident bytes that it ever had."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise ValueError("no such process")

    @property
    def read(self) -> int:
        """Bytes that it has read from anywhere."""
        return int(Path(f"/proc/{self.pid}/io").read_text().split()[1])


@contextmanager
def door(folder: Path, limits: dict[str, Any] | None = None, balanced: bool = False) -> Iterator[Door]:
    """The door with its own limits but these, perhaps behind a load balancer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "--door", str(port), "--folder", str(folder)]
    child = subprocess.Popen([*command, "--limits", json.dumps(limits or {}), *(["--balanced"] if balanced else [])])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as first:
                first.sendall(v1("198.51.100.1") if balanced else b"")
                if first.recv(4).startswith(b"220"):
                    break
            time.sleep(0.05)
        yield Door(port, child.pid)
    finally:
        child.terminate()
        child.wait(timeout=20)


def serve(port: int, folder: Path, limits: dict[str, Any], proxies: tuple[str, ...]) -> None:
    """What the child does until it is told to stop."""
    kept = Kept(folder)
    settings = Settings(port=port, proxies=proxies, limits=Limits(**limits))
    running = smtp.serve(settings, kept.acceptor, metrics=Metrics())
    signal.sigwait({signal.SIGTERM})
    running.stop(grace=1.0)


# -- P14 ------------------------------------------------------------------------------------------------------------


def address(number: int) -> str:
    """Where a slow client comes from: half are at one address, the others in one network but for a few all over."""
    if number % 10 == 9:
        return f"127.2.{number // 10 % 250}.1"
    return "127.1.1.1" if number % 2 else f"127.1.2.{number % 200 + 1}"


DATA = b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\nDATA\r\nSubject: x\r\n"
BEGINNINGS = (b"", b"E", b"EHLO c.example\r\nMAIL FROM:<a@example.com>\r\n", DATA)
"""What a slow client has said before it is slow; the last one is in the middle of its message."""


def connect(port: int, source: str) -> socket.socket:
    """A client of that address."""
    return socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))


class Slow(threading.Thread):
    """Slow clients: client `number` comes by `come(number)`, says `byte` after each pause, and comes again when cut."""

    def __init__(self, clients: int, pause: float, come: Callable[[int], socket.socket], byte: bytes) -> None:
        super().__init__(daemon=True)
        self._clients, self._pause, self._come_by, self._byte = clients, pause, come, byte
        self.here, self.over = threading.Event(), threading.Event()
        """All have come once; they may go."""

    def _come(self, number: int) -> socket.socket:
        made = self._come_by(number)
        made.setblocking(False)
        return made

    def run(self) -> None:
        open_: dict[int, socket.socket] = {}
        while not self.over.is_set():
            for number in range(self._clients):
                if self.over.is_set():
                    break
                with contextlib.suppress(OSError):
                    if number not in open_:
                        open_[number] = self._come(number)
                try:
                    while open_[number].recv(4096):
                        pass
                    raise ConnectionError
                except BlockingIOError:
                    with contextlib.suppress(OSError):
                        open_[number].send(self._byte)
                except (OSError, KeyError):
                    if number in open_:
                        open_.pop(number).close()
            self.here.set()
            self.over.wait(self._pause)
        for each in open_.values():
            each.close()


def hand_in(port: int, seconds: float, sessions: int = 4) -> tuple[list[float], list[str]]:
    """(seconds until each message was acknowledged, what was refused) of clients who mean well, for so long."""
    took: list[float] = []
    refused: list[str] = []
    end = time.monotonic() + seconds

    def go_on(number: int) -> None:
        while time.monotonic() < end:
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=20, source_address=(f"127.9.{number}.1", 0)) as client:
                    for index in range(10):
                        began = time.monotonic()
                        client.sendmail("a@example.com", ["r@example.org"], MAIL % index)
                        took.append(time.monotonic() - began)
            except (OSError, smtplib.SMTPException) as error:
                refused.append(repr(error))

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(sessions)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(took), refused


def slow(folder: Path, clients: int, seconds: float, pause: float = 10.0, **limits: Any) -> dict[str, Any]:
    """P14: what became of those who mean well while slow clients hold on."""
    with door(folder, {"per_minute": 0, "network_per_minute": 0, **limits}) as server:
        before = server.memory

        def come(number: int) -> socket.socket:
            made = connect(server.port, address(number))
            made.sendall(BEGINNINGS[number % len(BEGINNINGS)])
            return made

        hostile = Slow(clients, pause, come, b"x")
        hostile.start()
        time.sleep(2.0)
        took, refused = hand_in(server.port, seconds)
        hostile.over.set()
        hostile.join()
        grown = server.memory - before
    p95 = took[int(len(took) * 0.95)] if took else None
    return {"clients": clients, "acknowledged": len(took), "p95": p95, "refused": refused, "grown": grown,
            "kept": bool(took) and p95 <= 2.0 and not refused and grown < 100 * MEGABYTE}  # fmt: skip


def network(number: int) -> str:
    """An address in a network of its own that is this machine's."""
    return f"127.{100 + number // 250}.{number % 250}.1"


def documented(number: int) -> str:
    """An address in a network of its own that a load balancer may speak of."""
    return f"2001:db8:{number:x}::1"


def deliver(line: Line) -> str:
    """The reply that decides, of one who means well and has just connected."""
    for command in ("", "EHLO c.example", "MAIL FROM:<a@example.com>", "RCPT TO:<r@example.org>", "DATA"):
        reply = line.say(command) if command else line.reply()
        if reply[:1] not in ("2", "3"):
            return reply or "closed"
    line.socket.sendall(MAIL % 1 + b".\r\n")
    return line.reply() or "closed"


def spread(folder: Path, clients: int, seconds: float, first: bytes, balanced: bool, **limits: Any) -> dict[str, Any]:
    """P14: clients that hold on, each of a network of its own; others hand mail in meanwhile, one after the other."""
    known = {"per_minute": 0, "network_per_minute": 0, **limits}
    mercy = 4 * Limits(**known).pressed
    replies: list[tuple[float, str]] = []

    with door(folder, known, balanced) as server:

        def come(number: int) -> socket.socket:
            made = connect(server.port, "127.0.0.1" if balanced else network(number))
            made.sendall((v2(documented(number)) if balanced else b"") + first)
            return made

        hostile = Slow(clients, 0.05, come, b"")
        hostile.start()
        hostile.here.wait()
        began = time.monotonic()
        while time.monotonic() < began + mercy + seconds:
            number = clients + len(replies) % 20
            with contextlib.closing(Line(server.port, False, "127.0.0.1" if balanced else network(number))) as line:
                at = time.monotonic() - began
                line.socket.sendall(v1(documented(number)) if balanced else b"")
                with contextlib.suppress(ConnectionError):
                    replies.append((at, deliver(line)))
            time.sleep(0.1)
        hostile.over.set()
        hostile.join()
    refused = [(round(at, 1), reply) for at, reply in replies if not reply.startswith("250 2.6.0 ")]
    late = [each for each in refused if each[0] >= mercy]
    return {"clients": clients, "delivered": len(replies) - len(refused), "refused at first": len(refused) - len(late),
            "refused": late, "kept": len(replies) > len(refused) and not late}  # fmt: skip


def spread_all(folder: Path, clients: int, seconds: float, **limits: Any) -> dict[str, Any]:
    """Each shape, by own addresses and behind a load balancer."""
    found: dict[str, Any] = {}
    for name, first in (("idle", b""), ("data", DATA)):
        for how, balanced in (("direct", False), ("balanced", True)):
            place = folder / f"{name}-{how}"
            place.mkdir()
            found[f"{name} {how}"] = spread(place, clients, seconds, first, balanced, **limits)
    return {**found, "kept": all(each["kept"] for each in found.values())}


# -- P15 ------------------------------------------------------------------------------------------------------------


def send_on(line: Line, piece: bytes, most: int) -> int:
    """Send a piece again and again until the server cuts us, reading what it says; how many bytes were sent."""
    sent = 0
    line.socket.setblocking(False)
    while sent < most:
        try:
            sent += line.socket.send(piece)
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            break
        with contextlib.suppress(BlockingIOError):
            try:
                if not line.socket.recv(65_536):
                    break
            except ConnectionError:
                break
    return sent


def endless_message(server: Door, piece: bytes) -> dict[str, Any]:
    """A message that never ends: how far beyond twice the size the door read."""
    with Line(server.port) as line:
        line.envelope()
        line.say("DATA")
        before = server.read
        sent = send_on(line, piece, 4 * SIZE)
        time.sleep(0.2)
        beyond = server.read - before - 2 * SIZE
    return {"sent": sent, "beyond": beyond, "kept": sent < 4 * SIZE and beyond <= MEGABYTE}


def endless_commands(server: Door, piece: bytes, most: int) -> dict[str, Any]:
    """Commands without end: how much the door read of them."""
    with Line(server.port) as line:
        line.envelope()
        before = server.read
        sent = send_on(line, piece, most)
        time.sleep(0.2)
        read = server.read - before
    return {"sent": sent, "read": read, "kept": read <= MEGABYTE}


def endless(folder: Path, millions: float) -> dict[str, Any]:
    """P15: what each client without end got to, and the most memory that the door ever had."""
    count = int(millions * 1_000_000)
    found: dict[str, Any] = {}
    with door(folder, {"size": SIZE}) as server:
        found["line"] = endless_message(server, b"y" * 65_536)
        found["headers"] = endless_message(server, b"X-Header: and so on\r\n" * 3000)
        for name, command in (("rcpt", b"RCPT TO:<r@example.org>\r\n"), ("noop", b"NOOP\r\n"), ("word", b"y" * 10)):
            found[name] = endless_commands(server, command * 1000, len(command) * count)
        found["memory"] = server.memory
    found["kept"] = all(each["kept"] for each in found.values() if isinstance(each, dict))
    found["kept"] = found["kept"] and found["memory"] <= 300 * MEGABYTE
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("which", nargs="*", help="slow, spread, endless, odd; all when none is given")
    options.add_argument("--clients", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--millions", type=float, default=1.0)
    options.add_argument("--cases", type=int, default=1000)
    options.add_argument("--folder", type=Path, help="on a real disk; one of its own when it isn't given")
    options.add_argument("--door", type=int, help=argparse.SUPPRESS)
    options.add_argument("--limits", default="{}", help=argparse.SUPPRESS)
    options.add_argument("--balanced", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.door:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        proxies = ("127.0.0.1/32",) if given.balanced else ()
        return serve(given.door, given.folder, json.loads(given.limits), proxies)
    wanted = given.which or ["slow", "spread", "endless", "odd"]
    broken = False
    with tempfile.TemporaryDirectory(dir=given.folder or os.environ.get("TMPDIR", "/var/tmp")) as name:
        tries = {
            "slow": lambda folder: slow(folder, given.clients, given.seconds),
            "spread": lambda folder: spread_all(folder, given.clients // 4, given.seconds / 2),
            "endless": lambda folder: endless(folder, given.millions),
            "odd": lambda folder: odd(folder, given.cases),
        }
        for which in wanted:
            (Path(name) / which).mkdir()
            said = tries[which](Path(name) / which)
            broken = broken or not said["kept"]
            print(json.dumps({"which": which, **said}), flush=True)
            full = given.clients >= 1000 and given.seconds >= 60 and given.millions >= 1 and given.cases >= 1000
            promise.note(PROMISES[which], "long" if full else "short", said["kept"], plain(said), part=f"smtp {which}")
    return sys.exit(1 if broken else 0)


PROMISES = {"slow": "P14", "spread": "P14", "endless": "P15", "odd": "P17"}


def plain(said: dict[str, Any], before: str = "") -> dict[str, promise.Figure]:
    """The figures in what was said, each by its path; of a list how many it has."""
    found: dict[str, promise.Figure] = {}
    for name, each in said.items():
        if isinstance(each, dict):
            found |= plain(each, f"{before}{name} ")
        else:
            found[before + name] = len(each) if isinstance(each, list) else each if each is not None else "none"
    return found


if __name__ == "__main__":
    main()
