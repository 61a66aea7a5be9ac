"""A campaign: the reasons for which reports share a case.

`drawn` takes from one report what survives when a spammer sends the next ten thousand: the likeness of the text, link
domains, tenants of shared hosting, drop mailboxes, wallets, telephone numbers, attachments, a proven signer, and the
sending network together with the form of the subject. What many unrelated senders share (`triage/shared.py`) is never
one. A sending network never joins alone. `triage/key.py` makes of each a key that can be compared without being read.
"""

import ipaddress
import re
from collections.abc import Sequence

from enrichment.examination import Boundary, Check, Examination
from intake.message import Leaf, Link, Message
from intake.wallet import wallets
from triage import shared
from triage.key import Drawn
from triage.likeness import EQUAL_FROM, bands, words
from triage.phone import phones

MOST_DOMAINS = 8
"""A message with more unshared link domains than this is a digest or is padded: its domains join nothing."""
MOST_MAILBOXES = 3
LEAST_PATH = 4
LEAST_FILE, LEAST_IMAGE = 256, 4096
"""Bytes below which an attachment, or a picture, says nothing."""
PICTURE_WORDS = 80
"""A picture is a key only where it carries the message: with fewer words than this around it."""
CONTACT = 20_000
"""Characters of the text in which wallets, numbers and mailboxes are sought."""

_MAILBOX = re.compile(r"[a-z0-9][a-z0-9._+-]{1,63}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}")
_RULE = re.compile(r"\n[ >]{0,4}[_=-]{20,200}[ \r]{0,4}\n")
_STYLES = ("fonts.", "ajax.", "lh3.")
_DIGITS = re.compile(r"\d")
_SEGMENT = re.compile(r"^https?://[^/?#]{1,300}/([^?#]{1,400})")


def drawn(
    message: Message, boundary: Boundary, checks: Sequence[Check], shared_domains: frozenset[str] = shared.ALL
) -> tuple[Drawn, ...]:
    """What every key of one report stands for, in a fixed order."""
    body, addressee = _without_footer(message), _addressee(message)
    listed = words(body, addressee)
    subject = " ".join(words(message.subject[:400], addressee))
    links = [link for link in message.links if link.where != "text" or body is message.text or link.raw in body]
    text = (Drawn(family="text", what=each) for each in _text(subject, listed))
    others = (
        *(("domain", domain) for domain in _domains(message, links, shared_domains)),
        *(("link-path", path) for path in _paths(message.links)),
        *(("mailbox", mailbox) for mailbox in _mailboxes(message)),
        *(("wallet", wallet) for wallet in wallets(message.text[:CONTACT])),
        *(("phone", number) for number in phones(message.text[:CONTACT])),
        *(("attachment", leaf.sha256) for leaf in message.leaves if _telling(leaf, len(listed))),
        *(("dkim", domain) for domain in _signers(checks, shared_domains)),
        *(("network", pair) for pair in _network(subject, boundary)),
    )
    shown = (
        Drawn(family=family, what=what.encode("utf-8", "surrogatepass"), says=what[:200]) for family, what in others
    )
    return (*text, *shown)


def drawn_of(examination: Examination) -> tuple[Drawn, ...]:
    """`drawn` of an examined report."""
    return drawn(examination.message, examination.boundary, examination.checks)


def _text(subject: str, listed: list[str]) -> tuple[bytes, ...]:
    """Bands where there is enough text; else equality of subject and text together."""
    found = bands(listed)
    if found or len(listed) < EQUAL_FROM:
        return found
    return (("equal\0" + subject + "\0" + " ".join(listed)).encode("utf-8", "surrogatepass"),)


def _without_footer(message: Message) -> str:
    """The text without what a mailing list adds at the end below a ruled line."""
    if not message.all("List-Id") and not message.all("Precedence"):
        return message.text
    tail = max(0, len(message.text) - 1_000)
    ruled = _RULE.search(message.text, tail)
    return message.text[: ruled.start()] if ruled else message.text


def _addressee(message: Message) -> frozenset[str]:
    """Words of the recipient's name and address, which differ from copy to copy."""
    return frozenset(
        word for each in message.to[:20] for word in words(f"{each.name} {each.address.replace('@', ' ')}")
    )


def _own(message: Message) -> set[str]:
    """Domains that say who was written to, not who wrote: of the recipients, and of the list that carried the mail."""
    found = {each.address.rpartition("@")[2].lower() for each in message.to[:50]}
    for name in ("List-Id", "List-Post"):
        for header in message.all(name)[:2]:
            host = header.value.rpartition("@")[2].rpartition("<")[2].strip("<> ").lower()
            labels = host.split(".")
            found.update(".".join(labels[start:]) for start in range(max(0, len(labels) - 5), len(labels) - 1))
    return found


def _domains(message: Message, links: Sequence[Link], shared_domains: frozenset[str]) -> list[str]:
    own = _own(message)
    found = dict.fromkeys(
        link.domain
        for link in links
        if link.domain
        and link.where != "image"
        and link.url.startswith("http")
        and link.domain not in own
        and not shared.within(link.host or link.domain, shared_domains)
    )
    return list(found) if len(found) <= MOST_DOMAINS else []


def _paths(links: Sequence[Link]) -> list[str]:
    """The whole path on a shortener; host and first two steps, which name the tenant, on shared hosting."""
    found: dict[str, None] = {}
    for link in links[:200]:
        match = _SEGMENT.match(link.url) if link.where != "image" else None
        if match is None or len(match.group(1)) < LEAST_PATH:
            continue
        if shared.within(link.host, shared.SHORTENERS):
            found[f"{link.host}/{match.group(1)}"] = None
        elif shared.within(link.host, shared.HOSTING) and not link.host.startswith(_STYLES):
            found["/".join([link.host, *match.group(1).split("/")[:2]])] = None
    return list(found)[:MOST_DOMAINS]


def _mailboxes(message: Message) -> list[str]:
    """Free mailboxes that the reader is told to write to; a conversation quotes many and gives none."""
    if message.all("References") or message.all("In-Reply-To"):
        return []
    known = {each.address.lower() for each in message.to[:50]}
    written = [each.address.lower() for each in message.reply_to[:3]]
    pieces = (piece for piece in message.text[:CONTACT].lower().split() if "@" in piece)
    written += [mailbox for piece in pieces for mailbox in _MAILBOX.findall(piece)]
    written += [
        link.url[7:].partition("?")[0].lower() for link in message.links[:200] if link.url.startswith("mailto:")
    ]
    found = dict.fromkeys(each for each in written if each not in known and each.rpartition("@")[2] in shared.FREEMAIL)
    return list(found) if len(found) <= MOST_MAILBOXES else []


def _telling(leaf: Leaf, words_around: int) -> bool:
    """Whether a part is the campaign's own: a file, or a picture that carries the message."""
    if leaf.type.startswith("image/"):
        return leaf.size >= LEAST_IMAGE and words_around < PICTURE_WORDS
    textual = leaf.type in ("text/plain", "text/html") and leaf.disposition != "attachment"
    return not textual and leaf.size >= LEAST_FILE and not leaf.type.startswith(("message/", "multipart/"))


def _signers(checks: Sequence[Check], shared_domains: frozenset[str]) -> list[str]:
    """Domains whose DKIM signature we verified ourselves."""
    return sorted(
        {
            check.domain
            for check in checks
            if check.method == "dkim"
            and check.result == "pass"
            and check.basis in ("verified-now", "recomputed")
            and check.domain
            and not shared.within(check.domain, shared_domains)
        }
    )


def _network(subject: str, boundary: Boundary) -> list[str]:
    """The sending network, only together with the form of a subject of three words or more."""
    if boundary.confidence not in ("medium", "high") or len(subject.split()) < 3:
        return []
    try:
        address = ipaddress.ip_address(boundary.ip)
    except ValueError:
        return []
    bits = 24 if address.version == 4 else 48
    return [f"{ipaddress.ip_network((address, bits), strict=False)} {_DIGITS.sub('0', subject)}"]
