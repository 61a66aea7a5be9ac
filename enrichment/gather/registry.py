"""Registry: who holds an address: autonomous system, prefix, and the country the registry allocated it to.

Two sources, never merged: TXT answers of Team Cymru's service, and an MMDB file that the operator names. The country
of an allocation is the seat of a holder as a registry knows it; it is not where a machine stands, and Team Cymru
forbids its use as one. The one door to maxminddb.
Standards: Team Cymru IP to ASN mapping by DNS (https://www.team-cymru.com/ip-asn-mapping), MaxMind DB format 2.0.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import maxminddb

from enrichment.addresses import inside, parse, public
from enrichment.facts import Lookup, Question
from enrichment.gather.asked import cite
from enrichment.gather.names import reverse
from intake.errors import Refused
from intake.record import Cite, Value

ORIGIN = "origin.asn.cymru.com"
ORIGIN6 = "origin6.asn.cymru.com"
NAMES = "asn.cymru.com"
_MOST_SYSTEMS = 10
_LONGEST_TEXT = 200


class Network(Value, frozen=True):
    """What one source says of an address; '' and () where it says nothing.

    `systems` are the origin autonomous systems, `prefix` in CIDR form, `allocated_to` the two-letter country of the
    registry's allocation or, from an MMDB, of that file's estimate (then `estimate` is true), `registered` a date.
    """

    address: str
    source: str
    systems: tuple[int, ...] = ()
    prefix: str = ""
    allocated_to: str = ""
    registry: str = ""
    registered: str = ""
    name: str = ""
    estimate: bool = False
    cites: tuple[Cite, ...] = ()


def question(address: str) -> Question | None:
    """The question for the origin of `address`; None where it is no address, or one that nobody can connect from."""
    parsed = parse(address)
    if parsed is None or not public(address):
        return None
    return Question(type="TXT", name=reverse(str(parsed), ORIGIN if parsed.version == 4 else ORIGIN6))


def name_question(system: int) -> Question:
    """The question for the name of an autonomous system."""
    return Question(type="TXT", name=f"as{system}.{NAMES}")


def network(address: str, answers: Mapping[str, Lookup]) -> Network | None:
    """What Team Cymru's answers, by question id, say of `address`: the longest prefix that holds it, or None."""
    asked = question(address)
    lookup = answers.get(asked.id) if asked else None
    if lookup is None or not lookup.known:
        return None
    rows = [row for row in map(_fields, lookup.answers) if _holds(row, address)]
    if not rows:
        return None
    systems, prefix, country, registry, date = max(rows, key=lambda row: ip_network(row[1]).prefixlen)[:5]
    numbers = tuple(int(each) for each in systems.split()[:_MOST_SYSTEMS] if each.isdecimal() and len(each) <= 10)
    named = answers.get(name_question(numbers[0]).id) if numbers else None
    return Network(
        address=address,
        source="Team Cymru",
        systems=numbers,
        prefix=prefix,
        allocated_to=_country(country),
        registry=registry.lower(),
        registered=date,
        name=_name(named),
        cites=cite(lookup) + cite(named),
    )


def _fields(text: str) -> list[str]:
    """The fields of one answer, always at least five: `15169 | 8.8.8.0/24 | US | arin | 2023-12-28`."""
    return [each.strip()[:_LONGEST_TEXT] for each in text.split("|")[:10]] + [""] * 5


def _holds(row: list[str], address: str) -> bool:
    """Whether the prefix of the row is one and holds the address; an answer that lies is left out."""
    try:
        return inside(address, (ip_network(row[1]),))
    except ValueError:
        return False


def _name(lookup: Lookup | None) -> str:
    """The name in `15169 | US | arin | 2000-03-30 | GOOGLE, US`."""
    return _fields(lookup.answers[0])[4] if lookup and lookup.answers else ""


def _country(text: object) -> str:
    """Two capital letters, or ''."""
    code = str(text).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


class Mmdb:
    """An MMDB file with country or autonomous system of addresses (IPinfo Lite, GeoLite2, DB-IP layouts).

    Opening raises Refused('mmdb') where the file is none. Read wholly into memory, so that a lookup opens nothing.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        except (maxminddb.InvalidDatabaseError, OSError, TypeError, ValueError) as error:
            raise Refused("mmdb", f"{path.name} is not an MMDB file that can be read") from error
        metadata = self._reader.metadata()
        self.source = f"{metadata.database_type}, built {metadata.build_epoch}"

    def network(self, address: str) -> Network | None:
        """What the file says of `address`; None where it says nothing, or the address is none."""
        try:
            found, length = self._reader.get_with_prefix_len(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return None
        if not isinstance(found, dict):
            return None
        return Network(
            address=address,
            source=self.source,
            systems=_system(found),
            prefix=str(ip_network(f"{address}/{length}", strict=False)),
            allocated_to=_country(found.get("country_code") or _inner(found, "country", "iso_code") or ""),
            name=str(found.get("as_name") or found.get("autonomous_system_organization") or "")[:_LONGEST_TEXT],
            estimate=True,
        )

    def close(self) -> None:
        """Let the memory go."""
        self._reader.close()


def _system(found: dict[str, Any]) -> tuple[int, ...]:
    """The number, which IPinfo writes as 'AS15169' and MaxMind as 15169."""
    text = str(found.get("asn") or found.get("autonomous_system_number") or "").upper().removeprefix("AS")
    return (int(text),) if text.isdecimal() and len(text) <= 10 else ()


def _inner(found: dict[str, Any], *names: str) -> Any:
    """A member inside members, or the value itself where the first is plain text (IPinfo's `country`)."""
    value: Any = found
    for each in names:
        value = value.get(each) if isinstance(value, dict) else None
    return value
