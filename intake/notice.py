"""Notice: what we tell the holder of a network about one of its addresses, as a XARF v4 document.

It names the address, when, what kind of thing, and by how many it was reported; no reporter, no recipient and no byte
of a reported mail. The client's port and the reverse path of a mail are not told, so that spam has protocol `other`:
the schema wants both with `smtp`. Standard: XARF v4 core schema.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KINDS: dict[str, dict[str, Any]] = {
    "spam": {"category": "messaging", "type": "spam", "protocol": "other"},
    "open-relay": {"category": "vulnerability", "type": "open_service", "service": "smtp open relay"},
    "open-proxy": {"category": "vulnerability", "type": "open_service", "service": "open proxy"},
    "zombie": {"category": "infrastructure", "type": "botnet", "bot_capabilities": ["spam"]},
}
"""Kind of a sighting -> what it is in XARF."""
_SAYS = {
    "spam": "handed over mail that was reported as spam",
    "open-relay": "shows signs of an open mail relay",
    "open-proxy": "shows signs of an open proxy",
    "zombie": "shows signs of a machine that others control",
}


@dataclass(frozen=True)
class Sender:
    """Who sends the notice: an organisation, its address for answers, its domain."""

    org: str
    contact: str
    domain: str


@dataclass(frozen=True)
class Seen:
    """What is known of one address on one day: the first and last time (seconds), and how often."""

    address: str
    kind: str
    day: str
    first: float
    last: float
    reports: int
    reporters: int
    confidence: float


def xarf(seen: Seen, sender: Sender) -> dict[str, Any]:
    """The document; the same address, kind and day have the same `report_id`."""
    us = {"org": sender.org[:200], "contact": sender.contact, "domain": sender.domain}
    name = hashlib.sha256(f"{sender.domain} {seen.address} {seen.kind} {seen.day}".encode()).digest()
    says = (
        f"{seen.address} {_SAYS[seen.kind]}: {seen.reports} reports by {seen.reporters} reporters,"
        f" from {_time(seen.first)} to {_time(seen.last)}."
    )
    document = {
        "xarf_version": "4.0.0",
        "report_id": str(uuid.UUID(bytes=name[:16], version=5)),
        "timestamp": _time(seen.last),
        "reporter": us,
        "sender": us,
        "source_identifier": seen.address,
        "confidence": round(seen.confidence, 2),
        "description": says,
        "tags": [f"lapwing:{seen.kind}"],
        **KINDS[seen.kind],
    }
    return document | ({"compromise_evidence": says} if seen.kind == "zombie" else {})


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
