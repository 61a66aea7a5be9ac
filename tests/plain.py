"""A Message out of an .eml by the shortest way, for tests of enrichment: header fields with the bytes they stand in,
addresses, and the anchors of an HTML body. Real mail is read by `intake/message.py`.
"""

import re
from collections.abc import Iterator
from email.utils import parseaddr

from intake.domains import registrable
from intake.message import Address, Header, Link, Message
from intake.record import Cite, sha256

_FIELD = re.compile(rb"^([!-9;-~]+):((?:.*\n(?=[ \t]))*.*)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a href="(https?://([^/":]+)[^"]*)">([^<]*)</a>')


def message(data: bytes) -> Message:
    """What enrichment reads of `data`."""
    digest = sha256(data)
    data = data.replace(b"\r\n", b"\n")
    head, _, body = data.partition(b"\n\n")
    headers = tuple(_headers(head, digest))
    found = {name: _address(headers, name) for name in ("From", "Reply-To", "Return-Path")}
    return Message(
        sha256=digest,
        size=len(data),
        headers=headers,
        from_=found["From"],
        reply_to=found["Reply-To"],
        return_path=found["Return-Path"][0].address if found["Return-Path"] else "",
        text=body.decode(),
        links=tuple(_links(body.decode(), Cite(of=digest, start=len(head) + 2, end=len(data)))),
    )


def _headers(head: bytes, digest: str) -> Iterator[Header]:
    for found in _FIELD.finditer(head):
        value = re.sub(r"\n(?=[ \t])", "", found[2].decode()).strip()
        yield Header(name=found[1].decode(), value=value, cite=Cite(of=digest, start=found.start(), end=found.end()))


def _address(headers: tuple[Header, ...], name: str) -> tuple[Address, ...]:
    values = [header for header in headers if header.name.lower() == name.lower()]
    pairs = [(parseaddr(header.value), header.cite) for header in values]
    return tuple(Address(name=text, address=address, cite=cite) for (text, address), cite in pairs if address)


def _links(body: str, cite: Cite) -> Iterator[Link]:
    for url, host, text in _ANCHOR.findall(body):
        yield Link(raw=url, url=url, host=host, domain=registrable(host), where="html", cite=cite, text=text)


def lines(*received: str, more: str = "From: a@sender.test\n") -> Message:
    """A message with these Received lines, the topmost first."""
    return message(("".join(f"Received: {line}\n" for line in received) + more + "\ntext\n").encode())
