"""Power loss: every crash state that the real SMTP process could leave is made and judged: `python
tests/crash/power_loss.py --states 500`.

The process takes mail under strace, is killed once in the middle and started again. From its system calls a model of
the disk is kept: what was synced is there after a power cut; of what was not, any part of the writes (in pieces of
4 kB, holes read as zeros) and any first part of a folder's changes may be there. States are drawn at random
moments, the last one after everything; each is written out, brought into order as a start does, and everything that
had been acknowledged by then must be in it.
"""

import argparse
import contextlib
import random
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from intake.errors import Damaged
from intake.outcomes import ALIAS
from intake.submission import Submission
from intake.vault import keys, series
from intake.vault.reader import Reader
from intake.vault.verify import verify
from tests import promise
from tests.crash.traced import RECORD, Call, Door, calls, make_home, strings
from tests.doors import place_of

PIECE = 4096
KEPT = re.compile(rb"250 2\.6\.0 ([0-9a-z]{26})-[0-9a-z]{8} kept")


class File:
    """Bytes that are on the disk, and writes that may not be yet."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.pending: list[tuple[int, bytes]] = []
        self.size = 0

    def write(self, offset: int, data: bytes) -> None:
        self.pending += [(offset + at, data[at : at + PIECE]) for at in range(0, len(data), PIECE)]
        self.size = max(self.size, offset + len(data))

    def cut(self, size: int) -> None:
        """A file truncated and grown again is as if written anew: simple, and no milder than a disk."""
        whole = self.after(self.pending)[:size].ljust(size, b"\0")
        self.durable, self.pending, self.size = bytearray(whole), [], size

    def sync(self) -> None:
        self.durable, self.pending = bytearray(self.after(self.pending)), []

    def after(self, writes: list[tuple[int, bytes]]) -> bytes:
        out = bytearray(self.durable)
        for offset, data in writes:
            out.extend(bytes(max(0, offset + len(data) - len(out))))
            out[offset : offset + len(data)] = data
        return bytes(out)


class Folder:
    """Names that are on the disk, and changes (name, what it is now or None) that may not be yet."""

    def __init__(self) -> None:
        self.durable: dict[str, File | Folder] = {}
        self.pending: list[dict[str, File | Folder | None]] = []

    def now(self, changes: int | None = None) -> dict[str, "File | Folder"]:
        """The names after the first so many pending changes, after all of them by default."""
        names: dict[str, File | Folder | None] = dict(self.durable)
        for each in self.pending[:changes]:
            names.update(each)
        return {name: what for name, what in names.items() if what is not None}

    def sync(self) -> None:
        self.durable, self.pending = self.now(), []


class Disk:
    """The model of what is below `root`; `feed` takes one system call."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self.top = Folder()
        self._positions: dict[int, int] = {}

    def feed(self, call: Call) -> None:
        if call.name in ("rename", "renameat", "renameat2"):
            return self._rename(*strings(call)[:2])
        if not call.path.startswith(self._root + "/") and call.path != self._root:
            return None
        act: Callable[[Call], None] = getattr(self, "_" + call.name)  # an AttributeError names what is not modelled
        return act(call)

    def _names(self, path: str) -> tuple[Folder, str]:
        parts = path[len(self._root) :].strip("/").split("/")
        folder: File | Folder = self.top
        for part in parts[:-1]:
            assert isinstance(folder, Folder)
            folder = folder.now()[part]
        assert isinstance(folder, Folder)
        return folder, parts[-1]

    def _at(self, path: str) -> "File | Folder":
        if path == self._root:
            return self.top
        folder, name = self._names(path)
        return folder.now()[name]

    def _openat(self, call: Call) -> None:
        path = strings(call)[-1] if strings(call) else call.path
        if not path.startswith(self._root + "/"):
            return
        folder, name = self._names(path)
        if "O_CREAT" in call.text and name not in folder.now():
            folder.pending.append({name: File()})
        if "O_TRUNC" in call.text:
            file = folder.now()[name]
            assert isinstance(file, File)
            file.cut(0)

    def _mkdir(self, call: Call) -> None:
        if call.path != self._root:
            folder, name = self._names(call.path)
            folder.pending.append({name: Folder()})

    def _write(self, call: Call) -> None:
        file = self._at(call.path)
        assert isinstance(file, File)
        data = call.data[: call.result]
        file.write(file.size, data)

    def _pwrite64(self, call: Call) -> None:
        file = self._at(call.path)
        assert isinstance(file, File)
        file.write(int(call.text.rpartition(", ")[2]), call.data[: call.result])

    def _fdatasync(self, call: Call) -> None:
        self._at(call.path).sync()

    _fsync = _fdatasync

    def _ftruncate(self, call: Call) -> None:
        file = self._at(call.path)
        assert isinstance(file, File)
        file.cut(int(call.text.rpartition(", ")[2]))

    def _unlink(self, call: Call) -> None:
        folder, name = self._names(call.path)
        folder.pending.append({name: None})

    def _rename(self, old: str, new: str) -> None:
        if not old.startswith(self._root + "/"):
            return
        (before, name), (after, fresh) = self._names(old), self._names(new)
        what = before.now()[name]
        if before is after:
            before.pending.append({name: None, fresh: what})
        else:
            before.pending.append({name: None})
            after.pending.append({fresh: what})

    def crash(self, rng: random.Random, place: Path) -> None:
        """Write out one state that a power cut now may leave."""
        _write_out(self.top, rng, place)


def _write_out(folder: Folder, rng: random.Random, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name, what in folder.now(rng.choice((0, len(folder.pending), rng.randint(0, len(folder.pending))))).items():
        if isinstance(what, Folder):
            _write_out(what, rng, place / name)
        else:
            (place / name).write_bytes(what.after(_survivors(what.pending, rng)))


def _survivors(pending: list[tuple[int, bytes]], rng: random.Random) -> list[tuple[int, bytes]]:
    """Nothing, all, a first part, or any part of the writes that were not synced."""
    how = rng.randrange(4)
    if how == 0:
        return []
    if how == 1:
        return pending
    return pending[: rng.randint(0, len(pending))] if how == 2 else [each for each in pending if rng.random() < 0.5]


def record(folder: Path, seed: int) -> tuple[list[Call], dict[str, str]]:
    """Let the door take mail, die and take more: (its calls, SHA-256 of every message by its submission's id)."""
    digests: dict[str, str] = {}

    def client(door: Door, number: int, turns: int) -> None:
        rng = random.Random(seed * 1000 + number)
        for turn in range(turns):
            size = rng.choice((200, 2_000, 20_000, 300_000))
            data = b"Subject: %d\r\n\r\n" % turn + bytes(rng.choices(b"abcdefgh \n", k=size)).replace(b"\n", b"\r\n")
            code, said = door.send(data + b"\r\n")
            if code == 250:
                digests[said.split()[1].split("-")[0]] = sha256(data + b"\r\n").hexdigest()

    for run, ending in enumerate((signal.SIGKILL, signal.SIGTERM)):
        (folder / f"run{run}").mkdir()
        door = Door(folder / "home", *RECORD, "-o", str(folder / f"run{run}" / "log"))
        clients = [threading.Thread(target=client, args=(door, 10 * run + number, 6)) for number in range(4)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        door.end(ending)
    return calls(folder / "run0") + calls(folder / "run1"), digests


def judge(vault: Path, reader: Reader, promised: set[str], digests: dict[str, str]) -> dict[str, int]:
    """What a start finds in that state: acknowledged messages lost or altered, and damage that `verify` names."""
    list(series.recover_all(vault))
    parts, closed = {}, {}
    for name in series.all_series(vault):
        with contextlib.suppress(Damaged):  # what is behind it counts as lost, and `verify` names it
            for place, header, stored in reader.follow(name, 0, 0):
                opened = reader.open(header, stored)
                if header.kind == "part" and opened is not None:
                    parts[place] = opened.plain
                elif header.kind == Submission.kind and opened is not None:
                    found = Submission.read(opened.plain)
                    closed |= dict.fromkeys(names(found), found)
    lost = promised - set(closed)
    bytes_of = {
        name: b"".join(parts.get(place_of(part), b"") for part in closed[name].parts) for name in promised - lost
    }
    altered = [name for name, data in bytes_of.items() if sha256(data).hexdigest() != digests[name]]
    return {"lost": len(lost), "altered": len(altered), "problems": len(verify(reader).problems)}


def _moments(log: Sequence[Call], states: int, rng: random.Random) -> list[int]:
    """So many numbers of calls after which the power fails: the last one; of the rest half anywhere, a quarter right
    before something is synced, a quarter right after something was acknowledged.
    """
    syncs = [number for number, call in enumerate(log) if call.name in ("fsync", "fdatasync")]
    answers = [
        number + 1 for number, call in enumerate(log) if KEPT.search(call.data) and not call.path.startswith("/")
    ]
    anywhere = range(1, len(log) + 1)
    return [rng.choice((anywhere, anywhere, syncs or anywhere, answers)[n % 4]) for n in range(states - 1)] + [len(log)]


def names(submission: Submission) -> list[str]:
    """The ids that its sender may know it by: its own, or that of an idempotency key."""
    return [submission.id, *(each[len(ALIAS) :] for each in submission.envelope.options if each.startswith(ALIAS))]


def campaign(folder: Path, states: int, seed: int = 1, without: str = "") -> dict[str, int]:
    """Record once, judge so many states; the figures. Calls named `without` are left out, as a liar's would be."""
    house = make_home(folder)
    log, digests = record(folder, seed)
    log = [call for call in log if call.name != without]
    rng = random.Random(seed)
    moments = sorted(_moments(log, states, rng))
    figures = {"calls": len(log), "sent": len(digests), "states": 0, "acknowledged": 0}
    figures |= {"lost": 0, "altered": 0, "problems": 0}
    disk, promised, done = Disk(house.vault), set[str](), 0
    for number, moment in enumerate(moments):
        for call in log[done:moment]:
            disk.feed(call)
            promised |= {each.decode() for each in KEPT.findall(call.data) if not call.path.startswith("/")}
        done = moment
        place = folder / f"state{number}"
        disk.crash(rng, place)
        for name, count in judge(place, Reader(place, keys.private(house.keys)), promised, digests).items():
            figures[name] += count
        figures["states"] += 1
        figures["acknowledged"] = len(promised)
        _remove(place)
    return figures


SENT = 48
"""Messages that `record` hands in; every one of them is acknowledged."""
RULE = promise.Rule("P3", zero=("lost", "altered", "problems"), least={"acknowledged": SENT})
PROMISED = 500
"""States of the long form."""


def _remove(place: Path) -> None:
    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    place.rmdir()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--states", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = campaign(Path(folder), chosen.states, chosen.seed)
    sys.exit(not RULE.ended(figures, "long" if chosen.states >= PROMISED else "short"))


if __name__ == "__main__":
    main()
