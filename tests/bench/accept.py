"""Benchmark: durable SMTP accepts per second of our door against Postfix, same machine, same minute, runs in turn.

    python tests/bench/accept.py [--messages 1500] [--runs 3] [--processes 2] [--shapes 1,2] [--folder DIR]

Both sync before the 250. Ours: the real vault, compressed and sealed, all guards on but the counts that would stop
so many sessions of one address; so many processes on one port, as `smtp.processes` makes them (Postfix has 100).
Postfix: `postfix/main.cf` with nothing slowing it, everything goes on HOLD, nothing is delivered. The client of both is
Postfix's smtp-source; the mail packs as real mail does. Needs root (Postfix does) and a folder on a real disk. Prints
the medians and their ratio, the lowest and highest run behind, and the server's CPU microseconds for one message, which
other work on the machine disturbs least. Exit status 1 where a ratio is below the least that was asked for.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from made import like_mail
from nacl.public import PrivateKey

from intake import smtp
from intake.accept import Acceptor
from intake.smtp_settings import Limits, Settings
from intake.vault.writer import Writer


class Shape(NamedTuple):
    """Sessions at once, bytes of a message, whether connections are kept or carry one message each, and the least ratio
    to Postfix that is asked for.
    """

    name: str
    sessions: int
    size: int
    kept: bool
    least: float


SHAPES = [
    Shape("20 x 2 kB, kept", 20, 2_048, True, 0.0),
    Shape("20 x 20 kB, kept", 20, 20_480, True, 2.0),
    Shape("100 x 2 kB, kept", 100, 2_048, True, 2.0),
    Shape("20 x 200 kB, kept", 20, 204_800, True, 2.0),
    Shape("20 x 2 kB, one each", 20, 2_048, False, 1.5),
    Shape("20 x 20 kB, one each", 20, 20_480, False, 1.5),
]
POSTFIX = Path(__file__).parent / "postfix"
"""Its main.cf and master.cf, with the places of this run in braces."""


def find(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        sys.exit(f"{program} is not installed; on Debian: apt-get install postfix")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for_greeting(port: int) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                if client.recv(100).startswith(b"220 "):
                    return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing greets on port {port}")


def cpu(roots: list[int]) -> float:
    """Seconds of CPU that these processes, their living descendants and those that they have waited for have used."""
    ticks: dict[int, tuple[int, int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks[int(path.parent.name)] = (int(fields[1]), sum(int(each) for each in fields[11:15]))
    family, found = set(roots), set(roots)
    while found:
        found = {each for each, (parent, _) in ticks.items() if parent in family} - family
        family |= found
    return sum(ticks[each][1] for each in family if each in ticks) / os.sysconf("SC_CLK_TCK")


@contextmanager
def postfix(folder: Path) -> Iterator[tuple[int, list[int]]]:
    """A Postfix of its own, configuration and queue in `folder`; its port and processes."""
    if os.geteuid() != 0:
        sys.exit("run this as root: Postfix must be started by root")
    port, program = free_port(), find("postfix")
    folder.chmod(0o755)
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir()
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
    for path in POSTFIX.iterdir():
        (folder / "etc" / path.name).write_text(path.read_text().format(folder=folder, port=port))
    command = [program, "-c", str(folder / "etc")]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        wait_for_greeting(port)
        yield port, [int((folder / "queue" / "pid" / "master.pid").read_text())]
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


@contextmanager
def our_door(folder: Path, processes: int) -> Iterator[tuple[int, list[int]]]:
    """Our door in processes of its own, vault in `folder`; its port and processes."""
    port = free_port()
    command = [sys.executable, __file__, "--door", str(port), "--folder", str(folder), "--processes", str(processes)]
    children = [subprocess.Popen([*command, "--role", f"smtp-{number}"]) for number in range(1, processes + 1)]
    try:
        wait_for_greeting(port)
        time.sleep(2.0)
        yield port, [child.pid for child in children]
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=10)


def serve(port: int, folder: Path, role: str, shared: bool) -> None:
    """What a child of `our_door` does until it is terminated."""
    writer = Writer(folder / "vault", role, PrivateKey.generate().public_key)
    acceptor = Acceptor(
        writer,
        clock=lambda: datetime.now(UTC),
        random=os.urandom,
        free=lambda: shutil.disk_usage(folder).free,
        secret=os.urandom(32),
    )
    limits = Limits(per_source=0, per_network=0, per_minute=0, network_per_minute=0)
    running = smtp.serve(Settings(port=port, shared=shared, limits=limits), acceptor)
    signal.sigwait({signal.SIGTERM})
    running.stop(grace=1.0)


@dataclass
class Taken:
    """What the runs of one server gave: messages per second, CPU seconds per message."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    def __str__(self) -> str:
        spread = f"{min(self.rates):.0f}-{max(self.rates):.0f}"
        return f"{self.rate:6.0f} {spread:>11}{statistics.median(self.costs) * 1e6:6.0f}"


def send(port: int, messages: int, shape: Shape, mail: Path) -> float:
    """Seconds until smtp-source has that mail acknowledged so many times on that port."""
    options = ["-s", str(shape.sessions), "-m", str(messages), "-F", str(mail), *(["-d"] if shape.kept else [])]
    command = [find("smtp-source"), *options, "-f", "a@example.com", "-t", "r@example.org", f"127.0.0.1:{port}"]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if done.stderr:
        sys.exit(done.stderr)
    return time.perf_counter() - began


def measure(
    shapes: list[int], messages: int, runs: int, processes: int, folder: Path
) -> Iterator[tuple[Shape, Taken, Taken]]:
    """(shape, ours, Postfix's) for every shape, the two in turn."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as ours,
        tempfile.TemporaryDirectory(dir=folder) as theirs,
        our_door(Path(ours), processes) as our_server,
        postfix(Path(theirs)) as their_server,
    ):
        for shape in (SHAPES[number - 1] for number in shapes):
            taken = (Taken(), Taken())
            mail = Path(ours) / f"{shape.size}.eml"
            mail.write_bytes(like_mail(shape.size))
            for port, _ in (our_server, their_server):
                send(port, 200, shape, mail)
            for _ in range(runs):
                for (port, roots), found in zip((our_server, their_server), taken, strict=True):
                    before = cpu(roots)
                    found.rates.append(messages / send(port, messages, shape, mail))
                    found.costs.append((cpu(roots) - before) / messages)
            yield shape, *taken
        held = sum(1 for path in (Path(theirs) / "queue" / "hold").rglob("*") if path.is_file())
        if held != len(shapes) * (200 + runs * messages):
            sys.exit(f"Postfix holds {held} messages, not all that it was sent")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--messages", type=int, default=1500)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--shapes", default=",".join(str(number + 1) for number in range(len(SHAPES))))
    options.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    options.add_argument("--door", type=int, help=argparse.SUPPRESS)
    options.add_argument("--role", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.door:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        serve(given.door, given.folder, given.role, given.processes > 1)
        return
    shapes = [int(number) for number in given.shapes.split(",")]
    print(f"durable accepts per second, {given.messages} messages, {given.processes} processes, median of {given.runs}")
    print(f"{'':24}{'ours':>6} {'range':>11}{'CPU':>6}{'Postfix':>9} {'range':>11}{'CPU':>6}{'ratio':>8}{'CPU':>6}")
    short = []
    for shape, ours, theirs in measure(shapes, given.messages, given.runs, given.processes, given.folder):
        cheaper = statistics.median(theirs.costs) / statistics.median(ours.costs)
        ratio = ours.rate / theirs.rate
        short += [shape.name] if ratio < shape.least else []
        asked = f"  asked {shape.least}" if shape.least else ""
        print(f"{shape.name:24}{ours}   {theirs}{ratio:8.2f}{cheaper:6.2f}{asked}", flush=True)
    if short:
        sys.exit(f"short of what was asked: {', '.join(short)}")


if __name__ == "__main__":
    main()
