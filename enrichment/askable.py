"""Askable: the one rule by which a question may be put to the DNS, because being asked can warn the sender.

A host name out of a message may carry the recipient's identity, and the sender's name server sees who asks for it.
So at once only: reverse names of addresses (under the reverse zones and under lists and registries of our choice), the
names that such an answer gave, registrable domains, and their `_dmarc`. Every other name waits until three different
reporters have sent it, or its domain belongs to a large mailer, or an investigator has decided it, which is logged.
Source: the house plan, section 6.
"""

import re
from collections.abc import Set

from enrichment.blocklists import NAMES
from enrichment.facts import Question
from enrichment.gather.mailers import large
from intake.domains import registrable

REPORTERS = 3
"""Different reporters whose reports must hold a name before it may be asked for."""

ORIGIN = ("origin.asn.cymru.com", "origin6.asn.cymru.com")
"""Team Cymru's zones for the network of an IPv4 and of an IPv6 address."""

_TYPES = frozenset({"A", "AAAA", "MX", "NS", "SOA", "TXT"})
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_REVERSED = re.compile(rf"(?:[0-9a-f]\.){{32}}|(?:{_OCTET}\.){{4}}")
_AUTONOMOUS = re.compile(r"as\d{1,10}\.asn\.cymru\.com")


def askable(
    question: Question,
    zones: Set[str] = NAMES,
    learned: Set[str] = frozenset(),
    reporters: int = 0,
    decided: bool = False,
) -> bool:
    """Whether `question` may be put now.

    `zones` are the names of the lists that the operator uses, `learned` the names that answers to reverse questions
    gave, `reporters` how many different reporters sent the name, `decided` that an investigator asked for it.
    """
    name = question.name.lower().removesuffix(".")
    if decided or reporters >= REPORTERS or large(name):
        return True
    if _about_an_address(question.type, name, zones):
        return True
    if question.type in ("A", "AAAA") and name in learned:
        return True
    if name.startswith("_dmarc."):
        return question.type == "TXT" and _impersonal(name.removeprefix("_dmarc."))
    return question.type in _TYPES and _impersonal(name)


def _about_an_address(type_: str, name: str, zones: Set[str]) -> bool:
    """Reverse name, blocklist (RFC 5782) or network of an address: only those who run these zones see the question."""
    if _AUTONOMOUS.fullmatch(name):
        return type_ == "TXT"
    found = _REVERSED.match(name)
    if found is None:
        return False
    zone = name[found.end() :]
    if zone in ("in-addr.arpa", "ip6.arpa"):
        return type_ == "PTR"
    return (type_ == "TXT" and zone in ORIGIN) or (type_ in ("A", "TXT") and zone in zones)


def _impersonal(name: str) -> bool:
    """Whether `name` is a registrable domain, or a public suffix, which is above all of them."""
    return name != "" and (registrable(name) == name or registrable(f"x.{name}") == f"x.{name}")
