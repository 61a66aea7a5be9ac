"""Dossier: what referral needs to know of a case, gathered from its reports, their examinations and the assessment.

It holds no identity of a reporter. Everything in it can be recomputed from kept evidence; each statement points at the
report or the lookup behind it. A Pointer, unlike a Cite, names the report and not the digest of its bytes: whoever
knows all of a message but one address could guess that address from the digest.
Countries follow the registries: an allocation is not a location, and each of them says in which role it was found.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from enrichment.examination import Examination
from enrichment.gather.registry import network
from intake.record import Cite, Value
from intake.report import Claims
from triage.technique import CaseTechnique

T = TypeVar("T")
SERVER = "the receiving server's Received line"
"""The better of the two clocks by which a time is known."""
MOST_ITEMS = 200
"""Reports of a case that a dossier reads; the counts are of all."""
ROLES = (
    "relay", "proxy", "infected-host", "sending-host", "web-host", "registrar", "registrant", "payment", "trader",
    "victims",
)  # fmt: skip
"""What a country can be to a case, in the order in which its authority can help most."""
WEB = ("http://", "https://")
"""A link that begins otherwise, to a mail address above all, names no site."""
_TECHNIQUE_ROLE = {"open-relay": "relay", "open-proxy": "proxy", "zombie": "infected-host"}


class Pointer(Value, frozen=True):
    """Where the proof is: bytes `start` to `end` of the message of report `evidence`, or `lookup:TYPE name`.

    Without bytes it is the report as such: that it came in, and when.
    """

    evidence: str
    start: int = 0
    end: int = 0


class Said(Value, frozen=True, kw_only=True):
    """A reason of the assessment: rule code, sentence, proof."""

    code: str
    sentence: str
    cites: tuple[Pointer, ...] = ()


class Technique(Value, frozen=True, kw_only=True):
    """open-relay, open-proxy or zombie, as the case's reports show it together."""

    name: str
    strength: str
    sentence: str
    addresses: tuple[str, ...] = ()
    """The machines that show it."""
    cites: tuple[Pointer, ...] = ()


class Amount(Value, frozen=True):
    """A loss as one reporter stated it: decimal text, ISO 4217 code ('' when not stated), report id."""

    amount: str
    currency: str
    report: str


class Where(Value, frozen=True, kw_only=True):
    """A country (ISO 3166-1 alpha-2) that the case touches: `role` of ROLES, `subject` the address or domain, `why`."""

    country: str
    role: str
    subject: str
    why: str
    cites: tuple[Pointer, ...] = ()


class Seen(Value, frozen=True, kw_only=True):
    """An address or domain of the campaign, seen at `at` (UTC) in report `evidence`; `basis` says by whose clock."""

    kind: str
    """ip or domain."""
    value: str
    role: str
    at: datetime
    basis: str
    evidence: str
    asn: str = ""
    country: str = ""
    registrar: str = ""
    cites: tuple[Pointer, ...] = ()


class Item(Value, frozen=True, kw_only=True):
    """One report of the case with its latest examination; `reporter` is the keyed hash, `received` our clock, UTC."""

    report: str
    reporter: str
    reporter_class: str
    sha256: str
    received: datetime
    format: str
    examination: Examination
    claims: Claims = Claims()


class Dossier(Value, frozen=True, kw_only=True):
    """See the module. `reports` counts all reports of the case, `items` are at most MOST_ITEMS of them."""

    case: str
    band: str
    kind: str
    title: str
    items: tuple[Item, ...]
    reports: int
    reporters: int
    isps: int
    first_seen: datetime
    last_seen: datetime
    reasons: tuple[Said, ...] = ()
    techniques: tuple[Technique, ...] = ()
    losses: tuple[Amount, ...] = ()
    vulnerable: tuple[Said, ...] = ()
    seen: tuple[Seen, ...] = ()
    countries: tuple[Where, ...] = ()
    languages: tuple[str, ...] = ()


class Weighed(Value, frozen=True, kw_only=True):
    """What triage says of the case, in referral's words; cites are still those of the examinations."""

    case: str
    band: str
    kind: str
    title: str
    reports: int
    reporters: int
    isps: int = 0
    reasons: tuple[tuple[str, str, tuple[Cite, ...]], ...] = ()
    techniques: tuple[CaseTechnique, ...] = ()
    losses: tuple[Amount, ...] = ()
    vulnerable: tuple[tuple[str, str, tuple[Cite, ...]], ...] = ()
    victims: tuple[str, ...] = ()
    """Countries where reporters of the case live, as far as they are known."""


def gather(case: Weighed, items: Iterable[Item]) -> Dossier:
    """The dossier of a case with these reports (at least one; of many the earliest and the latest are read)."""
    chosen = ends(sorted(items, key=lambda item: (item.received, item.report)))
    names = {item.sha256: item.report for item in reversed(chosen)}
    techniques = tuple(
        Technique(
            name=each.name, strength=each.strength, sentence=each.sentence, addresses=each.addresses,
            cites=_point(each.cites, names),
        )
        for each in case.techniques
    )  # fmt: skip
    seen = _seen(chosen, _roles(techniques))
    times = _times(chosen)
    return Dossier(
        case=case.case, band=case.band, kind=case.kind, title=case.title, items=chosen,
        reports=case.reports, reporters=case.reporters, isps=case.isps,
        first_seen=min(times), last_seen=max(times), reasons=_said(case.reasons, names), techniques=techniques,
        losses=case.losses, vulnerable=_said(case.vulnerable, names), seen=seen,
        countries=(*_countries(seen), *_victims(case.victims)),
        languages=tuple(sorted({item.examination.message.language for item in chosen} - {""})),
    )  # fmt: skip


def ends(ordered: Sequence[T]) -> tuple[T, ...]:
    """All of these, or of more than MOST_ITEMS the first and the last, half each: a campaign's begin and its state."""
    half = MOST_ITEMS // 2
    return tuple(ordered) if len(ordered) <= MOST_ITEMS else (*ordered[:half], *ordered[-half:])


def seen_at(item: Item) -> tuple[datetime, str]:
    """When the reporter's side took the mail in (UTC), and by whose clock that is known."""
    examination = item.examination
    index = examination.boundary.index
    if 0 <= index < len(examination.hops):
        time = examination.hops[index].time
        if time is not None:
            return time.astimezone(UTC), SERVER
    return item.received.astimezone(UTC), "our clock when the report came in"


def _times(items: tuple[Item, ...]) -> list[datetime]:
    """When the campaign was seen: by the clocks of receiving servers, and by ours only where no report has theirs."""
    seen = [seen_at(item) for item in items]
    return [time for time, basis in seen if basis == SERVER] or [time for time, _ in seen]


def _point(cites: Iterable[Cite], names: Mapping[str, str]) -> tuple[Pointer, ...]:
    """The cites as pointers; one into a message that the dossier does not read is left out."""
    found = []
    for cite in cites:
        if cite.of.startswith("lookup:"):
            found.append(Pointer(evidence=cite.of))
        elif cite.of in names:
            found.append(Pointer(evidence=names[cite.of], start=cite.start, end=cite.end))
    return tuple(found)


def _said(reasons: Iterable[tuple[str, str, tuple[Cite, ...]]], names: Mapping[str, str]) -> tuple[Said, ...]:
    return tuple(Said(code=code, sentence=text, cites=_point(cites, names)) for code, text, cites in reasons)


def _roles(techniques: tuple[Technique, ...]) -> dict[str, str]:
    """Address -> what it is to the case; where two techniques name it, the first in the order of ROLES."""
    roles: dict[str, str] = {}
    for each in sorted(techniques, key=lambda one: ROLES.index(_TECHNIQUE_ROLE[one.name])):
        for address in each.addresses:
            roles.setdefault(address, _TECHNIQUE_ROLE[each.name])
    return roles


def _seen(items: tuple[Item, ...], roles: Mapping[str, str]) -> tuple[Seen, ...]:
    """Every sending address with each report's time, then each linked domain at its earliest."""
    hosts = [found for item in items if (found := _host(item, roles)) is not None]
    domains: dict[str, Seen] = {}
    for item in items:
        for domain in _domains(item):
            domains.setdefault(domain.value, domain)
    return (*sorted(hosts, key=lambda each: (each.value, each.at, each.evidence)), *domains.values())


def _host(item: Item, roles: Mapping[str, str]) -> Seen | None:
    boundary = item.examination.boundary
    if not boundary.ip:
        return None
    at, basis = seen_at(item)
    asn, country, source = origin(item.examination, boundary.ip)
    cites = [Pointer(evidence=item.report, start=boundary.cite.start, end=boundary.cite.end)] if boundary.cite else []
    if source:
        cites.append(Pointer(evidence=source))
    role = roles.get(boundary.ip, "sending-host")
    return Seen(
        kind="ip", value=boundary.ip, role=role, at=at, basis=basis, evidence=item.report, asn=asn, country=country,
        cites=tuple(cites),
    )  # fmt: skip


def _domains(item: Item) -> Iterable[Seen]:
    at, basis = seen_at(item)
    for link in item.examination.message.links:
        if link.domain and link.url.startswith(WEB):
            asn, country, source = _hosted(item.examination, link.host, link.domain)
            cites = [Pointer(evidence=item.report, start=link.cite.start, end=link.cite.end)]
            cites += [Pointer(evidence=source)] if source else []
            yield Seen(
                kind="domain", value=link.domain, role="web-host", at=at, basis=basis, evidence=item.report, asn=asn,
                country=country, cites=tuple(cites),
            )  # fmt: skip


def _hosted(examination: Examination, host: str, domain: str) -> tuple[str, str, str]:
    for name in dict.fromkeys((host, domain)):
        for type_ in ("A", "AAAA"):
            lookup = examination.lookup(type_, name)
            for address in lookup.answers if lookup and lookup.known else ():
                found = origin(examination, address)
                if found[2]:
                    return found
    return "", "", ""


def origin(examination: Examination, address: str) -> tuple[str, str, str]:
    """(AS number, country of allocation, pointer to the lookup) of an address; '' each where nothing was answered."""
    found = network(address, {each.id: each for each in examination.lookups})
    if found is None or not found.cites:
        return "", "", ""
    return (f"AS{found.systems[0]}" if found.systems else ""), found.allocated_to, found.cites[0].of


def _countries(seen: tuple[Seen, ...]) -> tuple[Where, ...]:
    """One entry per country, role and subject."""
    found: dict[tuple[str, str, str], Where] = {}
    for each in seen:
        key = (each.country, each.role, each.value)
        if each.country and key not in found:
            why = f"The registry allocated the network of {each.value} ({each.asn}) to {each.country}."
            found[key] = Where(country=each.country, role=each.role, subject=each.value, why=why, cites=each.cites)
    return tuple(found.values())


def _victims(countries: tuple[str, ...]) -> tuple[Where, ...]:
    return tuple(
        Where(country=country, role="victims", subject=country, why=f"People in {country} reported this campaign.")
        for country in sorted(set(countries))
    )
