"""Archives that libarchive reads: 7z, RAR and ISO images, and single files in bzip2, xz or zstd.

Used by `bundle.py`; the one door to the library. Promises a Found for every entry up to the limits of `opened.py`: what
comes out of the archive as a whole is counted while it streams, kept or not, so that an archive without sizes of its
parts can't be a bomb; links and devices are refused with a word; nothing is written anywhere. Where an entry stands in
the archive the library doesn't say, so each is a decoding of the archive as a whole. Each file type is told by its
first bytes and read by that one reader of the library, never by guessing among all. Cabinets are not among them: the
library's reader (3.6.2) crashed on stored ones with a few bytes changed, and nobody reports mail in them. What is
encrypted is said, not tried.

The library is looked for when this module is imported, because a parsing child has no files left to look in; where the
machine has none, every archive gets a verdict that names the package.
"""

import errno
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from intake.formats import opened
from intake.formats.opened import Desk, Item, inside, too_much

try:
    import libarchive
    from libarchive import ffi
except (ImportError, OSError, AttributeError, TypeError):
    # No binding, or none of the C library: ctypes then takes the running program for it.
    libarchive = None

FORMAT = "bundle"
PACKAGE = "libarchive13"
"""The package of the machine that has the C library, as Debian and Ubuntu call it."""
BLOCK = 65_536
"""Bytes that are taken from an archive at a time."""

_ARCHIVES = (
    ("7z", b"7z\xbc\xaf\x27\x1c", "7zip"),
    ("rar", b"Rar!\x1a\x07\x00", "rar"),
    ("rar", b"Rar!\x1a\x07\x01\x00", "rar5"),
)
_STREAMS = (("bzip2", b"BZh"), ("xz", b"\xfd7zXZ\0"), ("zstd", b"\x28\xb5\x2f\xfd"))
_ISO = slice(32_769, 32_774)
_SECRET = re.compile(r"crypt|passphrase", re.IGNORECASE)
_UNREAD = re.compile(r"not (?:currently )?supported|unsupported|unavailable", re.IGNORECASE)

if libarchive is not None:
    logging.getLogger("libarchive").setLevel(logging.CRITICAL)
    for _reader in ("7zip", "rar", "rar5", "iso9660", "raw"):
        ffi.get_read_format_function(_reader)


def archive(content: bytes) -> tuple[str, str] | None:
    """What archive this is, as we and as the library call it; None for none."""
    for name, magic, reader in _ARCHIVES:
        if content.startswith(magic):
            return name, reader
    return ("iso", "iso9660") if content[_ISO] == b"CD001" else None


def stream(content: bytes) -> str:
    """The compression of a single file, '' for none."""
    return next((name for name, magic in _STREAMS if content.startswith(magic)), "")


@dataclass(slots=True)
class _Job:
    """One archive on the desk; `left` is how many bytes it may still give by its ratio."""

    item: Item
    desk: Desk
    name: str
    left: int
    taken: int = 0
    entries: list[Item] = field(default_factory=list)


def read(item: Item, desk: Desk) -> None:
    """Every file of the archive is now on its way to be opened, or has its verdict."""
    content = item.content
    name, reader = archive(content) or ("", "")
    if libarchive is None:
        _absent(item, name, desk)
        return
    job = _Job(item, desk, name, len(content) * opened.RATIO)
    try:
        with libarchive.memory_reader(content, format_name=reader, filter_name="none") as files:
            whole = all(_entry(job, file) for file in files)
    except Exception as error:
        # The binding raises ArchiveError for what the library says, others for names that are no text.
        _failed(item, error, desk)
        whole = False
    if whole and not job.taken:
        desk.verdict(item, "empty", FORMAT, "An archive with no file in it.")
    desk.open(job.entries)


def _entry(job: _Job, file: Any) -> bool:
    """Take one entry; False where nothing more of the archive is to be read."""
    if file.isdir:
        return True
    named = replace(job.item, name=inside(job.item, _name(file)), filename=_name(file))
    if job.taken >= opened.ENTRIES or not job.desk.admit(1):
        says = f"Entries beyond the first {job.taken} were not opened."
        job.desk.limit(job.item, "archive-entries", FORMAT, says)
        return False
    job.taken += 1
    most = min(job.desk.left, job.left)
    try:
        data = _data(file, most)
    except Exception as error:
        # As above; the library goes on with the next entry, or says that it can't.
        _failed(named, error, job.desk)
        return True
    job.left -= len(data)
    if len(data) > most:
        too_much(named, most == job.desk.left, job.desk)
        return _unread(job)
    if not file.isreg or file.islnk:
        job.desk.limit(named, "archive-link", FORMAT, "The entry is a link or a device, not a file.")
    elif made := job.desk.make(named, 0, len(job.item.content), job.name, data):
        job.entries.append(made)
    return True


def _unread(job: _Job) -> bool:
    """Say that the entries after one that was too much were not read: they can't be reached without reading it."""
    job.desk.verdict(job.item, "limit", FORMAT, "Entries after one that gives too much were not opened.")
    return False


def _name(file: Any) -> str:
    name = file.pathname
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name or ""


def _data(file: Any, most: int) -> bytes:
    """What the entry holds, a little more than `most` bytes at most."""
    out, size = [], 0
    for block in file.get_blocks(BLOCK):
        out.append(block)
        size += len(block)
        if size > most:
            break
    return b"".join(out)


def names(content: bytes) -> Iterator[str]:
    """The names of an archive's entries, as many as are opened; none where it can't be read."""
    known = archive(content)
    if libarchive is None or known is None:
        return
    try:
        with libarchive.memory_reader(content, format_name=known[1], filter_name="none") as files:
            for number, file in enumerate(files):
                if number >= opened.ENTRIES:
                    return
                yield _name(file)
    except Exception:
        # What can't be listed has no names; what is wrong with it is said where it is opened.
        return


def inflate(item: Item, desk: Desk) -> Item | None:
    """The one file in a bzip2, xz or zstd stream; None where it has its verdict already."""
    content, name = item.content, stream(item.content)
    if libarchive is None:
        _absent(item, name, desk)
        return None
    most = min(desk.left, len(content) * opened.RATIO)
    try:
        with libarchive.memory_reader(content, format_name="raw", filter_name=name) as files:
            data = b"".join(_data(file, most) for file in files)
    except Exception as error:
        # As above.
        _failed(item, error, desk)
        return None
    if len(data) > most:
        too_much(item, most == desk.left, desk)
        return None
    return desk.make(item, 0, len(content), name, data)


def _failed(item: Item, error: Exception, desk: Desk) -> None:
    """A verdict from what the library says; its own words are not repeated, they may hold names."""
    says = str(getattr(error, "msg", ""))
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        desk.limit(item, "archive-memory", FORMAT, "An archive that needs more memory than there is to open it.")
    elif _SECRET.search(says):
        desk.verdict(item, "password-protected", FORMAT, "Encrypted: send it without a password.")
    elif _UNREAD.search(says):
        desk.verdict(item, "not-fully-examined", FORMAT, "Packed in a way that isn't read here.")
    else:
        desk.verdict(item, "damaged", FORMAT, "An archive that can't be read.")


def _absent(item: Item, name: str, desk: Desk) -> None:
    says = f"A file of the kind {name}; this machine lacks the library that opens it (package {PACKAGE})."
    desk.verdict(item, "not-fully-examined", FORMAT, says)
