"""Forged: what shows that a Received line below the boundary was made up.

`signs(hop, text, above)` are codes; SIGNS has a sentence for each. One sign alone proves little: servers are set up
badly, clocks are wrong, and a forwarder's host may have two names. Sources: SpamAssassin's RelayEval and header tests
and rspamd's header rules, as compared in `reference/indicators.md` 5.2; clock order by RFC 5321 section 4.4.
"""

import re
from datetime import timedelta
from ipaddress import IPv4Address

from enrichment.addresses import IMPOSSIBLE, kind, near, parse, private, public
from enrichment.examination import Hop
from enrichment.side import PROVIDERS, family

SKEW = timedelta(minutes=5)
"""How far clocks of honest servers may differ."""

SIGNS = {
    "trail": "the server that wrote it is not the host from which the line above took the mail",
    "helo-address": "the host called itself by a public address that is not the one it connected from",
    "numeric-helo": "the host called itself by a bare public address",
    "provider-unnamed": "a host that calls itself a large provider's has no reverse name",
    "bare-provider": "the host called itself by the bare domain of a large provider, as that provider's hosts never do",
    "double-address": "sender and receiver are both plain addresses",
    "bot-template": "it has an address, a receiver and a date and nothing else, a form known from spam programs",
    "impossible-address": "it names an address from which nobody can connect",
    "clock": "its date has a twelve-hour clock, which mail servers don't write",
    "protocol": "its protocol is none that mail servers write",
    "postfix-date": "it claims Postfix, but its date lacks the name of the zone that Postfix appends",
    "zone": "its date has a time zone that does not exist",
    "time-order": "it claims a later time than the line above it",
}
STRONG = frozenset({"impossible-address", "bot-template", "postfix-date", "zone", "protocol"})
"""Signs that no honest server is known to leave."""

_SERVERS = frozenset({"google.com", "office365.com", "yahoodns.net", "apple.com", "netease.com", "protonmail.ch"})
_BARE = frozenset(
    {domain for each in PROVIDERS for domain in each.domains if domain not in _SERVERS} | {"yahoo.co.jp", "mail.ru"}
)
_TEMPLATE = re.compile(r"from \[?[0-9.]{7,15}\]? by [^\s;()]{1,255} ?; ?[^;]{10,60}\Z", re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})? ?[AP]\.?M\b", re.IGNORECASE)
_POSTFIX = re.compile(r"\(Postfix\) with ")
_NAMED_ZONE = re.compile(r"[+-]\d{4} \([A-Za-z0-9+:-]{1,9}\)\Z")
_NO_ZONE = re.compile(r":\d{2} (?:[+-]--?\d{1,4}|[+-](?:\d\d[6-9]\d|1[5-9]\d\d|[2-9]\d{3}))\b")
_OCTET = re.compile(r"\d+")


def signs(hop: Hop, text: str, above: Hop | None) -> tuple[str, ...]:
    """The codes of all signs in the line `text`, read as `hop`; `above` is the line above where it can be compared."""
    line = " ".join(text[:4096].split())
    found = set(hop.forged) | set(_of_the_name(hop)) | set(_of_the_form(hop, line))
    if above is not None:
        found |= set(_of_the_order(hop, above))
    return tuple(code for code in SIGNS if code in found)


def _of_the_name(hop: Hop) -> list[str]:
    """What the host called itself against what the receiver saw."""
    found = []
    called = parse(hop.helo) if hop.helo else None
    if called is not None and public(str(called)):
        if public(hop.ip) and str(called) != hop.ip and not near(str(called), hop.ip, v4=16, v6=32):
            found.append("helo-address")
        if isinstance(called, IPv4Address) and not hop.helo.startswith("["):
            found.append("numeric-helo")
    if hop.helo.lower() in _BARE:
        found.append("bare-provider")
    if hop.unnamed and not hop.rdns and any(family(hop.helo) == each.domains[0] for each in PROVIDERS):
        found.append("provider-unnamed")
    return found


def _of_the_form(hop: Hop, line: str) -> list[str]:
    tests = (
        ("impossible-address", kind(hop.ip) in IMPOSSIBLE or kind(hop.by_ip) in IMPOSSIBLE),
        ("double-address", hop.dialect == "address" and parse(hop.by) is not None and not private(hop.ip)),
        ("bot-template", bool(_TEMPLATE.match(line))),
        ("clock", bool(_CLOCK.search(line))),
        ("protocol", hop.protocol == "SSMTP"),
        ("postfix-date", bool(_POSTFIX.search(line)) and not _NAMED_ZONE.search(line)),
        ("zone", bool(_NO_ZONE.search(line[-80:]))),
    )
    return [code for code, fires in tests if fires]


def _of_the_order(hop: Hop, above: Hop) -> list[str]:
    found = []
    if hop.time and above.time and hop.time > above.time + SKEW:
        found.append("time-order")
    names = {family(name) for name in (above.rdns, above.helo) if name} - {""}
    writer = family(hop.by)
    if writer and names and writer not in names and not private(above.ip) and not near(above.ip, hop.by_ip):
        found.append("trail")
    return found
