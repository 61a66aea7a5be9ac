"""Terms: finding what a text says, by lists of phrases in many languages, in time linear in the text.

`tokens` folds a text (compatibility forms, case, accents, invisible characters, disguised letters) into words; each
character of a script without spaces is a word of its own. A lexicon is a file of `[concept]` headings with one
phrase a line: `a|b` are alternatives for one word, `word*` is a beginning, `x ~ y` wants both within `NEAR` words of
each other. One walk over the words finds every phrase of every language at once.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

NEAR, NEAR_CHARACTERS = 10, 30
"""Words between the two halves of a phrase with `~`; and characters, where these are the words."""
MOST_TOKENS = 6_000
"""Words of one text that are read: the first five sixths of these from its beginning, the others from its end."""
MOST_CHARACTERS = 200_000
REMEMBERED = 20_000
"""Words for which a lexicon remembers the phrases that begin with them."""
FOLDER = Path(__file__).parent / "lexicon"

_TOKEN = re.compile(r"[^\W_]{1,60}")
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x34F, 0x115F, 0x1160, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F),
     *range(0x2060, 0x2065), 0x3164, 0xFEFF]
)  # fmt: skip
_LINK = re.compile(r"https?://[^\s<>\"]{1,2000}|[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,12}")
_SPLIT = re.compile(r"(?<![\w.@/])[a-z]{1,6}(?:[.*_][a-z]{1,6}){1,5}(?![\w.@])")
_ENDINGS = frozenset(
    ["com", "net", "org", "info", "biz", "edu", "gov", "int", "mil", "co", "uk", "de", "fr", "hk", "tw", "jp", "cn",
     "ru", "eu", "us", "ca", "au", "nl", "es", "it", "pl", "br", "io", "me", "tv", "cc", "html", "htm", "php", "py"]
)  # fmt: skip
_DIGIT_IN_WORD = re.compile(r"^(?=.{5,30}$)[a-z]{0,20}[01345][a-z]{1,20}(?:[01345][a-z]{1,20})?$")
_LEET = str.maketrans("01345", "oieas")
_CYRILLIC = str.maketrans("асеорхуіјѕһԁ", "aceopxyijshd")
_SPACELESS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]"
)


def _latin() -> dict[int, str]:
    """Latin letters with marks to those without."""
    letters = [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]
    plain = {code: unicodedata.normalize("NFKD", chr(code))[0] for code in letters}
    return {code: letter for code, letter in plain.items() if letter.isascii()} | {0xF8: "o", 0x142: "l", 0x131: "i"}


_PLAIN = _latin()


def _fold(text: str) -> str:
    if text.isascii():
        return text.casefold()
    folded = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).casefold()
    return folded if folded.isascii() else folded.translate(_PLAIN)


class Text:
    """A folded text: its words in order, and how many of them had been disguised."""

    def __init__(self, text: str) -> None:
        folded = _fold(text[:MOST_CHARACTERS])
        self.disguised = 0
        pieces = folded.split()
        folded = " ".join([_LINK.sub(" http ", each) if "@" in each or "://" in each else each for each in pieces])
        folded = _SPLIT.sub(self._closed, folded)
        words: list[str] = []
        for word in _TOKEN.findall(folded):
            if word.isalpha() and word.isascii():
                words.append(word)
            else:
                words.extend(self._word(word))
        self.limited = len(words) > MOST_TOKENS
        head = MOST_TOKENS * 5 // 6
        self.words = words[:head] + words[head - MOST_TOKENS :] if self.limited else words

    def _closed(self, match: re.Match[str]) -> str:
        """'ca.mp.aign' as one word; a host name stays."""
        written = match.group()
        if written.replace("*", ".").replace("_", ".").rpartition(".")[2] in _ENDINGS:
            return written
        self.disguised += 1
        return re.sub(r"[.*_]", "", written)

    def _word(self, word: str) -> Iterator[str]:
        if word.isascii():
            if _DIGIT_IN_WORD.match(word):
                self.disguised += 1
                word = word.translate(_LEET)
            yield word
        elif _SPACELESS.search(word):
            yield from _apart(word)
        else:
            plain = word.translate(_CYRILLIC)
            self.disguised += plain != word and plain.isascii()
            yield plain if plain.isascii() else word


def _apart(word: str) -> Iterator[str]:
    """Characters of scripts without spaces one by one, what stands between them whole."""
    rest = ""
    for letter in word:
        if _SPACELESS.match(letter):
            if rest:
                yield rest
            rest = ""
            yield letter
        else:
            rest += letter
    if rest:
        yield rest


class _Node:
    """`lengths`: first letter -> the lengths of the beginnings with it."""

    __slots__ = ("begins", "ends", "lengths", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.begins: dict[str, _Node] = {}
        self.lengths: dict[str, tuple[int, ...]] = {}
        self.ends: list[int] = []

    def step(self, word: str) -> list["_Node"]:
        exact = self.next.get(word)
        found = [] if exact is None else [exact]
        for length in self.lengths.get(word[0], ()) if self.lengths else ():
            node = self.begins.get(word[:length])
            if node is not None and len(word) >= length:
                found.append(node)
        return found

    def child(self, word: str) -> "_Node":
        if not word.endswith("*"):
            return self.next.setdefault(word, _Node())
        node = self.begins.setdefault(word[:-1], _Node())
        self.lengths[word[0]] = tuple(sorted({len(word) - 1, *self.lengths.get(word[0], ())}))
        return node


class Lexicon:
    """Concepts and their phrases, compiled. `files` maps a name (for errors) to the text of a lexicon file."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._root = _Node()
        self._begins = lru_cache(maxsize=REMEMBERED)(self._root.step)
        self._halves: dict[str, int] = {}
        self._lines: dict[int, list[tuple[str, tuple[int, ...]]]] = {}
        for name, text in files.items():
            self._read(name, text)

    def _read(self, name: str, text: str) -> None:
        concept = ""
        for number, written in enumerate(text.splitlines(), 1):
            line = written.strip()
            if line.startswith("["):
                concept = line.strip("[]")
            elif line and not line.startswith("#"):
                if not concept:
                    raise ValueError(f"{name}:{number}: a phrase before the first concept")
                halves = tuple(self._half(half) for half in line.split("~"))
                self._lines.setdefault(halves[0], []).append((concept, halves))

    def _half(self, half: str) -> int:
        half = half.strip()
        if half not in self._halves:
            number = self._halves[half] = len(self._halves)
            for sequence in _sequences(half):
                node = self._root
                for word in sequence:
                    node = node.child(word)
                node.ends.append(number)
        return self._halves[half]

    def concepts(self, text: Text) -> dict[str, int]:
        """How many phrases of each concept the text holds, different in their first words; none: left out."""
        places = self._places(text.words)
        found: dict[str, set[tuple[str, ...]]] = {}
        for first, starts in places.items():
            for concept, halves in self._lines.get(first, ()):
                reach = NEAR_CHARACTERS if _SPACELESS.match(text.words[starts[0]]) else NEAR
                if all(half in places for half in halves) and _near([places[half] for half in halves], reach):
                    found.setdefault(concept, set()).add(tuple(text.words[starts[0] : starts[0] + 2]))
        return {concept: len(beginnings) for concept, beginnings in found.items()}

    def _places(self, words: Sequence[str]) -> dict[int, list[int]]:
        """Where each half phrase begins."""
        places: dict[int, list[int]] = {}
        for start, word in enumerate(words):
            nodes, at = self._begins(word), start + 1
            while nodes:
                for node in nodes:
                    for half in node.ends:
                        places.setdefault(half, []).append(start)
                if at == len(words):
                    break
                nodes = [following for node in nodes for following in node.step(words[at])]
                at += 1
        return places


def _sequences(half: str) -> Iterable[list[str]]:
    """Every sequence of words that a half phrase stands for."""
    choices = []
    for item in half.split():
        choices.append([list(_folded(each)) for each in item.split("|")])
    for chosen in product(*choices):
        yield [word for words in chosen for word in words]


def _folded(item: str) -> Iterator[str]:
    """An item of a phrase as words; the star stays on the last."""
    star = "*" if item.endswith("*") else ""
    words = Text(item.rstrip("*")).words
    yield from words[:-1]
    yield words[-1] + star


def _near(places: Sequence[Sequence[int]], reach: int) -> bool:
    """Whether some place of each stands within reach of one of the first."""
    if len(places) == 1:
        return True
    return any(all(_reached(start, other, reach) for other in places[1:]) for start in places[0])


def _reached(start: int, places: Sequence[int], reach: int) -> bool:
    at = bisect_left(places, start - reach)
    return at < len(places) and places[at] <= start + reach


@cache
def lexicon() -> Lexicon:
    """All languages together; read once."""
    return Lexicon({path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.txt"))})
