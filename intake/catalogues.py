"""Catalogues: the words of the public pages, one file for each language, named by its BCP 47 tag.

A catalogue has every word of the English one and no other, and the same blanks in each; what is wrong is said when it
is loaded, with file and word. Those of the package stand in `pages/`; a house adds its own, or takes one's place, in a
folder of its home. Which way a language is written is known by its tag. RFC 5646 (tags), RFC 4647 section 3.4 and
RFC 9110 section 12.5.4 (what a reader prefers); the scripts written from right to left are those of UAX 9.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "pages"
FIRST = "en"
"""The language of a reader whose own is none of ours, and the measure of the others."""
Words = Mapping[str, str]
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,7}")
_LEFTWARD = re.compile("adlm|ara[bn]|hebr|mand|mani|nkoo|rohg|samr|syrc|thaa")
"""Scripts written from right to left, and the languages that are written in one where the tag names none."""
_BY_CUSTOM = re.compile(
    "a(?:r|rc|rz|ry|pc|zb)|bal|bqi|ckb|dv|fa|glk|haz|he|iw|ji|khw|ks|lrc|mzn|nqo|pnb|prs|ps|rhg|sdh?|skr|syr|ug|ur|yi"
)


def catalogues(*folders: Path) -> dict[str, Words]:
    """Every language's words by its tag, the later folder's where several have one; ValueError says what is wrong."""
    paths = {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}
    english = _read(FOLDER / f"{FIRST}.toml")
    return {tag: _checked(path, _read(path), english) for tag, path in sorted(paths.items())}


def _read(path: Path) -> Words:
    try:
        words = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} can't be read: {error}") from error
    return words


def _checked(path: Path, words: Words, english: Words) -> Words:
    if not _TAG.fullmatch(path.stem):
        raise ValueError(f"{path.name} is not named by a language tag such as pt-BR")
    missing, foreign = sorted(english.keys() - words.keys()), sorted(words.keys() - english.keys())
    if missing:
        raise ValueError(f"{path.name} has no '{missing[0]}'")
    if foreign:
        raise ValueError(f"{path.name} has '{foreign[0]}', which is no word of the pages")
    for key, text in words.items():
        if not isinstance(text, str) or (english[key] and not text.strip()):
            raise ValueError(f"{path.name}: '{key}' is no text, or empty")
        if _blanks(path, key, text) != _blanks(path, key, english[key]):
            raise ValueError(f"{path.name}: '{key}' has other blanks in braces than the English '{english[key]}'")
    return words


def _blanks(path: Path, key: str, text: str) -> set[str]:
    """What is put into the text, as it stands in braces."""
    try:
        found = [each for each in string.Formatter().parse(text) if each[1] is not None]
    except ValueError as error:
        raise ValueError(f"{path.name}: '{key}' has a brace that stands alone") from error
    return {f"{name}{convert or ''}{spec or ''}" for _, name, spec, convert in found}


def direction(tag: str) -> str:
    """Which way the language of that tag is written: `ltr` or `rtl`."""
    language, *more = tag.lower().split("-")
    script = next((each for each in more if len(each) == 4 and each.isalpha()), "")
    leftward = _LEFTWARD.fullmatch(script) if script else _BY_CUSTOM.fullmatch(language)
    return "rtl" if leftward else "ltr"


def best(preferences: str, known: Mapping[str, Words]) -> str:
    """The best of the languages for an Accept-Language header.

    A tag without a catalogue of its own gets one of the same language in another script or country.
    """
    ranked = []
    for index, item in enumerate(preferences.split(",")[:20]):
        tag, _, weight = item.partition(";q=")
        ranked.append((-_weight(weight), index, tag.strip().lower()))
    for dislike, _, tag in sorted(ranked):
        if dislike < 0 and (found := nearest(tag, known)):
            return found
    return FIRST


def nearest(tag: str, known: Mapping[str, object]) -> str:
    """The tag itself, or one of the same language, '' where there is none."""
    same = [each for each in known if each.lower().partition("-")[0] == tag.lower().partition("-")[0]]
    return next((each for each in same if each.lower() == tag.lower()), next(iter(same), "")) if tag else ""


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
