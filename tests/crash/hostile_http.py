"""Clients that mean harm, against the real upload process; a judge says whether its promises hold.

    python tests/crash/hostile_http.py [heads] [bodies] [memory] [--clients 1000] [--seconds 60]

heads    so many clients, three of each network, send the head of a request a byte every ten seconds, and come again
         when they are cut, while others hand in (P14): nobody of other addresses is refused, every report is kept, the
         slowest answers are told
bodies   the same with bodies, a little above the rate at which a sender may stay for a quarter of an hour
memory   what can be held is: lines of JSON without end, the largest dry runs, heads, forms and batches in all places
         at once (P15): the process has less than 300 MB, and gives it back

Prints one JSON object for each; ends with status 1 when a promise was broken. The test runs it in a short form.
"""

import argparse
import contextlib
import http.client
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from deploy.wiring import open_house
from intake.accept import PART
from tests import promise
from tests.crash.hostile import plain
from tests.feed_house import OFF, add_feed, add_key
from tests.walker import environment, until

REPORT = b"Subject: report\r\n\r\n" + b"A line of a report that somebody sends.\r\n" * 50
MEGABYTE = 1_000_000
MOST = 300 * MEGABYTE
FEEDS = 10


@dataclass
class Door:
    """The upload process: its port, and what it uses."""

    port: int
    pid: int
    keys: list[str]

    def _memory(self, name: str) -> int:
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.split(f"{name}:")[1].split()[0]) * 1024

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return self._memory("VmRSS")

    @property
    def peak(self) -> int:
        """The most resident bytes that it ever had."""
        return self._memory("VmHWM")

    def connect(self, source: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))


@contextmanager
def door(folder: Path) -> Iterator[Door]:
    """The process on a home of its own, with its own limits, and feeds with keys."""
    home = folder / "home"
    house = open_house(home, "command", OFF)
    for number in range(FEEDS):
        add_feed(house, f"feed{number}", per_minute=0)
    keys = [add_key(house, f"feed{number}") for number in range(FEEDS)]
    house.writer.close()
    command = [sys.executable, "-m", "deploy.uploadd", str(home)]
    child = subprocess.Popen(command, env=environment(LAPWING_UPLOAD_PORT="0"))
    try:
        told = home / "run" / "upload.port"
        until(lambda: child.poll() is not None or (told.exists() and told.read_text().endswith("\n")))
        yield Door(int(told.read_text()), child.pid, keys)
    finally:
        child.terminate()
        child.wait(timeout=60)


# -- P14 ------------------------------------------------------------------------------------------------------------

HEAD = b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nContent-Length: 9000000\r\n\r\n"


def address(number: int) -> str:
    """Where a slow client comes from: three of each network."""
    return f"127.{1 + number // 750}.{number // 3 % 250}.{1 + number % 3}"


class Slow(threading.Thread):
    """Slow clients, who come again when they are cut; `pause` seconds between two pieces of each."""

    def __init__(self, server: Door, clients: int, head: bytes, piece: bytes, pause: float) -> None:
        super().__init__(daemon=True)
        self._server, self._clients, self._head, self._piece, self._pause = server, clients, head, piece, pause
        self.open: dict[int, socket.socket] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            for number in range(self._clients):
                if self.over.is_set():
                    break
                with contextlib.suppress(OSError):
                    self._turn(number)
            self.over.wait(max(0.05, began + self._pause - time.monotonic()))
        for each in self.open.values():
            each.close()

    def _turn(self, number: int) -> None:
        """Say the next piece, or come again."""
        client = self.open.get(number)
        if client is None:
            client = self.open[number] = self._server.connect(address(number))
            client.sendall(self._head)
            client.setblocking(False)
        try:
            cut = bool(select.select([client], [], [], 0)[0])
            if not cut:
                client.send(self._piece)
        except BlockingIOError:
            return
        except OSError:
            cut = True
        if cut:
            self.open.pop(number).close()


def hand_in(server: Door, seconds: float, sessions: int = 4) -> tuple[list[float], list[str]]:
    """(seconds until each report was acknowledged, what was refused) of people who mean well, each from an address of
    its own, for so long.
    """
    took: list[float] = []
    refused: list[str] = []
    end = time.monotonic() + seconds

    def go_on(session: int) -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            source = f"127.{20 + session * 20 + number // 250 % 20}.{number % 250}.9"
            began = time.monotonic()
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20, source_address=(source, 0))
            try:
                client.request("POST", "/reports", REPORT, {"Content-Type": "message/rfc822"})
                answer = client.getresponse()
                if answer.status == 202:
                    took.append(time.monotonic() - began)
                else:
                    refused.append(f"{answer.status} {answer.read()!r}")
            except (OSError, http.client.HTTPException) as error:
                refused.append(repr(error))
            finally:
                client.close()

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(sessions)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(took), refused


def slow(folder: Path, clients: int, seconds: float, head: bytes, piece: bytes, pause: float) -> dict[str, Any]:
    """P14: what became of those who mean well while slow clients hold on."""
    with door(folder) as server:
        before = server.memory
        hostile = Slow(server, clients, head, piece, pause)
        hostile.start()
        until(lambda: len(hostile.open) >= min(clients, 200))
        time.sleep(2.0)
        took, refused = hand_in(server, seconds)
        grown = server.peak - before
        hostile.over.set()
        hostile.join()
    p95 = took[int(len(took) * 0.95)] if took else None
    return {"clients": clients, "acknowledged": len(took), "p95": p95, "refused": refused[:10], "grown": grown,
            "kept": bool(took) and not refused and grown < 100 * MEGABYTE}  # fmt: skip


def heads(folder: Path, clients: int, seconds: float, pause: float = 10.0) -> dict[str, Any]:
    return slow(folder, clients, seconds, b"POST /re", b"x", pause)


def bodies(folder: Path, clients: int, seconds: float, pause: float = 1.0) -> dict[str, Any]:
    return slow(folder, clients, seconds, HEAD, b"y" * int(600 * pause), pause)


# -- P15 ------------------------------------------------------------------------------------------------------------


def request(path: str, key: str, kind: str) -> bytes:
    return (
        f"POST /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


class Crowd:
    """Clients that stay, and send what they are told to."""

    def __init__(self, server: Door) -> None:
        self.server, self.clients = server, list[socket.socket]()

    def come(self, count: int, network: int, said: Callable[[int], bytes]) -> list[socket.socket]:
        """So many, three of each network, and what each says first; one that is cut is passed over."""
        came = []
        for number in range(count):
            client = self.server.connect(f"127.{network}.{number // 3}.{number % 3 + 1}")
            came.append(client)
            push([client], said(number))
        self.clients += came
        return came

    def part(self) -> None:
        for each in self.clients:
            each.close()
        self.clients.clear()


def push(clients: list[socket.socket], data: bytes) -> None:
    """Send it to each, as far as it is taken."""
    for each in clients:
        with contextlib.suppress(OSError):
            each.sendall(data)


def lines(server: Door, size: int) -> None:
    """Twenty lines of JSON that don't end, with so many bytes of a message each."""
    crowd = Crowd(server)
    begun = request("/batches", server.keys[0], "application/x-ndjson") + chunk(b'{"message": "')
    clients = crowd.come(20, 1, lambda _: begun)
    for _ in range(size // 65_536):
        push(clients, chunk(b"QUJD" * 16_384))
    crowd.part()


def dry_runs(server: Door, size: int) -> None:
    """Eight of the largest dry runs at once, twice."""
    body = (b"From: a@example.test\r\n\r\n" + b"A line of a report.\r\n" * (size // 21))[:size]

    def go_on(number: int) -> None:
        for _ in range(2):
            client = server.connect(f"127.1.0.{number + 1}")
            with contextlib.suppress(OSError):
                client.sendall(request("/validate", server.keys[number], "message/rfc822") + chunk(body) + b"0\r\n\r\n")
                client.recv(1000)
            client.close()

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def everything(server: Door, size: int) -> None:
    """All that may be held at once: dry runs, batches that don't end, bodies in all other places, heads in all other
    connections; and then a little more of each body, so that all go on together.
    """
    crowd, part = Crowd(server), os.urandom(PART - 1)
    item = b'{"id": "%s", "message": "eA=="}\n' % (b"i" * 200)

    def begun(path: str, number: int, kind: str, data: bytes) -> bytes:
        return request(path, server.keys[number % FEEDS], kind) + chunk(data)

    crowd.come(2, 5, lambda number: begun("/validate", number, "message/rfc822", b"x" * size))
    crowd.come(20, 6, lambda number: begun("/batches", number, "application/x-ndjson", item * 999))
    crowd.come(78, 7, lambda number: begun("/reports", number, "message/rfc822", part))
    bodies = crowd.come(100, 2, lambda _: HEAD + part)
    crowd.come(600, 3, lambda _: b"GET / HTTP/1.1\r\nX: " + b"y" * 16_000)
    time.sleep(2.0)
    push(bodies, part)
    time.sleep(2.0)
    crowd.part()


def memory(folder: Path, size: int = 24_900_000) -> dict[str, Any]:
    """P15: the most memory of the process after each attack, and what it has at the end."""
    found: dict[str, Any] = {}
    attacks: tuple[Callable[[Door, int], None], ...] = (lines, dry_runs, everything)
    with door(folder) as server:
        found["before"] = server.memory
        for attack in attacks:
            attack(server, size)
            until(lambda: _answers(server))
            found[attack.__name__] = server.peak
        found["after"] = server.memory
    found["kept"] = found["everything"] < MOST
    return found


def _answers(server: Door) -> bool:
    """Whether it takes a report now."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        client.request("POST", "/reports", REPORT, {"Content-Type": "message/rfc822"})
        return client.getresponse().status == 202
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("which", nargs="*", help="heads, bodies, memory; all when none is given")
    options.add_argument("--clients", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--folder", type=Path, help="on a real disk; one of its own when it isn't given")
    given = options.parse_args()
    broken = False
    with tempfile.TemporaryDirectory(dir=given.folder or os.environ.get("TMPDIR", "/var/tmp")) as name:
        tries: dict[str, Callable[[Path], dict[str, Any]]] = {
            "heads": lambda folder: heads(folder, given.clients, given.seconds),
            "bodies": lambda folder: bodies(folder, given.clients, given.seconds),
            "memory": memory,
        }
        for which in given.which or tries:
            (Path(name) / which).mkdir()
            said = tries[which](Path(name) / which)
            broken = broken or not said["kept"]
            print(json.dumps({"which": which, **said}), flush=True)
            full = given.clients >= 1000 and given.seconds >= 60
            promise.note(PROMISES[which], "long" if full else "short", said["kept"], plain(said), part=f"http {which}")
    sys.exit(1 if broken else 0)


PROMISES = {"heads": "P14", "bodies": "P14", "memory": "P15"}


if __name__ == "__main__":
    main()
