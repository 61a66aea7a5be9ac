"""Checks: whether a request is complete and may go out, each answer a sentence.

`checks` looks at the 38 fields and at the request as a whole: contact, band, country, evidence. A check that is
blocking and not passed stops approval and sending; nothing here decides, and nothing here can be overruled silently.
"""

from collections.abc import Iterable
from datetime import date

from referral.contact import ContactPoint, blocked
from referral.disclosure import refused
from referral.fields import FIELDS, Case, examine
from referral.request import AssistanceRequest, CheckResult


def checks(
    request: AssistanceRequest, contact: ContactPoint | None, today: date, home_country: str
) -> tuple[CheckResult, ...]:
    """Every check of the request as it stands today; `contact` is the newest version of the contact it goes to."""
    case = Case(request, contact)
    results = [
        CheckResult(f"field-{spec.number}", spec.number, *examine(spec, request.field(spec.number), case))
        for spec in FIELDS
    ]
    return (*results, *_contact(request, contact, today), _home(request, home_country), _band(request), *_marks(case))


def failing(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Those that stop the request."""
    return tuple(each for each in results if each.blocking and not each.passed)


def _contact(request: AssistanceRequest, contact: ContactPoint | None, today: date) -> list[CheckResult]:
    reasons = blocked(contact, today, request.demo)
    if not reasons and contact and contact.digest != request.contact_digest:
        reasons = (("contact-changed", f"The entry of {contact.agency} has changed since this request was written."),)
    if reasons:
        return [CheckResult(code, 12, False, True, sentence) for code, sentence in reasons]
    return [CheckResult("contact", 12, True, True, "The contact point is verified and in force.")]


def _home(request: AssistanceRequest, home_country: str) -> CheckResult:
    abroad = bool(request.country) and request.country != home_country
    sentence = "It goes abroad." if abroad else "There is no authority abroad to ask: the home authority comes first."
    return CheckResult("abroad", 13, abroad, True, sentence)


def _band(request: AssistanceRequest) -> CheckResult:
    if request.band == "concrete":
        return CheckResult("band", 0, True, True, "The case is in the concrete band.")
    reason = request.exception
    if reason and reason.by.strip() and reason.reason.strip():
        return CheckResult("band", 0, True, True, f"{reason.by} asks for it outside the concrete band: {reason.reason}")
    sentence = f"The case is in the band {request.band}: a named person must give a reason."
    return CheckResult("band", 0, False, True, sentence)


def _marks(case: Case) -> list[CheckResult]:
    if case.contact is None:
        return []
    marks = {each.mark for each in case.request.fields}
    items = case.request.field(36).value or ()
    marks |= {str(each.get("mark", "")) if isinstance(each, dict) else "" for each in items}
    wrong = [why for mark in sorted(marks) if (why := refused(mark, case.contact, case.request.originals))]
    return [CheckResult("handling", 37, not wrong, True, " ".join(wrong) or "Every item's mark allows it to leave.")]
