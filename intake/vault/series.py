"""The series: one writer's row of segments, its lock, its role and the mark up to which it is synced.

The mark (`synced`: frame number 8, segment 4, offset 8, check 8) is written after the sync and before any answer,
so whatever was acknowledged lies below it unless the power failed; what lies above it is looked at when the series
is recovered.
"""

import fcntl
import hashlib
import logging
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from intake.errors import Damaged
from intake.vault import segment
from intake.vault.book import sync_folder

log = logging.getLogger("lapwing.vault")
_MARK = struct.Struct(">QIQ8s")


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to here the series is synced: number of the last frame, its segment, the offset after it."""

    number: int
    segment: int
    offset: int


def publish(handle: int, mark: Mark) -> None:
    """Write the mark through an open file; one write, so that a reader sees the old or the new one."""
    body = _MARK.pack(mark.number, mark.segment, mark.offset, b"")[:-8]
    os.pwrite(handle, body + hashlib.sha256(body).digest()[:8], 0)


def synced(vault: Path, series: str) -> Mark:
    """The mark of a series; zeros when it has none."""
    return _mark(_raw_mark(vault, series)) or Mark(0, 0, 0)


def mark_is_sound(vault: Path, series: str) -> bool:
    """Whether the mark is as it was written; a series that nothing was written to has none."""
    raw = _raw_mark(vault, series)
    return raw == b"" or _mark(raw) is not None


def _raw_mark(vault: Path, series: str) -> bytes:
    try:
        return (vault / series / "synced").read_bytes()
    except FileNotFoundError:
        return b""


def _mark(raw: bytes) -> Mark | None:
    if len(raw) != _MARK.size or hashlib.sha256(raw[:-8]).digest()[:8] != raw[-8:]:
        return None
    number, place, offset, _ = _MARK.unpack(raw)
    return Mark(number, place, offset)


def all_series(vault: Path) -> list[str]:
    """The names of all series (16 hexadecimal digits), sorted; a folder whose making was cut short is none."""
    return sorted(path.parent.name for path in vault.glob("*/role") if not path.parent.name.startswith("new-"))


def lock(vault: Path, series: str) -> int | None:
    """The open lock of a series, or None when its writer is alive."""
    handle = os.open(vault / series / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def claim(vault: Path, role: str) -> tuple[str, int]:
    """(series, lock) of a series of that role which nobody writes, or of a new one."""
    for name in all_series(vault):
        if (vault / name / "role").read_text().strip() == role:
            handle = lock(vault, name)
            if handle is not None:
                return name, handle
    name = os.urandom(8).hex()
    folder = vault / f"new-{name}"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "role").write_text(role + "\n")
    os.rename(folder, vault / name)
    sync_folder(vault)
    handle = lock(vault, name)
    if handle is None:
        raise OSError(f"series {name} was taken while it was made")
    return name, handle


def retire(vault: Path, series: str, why: str) -> None:
    """Nobody writes this series any more: what comes after a restore, or after damage, goes into new ones."""
    path = vault / series / "role"
    role = path.read_text().strip()
    if " until " not in role:
        path.write_text(f"{role} until {why}\n")


@dataclass(frozen=True, slots=True)
class Head:
    """Where a series stands: the number and header digest of its last frame, the number of its last segment."""

    number: int
    digest: bytes
    segment: int


def begin(vault: Path, role: str) -> "Begun":
    """Claim a series of that role and bring it into order; one that is damaged is left as it is, for another."""
    while True:
        name, handle = claim(vault, role)
        mark = os.open(vault / name / "synced", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return Begun(name, handle, mark, recover(vault, name, mark))
        except Damaged as error:
            _leave(vault, name, error)
            os.close(mark)
            os.close(handle)


def _leave(vault: Path, series: str, error: Damaged) -> None:
    log.critical("ALARM: evidence is damaged at %s: %s; run `lapwing verify`", error.digest, error.says)
    retire(vault, series, "it was damaged")


@dataclass(frozen=True, slots=True)
class Begun:
    """A series that is ours to write: its name, the open files of its lock and of its mark, where it stands."""

    name: str
    lock: int
    mark: int
    head: Head


def recover(vault: Path, series: str, mark_handle: int) -> Head:
    """Bring a series whose lock we hold into order; what is sound is synced anew, a torn tail is dropped.

    The valid frames of an unsealed last segment are copied into a new file, because after a failed sync the page
    cache lies; that file is sealed and takes the old one's place. `Damaged` when a frame below the mark isn't sound.
    """
    present = segment.numbers(vault, series)
    if not present:
        return Head(0, bytes(32), 0)
    last = present[-1]
    sealed = _trailer_of(vault, series, last)
    head = sealed or _reseal(vault, series, last, synced(vault, series))
    size = segment.path_of(vault, series, head.segment).stat().st_size if head.segment else 0
    publish(mark_handle, Mark(head.number, head.segment, size))
    return head


def _trailer_of(vault: Path, series: str, number: int) -> Head | None:
    """The head that a sealed segment states, or None when it isn't sealed."""
    with open(segment.path_of(vault, series, number), "rb") as file:
        begin = segment.read_head(file.read(segment.HEAD_SIZE), series, number)
        if begin is None or file.seek(0, os.SEEK_END) < segment.HEAD_SIZE + segment.TRAILER_SIZE:
            return None
        file.seek(-segment.TRAILER_SIZE, os.SEEK_END)
        stated = segment.read_trailer(file.read())
    return Head(begin[0] + stated[0] - 1, stated[1], number) if stated else None


def _reseal(vault: Path, series: str, number: int, mark: Mark) -> Head:
    found = segment.scan(vault, series, number)
    path = segment.path_of(vault, series, number)
    if found is None:
        if mark.segment >= number:
            raise Damaged(f"{series}/{number}", "the segment's head is not sound")
        path.unlink()
        return recover_head(vault, series, number - 1)
    if mark.segment == number and found.end < mark.offset and not found.sealed:
        raise Damaged(f"{series}/{number}/{found.end}", "a synced frame is not sound")
    _copy(path, found.end, segment.trailer(found.frames, found.last))
    return Head(found.first + found.frames - 1, found.last, number)


def recover_head(vault: Path, series: str, number: int) -> Head:
    """The head before a segment that was never begun."""
    if number < 1:
        return Head(0, bytes(32), 0)
    head = _trailer_of(vault, series, number)
    if head is None:
        raise Damaged(f"{series}/{number}", "a segment in the middle is not sealed")
    return head


def _copy(path: Path, end: int, tail: bytes) -> None:
    fresh = path.with_suffix(".new")
    with open(path, "rb") as old, open(fresh, "wb") as new:
        left = end
        while left:
            piece = old.read(min(left, 1 << 20))
            new.write(piece)
            left -= len(piece)
        new.write(tail)
        new.flush()
        os.fsync(new.fileno())
    os.rename(fresh, path)
    sync_folder(path.parent)


def recover_all(vault: Path) -> Iterator[str]:
    """Recover every series that nobody writes; yields their names. Run before the follower's first pass.

    One that is damaged is left as it is, with an alarm in the log; nobody writes it any more.
    """
    for name in all_series(vault):
        handle = lock(vault, name)
        if handle is None:
            continue
        mark = os.open(vault / name / "synced", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            recover(vault, name, mark)
            yield name
        except Damaged as error:
            _leave(vault, name, error)
        finally:
            os.close(mark)
            os.close(handle)
