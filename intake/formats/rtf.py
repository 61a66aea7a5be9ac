"""RTF bodies of Outlook items: their text, or the HTML that Outlook wrapped into RTF; the door to compressed_rtf.

One pass with a stack of its own; what it doesn't know it leaves out. Formats: MS-OXRTFCP, MS-OXRTFEX (HTML in RTF).
"""

import re
import struct

import compressed_rtf

from intake import words

SIZE = 2_000_000
"""Bytes of RTF that are read; what is larger gives nothing."""
DEPTH = 500
"""Most groups inside each other; what is in deeper ones is left out."""

_TOKEN = re.compile(rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
_LINK = re.compile(rb'HYPERLINK\s{1,20}"?([^\s"\\]{1,4000})')
_SKIPPED = frozenset(b"fonttbl colortbl stylesheet info pict themedata datastore listtable generator pntext".split())
_SPACE = {b"par": "\n", b"line": "\n", b"tab": "\t", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
          b"rdblquote": "”", b"bullet": "•", b"endash": "–", b"emdash": "—"}  # fmt: skip


def read(data: bytes) -> tuple[str, str]:
    """(text, '') or, where HTML was wrapped into the RTF, ('', HTML); ('', '') where there is none or too much."""
    if len(data) < 16 or len(data) > SIZE or struct.unpack_from("<I", data, 4)[0] > SIZE:
        return "", ""
    plain = compressed_rtf.decompress(data)
    wrapped = b"\\fromhtml" in plain[:2000]
    text = _Reader(wrapped).run(plain)
    return ("", text) if wrapped else (text.strip(), "")


class _Reader:
    """`hidden` is the depth of the outermost group whose text is left out, `field` that of a link's; 0 for none."""

    def __init__(self, wrapped: bool) -> None:
        self.wrapped = wrapped
        self.depth = 0
        self.hidden = 0
        self.rtf_only = False
        self.field = 0
        self.code = bytearray()
        self.charset = "cp1252"
        self.out: list[str] = []
        self.raw = bytearray()

    def run(self, data: bytes) -> str:
        star = False
        for match in _TOKEN.finditer(data):
            word, number, code, symbol, brace, text = match.groups()
            if brace:
                self.group(brace)
            elif word:
                self.control(word, number, star)
            elif code:
                self.bytes(bytes.fromhex(code.decode()))
            elif symbol in (b"{", b"}", b"\\"):
                self.bytes(symbol)
            elif symbol == b"~":
                self.bytes(b" ")
            elif text:
                self.bytes(text)
            star = symbol == b"*"
        self.flush()
        return "".join(self.out)

    def group(self, brace: bytes) -> None:
        self.flush()
        self.depth += 1 if brace == b"{" else -1
        if self.hidden > self.depth:
            self.hidden = 0
        if self.field > self.depth:
            self.link()
        if self.depth > DEPTH and not self.hidden:
            self.hidden = self.depth

    def control(self, word: bytes, number: bytes | None, star: bool) -> None:
        if word == b"htmltag":
            return
        if word == b"fldinst" and not self.wrapped and not self.hidden:
            self.field = self.depth
        if word in _SKIPPED or star:
            self.hidden = self.hidden or self.depth
        elif word == b"ansicpg" and number:
            self.charset = f"cp{number.decode()}"
        elif word == b"htmlrtf":
            # What stands between \\htmlrtf and \\htmlrtf0 is for RTF readers only (MS-OXRTFEX section 2.1.3.1.3).
            self.flush()
            self.rtf_only = number != b"0"
        elif word == b"u" and number:
            self.flush()
            self.add(chr(int(number) % 65536).encode("utf-8", "replace").decode())
        elif word in _SPACE:
            self.flush()
            self.add(_SPACE[word])

    def link(self) -> None:
        """Put the target of a link before the text that is shown for it."""
        target = _LINK.search(bytes(self.code))
        self.field = 0
        self.code.clear()
        if target:
            self.add(f"<{words.text(target[1], self.charset)}> ")

    def bytes(self, data: bytes) -> None:
        if self.field:
            self.code += data
        if not (self.hidden or self.rtf_only):
            self.raw += data

    def add(self, text: str) -> None:
        if not (self.hidden or self.rtf_only):
            self.out.append(text)

    def flush(self) -> None:
        if self.raw:
            self.out.append(words.text(bytes(self.raw), self.charset))
            self.raw.clear()
