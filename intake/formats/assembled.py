"""Messages put together from what a mail program kept of them in a format of its own.

Used by `outlook_msg.py` and `winmail.py`. Promises a message that any reader of mail can read: the transport headers as
they were kept, with the fields that speak of the lost MIME body renamed to X-Original-..., then the texts and the
files, each in base64. What is put in can't end the header or a part early. The original body is gone in these formats,
so no signature over it can be checked.
"""

import base64
import re
from collections.abc import Mapping
from urllib.parse import quote

from intake.record import sha256

HEADERS = 1_000_000
"""Characters of transport headers that are taken over."""

_MIME_FIELD = re.compile(r"(?i)^(content-(?:type|transfer-encoding|disposition|id)|mime-version)[ \t]*:")
_FIELD = re.compile(r"[!-9;-~]{1,76}[ \t]*:")
_TYPE = re.compile(r"[!-.0-~]{1,60}/[!-.0-~]{1,60}")


def message(fields: list[str], parts: list[bytes]) -> bytes:
    """The message with these header lines and parts; an empty text where there is none."""
    head = "".join(f"{clean(line)}\n" for line in fields)
    return head.encode("utf-8", "replace") + b"MIME-Version: 1.0\n" + joined(parts or [part("text/plain", b"")])


def made_up(values: Mapping[str, str]) -> list[str]:
    """Header lines out of single values, those that are empty left out."""
    return [f"{name}: {' '.join(value.split())}" for name, value in values.items() if value.strip()]


def mailbox(name: str, address: str) -> str:
    """A sender as a field has it, out of a name and an address of which either may be missing."""
    name = name.replace('"', "")
    return f'"{name}" <{address}>' if address and name != address else name or address


def texts(plain: str, markup: str) -> list[bytes]:
    """The bodies that there are, as one part."""
    found = [part(kind, text.encode("utf-8", "replace")) for kind, text in
             (("text/plain", plain), ("text/html", markup)) if text]  # fmt: skip
    return found if len(found) < 2 else [multipart("alternative", found)]


def transport(headers: str) -> list[str]:
    """The lines of the header block, MIME fields renamed because they speak of a body that is gone."""
    out: list[str] = []
    for line in headers[:HEADERS].replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            if out:
                break
        elif line[0] in " \t":
            out += [line] if out else []
        elif _FIELD.match(line):
            out.append("X-Original-" + line if _MIME_FIELD.match(line) else line)
    return out


def clean(line: str) -> str:
    """A header line without control characters but the tab."""
    return "".join(char if char >= " " or char == "\t" else " " for char in line)


def usable(tag: str) -> str:
    """The type an attachment claims, never one whose body would be read as parts."""
    leaf = _TYPE.fullmatch(tag) and not tag.lower().startswith(("multipart/", "message/"))
    return tag.lower() if leaf else "application/octet-stream"


def part(kind: str, data: bytes, name: str = "") -> bytes:
    """One leaf in base64, its file name as RFC 2231 has it."""
    out = f"Content-Type: {kind}" + ("; charset=utf-8" if kind.startswith("text/") and not name else "") + "\n"
    if name:
        coded = quote(name[:200], safe="", errors="replace")
        out += f"Content-Disposition: attachment; filename*=utf-8''{coded}\n"
    return (out + "Content-Transfer-Encoding: base64\n\n").encode() + base64.encodebytes(data)


def joined(parts: list[bytes]) -> bytes:
    """The parts as one: itself, or a multipart/mixed of all."""
    return parts[0] if len(parts) == 1 else multipart("mixed", parts)


def multipart(kind: str, parts: list[bytes]) -> bytes:
    """A multipart whose boundary is made from what is in it: the same parts give the same bytes."""
    boundary = f"msg-{sha256(b''.join(parts))[:24]}".encode()
    body = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    head = b"Content-Type: multipart/" + kind.encode() + b'; boundary="' + boundary + b'"\n\n'
    return head + body + b"--" + boundary + b"--\n"
