"""The cover mail: the mail in which a person hands in another one, and what that person wrote in it.

The cover's own words are text that is nowhere executed or believed; they end up as a claim's note.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from intake import html, mime, words
from intake.formats.labels import FORWARDED, REPLIED, folded, table
from intake.mime import Node, Tree

TEXT = 200_000
"""Characters of the cover's text that are read."""
NOTE = 4000
"""Characters of what the person wrote that are kept."""
BRIEF = 2000
"""Characters of text that a person writes at most above a mail that is attached."""

_SIGNED = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z]{1,20}: ?[^\n]{0,200}\n){0,5}\n?", re.MULTILINE
)
_SIGNATURE = re.compile(r"\n-----BEGIN PGP SIGNATURE-----[^-]{1,20000}-----END PGP SIGNATURE-----[ \t]*", re.MULTILINE)
_DELIVERED = frozenset({"return-path", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"})
"""Fields that the last delivery writes."""
_NO_PERSON = frozenset(
    {"resent-from", "resent-to", "list-unsubscribe", "list-id", "precedence", "auto-submitted"}
)  # fmt: skip
"""Fields that a redirect adds, and that programs give to the mail they send."""
_FORWARDED = table(FORWARDED)
_REPLIED = table(REPLIED)


class Cover(NamedTuple):
    """What a mail says outside the messages that it carries; `markup` is its HTML part, undecoded as to tags."""

    subject: str
    text: str
    markup: str


_last: list[tuple[Tree, Cover]] = []
"""The mail that was read last: several readers ask for the words of one mail, and HTML may be long."""


def read(content: bytes, tree: Tree) -> Cover:
    """The words of the mail: its plain text, or what its HTML shows where it has none."""
    if not _last or _last[0][0] is not tree:
        _last[:] = [(tree, _read(content, tree))]
    return _last[0][1]


def _read(content: bytes, tree: Tree) -> Cover:
    plain, markup = [], ""
    for node in own(tree):
        if node.children or node.disposition == "attachment" or not node.type.startswith("text/"):
            continue
        if node.type == "text/html" and not markup:
            markup = _text(content, node)
        elif node.type == "text/plain" and not node.name:
            plain.append(_text(content, node))
    text = "\n".join(plain)[:TEXT]
    if not text.strip() and markup:
        text = html.read(markup).text
    return Cover(words.words(mime.first(content, tree.root, "subject")), _unarmoured(text), markup)


def _unarmoured(text: str) -> str:
    """A text that is signed in the clear, without what OpenPGP puts around it (RFC 9580 section 7)."""
    begin = _SIGNED.search(text)
    end = _SIGNATURE.search(text, begin.end()) if begin else None
    if begin is None or end is None:
        return text
    plain = "\n".join(line.removeprefix("- ") for line in text[begin.end() : end.start()].split("\n"))
    return text[: begin.start()] + plain + text[end.end() :]


def _text(content: bytes, node: Node) -> str:
    data = mime.decoded(content, node, TEXT * 4)
    charset = node.charset
    if not words.charset_codec(charset) and not data.isascii():
        charset = html.guess_charset(data)[0]
    return words.text(data, charset)[: html.SIZE].replace("\r\n", "\n").replace("\r", "\n")


def own(tree: Tree) -> Iterator[Node]:
    """The parts of the cover itself, without those of a message inside it."""
    foreign: set[int] = set()
    for index, node in enumerate(tree.nodes):
        if node.parent in foreign:
            foreign.add(index)
            continue
        if node.type in mime.EMBEDDED:
            foreign.add(index)
        yield node


def passed_on(tree: Tree) -> bool:
    """Whether a mail was in a mailbox before it came to us, or never was a person's: then it is itself reported.

    What our own delivery writes stands above all Received lines.
    """
    names = [field.name.lower() for field in tree.root.fields]
    below = names[names.index("received") :] if "received" in names else []
    return not (_DELIVERED.isdisjoint(below) and _NO_PERSON.isdisjoint(names))


def forwarded(subject: str) -> bool:
    """Whether the subject has the prefix of a forward."""
    return prefix(subject)[0] in _FORWARDED


def replied(subject: str) -> bool:
    """Whether the subject has the prefix of a reply."""
    return prefix(subject)[0] in _REPLIED


def prefix(subject: str) -> tuple[str, str]:
    """The first prefix of a subject ('fwd' of 'Fwd[2]: x', '' where it has none) and what follows it."""
    head = subject[:40].replace("：", ":")
    before, colon, _ = head.partition(":")
    word = folded(before.partition("[")[0].partition("(")[0])
    if not colon or word not in _FORWARDED | _REPLIED:
        return "", subject
    return word, subject[len(before) + 1 :].strip()
