"""The writer: the one owner of one series, which makes frames durable by group commit.

`append` seals a frame in memory and says at once where it will stand; a committer thread writes all that has
gathered while it was syncing, syncs once, publishes the mark and resolves every waiting `commit`. A failed write or
sync is never retried: nobody is answered, the process ends with status 70, and the next start recovers the series.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from nacl.public import PublicKey

from intake.errors import Refused
from intake.store import Place, Slot
from intake.vault import frame, segment, series
from intake.vault.book import Book, NotDurable, sync_folder

SEGMENT_SIZE = 64 << 20
GATHER = 4 << 20
"""Bytes that may wait in memory before they are written without anybody asking for it."""
EXIT_STATUS = 70
"""EX_SOFTWARE of sysexits: what a process ends with after a failed write or sync."""


class Writer:
    """Owns a series of `role` in `vault`; `key_of` gives the keys of slots in other books (None: blanked)."""

    def __init__(
        self,
        vault: Path,
        role: str,
        public: PublicKey,
        key_of: Callable[[Slot], bytes | None] | None = None,
        segment_size: int = SEGMENT_SIZE,
        bell: Callable[[], None] = lambda: None,
    ) -> None:
        vault.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._vault, self._public, self._key_of = vault, public, key_of
        self._segment_size, self._bell = segment_size, bell
        begun = series.begin(vault, role)
        self.series, self._lock, self._mark = begun.name, begun.lock, begun.mark
        self._number, self._digest, self._segment = begun.head.number, begun.head.digest, begun.head.segment
        self._reached = series.synced(vault, self.series)
        self.start = (self._reached.segment, self._reached.offset)
        """Segment and offset at which this writer goes on."""
        self.unlisted = False
        """Whether a record went into the series that no store was given; only the follower finds it."""
        self._books = self._last_book()
        self._announced = self._read_announced()
        self._book: Book | None = None
        self._next_book: Future[Book] | None = None
        self._held: dict[Slot, bytes] = {}
        self._zstd = frame.compressor()
        self._end, self._frames, self._sealed = 0, 0, True
        self._file, self._open_number = -1, 0
        self._gathered = 0
        self._guard = threading.RLock()
        self._work = threading.Condition(self._guard)
        self._pending: list[tuple[int, bytes]] = []
        self._waiting: list[Future[series.Mark]] = []
        self._busy = self._closing = False
        self._thread = threading.Thread(target=self._commit_forever, name=f"commit-{role}", daemon=True)
        self._thread.start()

    def _last_book(self) -> int:
        return max((int(path.stem) for path in (self._vault / self.series).glob("*.book")), default=0)

    def _read_announced(self) -> int:
        """The last book whose public frame is durable, as the last writer of this series left word; 0: not known."""
        try:
            return int((self._vault / self.series / "announced").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def new_slot(self) -> Slot:
        """A key slot that nothing was sealed under yet; its book is durable. Its key is held until `release`."""
        with self._guard:
            book = self._open_book()
            slot = book.take()
            self._held[slot] = book.key(slot.number)
            return slot

    def release(self, slot: Slot) -> None:
        """Nothing more will be sealed under that slot by whoever took it."""
        with self._guard:
            self._held.pop(slot, None)

    @property
    def house(self) -> Slot:
        """The slot of records that need not be forgettable alone.

        A writer that can open old books goes on with that of its last one, so that a command which only notes a look
        makes no book.
        """
        with self._guard:
            if self._book is None and self._announced and self._key_of is not None:
                return Slot(series=self.series, book=self._announced, number=0)
            return self._open_book().house

    def _open_book(self) -> Book:
        if self._book is None or self._book.full:
            making, self._next_book = self._next_book or self._make_book(), None
            self._book = making.result()
            self._append("book", frame.PUBLIC, None, self._book.frame)
        elif self._book.half_used and self._next_book is None:
            self._next_book = self._make_book()
        return self._book

    def _make_book(self) -> "Future[Book]":
        """The next book, made in a thread of its own: sealing 1,024 keys takes a tenth of a second."""
        self._books += 1
        making: Future[Book] = Future()
        arguments = (self._vault, self.series, self._books, self._public)

        def make() -> None:
            try:
                making.set_result(Book(*arguments))
            except NotDurable as error:
                _stop(error)
            except BaseException as error:
                making.set_exception(error)

        threading.Thread(target=make, name="book", daemon=True).start()
        return making

    def append(self, kind: str, slot: Slot, plain: bytes) -> Place:
        """Seal a frame and say where it stands; durable only when a later `commit` resolves.

        `Refused('erased')` when the slot was blanked.
        """
        with self._guard:
            return self._append(kind, slot, self._key(slot), plain)

    def _key(self, slot: Slot) -> bytes:
        if self._book is not None and (slot.series, slot.book) == (self.series, self._book.number):
            return self._book.key(slot.number)
        key = self._held.get(slot) or (self._key_of(slot) if self._key_of else None)
        if key is None:
            raise Refused("erased", "the owner of this record was erased, or its key isn't held here")
        return key

    def _append(self, kind: str, slot: Slot, key: bytes | None, plain: bytes) -> Place:
        if self._sealed or self._end >= self._segment_size:
            self._begin_segment()
        data = frame.build(self._number + 1, kind, slot, key, plain, self._digest, self._zstd)
        place = Place(series=self.series, segment=self._segment, offset=self._end)
        self._number += 1
        self._frames += 1
        self._digest = frame.header_digest(data)
        self._queue(data)
        return place

    def _begin_segment(self) -> None:
        self._end_segment()
        self._segment += 1
        self._end, self._frames, self._sealed = 0, 0, False
        self._queue(segment.head(self.series, self._segment, self._number + 1, self._digest))

    def _end_segment(self) -> None:
        if not self._sealed:
            self._queue(segment.trailer(self._frames, self._digest))
            self._sealed = True

    def _queue(self, data: bytes) -> None:
        """Give bytes to the committer; it is woken early when much has gathered, so that memory stays bounded."""
        self._pending.append((self._segment, data))
        self._end += len(data)
        self._gathered += len(data)
        if self._gathered > GATHER:
            self._work.notify()

    def commit(self) -> "Future[series.Mark]":
        """Resolves with the mark when everything appended so far is durable."""
        future: Future[series.Mark] = Future()
        future.set_running_or_notify_cancel()  # nobody may cancel what others wait for too
        with self._guard:
            if not self._pending and not self._busy:
                future.set_result(self._reached)
                return future
            self._waiting.append(future)
            self._work.notify()
        return future

    def _commit_forever(self) -> None:
        try:
            while self._commit_once():
                pass
        except BaseException as error:
            _stop(error)

    def _commit_once(self) -> bool:
        with self._guard:
            while not self._waiting and not self._closing and self._gathered <= GATHER:
                self._work.wait()
            pending, self._pending = self._pending, []
            waiting, self._waiting = self._waiting, []
            self._gathered = 0
            mark = series.Mark(self._number, self._segment, self._end) if pending else self._reached
            self._busy = True
            closing = self._closing
        if pending:
            self._write(pending)
            os.fdatasync(self._file)
            series.publish(self._mark, mark)
        with self._guard:
            self._busy, self._reached = False, mark
            if self._waiting:
                self._work.notify()
        for future in waiting:
            future.set_result(mark)
        if pending:
            self._bell()
        return not closing or bool(self._pending)

    def _write(self, pending: list[tuple[int, bytes]]) -> None:
        """Write the gathered bytes, one call per segment; a new segment syncs the one before it and the folder."""
        start = 0
        while start < len(pending):
            number = pending[start][0]
            stop = start
            while stop < len(pending) and pending[stop][0] == number:
                stop += 1
            self._into(number, b"".join(data for _, data in pending[start:stop]))
            start = stop

    def _into(self, number: int, data: bytes) -> None:
        if self._file < 0 or number != self._open_number:
            if self._file >= 0:
                os.fdatasync(self._file)
                os.close(self._file)
            path = segment.path_of(self._vault, self.series, number)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self._open_number = number
            sync_folder(path.parent)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def seal(self) -> None:
        """End the open segment with a trailer; the next frame begins a new one."""
        with self._guard:
            self._end_segment()
        self.commit().result()

    def close(self) -> None:
        """Seal, stop the committer and let the series go."""
        self.seal()
        with self._guard:
            self._closing = True
            self._work.notify()
        self._thread.join()
        if self._book is not None:
            (self._vault / self.series / "announced").write_text(f"{self._book.number}\n")
        if self._file >= 0:
            os.close(self._file)
        os.close(self._mark)
        os.close(self._lock)


def _stop(error: BaseException) -> None:
    """End the process at once, before anything that is not durable is answered for."""
    sys.stderr.write(f"vault: cannot make evidence durable ({type(error).__name__}: {error}); stopping\n")
    os._exit(EXIT_STATUS)
