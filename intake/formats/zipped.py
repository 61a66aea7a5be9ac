"""Zip archives: their entries as items to be opened; used by `bundle.py`.

Format: PKWARE APPNOTE 6.3, methods stored and deflate, the old encryption with the password that people who exchange
malware agree on (others aren't tried, so that no one can make us guess); zip64 and archives with a huge directory
count as too large.
"""

import io
import struct
import zipfile
from dataclasses import replace

from intake.formats import opened
from intake.formats.opened import Desk, Item, inside, rest, too_much

FORMAT = "bundle"
MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")
CUSTOMARY = b"infected"
"""The password that is tried on encrypted entries."""
DIRECTORY = 2048
"""Bytes of directory for each entry that may be opened."""


def directory(content: bytes) -> zipfile.ZipFile | None:
    """The archive with its directory read; None where that is too large (2 kB an entry) or of the zip64 kind."""
    end = content.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(content):
        raise zipfile.BadZipFile("no directory")
    (size,) = struct.unpack_from("<I", content, end + 12)
    if size > opened.ENTRIES * DIRECTORY or content[end - 20 : end - 16] == b"PK\x06\x07":
        return None
    return zipfile.ZipFile(io.BytesIO(content))


def read(item: Item, desk: Desk) -> None:
    try:
        archive = directory(item.content)
        infos = archive.infolist() if archive else []
    except Exception as error:
        # zipfile raises many kinds on hostile bytes, struct.error and OverflowError among them.
        desk.verdict(item, "damaged", FORMAT, f"A zip archive that can't be read ({type(error).__name__}).")
        return
    if archive is None:
        desk.limit(item, "archive-entries", FORMAT, "A zip archive with too large a directory.")
        return
    if any(info.filename == "[Content_Types].xml" for info in infos):
        desk.verdict(item, "not-a-report", FORMAT, "An office document, not a mail.")
        return
    overlapping = _overlapping(infos, archive.start_dir)
    files = [info for info in infos if not info.filename.endswith("/")]
    entries: list[Item] = []
    taken = desk.admit(len(files))
    for info in files[:taken]:
        entry = _entry(item, archive, info, info.header_offset in overlapping, desk)
        if entry is not None:
            entries.append(entry)
    rest(item, len(files), taken, desk)
    desk.open(entries)


def _overlapping(infos: list[zipfile.ZipInfo], directory: int) -> set[int]:
    """Offsets of entries that share bytes with the one before or with the directory: the mark of a zip bomb."""
    out: set[int] = set()
    reached = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < reached:
            out.add(info.header_offset)
        reached = max(reached, info.header_offset + 30 + len(info.orig_filename) + info.compress_size)
        if reached > directory:
            out.add(info.header_offset)
    return out


def _entry(item: Item, archive: zipfile.ZipFile, info: zipfile.ZipInfo, overlaps: bool, desk: Desk) -> Item | None:
    """The entry as an item to be opened; None where it has its Found already."""
    named = replace(item, name=inside(item, info.filename), filename=info.filename)
    if overlaps:
        desk.limit(named, "archive-overlap", FORMAT, "The entry shares bytes with another one.")
    elif (info.external_attr >> 16) & 0o170000 == 0o120000:
        desk.limit(named, "archive-link", FORMAT, "The entry is a link, not a file.")
    elif info.flag_bits & 1:
        return _decrypt(named, archive, info, desk)
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        desk.verdict(named, "not-fully-examined", FORMAT, f"Compression method {info.compress_type} isn't read here.")
    else:
        return _inflate(named, archive, info, desk)
    return None


def _decrypt(item: Item, archive: zipfile.ZipFile, info: zipfile.ZipInfo, desk: Desk) -> Item | None:
    """The entry where the customary password opens it; zipfile decrypts slowly, so not where it is large."""
    desk.tried -= info.compress_size
    data, most = b"", min(desk.left, max(info.compress_size, 1) * opened.RATIO)
    try:
        if desk.tried >= 0:
            with archive.open(info, pwd=CUSTOMARY) as stream:
                data = stream.read(most + 1)
    except Exception:
        # RuntimeError for another password, NotImplementedError for AES, zlib's where a wrong one seems to fit.
        data = b""
    if not data:
        desk.verdict(item, "password-protected", FORMAT, "The entry is encrypted: send it without a password.")
    return _kept(item, info, data, most, "zip-infected", desk) if data else None


def _inflate(item: Item, archive: zipfile.ZipFile, info: zipfile.ZipInfo, desk: Desk) -> Item | None:
    most = min(desk.left, max(info.compress_size, 1) * opened.RATIO)
    try:
        with archive.open(info) as stream:
            data = stream.read(most + 1)
    except Exception as error:
        # As above: whatever zipfile and zlib raise, the entry can't be read.
        desk.verdict(item, "damaged", FORMAT, f"The entry can't be read ({type(error).__name__}).")
        return None
    return _kept(item, info, data, most, "zip", desk)


def _kept(item: Item, info: zipfile.ZipInfo, data: bytes, most: int, name: str, desk: Desk) -> Item | None:
    if len(data) > most:
        too_much(item, most == desk.left, desk)
        return None
    offset = info.header_offset
    return desk.make(item, offset, min(offset + 30 + info.compress_size, len(item.content)), name, data)
