"""SMTP syntax: where a message ends, and what a command's path or chunk says; pure.

RFC 5321 sections 4.1.1.4 and 4.5.2 (only CRLF.CRLF ends a message; transparency dots), 4.1.2 (paths); RFC 3030 section
2 (chunks).
"""

_DOT = b"\r\n."
_END = b"\r\n.\r\n"
_PATH = 2048


class Dots:
    """Finds the end of a message in chunks cut anywhere, and takes the transparency dots out."""

    def __init__(self) -> None:
        self._held = b"\r\n"
        self._first = True
        self.ended = False

    def take(self, chunk: bytes) -> tuple[bytes, bytes]:
        """(bytes of the message, bytes that follow its end): the second is empty while it has not `ended`."""
        data = self._held + chunk
        dot = data.find(_DOT)
        end = dot if dot < 0 or data.startswith(_END, dot) else data.find(_END, dot)
        if end >= 0:
            self.ended = True
            return self._plain(data[: end + 2], dot < end), data[end + len(_END) :]
        keep = next((size for size in range(4, 0, -1) if data.endswith(_END[:size])), 0)
        self._held = data[len(data) - keep :]
        return self._plain(data[: len(data) - keep], dot >= 0), b""

    def _plain(self, data: bytes, dots: bool) -> bytes:
        plain = data.replace(_DOT, b"\r\n") if dots else data
        if self._first and plain:
            self._first = False
            return plain[2:]
        return plain


def path(keyword: str, arg: str) -> tuple[str, list[str]] | None:
    """(address, parameters) of 'FROM:<address> parameters'; None when it is not that.

    '' is the null path. Brackets may be missing, blanks may follow the colon: many senders do that.
    """
    if arg[: len(keyword)].upper() != keyword or len(arg) > _PATH or _controls(arg):
        return None
    rest = arg[len(keyword) :].lstrip(" ")
    if not rest.startswith("<"):
        address, _, tail = rest.partition(" ")
        return (address, tail.split()) if address else None
    end = _bracket(rest)
    tail = rest[end + 1 :]
    if end < 0 or (tail and not tail.startswith(" ")):
        return None
    return rest[1:end], tail.split()


def chunk(arg: str) -> tuple[int, bool] | None:
    """(octets, whether it is the last) of what BDAT says; None when it is not that."""
    size, _, rest = arg.partition(" ")
    if not (size.isascii() and size.isdigit() and len(size) <= 20) or rest.strip().upper() not in ("", "LAST"):
        return None
    return int(size), bool(rest)


def _controls(text: str) -> bool:
    if text.isascii():
        return not text.isprintable()
    return any(letter < " " or letter == "\x7f" for letter in text)


def _bracket(text: str) -> int:
    """Where the bracket that `text` begins with is closed, quoted strings skipped; -1 when it is not."""
    if '"' not in text:
        return text.find(">")
    quoted = escaped = False
    for index, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == ">" and not quoted:
            return index
    return -1


def sound(address: str, unicode: bool) -> bool:
    """Whether the address is ASCII, or proper UTF-8 where SMTPUTF8 was declared (RFC 6531 section 3.3)."""
    return address.isascii() or (unicode and not any("\ud800" <= letter <= "\udfff" for letter in address))


def readable(text: str) -> str:
    """Text with the bytes that were no UTF-8 (surrogates, as aiosmtpd decodes) as backslash escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
