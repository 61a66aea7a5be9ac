"""The real processes of the doors, also under strace: started, spoken to, and what it did to the disk, in order.

`Door(home, "-e", "inject=...")` starts it with any arguments of strace; `calls(folder)` reads back a log made with
`RECORD`, one `Call` for every system call that touched a file of the vault or sent something to a client.
"""

import contextlib
import os
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from deploy.wiring import House, open_house
from tests.doors import find

ROOT = Path(__file__).parents[2]
SETTINGS = """domain = "lapwing.example"
segment = {segment}
reserve = 1000000
[smtp]
port = 0
per_minute = 0
[upload]
port = 0
"""
RECORDED = (
    "openat,write,writev,pwrite64,pwritev,fdatasync,fsync,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,"
    "ftruncate,fallocate,copy_file_range,sendfile,link,linkat,symlink,sendto,sendmsg"
)


def make_home(folder: Path, segment: int = 300_000) -> House:
    """A home with keys and nothing in it."""
    home = folder / "home"
    home.mkdir()
    (home / "lapwing.toml").write_text(SETTINGS.format(segment=segment))
    return open_house(home, "judge", {})


class Door:
    """A running door, `smtpd` unless another is named; `strace` are its arguments, none means untraced."""

    def __init__(self, home: Path, *strace: str, module: str = "deploy.smtpd") -> None:
        place = home / "run" / f"{module[7:-1]}.port"
        place.unlink(missing_ok=True)
        program = [sys.executable, "-m", module, str(home)]
        tracer = [find("strace", "strace"), "-f", *strace] if strace else []
        self._process = subprocess.Popen(
            [*tracer, *program], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LAPWING_DNS_MODE": "off"},
        )  # fmt: skip
        self._traced = bool(strace)
        self.port = 0
        for _ in range(600):
            if self._process.poll() is not None:
                break
            if place.exists() and place.read_text().endswith("\n"):
                self.port = int(place.read_text())
                break
            time.sleep(0.05)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, data: bytes) -> tuple[int, str]:
        """The reply to one message, (0, '') when there was none."""
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
                client.ehlo("client.example")
                for code, said in (client.mail("a@isp.example"), client.rcpt("report@lapwing.example")):
                    if code != 250:
                        return code, said.decode()
                code, said = client.data(data)
                return code, said.decode()
        except smtplib.SMTPResponseException as error:
            return error.smtp_code, str(error.smtp_error)
        except (OSError, smtplib.SMTPException):
            return 0, ""

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """(status, standard error) of the process after that signal; one that ended already is only asked.

        A stopped main thread isn't given a signal, so a traced process is told until it hears.
        """
        for _ in range(120):
            for pid in self._pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, said = self._process.communicate(timeout=0.5)
                return self._process.returncode, said
        raise TimeoutError("the door doesn't end")

    def _pids(self) -> list[int]:
        """The door itself, not its tracer."""
        if not self._traced:
            return [self._process.pid]
        try:
            pid = self._process.pid
            return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []


class Call(NamedTuple):
    """One system call that did not fail: its name, the path it was about, its arguments' text and its bytes."""

    at: float
    name: str
    path: str
    text: str
    data: bytes
    result: int


RECORD = ("-ff", "-ttt", "-xx", "-s", "4000000", "-y", "-e", f"trace={RECORDED}")
_LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)\) += (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HANDLE = re.compile(r"^\d+<([^>]*)>")


def calls(folder: Path) -> list[Call]:
    """The calls that strace wrote into `folder` with `RECORD` and `-o FOLDER/log`, in the order of their time."""
    found = [call for path in folder.glob("log.*") for call in _read(path)]
    return sorted(found, key=lambda call: call.at)


def _read(path: Path) -> Iterator[Call]:
    for line in path.read_text().splitlines():
        match = _LINE.match(line)
        if match is None or match[4].startswith("-"):
            continue
        text, strings = match[3], [_bytes(each) for each in _STRING.findall(match[3])]
        handle = _HANDLE.match(text)
        place = _bytes(handle[1]).decode() if handle else strings[0].decode() if strings else ""
        yield Call(float(match[1]), match[2], place, text, b"".join(strings), int(match[4]))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def strings(call: Call) -> list[str]:
    """The paths among a call's arguments."""
    return [_bytes(each).decode() for each in _STRING.findall(call.text)]
