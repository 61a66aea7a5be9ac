"""Domains: the registrable domain of a host name, by the public suffix list; the one door to that list.

`registrable("mail.shop.example.co.uk")` is `example.co.uk`. Private suffixes count (each name under github.io is an
owner of its own), and so does a top level that the list does not know, by its default rule `*`
(https://publicsuffix.org/list/, algorithm).
"""

from functools import cache, lru_cache
from ipaddress import ip_address

from publicsuffixlist import PublicSuffixList

LONGEST_NAME = 253


@cache
def _list() -> PublicSuffixList:
    """The list that comes with the library, read once: 0.1 s and never from the network."""
    return PublicSuffixList()


@lru_cache(maxsize=8192)
def registrable(host: str) -> str:
    """The registrable domain of `host` (A-labels, any case, final dot allowed) in lower case.

    '' for an address, a bare label, a public suffix itself, and whatever is no host name.
    """
    name = host.lower().removesuffix(".")
    if not name or len(name) > LONGEST_NAME or _address(name):
        return ""
    return _list().privatesuffix(name) or ""


def _address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
