"""Body: what the leaves of a MIME tree hold, and of its text what a reader sees.

Every leaf is decoded once and hashed. Text leaves that are shown (no attachment, not inside an attached message unless
there is nothing else) are read in their charset; of plain text and HTML that stand for each other the plain text is
taken, unless it is trivial beside the HTML or says something else: then the HTML, which is what mail programs show.
Standards: RFC 2046 section 5.1.4 (alternative), RFC 2183 (disposition).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from intake import charset, html, links
from intake.mime import DECODED, EMBEDDED, Node, Tree, decoded
from intake.page import TEXT, Anchor, Page, clean, splits_words
from intake.record import sha256

SHOWN = 20
"""Most text leaves that are read."""

_URL = re.compile(r"\S{0,20}://\S{1,2000}")
_WORDS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,}")
_COMPARED = 6000


class Content(NamedTuple):
    """A leaf with size and SHA-256 of its decoded content."""

    node: Node
    size: int
    sha256: str


class Found(NamedTuple):
    """A link as it stands in `node`, and the address that it is relative to."""

    anchor: Anchor
    node: Node
    base: str = ""


@dataclass(slots=True)
class Body:
    """What was read of a message's body; `node` is the leaf that the text begins with."""

    text: str = ""
    node: Node | None = None
    hidden: str = ""
    contents: list[Content] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    flags: dict[str, None] = field(default_factory=dict)
    limits: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    """A text leaf that is shown, with the numbers of the alternatives that it belongs to."""

    node: Node
    raw: bytes
    choices: frozenset[int]
    text: str = ""
    page: Page | None = None


def read(data: bytes, tree: Tree) -> Body:
    """The leaves and the text of `data`, whose parts are `tree`; never raises, linear within the limits."""
    body = Body()
    shown, inner = _leaves(data, tree, body)
    parts = shown if any(part.raw.strip() for part in shown) else shown + inner
    if len(parts) > SHOWN:
        body.limits["text-parts"] = None
    _read_all(parts[:SHOWN], body)
    _choose(parts[:SHOWN], body)
    _collect(parts[:SHOWN], body)
    return body


def _leaves(data: bytes, tree: Tree, body: Body) -> tuple[list[_Part], list[_Part]]:
    """Fill in the contents; the text leaves of the message itself, and those inside messages attached to it."""
    shown: list[_Part] = []
    inner: list[_Part] = []
    placed = list(_placed(tree))
    for node, choices, inside in placed:
        if node.children:
            continue
        content = decoded(data, node)
        if len(content) >= DECODED:
            body.limits["part-size"] = None
        body.contents.append(Content(node, len(content), sha256(content)))
        if _is_shown(node):
            (inner if inside else shown).append(_Part(node, content[: html.SIZE + 1], choices))
    return shown, inner


def _placed(tree: Tree) -> Iterator[tuple[Node, frozenset[int], bool]]:
    """Each node with the alternatives above it, and whether it lies inside an attached message; parents come first."""
    above: list[tuple[frozenset[int], bool]] = []
    for index, node in enumerate(tree.nodes):
        choices, inside = above[node.parent] if node.parent >= 0 else (frozenset[int](), False)
        yield node, choices, inside
        if node.type == "multipart/alternative":
            choices = choices | {index}
        above.append((choices, inside or node.type in EMBEDDED))


def _is_shown(node: Node) -> bool:
    """Text that is no attachment; a multipart without parts is read as the text that it is to the eye."""
    if node.disposition == "attachment":
        return False
    return node.type in ("text/plain", "text/html", "text/enriched") or node.type.startswith("multipart/")


def _read_all(parts: list[_Part], body: Body) -> None:
    size, tags = html.SIZE, html.TAGS
    for part in parts:
        reading = charset.read(part.raw, part.node.charset)
        if reading.how in ("guessed", "damaged"):
            body.flags[f"charset-{reading.how}"] = None
        if part.node.type == "text/html":
            page = part.page = html.read(reading.text, size, tags)
            part.text = page.text
            size, tags = size - min(size, len(reading.text)), tags - page.tags
            body.flags |= dict.fromkeys(page.flags)
            body.limits |= dict.fromkeys(page.limits)
        else:
            _read_plain(part, reading.text, body)


def _read_plain(part: _Part, text: str, body: Body) -> None:
    if len(text) > TEXT:
        body.limits["text"] = None
        text = text[:TEXT]
    if splits_words(text):
        body.flags["invisible-characters"] = None
    part.text = "\n".join([line.rstrip() for line in clean(text).split("\n")]).strip("\n")


def _choose(parts: list[_Part], body: Body) -> None:
    """Put together the text that a reader sees."""
    rich = frozenset[int]().union(*(part.choices for part in parts if part.page))
    either = [part for part in parts if not part.page and part.choices & rich]
    if either:
        plain, other = _joined(either), _joined([part for part in parts if part.page])
        differs = _differs(plain, other)
        if differs:
            body.flags["alternatives-differ"] = None
        left_out = either if other and (differs or len(plain) * 4 < len(other)) else [p for p in parts if p.page]
        parts = [part for part in parts if part not in left_out]
    text = _joined(parts)
    if len(text) > TEXT:
        body.limits["text"] = None
    body.text = text[:TEXT]
    body.node = next((part.node for part in parts if part.text), None)


def _joined(parts: list[_Part]) -> str:
    return "\n".join([part.text for part in parts if part.text])


def _differs(plain: str, other: str) -> bool:
    """Whether most of the words of a plain text of some length are missing from the HTML beside it."""
    words = set(_WORDS.findall(_URL.sub(" ", plain[:_COMPARED]).lower()))
    if len(words) < 8 or not other:
        return False
    return len(words.intersection(_WORDS.findall(other[: 2 * _COMPARED].lower()))) * 2 < len(words)


def _collect(parts: list[_Part], body: Body) -> None:
    """The links and the hidden text of all parts, those of HTML first."""
    hidden = "\n".join([part.page.hidden for part in parts if part.page and part.page.hidden])
    if len(hidden) > TEXT:
        body.limits["hidden-text"] = None
    body.hidden = hidden[:TEXT]
    for part in parts:
        if part.page:
            body.found += [Found(anchor, part.node, part.page.base) for anchor in part.page.anchors]
    for part in parts:
        labels = "\n".join([anchor.label for anchor in part.page.anchors]) if part.page else ""
        for count, raw in enumerate(links.in_text(part.text)):
            if count >= links.MOST:
                body.limits["links"] = None
                break
            if raw not in labels:
                body.found.append(Found(Anchor(raw, "text"), part.node))
