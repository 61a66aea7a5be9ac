"""Inline forwards: a mail in which the person's program pasted the visible header and the text of another one.

Promises the first block of header labels, of a forward of a forward the innermost one, as From, To, Cc, Date and
Subject with the text below it, kept as a Made decoding named 'inline' that holds nothing but decoded text of the cover;
what stands above is the claim's note.
No Received line survives such a forward, so nothing in it says where the message came from.

A block counts by what its lines are about, not by who wrote it: at least three of from, date, to and subject, or two
under a line that says 'forwarded message'. A block that a reply may carry too counts only where the subject is none of
a reply. Where the mail was not handed in as a cover, its sender must be a recipient of what it forwards. The shapes are
those that the programs write, there is no standard.
"""

import re
from html import escape
from typing import NamedTuple

from intake import mime, words
from intake.formats import cover, screenshot, shown
from intake.formats.cover import Cover
from intake.formats.labels import BETWEEN, LABELS, ORIGINAL, SEPARATORS, folded, table
from intake.formats.opened import Desk, Item
from intake.mime import Tree
from intake.record import sha256
from intake.report import Claims

FORMAT = "inline_forward"
VERSION = "3"
"""Of the decoding: 2 writes lists of addresses as RFC 5322 has them, 3 looks through forwards of forwards."""
MISSING = ("headers", "received")
LINES = 5000
"""Lines of a cover in which a block is looked for."""
DEPTH = 5
"""Forwards inside each other that are looked through."""
WIDTH = 2000
"""Characters of a line that are read as a label line."""
_LOOK_UP = 3
_NEAR = 8000

_KINDS = {folded(label): kind for kind, labels in reversed(LABELS.items()) for label in labels.split("|")}
_FORWARD, _ORIGINAL, _BETWEEN = table(SEPARATORS), table(ORIGINAL), table(BETWEEN)
_COLON = "[:：\u055d]"
_LABEL = re.compile(
    r"[\s>*]{0,20}([^\s:：\u055d*>][^:：\u055d\n]{0,40}?)[ \t\u00a0\u202f*]{0,3}" + _COLON + r"\*{0,2}(.*)", re.DOTALL
)
_RUN = re.compile(
    "(?<![a-zа-яё])("
    + "|".join(sorted((re.escape(label.capitalize()) for label in _KINDS if len(label) > 1), key=len, reverse=True))
    + r")[ \u00a0]?[:：][ \t]"
)
_QUOTE = re.compile(r"[ \t]{0,3}>[ ]?")
_WHEN = re.compile(
    r"\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}[\d:., ]{0,10}|\d{1,2}:\d{2}|\d{4}年[\d年月日:時分 ]{0,20}|\b\d{4}\b"
)
_IN_QUOTES = re.compile(r"[\"“”„«»]\s*([^\"“”„«»]{1,200}?)\s*[\"“”«»]\s*[<(]")
_UNSEEN = dict.fromkeys((0xFEFF, 0x200B, 0x200C, 0x200E, 0x200F, 0x202A, 0x202C, 0x2068, 0x2069))


class Block(NamedTuple):
    """A header block: `values` by kind, the lines [start, end) it takes with the title above, how sure it is.

    `strength` is 2 under a title that says 'forwarded', 1 under one that replies have too or none at all.
    """

    values: dict[str, str]
    start: int
    end: int
    strength: int
    quoted: bool


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is an inline forward; if so the forwarded message is now a Found."""
    content = item.content
    if not (item.cover or cover.forwarded(words.words(mime.first(content, tree.root, "subject")))):
        return False
    mail = cover.read(content, tree)
    lines = _lines(mail.text)
    block = find(lines, mail.subject)
    if block is None or not (item.cover or _forwarder(content, tree, block)):
        return False
    if len(mail.text) >= cover.TEXT:
        desk.limits["text"] = None
    block, lines, above = _innermost(block, lines)
    data = _message(block, lines, mail)
    made = desk.make(item, 0, len(content), "inline", data, VERSION)
    if made is None:
        desk.limit(item, "archive-bytes", FORMAT, "The forwarded message is too large to be kept.")
    else:
        pages = screenshot.codes(content, tree, desk)
        claims = Claims(note=note(above), reported_uri=pages)
        desk.report(made, 0, len(data), FORMAT, claims, MISSING)
    return True


def _innermost(block: Block, lines: list[str]) -> tuple[Block, list[str], list[str]]:
    """The block of the message that was forwarded first, the lines in which it stands, and all lines above it.

    A forward is one of a forward where its subject says so, a title too, and who forwarded it was sent what is below.
    """
    above = lines[: block.start]
    for _ in range(DEPTH):
        subject = block.values.get("subject", "")
        inside = _body(block, lines).split("\n")
        inner = find(inside, subject) if cover.forwarded(subject) else None
        if inner is None or inner.strength < 2 or not _reached(block.values["from"], inner):
            break
        block, lines, above = inner, inside, [*above, *inside[: inner.start]]
    return block, lines, above


def _forwarder(content: bytes, tree: Tree, block: Block) -> bool:
    """Whether a mail that nobody handed in as a cover is one: its sender was sent what the block shows.

    Spam likes to look forwarded; its block names anybody but the sender as the recipient.
    """
    return _reached(mime.first(content, tree.root, "from"), block)


def _reached(text: str, block: Block) -> bool:
    """Whether the address in that text is one that the message of the block was sent to."""
    sender = shown.ADDRESS.search(text)
    reached = f"{block.values.get('to', '')} {block.values.get('cc', '')}".lower()
    return sender is not None and sender[0].lower() in reached


def note(lines: list[str]) -> str:
    """What the person wrote above, at most 4,000 characters."""
    return "\n".join(lines).strip()[: cover.NOTE]


def _lines(text: str) -> list[str]:
    return [line.translate(_UNSEEN).replace("\u00a0", " ") for line in text.split("\n")]


def find(lines: list[str], subject: str) -> Block | None:
    """The first block that counts, None where the text is no forward."""
    reply, prefixed = cover.replied(subject), cover.forwarded(subject)
    for index, line in enumerate(lines[:LINES]):
        if not line.strip(" \t>*_-") or len(line) > WIDTH:
            continue
        block = _block(lines, index) or (_said(lines, index, subject) if prefixed else None)
        if block and (block.strength == 2 or not reply):
            return block
    return None


def _block(lines: list[str], index: int) -> Block | None:
    """The block of label lines whose first one is at `index`."""
    first = _labels(lines[index])
    if not first or first[0][0] in ("cc", "reply-to"):
        return None
    values, end = _values(lines, index)
    strength, start = _title(lines, index)
    if not _enough(values, strength):
        return None
    return Block(values, start, _skip_blank(lines, end), strength, lines[index].lstrip().startswith(">"))


def _values(lines: list[str], index: int) -> tuple[dict[str, str], int]:
    """What the label lines from `index` on say, by kind, and where they end."""
    values: dict[str, str] = {}
    end, last = index, ""
    for line in lines[index : index + 40]:
        pairs = _labels(line[:WIDTH])
        new = [(kind, value) for kind, value in pairs if kind not in values]
        bare = line.strip(" \t>")
        if pairs and len(new) == len(pairs):
            values.update(new)
            last = pairs[-1][0]
        elif bare and not pairs and last and not values[last] and _below(lines, end, values):
            values[last] = bare[:WIDTH]
        elif not pairs and last in ("to", "cc") and _continues(line, values[last]):
            values[last] += " " + bare
        elif bare or not _early(values):
            break
        end += 1
    return values, end


def _enough(values: dict[str, str], strength: int) -> bool:
    """Whether these lines are a message's: three of the four kinds, two under a title that says 'forwarded'.

    From, To and Date alone may be a journey: then one of them must have an address.
    """
    kinds = values.keys() & {"from", "date", "to", "subject"}
    if "from" not in kinds or len(kinds) < (2 if strength == 2 else 3):
        return False
    return strength == 2 or "subject" in kinds or "@" in values["from"] + values["to"]


def _below(lines: list[str], index: int, values: dict[str, str]) -> bool:
    """Whether a line may be the value of the label above it, as tables are shown in text: more labels follow."""
    return _early(values) or any(_labels(line) for line in lines[index + 1 : index + 3])


def _early(values: dict[str, str]) -> bool:
    """Whether an empty line may stand inside the block: HTML to text puts one between lines."""
    return len(values.keys() & {"from", "date", "to", "subject"}) < 3


def _labels(line: str) -> list[tuple[str, str]]:
    """What a line is about, with its value: none, one, or several where a program ran them together."""
    match = _LABEL.match(line[:WIDTH])
    kind = _KINDS.get(folded(match[1])) if match else None
    if match is None or kind is None:
        return []
    if kind in ("from", "subject", "date") and line.count(":") > 2:
        runs = list(_RUN.finditer(line))
        if len({_KINDS.get(folded(run[1])) for run in runs}) == len(runs) > 2:
            stops = [run.start() for run in runs[1:]] + [len(line)]
            return [
                (_KINDS[folded(run[1])], line[run.end() : stop].strip(" \t*"))
                for run, stop in zip(runs, stops, strict=True)
                if folded(run[1]) in _KINDS
            ]
    return [(kind, match[2].strip(" \t*"))]


def _continues(line: str, before: str) -> bool:
    """Whether a line goes on with a list of addresses that was wrapped."""
    return bool(line.strip(" \t>")) and "@" in line and (before.rstrip().endswith((",", ";")) or line.startswith("\t"))


def _title(lines: list[str], index: int) -> tuple[int, int]:
    """How much the line above the block says (2 forwarded, 1 no more than a reply), and where the block begins."""
    for above in range(index - 1, max(index - 1 - _LOOK_UP, -1), -1):
        bare = lines[above].strip(" \t>*")
        if not bare:
            continue
        title = folded(bare.strip("-–—_=~ :：.﹣─*<>[]【】"))
        if title in _FORWARD:
            return 2, above
        rule = not title and len(bare) > 3
        return 1, above if rule or title in _ORIGINAL else index
    return 1, index


def _skip_blank(lines: list[str], index: int) -> int:
    while index < len(lines) and not lines[index].strip(" \t>"):
        index += 1
    return index


def _said(lines: list[str], index: int, subject: str) -> Block | None:
    """A line such as 'On (date), (name) (address) wrote:' with an indented or quoted text below it."""
    line = lines[index].strip()
    address = shown.ADDRESS.search(line)
    when = _WHEN.search(line)
    if not address or not when or not line.endswith((":", "：")) or len(line) > 500:
        return None
    below = _skip_blank(lines, index + 1)
    if below >= len(lines) or not lines[below].startswith(("    ", "\t", ">", " >")):
        return None
    values = {
        "from": f"{_said_name(line, address.start())} <{address[0]}>".strip(),
        "date": when[0].strip(" ,"),
        "subject": cover.prefix(subject)[1],
    }
    return Block(values, index, below, 1, lines[below].lstrip().startswith(">"))


def _said_name(line: str, stop: int) -> str:
    """The name before the address of such a line: between quotes, else what follows date and verb."""
    match = _IN_QUOTES.search(line[: stop + 1])
    if match:
        return match[1]
    parts = line[:stop].replace(",", " ").split()
    for number in range(len(parts) - 1, -1, -1):
        if folded(parts[number]) in _BETWEEN or any(char.isdigit() for char in parts[number]):
            parts = parts[number + 1 :]
            break
    return " ".join(parts).strip(' <("„')


def _body(block: Block, lines: list[str]) -> str:
    """The text below the block, one level of quoting or indenting taken away where all of it has that."""
    below = lines[block.end :]
    if block.quoted:
        below = [_QUOTE.sub("", line, count=1) for line in below]
    elif all(line.startswith("    ") or not line.strip() for line in below):
        below = [line[4:] for line in below]
    return "\n".join(line if line.strip() else "" for line in below).strip("\n").rstrip()


def _message(block: Block, lines: list[str], mail: Cover) -> bytes:
    """The message as its reader saw it: five fields and the text, with the HTML below the block where there is some."""
    fields = [
        (label, _value(block.values[kind], kind))
        for kind, label in (("from", "From"), ("to", "To"), ("cc", "Cc"), ("date", "Date"), ("subject", "Subject"))
        if block.values.get(kind)
    ]
    head = "".join(f"{label}: {value}\n" for label, value in fields)
    body, markup = _body(block, lines), _markup(block, mail.markup)
    plain = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body + "\n"
    if not markup:
        return _bytes(head + "MIME-Version: 1.0\n" + plain)
    boundary = "inline-" + sha256(_bytes(body + markup))[:24]
    rich = "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + markup + "\n"
    parts = f"--{boundary}\n{plain}\n--{boundary}\n{rich}\n--{boundary}--\n"
    kind = f'Content-Type: multipart/alternative; boundary="{boundary}"\n\n'
    return _bytes(head + "MIME-Version: 1.0\n" + kind + parts)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _value(value: str, kind: str) -> str:
    """A value on one line; addresses as a header field has them."""
    value = " ".join("".join(char if char.isprintable() else " " for char in value).split())[:WIDTH]
    if kind not in ("from", "to", "cc"):
        return value
    return shown.mailbox(value) if kind == "from" else shown.mailboxes(value)


def _markup(block: Block, markup: str) -> str:
    """The HTML from the end of the block on, so that links behind a text are not lost; '' where its end isn't found."""
    sender = shown.ADDRESS.search(block.values["from"])
    begin = _after(markup, sender[0], 0, len(markup)) if sender else 0
    ends = [_after(markup, block.values.get(kind, ""), begin, begin + _NEAR) for kind in ("date", "subject")]
    end = max(ends)
    return markup[end:] if end else ""


def _after(markup: str, value: str, start: int, stop: int) -> int:
    """Where `value` ends in the HTML between `start` and `stop`; 0 where it doesn't stand there."""
    for form in (escape(value, quote=False), value):
        found = markup.find(form, start, stop) if len(form) > 2 else -1
        if found >= 0:
            return found + len(form)
    return 0
