"""Route: from a case to the contact point that can help, with the reasons, or to the answer that nobody fits.

A case touches up to five and more different countries (allocation of the sending address, host, registrar, trader,
victims); they are never collapsed: the route names the one it used, in which role, and which others there were.
Order of the roles: who controls the machine or the page now comes before who knows its owner (`dossier.ROLES`).
"""

from collections.abc import Iterable
from datetime import date

from intake.record import Value
from referral.contact import ContactPoint, blocked, newest
from referral.dossier import ROLES, Dossier, Where

_PAGE_FIRST = frozenset({"phishing", "malware", "counterfeit", "investment"})
"""Kinds of campaign in which the page does the harm: its host is asked before the sending host."""
_REMITS = ("telecom", "consumer", "other", "data-protection", "cert", "police")
"""Kinds of agency by how directly spam is their task."""


class Route(Value, frozen=True, kw_only=True):
    """`link` is the country that was used, in its role; `others` are contact ids that might serve instead."""

    contact: ContactPoint | None
    jurisdiction: str
    link: Where | None = None
    reasons: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def route(
    dossier: Dossier, contacts: Iterable[ContactPoint], home_country: str, today: date, demo: bool = False
) -> Route:
    """The contact point for this case; without one when nothing fits, or when the matter belongs at home."""
    entries = [each for each in newest(contacts) if demo or not each.demo]
    abroad = [each for each in _ordered(dossier) if each.country != home_country]
    reasons = [_home_reason(each) for each in _ordered(dossier) if each.country == home_country and _asks(each)][:3]
    for link in abroad:
        if not _asks(link):
            continue
        fitting = sorted((each for each in entries if each.country == link.country), key=lambda c: _fit(c, today, demo))
        if fitting:
            return _chosen(link, fitting, abroad, reasons, entries)
        reasons.append(f"The directory has no contact point for {link.country} ({_said(link)}).")
    return Route(contact=None, jurisdiction="", reasons=(*_unique(reasons), _nobody(dossier, home_country)))


def _asks(link: Where) -> bool:
    """Whether a request can be aimed there: victims are a reason to act, not a place where the sender's data are."""
    return link.role != "victims"


def _ordered(dossier: Dossier) -> list[Where]:
    order = list(ROLES)
    if dossier.kind in _PAGE_FIRST and not dossier.techniques:
        order.remove("web-host")
        order.insert(0, "web-host")
    counts: dict[tuple[str, str], int] = {}
    for each in dossier.countries:
        counts[each.role, each.country] = counts.get((each.role, each.country), 0) + 1
    return sorted(
        dossier.countries,
        key=lambda each: (order.index(each.role), -counts[each.role, each.country], each.country, each.subject),
    )


def _fit(contact: ContactPoint, today: date, demo: bool) -> tuple[bool, bool, int, str]:
    remit = _REMITS.index(contact.agency_kind) if contact.agency_kind in _REMITS else len(_REMITS)
    return bool(blocked(contact, today, demo)), contact.regime == "n/a", remit, contact.agency


def _chosen(
    link: Where, fitting: list[ContactPoint], abroad: list[Where], reasons: list[str], entries: list[ContactPoint]
) -> Route:
    best = fitting[0]
    used = f"{best.agency} is asked because {link.country} is the country of the {_said(link)}: {link.why}"
    remit = f"Its remit is {best.agency_kind}; its law is {best.law or 'not on file'} (regime {best.regime})."
    also = _unique(
        f"{each.country} is also touched, as the country of the {_said(each)}."
        for each in abroad
        if each.country != link.country
    )
    countries = {each.country for each in abroad if _asks(each)}
    others = tuple(each.id for each in entries if each.country in countries and each.id != best.id)
    return Route(
        contact=best,
        jurisdiction=link.country,
        link=link,
        reasons=(*_unique(reasons), used, remit, *also),
        others=others,
    )


def _home_reason(link: Where) -> str:
    return f"The {_said(link)} is in {link.country}: that is a matter for the home authority first."


def _nobody(dossier: Dossier, home_country: str) -> str:
    if not [each for each in dossier.countries if _asks(each)]:
        return "No country of a sending host, page or payment is established for this case, so nobody fits yet."
    if all(each.country == home_country for each in dossier.countries if _asks(each)):
        return "All traces of this case lead to the home country: no request abroad is needed."
    return "No contact point fits this case."


def _said(link: Where) -> str:
    return f"{link.role.replace('-', ' ')} {link.subject}"


def _unique(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentences))
