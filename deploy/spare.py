"""The spare room: a file in the home that is nothing but space, given up when somebody else has filled the disk.

Doors stop taking in while `reserve` bytes are still free, so that what was taken in can be worked on. Where another
program fills the disk beyond that, people must still be able to look, and every look is noted before it happens: the
command gives the file up then. The sweeper lays it anew once there is room.
"""

import os
from contextlib import suppress
from pathlib import Path

SIZE = 8 << 20
"""Bytes of the file."""
FULL = 2 << 20
"""Bytes free below which the disk counts as full."""


def lay(home: Path, reserve: int) -> None:
    """Have the file, if more than `reserve` bytes stay free with it."""
    path = home / "spare"
    if path.exists() or _free(home) < reserve + SIZE:
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(handle, 0, SIZE)
    except OSError:
        path.unlink()
    finally:
        os.close(handle)


def give_up(home: Path) -> bool:
    """Whether the disk is full and the file was given up for that."""
    path = home / "spare"
    if not path.exists() or _free(home) >= FULL:
        return False
    with suppress(FileNotFoundError):
        path.unlink()
    return True


def _free(home: Path) -> int:
    """Bytes that are free for us."""
    found = os.statvfs(home)
    return found.f_bavail * found.f_frsize
