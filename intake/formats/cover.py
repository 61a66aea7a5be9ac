"""The cover mail: the mail in which a person hands in another one, and what that person wrote in it.

The cover's own words are text that is nowhere executed or believed; they end up as a claim's note.
"""

from collections.abc import Iterator
from typing import NamedTuple

from intake import html, mime, words
from intake.formats.labels import FORWARDED, REPLIED
from intake.mime import Node, Tree

TEXT = 200_000
"""Characters of the cover's text that are read."""
NOTE = 4000
"""Characters of what the person wrote that are kept."""
BRIEF = 2000
"""Characters of text that a person writes at most above a mail that is attached."""

_FORWARDED = frozenset(FORWARDED.split("|"))
_REPLIED = frozenset(REPLIED.split("|"))


class Cover(NamedTuple):
    """What a mail says outside the messages that it carries; `markup` is its HTML part, undecoded as to tags."""

    subject: str
    text: str
    markup: str


def read(content: bytes, tree: Tree) -> Cover:
    """The words of the mail: its plain text, or what its HTML shows where it has none."""
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
    return Cover(words.words(mime.first(content, tree.root, "subject")), text, markup)


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
    word = before.partition("[")[0].partition("(")[0].strip().casefold()
    if not colon or word not in _FORWARDED | _REPLIED:
        return "", subject
    return word, subject[len(before) + 1 :].strip()
