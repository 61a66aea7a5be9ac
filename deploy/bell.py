"""Bells: a datagram socket per waiting process, so that work is begun at once; a lost ring costs a moment, never
work.
"""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path


class Bell:
    """The socket on which a process waits: `run/<name>.bell` in the home."""

    def __init__(self, home: Path, name: str) -> None:
        folder = home / "run"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{name}.bell"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(_short(self._path))

    def wait(self, seconds: float) -> None:
        """Return when it rings, or after so many seconds; rings that came together count as one."""
        self._socket.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            self._socket.recv(1)
            self._socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._socket.recv(1)

    def close(self) -> None:
        """Take the bell down."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


def ringer(home: Path, name: str) -> Callable[[], None]:
    """A function that rings every bell of that name (`name`, `name-1` ...) and never waits or fails."""

    def ring() -> None:
        for path in (home / "run").glob(f"{name}*.bell"):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(b"!", _short(path))

    return ring


def _short(path: Path) -> str:
    """A path that fits a socket address (108 bytes): relative to the working folder where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
