"""Likeness of texts: shingles, MinHash and bands, so that two texts that say the same share a key.

The text is folded first: compatibility forms, case, links, numbers and the recipient's own name go. What is left is cut
into runs of three words (three characters in scripts without spaces). MinHash keeps the Jaccard likeness of two
sets of runs; 40 bands of 5 values let texts of likeness 0.5 share a band with a chance of 72 %, 0.6 with 96 %, 0.2
with 1 %. Below 16 words a text has no likeness, only equality. (Broder 1997; Leskovec, Mining of Massive Datasets 3.4.)
"""

import re
import struct
import unicodedata
from collections.abc import Collection

from rensa import RMinHash

BANDS, ROWS, SEED = 40, 5, 20041011
SHINGLED_FROM = 16
"""Fewest words that have a likeness."""
EQUAL_FROM = 6
"""Fewest words whose equality says anything."""
READ = 40_000
"""Characters of a text that are compared."""

_LINK = re.compile(r"(?:https?://|www\.)\S{1,2000}|\S{1,64}@[\w.-]{1,200}")
_WORD = re.compile(r"[^\W\d_]{2,40}")
_SPACELESS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)


def words(text: str, without: Collection[str] = ()) -> list[str]:
    """The words of `text` as they are compared; characters of scripts without spaces count as words of their own."""
    pieces = unicodedata.normalize("NFKC", text[:READ]).casefold().split()
    folded = " ".join([_LINK.sub(" ", piece) if _linked(piece) else piece for piece in pieces])
    found: list[str] = []
    for word in _WORD.findall(folded):
        if not word.isascii() and _SPACELESS.search(word):
            found.extend(word)
        elif word not in without:
            found.append(word)
    return found


def _linked(piece: str) -> bool:
    """Whether a link can be in it; most pieces are spared the expression, which is slow."""
    return "@" in piece or "://" in piece or "www." in piece


def shingles(listed: list[str]) -> set[str]:
    """Runs of three words."""
    return {" ".join(listed[at : at + 3]) for at in range(len(listed) - 2)}


def bands(listed: list[str]) -> tuple[bytes, ...]:
    """One value per band, () for a text that is too short; two texts are alike when any of theirs are equal."""
    if len(listed) < SHINGLED_FROM:
        return ()
    sketch = RMinHash(num_perm=BANDS * ROWS, seed=SEED)
    sketch.update(list(shingles(listed)))
    values = sketch.digest()
    return tuple(struct.pack(f">B{ROWS}I", band, *values[band * ROWS : (band + 1) * ROWS]) for band in range(BANDS))
