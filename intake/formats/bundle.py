"""Bundles: archives, compressed files and mboxes with mails in them; every entry gets its own Found.

Promises that no entry is ever written anywhere, that each is read within the limits of `opened.py` (entries, levels,
bytes out, ratio), that entries which overlap or link elsewhere are refused with a word, and that names come out clean.
Formats: zip (`zipped.py`), 7z, RAR and others (`archived.py`), POSIX.1-1988 ustar with GNU and pax long names,
RFC 1952 (gzip), RFC 4155 (mbox).
"""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from intake.formats import archived, opened, zipped
from intake.formats.opened import Desk, Item, inside, rest, too_much

FORMAT = "bundle"
_MAIL = (".eml", ".emlx", ".msg", ".mbox", ".mbx")
_PACKED = tuple(kind + end for kind in (".eml", ".mbox", ".tar") for end in (".gz", ".bz2", ".xz", ".zst"))
_ARCHIVES = (".7z", ".rar", ".iso")
_LINE = rb"(From [^\r\n]{1,500})\r?\n(?=>?From |[!-9;-~]{1,76}[ \t]?:)"
_FIRST = re.compile(rb"[\r\n]{0,8}" + _LINE)
_NEXT = re.compile(rb"\n\r?\n" + _LINE)
_YEAR = re.compile(rb"\b(?:19|20)\d\d\b|\d\d:\d\d")
_ENDS = ("gz", "bz2", "xz", "zst")
_BLOCK = 512


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a bundle; if so its entries are on their way to be opened."""
    content = item.content
    reader = _reader(content, item.filename)
    if reader is None:
        return False
    if item.level >= opened.NESTING:
        desk.limit(item, "archive-depth", FORMAT, f"More than {opened.NESTING} archives inside each other.")
    else:
        reader(replace(item, level=item.level + 1, cover=False), desk)
    return True


def _reader(content: bytes, filename: str) -> Callable[[Item, Desk], None] | None:
    if content.startswith(zipped.MAGIC):
        return zipped.read
    if content.startswith(b"\x1f\x8b\x08"):
        return _gzip
    if _is_tar(content):
        return _tar
    if archived.archive(content):
        return archived.read
    if archived.stream(content):
        return _stream
    starts = list(islice(_separators(content), 2))
    if len(starts) > 1 or (starts and filename.lower().endswith((".mbox", ".mbx"))):
        return _mbox
    return None


def holds_mail(name: str, data: Callable[[], bytes]) -> bool:
    """Whether a file that is attached to a mail is a bundle of mails, by its name and the names in it."""
    if name.endswith((*_MAIL[3:], ".tgz", ".tar", *_PACKED)):
        return True
    if name.endswith(_ARCHIVES):
        return any(each.lower().endswith(_MAIL) for each in archived.names(data()))
    if not name.endswith(".zip"):
        return False
    try:
        archive = zipped.directory(data())
    except Exception:
        # zipfile raises many kinds on hostile bytes; what can't be listed is no bundle of mails.
        return False
    return archive is not None and any(info.filename.lower().endswith(_MAIL) for info in archive.infolist())


def _gzip(item: Item, desk: Desk) -> None:
    content = item.content
    most = min(desk.left, len(content) * opened.RATIO)
    try:
        data = _gunzip(content, most + 1)
    except zlib.error:
        desk.verdict(item, "damaged", FORMAT, "A gzip file that can't be read.")
        return
    if len(data) > most:
        too_much(item, most == desk.left, desk)
        return
    _alone(desk.make(item, 0, len(content), "gzip", data), desk)


def _stream(item: Item, desk: Desk) -> None:
    _alone(archived.inflate(item, desk), desk)


def _alone(made: Item | None, desk: Desk) -> None:
    """Open the one file that was compressed; a tar archive in it counts as the same level."""
    if made is None:
        return
    bare, dot, end = made.filename.rpartition(".")
    made = replace(made, filename=bare if dot and end.lower() in _ENDS else made.filename)
    if _is_tar(made.content):
        _tar(made, desk)
    else:
        desk.open([made])


def _gunzip(content: bytes, most: int) -> bytes:
    """All members of a gzip file, at most `most` bytes; zlib.error where one is damaged or cut short."""
    out, size = [], 0
    while content.startswith(b"\x1f\x8b") and size < most:
        stream = zlib.decompressobj(wbits=31)
        out.append(stream.decompress(content, most - size))
        size += len(out[-1])
        if not stream.eof and size < most:
            raise zlib.error("ends too early")
        content = stream.unused_data
    return b"".join(out)


def _is_tar(content: bytes) -> bool:
    return content[257:262] == b"ustar" and _checksum(content[:_BLOCK])


def _checksum(header: bytes) -> bool:
    return _number(header[148:156]) == sum(header[:148]) + sum(header[156:]) + 8 * 0x20


def _number(field: bytes) -> int:
    """An octal number, or a binary one as GNU tar writes large ones; -1 where it is neither."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else -1


def _tar(item: Item, desk: Desk) -> None:
    """Each file of a tar archive is a slice of it."""
    files, whole = _tar_files(item.content)
    taken = desk.admit(len(files))
    desk.open(entry for file in files[:taken] for entry in _tar_entry(item, file, desk))
    if whole or files:
        rest(item, len(files), taken, desk)
    if not whole:
        desk.verdict(item, "damaged", FORMAT, "A tar archive that breaks off in the middle.")


class _File(NamedTuple):
    """An entry of a tar archive; `kind` is its type flag."""

    name: str
    kind: bytes
    start: int
    end: int


def _tar_files(content: bytes) -> tuple[list[_File], bool]:
    """The entries that are no folders, and whether the archive was whole."""
    files: list[_File] = []
    position, long = 0, ""
    while len(header := content[position : position + _BLOCK]) == _BLOCK and header.strip(b"\0"):
        size, start, kind = _number(header[124:136]), position + _BLOCK, header[156:157]
        if size < 0 or start + size > len(content) or not _checksum(header):
            return files, False
        position = start + -(-size // _BLOCK) * _BLOCK
        if kind in b"LxgK":
            long = _long_name(kind, content[start : start + min(size, 65536)]) or long
            continue
        if kind != b"5":
            files.append(_File(long or _tar_name(header), kind, start, start + size))
        long = ""
    return files, True


def _tar_name(header: bytes) -> str:
    prefix, name = header[345:500].rstrip(b"\0"), header[:100].partition(b"\0")[0]
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _long_name(kind: bytes, data: bytes) -> str:
    """The name in a GNU 'L' entry or in the `path` record of a pax header."""
    if kind == b"L":
        return data.rstrip(b"\0").decode("utf-8", "replace")
    found = re.search(rb"(?:^|\n)\d{1,10} path=([^\n]{1,4096})\n", data)
    return found[1].decode("utf-8", "replace") if found else ""


def _tar_entry(item: Item, file: _File, desk: Desk) -> list[Item]:
    start, end = item.start + file.start, item.start + file.end
    named = replace(item, name=inside(item, file.name), filename=file.name, start=start, end=end)
    if file.kind in (b"0", b"\0", b"7"):
        return [named]
    desk.limit(named, "archive-link", FORMAT, "The entry is a link or a device, not a file.")
    return []


def _separators(content: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each mbox separator line: after an empty line, with a date, before a header field."""
    first = _FIRST.match(content)
    if first is None:
        return
    yield first.start(1), first.end()
    for match in _NEXT.finditer(content, first.end()):
        if _YEAR.search(match[1]):
            yield match.start(1), match.end()


def _mbox(item: Item, desk: Desk) -> None:
    """Each message of an mbox is a slice of it, without its separator and the empty line before the next one."""
    content = item.content
    lines = list(_separators(content))
    entries: list[Item] = []
    taken = desk.admit(len(lines))
    for number, (_, end) in enumerate(lines[:taken], start=1):
        stop = lines[number][0] if number < len(lines) else len(content)
        if number < len(lines):
            stop -= 2 if content[stop - 2 : stop] == b"\r\n" else 1
        entries.append(
            replace(item, name=inside(item, str(number)), filename="", start=item.start + end, end=item.start + stop)
        )
    rest(item, len(lines), taken, desk)
    desk.open(entries)
