"""The reader: frames by place, and the frames of a series in order up to its mark.

Whoever holds the private key reads plain bytes; without it only headers and stored bytes. An erased frame reads as
None; one that doesn't match its digests raises `Damaged`.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nacl.public import PrivateKey

from intake.errors import Damaged
from intake.store import Place, Slot
from intake.vault import book, frame, segment, series
from intake.vault.frame import Header

_HELD_KEYS = 4096


@dataclass(frozen=True, slots=True)
class Opened:
    """A frame with what its seal held."""

    header: Header
    salt: bytes
    plain: bytes


class Reader:
    """Reads the vault in `folder`; `private` None reads headers and public frames only."""

    def __init__(self, folder: Path, private: PrivateKey | None) -> None:
        self.folder, self._private = folder, private
        self._keys: OrderedDict[Slot, bytes] = OrderedDict()

    def key_of(self, slot: Slot) -> bytes | None:
        """The key of a slot, None when it was blanked."""
        key = self._keys.get(slot)
        if key is None and self._private is not None:
            key = book.open_slot(self.folder, slot, self._private)
            if key is not None:
                self._keys[slot] = key
                if len(self._keys) > _HELD_KEYS:
                    self._keys.popitem(last=False)
        return key

    def drop_keys(self) -> None:
        """Forget the keys held in memory; after an erasure."""
        self._keys.clear()

    def read(self, place: Place) -> Opened | None:
        """The frame that stands there; None when its slot was blanked."""
        path = segment.path_of(self.folder, place.series, place.segment)
        for _, header, stored in segment.walk(path, place.offset):
            return self.open(header, stored)
        raise Damaged(f"{place.series}/{place.segment}/{place.offset}", "there is no sound frame")

    def open(self, header: Header, stored: bytes) -> Opened | None:
        """What the frame's seal holds; None when its slot was blanked or no private key is held."""
        if header.slot == frame.PUBLIC:
            return Opened(header, *frame.open_(header, stored, None))
        key = self.key_of(header.slot)
        return Opened(header, *frame.open_(header, stored, key)) if key else None

    def follow(self, name: str, number: int, offset: int) -> Iterator[tuple[Place, Header, bytes]]:
        """The synced frames of a series from segment `number`, `offset` on (0, 0: from the start).

        `Damaged` when one below the mark is missing or not sound.
        """
        mark = series.synced(self.folder, name)
        for current in [each for each in segment.numbers(self.folder, name) if number <= each <= mark.segment]:
            path = segment.path_of(self.folder, name, current)
            start = offset if current == number and offset else segment.HEAD_SIZE
            stop = mark.offset if current == mark.segment else os.path.getsize(path)
            yield from self._through(name, current, start, min(stop, _frames_end(path)))

    def _through(self, name: str, number: int, start: int, stop: int) -> Iterator[tuple[Place, Header, bytes]]:
        path, end = segment.path_of(self.folder, name, number), start
        for offset, header, stored in segment.walk(path, start, stop):
            end = offset + frame.SIZE + header.length
            yield Place(series=name, segment=number, offset=offset), header, stored
        if end < stop:
            raise Damaged(f"{name}/{number}/{end}", "a synced frame is not sound")


def _frames_end(path: Path) -> int:
    """The offset at which the frames of a segment end: before its trailer if it has one."""
    size = os.path.getsize(path)
    if size < segment.HEAD_SIZE + segment.TRAILER_SIZE:
        return size
    with open(path, "rb") as file:
        file.seek(size - segment.TRAILER_SIZE)
        sealed = segment.read_trailer(file.read()) is not None
    return size - segment.TRAILER_SIZE if sealed else size
