"""A minimal writer of compound files and of Outlook messages in them, so that the samples need no Outlook.

`compound(tree)` gives the bytes of a version 3 compound file; `outlook_message(...)` those of a .msg with one
recipient and no attachment. The same arguments give the same bytes: no times, no identifiers of a machine.
Standards: [MS-CFB] sections 2.2-2.6, [MS-OXMSG] sections 2.1-2.4, [MS-OXPROPS] for the property numbers.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Union

Tree = Mapping[str, Union[bytes, "Tree"]]

SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT_SECTOR, NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
STORAGE, STREAM, ROOT = 1, 2, 5
RED, BLACK = 0, 1


@dataclass
class Entry:
    """One directory entry; left, right and child are numbers of entries."""

    name: str
    type: int
    data: bytes = b""
    left: int = NONE
    right: int = NONE
    child: int = NONE
    colour: int = BLACK
    start: int = END


def compound(tree: Tree) -> bytes:
    """The compound file that holds `tree`: bytes are streams, mappings are storages."""
    entries = [Entry("Root Entry", ROOT)]
    entries[0].child = _add(tree, entries)
    mini_stream, mini_fat = _mini(entries)
    entries[0].data = mini_stream
    body: list[bytes] = []
    fat: list[int] = []
    for entry in entries:
        if entry.type == ROOT or len(entry.data) >= CUTOFF:
            entry.start = _chain(entry.data, body, fat)
    mini_fat_start = _chain(_numbers(mini_fat), body, fat)
    entries += [Entry("", 0, start=0)] * (-len(entries) % (SECTOR // 128))
    directory_start = _chain(b"".join(map(_packed, entries)), body, fat)
    fat_sectors = _fat_sectors(len(fat))
    first_fat = len(fat)
    fat += [FAT_SECTOR] * fat_sectors
    header = _header(directory_start, mini_fat_start, len(mini_fat), first_fat, fat_sectors)
    return header + b"".join(body) + _numbers(fat)


def _add(tree: Tree, entries: list[Entry]) -> int:
    """Adds the children of one storage and gives the root of their sibling tree ([MS-CFB] 2.6.4)."""
    numbers = []
    for name in sorted(tree, key=lambda each: (len(each), each.upper())):
        node = tree[name]
        numbers.append(len(entries))
        if isinstance(node, bytes):
            entries.append(Entry(name, STREAM, node))
            continue
        entry = Entry(name, STORAGE)
        entries.append(entry)
        entry.child = _add(node, entries)
    return _balance(numbers, entries, depth=0, deepest=len(numbers).bit_length() - 1)


def _balance(numbers: list[int], entries: list[Entry], depth: int, deepest: int) -> int:
    """A balanced tree; its deepest row is red, so that every path has the same number of black entries."""
    if not numbers:
        return NONE
    middle = len(numbers) // 2
    entry = entries[numbers[middle]]
    entry.colour = RED if depth == deepest > 0 else BLACK
    entry.left = _balance(numbers[:middle], entries, depth + 1, deepest)
    entry.right = _balance(numbers[middle + 1 :], entries, depth + 1, deepest)
    return numbers[middle]


def _mini(entries: list[Entry]) -> tuple[bytes, list[int]]:
    """The mini stream with every stream below the cutoff, and its allocation table ([MS-CFB] 2.4)."""
    body: list[bytes] = []
    fat: list[int] = []
    for entry in entries:
        if entry.type == STREAM and 0 < len(entry.data) < CUTOFF:
            entry.start = _chain(entry.data, body, fat, MINI)
    return b"".join(body), fat


def _chain(data: bytes, body: list[bytes], fat: list[int], unit: int = SECTOR) -> int:
    """Appends `data` in sectors of `unit` bytes and their chain to the table; gives the first sector's number."""
    if not data:
        return END
    start, count = len(fat), math.ceil(len(data) / unit)
    body.append(data.ljust(count * unit, b"\0"))
    fat += [*range(start + 1, start + count), END]
    return start


def _numbers(values: list[int]) -> bytes:
    """Little-endian 32-bit numbers, filled up to whole sectors with free ones."""
    missing = -len(values) % (SECTOR // 4)
    return struct.pack(f"<{len(values) + missing}I", *values, *[FREE] * missing)


def _fat_sectors(used: int) -> int:
    """How many sectors the table needs to describe `used` sectors and itself; more than 109 are not written."""
    count = 1
    while used + count > count * (SECTOR // 4):
        count += 1
    if count > 109:
        raise ValueError("too large for a table without further header sectors")
    return count


def _packed(entry: Entry) -> bytes:
    name = (entry.name + "\0").encode("utf-16-le") if entry.name else b""
    links = (entry.left, entry.right, entry.child)
    size = len(entry.data)
    return struct.pack("<64sHBB3I16xI8x8xIQ", name, len(name), entry.type, entry.colour, *links, 0, entry.start, size)


def _header(directory: int, mini_fat: int, minis: int, first_fat: int, fat_sectors: int) -> bytes:
    fats = [*range(first_fat, first_fat + fat_sectors)]
    return struct.pack(
        "<8s16x5H6x9I109I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, fat_sectors, directory, 0, CUTOFF),
        *(mini_fat, math.ceil(minis / (SECTOR // 4)), END, 0),
        *fats,
        *[FREE] * (109 - len(fats)),
    )


Value = str | bytes | int | datetime


def outlook_message(message: Mapping[int, Value], recipient: Mapping[int, Value]) -> bytes:
    """The .msg with these properties, numbered as in [MS-OXPROPS]; text is stored as UTF-16."""
    tree: dict[str, bytes | Tree] = {}
    head = struct.pack("<8x4I8x", 1, 0, 1, 0)
    tree |= _properties(message, head)
    tree["__recip_version1.0_#00000000"] = _properties(recipient, bytes(8))
    tree["__nameid_version1.0"] = {f"__substg1.0_000{number}0102": b"" for number in (2, 3, 4)}
    return compound(tree)


def _properties(values: Mapping[int, Value], head: bytes) -> dict[str, bytes]:
    """The property stream of one object, and one stream for each value of variable length ([MS-OXMSG] 2.4)."""
    rows, streams = [head], {}
    for number, value in sorted(values.items()):
        type_, data = _property(value)
        fixed = type_ in (0x0003, 0x0040)
        if not fixed:
            streams[f"__substg1.0_{number:04X}{type_:04X}"] = data
            data = struct.pack("<I4x", len(data) + (2 if type_ == 0x001F else 0))
        rows.append(struct.pack("<HHI8s", type_, number, 6, data))
    return {"__properties_version1.0": b"".join(rows)} | streams


def _property(value: Value) -> tuple[int, bytes]:
    if isinstance(value, str):
        return 0x001F, value.encode("utf-16-le")
    if isinstance(value, bytes):
        return 0x0102, value
    if isinstance(value, int):
        return 0x0003, struct.pack("<q", value)
    since = value - datetime(1601, 1, 1, tzinfo=UTC)
    return 0x0040, struct.pack("<Q", (since.days * 86_400 + since.seconds) * 10_000_000)
