"""Refer: the steps that people take with a request, draft, revise, approve, seal, send and withdraw.

Every step is safe to run twice or twice at once: what is kept is create-only. Nothing here starts by itself, and there
is no way to `sent` but through the checks, an approval of exactly this digest by somebody who wrote none of it, and a
seal by one who approved. Of `sent` and `withdrawn` one wins, for all versions of a request together.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from intake.errors import Refused
from intake.people import MAY, Person
from intake.record import sha256
from referral.approval import Signer, approval, counting
from referral.checks import checks, failing
from referral.contact import ContactPoint, newest
from referral.custody import Entry, chained, entries
from referral.dossier import Dossier, Item
from referral.draft import Change, Wish, revise
from referral.draft import draft as drafted
from referral.evidence import Archive, Exhibit, Prepared, all_of, item_of, kept_items, known_of, make, prepare
from referral.outbox import Outbox, Parcel
from referral.package import Bundle, Contents, seal
from referral.request import (
    Approval,
    AssistanceRequest,
    Authority,
    CheckResult,
    Delivery,
    Exception_,
    Hand,
    Outcome,
    Seal,
)
from referral.route import route


class House(NamedTuple):
    """What the steps need of the house: the archive, who we are, and who may approve today (person -> public key)."""

    archive: Archive
    authority: Authority
    keys: Mapping[str, str]


def approvers(people: Iterable[tuple[Person, bool]]) -> dict[str, str]:
    """Person id -> public key in hexadecimal, of all who may approve today (`intake.people.everybody`)."""
    return {
        person.id: base64.b64decode(person.public_key).hex()
        for person, there in people
        if there and person.public_key and MAY["approve"] & set(person.roles)
    }


def contacts(archive: Archive) -> tuple[ContactPoint, ...]:
    """The newest version of every contact in the directory."""
    return newest(all_of(archive, ContactPoint, {}))


def draft(house: House, dossier: Dossier, hand: Hand, now: datetime, wish: Wish) -> AssistanceRequest:
    """Draft and keep a request for this case, without a contact when nobody fits; its checks say what it lacks."""
    archive, authority = house.archive, house.authority
    way = route(dossier, contacts(archive), authority.country, now.astimezone(UTC).date(), authority.demo)
    exhibits = [each.exhibit for each in prepare(archive, dossier, wish.originals)]
    known = known_of(archive, kept_items(archive, dossier.items))
    before = tuple(sorted(_asked(archive, dossier.case)))
    wish = msgspec.structs.replace(wish, others=(*wish.others, *before))
    return archive.keep(drafted(dossier, authority, way, exhibits, hand, now, known, wish))


def _asked(archive: Archive, case: str) -> set[str]:
    """The agencies that earlier requests of the case were sent to."""
    found = all_of(archive, AssistanceRequest, {"case": case})
    sent = {each.request for root in {one.root for one in found} if (each := archive.get(Outcome, root)) is not None}
    return {str(each.field(12).value["agency"]) for each in found if each.id in sent and each.field(12).value}


def newest_version(archive: Archive, request_id: str) -> AssistanceRequest:
    """The latest version of the request that this id is a version of; `Refused` when there is none."""
    request = archive.get(AssistanceRequest, request_id)
    if request is None:
        raise Refused("no-request", f"there is no request {request_id}")
    versions = all_of(archive, AssistanceRequest, {"root": request.root})
    return max((*versions, request), key=lambda each: each.version)


def change(
    house: House,
    request_id: str,
    dossier: Dossier,
    changes: Sequence[Change],
    hand: Hand,
    now: datetime,
    exception: Exception_ | None = None,
) -> AssistanceRequest:
    """Keep a next version with these changes; approvals of the one before do not count for it."""
    archive = house.archive
    request = _current(archive, request_id)
    known = known_of(archive, kept_items(archive, dossier.items))
    mine = revise(request, changes, hand, now, known, exception)
    kept = archive.keep(mine)
    if kept.digest != mine.digest:
        raise Refused("superseded", "somebody else has just written this version; read theirs first")
    return kept


def _current(archive: Archive, request_id: str) -> AssistanceRequest:
    """The version, when it is the newest and nothing has become of the request; `Refused` otherwise."""
    request = newest_version(archive, request_id)
    if request.id != request_id:
        raise Refused("superseded", f"version {request.version} has taken its place")
    outcome = archive.get(Outcome, request.root)
    if outcome is not None:
        raise Refused(outcome.what, f"this request was {outcome.what} and cannot change any more")
    return request


def results(house: House, request: AssistanceRequest, now: datetime) -> tuple[CheckResult, ...]:
    """All checks of the request as it stands now."""
    return checks(request, _contact(house.archive, request), now.astimezone(UTC).date(), house.authority.country)


def _contact(archive: Archive, request: AssistanceRequest) -> ContactPoint | None:
    named = archive.get(ContactPoint, request.contact) if request.contact else None
    return newest(all_of(archive, ContactPoint, {"id": named.id}))[0] if named else None


def approve(house: House, request_id: str, person: str, signer: Signer, now: datetime) -> Approval:
    """Keep the person's approval of exactly this version; `Refused` while a check blocks, or when they may not."""
    request = _current(house.archive, request_id)
    if house.keys.get(person) != signer.public_key:
        raise Refused("not-approver", f"{person} may not approve requests with this key")
    _complete(house, request, now)
    return house.archive.keep(approval(request, person, signer, now))


def _complete(house: House, request: AssistanceRequest, now: datetime) -> tuple[CheckResult, ...]:
    found = results(house, request, now)
    wrong = failing(found)
    if wrong:
        says = "; ".join(f"{each.code}: {each.sentence}" for each in wrong)
        raise Refused(wrong[0].code, f"the request is blocked: {says}")
    return found


def approvals(house: House, request: AssistanceRequest) -> tuple[Approval, ...]:
    """The approvals that count today; `Refused` when there is none."""
    found = counting(request, all_of(house.archive, Approval, {"request": request.id}), house.keys)
    if not found:
        raise Refused("not-approved", "nobody else has approved exactly this version")
    return found


def package(
    house: House,
    request_id: str,
    case: Sequence[Item],
    person: str,
    signer: Signer,
    now: datetime,
    checkpoint: bytes,
    events: Sequence[Entry] = (),
) -> Bundle:
    """The sealed bundle of an approved version, signed by one of those who approved it.

    `case` are the reports that are read of the case today, `events` its custody entries from case and audit log.
    Write the bundle first, then `record_seal`. `Refused('evidence-changed')` when an exhibit is not what was approved.
    """
    archive, request = house.archive, _current(house.archive, request_id)
    found = _complete(house, request, now)
    counted = approvals(house, request)
    if not any((each.person, each.public_key) == (person, signer.public_key) for each in counted):
        raise Refused("not-approver", f"{person} has not approved this version and cannot seal it")
    contact = _contact(archive, request)
    if contact is None:
        raise Refused("contact-none", "no contact point")
    prepared, items = _again(archive, request, case)
    log = entries(archive, request, counted, [each.exhibit for each in prepared], events)
    known = known_of(archive, kept_items(archive, items))
    contents = Contents(request, contact, items, counted, found, prepared, chained(log), checkpoint)
    return seal(archive, contents, known, person, signer)


def _again(
    archive: Archive, request: AssistanceRequest, case: Sequence[Item]
) -> tuple[tuple[Prepared, ...], tuple[Item, ...]]:
    """The approved exhibits made again, and every report that was read for them."""
    listed = request.field(36).value
    exhibits = [item_of(archive, each["evidence"]) for each in listed]
    reports = {item.report for item in exhibits}
    items = (*exhibits, *(item for item in case if item.report not in reports))
    prepared = make(archive, exhibits, items, request.originals)
    for entry, each in zip(listed, prepared, strict=True):
        if not _approved(entry, each.exhibit):
            raise Refused("evidence-changed", f"exhibit {each.exhibit.report} is not what was approved: draft again")
    return prepared, items


def _approved(entry: Mapping[str, object], exhibit: Exhibit) -> bool:
    stated = (entry["form"], entry["sha256"], entry["size"], entry["commitment"], entry["mark"])
    return stated == (exhibit.form, exhibit.sha256, exhibit.size, exhibit.commitment, exhibit.mark)


def record_seal(house: House, request_id: str, bundle: Bundle, person: str, now: datetime) -> Seal:
    """Keep which bundle is the one of this version: ours, or the one that was sealed first."""
    request = _current(house.archive, request_id)
    return house.archive.keep(
        Seal(
            request=request.id, root=request.root, sha256=bundle.sha256, size=len(bundle.data),
            tagmanifest=bundle.tagmanifest, by=person, at=now,
        )
    )  # fmt: skip


def send(
    house: House, request_id: str, bundle: bytes, person: str, now: datetime, outbox: Outbox, attempt: str
) -> Delivery:
    """Send the sealed bundle, once. `attempt` is a word of the caller's own that no other call has.

    A call that finds the request sent but not delivered finishes it where that is repeatable; a mail that may or may
    not have left is for a person to look at (`Refused('unsure')`). `Refused` when the request is not ready.
    """
    archive = house.archive
    request = newest_version(archive, request_id)
    outcome = archive.get(Outcome, request.root)
    mine = False
    if outcome is None:
        why = outbox.refuses(len(bundle))
        if why:
            raise Refused("too-large", why)
        ready = _ready(house, request_id, bundle, person, now, attempt)
        outcome = archive.keep(ready)
        mine = outcome.digest == ready.digest
    if outcome.what == "withdrawn":
        raise Refused("withdrawn", f"this request was withdrawn by {outcome.by}")
    delivered = archive.get(Delivery, request.root)
    if delivered is not None:
        return delivered
    return _deliver(archive, outcome, bundle, now, outbox, mine)


def _ready(house: House, request_id: str, bundle: bytes, person: str, now: datetime, attempt: str) -> Outcome:
    """The outcome `sent` of a request that may go out now."""
    request = _current(house.archive, request_id)
    _complete(house, request, now)
    counted = approvals(house, request)
    sealed = house.archive.get(Seal, request.id)
    if sealed is None or sealed.sha256 != sha256(bundle):
        raise Refused("not-sealed", "this is not the sealed bundle of the request")
    if sealed.by not in {each.person for each in counted}:
        raise Refused("not-approved", "who sealed the bundle may not approve any more")
    contact = _contact(house.archive, request)
    return Outcome(
        root=request.root, what="sent", request=request.id, digest=request.digest, by=person, at=now,
        bundle=sealed.sha256, to=contact.request_address if contact else "", attempt=attempt,
    )  # fmt: skip


def _deliver(archive: Archive, outcome: Outcome, bundle: bytes, now: datetime, outbox: Outbox, mine: bool) -> Delivery:
    if outcome.bundle != sha256(bundle):
        raise Refused("not-sealed", "another bundle was sent")
    if not mine and not outbox.repeatable:
        raise Refused("unsure", "it was given to the mail server and may have left; a person must look")
    request = archive.get(AssistanceRequest, outcome.request)
    if request is None:
        raise Refused("no-request", "the request is not kept any more")
    name = f"{request.id}-{outcome.bundle[:16]}.zip"
    place = outbox.deliver(Parcel(request, outcome, bundle, name))
    return archive.keep(Delivery(root=outcome.root, place=place, at=now))


def withdraw(house: House, request_id: str, person: str, reason: str, now: datetime) -> Outcome:
    """Withdraw the request, all its versions; `Refused('sent')` when it was sent first."""
    if not reason.strip():
        raise Refused("reason", "a withdrawal has a reason")
    request = newest_version(house.archive, request_id)
    kept = house.archive.keep(
        Outcome(
            root=request.root, what="withdrawn", request=request.id, digest=request.digest, by=person, at=now,
            reason=reason,
        )
    )  # fmt: skip
    if kept.what == "sent":
        raise Refused("sent", f"this request was sent by {kept.by} before")
    return kept
