"""Pasted headers: a report in plain text with the header of the message, or all of its source, copied into it.

Promises the header fields with their folds put back, as a Made decoding named 'reconstructed': webmail and text boxes
wrap long lines, drop the blanks that a continuation begins with, double the line ends and write < as &lt;. Which line
continues which is a guess where the blanks are gone, so nothing that was signed can be checked any more, and that is
said. What stands above is the claim's note. A block counts by its fields: four that mail has, one of them of a kind
that no program shows to readers, so that the visible fields of a forward never count. Standard: RFC 5322 section 2.2.3.
"""

import re
from html import unescape
from typing import NamedTuple

from intake import html, words
from intake.formats import cover
from intake.formats.cover import NOTE
from intake.formats.opened import Desk, Item, lacks
from intake.formats.raw import is_mail
from intake.mime import Tree
from intake.report import Claims

FORMAT = "pasted"
TEXT = 400_000
"""Characters of a text that are read."""
LINES = 5000
"""Lines in which a header block is looked for."""
HEADER_LINES = 2000
"""Most lines of a header block."""
ENOUGH = 4
SAYS = "The header was pasted as text and put together again (reconstructed): no signature over it can be checked."

_SHOWN = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "reply-to", "sender", "importance", "x-priority", "organization"}
)
_UNSHOWN = frozenset(
    {
        "received", "return-path", "delivered-to", "message-id", "mime-version", "content-type",
        "content-transfer-encoding", "dkim-signature", "authentication-results", "arc-seal", "arc-message-signature",
        "arc-authentication-results", "received-spf", "list-id", "list-unsubscribe", "list-unsubscribe-post",
        "in-reply-to", "references", "x-mailer", "user-agent", "x-originating-ip", "x-received", "x-spam-status",
        "precedence", "feedback-id", "errors-to", "envelope-to", "x-original-to", "thread-topic", "thread-index",
    }
)  # fmt: skip
_KNOWN = _SHOWN | _UNSHOWN
_FIELD = re.compile(r"([!-9;-~]{1,76})[ \t]{0,3}:(?:[ \t]|$|(?=[^/\s]))")
_LISTED = re.compile(r"[ \t>]{0,4}[A-Za-z-]{1,40}:[A-Za-z-]{1,40}(?:[:;]|$)")
"""Names in the h= tag of a signature, at the beginning of a wrapped line."""
_QUOTE = re.compile(r"[ \t]{0,3}>[ ]?")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,5}|#x[0-9a-fA-F]{1,4}|nbsp);")
_ODD = re.compile(r"x-[a-z0-9-]{2,70}|[a-z]{2,20}(?:-[a-z0-9]{1,20}){1,6}", re.IGNORECASE)
_BLANKS = str.maketrans({"\u00a0": " ", "\ufeff": "", "\u200b": "", "\u2028": "\n"})


class Block(NamedTuple):
    """A header block in the lines [start, end): its lines with the folds put back, and the names of its fields."""

    start: int
    end: int
    fields: list[str]
    names: set[str]


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the text of a cover, or a file that is no mail, has a pasted header; if so it is now a Found."""
    lines = _lines(item, tree)
    block = find(lines) if lines else None
    if block is None or not (item.cover or _better(block, tree)):
        return False
    data = _message(block, lines)
    made = desk.make(item, 0, len(item.content), "reconstructed", data)
    if made is None:
        desk.limit(item, "archive-bytes", FORMAT, "The pasted message is too large to be kept.")
        return True
    note = "\n".join(lines[: block.start]).strip()[:NOTE]
    desk.report(made, 0, len(data), FORMAT, Claims(note=note) if note else None, lacks(data), SAYS)
    return True


def _better(block: Block, tree: Tree) -> bool:
    """Whether a file gives more as pasted text than as the mail that it is: its header breaks off at a lost fold."""
    return not is_mail(tree) or len((block.names & _KNOWN) - tree.root.first.keys()) >= ENOUGH


def _lines(item: Item, tree: Tree) -> list[str]:
    """The text in which to look: a person's words, or all of what is no mail or whose header breaks off."""
    if is_mail(tree) and item.cover:
        text = cover.read(item.content, tree).text
    elif not is_mail(tree) or "no-separator" in tree.flags:
        text = _text(item.content)
    else:
        return []
    text = text[:TEXT].translate(_BLANKS).replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


def _text(content: bytes) -> str:
    """The words of a file, '' where it is no text."""
    head = content[: TEXT * 4]
    if b"\0" in head[:4096]:
        return ""
    text = words.text(head)
    return html.read(text).text if text.lstrip()[:200].lower().startswith(("<!doctype html", "<html", "<pre")) else text


def find(lines: list[str]) -> Block | None:
    """The first header block in the lines that is enough, None where there is none."""
    index = 0
    while index < min(len(lines), LINES):
        if _name(lines[index]) not in _KNOWN:
            index += 1
            continue
        block = _block(lines, index)
        if len(block.names & _KNOWN) >= ENOUGH and block.names & _UNSHOWN:
            return block
        index = max(block.end, index + 1)
    return None


def _name(line: str) -> str:
    match = _FIELD.match(_QUOTE.sub("", line[:200], count=1))
    return match[1].lower() if match else ""


def _block(lines: list[str], start: int) -> Block:
    """The header block that begins at a line."""
    quoted = bool(_QUOTE.match(lines[start]))
    double = _doubled(lines, start)
    fields: list[str] = []
    names: set[str] = set()
    index = start
    while index < min(len(lines), start + HEADER_LINES):
        line = _QUOTE.sub("", lines[index], count=1) if quoted else lines[index]
        if not line.strip():
            if double and index + 1 < len(lines) and lines[index + 1].strip() and lines[index - 1].strip():
                index += 1
                continue
            break
        name = _name(line)
        if fields and (line[0] in " \t" or not _begins(name, line)):
            fields.append("\t" + line.strip())
        else:
            names.add(name)
            fields.append(line.strip())
        index += 1
    return Block(start, index, fields, names)


def _begins(name: str, line: str) -> bool:
    """Whether a line begins a field: a known name, or one of that form with a blank after its colon."""
    if name in _KNOWN:
        return not _LISTED.match(line)
    return bool(name) and bool(_ODD.fullmatch(name)) and f"{name}: " in line[:90].lower()


def _doubled(lines: list[str], start: int) -> bool:
    """Whether every other line of what begins here is empty, as programs do that make a paragraph of each line."""
    some = [bool(line.strip()) for line in lines[start : start + 12]]
    return len(some) > 5 and all(some[0::2][:3]) and not any(some[1::2][:3])


def _message(block: Block, lines: list[str]) -> bytes:
    """The fields and what follows them, entities resolved in the header where there are any."""
    head = "\n".join(block.fields)
    if _ENTITY.search(head):
        head = "\n".join(unescape(line).replace("\n", " ").replace("\r", " ") for line in block.fields)
    body = "\n".join(lines[block.end + 1 :]).strip("\n")
    return f"{head}\n\n{body}\n".encode("utf-8", "replace") if body else f"{head}\n\n".encode("utf-8", "replace")
