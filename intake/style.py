"""Style: the few CSS declarations that decide whether a reader of a mail sees a text.

Read leniently and in linear time: inline declarations in full, style sheets only where a selector is a single tag,
class or id (what stands in `@media` or behind a combinator is not judged). What is not understood hides nothing.
Source: CSS 2.2 and CSS Color 4, as far as mail clients honour them.
"""

import re
from typing import NamedTuple

DECLARATIONS = 4000
"""Characters of one `style` attribute that are read."""
SHEET = 200_000
"""Characters of style sheets that are read."""
RULES = 2000
"""Most rules of all style sheets together."""

CLEAR = -1
"""The colour `transparent`."""
UNKNOWN = -2
"""A background that is an image, a gradient or anything else that is no plain colour."""


class Style(NamedTuple):
    """What declarations say; None where they say nothing.

    `gone`: with all that is inside, nothing can bring it back. `unseen`: visibility, `tiny`: font size next to zero;
    both are inherited and may be taken back inside. `color`, `back`: 0xRRGGBB, CLEAR or UNKNOWN.
    """

    gone: bool = False
    unseen: bool | None = None
    tiny: bool | None = None
    color: int | None = None
    back: int | None = None

    def over(self, other: "Style") -> "Style":
        """Both, this one first."""
        return Style(
            self.gone or other.gone,
            self.unseen if self.unseen is not None else other.unseen,
            self.tiny if self.tiny is not None else other.tiny,
            self.color if self.color is not None else other.color,
            self.back if self.back is not None else other.back,
        )

    def shows(self) -> bool:
        """Whether letters of this style can be seen: none of the above, and not the colour of the paper."""
        if self.gone or self.unseen or self.tiny:
            return False
        if self.color is None:
            return True
        return self.color != CLEAR and (self.back is None or not alike(self.color, self.back))


PLAIN = Style()

_READ = frozenset((
    "display", "visibility", "opacity", "overflow", "height", "width", "max-height", "max-width", "text-indent", "left",
    "top", "margin-left", "font", "font-size", "color", "background", "background-color", "background-image",
))  # fmt: skip
"""Properties that are read."""
_LENGTH = re.compile(r"(-?\d{0,6}(?:\.\d{0,6})?)\s{0,4}(px|pt|em|rem|%|vw|vh|cm|mm|in|ex)?$")
_NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,6})?%?")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BRACE = re.compile(r"([{}])")
_SELECTOR = re.compile(r"[a-z0-9]{0,20}(?:[.#][\w-]{1,100})?")
_PREFIX = re.compile(r"\s*(?:<!--)?\s*")
_NAMED = {
    "white": 0xFFFFFF, "black": 0, "red": 0xFF0000, "yellow": 0xFFFF00, "blue": 0x0000FF, "green": 0x008000,
    "gray": 0x808080, "grey": 0x808080, "silver": 0xC0C0C0, "navy": 0x000080, "maroon": 0x800000, "orange": 0xFFA500,
    "snow": 0xFFFAFA, "ivory": 0xFFFFF0, "whitesmoke": 0xF5F5F5, "ghostwhite": 0xF8F8FF, "transparent": CLEAR,
}  # fmt: skip
_HIDING = frozenset(("display", "opacity", "overflow", "text-indent", "left", "top", "margin-left"))
_KEPT = frozenset(("", "inherit", "initial", "unset", "none", "currentcolor"))
"""Values that leave a colour as it was."""
_RELATIVE = ("em", "%", "ex")


def inline(text: str) -> Style:
    """What the declarations of one `style` attribute, or of one rule, say."""
    said: dict[str, str] = {}
    for declaration in text[:DECLARATIONS].lower().split(";"):
        name, colon, value = declaration.partition(":")
        if colon and (name := name.strip()) in _READ:
            said[name] = value.replace("!important", "").strip()
    if not said:
        return PLAIN
    return Style(
        _gone(said), _unseen(said.get("visibility", "")), _tiny(said), _color(said.get("color", "")), _back(said)
    )


def _gone(said: dict[str, str]) -> bool:
    if not said.keys() & _HIDING:
        return False
    if said.get("display", "") == "none":
        return True
    if "opacity" in said and (_size(said["opacity"], 1.0) or 0.0) < 0.05:
        return True
    if said.get("overflow", "").startswith("hidden") and any(
        _size(said[name], 100.0) == 0 for name in ("max-height", "height", "max-width", "width") if name in said
    ):
        return True
    far = [said[name] for name in ("text-indent", "left", "top", "margin-left") if name in said]
    return any((_size(value, 0.0) or 0.0) <= -500 for value in far)


def _unseen(value: str) -> bool | None:
    return value != "visible" if value in ("hidden", "collapse", "visible") else None


def _tiny(said: dict[str, str]) -> bool | None:
    """Whether letters are at most 1 pixel or point high; a size relative to the parent's says nothing unless 0."""
    value = said.get("font-size", "")
    if not value and "font" in said:
        value = next((word.partition("/")[0] for word in said["font"].split()[:6] if word[0].isdigit()), "")
    match = _LENGTH.match(value)
    if not match or match.group(1) in ("", "-", "."):
        return False if value else None
    size = float(match.group(1))
    if match.group(2) in _RELATIVE:
        return True if size == 0 else None
    return size <= 1


def _size(value: str, other: float) -> float:
    match = _LENGTH.match(value)
    return float(match.group(1)) if match and match.group(1) not in ("", "-", ".", "-.") else other


def _back(said: dict[str, str]) -> int | None:
    whole, value = said.get("background", ""), said.get("background-color", "")
    if "url(" in whole or "gradient" in whole or said.get("background-image", "none") != "none":
        return UNKNOWN
    if value or whole.startswith("rgb"):
        return _color(value or whole.partition(")")[0])
    known = [each for each in map(_color, whole.split()[:6]) if each is not None and each != UNKNOWN]
    return known[0] if known else UNKNOWN if whole and whole not in _KEPT else None


def _color(value: str) -> int | None:
    return None if value in _KEPT else color(value)


def color(value: str) -> int:
    """A colour as CSS or an HTML attribute writes it: 0xRRGGBB, CLEAR or UNKNOWN."""
    value = value.strip().lower()
    if value in _NAMED:
        return _NAMED[value]
    digits = value.removeprefix("#")
    if len(digits) in (3, 6) and all(digit in "0123456789abcdef" for digit in digits):
        return int(digits if len(digits) == 6 else "".join(digit * 2 for digit in digits), 16)
    if value.startswith(("rgb(", "rgba(")):
        return _rgb(_NUMBERS.findall(value[:60]), value.startswith("rgba("))
    return UNKNOWN


def _rgb(numbers: list[str], alpha: bool) -> int:
    if alpha and len(numbers) == 4 and float(numbers[3].rstrip("%")) == 0:
        return CLEAR
    if len(numbers) < 3 or any("%" in number for number in numbers[:3]):
        return UNKNOWN
    red, green, blue = (min(int(float(number)), 255) for number in numbers[:3])
    return red << 16 | green << 8 | blue


def alike(one: int, two: int) -> bool:
    """Whether two colours can't be told apart: no channel differs by more than 12 of 255."""
    if one < 0 or two < 0:
        return False
    return all(abs((one >> shift & 255) - (two >> shift & 255)) <= 12 for shift in (0, 8, 16))


def sheet(css: str) -> dict[str, Style]:
    """What style sheets say of 'tag', '.class', 'tag.class' or '#id'.

    A selector with a combinator or a pseudo-class gives, for the class or id it ends with, an UNKNOWN background if it
    has one, so that white letters on it are not taken for letters on white paper.
    """
    rules: dict[str, Style] = {}
    depth, selector = 0, ""
    pieces = iter(_BRACE.split(_COMMENT.sub("", css[:SHEET])))
    for piece, brace in zip(pieces, pieces, strict=False):
        if brace == "{":
            selector = piece if depth == 0 else ""
            depth += 1
            continue
        depth = max(depth - 1, 0)
        if depth == 0 and selector and "@" not in selector:
            _rule(rules, selector, inline(piece))
        if len(rules) >= RULES:
            break
    return rules


def _rule(rules: dict[str, Style], selectors: str, style: Style) -> None:
    for each in selectors[_PREFIX.match(selectors).end() :].lower().split(",")[:50]:  # type: ignore[union-attr]
        words = each.split()
        if len(words) == 1 and _SELECTOR.fullmatch(words[0]):
            rules[words[0]] = style.over(rules.get(words[0], PLAIN))
        elif words and style.back is not None:
            last = re.split(r"[.#]", words[-1])[-1].partition(":")[0]
            for key in (f".{last}", f"#{last}"):
                rules[key] = Style(back=UNKNOWN).over(rules.get(key, PLAIN))
