"""Identity: the forms in which a reporter's address and name hide in a message, and where they stand in given bytes.

`Identifiers` lists the forms once (plain, plus tag, VERP, percent, base64 at its three alignments, hexadecimal, usual
digests, UTF-16, UTF-7); `spans` finds them in raw bytes and through quoted-printable, percent, entity and base64
coding. Search is by plain substring, in time linear in the bytes per form.
It cannot know an opaque code that only the sender can resolve: `disclosure.py` says what follows from that.
"""

import base64
import binascii
import bisect
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

SHORTEST_ANYWHERE = 5
"""A local part or name of so many bytes is found also inside words; shorter ones only as a word of their own."""
SHORTEST = 3
DISTINCT = 7
"""A local part of so many bytes with a dot, dash or digit inside is not taken for a word."""
MOST_ADDRESSES = 50
"""Addresses of one message that are searched for; more is a limit that withholds the message."""
_ROLES = frozenset(
    b"info admin sales support abuse postmaster hostmaster webmaster contact office mail news noreply".split()
)
"""Local parts that are words of their own in any text: they count only with their domain."""
_QP = re.compile(rb"=(?:\r?\n|[0-9A-Fa-f]{2})")
_ESCAPES = re.compile(rb"%[0-9A-Fa-f]{2}|&#[0-9]{1,5};|&#[xX][0-9A-Fa-f]{1,4};|\\x[0-9A-Fa-f]{2}|\\u00[0-9A-Fa-f]{2}")
_BLOCK_LINE = re.compile(rb"[ \t]{0,8}[A-Za-z0-9+/]{1,998}={0,2}[ \t]{0,8}\r?")
_BLOCK_START = 16
_TOKEN = re.compile(rb"[A-Za-z0-9+/_-]{12,2000}={0,2}")
_DEPTH = 3
_CHARSETS = ("utf-8", "big5", "gb18030", "iso-8859-1", "shift_jis", "euc-kr")


class Span(NamedTuple):
    """data[start:end] holds an identifier, in the form that `rule` names."""

    start: int
    end: int
    rule: str


class Back(NamedTuple):
    """From positions in a view to positions in what it was made from: where each piece starts there and here, and
    whether it is literal or one escape."""

    there: list[int]
    here: list[int]
    literal: list[bool]


class Form(NamedTuple):
    """One way to write an identifier; `exact`: upper and lower case differ; `word`: only as a word of its own."""

    data: bytes
    rule: str
    exact: bool = False
    word: bool = False


class Identifiers:
    """All forms of these addresses and names."""

    def __init__(self, addresses: Iterable[str], names: Iterable[str] = ()) -> None:
        self.addresses = tuple(dict.fromkeys(each.strip() for each in addresses if "@" in each))
        self.names = tuple(dict.fromkeys(each.strip() for each in names))
        forms = dict.fromkeys(form for address in self.addresses for form in _address_forms(address))
        forms.update(dict.fromkeys(form for name in self.names for form in _name_forms(name)))
        self.forms = tuple(forms)

    def with_forms(self, other: "Identifiers") -> "Identifiers":
        """These and the very forms of the other."""
        joined = self._only(dict.fromkeys((*self.forms, *other.forms)))
        joined.addresses, joined.names = (*self.addresses, *other.addresses), (*self.names, *other.names)
        return joined

    def in_our_words(self) -> "Identifiers":
        """For text of our own: a local part counts only as a word, or `reporter@` would forbid the word reporters."""
        forms = (form._replace(word=True) if form.rule == "local-part" else form for form in self.forms)
        return self._only(forms)

    def certain(self) -> "Identifiers":
        """Only forms that cannot be words of the language: no names, and local parts only with signs in them."""
        return self._only(
            form
            for form in self.forms
            if form.rule not in ("local-part", "name") or (form.rule == "local-part" and _distinct(form.data))
        )

    def _only(self, forms: Iterable[Form]) -> "Identifiers":
        narrowed = Identifiers(())
        narrowed.addresses, narrowed.names, narrowed.forms = self.addresses, self.names, tuple(forms)
        return narrowed

    def scrub(self, text: str) -> str:
        """The text, which quotes the case, with every identifier in it withheld."""
        data, done, pieces = text.encode("utf-8", "replace"), 0, []
        for start, end, _ in spans(data, self.in_our_words()):
            pieces += [data[done:start], b"[withheld]"]
            done = end
        return b"".join((*pieces, data[done:])).decode("utf-8", "replace")


def _distinct(local: bytes) -> bool:
    return len(local) >= DISTINCT and bool(set(local[1:-1]) & set(b"._-+0123456789"))


def _address_forms(address: str) -> Iterator[Form]:
    local, _, domain = address.rpartition("@")
    base = local.split("+")[0]
    for part in dict.fromkeys((local, base)):
        yield from _joined(part, domain)
        low = part.lower().encode()
        if len(low) >= SHORTEST and low not in _ROLES:
            yield Form(low, "local-part", word=len(low) < SHORTEST_ANYWHERE)
        if len(low) > SHORTEST_ANYWHERE and low not in _ROLES:
            yield from _base64_forms(part)


def _joined(local: str, domain: str) -> Iterator[Form]:
    address = f"{local}@{domain}"
    for sign, rule in (("@", "address"), ("=", "verp"), ("%40", "percent"), ("%2540", "percent"), ("+AEA-", "utf-7")):
        yield Form(f"{local}{sign}{domain}".lower().encode(), rule)
    for sign in ("[at]", "(at)", " at ", "&commat;", "#", "-at-", "_at_"):
        yield Form(f"{local}{sign}{domain}".lower().encode(), "spelled-out")
    for variant in dict.fromkeys((address, address.lower())):
        data = variant.encode()
        yield from _base64_forms(variant)
        yield from (Form(f(data).hexdigest().encode(), "digest") for f in (_md5, _sha1, hashlib.sha256))
        yield Form(data.hex().encode(), "hexadecimal")
    yield Form(address.lower().encode("utf-16-le"), "utf-16")
    yield Form(address.lower().encode("utf-16-be"), "utf-16")


def _md5(data: bytes) -> "hashlib._Hash":
    return hashlib.md5(data, usedforsecurity=False)


def _sha1(data: bytes) -> "hashlib._Hash":
    return hashlib.sha1(data, usedforsecurity=False)


def _base64_forms(text: str) -> Iterator[Form]:
    """What base64 of any text around `text` must contain, at each of the three alignments."""
    data = text.encode()
    for offset in range(3):
        code = base64.b64encode(bytes(offset) + data)[(offset * 8 + 5) // 6 : (offset + len(data)) * 8 // 6]
        for variant in dict.fromkeys((code, code.translate(bytes.maketrans(b"+/", b"-_")))):
            yield Form(variant, "base64", exact=True)


def _name_forms(name: str) -> Iterator[Form]:
    """The whole name, and each of its words that is long enough to be told from chance, in the usual charsets."""
    whole = name.strip("\"' ").lower()
    for word in (whole, *(each.strip(".,;\"'()") for each in whole.split())):
        if len(word.encode()) < SHORTEST + (0 if word == whole else 1):
            continue
        variants = (word,) if word.isascii() else (word, word.upper(), word.title())
        for charset in ("utf-8",) if word.isascii() else _CHARSETS:
            yield from (Form(data, "name", word=True) for each in variants if (data := _encoded(each, charset)))


def _encoded(text: str, charset: str) -> bytes:
    """The text in that charset with ASCII in lower case; b'' where it cannot be written so."""
    try:
        return text.encode(charset).lower()
    except UnicodeEncodeError:
        return b""


def merged(found: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap joined into one (which keeps the longer one's rule)."""
    result: list[Span] = []
    for span in sorted(found, key=lambda each: (each.start, -each.end)):
        if result and span.start < result[-1].end:
            last = result[-1]
            rule = last.rule if last.end - last.start >= span.end - span.start else span.rule
            result[-1] = Span(last.start, max(last.end, span.end), rule)
        else:
            result.append(span)
    return result


def spans(data: bytes, identifiers: Identifiers) -> list[Span]:
    """Where identifiers stand in `data`, plain or escaped; base64 blocks are the business of `blocks`."""
    found = [*_plain(data, identifiers), *_tokens(data, identifiers)]
    view, ways = data, []
    for pattern, decode in ((_QP, _unquote), (_ESCAPES, _unescape), (_QP, _unquote)):
        view, back = _view(view, pattern, decode)
        ways.append(back)
        found += [_through(span, ways) for span in _plain(view, identifiers)]
    return merged(found)


def _through(span: Span, ways: list[Back]) -> Span:
    for back in reversed(ways):
        span = mapped(span, back)
    return span


def _plain(data: bytes, identifiers: Identifiers) -> Iterator[Span]:
    low = data.lower()
    for form in identifiers.forms:
        text, at = (data if form.exact else low), 0
        while (at := text.find(form.data, at)) >= 0:
            end = at + len(form.data)
            if not form.word or _stands_alone(low, at, end):
                yield Span(at, end, form.rule)
            at = end


def _stands_alone(low: bytes, start: int, end: int) -> bool:
    before, after = low[start - 1 : start] if start else b"", low[end : end + 1]
    return not before.isalnum() and not after.isalnum()


def _tokens(data: bytes, identifiers: Identifiers) -> Iterator[Span]:
    """Base64 in running text (links, encoded words) that decodes to text with an identifier in it."""
    for match in _TOKEN.finditer(data):
        decoded = _decoded(match.group())
        if decoded and next(_plain(decoded, identifiers), None):
            yield Span(match.start(), match.end(), "base64")


def _decoded(token: bytes) -> bytes:
    code = token.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    code = code[: len(code) - (len(code) % 4 == 1)]
    try:
        return binascii.a2b_base64(code + b"=" * (-len(code) % 4))
    except binascii.Error:
        return b""


def _view(data: bytes, pattern: "re.Pattern[bytes]", decode: Callable[[bytes], bytes]) -> tuple[bytes, Back]:
    pieces, back, position, done = [], Back([], [], []), 0, 0
    for match in pattern.finditer(data):
        for piece, start, literal in (
            (data[done : match.start()], done, True),
            (decode(match.group()), match.start(), False),
        ):
            pieces.append(piece)
            back.there.append(position)
            back.here.append(start)
            back.literal.append(literal)
            position += len(piece)
        done = match.end()
    back.there.append(position)
    back.here.append(done)
    back.literal.append(True)
    return b"".join((*pieces, data[done:])), back


def quoted_printable(data: bytes) -> tuple[bytes, Back]:
    """The bytes with quoted-printable escapes decoded, and the way back to positions in `data`."""
    return _view(data, _QP, _unquote)


def mapped(span: Span, back: Back) -> Span:
    """The span in what the view was made from; an escape belongs to it as a whole."""
    return Span(_origin(span.start, back)[0], _origin(span.end - 1, back)[1], span.rule)


def _origin(position: int, back: Back) -> tuple[int, int]:
    index = bisect.bisect_right(back.there, position) - 1
    if back.literal[index]:
        start = back.here[index] + position - back.there[index]
        return start, start + 1
    return back.here[index], back.here[index + 1]


def _unquote(code: bytes) -> bytes:
    return b"" if code[-1:] == b"\n" else bytes.fromhex(code[1:].decode())


def _unescape(code: bytes) -> bytes:
    if code.startswith(b"&#"):
        digits = code[2:-1]
        number = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
        return chr(number).encode("utf-8", "replace") if number < 0x110000 else code
    return bytes.fromhex(code[-2:].decode())


def blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) of each run of lines that hold nothing but base64 code, its last line end left out."""
    at, start, end = 0, -1, 0
    while at < len(data):
        stop = data.find(b"\n", at)
        stop = len(data) if stop < 0 else stop
        line = _BLOCK_LINE.fullmatch(data, at, stop)
        if line and (start >= 0 or stop - at >= _BLOCK_START):
            start = at if start < 0 else start
            end = at + len(data[at:stop].rstrip())
        elif start >= 0:
            yield start, end
            start = -1
        at = stop + 1
    if start >= 0:
        yield start, end


def unwrap(block: bytes) -> bytes:
    """The bytes that a base64 block encodes; b'' when it is none."""
    return _decoded(b"".join(block.split()))


def leaks(data: bytes, identifiers: Identifiers, depth: int = _DEPTH) -> tuple[str, ...]:
    """The rules of the forms that `data` still holds, also inside base64 blocks; () means that nothing was found."""
    rules = {span.rule for span in spans(data, identifiers)}
    if depth:
        for start, end in blocks(data):
            rules.update(leaks(unwrap(data[start:end]), identifiers, depth - 1))
    return tuple(sorted(rules))
