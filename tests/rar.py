"""A minimal writer of RAR 5 archives with stored entries, because no free tool makes them.

`rar({name: data})` gives the bytes; the same arguments give the same bytes. Format: RAR 5.0 archive format, as its
author publishes it: signature, main header, file headers with their data, end header.
"""

import struct
import zlib
from collections.abc import Iterable

SIGNATURE = b"Rar!\x1a\x07\x01\x00"
MAIN, FILE, ENCRYPTION, END = 1, 2, 4, 5
DATA_FOLLOWS, HAS_CRC = 0x02, 0x04
STORED, UNIX = 0, 1


def rar(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """An archive with these files."""
    return SIGNATURE + _header(MAIN, 0, _number(0)) + b"".join(_file(*each) for each in entries) + _header(
        END, 0, _number(0)
    )  # fmt: skip


def encrypted() -> bytes:
    """The beginning of an archive whose headers are encrypted."""
    body = _number(0) + _number(0) + bytes([15]) + bytes(16)
    return SIGNATURE + _header(ENCRYPTION, 0, body) + bytes(range(64))


def _file(name: str, data: bytes) -> bytes:
    raw = name.encode()
    body = (
        _number(len(data)) + _number(HAS_CRC) + _number(len(data)) + _number(0o100644)
        + struct.pack("<I", zlib.crc32(data)) + _number(STORED) + _number(UNIX) + _number(len(raw)) + raw
    )  # fmt: skip
    return _header(FILE, DATA_FOLLOWS, body) + data


def _header(kind: int, flags: int, body: bytes) -> bytes:
    """Checksum, size, type, flags, and the fields of the type."""
    rest = _number(kind) + _number(flags) + body
    sized = _number(len(rest)) + rest
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first, the highest bit set where more follow."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])
