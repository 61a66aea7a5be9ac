"""Transfer encodings: the body of a part without its base64, quoted-printable or uuencoding.

Reads leniently, in time linear in its input, and never raises: what is foreign in base64 is left out, a body in an
encoding that nobody knows stays as it is. Standards: RFC 2045 section 6.
"""

import binascii
import re

ENCODED = frozenset({"base64", "quoted-printable", "x-uuencode", "uuencode"})
"""Encodings (lower case) that change the bytes."""

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n?|\n|\Z)")


def decode(body: bytes, encoding: str, cap: int) -> bytes:
    """`body` decoded, at most `cap` bytes of it."""
    if encoding == "base64":
        return _base64(body, cap)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)[:cap]
    if encoding in ("x-uuencode", "uuencode"):
        return _uu(body)[:cap]
    return body[:cap]


def _base64(body: bytes, cap: int) -> bytes:
    """Base64 with anything foreign in it left out, up to the first padding (RFC 2045 section 6.8)."""
    clean = body.translate(None, _NOT_BASE64)
    stop = clean.find(b"=")
    clean = clean[: stop if stop >= 0 else len(clean)][: (cap // 3 + 1) * 4]
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))[:cap]


def _uu(body: bytes) -> bytes:
    """The lines between 'begin' and 'end'; a line that is no uuencoding is left out."""
    out = bytearray()
    lines = _LINE.finditer(body)
    next(lines, None)
    for match in lines:
        try:
            out += binascii.a2b_uu(match[1]) if match.start() < len(body) else b""
        except binascii.Error:
            continue
    return bytes(out)
