"""winmail.dat: what Outlook wraps its own mail in when it takes the other side for Outlook; the door to tnefparse.

Promises the messages inside, each a Made decoding named 'tnef' (`assembled.py`), and the files inside that are mail,
opened in turn. The library is not part of every installation (LGPL, extra `lgpl`): without it, and where there is no
mail inside, a notice tells the sender what to do. Whatever it raises means 'damaged'. Format: MS-OXTNEF.
"""

import logging
import struct
from collections.abc import Iterator
from dataclasses import replace
from email.utils import format_datetime
from typing import Any, NamedTuple

from intake import mime, words
from intake.formats import assembled, bundle, cover, outlook_msg, rtf
from intake.formats.cover import NOTE
from intake.formats.opened import Desk, Item, inside
from intake.mime import Node, Tree
from intake.report import Claims

try:
    import tnefparse
    from tnefparse import mapi, tnef
except ImportError:
    tnefparse = None

FORMAT = "winmail"
MAGIC = b"\x78\x9f\x3e\x22"
TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
OBJECTS = 2000
"""Most objects of one file, which the library copies the rest of the file for."""
COUNT = 10_000
"""Most that any count in the file may say; the library believes them all."""
ATTACHMENTS = 200
"""Most attached files that are taken over."""
LEVELS = 5
"""Most messages inside each other that are taken over."""
NOTICE = (
    "This is Outlook's winmail.dat, which hides the message: forward it as an attachment, or save it as .eml or .msg "
    "and send that file."
)

_HEADERS, _SUBJECT, _SENT, _NAME, _SMTP, _ADDRESS, _TO, _CC = (
    0x007D, 0x0037, 0x0039, 0x0C1A, 0x5D01, 0x0C1F, 0x0E04, 0x0E03,
)  # fmt: skip
_MIME_TAG = 0x370E
_MAIL = (".eml", ".msg")


class _TooMuch(ValueError):
    """The file says or holds more than we let the library see."""


def _few(count: int) -> range:
    if count > COUNT:
        raise _TooMuch
    return range(count)


if tnefparse is not None:
    logging.getLogger("tnefparse").setLevel(logging.CRITICAL + 1)

    class _Bounded(tnefparse.TNEF):  # type: ignore[misc]
        """A file of few objects: for each the library copies all that follows it."""

        def __init__(self, data: bytes, do_checksum: bool = False) -> None:
            if _objects(data) > OBJECTS:
                raise _TooMuch
            super().__init__(data, do_checksum=do_checksum)

    # The library loops as often as a count of the file says, up to 4 thousand million times: it sees our `range`, and
    # for a message inside a message our class.
    mapi.range = tnef.range = _few
    tnef.TNEF = _Bounded


class _Inside(NamedTuple):
    """A mail found inside: the bytes of a message or of a file, its name, whether it is a file to be opened."""

    name: str
    data: bytes
    file: bool
    missing: tuple[str, ...] = ()


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a winmail.dat; if so the mails in it are on their way, or it has a verdict."""
    if not item.content.startswith(MAGIC):
        return False
    found = _mails(item, desk)
    if found == []:
        desk.verdict(item, "not-fully-examined" if tnefparse is None else "not-a-report", FORMAT, NOTICE)
    return True


def read_mail(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is a cover with a winmail.dat that carries mails; if so they are on their way."""
    node = _part(item.content, tree) if item.cover else None
    if node is None:
        return False
    made = _decoded(item, tree, node, desk)
    return made is not None and bool(_mails(made, desk))


def notice(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is a cover with a winmail.dat, asked when nothing else was found in it."""
    if not item.cover or cover.passed_on(tree) or _part(item.content, tree) is None:
        return False
    desk.verdict(item, "not-fully-examined", FORMAT, NOTICE)
    return True


def _part(content: bytes, tree: Tree) -> Node | None:
    leaves = (node for node in cover.own(tree) if not node.children and (node.parent >= 0 or node.type in TYPES))
    likely = (node for node in leaves if node.type in TYPES or node.name.lower() == "winmail.dat")
    return next((node for node in likely if mime.decoded(content, node, 8).startswith(MAGIC)), None)


def _decoded(item: Item, tree: Tree, node: Node, desk: Desk) -> Item | None:
    note = cover.read(item.content, tree).text.strip()[:NOTE]
    named = replace(item, name=inside(item, node.name or "winmail.dat"), cover=False, claims=Claims(note=note))
    data = mime.decoded(item.content, node, desk.left + 1)
    return desk.make(named, node.body_start, node.end, node.encoding or "identity", data)


def _mails(item: Item, desk: Desk) -> list[_Inside] | None:
    """The mails inside, put on the desk; [] for none or no library, None where the item has its verdict already."""
    if tnefparse is None:
        return []
    try:
        found = list(_inside(_Bounded(item.content)))
    except _TooMuch:
        desk.limit(item, "tnef-objects", FORMAT, f"A winmail.dat of more than {OBJECTS} objects.")
        return None
    except Exception as error:
        # The library has no error of its own: struct.error, ValueError, TypeError, MemoryError, RecursionError ...
        desk.verdict(item, "damaged", FORMAT, f"A winmail.dat that can't be read ({type(error).__name__}). {NOTICE}")
        return None
    for each in found:
        _take(item, each, desk)
    return found


def _objects(content: bytes) -> int:
    """How many objects the file has, as many as we count."""
    position, count = 6, 0
    while position + 11 < len(content) and count <= OBJECTS:
        position += struct.unpack_from("<I", content, position + 5)[0] + 11
        count += 1
    return count


def _inside(message: Any) -> Iterator[_Inside]:
    for number, attachment in enumerate(message.attachments[:ATTACHMENTS], start=1):
        name = _file_name(attachment) or str(number)
        embedded = getattr(attachment, "embed", None)
        if embedded is not None:
            headers = _text(embedded, _HEADERS).lower()
            missing = () if "received:" in headers else ("received",) if headers.strip() else ("headers", "received")
            yield _Inside(name, _message(embedded, LEVELS), False, missing)
        elif _carries_mail(name.lower(), attachment.data):
            yield _Inside(name, attachment.data, True)


def _carries_mail(name: str, data: bytes) -> bool:
    return name.endswith(_MAIL) or data.startswith(outlook_msg.MAGIC) or bundle.holds_mail(name, lambda: data)


def _take(item: Item, each: _Inside, desk: Desk) -> None:
    named = replace(item, name=inside(item, each.name), filename=each.name)
    made = desk.make(named, 0, len(item.content), "tnef", each.data)
    if made is None:
        desk.limit(named, "archive-bytes", FORMAT, "What is in the winmail.dat is too large to be taken over.")
    elif each.file:
        desk.open([made])
    else:
        desk.report(made, 0, len(each.data), FORMAT, None, each.missing)


# The message


def _message(message: Any, levels: int) -> bytes:
    parts = [*_texts(message), *_attached(message, levels)]
    fields = assembled.transport(_text(message, _HEADERS))
    if not any(line.lower().startswith("from:") for line in fields):
        fields += _made_up(message)
    return assembled.message(fields, parts)


def _made_up(message: Any) -> list[str]:
    known = [_text(message, number) for number in (_SMTP, _ADDRESS)]
    sent = next((each.data for each in message.mapiprops if each.name == _SENT), None)
    values = {
        "From": assembled.mailbox(_text(message, _NAME), next((each for each in known if "@" in each), "")),
        "To": _text(message, _TO),
        "Cc": _text(message, _CC),
        "Subject": _text(message, _SUBJECT),
        "Date": format_datetime(sent) if sent else "",
    }
    return assembled.made_up(values)


def _texts(message: Any) -> list[bytes]:
    plain, markup = _decode(message.body), _decode(message.htmlbody)
    if not markup and message._rtfbody:
        text, markup = rtf.read(message._rtfbody)
        plain = plain or text
    return assembled.texts(plain, markup)


def _attached(message: Any, levels: int) -> Iterator[bytes]:
    for attachment in message.attachments[:ATTACHMENTS]:
        embedded = getattr(attachment, "embed", None)
        if embedded is None:
            tag = next((each.data for each in attachment.mapi_attrs if each.name == _MIME_TAG), "")
            yield assembled.part(assembled.usable(_decode(tag)), bytes(attachment.data), _file_name(attachment))
        elif levels:
            yield b"Content-Type: message/rfc822\n\n" + _message(embedded, levels - 1)


def _file_name(attachment: Any) -> str:
    return _decode(attachment.long_filename()).strip("\0").strip()


def _text(message: Any, number: int) -> str:
    """A text property, '' where there is none."""
    return next((_decode(each.data) for each in message.mapiprops if each.name == number), "")


def _decode(value: object) -> str:
    """Text that the library gives as text or as bytes, joined where it gives several."""
    if isinstance(value, list):
        return "".join(_decode(each) for each in value)
    if isinstance(value, bytes):
        return words.text(value).replace("\0", "")
    return value.replace("\0", "") if isinstance(value, str) else ""
