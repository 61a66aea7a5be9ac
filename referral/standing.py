"""Standing fields: those of the 38 that settings, directory and clock give, the same for every case.

Fields 1 to 12, 14, 22, 23, 35, 37 and 38.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from referral.dossier import Dossier
from referral.facts import FRESH, Filled, continuing, utc
from referral.fields import HOLD_DAYS
from referral.request import Authority, FormType
from referral.route import Route


def standing_fields(
    dossier: Dossier,
    authority: Authority,
    route: Route,
    form: FormType,
    others: tuple[str, ...],
    id_: str,
    now: datetime,
) -> dict[int, Filled]:
    """Number -> what it says; a setting that is missing leaves its field empty with that reason."""
    return {
        1: Filled({"number": "-".join(filter(None, (authority.country, id_[:10].upper()))), "version": 1}),
        2: Filled(form),
        3: Filled(_date(authority, now)),
        4: _urgency(dossier, now),
        5: Filled((now.astimezone(UTC) + timedelta(days=authority.response_days)).date().isoformat()),
        6: Filled({"name": authority.name, "country": authority.country}),
        7: Filled({"office": authority.liaison, "address": authority.liaison_address}),
        8: _setting(authority.official, "official"),
        9: _setting(authority.power, "power"),
        10: _setting(authority.reciprocity, "reciprocity"),
        11: _confidence(authority),
        12: _requested(route),
        14: Filled({"request": authority.languages[0], "headings_also_in": list(authority.languages[1:])}),
        22: _setting(authority.legal_basis, "legal_basis"),
        23: _corresponding(route),
        35: _follow_up(form, now),
        37: Filled(_handling(), mark="TLP:AMBER"),
        38: Filled({"asked": list(others) or "none", "stage": authority.stage, "tried": authority.tried}),
    }


def _setting(value: str, name: str) -> Filled:
    return Filled(value) if value else Filled(None, (), f"the setting {name} of the requesting authority is empty")


def _date(authority: Authority, now: datetime) -> dict[str, Any]:
    local = now.astimezone(ZoneInfo(authority.zone))
    return {"utc": utc(now), "local": local.isoformat(timespec="seconds"), "zone": authority.zone}


def _urgency(dossier: Dossier, now: datetime) -> Filled:
    goes_on = continuing(dossier, now)
    if dossier.band == "concrete" and goes_on:
        loss = " and losses are reported" if dossier.losses else ""
        return Filled({"level": "high", "reason": f"Concrete harm: it was seen in the last {FRESH.days} days{loss}."})
    if dossier.losses:
        return Filled({"level": "high", "reason": "Losses are reported; records of the sender may soon be deleted."})
    return Filled({"level": "normal", "reason": "No continuing concrete harm is established."})


def _confidence(authority: Authority) -> Filled:
    if not authority.certified_by or not authority.confidentiality:
        return Filled(None, (), "the settings certified_by and confidentiality of the authority are empty")
    return Filled({"certified_by": authority.certified_by, "law": authority.confidentiality})


def _requested(route: Route) -> Filled:
    contact = route.contact
    if contact is None:
        return Filled(None, (), " ".join(route.reasons))
    value = {
        "contact": contact.id, "agency": contact.agency, "country": contact.country, "address": contact.request_address,
        "verified": contact.verified, "chosen_because": list(route.reasons),
    }  # fmt: skip
    return Filled(value)


def _corresponding(route: Route) -> Filled:
    contact = route.contact
    if contact is None or not contact.law:
        return Filled(None, (), "no law of the requested side is on file")
    checked = "source checked" if contact.source_checked == "yes" else "source not checked"
    return Filled(None, (), f"a lawyer must compare with {contact.law}, regime {contact.regime} ({checked})")


def _follow_up(form: FormType, now: datetime) -> Filled:
    if form != "preservation":
        return Filled(None, (), "no preservation is asked for")
    until = (now.astimezone(UTC) + timedelta(days=HOLD_DAYS)).date().isoformat()
    return Filled({"intent": "A formal request for the preserved data will follow.", "hold_until": until})


def _handling() -> dict[str, Any]:
    return {
        "class": "TLP:AMBER",
        "use_limit": "For the enforcement of laws against spam and the fraud it carries, in this matter only.",
        "onward": "Not to be passed on without the consent of the requesting authority.",
        "agencies_only": True,
        "tipping_off": "Please do not tell the subject: evidence could be lost. Links must not be opened.",
        "reporters": "No reporter is named. Item by item, field 36 says whether the reporter agreed to a transfer.",
        "voluntary": "Co-operation is voluntary under the law of both sides; a refusal with its reason is an answer.",
    }
