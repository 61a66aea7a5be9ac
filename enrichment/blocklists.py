"""Blocklists: what each answer of each list means, as data, and how an answer is read.

`read(zone, lookup)` gives a Listing with one of five statuses: `listed` (with the meanings of its codes), `clean` (the
list answered that it has no entry), `blocked` (the list refuses to answer us), `error` (no answer: timeout, servfail,
an unknown code, the entry that says nothing), `rewritten` (somebody between us and the list invents answers). Only
listed and clean say something about the address. Codes are either exact values or sums of bits, never both.
Standard: RFC 5782; the codes by each list's own documentation as collected in `reference/indicators.md` 5.5.
"""

from collections.abc import Iterable
from typing import Literal

from enrichment.facts import Lookup
from intake.record import Value

Status = Literal["listed", "clean", "blocked", "error", "rewritten"]


class Code(Value, frozen=True):
    """What one answer means: `octets` after 127 ('0.0.4'), or the bit where the zone's codes are sums.

    `kind`: spam, exploited, proxy, relay, dynamic, policy, drop, controller, tor, vpn, reputation, welcome; `says` is
    the list's own word for it.
    """

    octets: str
    kind: str
    says: str


class Zone(Value, frozen=True):
    """One list: `zone` is its DNS name; `blocked` are answers by which it refuses us. `about`: address or domain.

    `only_boundary`: its codes speak of the address that connected and of no other hop.
    """

    zone: str
    codes: tuple[Code, ...]
    blocked: tuple[str, ...] = ()
    bits: bool = False
    about: Literal["address", "domain"] = "address"
    only_boundary: bool = True
    note: str = ""

    def has(self, kind: str) -> bool:
        """Whether the list can say `kind` at all."""
        return any(code.kind == kind for code in self.codes)


class Listing(Value, frozen=True):
    """What one list says; `codes` only where status is listed. `why` names what stood in the way."""

    zone: str
    status: Status
    codes: tuple[Code, ...] = ()
    why: str = ""


def _codes(*rows: str) -> tuple[Code, ...]:
    """Rows of octets, kind and words."""
    return tuple(
        Code(octets=octets, kind=kind, says=says) for octets, kind, says in (row.split(" ", 2) for row in rows)
    )


_SPAMHAUS = ("255.255.252", "255.255.254", "255.255.255")

ZONES = (
    Zone(
        zone="zen.spamhaus.org",
        codes=_codes(
            "0.0.2 spam SBL, a spam source or its operator",
            "0.0.3 spam CSS, a source of snowshoe spam",
            "0.0.4 exploited XBL, an exploited machine, bot or proxy",
            "0.0.5 exploited XBL, an exploited machine",
            "0.0.6 exploited XBL, an exploited machine",
            "0.0.7 exploited XBL, an exploited machine",
            "0.0.9 drop DROP, a hijacked or criminal network",
            "0.0.10 dynamic PBL, by its provider not meant to send mail",
            "0.0.11 dynamic PBL, by Spamhaus not meant to send mail",
            "0.0.30 controller BCL, a botnet controller",
        ),
        blocked=_SPAMHAUS,
        note="free for low volume; a query through a public resolver is refused",
    ),
    Zone(
        zone="dnsbl.dronebl.org",
        codes=_codes(
            "0.0.3 exploited an IRC drone",
            "0.0.5 exploited a bottler",
            "0.0.6 exploited a worm or spambot",
            "0.0.7 exploited a DDoS drone",
            "0.0.8 proxy an open SOCKS proxy",
            "0.0.9 proxy an open HTTP proxy",
            "0.0.10 proxy a proxy chain",
            "0.0.11 proxy a web page proxy",
            "0.0.12 reputation an open DNS resolver",
            "0.0.13 exploited a source of dictionary attacks",
            "0.0.14 proxy an open Wingate proxy",
            "0.0.15 exploited a compromised router",
            "0.0.16 exploited an autorooting worm",
            "0.0.17 exploited a machine of a botnet, found automatically",
            "0.0.18 reputation a compromised DNS or MX name on IRC",
            "0.0.19 vpn an abused VPN",
            "0.0.255 reputation another reason",
        ),
    ),
    Zone(zone="bl.spamcop.net", codes=_codes("0.0.2 spam reported as spam source in the last days")),
    Zone(zone="psbl.surriel.com", codes=_codes("0.0.2 spam sent mail to spam traps")),
)
"""The lists that are asked by default."""

OTHERS = (
    Zone(
        zone="rbl.efnetrbl.org",
        codes=_codes(
            "0.0.1 proxy an open proxy",
            "0.0.2 spam a spam source, trap 666",
            "0.0.3 spam a spam source, trap 50",
            "0.0.4 tor a Tor exit",
            "0.0.5 exploited a drone or flooder",
        ),
    ),
    Zone(zone="tor.efnetrbl.org", codes=_codes("0.0.1 tor a Tor exit")),
    Zone(zone="bip.virusfree.cz", codes=_codes("0.0.2 exploited a machine of a botnet")),
    Zone(zone="dnsbl-1.uceprotect.net", codes=_codes("0.0.2 spam a spam source")),
    Zone(
        zone="dnsbl-2.uceprotect.net",
        codes=_codes("0.0.2 reputation neighbours of spam sources"),
        note="a whole allocation is listed: context only",
    ),
    Zone(
        zone="dnsbl-3.uceprotect.net",
        codes=_codes("0.0.2 reputation a provider with spam sources"),
        note="a whole provider is listed: context only",
    ),
    Zone(zone="all.s5h.net", codes=_codes("0.0.2 spam a spam source")),
    Zone(
        zone="all.spamrats.com",
        codes=_codes("0.0.36 dynamic dynamic", "0.0.37 policy no reverse name", "0.0.38 spam a spam source"),
    ),
    Zone(
        zone="bl.mailspike.net",
        codes=_codes(
            "0.0.2 spam part of a wave of spam",
            "0.0.10 spam worst reputation",
            "0.0.11 spam very bad reputation",
            "0.0.12 spam bad reputation",
        ),
        only_boundary=False,
    ),
    Zone(
        zone="bl.score.senderscore.com",
        codes=_codes(
            "1 exploited a botnet",
            "2 reputation without authentication",
            "4 spam mail to pristine traps",
            "8 spam suspect attachments",
            "16 reputation a low sender score",
        ),
        blocked=("255.255.255",),
        bits=True,
        note="needs a registered account",
    ),
    Zone(
        zone="list.dnswl.org",
        codes=tuple(
            Code(octets=f"0.{category}.{trust}", kind="welcome", says=f"known sender, trust {trust} of 3")
            for category in (*range(2, 10), *range(11, 21))
            for trust in range(4)
        ),
        blocked=("0.0.255", "0.10.0", "0.10.1", "0.10.2", "0.10.3"),
    ),
    Zone(
        zone="dnsbl.sorbs.net",
        codes=_codes(
            "0.0.2 proxy an open HTTP proxy",
            "0.0.3 proxy an open SOCKS proxy",
            "0.0.4 proxy an open proxy",
            "0.0.5 relay an open SMTP relay",
            "0.0.6 spam a spam source",
            "0.0.7 exploited an abusable web server",
            "0.0.8 policy demands not to be tested",
            "0.0.9 drop a hijacked network",
            "0.0.10 dynamic dynamic",
        ),
        note="closed; for old answers only",
    ),
    Zone(
        zone="combined.njabl.org",
        codes=_codes(
            "0.0.2 relay an open relay",
            "0.0.3 dynamic dial-up",
            "0.0.4 spam a spam source",
            "0.0.5 relay a relay of several stages",
            "0.0.8 exploited an open form mailer",
            "0.0.9 proxy an open proxy",
        ),
        note="closed; for old answers only",
    ),
    Zone(
        zone="dbl.spamhaus.org",
        codes=_codes(
            "0.1.2 spam a spam domain",
            "0.1.4 spam a phishing domain",
            "0.1.5 spam a malware domain",
            "0.1.6 controller a botnet controller",
            "0.1.102 exploited a legitimate domain abused for spam",
            "0.1.103 exploited an abused redirector",
            "0.1.104 exploited a legitimate domain abused for phishing",
            "0.1.105 exploited a legitimate domain abused for malware",
            "0.1.106 exploited a legitimate domain abused by a botnet",
        ),
        blocked=(*_SPAMHAUS, "0.1.255"),
        about="domain",
        only_boundary=False,
    ),
    Zone(
        zone="multi.surbl.org",
        codes=_codes(
            "4 spam disposable mail",
            "8 spam phishing",
            "16 spam malware",
            "32 reputation click tracker",
            "64 spam abuse",
            "128 exploited cracked site",
        ),
        blocked=("0.0.1",),
        bits=True,
        about="domain",
        only_boundary=False,
    ),
    Zone(
        zone="multi.uribl.com",
        codes=_codes("2 spam black", "4 reputation grey", "8 spam red"),
        blocked=("0.0.1",),
        bits=True,
        about="domain",
        only_boundary=False,
    ),
)
"""Lists whose answers can be read where an operator adds them, or where they stand in old evidence."""


NAMES = frozenset(zone.zone for zone in (*ZONES, *OTHERS))


def zones_named(names: Iterable[str]) -> tuple[Zone, ...]:
    """The zones of these DNS names; ValueError for one that nobody can read here."""
    known = {zone.zone: zone for zone in (*ZONES, *OTHERS)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"the answers of the list {unknown[0]} can't be read; known are {', '.join(sorted(known))}")
    return tuple(known[name] for name in names)


def read(zone: Zone, lookup: Lookup | None) -> Listing:
    """What `zone` says by its A answer `lookup`; several answers together are all read."""
    if lookup is None:
        return Listing(zone=zone.zone, status="error", why="not asked")
    if not lookup.known:
        return Listing(zone=zone.zone, status="error", why=lookup.status)
    if not lookup.answers:
        return Listing(zone=zone.zone, status="clean")
    rest = [answer.removeprefix("127.") for answer in lookup.answers]
    if any(not answer.startswith("127.") for answer in lookup.answers):
        return Listing(zone=zone.zone, status="rewritten", why=f"answer {lookup.answers[0]}, outside 127.0.0.0/8")
    if any(octets in zone.blocked for octets in rest):
        return Listing(zone=zone.zone, status="blocked", why=f"answer 127.{next(o for o in rest if o in zone.blocked)}")
    codes = tuple(code for octets in rest for code in _meant(zone, octets))
    if not codes:
        return Listing(zone=zone.zone, status="error", why=f"answer {lookup.answers[0]}, whose meaning is not known")
    return Listing(zone=zone.zone, status="listed", codes=codes)


def _meant(zone: Zone, octets: str) -> list[Code]:
    if not zone.bits:
        return [code for code in zone.codes if code.octets == octets]
    network, _, last = octets.rpartition(".")
    value = int(last) if network == "0.0" and last.isdecimal() else 0
    return [code for code in zone.codes if value & int(code.octets)]
