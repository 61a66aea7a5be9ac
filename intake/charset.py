"""Charset: the bytes of a body as text; the one door to chardet.

The declared charset counts where the bytes fit it; then UTF-8; then what turbohtml finds likely; then what chardet
does. Where nothing fits, the reading with the fewest damaged characters. No codec is looked up by a name out of a mail:
`intake/words.py` has a fixed table, loaded at import.
Source: RFC 2046 section 4.1.2 (declaration and default), WHATWG Encoding (names).
"""

import re
from typing import NamedTuple

import chardet

from intake.html import guess_charset
from intake.words import charset_codec

DAMAGE = 0.02
"""Share of damaged characters up to which the declared charset is believed."""
_SURE = 0.3
_PROBE = 4096
_SAMPLE = 65536
_RUN = re.compile(rb"[\x80-\xff]{4}")
"""What Latin letters with accents hardly ever make: four of them in a row."""
_SEVEN_BIT = frozenset(("utf-7", "hz", "utf-16", "utf-16-le", "utf-16-be", "utf-32"))
"""Codecs in which ASCII bytes are not always ASCII."""


class Reading(NamedTuple):
    """Text, and how its charset is known: declared, utf-8, guessed, or damaged (characters were lost)."""

    text: str
    how: str


def read(data: bytes, declared: str = "") -> Reading:
    """`data` as text, without a byte order mark and without lone surrogates; never raises, linear in its length."""
    codec = charset_codec(declared) if declared else None
    name = codec.name if codec else ""
    if data.isascii() and b"\x1b" not in data and name not in _SEVEN_BIT:
        return Reading(data.decode("ascii"), "declared")
    text, how = _read(data, declared, name)
    return Reading(text.removeprefix("\ufeff"), how)


def _read(data: bytes, declared: str, name: str) -> tuple[str, str]:
    first = None if _mistaken(data, declared, name) else decode(data, declared)
    if first is not None and not _damage(first):
        return first, "declared"
    if not data.isascii() and (text := decode(data, "utf-8")) is not None and not _damage(text):
        return text, "utf-8"
    if first is not None and _damage(first) <= DAMAGE:
        return first, "declared"
    readings = [text for text in (_likely(data), first or decode(data, declared)) if text is not None]
    best = min(readings, key=_damage, default=data.decode("latin-1"))
    return best, "damaged" if _damage(best) > DAMAGE else "guessed"


def _mistaken(data: bytes, declared: str, name: str) -> bool:
    """Whether the declared charset is one that mail programs name by default and these bytes hardly are."""
    if data.startswith(b"\xef\xbb\xbf"):
        return True
    if data.isascii():
        return not name.startswith("iso2022") and (b"\x1b$" in data or b"\x1b(" in data)
    if "ascii" in declared.lower():
        return True
    if name != "cp1252":
        return False
    return len(_RUN.findall(data[:_SAMPLE])) > 1 or is_utf8(data)


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are well-formed UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _likely(data: bytes) -> str | None:
    """The bytes in the charset that they look like."""
    name, sure = guess_charset(data)
    text = decode(data, name)
    if text is not None and sure >= _SURE and _damage(text) <= DAMAGE:
        return text
    other = decode(data, chardet.detect(_probe(data))["encoding"] or "")
    if other is not None and (text is None or _damage(other) < _damage(text)):
        return other
    return text


def _probe(data: bytes) -> bytes:
    """A few kilobytes from where the bytes stop being ASCII."""
    start = next((at for at in range(0, len(data), 512) if not data[at : at + 512].isascii()), 0)
    return data[start : start + _PROBE]


def decode(data: bytes, charset: str) -> str | None:
    """`data` in exactly that charset, U+FFFD where it does not fit; None for a charset we do not know."""
    codec = charset_codec(charset) if charset else None
    if codec is None:
        return None
    text = codec.decode(data, "replace")[0]
    return text.encode("utf-8", "replace").decode() if codec.name in _SEVEN_BIT else text


def _damage(text: str) -> float:
    return text.count("\ufffd") / (len(text) or 1)
