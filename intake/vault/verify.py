"""Verify: read every byte of the vault again and name each place that is not as it was written.

Without the private key the chain, the stored bytes and the books are checked; with it also every seal and the
digest of the plain bytes. Signed checkpoints, if given, must lie on the chain. A blank slot without an Erasure is a
problem.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from intake.errors import Damaged
from intake.store import Slot
from intake.vault import book, frame, segment, series
from intake.vault.checkpoint import Checkpoint
from intake.vault.frame import Header
from intake.vault.reader import Opened, Reader


@dataclass(slots=True)
class Verified:
    """What was read and what is wrong: problems as 'series/segment/offset-end: sentence'."""

    frames: int = 0
    bytes: int = 0
    erased: int = 0
    problems: list[str] = field(default_factory=list)
    blank: list[Slot] = field(default_factory=list)
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)


def verify(
    reader: Reader,
    checkpoints: Iterable[Checkpoint] = (),
    seen: Callable[[Opened], None] = lambda opened: None,
    step: Callable[[int], None] = lambda count: None,
) -> Verified:
    """Read everything; `seen` is called with every frame that opens, `step` with the bytes of each segment read."""
    result = Verified()
    wanted = {(name, head.number): head.digest for each in checkpoints for name, head in each.heads.items()}
    for name in series.all_series(reader.folder):
        _one_series(reader, name, wanted, result, seen, step)
    for (name, number), _ in wanted.items():
        result.problems.append(f"{name}: frame {number} of a signed checkpoint is missing")
    return result


def _one_series(
    reader: Reader,
    name: str,
    wanted: dict[tuple[str, int], str],
    result: Verified,
    seen: Callable[[Opened], None],
    step: Callable[[int], None],
) -> None:
    numbers = segment.numbers(reader.folder, name)
    if numbers != list(range(1, len(numbers) + 1)):
        result.problems.append(f"{name}: segments are missing (there are {numbers})")
    last, count = bytes(32), 0
    for number in numbers:
        walked = _Walk(reader, name, number, result)
        last, count = walked.run(last, count, wanted, seen)
        step(segment.path_of(reader.folder, name, number).stat().st_size)
    if not series.mark_is_sound(reader.folder, name):
        result.problems.append(f"{name}/synced: the mark is not as it was written")
    mark = series.synced(reader.folder, name)
    if count < mark.number:
        result.problems.append(f"{name}: frames {count + 1} to {mark.number} were synced and are missing")
    result.heads[name] = (count, last.hex())


class _Walk:
    """One segment, read past whatever is damaged in it."""

    def __init__(self, reader: Reader, name: str, number: int, result: Verified) -> None:
        self._reader, self._result = reader, result
        self._place = f"{name}/{number}"
        self._name, self._number = name, number
        self._data = segment.path_of(reader.folder, name, number).read_bytes()

    def _problem(self, start: int, end: int, says: str) -> None:
        self._result.problems.append(f"{self._place}/{start}-{end}: {says}")

    def run(
        self, last: bytes, count: int, wanted: dict[tuple[str, int], str], seen: Callable[[Opened], None]
    ) -> tuple[bytes, int]:
        begin = segment.read_head(self._data[: segment.HEAD_SIZE], self._name, self._number)
        if begin != (count + 1, last):
            self._problem(0, segment.HEAD_SIZE, "the segment's head does not continue the chain")
        first, offset = count, segment.HEAD_SIZE
        while offset < len(self._data):
            header = frame.read_header(self._data[offset : offset + frame.SIZE])
            if header is None:
                if self._is_trailer(offset, count - first, last):
                    break
                offset = self._skip(offset)
                continue
            end = offset + frame.SIZE + header.length
            self._frame(header, offset, end, seen)
            if header.before != last or header.number != count + 1:
                self._problem(offset, end, "the frame does not continue the chain")
            last, count = header.digest, header.number
            self._meets(header, wanted)
            offset = end
        return last, count

    def _meets(self, header: Header, wanted: dict[tuple[str, int], str]) -> None:
        stated = wanted.pop((self._name, header.number), None)
        if stated is not None and stated != header.digest.hex():
            self._result.problems.append(f"{self._name}: frame {header.number} is not the one of a signed checkpoint")

    def _is_trailer(self, offset: int, frames: int, last: bytes) -> bool:
        return self._data[offset:] == segment.trailer(frames, last)

    def _skip(self, offset: int) -> int:
        """Past bytes that are no frame: to the next sound header, or to the end."""
        mark = series.synced(self._reader.folder, self._name)
        at = offset + 1
        while (at := self._data.find(b"LWfr", at)) >= 0:
            if frame.read_header(self._data[at : at + frame.SIZE]):
                break
            at += 1
        end = at if at >= 0 else len(self._data)
        if self._number < mark.segment or offset < mark.offset:
            self._problem(offset, end, "these bytes are no frame")
        return end

    def _frame(self, header: Header, offset: int, end: int, seen: Callable[[Opened], None]) -> None:
        self._result.frames += 1
        self._result.bytes += end - offset
        stored = self._data[offset + frame.SIZE : end]
        try:
            if not frame.sound(header, stored):
                raise Damaged(header.stored.hex(), "stored bytes do not match their digest")
            opened = self._reader.open(header, stored)
        except Damaged as error:
            self._problem(offset, end, error.says)
            return
        if opened is None:
            self._result.erased += 1
        else:
            seen(opened)
            if header.kind == "book":
                self._book(opened.plain)

    def _book(self, plain: bytes) -> None:
        name, number = book.where(plain)
        damaged, blank = book.changed(self._reader.folder, plain)
        for slot in damaged:
            self._result.problems.append(f"{name}/book {number}/slot {slot}: the key slot is not as it was made")
        self._result.blank += [Slot(series=name, book=number, number=slot) for slot in blank]


def unexplained(result: Verified, erased: set[Slot]) -> list[str]:
    """A problem for each blank slot that no Erasure names."""
    return [
        f"{slot.series}/book {slot.book}/slot {slot.number}: blank, and no Erasure names it"
        for slot in result.blank
        if slot not in erased
    ]
