"""The DNS recording of the samples: every question that may be asked about them, with its answer.

`recording(world, selectors, key)` gives {"TYPE name": {"status", "answers", "at"}}. What exists answers, what is of
another type is nodata, what does not exist is nxdomain; no question about a name of the samples is left open.
"""

import base64
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

HOST_TYPES = ("A", "AAAA", "MX", "TXT")
CYMRU = {4: "origin.asn.cymru.com", 6: "origin6.asn.cymru.com"}

Record = dict[str, object]
Recording = dict[str, Record]


def recording(world: Mapping[str, Any], selectors: Mapping[str, str], key: bytes) -> Recording:
    """Sorted by question, so that the file is the same every time."""
    made: Recording = {}
    for ip, facts in world["address"].items():
        made |= _address(ip, facts, world["zones"])
        made |= _origin(ip, world["network"])
        made |= _host(facts["name"], _forward(ip, facts)) if "name" in facts else {}
    for name, facts in world["host"].items():
        made |= _host(name, facts)
    made |= {f"TXT {selectors[each]}._domainkey.{each}": _answer(public(key)) for each in selectors}
    return {question: made[question] | {"at": world["at"]} for question in sorted(made)}


def reverse(ip: str) -> str:
    """The labels of an address, last first: octets or nibbles (RFC 5782 section 2)."""
    return ip_address(ip).reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def public(key: bytes) -> str:
    """The key record of the sample key (RFC 6376 section 3.6.1)."""
    loaded = load_pem_private_key(key[key.index(b"-----") :], password=None)
    encoded = loaded.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(encoded).decode()}"


def _answer(*answers: str) -> Record:
    return {"status": "answer", "answers": sorted(answers)} if answers else {"status": "nodata", "answers": []}


def _none() -> Record:
    return {"status": "nxdomain", "answers": []}


def _address(ip: str, facts: Mapping[str, Any], zones: list[str]) -> Recording:
    """Reverse name and the answer of every blocklist."""
    listed = facts.get("listed", {})
    lists = {f"A {reverse(ip)}.{zone}": _answer(*listed[zone]) if zone in listed else _none() for zone in zones}
    pointer = _answer(facts["name"]) if "name" in facts else _none()
    return lists | {f"PTR {ip_address(ip).reverse_pointer}": pointer}


def _forward(ip: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the reverse name resolves to."""
    if not facts["back"]:
        return {"missing": True}
    return {"a": [ip]} if isinstance(ip_address(ip), IPv4Address) else {"aaaa": [ip]}


def _origin(ip: str, networks: Mapping[str, Any]) -> Recording:
    """Network, number and name of the provider in the form of Team Cymru's zones."""
    address: IPv4Address | IPv6Address = ip_address(ip)
    prefix = next(each for each in networks if address in ip_network(each))
    number, country, registry, date, name = networks[prefix]["as"]
    origin = f"{number} | {prefix} | {country} | {registry} | {date}"
    return {
        f"TXT {reverse(ip)}.{CYMRU[address.version]}": _answer(origin),
        f"TXT as{number}.asn.cymru.com": _answer(f"{number} | {country} | {registry} | {date} | {name}"),
    }


def _host(name: str, facts: Mapping[str, Any]) -> Recording:
    """Addresses, mail exchangers and texts of a name, and the DMARC record where one was looked for."""
    missing = facts.get("missing", False)
    made = {f"{type_} {name}": _none() if missing else _answer(*facts.get(type_.lower(), [])) for type_ in HOST_TYPES}
    policy = facts.get("dmarc", "")
    return made | {f"TXT _dmarc.{name}": _answer(policy) if policy else _none()}
