"""Draft: the 38 fields filled from what is known, and nothing else.

What data and settings give is filled and cited; what they do not give stays empty with the reason, for a person to add
in a next version (`revise`). Nothing is invented: an estimate needs a method, a law needs a lawyer.
Text that comes from the case is scrubbed of the reporters' identities before it enters a field.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from intake.errors import Refused
from intake.record import Value
from referral.dossier import Dossier, Pointer
from referral.evidence import Exhibit
from referral.facts import Filled, case_fields
from referral.fields import FIELDS
from referral.identity import Identifiers
from referral.request import (
    AssistanceRequest,
    Authority,
    Exception_,
    Field,
    FormType,
    Hand,
    first_id,
    next_id,
)
from referral.route import Route
from referral.standing import standing_fields


class Wish(Value, frozen=True, kw_only=True):
    """What the person who drafts decides: type of help, originals or not, why outside the concrete band."""

    form: FormType = "information"
    originals: bool = False
    exception: Exception_ | None = None
    others: tuple[str, ...] = ()
    """Other authorities already asked in this case, by name."""


def draft(
    dossier: Dossier,
    authority: Authority,
    route: Route,
    exhibits: Sequence[Exhibit],
    hand: Hand,
    now: datetime,
    known: Identifiers,
    wish: Wish,
) -> AssistanceRequest:
    """Version 1 of a request; `known` are the identities that must not stand in it, `now` is aware of its zone."""
    contact = route.contact
    id_ = first_id(dossier.case, contact.id if contact else "", hand.person, now)
    filled = {
        **standing_fields(dossier, authority, route, wish.form, wish.others, id_, now),
        **case_fields(dossier, authority, route, exhibits, now),
    }
    return AssistanceRequest(
        id=id_, root=id_, case=dossier.case, band=dossier.band, form=wish.form, at=now, hands=(hand,),
        contact=contact.key if contact else "", contact_digest=contact.digest if contact else "",
        country=route.jurisdiction, fields=fields(filled, known), languages=authority.languages,
        exception=wish.exception, originals=wish.originals, demo=authority.demo,
    )  # fmt: skip


def fields(filled: Mapping[int, Filled], known: Identifiers) -> tuple[Field, ...]:
    """All 38 in order; one that nobody filled says so."""
    made = []
    for spec in FIELDS:
        said = filled.get(spec.number, Filled(None, (), "not established from the reports"))
        value = _scrubbed(said.value, known)
        made.append(
            Field(number=spec.number, name=spec.name, value=value, cites=said.cites, reason=said.reason, mark=said.mark)
        )
    return tuple(made)


def _scrubbed(value: Any, known: Identifiers) -> Any:
    if isinstance(value, str):
        return known.scrub(value)
    if isinstance(value, dict):
        return {name: _scrubbed(each, known) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(each, known) for each in value]
    return value


class Change(Value, frozen=True, kw_only=True):
    """A person's new value for one field, with its proof, or None with the reason."""

    number: int
    value: Any = None
    cites: tuple[Pointer, ...] = ()
    reason: str = ""


def revise(
    request: AssistanceRequest,
    changes: Sequence[Change],
    hand: Hand,
    now: datetime,
    known: Identifiers,
    exception: Exception_ | None = None,
) -> AssistanceRequest:
    """The next version with these changes; who wrote any version is named in it and may not approve it."""
    version = request.version + 1
    made = {field.number: field for field in request.fields}
    for change in changes:
        if change.number not in made or change.number == 1:
            raise Refused("field", f"there is no field {change.number} to change; there are 2 to {len(FIELDS)}")
    for change in (*changes, _renumbered(request, version)):
        old = made[change.number]
        made[change.number] = msgspec.structs.replace(
            old, value=_scrubbed(change.value, known), cites=change.cites, reason=change.reason
        )
    hands = request.hands if hand in request.hands else (*request.hands, hand)
    return msgspec.structs.replace(
        request,
        id=next_id(request.root, version),
        version=version,
        before=request.id,
        at=now,
        hands=hands,
        fields=tuple(made[number] for number in sorted(made)),
        exception=exception or request.exception,
    )


def _renumbered(request: AssistanceRequest, version: int) -> Change:
    return Change(number=1, value={**request.field(1).value, "version": version})
