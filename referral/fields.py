"""The 38 fields of an assistance request, and the check of each.

Merged from the EU's consumer co-operation forms, the Budapest Convention's article 29, the US SAFE WEB Act, the
bilateral memoranda and the London Action Plan itself. R: required before a request can go out; C: required when it
applies; O: optional. An `open` field may stay without a value when it says why.
A check answers with a sentence that says what is wrong, '' when nothing is.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, NamedTuple, get_args

from referral.contact import ContactPoint
from referral.disclosure import MARKS
from referral.dossier import ROLES
from referral.request import AssistanceRequest, Field, FormType, day

LONGEST_SUMMARY = 2000
HOLD_DAYS = 60
"""A preservation holds at least so long (Budapest Convention, article 29(7))."""
TECHNIQUES = frozenset({"open-relay", "open-proxy", "zombie", "phishing", "malware", "none"})
_COUNTRY = re.compile(r"[A-Z]{2}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Case(NamedTuple):
    """What a check sees."""

    request: AssistanceRequest
    contact: ContactPoint | None


Check = Callable[[Any, Case], str]


class Spec(NamedTuple):
    """One row of the form."""

    number: int
    name: str
    requirement: Literal["R", "C", "O"]
    meaning: str
    check: Check
    open: bool = False
    applies: Callable[[Case], bool] = lambda case: True


def _filled(value: Any, case: Case) -> str:
    return "" if str(value).strip() else "It is empty."


def _members(*names: str) -> Check:
    def check(value: Any, case: Case) -> str:
        missing = [name for name in names if not isinstance(value, dict) or value.get(name) in (None, "", [], ())]
        return f"It lacks {', '.join(missing)}." if missing else ""

    return check


def _form(value: Any, case: Case) -> str:
    return "" if value in get_args(FormType) and value == case.request.form else "It is not one of the seven types."


def _urgency(value: Any, case: Case) -> str:
    missing = _members("level", "reason")(value, case)
    return missing or ("" if value["level"] in ("normal", "high", "immediate") else "The level is unknown.")


def _timetable(value: Any, case: Case) -> str:
    until = day(value)
    return "" if until and until > case.request.at.date() else "It must be a date later than the request."


def _requested(value: Any, case: Case) -> str:
    if case.contact is None:
        return "No contact point was found."
    right = isinstance(value, dict) and value.get("contact") == case.contact.id
    return "" if right else "It names another contact point than the request goes to."


def _each(value: Any, members: tuple[str, ...], what: str) -> str:
    if not isinstance(value, list) or not value:
        return f"It names no {what}."
    for each in value:
        missing = [name for name in members if not isinstance(each, dict) or not each.get(name)]
        if missing:
            return f"A {what} lacks {', '.join(missing)}."
    return ""


def _links(value: Any, case: Case) -> str:
    wrong = _each(value, ("role", "country", "subject", "evidence"), "link")
    return wrong or ("" if all(each["role"] in ROLES for each in value) else "A link has an unknown role.")


def _indicators(value: Any, case: Case) -> str:
    return _each(value, ("kind", "value", "seen_utc", "evidence"), "address or domain")


def _status(value: Any, case: Case) -> str:
    return "" if value in ("verified", "reasonable suspicion") else "It is neither verified nor reasonable suspicion."


def _summary(value: Any, case: Case) -> str:
    return _filled(value, case) or (
        "" if len(value) <= LONGEST_SUMMARY else f"It is over {LONGEST_SUMMARY} characters."
    )


def _period(value: Any, case: Case) -> str:
    wrong = _members("first_utc", "last_utc")(value, case)
    return wrong or ("" if value["first_utc"] <= value["last_utc"] else "The last day is before the first.")


def _technique(value: Any, case: Case) -> str:
    wrong = _each(value, ("name", "evidence"), "technique")
    return wrong or ("" if all(each["name"] in TECHNIQUES for each in value) else "A technique is unknown.")


def _counts(value: Any, case: Case) -> str:
    names = ("reports", "reporters", "isps")
    right = isinstance(value, dict) and all(isinstance(value.get(name), int) for name in names)
    return "" if right and value["reports"] >= value["reporters"] > 0 else "The counts are not computed."


def _harmed(value: Any, case: Case) -> str:
    return "" if isinstance(value, dict) and value.get("method") else "It gives no method."


def _loss(value: Any, case: Case) -> str:
    apart = isinstance(value, dict) and "reported" in value and "estimated" in value and bool(value.get("method"))
    return "" if apart else "Reported and estimated loss must stand apart, each with its method."


def _countries(value: Any, case: Case) -> str:
    wrong = _each(value, ("country", "method"), "country")
    return wrong or ("" if all(_COUNTRY.fullmatch(each["country"]) for each in value) else "A country code is wrong.")


def _help(value: Any, case: Case) -> str:
    wrong = _each(value, ("custodian", "data", "about", "from_utc", "to_utc"), "item of help")
    if not wrong and any(re.search(r"(?i)\ball (?:data|information|records)\b", each["data"]) for each in value):
        return "It asks for all data: name the kind."
    return wrong or ("" if all(each["from_utc"] <= each["to_utc"] for each in value) else "A time window is reversed.")


def _follow_up(value: Any, case: Case) -> str:
    wrong = _members("intent", "hold_until")(value, case)
    until = None if wrong else day(value["hold_until"])
    least = case.request.at.date() + timedelta(days=HOLD_DAYS)
    return wrong or ("" if until and until >= least else f"The hold is shorter than {HOLD_DAYS} days.")


def _evidence(value: Any, case: Case) -> str:
    wrong = _each(value, ("evidence", "form", "origin", "commitment", "mark", "personal_data"), "evidence item")
    if wrong:
        return wrong
    sent = [each for each in value if each["form"] != "withheld"]
    return "" if all(_SHA256.fullmatch(each.get("sha256", "")) for each in sent) else "An item has no SHA-256."


def _handling(value: Any, case: Case) -> str:
    wrong = _members("class", "use_limit", "onward")(value, case)
    marks = [each.mark for each in case.request.fields]
    marks += [each.get("mark", "") for each in case.request.field(36).value or ()]
    return wrong or ("" if all(mark in MARKS for mark in marks) else "An item has no handling mark.")


def _is_us(case: Case) -> bool:
    return case.request.country == "US"


def _has_addresses(case: Case) -> bool:
    return any(each["kind"] == "domain" for each in case.request.field(19).value or ())


def _is_preservation(case: Case) -> bool:
    return case.request.form == "preservation"


FIELDS: tuple[Spec, ...] = (
    Spec(1, "reference", "R", "reference number and version", _members("number", "version")),
    Spec(2, "form-type", "R", "what kind of help is asked for", _form),
    Spec(3, "date", "R", "date and time, UTC and local", _members("utc", "local", "zone")),
    Spec(4, "urgency", "R", "urgency, with its reason", _urgency),
    Spec(5, "time-table", "R", "proposed date of a response", _timetable),
    Spec(6, "requesting-authority", "R", "who asks", _members("name", "country")),
    Spec(7, "liaison", "R", "the liaison office that answers questions", _members("office", "address")),
    Spec(8, "official", "R", "the responsible official, by role", _filled),
    Spec(9, "power", "R", "the legal power to investigate", _filled),
    Spec(10, "reciprocity", "C", "that the requester would help in turn", _filled, applies=_is_us),
    Spec(11, "confidentiality", "R", "who certifies confidence, and on what law", _members("certified_by", "law")),
    Spec(12, "requested-authority", "R", "who is asked", _requested),
    Spec(13, "jurisdiction-link", "R", "why this jurisdiction, with evidence", _links),
    Spec(14, "language", "R", "language of the request, translation supplied", _members("request")),
    Spec(15, "subject", "R", "who is behind it, or unknown", _filled),
    Spec(16, "aliases", "O", "other names, parent, directors", _filled, open=True),
    Spec(17, "business", "O", "type of business", _filled, open=True),
    Spec(
        18, "addresses", "C", "web sites, mail addresses, telephone numbers", _members("sites"), applies=_has_addresses
    ),
    Spec(19, "indicators", "R", "addresses, networks and domains, with the time seen (UTC)", _indicators),
    Spec(20, "violation", "R", "type of violation", _members("code", "meaning")),
    Spec(21, "status", "R", "verified, or reasonable suspicion", _status),
    Spec(22, "legal-basis", "R", "the law of the requester that is broken", _filled),
    Spec(23, "corresponding-law", "R", "the substantially similar law of the requested side", _filled, open=True),
    Spec(24, "summary", "R", "short summary of the facts, naming no victim", _summary),
    Spec(25, "period", "R", "first and last seen", _period),
    Spec(26, "medium", "R", "medium, and product or service", _members("medium")),
    Spec(27, "technique", "R", "open relay, open proxy, zombie network, phishing, malware", _technique, open=True),
    Spec(28, "counts", "R", "reports, distinct reporters, providers among them", _counts),
    Spec(29, "persons-harmed", "R", "number of persons harmed, with method and range", _harmed, open=True),
    Spec(30, "loss", "R", "financial loss, reported and estimated apart", _loss),
    Spec(31, "harmed-where", "R", "where the harmed persons are", _countries),
    Spec(32, "vulnerable", "O", "vulnerable groups affected", _filled, open=True),
    Spec(
        33, "continuing", "R", "whether it goes on, and what follows if nothing is done", _members("state", "expected")
    ),
    Spec(34, "help", "R", "the exact help asked for, per custodian", _help),
    Spec(35, "follow-up", "C", "formal request to follow, end of the hold", _follow_up, applies=_is_preservation),
    Spec(36, "evidence", "R", "evidence with hashes, origin and custody", _evidence),
    Spec(37, "handling", "R", "how it may be used and passed on", _handling),
    Spec(38, "others", "R", "other authorities asked, own stage, what was tried first", _members("stage", "tried")),
)


def examine(spec: Spec, field: Field, case: Case) -> tuple[bool, bool, str]:
    """(passed, blocking, sentence) for one field of the request; a person may have put in anything."""
    try:
        return _examined(spec, field, case)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False, True, "It, or a field that it is compared with, does not have the form of the field."


def _examined(spec: Spec, field: Field, case: Case) -> tuple[bool, bool, str]:
    if field.value is None and not field.reason.strip():
        return False, True, "It has neither a value nor the reason why it has none."
    applies = spec.applies(case)
    blocking = spec.requirement == "R" or (spec.requirement == "C" and applies)
    if field.value is None:
        if not blocking:
            return True, False, f"Not needed here: {field.reason.rstrip('.')}."
        return spec.open, True, f"Not established: {field.reason.rstrip('.')}."
    wrong = spec.check(field.value, case)
    return not wrong, blocking or bool(wrong), wrong or "Complete."
