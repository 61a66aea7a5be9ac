"""The segment: a file of frames in order, and the scan that says how far it is sound.

File, big-endian: a head of 57 bytes (magic 'LWsg', version 1, series 8, segment number 4, number of its first frame
8, digest of the header before that frame 32, zero for the first of a series); then frames (`frame.py`); then, once
it is sealed, a trailer of 84 bytes (magic 'LWtr', version 1, three spare, frames 4, digest of the last header 32,
Merkle root 32, zero until it is used, check 8). A segment without a trailer is open, or its writer died.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from intake.vault import frame
from intake.vault.frame import Header

_HEAD = struct.Struct(">4sB8sIQ32s")
HEAD_SIZE = _HEAD.size
_TRAILER = struct.Struct(">4sB3xI32s32s8s")
TRAILER_SIZE = _TRAILER.size


def path_of(vault: Path, series: str, number: int) -> Path:
    """Where that segment's file is."""
    return vault / series / f"{number:08d}.segment"


def head(series: str, number: int, first: int, before: bytes) -> bytes:
    """The bytes that begin a segment."""
    return _HEAD.pack(b"LWsg", 1, bytes.fromhex(series), number, first, before)


def trailer(frames: int, last: bytes) -> bytes:
    """The bytes that seal a segment of so many frames, the last header's digest being `last`."""
    body = _TRAILER.pack(b"LWtr", 1, frames, last, bytes(32), b"")[:-8]
    return body + hashlib.sha256(body).digest()[:8]


def read_trailer(data: bytes) -> tuple[int, bytes] | None:
    """(frames, digest of the last header) that a trailer states, or None when these bytes are no sound trailer."""
    if len(data) != TRAILER_SIZE or hashlib.sha256(data[:-8]).digest()[:8] != data[-8:]:
        return None
    magic, version, frames, last, _, _ = _TRAILER.unpack(data)
    return (frames, last) if magic == b"LWtr" and version == 1 else None


@dataclass(frozen=True, slots=True)
class Scan:
    """How far a segment is sound: frames, the offset after the last sound one, its header digest, whether sealed."""

    first: int
    before: bytes
    frames: int
    end: int
    last: bytes
    sealed: bool
    size: int


def numbers(vault: Path, series: str) -> list[int]:
    """The numbers of a series' segments, in order."""
    return sorted(int(path.stem) for path in (vault / series).glob("*.segment"))


def read_head(data: bytes, series: str, number: int) -> tuple[int, bytes] | None:
    """(first frame number, header digest before it), or None when this is not the head of that segment."""
    if len(data) != _HEAD.size:
        return None
    magic, version, owner, own, first, before = _HEAD.unpack(data)
    right = magic == b"LWsg" and version == 1 and owner.hex() == series and own == number
    return (first, before) if right else None


def walk(path: Path, start: int = HEAD_SIZE, stop: int | None = None) -> Iterator[tuple[int, Header, bytes]]:
    """(offset, header, stored bytes) of each frame from `start` until `stop` or the first that is not sound."""
    with open(path, "rb") as file:
        file.seek(start)
        offset = start
        while stop is None or offset < stop:
            header = frame.read_header(file.read(frame.SIZE))
            if header is None:
                return
            stored = file.read(header.length)
            if not frame.sound(header, stored):
                return
            yield offset, header, stored
            offset += frame.SIZE + header.length


def scan(vault: Path, series: str, number: int) -> Scan | None:
    """How far the segment is sound and chained; None when even its head is not."""
    path = path_of(vault, series, number)
    with open(path, "rb") as file:
        begin = read_head(file.read(_HEAD.size), series, number)
    if begin is None:
        return None
    first, before = begin
    count, end, last = 0, HEAD_SIZE, before
    for offset, header, _ in walk(path):
        if header.before != last or header.number != first + count:
            break
        count, end, last = count + 1, offset + frame.SIZE + header.length, header.digest
    size = os.path.getsize(path)
    return Scan(first, before, count, end, last, _sealed(path, end, count, last), size)


def _sealed(path: Path, end: int, count: int, last: bytes) -> bool:
    with open(path, "rb") as file:
        file.seek(end)
        return file.read() == trailer(count, last)
