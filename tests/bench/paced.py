"""Benchmark: how long a sender waits for its 250 at a steady pace, beside Postfix: `python tests/bench/paced.py`.

    python tests/bench/paced.py [--pace 200] [--seconds 20] [--size 20480] [--sessions 20]
                                 [--servers Postfix,door,house] [--tries 1]

Messages are due at fixed moments, whether or not the one before was answered, on connections that are kept; what counts
is the time from when a message was due until its 250, so a server that falls behind can't hide it. Both write to disk
before they answer. Ours twice: the door alone, and the door of a whole running house, whose worker opens, examines and
files all the while. Prints p50, p95 and p99 in milliseconds, what was acknowledged per second, and the greatest
resident memory of a door of ours. Exit status 1, and promise P39 not held, where p99 is over 500 ms, the pace is not
kept, or a door needs over 300 MB; a busy machine may have several tries, of which one must do. The short form is
`tests/crash/paced_test.py`.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accept import our_door, postfix
from made import like_mail

from deploy.commands.operate import running
from tests import promise

P99 = 0.5
"""Seconds at most."""
MEMORY = 300.0
"""MB of a door at most."""
PROMISED = 20
"""Seconds of the long form."""
SETTINGS = """[smtp]
port = 0
per_source = 0
per_minute = 0
[upload]
port = 0
[dns]
mode = "off"
"""

ENVELOPE = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<r@example.org>\r\nDATA\r\n"


class Session:
    """One kept connection that hands in a message at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def reply(self) -> bytes:
        line = await self._reader.readline()
        while line[3:4] == b"-":
            line = await self._reader.readline()
        return line

    async def greet(self) -> None:
        await self.reply()
        self._writer.write(b"EHLO client.example\r\n")
        await self.reply()

    async def hand_in(self, data: bytes) -> None:
        self._writer.write(ENVELOPE)
        for _ in range(3):
            await self.reply()
        self._writer.write(data)
        said = await self.reply()
        if not said.startswith(b"250"):
            raise SystemExit(said.decode())


async def waits(port: int, pace: int, seconds: int, size: int, sessions: int) -> tuple[list[float], float]:
    """(seconds that each message waited, in order of size; acknowledged per second)."""
    free: asyncio.Queue[Session] = asyncio.Queue()
    for _ in range(sessions):
        session = Session(*await asyncio.open_connection("127.0.0.1", port))
        await session.greet()
        free.put_nowait(session)
    data = like_mail(size).replace(b"\n", b"\r\n") + b".\r\n"
    found: list[float] = []

    async def one(due: float) -> None:
        session = await free.get()
        await session.hand_in(data)
        found.append(time.perf_counter() - due)
        free.put_nowait(session)

    began, tasks = time.perf_counter(), []
    for number in range(pace * seconds):
        due = began + number / pace
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    return sorted(found), len(found) / (time.perf_counter() - began)


def greatest(pids: list[int]) -> float:
    """MB of the largest resident memory that one of these processes has had."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@contextmanager
def house(folder: Path) -> Iterator[tuple[int, list[int]]]:
    """A whole running house; the port and process of its SMTP door."""
    home = folder / "home"
    home.mkdir()
    (home / "lapwing.toml").write_text(SETTINGS)
    with running(home) as processes:
        yield int((home / "run" / "smtp.port").read_text()), [processes.pids["smtpd"]]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--pace", type=int, default=200, help="messages a second")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--size", type=int, default=20_480)
    options.add_argument("--sessions", type=int, default=20)
    options.add_argument("--processes", type=int, default=2, help="of the door alone")
    options.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    options.add_argument("--servers", default="Postfix,door,house", help="which of them, with commas between")
    options.add_argument("--tries", type=int, default=1)
    given = options.parse_args()
    held, number = False, 0
    while not held and number < given.tries:
        number += 1
        figures = tried(given)
        held = holds(figures, given.pace)
    if {"Postfix p99 ms", "house p99 ms"} <= set(figures):
        print(f"p99 of Postfix to ours: {figures['Postfix p99 ms'] / figures['house p99 ms']:.2f}")
    full = given.seconds >= PROMISED and {"door p99 ms", "house p99 ms"} <= set(figures)
    promise.note("P39", "long" if full else "short", held, {"pace": given.pace, "seconds": given.seconds, **figures})
    sys.exit(not held)


def tried(given: argparse.Namespace) -> dict[str, float]:
    """The figures of the servers that were asked for."""
    servers = {"Postfix": postfix, "door": lambda folder: our_door(folder, given.processes), "house": house}
    figures: dict[str, float] = {}
    for name in given.servers.split(","):
        with tempfile.TemporaryDirectory(dir=given.folder) as folder, servers[name](Path(folder)) as (port, pids):
            figures |= measured(name, port, pids, given)
    return figures


def holds(figures: dict[str, float], pace: int) -> bool:
    """Whether ours, as far as they were tried, are as fast and as lean as promised."""
    ours = [name for name in ("door", "house") if f"{name} MB" in figures]
    return bool(ours) and all(
        figures[f"{name} p99 ms"] <= P99 * 1000
        and figures[f"{name} MB"] <= MEMORY
        and figures[f"{name} a second"] >= 0.98 * pace
        for name in ours
    )


def measured(name: str, port: int, pids: list[int], given: argparse.Namespace) -> dict[str, float]:
    """The figures of one server, which are printed."""
    found, rate = asyncio.run(waits(port, given.pace, given.seconds, given.size, given.sessions))
    p50, p95, p99 = (found[int(len(found) * part)] * 1000 for part in (0.5, 0.95, 0.99))
    size = greatest(pids)
    print(
        f"{name:8} p50 {p50:7.1f} ms  p95 {p95:7.1f} ms  p99 {p99:7.1f} ms  {rate:6.1f} a second  {size:4.0f} MB",
        flush=True,
    )
    return {f"{name} p99 ms": round(p99, 1), f"{name} a second": round(rate, 1), f"{name} MB": round(size, 1)}


if __name__ == "__main__":
    main()
