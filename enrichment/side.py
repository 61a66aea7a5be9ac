"""Side: which hosts count as the reporter's own when the Received lines are walked.

`registered(edges)` are the servers that the reporter named; `inferred(hops)` is a guess from the topmost lines, used
where none are known. A name counts as own only where the receiver confirmed it by reverse and forward lookup, or where
the line says so itself in its by-part; what a host calls itself never does.
"""

from collections.abc import Sequence
from typing import NamedTuple

from enrichment.addresses import Network, inside, network, public
from enrichment.examination import Hop
from intake.domains import registrable

CONFIRMS = frozenset({"exim", "postfix"})
"""Dialects whose servers write a reverse name only when it leads back to the address, or say that it may be forged."""

FETCHED = frozenset({"IMAP", "IMAP4", "IMAPS", "POP", "POP3", "POPS", "POP3S"})
DELIVERED = frozenset({"LMTP", "LMTPS", "LMTPA", "LMTPSA", "LOCAL", "MAPI"})


class _Provider(NamedTuple):
    """A mail provider's own domains (of its servers and of its users' addresses), and its inner networks."""

    domains: tuple[str, ...]
    networks: tuple[str, ...] = ()


PROVIDERS = (
    _Provider(("outlook.com", "office365.com", "hotmail.com", "live.com", "msn.com"), ("2603:1000::/24",)),
    _Provider(("google.com", "gmail.com", "googlemail.com")),
    _Provider(("yahoo.com", "yahoodns.net", "aol.com", "ymail.com")),
    _Provider(("icloud.com", "apple.com", "me.com", "mac.com")),
    _Provider(("gmx.net", "gmx.de", "gmx.com", "web.de", "mail.com")),
    _Provider(("qq.com", "foxmail.com")),
    _Provider(("163.com", "126.com", "netease.com")),
    _Provider(("protonmail.ch", "proton.me", "protonmail.com")),
)
"""Each serves strangers too: a public address of its own that hands mail over is a sender like any other, so that only
its inner networks are its side. Source of the network: RDAP, NET6-2603-1000-1 (Microsoft)."""


class Side(NamedTuple):
    """`names` are host names and domains in lower case; `certain` where the reporter named them."""

    names: tuple[str, ...]
    networks: tuple[Network, ...]
    certain: bool
    shared: bool = False
    """Whether it belongs to a provider that serves strangers too."""

    def owns(self, host: str) -> bool:
        """Whether `host` is one of the names or stands below one."""
        low = host.lower().removesuffix(".")
        return bool(low) and any(low == name or low.endswith("." + name) for name in self.names)

    def wrote(self, hop: Hop) -> bool:
        """Whether the by-part of the line names the side."""
        return self.owns(hop.by) or inside(hop.by_ip, self.networks)

    def holds(self, ip: str) -> bool:
        return inside(ip, self.networks)

    def sent(self, hop: Hop) -> bool:
        """Whether the host that connected certainly belongs to the side."""
        if not public(hop.ip) or self.holds(hop.ip):
            return True
        return not self.shared and hop.dialect in CONFIRMS and not hop.unnamed and self.owns(hop.rdns)


def registered(edges: Sequence[str]) -> Side:
    """The side that a reporter named: host names, domains, addresses, networks; what is neither is left out."""
    networks = tuple(net for edge in edges if (net := network(edge)) is not None)
    names = tuple(edge.strip().lower().strip(".") for edge in edges if network(edge) is None)
    return _side(tuple(name for name in names if name), networks, certain=True)


def inferred(hops: Sequence[Hop]) -> Side:
    """The side of the topmost line that names a server with a registrable domain.

    Lines that can't be read are passed, and where the mail was fetched, what stands above that is the reader's own
    machine. Where no line has such a name, it is the host of the first line with a public address.
    """
    received = hops[_below_fetching(hops) :]
    for hop in received:
        if hop.parsed and (domain := registrable(hop.by)):
            return _side((domain,), (), certain=False)
    first = next((hop for hop in received if public(hop.ip)), None)
    return _side((first.by,) if first and first.by else (), (), certain=False)


def _below_fetching(hops: Sequence[Hop]) -> int:
    """Index below the last fetched line that stands above every line with a public address."""
    start = 0
    for place, hop in enumerate(hops):
        if fetched(hop):
            start = place + 1
        elif public(hop.ip):
            break
    return start


def fetched(hop: Hop) -> bool:
    """Whether the line is the reporter's own program that fetched the mail: its address is the server asked."""
    return hop.protocol in FETCHED or hop.dialect == "fetch"


def delivered(hop: Hop) -> bool:
    """Whether the line is a delivery within one house (RFC 2033 for LMTP)."""
    return hop.protocol in DELIVERED or hop.protocol.startswith("LOCAL")


def family(host: str) -> str:
    """What two hosts of one organisation have in common: the registrable domain, or the provider's first."""
    domain = registrable(host)
    return next((each.domains[0] for each in PROVIDERS if domain in each.domains), domain)


def _side(names: tuple[str, ...], networks: tuple[Network, ...], certain: bool) -> Side:
    found = [each for each in PROVIDERS if any(registrable(name) in each.domains for name in names)]
    own = tuple(net for each in found for text in each.networks if (net := network(text)) is not None)
    domains = tuple(domain for each in found for domain in each.domains)
    return Side(names + domains, networks + own, certain, shared=bool(found))
