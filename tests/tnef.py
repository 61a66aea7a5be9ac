"""A minimal writer of winmail.dat files, because only Outlook makes them.

`tnef(message, attachments)` gives the bytes; the same arguments give the same bytes. Format: [MS-OXTNEF] sections 2.1.3
(stream, attributes with their checksums) and 2.1.3.4 (encapsulated properties); numbers of properties: [MS-OXPROPS].
"""

import struct
from collections.abc import Mapping, Sequence

MAGIC = 0x223E9F78
MESSAGE, ATTACHMENT = 1, 2
VERSION, CODE_PAGE, PROPERTIES, RENDERING, ATTACHED = 0x9006, 0x9007, 0x9003, 0x9002, 0x9005
TITLE, DATA = 0x8010, 0x800F
TEXT, BINARY, OBJECT, TIME = 0x001F, 0x0102, 0x000D, 0x0040
IMESSAGE = bytes.fromhex("0703020000000000c000000000000046")

Value = str | bytes | int


def tnef(message: Mapping[int, Value], attachments: Sequence[bytes] = ()) -> bytes:
    """A stream with the properties of the message and its attachments, each made by `file` or `item`."""
    body = attribute(MESSAGE, VERSION, 8, struct.pack("<I", 0x10000))
    body += attribute(MESSAGE, CODE_PAGE, 6, struct.pack("<II", 1252, 0))
    body += attribute(MESSAGE, PROPERTIES, 6, properties(message))
    return struct.pack("<IH", MAGIC, 1) + body + b"".join(attachments)


def file(name: str, data: bytes) -> bytes:
    """An attached file."""
    return (
        attribute(ATTACHMENT, RENDERING, 6, bytes(14))
        + attribute(ATTACHMENT, TITLE, 1, name.encode("cp1252") + b"\0")
        + attribute(ATTACHMENT, DATA, 6, data)
        + attribute(ATTACHMENT, ATTACHED, 6, properties({0x3707: name}))
    )


def item(name: str, message: bytes) -> bytes:
    """An attached message: a stream of its own behind the identifier of IMessage."""
    values = _property(0x3701, OBJECT, IMESSAGE + message) + _property(0x3704, TEXT, _utf16(name))
    return attribute(ATTACHMENT, RENDERING, 6, bytes(14)) + attribute(
        ATTACHMENT, ATTACHED, 6, struct.pack("<I", 2) + values
    )


def properties(values: Mapping[int, Value]) -> bytes:
    """A list of properties: text as UTF-16, bytes as binary, a number as a time in units of 100 ns since 1601."""
    rows = b""
    for number, value in values.items():
        if isinstance(value, str):
            rows += _property(number, TEXT, _utf16(value))
        elif isinstance(value, bytes):
            rows += _property(number, BINARY, value)
        else:
            rows += struct.pack("<HHQ", TIME, number, value)
    return struct.pack("<I", len(values)) + rows


def attribute(level: int, number: int, kind: int, data: bytes) -> bytes:
    """Level, number, type, length, data, and the sum of the data's bytes."""
    return struct.pack("<BHHI", level, number, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def _property(number: int, kind: int, data: bytes) -> bytes:
    return struct.pack("<HHII", kind, number, 1, len(data)) + data + bytes(-len(data) % 4)


def _utf16(text: str) -> bytes:
    return (text + "\0").encode("utf-16-le")
