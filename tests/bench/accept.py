"""Benchmark: durable SMTP accepts per second of our door against Postfix, same machine, same minute, runs in turn.

    python tests/bench/accept.py [--messages 1500] [--runs 3] [--folder DIR]

Both sync before the 250. Ours: the real vault, compressed and sealed, all guards on but the counts that would stop
20 sessions of one address. Postfix: `main.cf` below with nothing slowing it, everything goes on HOLD, nothing is
delivered. The client of both is Postfix's smtp-source with 20 sessions. Needs root (Postfix does) and a folder on a
real disk. Prints the medians and their ratio, the lowest and highest run behind, and the server's CPU microseconds
for one message, which other work on the machine disturbs least.
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

from nacl.public import PrivateKey

from intake import smtp
from intake.accept import Acceptor
from intake.smtp_settings import Limits, Settings
from intake.vault.writer import Writer

SHAPES = [
    ("2 kB, connections kept", ["-d", "-l", "2048"]),
    ("20 kB, connections kept", ["-d", "-l", "20480"]),
    ("2 kB, one connection each", ["-l", "2048"]),
    ("20 kB, one connection each", ["-l", "20480"]),
]
MAIN_CF = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.org
mydestination = example.org
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
in_flow_delay = 0
alias_maps =
"""
MASTER_CF = """127.0.0.1:{port} inet n - n - 100 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
"""


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


def cpu(root: int) -> float:
    """Seconds of CPU that a process, its living descendants and those that they have waited for have used."""
    ticks: dict[int, tuple[int, int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks[int(path.parent.name)] = (int(fields[1]), sum(int(each) for each in fields[11:15]))
    family, found = {root}, True
    while found:
        found = {each for each, (parent, _) in ticks.items() if parent in family} - family
        family |= found
    return sum(ticks[each][1] for each in family if each in ticks) / os.sysconf("SC_CLK_TCK")


@contextmanager
def postfix(folder: Path) -> Iterator[tuple[int, int]]:
    """A Postfix of its own, configuration and queue in `folder`; its port and process."""
    if os.geteuid() != 0:
        sys.exit("run this as root: Postfix must be started by root")
    port, program = free_port(), find("postfix")
    folder.chmod(0o755)
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir()
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
    (folder / "etc" / "main.cf").write_text(MAIN_CF.format(folder=folder))
    (folder / "etc" / "master.cf").write_text(MASTER_CF.format(port=port))
    command = [program, "-c", str(folder / "etc")]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        wait_for_greeting(port)
        yield port, int((folder / "queue" / "pid" / "master.pid").read_text())
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


@contextmanager
def our_door(folder: Path) -> Iterator[tuple[int, int]]:
    """Our door in a process of its own, vault in `folder`; its port and process."""
    port = free_port()
    child = subprocess.Popen([sys.executable, __file__, "--door", str(port), "--folder", str(folder)])
    try:
        wait_for_greeting(port)
        yield port, child.pid
    finally:
        child.terminate()
        child.wait(timeout=10)


def serve(port: int, folder: Path) -> None:
    """What the child of `our_door` does until it is terminated."""
    writer = Writer(folder / "vault", "smtp", PrivateKey.generate().public_key)
    acceptor = Acceptor(
        writer,
        clock=lambda: datetime.now(UTC),
        random=os.urandom,
        free=lambda: shutil.disk_usage(folder).free,
        secret=os.urandom(32),
    )
    running = smtp.serve(Settings(port=port, limits=Limits(per_source=0, per_minute=0)), acceptor)
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


def send(port: int, messages: int, options: list[str]) -> float:
    """Seconds until smtp-source has so many messages acknowledged on that port."""
    envelope = ["-f", "a@example.com", "-t", "r@example.org"]
    command = [find("smtp-source"), "-s", "20", "-m", str(messages), *envelope, *options, f"127.0.0.1:{port}"]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if done.stderr:
        sys.exit(done.stderr)
    return time.perf_counter() - began


def measure(messages: int, runs: int, folder: Path) -> Iterator[tuple[str, Taken, Taken]]:
    """(shape, ours, Postfix's) for every shape, the two in turn."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as ours,
        tempfile.TemporaryDirectory(dir=folder) as theirs,
        our_door(Path(ours)) as our_server,
        postfix(Path(theirs)) as their_server,
    ):
        for name, options in SHAPES:
            taken = (Taken(), Taken())
            for port, _ in (our_server, their_server):
                send(port, 100, options)
            for _ in range(runs):
                for (port, process), found in zip((our_server, their_server), taken, strict=True):
                    before = cpu(process)
                    found.rates.append(messages / send(port, messages, options))
                    found.costs.append((cpu(process) - before) / messages)
            yield name, *taken
        held = sum(1 for path in (Path(theirs) / "queue" / "hold").rglob("*") if path.is_file())
        if held != len(SHAPES) * (100 + runs * messages):
            sys.exit(f"Postfix holds {held} messages, not all that it was sent")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--messages", type=int, default=1500)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    options.add_argument("--door", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.door:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        serve(given.door, given.folder)
        return
    print(f"durable accepts per second, 20 sessions, {given.messages} messages, median of {given.runs}")
    print(f"{'':28}{'ours':>6} {'range':>11}{'CPU':>6}{'Postfix':>9} {'range':>11}{'CPU':>6}{'ratio':>8}{'CPU':>6}")
    for name, ours, theirs in measure(given.messages, given.runs, given.folder):
        cheaper = statistics.median(theirs.costs) / statistics.median(ours.costs)
        print(f"{name:28}{ours}   {theirs}{ours.rate / theirs.rate:8.2f}{cheaper:6.2f}", flush=True)


if __name__ == "__main__":
    main()
