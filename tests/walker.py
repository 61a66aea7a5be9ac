"""The real command and the real processes, for tests that walk the whole line.

    ran = lapwing(home, "report", "a.eml", "--json")      ran.status, ran.lines (one dict a line), ran.err
    with serving(home) as house: ...                      `lapwing serve` as a process; house.smtp, house.upload

Settings of the environment of whoever runs the tests are left out.
"""

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).with_name("lapwing"))
SAMPLES = Path(__file__).parent.parent / "deploy" / "samples"
MANIFEST: dict[str, Any] = json.loads((SAMPLES / "manifest.json").read_text("utf-8"))
OFFLINE = {"LAPWING_DNS_MODE": "off", "LAPWING_VOLATILE": "true"}
"""What every command and process here is told unless a test says otherwise: nobody is asked about anything, and tests
may run in memory.
"""
RECORDED = {"LAPWING_DNS_MODE": "recorded"}
"""For a home that has a recording, as that of the demonstration."""
PATIENCE = 120.0

_APART = """
import ctypes, fcntl, os, socket, struct, sys
if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) == 0:  # CLONE_NEWNET: a network of its own, with nothing in it
    with socket.socket() as asked:
        fcntl.ioctl(asked, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: loopback is up and running
    open(sys.argv[1], "w").write("apart")
os.execv(sys.argv[2], sys.argv[2:])
"""
_OVER = "<<over>>"
_SEVERAL = f"""
import json, sys
from deploy.cli import main
print()
for sys.argv in json.loads(sys.argv[1]):
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    print("{_OVER}" + str(code), flush=True)
    print("{_OVER}", end="", file=sys.stderr, flush=True)
"""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output, which must be one JSON object a line and nothing else."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(each, dict) for each in found), self.out
        assert self.out == "" or self.out.endswith("\n")
        return found

    @property
    def line(self) -> dict[str, Any]:
        """The only line."""
        (line,) = self.lines
        return line


def environment(**more: str) -> dict[str, str]:
    """The environment without settings of Lapwing, and with these; the DNS is off unless they say otherwise."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LAPWING_")}
    return clean | OFFLINE | more


def lapwing(home: Path, *words: str | Path, seconds: float = 300.0, **more: str) -> Ran:
    """Run the command on that home; `more` goes into its environment."""
    return run([COMMAND, "--home", str(home), *map(str, words)], seconds, more)


def several(home: Path, commands: Iterable[Sequence[str | Path]], person: str = "", **more: str) -> list[Ran]:
    """Run these commands on that home one after the other, in one process to save the time that starting one takes."""
    first = ["lapwing", "--home", str(home), *(["--as", person] if person else [])]
    asked = [[*first, *map(str, words)] for words in commands]
    ran = run([sys.executable, "-c", _SEVERAL, json.dumps(asked)], 300.0, more)
    pieces = zip(ran.out.split(_OVER)[1:], ran.out.split(_OVER)[:-1], ran.err.split(_OVER)[:-1], strict=True)
    found = [Ran(int(after.partition("\n")[0]), before.partition("\n")[2], err) for after, before, err in pieces]
    assert len(found) == len(asked), ran.err
    return found


def explained(home: Path, reports: Iterable[str], person: str = "") -> dict[str, dict[str, Any]]:
    """What `explain --json` says of each."""
    ran = several(home, [("explain", report, "--json") for report in reports], person)
    return {each.line["report"]: each.line for each in ran}


def run(command: list[str], seconds: float, more: dict[str, str]) -> Ran:
    """Run any command to its end."""
    done = subprocess.run(
        command, capture_output=True, timeout=seconds, env=environment(**more), stdin=subprocess.DEVNULL, check=False
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def apart(mark: Path, *command: str) -> list[str]:
    """The command in a network of its own, with nothing but loopback in it; `mark` is made where the kernel grants
    that, and without that the command runs as it is.
    """
    return [sys.executable, "-I", "-c", _APART, str(mark), *command]


@dataclass(frozen=True)
class Served:
    """A running system: the process of `serve`, and the ports of its doors."""

    process: "subprocess.Popen[bytes]"
    home: Path
    smtp: int
    upload: int

    def mail(self, data: bytes, sender: str = "someone@isp.example", to: str = "report@lapwing.example") -> str:
        """Send it as a mail server does; the reply to the data."""
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=30) as client:
            client.ehlo("client.example")
            client.mail(sender)
            client.rcpt(to)
            code, said = client.data(data)
        assert code == 250, said
        return said.decode()

    def send(self, data: bytes, filename: str = "mail.eml") -> dict[str, Any]:
        """Upload it as a form does; the answer, a reference in it."""
        head = f'--x7\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=x7", "Accept": "application/json"}
        body = head.encode() + data + b"\r\n--x7--\r\n"
        asked = urllib.request.Request(f"http://127.0.0.1:{self.upload}/reports", body, headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert answer.status == 202
            return dict(json.loads(answer.read()))

    @property
    def pids(self) -> dict[str, int]:
        """Process numbers by the name of the process's module: sweeper, worker, smtpd, uploadd, parserd."""
        return tree(self.process.pid)


def tree(top: int) -> dict[str, int]:
    """The processes of the house below `top`, by the name of their module."""
    found: dict[str, int] = {}
    for pid in _children(top):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        name = next((word.partition("deploy.")[2] for word in words if word.startswith("deploy.")), "")
        found[name or ("parserd" if any("parserd" in word for word in words) else str(pid))] = pid
        found |= tree(pid)
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


@contextmanager
def serving(home: Path, **more: str) -> Iterator[Served]:
    """`lapwing serve` on free ports until the block ends; then SIGTERM, and it must end in order."""
    ports = {"LAPWING_SMTP_PORT": "0", "LAPWING_UPLOAD_PORT": "0", "LAPWING_SMTP_PER_MINUTE": "0"}
    with (home.parent / f"{home.name}.serve").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND, "--home", str(home), "serve"], env=environment(**(ports | more)), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        smtp, upload = (_port(home, name, process) for name in ("smtp", "upload"))
        yield Served(process, home, smtp, upload)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)
    assert status == 0


def _port(home: Path, name: str, process: "subprocess.Popen[bytes]") -> int:
    path = home / "run" / f"{name}.port"
    until(lambda: process.poll() is not None or (path.exists() and path.read_text().endswith("\n")))
    assert process.poll() is None, (home.parent / f"{home.name}.serve").read_text()
    return int(path.read_text())


def until(true: Any, seconds: float = PATIENCE) -> Any:
    """Wait until `true()` is; what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain"
        time.sleep(0.05)
    return found


def mail(
    subject: str = "Your parcel",
    text: str = "Your parcel is held. Pay the customs fee now, click here: http://parcel-fee.test/pay",
    tag: str = "1",
) -> bytes:
    """A small spam of today; `tag` makes it another one."""
    return (
        f"Received: from a.example (a.example [198.51.100.7]) by mx.isp.example with ESMTP id {tag};\r\n"
        "\tMon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"From: Parcel Desk <desk@parcel-fee.test>\r\nTo: you@isp.example\r\nSubject: {subject}\r\n"
        f"Date: Mon, 23 Nov 2026 09:59:00 +0000\r\nMessage-ID: <{tag}@parcel-fee.test>\r\n\r\n{text} {tag}\r\n"
    ).encode()
