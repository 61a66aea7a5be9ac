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


@cache
def _registered_list() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


@lru_cache(maxsize=8192)
def registrable(host: str) -> str:
    """The registrable domain of `host` (A-labels, any case, final dot allowed) in lower case.

    '' for an address, a bare label, a public suffix itself, and whatever is no host name.
    """
    name = host.lower().removesuffix(".")
    if not name or len(name) > LONGEST_NAME or _address(name):
        return ""
    return _list().privatesuffix(name) or ""


@lru_cache(maxsize=8192)
def registered(host: str) -> str:
    """What a registrar has registered of `host`: as `registrable`, but private suffixes do not count."""
    name = host.lower().removesuffix(".")
    if not name or len(name) > LONGEST_NAME or _address(name):
        return ""
    return _registered_list().privatesuffix(name) or ""


@lru_cache(maxsize=8192)
def listed(host: str) -> bool:
    """Whether the list knows the top level of `host`."""
    return _list().publicsuffix(host.lower().removesuffix("."), accept_unknown=False) is not None


def _address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
