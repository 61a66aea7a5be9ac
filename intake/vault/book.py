"""The book: 1,024 key slots, each sealed by itself to the operator's public key.

File, big-endian: magic 'LWbk', version 1, series 8, book number 4, count 2, operator's public key 32; then per slot
80 bytes, a libsodium sealed box of 32 key bytes. A book is on disk and synced before its first slot is used; the
digests of its slots stand in the chain (a public frame of kind 'book'). A blanked slot is 80 zero bytes. Slot 0
belongs to the house: records that need not be forgettable alone.
"""

import hashlib
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from intake.errors import Damaged
from intake.store import Slot

SLOTS = 1024
_BOX = 80
_HEAD = struct.Struct(">4sB8sIH32s")
_BLANK = bytes(_BOX)


def path_of(vault: Path, series: str, book: int) -> Path:
    """Where that book's file is."""
    return vault / series / f"{book:08d}.book"


class NotDurable(OSError):
    """A sync failed; it is never tried again, because the page cache lies after that."""


class Book:
    """A book that this process made: it knows the plain keys, and hands out its slots once."""

    def __init__(self, vault: Path, series: str, number: int, public: PublicKey) -> None:
        self.series, self.number = series, number
        self._keys = [os.urandom(32) for _ in range(SLOTS)]
        self._next = 1
        seal = SealedBox(public)
        boxes = [seal.encrypt(key) for key in self._keys]
        head = _HEAD.pack(b"LWbk", 1, bytes.fromhex(series), number, SLOTS, bytes(public))
        _write_new(path_of(vault, series, number), head + b"".join(boxes))
        self.frame = head + b"".join(hashlib.sha256(box).digest() for box in boxes)

    @property
    def full(self) -> bool:
        return self._next >= SLOTS

    @property
    def half_used(self) -> bool:
        return self._next >= SLOTS // 2

    def take(self) -> Slot:
        """The next unused slot."""
        slot = Slot(series=self.series, book=self.number, number=self._next)
        self._next += 1
        return slot

    def key(self, number: int) -> bytes:
        """The plain key of that slot, 32 bytes."""
        return self._keys[number]

    @property
    def house(self) -> Slot:
        return Slot(series=self.series, book=self.number, number=0)


def _write_new(path: Path, data: bytes) -> None:
    """Write, sync file and folder; the file is never half there under its name."""
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        file.write(data)
        file.flush()
        sync(file.fileno())
    os.rename(fresh, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        sync(handle)
    finally:
        os.close(handle)


def sync(handle: int) -> None:
    """fsync, a failure of which is `NotDurable`."""
    try:
        os.fsync(handle)
    except OSError as error:
        raise NotDurable(error.errno, error.strerror) from error


def box_of(vault: Path, slot: Slot) -> bytes:
    """The 80 sealed bytes of a slot; `Damaged` when the book is missing or short."""
    try:
        with open(path_of(vault, slot.series, slot.book), "rb") as file:
            file.seek(_HEAD.size + slot.number * _BOX)
            box = file.read(_BOX)
    except FileNotFoundError as error:
        raise Damaged(f"{slot.series}/{slot.book}", "book is missing") from error
    if len(box) != _BOX:
        raise Damaged(f"{slot.series}/{slot.book}", "book is cut short")
    return box


def open_slot(vault: Path, slot: Slot, private: PrivateKey) -> bytes | None:
    """The key in that slot, or None when it was blanked."""
    box = box_of(vault, slot)
    if box == _BLANK:
        return None
    try:
        return SealedBox(private).decrypt(box)
    except CryptoError as error:
        raise Damaged(f"{slot.series}/{slot.book}/{slot.number}", "key slot does not open") from error


def blank(vault: Path, slot: Slot) -> None:
    """Make everything sealed under this slot unreadable for ever, and sync that."""
    with open(path_of(vault, slot.series, slot.book), "r+b") as file:
        file.seek(_HEAD.size + slot.number * _BOX)
        file.write(_BLANK)
        file.flush()
        sync(file.fileno())


def blanked(vault: Path, slots: Iterable[Slot]) -> set[Slot]:
    """Those of these slots that were blanked, read from the disk now; what a missing book holds is none."""
    books: dict[tuple[str, int], bytes] = {}
    found = set()
    for slot in slots:
        name = (slot.series, slot.book)
        if name not in books:
            path = path_of(vault, *name)
            books[name] = path.read_bytes() if path.exists() else b""
        if books[name][_HEAD.size + slot.number * _BOX :][:_BOX] == _BLANK:
            found.add(slot)
    return found


def changed(vault: Path, frame: bytes) -> tuple[list[int], list[int]]:
    """(damaged, blank) slot numbers of the book whose public frame this is."""
    _, _, series, number, count, _ = _HEAD.unpack(frame[: _HEAD.size])
    try:
        data = path_of(vault, series.hex(), number).read_bytes()
    except FileNotFoundError:
        return list(range(count)), []
    damaged, blanked = [], []
    if data[: _HEAD.size] != frame[: _HEAD.size] or len(data) != _HEAD.size + count * _BOX:
        return list(range(count)), []
    for slot in range(count):
        box = data[_HEAD.size + slot * _BOX :][:_BOX]
        digest = frame[_HEAD.size + slot * 32 :][:32]
        if box == _BLANK:
            blanked.append(slot)
        elif hashlib.sha256(box).digest() != digest:
            damaged.append(slot)
    return damaged, blanked


def where(frame: bytes) -> tuple[str, int]:
    """(series, book number) that a public book frame speaks of."""
    _, _, series, number, _, _ = _HEAD.unpack(frame[: _HEAD.size])
    return series.hex(), number
