"""Message: what one mail shows, every value with the bytes it stands in.

`derive(data)` turns the bytes of one message into a Message, in time linear in its size and within the limits below;
a limit that is hit is a word in `limits`, never silence. It runs in a parsing child (`intake/parsing.py`) only.
Standards: RFC 5322 (fields), RFC 2045-2047 and 2231 (MIME), RFC 6532 (UTF-8 headers), read leniently.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

from intake import body, charset, links
from intake.body import Body, Found
from intake.header import MAILBOXES, address_inside, bracketed, mailboxes, moment
from intake.language import language
from intake.mime import HEADER_VALUE, Field, Node, Tree, split, value
from intake.record import Cite, Value, sha256
from intake.words import words

SUBJECT = 2000
"""Characters of a subject that are given back."""
SEARCHED = 16_000_000
"""Bytes of a message that are searched for the places of its links; after that a cite covers the whole part."""

_ONCE = ("from", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject", "date")
"""RFC 5322 section 3.6: fields that a message has at most once."""
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b\u2060-\u2064\ufeff]")


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
    html, text, form, image, refresh, qr. The cite covers its exact bytes where it stands unencoded, else its part.
    `registered` is the registrable domain without the private suffixes (of a.github.io: github.io), for the registrar.
    `flags` are those of `intake/links.py`, and: hidden (nobody sees it), cut (longer than 8,192 characters),
    unwrapped-safelinks, unwrapped-google, unwrapped-proofpoint (it was read out of the link before it).
    """

    raw: str
    url: str
    host: str
    domain: str
    where: str
    cite: Cite
    text: str = ""
    registered: str = ""
    flags: tuple[str, ...] = ()


class Leaf(Value, frozen=True):
    """One leaf of the MIME tree. `sha256` and `size` are of the decoded content; the cite covers the encoded bytes."""

    type: str
    name: str
    disposition: str
    size: int
    sha256: str
    cite: Cite
    depth: int = 0


class Message(Value, frozen=True, dict=True):
    """The message as read. Empty text or () where it has none; `date` is None where it has none or it can't be read.

    `text` is what a reader would see (plain part or the HTML's visible text), at most 200,000 characters;
    `hidden` is text in the HTML that a reader would not see. `language` is a BCP 47 tag: zh-Hant and zh-Hans are kept
    apart. `from_` has the mailboxes of every From field. `return_path` is '' also for the null sender, which has the
    flag null-return-path. `flags` name deviations from the standards (those of `intake/mime.py`, and: no-from,
    from-several, from-without-address, from-name-is-address, duplicate-<field>, blank-before-colon, no-date,
    date-unreadable, date-without-zone, no-message-id, eight-bit-header, lf-line-ends, bare-lf, bare-cr, nul-bytes) and
    what a careful reader would notice (bidi-in-name, bidi-in-subject, bidi-in-filename, bidi-in-text,
    invisible-in-subject, invisible-characters, hidden-text, alternatives-differ, form, password-field,
    charset-guessed, charset-damaged);
    `limits` the limits that were hit.
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
        return self._by_name.get(name.lower(), ())

    @cached_property
    def _by_name(self) -> dict[str, tuple[Header, ...]]:
        found: dict[str, list[Header]] = {}
        for header in self.headers:
            found.setdefault(header.name.lower(), []).append(header)
        return {name: tuple(headers) for name, headers in found.items()}


def derive(data: bytes) -> Message:
    """What the bytes of one mail show; any bytes at all, never raises, linear in their number within the limits."""
    return _Deriving(data).message()


def warm() -> None:
    """Run every path of the libraries that loads something when it is first used; afterwards no file is opened."""
    for charset_name, text in _WARM:
        derive(_sample(charset_name, text))
        charset.read(text.encode(charset_name, "replace") + b"\xff\x81")
        language(text)
    links.target("http://\u0440\u0430ypal.github.io/")


_WARM = (
    ("utf-8", "Grüße, Ваш аккаунт, アカウント http://192.0.2.1/ example.com"),
    ("big5", "您的帳戶已被暫停，請立即驗證"),
    ("gb18030", "您的账户已被暂停"),
    ("iso2022_jp", "お客様のアカウントは一時停止されました"),
    ("euc_kr", "고객님의 계정이 정지되었습니다"),
    ("koi8_r", "Ваш аккаунт заблокирован"),
    ("latin-1", "Überfällig: bestätigen Sie Ihr Konto"),
)


def _sample(charset_name: str, text: str) -> bytes:
    """A mail with a header, a plain part and an HTML part in that charset."""
    raw = text.encode(charset_name, "replace")
    return b"\r\n".join((
        b'From: "=?utf-8?q?=C3=A4?=" <a@example.com>', b"Date: Mon, 23 Nov 2026 10:00:00 +0800", b"Subject: " + raw,
        b'Content-Type: multipart/mixed; boundary="b"', b"", b"--b", b"Content-Type: text/plain", b"", raw, b"--b",
        b"Content-Type: text/html; charset=" + charset_name.encode(), b"",
        b"<style>p{color:red}</style><p style='display:none'>x<a href=http://www.example.co.uk/>" + raw + b"</a>",
        b"--b--", b"",
    ))  # fmt: skip


class _Deriving:
    """The making of one Message."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.of = sha256(data)
        self.tree: Tree = split(data)
        self.flags: dict[str, None] = dict.fromkeys(self.tree.flags)
        self.limits: dict[str, None] = dict.fromkeys(self.tree.limits)
        self.fields = [(field.name.lower(), field, value(data, field)) for field in self.tree.root.fields]
        self.first: dict[str, tuple[Field, str]] = {}
        self.searched = 0

    def message(self) -> Message:
        read = body.read(self.data, self.tree)
        headers = tuple(self.headers())
        self.line_ends()
        subject = self.subject()
        date = self.date()
        from_ = self.addresses("from")
        self.sender(from_)
        read_links = tuple(self.links(read))
        leaves = tuple(self.leaves(read))
        if _BIDI.search(read.text):
            self.flags["bidi-in-text"] = None
        return Message(
            sha256=self.of, size=len(self.data), headers=headers, from_=from_, to=self.addresses("to"),
            reply_to=self.addresses("reply-to"), subject=subject, subject_cite=self.cite("subject"),
            date=date, date_cite=self.cite("date"), message_id=self.bracketed("message-id"),
            return_path=self.return_path(), language=language(read.text or subject), text=read.text,
            text_cite=self.span(read.node) if read.node else None, hidden=read.hidden, links=read_links, leaves=leaves,
            flags=tuple(self.flags | read.flags), limits=tuple(self.limits | read.limits),
        )  # fmt: skip

    def headers(self) -> Iterator[Header]:
        """The fields of the message's own header; on the way: the first of each name, and which are there twice."""
        for name, field, text in self.fields:
            if self.first.setdefault(name, (field, text))[0] is not field and name in _ONCE:
                self.flags[f"duplicate-{name}"] = None
            if name in _ONCE and self.data[field.colon - 1] in b" \t":
                self.flags["blank-before-colon"] = None
            yield Header(name=field.name, value=text, cite=self.at(field.start, field.end))
        if not self.data[self.tree.root.header_start : self.tree.root.body_start].isascii():
            self.flags["eight-bit-header"] = None

    def line_ends(self) -> None:
        """RFC 5322 section 2.3: CR and LF only together."""
        both, lf, cr = self.data.count(b"\r\n"), self.data.count(b"\n"), self.data.count(b"\r")
        if lf > both:
            self.flags["bare-lf" if both else "lf-line-ends"] = None
        if cr > both:
            self.flags["bare-cr"] = None
        if b"\x00" in self.data:
            self.flags["nul-bytes"] = None

    def at(self, start: int, end: int) -> Cite:
        return Cite(of=self.of, start=start, end=end)

    def cite(self, name: str) -> Cite | None:
        first = self.first.get(name)
        return self.at(first[0].start, first[0].end) if first else None

    def readable(self, field: Field, text: str) -> str:
        """The value `text` of a field; bytes that are neither ASCII nor UTF-8 in the charset that the body names."""
        raw = self.data[field.colon + 1 : field.end][:HEADER_VALUE]
        if text.isascii() or charset.is_utf8(raw):
            return text
        declared = next((node.charset for node in self.tree.nodes if node.charset), "")
        return charset.read(raw, declared).text.replace("\n", "").replace("\r", "").strip(" \t")

    def subject(self) -> str:
        first = self.first.get("subject")
        text = words(self.readable(*first)) if first else ""
        if len(text) > SUBJECT:
            self.limits["subject"] = None
        if _BIDI.search(text):
            self.flags["bidi-in-subject"] = None
        if _INVISIBLE.search(text):
            self.flags["invisible-in-subject"] = None
        return text[:SUBJECT]

    def date(self) -> datetime | None:
        first = self.first.get("date")
        read = moment(first[1]) if first else None
        if read is None:
            self.flags["date-unreadable" if first else "no-date"] = None
            return None
        if not read.zoned:
            self.flags["date-without-zone"] = None
        return read.at

    def addresses(self, name: str) -> tuple[Address, ...]:
        """The mailboxes of every field of that name."""
        found: list[Address] = []
        for low, field, text in self.fields:
            if low == name:
                boxes, more = mailboxes(self.readable(field, text))
                cite = self.at(field.start, field.end)
                found += [Address(name=box.name, address=box.address, cite=cite) for box in boxes]
                if more or len(found) > MAILBOXES:
                    self.limits["addresses"] = None
        return tuple(found[:MAILBOXES])

    def sender(self, from_: tuple[Address, ...]) -> None:
        """What is odd in the From fields."""
        if not from_:
            self.flags["no-from"] = None
        if len(from_) > 1:
            self.flags["from-several"] = None
        for each in from_:
            if "@" not in each.address:
                self.flags["from-without-address"] = None
            shown = address_inside(each.name)
            if shown and shown != each.address.rpartition("@")[2].lower():
                self.flags["from-name-is-address"] = None
            if _BIDI.search(each.name):
                self.flags["bidi-in-name"] = None

    def return_path(self) -> str:
        first = self.first.get("return-path")
        if first and first[1].startswith("<>"):
            self.flags["null-return-path"] = None
            return ""
        return self.bracketed("return-path")

    def bracketed(self, name: str) -> str:
        first = self.first.get(name)
        if first is None and name == "message-id":
            self.flags["no-message-id"] = None
        return bracketed(first[1]) if first else ""

    def leaves(self, read: Body) -> Iterator[Leaf]:
        for node, size, digest in read.contents if self.data else ():
            if _BIDI.search(node.name):
                self.flags["bidi-in-filename"] = None
            yield Leaf(
                type=node.type, name=node.name, disposition=node.disposition, size=size, sha256=digest,
                cite=self.span(node), depth=node.depth,
            )  # fmt: skip

    def links(self, read: Body) -> Iterator[Link]:
        """The links, each followed by what it wraps."""
        count = 0
        seen: set[tuple[str, str]] = set()
        for found in read.found:
            for link in self.peel(found):
                if (link.raw, link.where) in seen:
                    continue
                if count >= links.MOST:
                    self.limits["links"] = None
                    return
                seen.add((link.raw, link.where))
                count += 1
                yield link

    def peel(self, found: Found) -> Iterator[Link]:
        """A link, and up to three wrapped in one another inside it."""
        raw, cite, flags = found.anchor.raw, self.place(found), ("hidden",) if found.anchor.hidden else ()
        for _ in range(links.PEELED + 1):
            if len(raw) > links.LONGEST:
                self.limits["url"] = None
                raw, flags = raw[: links.LONGEST], (*flags, "cut")
            where = links.target(raw, found.base)
            yield Link(
                raw=raw, url=where.url, host=where.host, domain=where.domain, registered=where.registered,
                where=found.anchor.where, cite=cite, text=found.anchor.label, flags=flags + where.flags,
            )  # fmt: skip
            inner = links.unwrapped(where.url) if where.url else None
            if inner is None:
                return
            raw, flags = inner[0], (f"unwrapped-{inner[1]}",)

    def place(self, found: Found) -> Cite:
        """The bytes of a link where they stand unencoded, else its part."""
        node, raw = found.node, found.anchor.raw[: links.LONGEST]
        for written in dict.fromkeys((raw, raw.replace("&", "&amp;"))) if node.encoding != "base64" else ():
            if self.searched > SEARCHED:
                break
            wanted = written.encode("utf-8", "replace")
            start = self.data.find(wanted, node.body_start, node.end)
            self.searched += (start if start >= 0 else node.end) - node.body_start
            if start >= 0:
                return self.at(start, start + len(wanted))
        return self.span(node)

    def span(self, node: Node) -> Cite:
        """The bytes of a part's body; of an empty one those of its header, or the last byte before it."""
        start = node.body_start if node.body_start < node.end else node.header_start
        end = max(node.end, 1)
        return self.at(min(start, end - 1), end)
