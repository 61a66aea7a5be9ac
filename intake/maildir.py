"""Maildir: a folder into which a mail server on this machine delivers, as a mailbox to pick up from.

What is in `new/`, and in `cur/` without the flags S (seen) and T (deleted), is waiting. Done is: linked into `cur/` of
this or of another Maildir with the flag S, then unlinked; or unlinked. A file is never overwritten, so deliveries and
other readers may go on at the same time. What is no regular file is left alone.
Standard: https://cr.yp.to/proto/maildir.html, with the flags of its `info`.
"""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from intake.errors import Temporary
from intake.pickup import PIECE, Gone, Mailbox, Odd, Seen

EVERY = 2.0
"""Seconds between two looks."""


class Maildir:
    """An open Maildir; a letter is `new/NAME` or `cur/NAME`."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._folder = Path(mailbox.path)
        self._mailbox = mailbox
        self._target = self._folder / mailbox.target if mailbox.target else self._folder
        if not (self._folder / "new").is_dir() or not (self._folder / "cur").is_dir():
            raise Temporary(f"{self._folder} is no Maildir: it has no folders new and cur", after=10.0)

    def prepare(self) -> "Maildir":
        """Make the folders that done messages go to, where they are missing."""
        try:
            for name in ("tmp", "new", "cur"):
                (self._target / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Temporary(f"{self._target} can't be made: {error.strerror}", after=10.0) from error
        return self

    def waiting(self) -> Iterator[str]:
        """The messages that aren't done, in the order of their names, which begin with the time of delivery."""
        for folder in ("new", "cur"):
            for name in self._names(folder):
                if folder == "new" or not {"S", "T"} & set(_flags(name)):
                    yield f"{folder}/{name}"

    def _names(self, folder: str) -> list[str]:
        try:
            with os.scandir(self._folder / folder) as entries:
                return sorted(entry.name for entry in entries if not entry.name.startswith("."))
        except OSError as error:
            raise Temporary(f"{folder} can't be read: {error.strerror}", after=10.0) from error

    def read(self, letter: str) -> Iterator[bytes]:
        """Its bytes in pieces."""
        try:
            handle = os.open(self._folder / letter, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise Gone from error
        except OSError as error:
            raise Odd(f"it can't be opened: {error.strerror}") from error
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise Odd("it is no regular file")
            if about.st_size > self._mailbox.limit:
                raise Odd(f"{about.st_size} bytes are more than {self._mailbox.limit}")
            while piece := self._piece(handle):
                yield piece
        finally:
            os.close(handle)

    def _piece(self, handle: int) -> bytes:
        try:
            return os.read(handle, PIECE)
        except OSError as error:
            raise Odd(f"it can't be read: {error.strerror}") from error

    def mark(self, letter: str) -> None:
        """Done."""
        source = self._folder / letter
        try:
            if self._mailbox.done != "delete":
                self._link(source, self._target / "cur" / _seen(source.name))
            source.unlink()
        except FileNotFoundError as error:
            raise Gone from error
        except OSError as error:
            raise Odd(f"it can't be marked as done: {error.strerror}") from error

    def _link(self, source: Path, target: Path) -> None:
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError as error:
            # Ours when we were killed between link and unlink.
            if not target.samefile(source):
                raise Odd("another message has its name where it would go") from error

    def wait(self, seconds: float, stopping: threading.Event) -> None:
        """There is nobody to tell us, and looking is cheap."""
        stopping.wait(max(0.1, min(seconds, EVERY)))

    def close(self) -> None:
        """Nothing is held open."""

    def look(self) -> Seen:
        """What is in it; nothing is touched."""
        waiting = list(self.waiting())
        sizes = [self._size(each) for each in waiting]
        return Seen(len(self._names("new")) + len(self._names("cur")), len(waiting), max(sizes, default=0), ())

    def _size(self, id_: str) -> int:
        try:
            return (self._folder / id_).lstat().st_size
        except OSError:
            return 0


def _flags(name: str) -> str:
    return name.partition(":2,")[2]


def _seen(name: str) -> str:
    """The name with the flag S; flags stand in ASCII order."""
    flags = "".join(sorted({*_flags(name), "S"}))
    return f"{name.partition(':2,')[0]}:2,{flags}"
