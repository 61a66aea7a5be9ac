"""Outlook items (.msg): the mail in an OLE compound file, put together as a message; the one door to oxmsg and olefile.

Promises a Made decoding named 'msg' (`assembled.py`): the transport headers as Outlook kept them, or From, To, Cc,
Subject and Date out of the item's properties, then the text, the HTML and the attached files. An item that was never
sent and carries others is the cover of those. The original MIME body is gone in this format. Anything that the
libraries raise means 'damaged'. Formats: MS-CFB, MS-OXMSG, MS-OXPROPS (the numbers below are property identifiers).
"""

import struct
from collections.abc import Iterator
from dataclasses import replace
from email.utils import format_datetime
from typing import Any, NamedTuple

from msgspec import structs
from olefile import OleFileIO
from oxmsg.properties import Properties
from oxmsg.storage import Storage

from intake import words
from intake.formats import assembled, rtf
from intake.formats.cover import NOTE
from intake.formats.opened import Desk, Item, inside

FORMAT = "outlook_msg"
VERSION = "2"
"""Of the decoding: 2 takes HTML out of RTF where there is a plain text too."""
MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TYPES = frozenset({"application/vnd.ms-outlook", "application/x-msg"})
ATTACHMENTS = 200
"""Most attached files that are taken over."""
LEVELS = 5
"""Most items inside each other that are taken over."""

_CLASS, _SUBJECT, _SENT, _HEADERS, _TO, _CC = 0x001A, 0x0037, 0x0039, 0x007D, 0x0E04, 0x0E03
_BODY, _RTF, _HTML, _SENDER_SMTP, _SENDER_ADDRESS, _SENDER_NAME = 0x1000, 0x1009, 0x1013, 0x5D01, 0x0C1F, 0x0C1A
_REPRESENTING_SMTP = 0x5D02
_DATA, _SHORT_NAME, _LONG_NAME, _MIME_TAG = 0x3701, 0x3704, 0x3707, 0x370E
_PROPERTIES = "__properties_version1.0"
_EMBEDDED = "__substg1.0_3701000D"
_ROOT_HEAD, _EMBEDDED_HEAD = 32, 24
_NO_MAIL = ("ipm.appointment", "ipm.contact", "ipm.distlist", "ipm.task", "ipm.activity", "ipm.stickynote")


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is an OLE file; if so the mail in it is now a Found."""
    content = item.content
    if not content.startswith(MAGIC):
        return False
    try:
        _plausible(content)
        storage = _storage(content)
        if _PROPERTIES not in _streams(storage):
            desk.verdict(item, "not-a-report", FORMAT, "An OLE document, but no Outlook item.")
            return True
        kind = _string(storage, _CLASS).lower()
        mails = [] if _refused(kind) else _mails(storage)
    except Exception as error:
        # olefile and oxmsg raise many kinds on hostile bytes: KeyError, struct.error, OSError, RecursionError ...
        desk.verdict(item, "damaged", FORMAT, f"An Outlook item that can't be read ({type(error).__name__}).")
        return True
    if mails:
        _report(item, mails, desk)
    elif kind.startswith("report."):
        code = "bounce" if kind.endswith(".ndr") else "auto-reply"
        desk.verdict(item, code, FORMAT, "A notice of a mail system, kept by Outlook.")
    else:
        desk.verdict(item, "not-a-report", FORMAT, "An Outlook item of another kind than a mail.")
    return True


def _plausible(content: bytes) -> None:
    """ValueError where the header counts more sectors of tables than the file has; olefile would read them all, round
    and round (MS-CFB section 2.2).
    """
    tables = (struct.unpack_from("<I", content, at)[0] for at in (44, 64, 72))
    if any(count > len(content) // 512 for count in tables):
        raise ValueError("more tables than file")


def _storage(content: bytes) -> Storage:
    """The streams in it; ValueError where they are said to be larger than the file, as a chain that goes round is."""
    with OleFileIO(content) as ole:
        if sum(each.size for each in ole.direntries if each) > 2 * len(content):  # small streams stand in the root's
            raise ValueError("larger streams than file")
        return Storage.from_ole(ole)


class _Mail(NamedTuple):
    """A mail put together, what it lacks, its name inside the item, and what was written above it."""

    data: bytes
    missing: tuple[str, ...]
    name: str = ""
    note: str = ""


def _mails(storage: Any) -> list[_Mail]:
    """The mail that the item is, or those that it carries where it never travelled itself: then it is a cover."""
    missing = _missing(storage)
    inner = [] if "headers" not in missing else list(_carried(storage))
    if not inner:
        return [_Mail(_message(storage, _ROOT_HEAD, LEVELS), missing)]
    note = _string(storage, _BODY).strip()[:NOTE]
    return [_Mail(_message(one, _EMBEDDED_HEAD, LEVELS - 1), _missing(one), name, note) for name, one in inner]


def _report(item: Item, mails: list[_Mail], desk: Desk) -> None:
    """Every mail is now a Found."""
    for mail in mails:
        named = replace(item, name=inside(item, mail.name)) if mail.name else item
        made = desk.make(named, 0, len(item.content), "msg", mail.data, VERSION)
        if made is None:
            desk.limit(named, "archive-bytes", FORMAT, "The Outlook item is too large to be taken over.")
            continue
        claims = structs.replace(item.claims, note=mail.note) if mail.note and not item.claims.note else None
        desk.report(made, 0, len(mail.data), FORMAT, claims, mail.missing)


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
    fields = assembled.transport(_string(storage, _HEADERS))
    if not any(line.lower().startswith("from:") for line in fields):
        fields += _made_up(storage, head)
    return assembled.message(fields, parts)


def _made_up(storage: Any, head: int) -> list[str]:
    """The fields that the item's own properties give."""
    known = [_string(storage, number) for number in (_SENDER_SMTP, _REPRESENTING_SMTP, _SENDER_ADDRESS)]
    sender = next((each for each in known if "@" in each), "")
    values = {
        "From": assembled.mailbox(_string(storage, _SENDER_NAME), sender),
        "To": _string(storage, _TO),
        "Cc": _string(storage, _CC),
        "Subject": _string(storage, _SUBJECT),
        "Date": _sent(storage, head),
    }
    return assembled.made_up(values)


def _texts(storage: Any, head: int) -> list[bytes]:
    plain, markup = _string(storage, _BODY), _markup(storage, head)
    if not markup and (packed := _binary(storage, _RTF)):
        # Beside a plain text Outlook often keeps the HTML in here alone, and the links with it.
        text, markup = rtf.read(packed)
        plain = plain or text
    return assembled.texts(plain, markup)


def _markup(storage: Any, head: int) -> str:
    data = _binary(storage, _HTML)
    if not data:
        return _string(storage, _HTML)
    return words.text(data, Properties(storage, head).body_encoding)


def _carried(storage: Any) -> Iterator[tuple[str, Any]]:
    """The items attached to this one, with their names."""
    for number, attachment in enumerate(list(storage.iter_attachment_storages())[:ATTACHMENTS], start=1):
        inner = next((one for one in attachment.storages if one.name == _EMBEDDED), None)
        if inner is not None and _PROPERTIES in _streams(inner):
            yield _string(attachment, _LONG_NAME) or str(number), inner


def _attached(storage: Any, levels: int) -> Iterator[bytes]:
    """Each attached file as a part; an item inside this one as message/rfc822."""
    for attachment in list(storage.iter_attachment_storages())[:ATTACHMENTS]:
        inner = next((one for one in attachment.storages if one.name == _EMBEDDED), None)
        name = _string(attachment, _LONG_NAME) or _string(attachment, _SHORT_NAME)
        if inner is None:
            yield assembled.part(assembled.usable(_string(attachment, _MIME_TAG)), _binary(attachment, _DATA), name)
        elif levels and _PROPERTIES in _streams(inner):
            yield b"Content-Type: message/rfc822\n\n" + _message(inner, _EMBEDDED_HEAD, levels - 1)
