"""Page: what one HTML body shows its reader, what it hides, and where it leads.

A View is fed the tokens of the markup in order and keeps a stack of at most 256 open elements with the style that text
in them has. Alternative texts of images count as seen, since mail programs show them until the images are asked for.
Source: WHATWG HTML (end tags that may be left out, section 13.1.2.4; scope, section 13.2.4.2), CSS: `intake/style.py`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from intake.style import CLEAR, PLAIN, RULES, UNKNOWN, Style, color, inline, sheet

DEPTH = 256
"""Most elements that are open at once; further ones are read as if their tags were not there."""
TEXT = 200_000
"""Characters of visible text, and of hidden text, that are given back."""
LINKS = 500
"""Most links that are given back."""
LABEL = 300
"""Characters of a link's text that are given back."""


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_WHITE = 0xFFFFFF
_VOID = _set("area base basefont bgsound br col embed frame hr img input link meta param source track wbr")
_BLOCK = _set(
    "address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form h1 "
    "h2 h3 h4 h5 h6 header hr html li main menu nav ol p pre section summary table tbody tfoot thead title tr ul "
    "caption br"
)
_CELL = _set("td th option")
_SILENT = _set("script style title iframe noframes noembed xmp")
_NEVER = _set("template datalist")
_SCOPE = _set("table td th caption html object marquee template button")
_NONE: frozenset[str] = frozenset()
_INSIDE = _set("table")
_P = (_set("p"), _SCOPE)
_IMPLIED = {name: _P for name in _BLOCK - _set("dd dt tr tbody tfoot thead title caption body html br li")} | {
    "li": (_set("li"), _SCOPE | _set("ul ol dir menu")),
    "dt": (_set("dt dd"), _SCOPE | _set("dl")),
    "dd": (_set("dt dd"), _SCOPE | _set("dl")),
    "option": (_set("option"), _SCOPE | _set("select")),
    "td": (_set("td th"), _set("table tr")),
    "th": (_set("td th"), _set("table tr")),
    "tr": (_set("tr"), _INSIDE),
    "tbody": (_set("tbody thead tfoot"), _INSIDE),
}
"""Opening tag -> what it closes without saying so, and what such closing does not reach beyond."""
_REACH = {"table": _NONE, "html": _NONE, "body": _NONE} | {name: _INSIDE for name in _set("td th tr tbody thead tfoot")}
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2060-\u2064\ufeff]"
)
_CONTROL = bytes(set(range(32)) - {0x09, 0x0A}) + b"\x7f"
_SPLIT_WORD = re.compile("[A-Za-z][\u034f\u180e\u200b-\u200f\u2060-\u2064\ufeff][A-Za-z]")


class Anchor(NamedTuple):
    """A link as the markup has it: `where` is html, form, image, refresh; `label` what the reader sees in its place."""

    raw: str
    where: str
    label: str = ""
    hidden: bool = False


class Page(NamedTuple):
    """What one HTML body shows. `base` is the address that relative links are relative to, '' where none is given."""

    text: str
    hidden: str
    anchors: tuple[Anchor, ...]
    base: str
    flags: tuple[str, ...]
    limits: tuple[str, ...]
    tags: int = 0


@dataclass(slots=True)
class _Open:
    """A link while its text is being read."""

    index: int
    label: list[str] = field(default_factory=list)
    size: int = 0


def clean(text: str) -> str:
    """Text with LF as its line end, without control characters and characters that nobody sees."""
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    if text.isascii():
        return text.encode().translate(None, _CONTROL).decode()
    return _UNSEEN.sub("", text)


def legible(text: str) -> str:
    """Clean text, its lines trimmed, blank ones left out."""
    lines = [" ".join(line.split()) for line in clean(text).split("\n")]
    return "\n".join([line for line in lines if line])


def splits_words(text: str) -> bool:
    """Whether a character that nobody sees stands inside a word of Latin letters."""
    return not text.isascii() and _SPLIT_WORD.search(text) is not None


class View:
    """One pass over the tokens of a body: `text`, `start` and `end` in the order of the markup, then `page`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.unseen: list[str] = []
        self.seen_size = self.unseen_size = 0
        self.anchors: list[Anchor] = []
        self.known: dict[tuple[str, str], int] = {}
        self.link: _Open | None = None
        self.stack = [("", Style(back=_WHITE), True)]
        self.count: dict[str, int] = {}
        self.open: set[str] = set()
        self.skipped: dict[str, int] = {}
        self.rules: dict[str, Style] = {}
        self.styles: dict[str, Style] = {}
        self.pairs: dict[tuple[Style, Style], Style] = {}
        self.silent = self.base = ""
        self.shown = True
        self.tags = 0
        self.flags: dict[str, None] = {}
        self.limits: dict[str, None] = {}

    def page(self) -> Page:
        """What was read."""
        self.close_link()
        seen = "".join(self.seen)
        if splits_words(seen):
            self.flags["invisible-characters"] = None
        hidden = legible("".join(self.unseen))
        if hidden:
            self.flags["hidden-text"] = None
        return Page(
            legible(seen), hidden, tuple(self.anchors), self.base, tuple(self.flags), tuple(self.limits), self.tags
        )

    def text(self, data: str) -> None:
        """A run of text."""
        if self.silent:
            if self.silent == "style" and len(self.rules) < RULES:
                self.rules |= sheet(data)
            return
        if "\n" in data and "pre" not in self.open:
            data = data.replace("\n", " ")
        if self.shown:
            self.show(data)
        else:
            self.unseen_size = self.keep(self.unseen, self.unseen_size, data, "hidden-text")

    def show(self, data: str) -> None:
        self.seen_size = self.keep(self.seen, self.seen_size, data, "text")
        if self.link and self.link.size < LABEL:
            self.link.label.append(data)
            self.link.size += len(data)

    def keep(self, pieces: list[str], size: int, data: str, limit: str) -> int:
        """Add `data` to `pieces` that have `size` characters; how many they have now."""
        if size + len(data) > TEXT:
            self.limits[limit] = None
            data = data[: TEXT - size]
        if data:
            pieces.append(data)
        return size + len(data)

    def mark(self, piece: str) -> None:
        """A line end or a blank that markup stands for, in both texts."""
        if self.seen and self.seen[-1] != piece:
            self.seen.append(piece)
        if self.unseen and self.unseen[-1] != piece:
            self.unseen.append(piece)

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        """A start tag with its attributes, names in lower case."""
        self.tags += 1
        if tag in _BLOCK:
            self.mark("\n")
        elif tag in _CELL:
            self.mark(" ")
        if tag in _IMPLIED and not self.open.isdisjoint(_IMPLIED[tag][0]):
            self.close(*_IMPLIED[tag])
        style = self.styled(tag, attrs)
        if attrs:
            self.follow(tag, attrs, style)
        if tag in _VOID:
            return
        if tag in _SILENT:
            self.silent = tag
        elif len(self.stack) > DEPTH:
            self.limits["html-depth"] = None
            self.skipped[tag] = self.skipped.get(tag, 0) + 1
        else:
            if style is not self.stack[-1][1]:
                self.shown = style.shows()
            self.stack.append((tag, style, self.shown))
            self.count[tag] = self.count.get(tag, 0) + 1
            self.open.add(tag)

    def end(self, tag: str) -> None:
        """An end tag."""
        if tag in _BLOCK:
            self.mark("\n")
        if tag == self.silent:
            self.silent = ""
        elif self.skipped.get(tag):
            self.skipped[tag] -= 1
        elif tag in self.open:
            self.close((tag,), _REACH.get(tag, _SCOPE))
        if tag == "a":
            self.close_link()

    def close(self, tags: Collection[str], stops: frozenset[str]) -> None:
        """Close the innermost of `tags` and all in it, unless one of `stops` is in between."""
        for index in range(len(self.stack) - 1, 0, -1):
            name = self.stack[index][0]
            if name in tags:
                for level in self.stack[index:]:
                    self.count[level[0]] -= 1
                    if not self.count[level[0]]:
                        self.open.discard(level[0])
                del self.stack[index:]
                self.shown = self.stack[-1][2]
                return
            if name in stops:
                return

    def styled(self, tag: str, attrs: dict[str, str]) -> Style:
        """What holds for the text of an element: its own declarations over what it inherits."""
        parent = self.stack[-1][1]
        if not attrs and tag not in self.rules and tag not in _NEVER:
            return parent
        own = self.own(tag, attrs) if attrs else self.rules.get(tag, PLAIN)
        if tag in _NEVER:
            own = own._replace(gone=True)
        if own == PLAIN:
            return parent
        return self.inherited(own, parent)

    def inherited(self, own: Style, parent: Style) -> Style:
        """`own` over `parent`, worked out once for each pair: the styles of a mail are few and repeat."""
        style = self.pairs.get((own, parent))
        if style is None:
            over = own._replace(back=None) if own.back == CLEAR else own
            style = self.pairs[own, parent] = over.over(parent)
        return style

    def own(self, tag: str, attrs: dict[str, str]) -> Style:
        """The declarations of one element: attribute, then id, classes and tag, then presentational attributes."""
        style = PLAIN
        if "style" in attrs:
            style = self.declared(attrs["style"])
        if self.rules and ("class" in attrs or "id" in attrs or tag in self.rules):
            style = style.over(self.ruled(tag, attrs))
        if "bgcolor" in attrs:
            style = style.over(Style(back=color(attrs["bgcolor"])))
        if "background" in attrs:
            style = style.over(Style(back=UNKNOWN))
        if "color" in attrs and tag == "font":
            style = style.over(Style(color=color(attrs["color"])))
        if "hidden" in attrs:
            style = style._replace(gone=True)
        return style

    def declared(self, text: str) -> Style:
        style = self.styles.get(text)
        if style is None:
            style = self.styles[text] = inline(text)
        return style

    def ruled(self, tag: str, attrs: dict[str, str]) -> Style:
        style = self.rules.get("#" + attrs["id"].lower(), PLAIN) if "id" in attrs else PLAIN
        for name in attrs.get("class", "").lower().split()[:20]:
            for key in (f"{tag}.{name}", f".{name}"):
                if key in self.rules:
                    style = style.over(self.rules[key])
        return style.over(self.rules[tag]) if tag in self.rules else style

    def follow(self, tag: str, attrs: dict[str, str], style: Style) -> None:
        """Take down where an element leads."""
        if tag in ("a", "area"):
            self.close_link()
            index = self.add(attrs.get("href", ""), "html", style)
            if tag == "a" and index >= 0:
                self.link = _Open(index)
        elif tag == "img":
            self.add(attrs.get("src", ""), "image", style)
            if attrs.get("alt"):
                self.text(f" {attrs['alt']} ")
        elif tag in ("form", "button", "input"):
            self.form(tag, attrs, style)
        elif tag in ("iframe", "frame", "embed"):
            self.add(attrs.get("src", ""), "html", style)
        elif tag == "meta":
            self.refresh(attrs)
        elif tag == "base" and not self.base:
            self.base = attrs.get("href", "")[:8192].strip()
        if "background" in attrs:
            self.add(attrs["background"], "image", style)

    def form(self, tag: str, attrs: dict[str, str], style: Style) -> None:
        self.add(attrs.get("action" if tag == "form" else "formaction", ""), "form", style)
        kind = attrs.get("type", "").lower()
        if tag == "form":
            self.flags["form"] = None
        if kind == "password":
            self.flags["password-field"] = None
        elif tag == "input" and kind in ("submit", "button"):
            self.text(f" {attrs.get('value', '')} ")

    def refresh(self, attrs: dict[str, str]) -> None:
        before, equals, target = attrs.get("content", "").partition("=")
        if attrs.get("http-equiv", "").lower() == "refresh" and equals and before.rstrip().lower().endswith("url"):
            self.add(target.strip(" \t\r\n'\""), "refresh")

    def add(self, raw: str, where: str, style: Style = PLAIN) -> int:
        """Note a link, each once for each place; its number, -1 where it is none."""
        raw = raw.strip("\x00\t\n\x0c\r ")
        if (
            not raw
            or raw.startswith("#")
            or raw[:4].lower() == "cid:"
            or (where == "image" and raw[:5].lower() == "data:")
        ):
            return -1
        known = self.known.get((raw, where))
        if known is not None:
            return known
        if len(self.anchors) >= LINKS:
            self.limits["links"] = None
            return -1
        self.known[raw, where] = len(self.anchors)
        self.anchors.append(Anchor(raw, where, "", style.gone or bool(style.unseen)))
        return len(self.anchors) - 1

    def close_link(self) -> None:
        """The first text that is not empty becomes the label of a link."""
        link, self.link = self.link, None
        if link and not self.anchors[link.index].label:
            label = legible("".join(link.label).replace("\n", " "))
            self.anchors[link.index] = self.anchors[link.index]._replace(label=label[:LABEL])
