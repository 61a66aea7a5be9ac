"""Real servers for tests: Unbound, rbldnsd, Postfix and nginx on 127.0.0.1, started and ended by the test that needs
them.

    with unbound(('www.example. A 192.0.2.1',)) as port: ...
    with rbldnsd({'bl.test': ('ip4set', ':127.0.0.2:listed\\n192.0.2.99\\n')}) as port: ...
    with postfix('relayhost = [127.0.0.1]:2525') as relay: ...
    with nginx('server { listen 127.0.0.1:8443; ... }', 8443): ...

The name servers run as an unprivileged user when the tests run as root, in a folder of their own that is removed at
the end. A program that is not installed fails the test in a sentence; it is never a skip.
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


class Postfix:
    """A running Postfix: its port, and the folder of its configuration, queue and log."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder

    @property
    def log(self) -> str:
        """What it has logged."""
        path = self.folder / "log" / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def waiting(self) -> int:
        """How many messages are in its queue."""
        names = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
        return sum(1 for name in names for path in (self.folder / "queue" / name).rglob("*") if path.is_file())


@contextmanager
def postfix(*settings: str) -> Iterator[Postfix]:
    """A Postfix of its own that takes mail for everybody from this machine, with these further lines of `main.cf`."""
    if os.geteuid() != 0:
        pytest.fail("Postfix can only be started by root")
    program, port = find("postfix"), free_port()
    folder = Path(tempfile.mkdtemp(prefix="lapwing-postfix-"))
    folder.chmod(0o755)
    for name in ("etc", "queue", "data", "log"):
        (folder / name).mkdir()
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
    (folder / "etc" / "main.cf").write_text(_MAIN_CF.format(folder=folder) + "\n".join(settings) + "\n")
    (folder / "etc" / "master.cf").write_text(_MASTER_CF.format(port=port))
    command = [program, "-c", str(folder / "etc")]
    try:
        subprocess.run([*command, "start"], check=True, capture_output=True, timeout=30)
        found = Postfix(port, folder)
        _await_greeting(found)
        yield found
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=30)
        shutil.rmtree(folder)


def _await_greeting(server: Postfix) -> None:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
                if client.recv(100).startswith(b"220 "):
                    return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"Postfix does not greet: {server.log[-2000:]}")


_MAIN_CF = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.example.net
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_host_lookup = native
smtp_dns_support_level = disabled
alias_maps =
"""
_MASTER_CF = """127.0.0.1:{port} inet n - n - 20 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def nginx(server: str, port: int) -> Iterator[None]:
    """An nginx with that `server` block, which listens on that port of 127.0.0.1."""
    program = find("nginx")
    folder = Path(tempfile.mkdtemp(prefix="lapwing-nginx-"))
    folder.chmod(0o755)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/output;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}\n{server}\n}}\n"
    )
    process = subprocess.Popen([program, "-p", str(folder), "-e", str(folder / "output"), "-c", "nginx.conf"])
    try:
        deadline = time.monotonic() + START_WITHIN
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"nginx does not answer: {(folder / 'output').read_text()[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


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
