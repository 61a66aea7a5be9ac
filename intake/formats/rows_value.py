"""Values of rows: one cell of a feed's table becomes an address, a domain, a link, a time or a count, in one spelling.

What was made harmless (hxxp, [.]) is put back first: in a feed's table it can be meant no other way. A reader gives the
kinds and canonical forms of a cell, or raises `Bad` with the reason in words. Nothing is looked up. No cell is a
formula: text that looks like one is text. Standards: RFC 5952, RFC 4632, RFC 1035 and UTS 46, RFC 5321; ISO 8601,
RFC 5322, seconds since 1970.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

from intake import links
from intake.domains import registrable
from intake.wallet import wallets

LONGEST = 2000
"""Characters of a cell that is read."""
MOST = 1_000_000_000
"""The highest count that is believed; a higher one is cut to it."""
YEARS = (1990, 2100)
Values = tuple[tuple[str, str], ...]
Reader = Callable[[str], Values]

_TAMED = re.compile(r"[\[({\\\u200b\u200c\u200d\ufeff\u00ad\u3002\uff0e\uff61\uff0f\uff20]|^h(?:xx|\*\*)p", re.I)
_DOT = re.compile(r"\s?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\\\.|[\u3002\uff0e\uff61])\s?", re.I)
_AT = re.compile(r"\s?(?:\[@\]|\(@\)|\[at\]|\(at\)|\uff20)\s?", re.I)
_SCHEME = re.compile(r"^h(?:xx|\*\*)p(s?)(?=:)", re.I)
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff\u00ad"))
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,20}[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.?", re.I)
_NUMBERS = re.compile(r"[0-9a-f:.]{2,45}(?:%\w{1,20})?(?:/\d{1,3})?", re.I)
_PORT = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([0-9a-f:.]{2,45})\](?::\d{1,5})?", re.I | re.A)
_HEX = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})", re.I)
_MAIL = re.compile(r"[^\s@<>\"(),:;\[\]]{1,64}@([^\s@<>]{1,253})")
_NESTED = re.compile(r"^[^<]{0,200}<([^<>]{3,320})>$")
_EPOCH = re.compile(r"(\d{9,10})(?:\d{3})?(?:\.\d{1,9})?", re.A)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.A)
_COUNT = re.compile(r"\d{1,3}(?:,\d{3}){1,6}|\d{1,30}(?:\.0{1,6})?", re.A)
_HERE = tuple(
    ip_network(each)
    for each in ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
                 "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8")
)  # fmt: skip
"""Addresses that name no machine on the public network (RFC 6890); those for documentation are let through."""
_SPECIAL = frozenset(map(str, (0, 10, 127, 169, 172, 192, *range(224, 256))))
"""First numbers of IPv4 addresses among which some of these are."""
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN = re.compile(rf"({_OCTET})(?:\.{_OCTET}){{3}}")
_HERE4 = tuple((int(each.network_address), int(each.netmask)) for each in _HERE if each.version == 4)


class Bad(Exception):
    """A cell that can't be read; `code` is the row's verdict, `says` why in words, `at` the place of the column."""

    def __init__(self, code: str, says: str) -> None:
        super().__init__(says)
        self.code, self.says, self.at = code, says, -1


def refanged(text: str) -> str:
    """The value without what makes it harmless: hxxp, [.], (dot), [@], [:], unseen characters, full-width dots."""
    if not _TAMED.search(text):
        return text
    text = text.translate(_UNSEEN).replace("[:]", ":").replace("[://]", "://").replace("[/]", "/")
    text = _SCHEME.sub(r"http\1", text.strip().replace("\uff0f", "/"))
    return _AT.sub("@", _DOT.sub(".", text))


def address(text: str) -> Values:
    """An IPv4 or IPv6 address, or a network of them; a port behind it is left out."""
    if plain := _PLAIN.fullmatch(text):
        if plain[1] not in _SPECIAL:
            return (("address", text),)
    else:
        text = refanged(text)
    if ported := _PORT.fullmatch(text):
        text = ported[1] or ported[2]
    try:
        return _network(text) if "/" in text else _address(text)
    except ValueError:
        raise Bad("bad-value", "is no address of the internet protocol") from None


def _address(text: str) -> Values:
    found = ip_address(text)
    if found.version == 6 and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, IPv4Address):
        number = int(found)
        here = any(number & mask == network for network, mask in _HERE4)
    else:
        if found.scope_id:
            raise ValueError
        here = any(found in each for each in _HERE if each.version == 6)
    if here:
        raise Bad("bad-value", "is an address that names no machine on the public network")
    return (("address", str(found)),)


def _network(text: str) -> Values:
    found = ip_network(text, strict=False)
    if found.num_addresses == 1:
        return _address(str(found.network_address))
    if found.prefixlen < (8 if found.version == 4 else 16):
        raise Bad("bad-value", "is a network too wide to say anything")
    if any(_within(found, each) for each in _HERE):
        raise Bad("bad-value", "is a network that is not on the public one")
    return (("network", str(found)),)


def _within(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    return inner.version == outer.version and inner.network_address in outer


def domain(text: str) -> Values:
    """A host name, in A-labels and lower case, and its registrable domain."""
    host = refanged(text).lower().removeprefix("*.").removesuffix(".")
    if not host.isascii():
        host = links.target(f"http://{host}/").host
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise Bad("bad-value", "is no domain name")
    return _house(host)


def _house(host: str) -> Values:
    owner = registrable(host)
    if not owner:
        raise Bad("bad-value", "is a name under which others register theirs")
    return (("domain", owner),) if owner == host else (("host", host), ("domain", owner))


def url(text: str) -> Values:
    """A link in its canonical form, and the domain or address that it leads to."""
    found = links.target(refanged(text))
    if not found.host or not found.url.startswith(("http://", "https://", "ftp://")):
        raise Bad("bad-value", "is no link")
    if found.domain:
        return (("url", found.url), *_house(found.host))
    try:
        return (("url", found.url), *_address(found.host))
    except ValueError:
        raise Bad("bad-value", "is a link that leads to no host") from None


def mailbox(text: str) -> Values:
    """A mail address in lower case; with a name before it only the address counts."""
    text = refanged(text)
    nested = _NESTED.match(text)
    plain = (nested[1] if nested else text).strip().removeprefix("mailto:").lower()
    match = _MAIL.fullmatch(plain)
    if match is None or not _HOST.fullmatch(match[1]):
        raise Bad("bad-value", "is no mail address")
    return (("mailbox", plain),)


def hash_(text: str) -> Values:
    """A digest in hexadecimal: MD5, SHA-1, SHA-256 or SHA-512 by its length."""
    if not _HEX.fullmatch(text):
        raise Bad("bad-value", "is no digest: 32, 40, 64 or 128 hexadecimal digits")
    return (("hash", text.lower()),)


def wallet(text: str) -> Values:
    """An address of a cryptocurrency whose checksum holds."""
    found = wallets(text)
    if len(found) != 1 or found[0].lower() != text.lower():
        raise Bad("bad-value", "is no address of a cryptocurrency that we know")
    return (("wallet", found[0]),)


def any_(text: str) -> Values:
    """Whatever of these it is, by its form."""
    plain = refanged(text)
    if "://" in plain:
        return url(plain)
    if "@" in plain:
        return mailbox(plain)
    if _HEX.fullmatch(plain):
        return hash_(plain)
    if (_NUMBERS.fullmatch(plain) and (":" in plain or plain.count(".") == 3)) or _PORT.fullmatch(plain):
        return address(plain)
    if found := wallets(plain):
        return (("wallet", found[0]),) if len(plain) == len(found[0]) else _unknown()
    if "/" in plain:
        return url(plain)
    return domain(plain) if "." in plain else _unknown()


def _unknown() -> Values:
    raise Bad("bad-value", "is neither address, domain, link, mail address, digest nor wallet")


READERS: Mapping[str, Reader] = {
    "address": address, "domain": domain, "url": url, "mailbox": mailbox, "hash": hash_, "wallet": wallet, "any": any_,
}  # fmt: skip
"""Kind of a column -> what reads its cells."""


def time(text: str) -> str:
    """A time in UTC, ISO 8601 to the second; without the final Z where the text names no zone and UTC is assumed."""
    if _ISO.fullmatch(text):
        found, zoned = _iso(text[:19]), True
    else:
        found, zoned = _time(text)
    if not YEARS[0] <= found.year < YEARS[1]:
        raise Bad("bad-time", f"is a time outside the years {YEARS[0]} to {YEARS[1] - 1}")
    return found.replace(microsecond=0, tzinfo=None).isoformat() + ("Z" if zoned else "")


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Bad("bad-time", "is no day or hour that there is") from None


def _time(text: str) -> tuple[datetime, bool]:
    """The time, and whether its zone was named."""
    if epoch := _EPOCH.fullmatch(text):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(epoch[1])), True
    try:
        found = datetime.fromisoformat(text.removesuffix(" UTC").removesuffix(" GMT"))
        zoned = found.tzinfo is not None or text.endswith((" UTC", " GMT"))
    except ValueError:
        found, zoned = _mail_time(text)
    try:
        return (found.astimezone(UTC) if found.tzinfo else found), zoned
    except OverflowError:
        raise Bad("bad-time", "is no time") from None


def _mail_time(text: str) -> tuple[datetime, bool]:
    """RFC 5322 section 3.3; '-0000' there says that the zone is not known."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise Bad("bad-time", "is no time that we read: ISO 8601, a mail's date, or seconds since 1970") from None
    return found, found.tzinfo is not None


def count(text: str) -> tuple[int, bool]:
    """(A whole number from 1, whether it was cut to the highest one that is believed)."""
    if not _COUNT.fullmatch(text):
        raise Bad("bad-count", "is no whole number")
    found = int(text.partition(".")[0].replace(",", ""))
    if found == 0:
        raise Bad("bad-count", "is a count of nothing")
    return min(found, MOST), found > MOST
