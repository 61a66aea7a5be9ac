"""Message: what one mail shows, every value with the bytes it stands in.

`derive(data)` turns the bytes of one message into a Message, in time linear in its size and within the limits below;
a limit that is hit is a word in `limits`, never silence. It runs in a parsing child (`intake/parsing.py`) only.
Standards: RFC 5322 (fields), RFC 2045-2047 and 2231 (MIME), RFC 6532 (UTF-8 headers), read leniently.
"""

from datetime import datetime

from intake.record import Cite, Value


class Header(Value, frozen=True):
    """One header field: name as written, value unfolded (not decoded); the cite covers name, colon and value."""

    name: str
    value: str
    cite: Cite


class Address(Value, frozen=True):
    """One mailbox of an address header: display name decoded, address as written; `cite` covers the whole header."""

    name: str
    address: str
    cite: Cite


class Link(Value, frozen=True):
    """One URL, e-mail or telephone link in the message.

    `raw` as found, `url` canonical by the WHATWG rules ('' when it can't be parsed), `host` its A-label host,
    `domain` the registrable domain by the public suffix list, `text` what the reader sees in its place, `where` is
    html, text, form, image, refresh, qr. The cite covers the part that holds it, or its exact bytes where it is unencoded.
    """

    raw: str
    url: str
    host: str
    domain: str
    where: str
    cite: Cite
    text: str = ""


class Leaf(Value, frozen=True):
    """One leaf of the MIME tree. `sha256` and `size` are of the decoded content; the cite covers the encoded bytes."""

    type: str
    name: str
    disposition: str
    size: int
    sha256: str
    cite: Cite
    depth: int = 0


class Message(Value, frozen=True):
    """The message as read. Empty text or () where it has none; `date` is None where it has none or it can't be read.

    `text` is what a reader would see (plain part or the HTML's visible text), at most 200,000 characters;
    `hidden` is text in the HTML that a reader would not see. `language` is a BCP 47 tag: zh-Hant and zh-Hans are kept
    apart. `flags` name deviations from the standards, `limits` the limits that were hit.
    """

    sha256: str
    size: int
    headers: tuple[Header, ...] = ()
    from_: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    subject_cite: Cite | None = None
    date: datetime | None = None
    date_cite: Cite | None = None
    message_id: str = ""
    return_path: str = ""
    language: str = ""
    text: str = ""
    text_cite: Cite | None = None
    hidden: str = ""
    links: tuple[Link, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    flags: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    def all(self, name: str) -> tuple[Header, ...]:
        """Every header field of that name (any case), top one first."""
        low = name.lower()
        return tuple(header for header in self.headers if header.name.lower() == low)
