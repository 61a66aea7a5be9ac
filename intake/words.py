"""Words of a header: parameters (RFC 2045, 2231), encoded words (RFC 2047), and the charsets they and bodies name.

Everything here reads leniently, in time linear in its input, and never raises. The codecs are looked up when this
module is imported, because the processes that parse have no files to load one from later.
"""

import codecs
import re
from binascii import a2b_base64, a2b_qp
from encodings import normalize_encoding
from encodings.aliases import aliases
from urllib.parse import unquote_to_bytes

_CODECS = (
    "utf_8 utf_7 utf_16 utf_16_le utf_16_be utf_32 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 "
    "iso8859_8 iso8859_10 iso8859_13 iso8859_14 iso8859_15 iso8859_16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 "
    "cp1256 cp1257 cp1258 cp437 cp850 cp852 cp866 cp874 koi8_r koi8_u mac_roman mac_cyrillic big5hkscs cp950 gb18030 "
    "hz euc_jp cp932 iso2022_jp iso2022_jp_2 iso2022_jp_3 iso2022_kr cp949 johab"
)
_INSTEAD = {
    # What is sent under these names is nearly always the wider set of the same family (WHATWG Encoding, section 4.2).
    "ascii": "cp1252",
    "latin_1": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    # Names that mail uses and Python does not know.
    "ks_c_5601_1987": "cp949",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "windows_874": "cp874",
    "iso_8859_8_i": "iso8859_8",
    "x_gbk": "gb18030",
    "gb_2312_80": "gb18030",
    "x_big5": "big5hkscs",
    "x_euc_jp": "euc_jp",
    "utf8mb4": "utf_8",
    "unicode_1_1_utf_7": "utf_7",
}
_TABLE = {name: codecs.lookup(name) for name in _CODECS.split()}

_PARAMETER = re.compile(r";\s*([^\s=;\"]{1,100})\s*=\s*(\"(?:[^\"\\]|\\.)*(?:\"|$)|[^;]*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORD = re.compile(r"=\?([!-<>@-~]{1,64})\?([bBqQ])\?([^?]{0,8000})\?=")
_MOST_PARAMETERS = 200


def charset_codec(charset: str) -> codecs.CodecInfo | None:
    """The codec for a charset name as mail writes it; None for one that is unknown or not for text."""
    name = normalize_encoding(charset.strip(" '\"").lower()) if charset.isascii() else ""
    name = aliases.get(name, name)
    return _TABLE.get(_INSTEAD.get(name, name))


def text(data: bytes, charset: str = "") -> str:
    """`data` in its charset; where that is unknown or wrong as UTF-8, else as Windows-1252. Never raises."""
    for codec in (charset_codec(charset), _TABLE["utf_8"]):
        try:
            if codec:
                return codec.decode(data)[0]
        except (UnicodeError, ValueError):
            continue
    codec = charset_codec(charset) or _TABLE["cp1252"]
    return codec.decode(data, "replace")[0]


def words(value: str) -> str:
    """`value` with its encoded words decoded; white space between two of them is left out (RFC 2047 section 6.2)."""
    if "=?" not in value:
        return _clean(value)
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        adjacent = end > 0 and not between.strip(" \t\r\n")
        name = match.group(1).partition("*")[0].lower()
        if not adjacent or name != charset:
            out.append(text(pending, charset) if pending else "")
            pending = b""
        if not adjacent:
            out.append(between)
        pending, charset, end = pending + _word(match), name, match.end()
    out.append(text(pending, charset) if pending else "")
    return _clean("".join(out) + value[end:])


def _word(match: re.Match[str]) -> bytes:
    payload = match.group(3).encode("utf-8", "replace")
    if match.group(2) in "qQ":
        return a2b_qp(payload.replace(b" ", b"_"), header=True)
    payload = payload.translate(None, b" \t\r\n").rstrip(b"=")
    payload = payload[: len(payload) - (len(payload) % 4 == 1)]
    try:
        return a2b_base64(payload + b"=" * (-len(payload) % 4))
    except ValueError:
        return b""


def parameters(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What stands before the first ';' (without comments), and the parameters, names in lower case.

    RFC 2231 continuations and charsets are joined and decoded; of two with one name the first counts.
    """
    before, semicolon, _ = value.partition(";")
    bare = before.partition("(")[0].strip()
    if not semicolon:
        return bare, ()
    found: dict[str, str] = {}
    for count, match in enumerate(_PARAMETER.finditer(value)):
        if count >= _MOST_PARAMETERS:
            break
        found.setdefault(match.group(1).lower(), _unquoted(match.group(2)))
    return bare, tuple(_joined(found).items())


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value.strip()
    return _ESCAPE.sub(r"\1", value[1:].removesuffix('"'))


def _joined(found: dict[str, str]) -> dict[str, str]:
    """RFC 2231 sections 3 and 4: name*0*, name*1 ... as one value."""
    if "*" not in "".join(found):
        return found
    plain = {name: value for name, value in found.items() if "*" not in name}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, value in found.items():
        base, star, rest = name.partition("*")
        number = rest.rstrip("*")
        if star and base and ((number.isascii() and number.isdigit()) or not number):
            pieces.setdefault(base, []).append((int(number[:5] or "0"), name.endswith("*"), value))
    return plain | {name: _extended(sorted(parts)) for name, parts in pieces.items()}


def _extended(pieces: list[tuple[int, bool, str]]) -> str:
    charset, first = "", pieces[0]
    if first[1] and first[2].count("'") >= 2:
        charset, _, rest = first[2].split("'", 2)
        pieces = [(0, True, rest), *pieces[1:]]
    raw = [unquote_to_bytes(part) if coded else part.encode("utf-8", "replace") for _, coded, part in pieces]
    return text(b"".join(raw), charset or "utf-8")


def _clean(value: str) -> str:
    """Without lone surrogates, which no UTF-8 can hold."""
    if value.isascii():
        return value
    return value.encode("utf-8", "replace").decode()
