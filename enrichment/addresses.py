"""Addresses: what an IP address can be, by a small table of our own.

`kind(ip)` is one word for the special block that an address stands in, after unwrapping IPv4 out of IPv6 (mapped,
NAT64, 6to4); `private(ip)` says that no stranger can have connected from it over the Internet. The documentation
blocks count as public: they stand for real addresses in samples and in redacted reports, and never occur elsewhere.
Source: the IANA special-purpose address registries (RFC 6890), RFC 4291, RFC 6052, RFC 3056.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PUBLIC = frozenset({"public", "documentation"})
IMPOSSIBLE = frozenset({"this-network", "multicast", "reserved", "unspecified", "discard"})
"""Kinds of which no SMTP connection can come."""

_TABLE = (
    ("0.0.0.0/8", "this-network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmark"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "private"),
    ("100::/64", "discard"),
    ("2001:10::/28", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("2000::/3", "public"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
    ("::/0", "reserved"),
    ("0.0.0.0/0", "public"),
)
_NETWORKS = tuple((ip_network(net), word) for net, word in _TABLE)
_SHAPE = re.compile(r"[0-9A-Fa-f.:]{2,45}(?:%[0-9A-Za-z]{1,12})?")
_NAT64 = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=4096)
def parse(text: str) -> Address | None:
    """The address that `text` says: brackets, the tag `IPv6:` (RFC 5321 section 4.1.3) and a zone index fall away.

    An IPv4 address mapped into IPv6 is given as IPv4. None where it is no address.
    """
    bare = text.strip().strip("[]")
    if bare[:5].lower() == "ipv6:":
        bare = bare[5:]
    if not _SHAPE.fullmatch(bare):
        return None
    try:
        address = ip_address(bare.split("%", 1)[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def unwrap(address: Address) -> Address:
    """The IPv4 address inside a mapped (RFC 4291), NAT64 (RFC 6052) or 6to4 (RFC 3056) one; others as they are."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


@lru_cache(maxsize=4096)
def kind(ip: str) -> str:
    """The word for the block in which `ip` stands: public, private, loopback ...; '' where `ip` is no address."""
    address = parse(ip)
    if address is None:
        return ""
    inner = unwrap(address)
    return next(word for net, word in _NETWORKS if inner.version == net.version and inner in net)


def private(ip: str) -> bool:
    """Whether `ip` is an address that can't have connected over the Internet. No address: False."""
    return kind(ip) not in PUBLIC | {""}


def public(ip: str) -> bool:
    """Whether `ip` is an address that can have connected over the Internet. No address: False."""
    return kind(ip) in PUBLIC


def near(one: str, other: str, v4: int = 24, v6: int = 48) -> bool:
    """Whether both addresses share their first `v4` (IPv4) or `v6` (IPv6) bits."""
    first, second = parse(one), parse(other)
    if first is None or second is None or first.version != second.version:
        return False
    bits = v4 if first.version == 4 else v6
    shift = first.max_prefixlen - bits
    return int(first) >> shift == int(second) >> shift


def network(text: str) -> Network | None:
    """The network or single address that `text` says, host bits ignored; None where it is neither."""
    try:
        return ip_network(text.strip().strip("[]")[:64], strict=False)
    except ValueError:
        return None


def inside(ip: str, networks: tuple[Network, ...]) -> bool:
    """Whether `ip` stands in one of the networks."""
    address = parse(ip)
    return address is not None and any(address.version == net.version and address in net for net in networks)
