"""Real name servers for tests: Unbound and rbldnsd on 127.0.0.1, started and ended by the test that needs them.

    with unbound(('www.example. A 192.0.2.1',)) as port: ...
    with rbldnsd({'bl.test': ('ip4set', ':127.0.0.2:listed\\n192.0.2.99\\n')}) as port: ...

Both run as an unprivileged user when the tests run as root, in a folder of their own that is removed at the end.
A program that is not installed fails the test in a sentence; it is never a skip.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

START_WITHIN = 10.0
"""Seconds that a server may take until it answers."""

_PING = bytes.fromhex("4c500100000100000000000007") + b"version\x04bind\x00" + bytes.fromhex("00100003")
"""The question 'version.bind TXT CH', which both servers answer at once, if only by a refusal."""


def find(program: str) -> str:
    """The path of an installed program; /usr/sbin counts too, which is not on every user's PATH."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        pytest.fail(f"{program} is not installed; on Debian: apt-get install {program}")
    return path


def free_port() -> int:
    """A port of 127.0.0.1 that is free for UDP and TCP now."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        port = int(tcp.getsockname()[1])
        udp.bind(("127.0.0.1", port))
    return port


@contextmanager
def silent() -> Iterator[int]:
    """A UDP port that takes everything and answers nothing."""
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield int(udp.getsockname()[1])


@contextmanager
def unbound(
    local_data: Sequence[str],
    zones: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    forward: Mapping[str, int] | None = None,
) -> Iterator[int]:
    """An Unbound that answers `local_data` (zone file lines) and gives its port.

    `zones` are `local-zone` values such as '"example.test." static' (NXDOMAIN for what is not in it). `files` are
    whole zones, name to zone file, resolved as on the real Internet (aliases are followed). `forward` sends a zone to
    another port of 127.0.0.1: a rbldnsd, say; one that refuses the zone makes SERVFAIL.
    All else is refused: nothing leaves the machine.
    """
    program, port = find("unbound"), free_port()
    with _folder("unbound") as folder:
        conf = folder / "unbound.conf"
        open_ = [f'"{zone}" transparent' for zone in (*(files or {}), *(forward or {}))]
        text = _unbound_conf(folder, port, local_data, ['"." refuse', *zones, *open_])
        for number, (zone, content) in enumerate((files or {}).items()):
            (folder / f"{number}.zone").write_text(content)
            text += f'auth-zone:\n  name: "{zone}"\n  zonefile: "{number}.zone"\n  for-downstream: no\n'
        for zone, to in (forward or {}).items():
            text += f'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{to}\n'
        conf.write_text(text)
        with _running([program, "-d", "-p", "-c", str(conf)], port, folder):
            yield port


def _unbound_conf(folder: Path, port: int, local_data: Sequence[str], zones: Sequence[str]) -> str:
    lines = [
        "server:",
        f"  interface: 127.0.0.1@{port}",
        f'  directory: "{folder}"',
        f'  username: "{_user("unbound")}"',
        '  chroot: ""',
        '  module-config: "iterator"',
        "  num-threads: 1",
        "  msg-cache-size: 1m",
        "  rrset-cache-size: 1m",
        "  do-not-query-localhost: no",
        "  use-syslog: no",
        '  logfile: "unbound.log"',
        "  verbosity: 1",
        "  root-hints: /dev/null",
    ]
    lines += [f"  local-zone: {each}" for each in zones]
    lines += [f"  local-data: '{each}'" for each in local_data]
    return "\n".join(lines) + "\nremote-control:\n  control-enable: no\n"


@contextmanager
def rbldnsd(zones: Mapping[str, tuple[str, str]]) -> Iterator[int]:
    """A rbldnsd that serves `zones`, name to (data set type, text of the data set), and gives its port."""
    program, port = find("rbldnsd"), free_port()
    with _folder("rbldns") as folder:
        specs = []
        for number, (zone, (kind, text)) in enumerate(zones.items()):
            (folder / f"{number}.txt").write_text(text)
            specs.append(f"{zone}:{kind}:{number}.txt")
        user = ["-u", _user("rbldns")] if os.geteuid() == 0 else []
        command = [program, "-n", *user, "-w", str(folder), "-b", f"127.0.0.1/{port}", *specs]
        with _running(command, port, folder):
            yield port


def _user(name: str) -> str:
    """The user a server drops to: its own, else nobody; '' where the tests have no rights to drop."""
    if os.geteuid() != 0:
        return ""
    try:
        return pwd.getpwnam(name).pw_name
    except KeyError:
        return "nobody"


@contextmanager
def _folder(user: str) -> Iterator[Path]:
    """A new folder that `user` can read and write; in the system's place, because a checkout may be root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="lapwing-dns-"))
    try:
        if os.geteuid() == 0:
            entry = pwd.getpwnam(_user(user))
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """The server while the block runs; fails with its own words when it does not answer in time."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:
        _wait(process, port, folder)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    """Return once the server answers a datagram."""
    deadline = time.monotonic() + START_WITHIN
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.1)
        while time.monotonic() < deadline and process.poll() is None:
            udp.sendto(_PING, ("127.0.0.1", port))
            try:
                udp.recv(512)
            except OSError:
                time.sleep(0.02)
                continue
            return
    words = "\n".join(
        each.read_text(errors="replace") for each in folder.glob("*") if each.name in ("output", "unbound.log")
    )
    pytest.fail(f"{process.args!r} does not answer on port {port}: {words[-2000:]}")
