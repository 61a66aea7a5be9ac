"""Outlook items (.msg): the mail in an OLE compound file, put together as a message; the one door to oxmsg.

Promises a Made decoding named 'msg': the transport headers as Outlook kept them (their MIME fields renamed to
X-Original-...), or From, To, Cc, Subject and Date out of the item's properties, then the text, the HTML and the
attached files. The original MIME body is gone in this format, so no signature over it can be checked. Anything that the
libraries raise means 'damaged'. Formats: MS-CFB, MS-OXMSG, MS-OXPROPS (the numbers below are property identifiers).
"""

import base64
import re
from collections.abc import Iterator
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from oxmsg import Message
from oxmsg.properties import Properties

from intake import words
from intake.formats import rtf
from intake.formats.opened import Desk, Item
from intake.record import sha256

FORMAT = "outlook_msg"
MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TYPES = frozenset({"application/vnd.ms-outlook", "application/x-msg"})
ATTACHMENTS = 200
"""Most attached files that are taken over."""
HEADERS = 1_000_000
"""Characters of transport headers that are taken over."""
LEVELS = 5
"""Most items inside each other that are taken over."""

_CLASS, _SUBJECT, _SENT, _HEADERS, _TO, _CC = 0x001A, 0x0037, 0x0039, 0x007D, 0x0E04, 0x0E03
_BODY, _RTF, _HTML, _SENDER_SMTP, _SENDER_ADDRESS, _SENDER_NAME = 0x1000, 0x1009, 0x1013, 0x5D01, 0x0C1F, 0x0C1A
_DATA, _SHORT_NAME, _LONG_NAME, _MIME_TAG = 0x3701, 0x3704, 0x3707, 0x370E
_PROPERTIES = "__properties_version1.0"
_EMBEDDED = "__substg1.0_3701000D"
_ROOT_HEAD, _EMBEDDED_HEAD = 32, 24
_NO_MAIL = ("ipm.appointment", "ipm.contact", "ipm.distlist", "ipm.task", "ipm.activity", "ipm.stickynote")
_MIME_FIELD = re.compile(r"(?i)^(content-(?:type|transfer-encoding|disposition|id)|mime-version)[ \t]*:")
_FIELD = re.compile(r"[!-9;-~]{1,76}[ \t]*:")
_TYPE = re.compile(r"[!-.0-~]{1,60}/[!-.0-~]{1,60}")


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is an OLE file; if so the mail in it is now a Found."""
    content = item.content
    if not content.startswith(MAGIC):
        return False
    try:
        storage = Message.load(content)._storage
        if _PROPERTIES not in _streams(storage):
            desk.verdict(item, "not-a-report", FORMAT, "An OLE document, but no Outlook item.")
            return True
        kind = _string(storage, _CLASS).lower()
        data = b"" if _refused(kind) else _message(storage, _ROOT_HEAD, LEVELS)
        missing = _missing(storage)
    except Exception as error:
        # olefile and oxmsg raise many kinds on hostile bytes: KeyError, struct.error, OSError, RecursionError ...
        desk.verdict(item, "damaged", FORMAT, f"An Outlook item that can't be read ({type(error).__name__}).")
        return True
    _found(item, kind, data, missing, desk)
    return True


def _found(item: Item, kind: str, data: bytes, missing: tuple[str, ...], desk: Desk) -> None:
    if kind.startswith("report."):
        code = "bounce" if kind.endswith(".ndr") else "auto-reply"
        desk.verdict(item, code, FORMAT, "A notice of a mail system, kept by Outlook.")
    elif _refused(kind):
        desk.verdict(item, "not-a-report", FORMAT, "An Outlook item of another kind than a mail.")
    elif (made := desk.make(item, 0, len(item.content), "msg", data)) is None:
        desk.limit(item, "archive-bytes", FORMAT, "The Outlook item is too large to be taken over.")
    else:
        desk.report(made, 0, len(data), FORMAT, None, missing)


def _refused(kind: str) -> bool:
    return kind.startswith((*_NO_MAIL, "report."))


def _missing(storage: Any) -> tuple[str, ...]:
    headers = _string(storage, _HEADERS).lower()
    missing = ("headers",) if not headers.strip() else ()
    return missing if "received:" in headers else (*missing, "received")


# Properties


def _streams(storage: Any) -> dict[str, bytes]:
    return {stream.name: stream.bytes_ for stream in storage.streams}


def _string(storage: Any, number: int) -> str:
    """A text property, '' where there is none; UTF-16, or bytes of some code page."""
    streams = _streams(storage)
    wide = streams.get(f"__substg1.0_{number:04X}001F")
    if wide is not None:
        return wide.decode("utf-16-le", "replace").replace("\0", "")
    return words.text(streams.get(f"__substg1.0_{number:04X}001E", b"")).replace("\0", "")


def _binary(storage: Any, number: int) -> bytes:
    return _streams(storage).get(f"__substg1.0_{number:04X}0102", b"")


def _sent(storage: Any, head: int) -> str:
    moment = Properties(storage, head).date_prop_value(_SENT)
    return format_datetime(moment) if moment else ""


# The message


def _message(storage: Any, head: int, levels: int) -> bytes:
    parts = [*_texts(storage, head), *_attached(storage, levels)]
    fields = _transport(_string(storage, _HEADERS)[:HEADERS])
    if not any(line.lower().startswith("from:") for line in fields):
        fields += _made_up(storage, head)
    fields = [_clean(line) for line in fields]
    if not parts:
        parts = [_part("text/plain", b"")]
    return "".join(f"{line}\n" for line in fields).encode("utf-8", "replace") + b"MIME-Version: 1.0\n" + _joined(parts)


def _transport(headers: str) -> list[str]:
    """The lines of the header block, MIME fields renamed because they speak of a body that is gone."""
    out: list[str] = []
    for line in headers.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            if out:
                break
        elif line[0] in " \t":
            out += [line] if out else []
        elif _FIELD.match(line):
            out.append("X-Original-" + line if _MIME_FIELD.match(line) else line)
    return out


def _made_up(storage: Any, head: int) -> list[str]:
    """The fields that the item's own properties give."""
    address = _string(storage, _SENDER_SMTP) or _string(storage, _SENDER_ADDRESS)
    name = _string(storage, _SENDER_NAME).replace('"', "")
    sender = f'"{name}" <{address}>' if address and name != address else name or address
    values = {
        "From": sender,
        "To": _string(storage, _TO),
        "Cc": _string(storage, _CC),
        "Subject": _string(storage, _SUBJECT),
        "Date": _sent(storage, head),
    }
    return [f"{name}: {' '.join(value.split())}" for name, value in values.items() if value.strip()]


def _clean(line: str) -> str:
    return "".join(char if char >= " " or char == "\t" else " " for char in line)


def _texts(storage: Any, head: int) -> list[bytes]:
    plain, markup = _string(storage, _BODY), _markup(storage, head)
    if not plain and not markup:
        plain, markup = rtf.read(_binary(storage, _RTF))
    parts = [_part(kind, text.encode("utf-8", "replace")) for kind, text in
             (("text/plain", plain), ("text/html", markup)) if text]  # fmt: skip
    return parts if len(parts) < 2 else [_multipart("alternative", parts)]


def _markup(storage: Any, head: int) -> str:
    data = _binary(storage, _HTML)
    if not data:
        return _string(storage, _HTML)
    return words.text(data, Properties(storage, head).body_encoding)


def _attached(storage: Any, levels: int) -> Iterator[bytes]:
    """Each attached file as a part; an item inside this one as message/rfc822."""
    for attachment in list(storage.iter_attachment_storages())[:ATTACHMENTS]:
        inner = next((one for one in attachment.storages if one.name == _EMBEDDED), None)
        name = _string(attachment, _LONG_NAME) or _string(attachment, _SHORT_NAME)
        if inner is None:
            yield _part(_type(_string(attachment, _MIME_TAG)), _binary(attachment, _DATA), name)
        elif levels and _PROPERTIES in _streams(inner):
            yield b"Content-Type: message/rfc822\n\n" + _message(inner, _EMBEDDED_HEAD, levels - 1)


def _type(tag: str) -> str:
    """The type an attachment claims, never one whose body would be read as parts."""
    usable = _TYPE.fullmatch(tag) and not tag.lower().startswith(("multipart/", "message/"))
    return tag.lower() if usable else "application/octet-stream"


def _part(kind: str, data: bytes, name: str = "") -> bytes:
    """One leaf in base64, its file name as RFC 2231 has it."""
    out = f"Content-Type: {kind}" + ("; charset=utf-8" if kind.startswith("text/") and not name else "") + "\n"
    if name:
        coded = quote(name[:200], safe="", errors="replace")
        out += f"Content-Disposition: attachment; filename*=utf-8''{coded}\n"
    return (out + "Content-Transfer-Encoding: base64\n\n").encode() + base64.encodebytes(data)


def _joined(parts: list[bytes]) -> bytes:
    return parts[0] if len(parts) == 1 else _multipart("mixed", parts)


def _multipart(kind: str, parts: list[bytes]) -> bytes:
    boundary = f"msg-{sha256(b''.join(parts))[:24]}".encode()
    body = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    head = b"Content-Type: multipart/" + kind.encode() + b'; boundary="' + boundary + b'"\n\n'
    return head + body + b"--" + boundary + b"--\n"
