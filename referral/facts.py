"""Case fields: those of the 38 that the evidence gives, each with its proof.

Fields 13, 15 to 21, 24 to 34 and 36. Times are UTC. A link is named without its query, and with its host name and path
only where two reporters received the same: what just one reader got may be that reader's code.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from referral.dossier import WEB, Dossier, Pointer, Said, Seen, seen_at
from referral.evidence import Exhibit
from referral.fields import LONGEST_SUMMARY
from referral.request import Authority
from referral.route import Route

MOST_LISTED = 60
"""Entries of one list in a request; the reason says how many there are."""
MARGIN = timedelta(hours=1)
"""Before the first and after the last time seen, in a request for records: clocks differ."""
FRESH = timedelta(days=14)
"""A campaign seen so recently is held to go on."""
_VIOLATIONS = {
    "phishing": ("fraud-identity", "Deceptive mail that obtains credentials or payment data by impersonation"),
    "malware": ("malware", "Mail that delivers or leads to malicious software"),
    "advance-fee": ("fraud-payment", "Mail that promises a benefit against payment in advance"),
    "extortion": ("extortion", "Mail that demands payment under threat"),
    "investment": ("fraud-investment", "Mail that promotes deceptive investments"),
    "job-mule": ("fraud-mule", "Mail that recruits people to move money or goods"),
    "pharma-health": ("unsafe-goods", "Unsolicited mail that offers medicines or cures"),
    "counterfeit": ("counterfeit", "Unsolicited mail that offers counterfeit goods"),
    "gambling-adult": ("unsolicited", "Unsolicited mail for gambling or adult services"),
    "scam-other": ("deception", "Mail that deceives in another way"),
    "marketing": ("unsolicited", "Unsolicited commercial mail"),
}
_EXPECTED = {
    "phishing": "Further readers give away credentials or card data.",
    "malware": "Further machines are infected and used.",
    "advance-fee": "Further readers pay money that they do not get back.",
    "extortion": "Further readers pay under threat.",
    "investment": "Further readers lose what they invest.",
}
_ASKED = {
    "relay": (
        "the operator of the mail server {}",
        "mail log entries that show from which address the server took the mail",
    ),
    "proxy": ("the operator of the host {}", "connection log entries that show from where the proxy was used"),
    "infected-host": (
        "the access provider of {}",
        "notice to the subscriber, and what is known of the controlling server",
    ),
    "sending-host": ("the network operator of {}", "the customer to whom the address was assigned"),
    "web-host": (
        "the host of the site {}",
        "the holder, payment and log-in records of the account that serves the site",
    ),
}


_LEVELS = {"original": "full", "redacted": "reporter withheld", "withheld": "none"}


class Filled(NamedTuple):
    """What a field says: value, proof, reason (why there is no value, or what the value leaves out), mark."""

    value: Any
    cites: tuple[Pointer, ...] = ()
    reason: str = ""
    mark: str = "TLP:AMBER"


def case_fields(
    dossier: Dossier, authority: Authority, route: Route, exhibits: Sequence[Exhibit], now: datetime
) -> dict[int, Filled]:
    """Number -> what it says."""
    code, meaning = _VIOLATIONS.get(dossier.kind, ("unsolicited", "Unsolicited mail; its kind is not settled"))
    because = tuple(cite for reason in dossier.reasons for cite in reason.cites)[:MOST_LISTED]
    read = tuple(Pointer(item.report) for item in dossier.items)[:MOST_LISTED]
    return {
        13: _links(dossier, route),
        15: Filled("unknown"),
        16: Filled(None, (), "nothing in the reports names who is behind it", "TLP:AMBER+STRICT"),
        17: Filled(None, (), "nothing in the reports says so"),
        18: _sites(dossier),
        19: _indicators(dossier),
        20: Filled({"code": code, "meaning": meaning, "kind": dossier.kind}, because),
        21: Filled("reasonable suspicion"),
        24: Filled(_summary(dossier), because),
        25: Filled(
            {"first_utc": utc(dossier.first_seen), "last_utc": utc(dossier.last_seen)},
            (*_at(dossier, dossier.first_seen), *_at(dossier, dossier.last_seen)),
        ),
        26: Filled({"medium": "e-mail", "languages": list(dossier.languages)}, read, "product class not established"),
        27: _techniques(dossier),
        28: Filled({"reports": dossier.reports, "reporters": dossier.reporters, "isps": dossier.isps}, read),
        29: _harmed(dossier),
        30: _loss(dossier),
        31: _where(dossier, authority, read),
        32: _vulnerable(dossier.vulnerable),
        33: _continuing(dossier, now),
        34: _help(dossier, route),
        36: _evidence(dossier, exhibits),
    }


def utc(time: datetime) -> str:
    """ISO 8601 in UTC, to the second, with Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at(dossier: Dossier, time: datetime) -> tuple[Pointer, ...]:
    """The report that was seen at that time, with the line of its path that says so."""
    item = next(each for each in dossier.items if seen_at(each)[0] == time)
    hops, index = item.examination.hops, item.examination.boundary.index
    if not 0 <= index < len(hops):
        return (Pointer(item.report),)
    cite = hops[index].cite
    return (Pointer(item.report, cite.start, cite.end),)


def continuing(dossier: Dossier, now: datetime) -> bool:
    """Whether the campaign was seen so recently that it is held to go on."""
    return now - dossier.last_seen <= FRESH


def _links(dossier: Dossier, route: Route) -> Filled:
    there = [each for each in dossier.countries if each.country == route.jurisdiction and each.role != "victims"]
    if not there:
        return Filled(None, (), "no link to a jurisdiction is established")
    entries = [
        {
            "role": each.role,
            "country": each.country,
            "subject": each.subject,
            "why": each.why,
            "evidence": _ids(each.cites),
        }
        for each in there
    ]
    return _listed(entries, [cite for each in there for cite in each.cites])


def _ids(cites: Iterable[Pointer]) -> list[str]:
    return list(dict.fromkeys(cite.evidence for cite in cites))


def _listed(entries: list[dict[str, Any]], cites: Iterable[Pointer]) -> Filled:
    more = f"the first {MOST_LISTED} of {len(entries)}" if len(entries) > MOST_LISTED else ""
    return Filled(entries[:MOST_LISTED], tuple(dict.fromkeys(cites))[:MOST_LISTED], more)


def _sites(dossier: Dossier) -> Filled:
    """Sites by how many reporters got the same link, and the sender addresses that the mails claim."""
    seen: dict[str, set[str]] = defaultdict(set)
    proof: dict[str, Pointer] = {}
    for item in dossier.items:
        for link in item.examination.message.links:
            for site in _shapes(link.url, link.domain) if link.url.startswith(WEB) else ():
                seen[site].add(item.reporter)
                proof.setdefault(site, Pointer(evidence=item.report, start=link.cite.start, end=link.cite.end))
    shared = [site for site, reporters in seen.items() if len(reporters) > 1 or "/" not in site]
    messages = [item.examination.message for item in dossier.items]
    senders = {each.address for mail in messages for each in (*mail.from_, *mail.reply_to) if each.address}
    if not shared:
        return Filled(None, (), "no site or address was found in the mails")
    ordered = sorted(shared, key=lambda site: (-len(seen[site]), site))
    value = {"sites": ordered[:MOST_LISTED], "senders_claimed": sorted(senders)[:MOST_LISTED]}
    more = f"the first {MOST_LISTED} of {len(ordered)} sites" if len(ordered) > MOST_LISTED else ""
    return Filled(value, tuple(proof[site] for site in ordered[:MOST_LISTED]), more)


def _shapes(url: str, domain: str) -> list[str]:
    """The registrable domain, and scheme, host and path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [domain] if domain else []
    whole = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}" if parts.netloc else ""
    return [each for each in (domain, whole) if each]


def _indicators(dossier: Dossier) -> Filled:
    entries = [
        {
            "kind": each.kind, "value": each.value, "role": each.role, "asn": each.asn or "not established",
            "country_of_allocation": each.country or "not established",
            "registrar": each.registrar or ("not established" if each.kind == "domain" else "not applicable"),
            "seen_utc": utc(each.at), "clock": each.basis, "evidence": each.evidence,
        }
        for each in dossier.seen
    ]  # fmt: skip
    if not entries:
        return Filled(None, (), "no sending address or domain is established")
    return _listed(entries, [cite for each in dossier.seen for cite in each.cites])


def _summary(dossier: Dossier) -> str:
    head = (
        f"Of this campaign of mails there are {_many(dossier.reports, 'report')} by "
        f"{_many(dossier.reporters, 'distinct reporter')}; it was seen from {utc(dossier.first_seen)} to "
        f"{utc(dossier.last_seen)}."
    )
    sentences = [
        head,
        *(technique.sentence for technique in dossier.techniques),
        *(s.sentence for s in dossier.reasons),
    ]
    text = ""
    for sentence in dict.fromkeys(sentences):
        if len(text) + len(sentence) + 1 > LONGEST_SUMMARY:
            break
        text = f"{text} {sentence}".strip()
    return text


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _techniques(dossier: Dossier) -> Filled:
    entries: list[dict[str, Any]] = [
        {"name": each.name, "strength": each.strength, "sentence": each.sentence, "evidence": _ids(each.cites)}
        for each in dossier.techniques
    ]
    if dossier.kind in ("phishing", "malware"):
        cites = [cite for reason in dossier.reasons for cite in reason.cites]
        reports = _ids(cites) or [dossier.items[0].report]
        entries.append({"name": dossier.kind, "strength": "", "sentence": "", "evidence": reports[:MOST_LISTED]})
    if not entries:
        return Filled(None, (), "the reports together show no open relay, open proxy or zombie network")
    return _listed(entries, [cite for each in dossier.techniques for cite in each.cites])


def _harmed(dossier: Dossier) -> Filled:
    losers = {each.report for each in dossier.losses}
    reporters = {item.reporter for item in dossier.items if item.report in losers}
    if not reporters:
        return Filled(None, (), "no reporter stated harm that was done to them")
    method = "low: distinct reporters who stated a loss, unverified; high: not estimated"
    return Filled(
        {"low": len(reporters), "high": None, "method": method}, tuple(Pointer(each) for each in sorted(losers))
    )


def _loss(dossier: Dossier) -> Filled:
    sums: dict[tuple[str, bool], list[Decimal]] = defaultdict(list)
    for each in dossier.losses:
        amount = _decimal(each.amount)
        sums[each.currency or "not stated", amount is None].append(amount or Decimal(0))
    reported = [
        {"currency": code, "amount": "not stated" if unstated else str(sum(amounts)), "statements": len(amounts)}
        for (code, unstated), amounts in sorted(sums.items())
    ]
    method = "reported: sum of what reporters stated, unverified, per currency; estimated: no estimate is made"
    value = {"reported": reported or "none reported", "estimated": None, "method": method}
    return Filled(value, tuple(dict.fromkeys(Pointer(each.report) for each in dossier.losses))[:MOST_LISTED])


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _where(dossier: Dossier, authority: Authority, read: tuple[Pointer, ...]) -> Filled:
    known = [each.country for each in dossier.countries if each.role == "victims"]
    if known:
        method = "as far as the reporters' countries are known"
        return Filled([{"country": each, "method": method} for each in known], read)
    method = "the reports came in here; where each reporter lives was not asked"
    return Filled([{"country": authority.country, "method": method}], read)


def _vulnerable(found: tuple[Said, ...]) -> Filled:
    if not found:
        return Filled(None, (), "no sign of it in the reports")
    cites = tuple(cite for each in found for cite in each.cites)
    return Filled(" ".join(each.sentence for each in found), cites)


def _continuing(dossier: Dossier, now: datetime) -> Filled:
    last = utc(dossier.last_seen)
    state = f"It is held to go on: last seen {last}." if continuing(dossier, now) else f"Not seen since {last}."
    expected = _EXPECTED.get(dossier.kind, "Further readers are deceived or disturbed.")
    return Filled({"state": state, "expected": expected}, _at(dossier, dossier.last_seen))


def _help(dossier: Dossier, route: Route) -> Filled:
    """One item per address or domain in the requested jurisdiction, with the window in which it was seen."""
    groups: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for each in dossier.seen:
        if each.country == route.jurisdiction and each.role in _ASKED:
            groups[each.role, each.value].append(each)
    entries = []
    for (role, value), seen in groups.items():
        who, data = _ASKED[role]
        times = [each.at for each in seen]
        entries.append({
            "custodian": who.format(value) + (f" ({seen[0].asn})" if seen[0].asn else ""), "data": data, "about": value,
            "from_utc": utc(min(times) - MARGIN), "to_utc": utc(max(times) + MARGIN),
        })  # fmt: skip
    if not entries:
        return Filled(None, (), "no custodian in the requested jurisdiction is established")
    return _listed(entries, [cite for seen in groups.values() for each in seen for cite in each.cites])


def _evidence(dossier: Dossier, exhibits: Sequence[Exhibit]) -> Filled:
    entries = [
        {
            "evidence": each.report, "form": each.form, "sha256": each.sha256, "size": each.size, "format": each.format,
            "origin": each.origin, "received_utc": utc(each.received), "commitment": each.commitment, "mark": each.mark,
            "personal_data": _LEVELS[each.form], "why_withheld": each.reason, "withheld_ranges": len(each.cuts),
        }
        for each in exhibits
    ]  # fmt: skip
    more = dossier.reports - len(entries)
    note = f"{len(entries)} of {dossier.reports} reports; the others can be asked for" if more > 0 else ""
    return Filled(entries, tuple(Pointer(each.report) for each in exhibits), note)
