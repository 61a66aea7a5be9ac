"""Soundness: whether a home and its machine are such that what Lapwing promises can be true; one check each.

A check looks at what is really there (a file system, a pragma, a child's limits), not at what a setting says. What it
finds is `wrong` where a promise is false, so that `serve` does not start; `doubtful` where somebody should look, which
`serve` says in red; `unknown` where this machine can't tell, which is never taken for right.
"""

import ctypes
import os
import stat
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NamedTuple

from deploy.checkpoints import age
from deploy.wiring import House
from intake.errors import Refused
from intake.parsing import NoParser, NotExamined
from intake.smtp_settings import Limits
from intake.unpack import JOB, About

State = Literal["right", "doubtful", "wrong", "unknown"]
FORGETS = frozenset({"tmpfs", "ramfs", "devtmpfs"})
"""File systems that a power cut empties."""
UNSURE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuse.sshfs", "vboxsf"})
"""File systems whose sync depends on somebody else."""
STALE = 36 * 3600.0
"""Seconds after which the newest checkpoint is too old: there should be one a day."""
SLOW = 1.0
"""Seconds that a sync of 4 kB may take before somebody should look at the disk."""
LEAST = Limits().size * 3 // 2
"""Bytes of `reserve` below which a message of the largest size can fill the disk."""
_UNSYNCHRONISED = 5  # adjtimex(2): TIME_ERROR


class Seen(NamedTuple):
    """What a check found, in a sentence."""

    state: State
    says: str


class Check(NamedTuple):
    """A part of the system that a promise stands on, and who looks at it."""

    name: str
    look: Callable[[House], Seen]


def checks(house: House) -> Iterator[tuple[str, Seen]]:
    """Every check by name, with what it found; one that fails itself is unknown."""
    for check in CHECKS:
        try:
            yield check.name, check.look(house)
        except OSError as error:
            yield check.name, Seen("unknown", f"this can't be looked at: {error.strerror}")


def file_system(path: Path) -> str:
    """The type of the file system that holds this path (proc_pid_mountinfo(5)), '' where nothing says it."""
    best, found = "", ""
    real = str(path.resolve())
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        place = before.split()[4].encode().decode("unicode_escape")
        inside = real == place or real.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, found = place, after.split()[0]
    return found


def _disk(house: House) -> Seen:
    kind = file_system(house.home)
    if kind in FORGETS | UNSURE:
        why = "forgets everything at a power cut" if kind in FORGETS else "syncs only as far as another machine does"
        if not house.settings.volatile:
            return Seen("wrong", f"{house.home} is on {kind}, which {why}; move it, or set `volatile`")
        return Seen("doubtful", f"{house.home} is on {kind}, which {why}; `volatile` allows it")
    return Seen("right", f"on {kind}") if kind else Seen("unknown", "nothing says what file system it is on")


def _sync(house: House) -> Seen:
    path = house.home / ".sync"
    began = time.monotonic()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, bytes(4096))
        os.fdatasync(handle)
    finally:
        os.close(handle)
        path.unlink()
    took = time.monotonic() - began
    return Seen("right" if took < SLOW else "doubtful", f"4 kB are durable after {took * 1000:.1f} ms")


def _room(house: House) -> Seen:
    reserve = house.settings.reserve
    if reserve < LEAST:
        return Seen("doubtful", f"`reserve` is {reserve} bytes; below {LEAST} a large message can fill the disk")
    free = os.statvfs(house.home)
    left = free.f_bavail * free.f_frsize
    if left < reserve:
        return Seen("doubtful", f"{left} bytes are free, less than `reserve`: the doors answer 'no room'")
    return Seen("right", f"{left // 1_000_000:,} MB are free")


def _keys(house: House) -> Seen:
    readable = stat.S_IRWXG | stat.S_IRWXO
    open_ = [path.name for path in sorted(house.keys.iterdir()) if path.stat().st_mode & readable]
    if open_ and house.keys.stat().st_mode & readable:
        return Seen("wrong", f"others on this machine may read {', '.join(open_)}: chmod -R go= {house.keys}")
    return Seen("right", "only their owner may read them")


def _store(house: House) -> Seen:
    for pragma, wanted in (
        ("journal_mode", "wal"),
        ("synchronous", 1),
        ("secure_delete", 1),
        ("foreign_keys", 1),
        ("busy_timeout", 10_000),
    ):
        ((found,),) = house.database.run(f"pragma {pragma}")
        if found != wanted:
            return Seen("wrong", f"SQLite has {pragma} {found} and not {wanted}")
    if problem := house.database.damage():
        return Seen("wrong", f"the store is damaged ({problem}); run: lapwing rebuild")
    return Seen("right", "SQLite with a write-ahead log; quick_check finds nothing")


def _child(house: House) -> Seen:
    try:
        house.parser.run(JOB, b"Subject: a\r\n\r\n", About(filename="", cover=False), object)
    except (NoParser, NotExamined):
        return Seen("wrong", "no parsing child starts, so no report can be opened")
    return _closed_in(house.parser.pid)


def _closed_in(pid: int) -> Seen:
    """How far that child is closed in, read from proc(5) after its first job."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    limits = {line[:26].strip(): line[26:].split()[0] for line in Path(f"/proc/{pid}/limits").read_text().splitlines()}
    for name, most, what in _CHILD:
        if limits[name] == "unlimited" or int(limits[name]) > most:
            return Seen("wrong", f"a parsing child has no limit on its {what}")
    if os.geteuid() == 0 and status["Uid"].split()[1] == "0":
        return Seen("wrong", "a parsing child runs as root")
    if status["Seccomp"].strip() != "2":
        return Seen("doubtful", "the kernel grants parsing children no seccomp filter; limits alone hold them")
    return Seen("right", "no files, no sockets, no programs; limits on memory and time")


_CHILD = (
    ("Max open files", 64, "open files"),
    ("Max file size", 0, "files"),
    ("Max cpu time", 120, "processor time"),
    ("Max data size", 1 << 30, "memory"),
)
"""Limits of a child after a small job, as proc(5) calls them, and the most that each may be."""


def _doors(house: House) -> Seen:
    smtp = house.settings.smtp
    unlimited = [name for name in ("per_source", "per_minute", "total") if not getattr(smtp, name)]
    if unlimited:
        return Seen("doubtful", f"`smtp.{unlimited[0]}` is 0, so one client can have it all")
    if _public(smtp.host) and not smtp.certificate:
        return Seen("doubtful", "SMTP is open to the world without `smtp.certificate`: nobody can encrypt")
    if _public(smtp.host) and not smtp.domains:
        return Seen(
            "doubtful", "SMTP is open to the world and takes mail for every domain; name yours in `smtp.domains`"
        )
    if _public(house.settings.upload.host):
        return Seen("doubtful", "the upload page is open to the world without TLS; put a web server before it")
    return Seen("right", f"at most {smtp.per_source} connections and {smtp.per_minute} messages a minute of one source")


def _public(host: str) -> bool:
    """Whether others than this machine reach a listener on that host."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _resolver(house: House) -> Seen:
    dns = house.settings.dns
    if dns.mode != "live":
        return Seen("right", f"`dns.mode` is {dns.mode}: nobody is asked")
    servers = list(dns.nameservers) or _system_nameservers()
    foreign = [each for each in servers if _public(_address(each))]
    if foreign or not servers:
        learns = f"{foreign[0]} learns every name that is asked" if foreign else "no nameserver is named"
        return Seen("doubtful", f"{learns}; run a resolver of your own on this machine")
    return Seen("right", f"asks {', '.join(servers)}")


def _system_nameservers() -> list[str]:
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("nameserver ")]


def _address(nameserver: str) -> str:
    """The address in 'address', 'address:port', '[v6]:port'."""
    if nameserver.startswith("["):
        return nameserver[1:].partition("]")[0]
    return nameserver.partition(":")[0] if nameserver.count(":") == 1 else nameserver


def _checkpoint(house: House) -> Seen:
    old = age(house)
    if old > STALE:
        return Seen("doubtful", f"the newest checkpoint is {old / 3600:.0f} hours old; the sweeper signs one a day")
    return Seen("right", f"the newest checkpoint is {old / 3600:.0f} hours old")


def _clock(house: House) -> Seen:
    state = _adjtimex()
    if state < 0:
        return Seen("unknown", "the kernel doesn't say whether the clock is kept")
    if state == _UNSYNCHRONISED:
        return Seen("doubtful", "nothing keeps the clock right (NTP); times of receipt are evidence")
    return Seen("right", "kept right by NTP or the like")


def _adjtimex() -> int:
    """The state of the kernel's clock, changing nothing; -1 where it can't be had."""
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))


CHECKS = (
    Check("disk", _disk),
    Check("sync", _sync),
    Check("room", _room),
    Check("keys", _keys),
    Check("store", _store),
    Check("parsing", _child),
    Check("doors", _doors),
    Check("resolver", _resolver),
    Check("checkpoint", _checkpoint),
    Check("clock", _clock),
)


def admit(house: House, warn: Callable[[str], None]) -> None:
    """Before `serve`: `Refused('unsound')` when something is wrong; what is doubtful goes to `warn`."""
    for name, seen in checks(house):
        if seen.state == "wrong":
            raise Refused("unsound", f"{name}: {seen.says}")
        if seen.state == "doubtful":
            warn(f"{name}: {seen.says}")
