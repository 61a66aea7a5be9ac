"""Erasing: what has to go together, what stands in the way, and the order in which it goes.

First nothing is changed until every legal hold and every request was asked; then the Erasure record, the key slots, the
rows, the work, the receipts, and the cases are counted anew. The verb `erase` and the end of retention both come
through here.

A request that somebody approved rests on the reports that its case had then: they stay until the request is named as
one that goes too. Drafts and withdrawn requests go with what they were drawn from, because they repeat some of it.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from deploy import feeds, states
from deploy.wiring import ACKNOWLEDGE, LINE, House, now
from intake.archive import CarriedOut, Erasure
from intake.errors import Refused
from intake.outcomes import reference_of
from intake.record import name_of
from intake.report import Report, Reporter
from intake.store import every
from intake.submission import Submission, Unpacked
from referral.request import Approval, AssistanceRequest, Outcome
from triage import assess
from triage.case import Filing
from triage.stream import current, view_of

Name = tuple[str, str]
REQUEST = AssistanceRequest.sealed_under[0]
BUNDLES = "bundles"
"""Where sealed bundles lie in a home."""


class Plan(NamedTuple):
    """What goes together: the owners of key slots, the submissions and reports among it, the cases concerned, whoever
    handed it in, and the requests (their roots) that rest on it."""

    owners: tuple[Name, ...]
    submissions: tuple[str, ...]
    reports: tuple[Report, ...]
    cases: frozenset[str]
    senders: frozenset[str]
    requests: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    """Those of the requests that keep it from going."""


def plan(house: House, owners: Sequence[Name], named: Sequence[str] = ()) -> Plan:
    """All that hangs on these owners; `named` are requests that may go too although they were approved."""
    submissions = tuple(name for kind, name in owners if kind == Submission.kind)
    reports = tuple(one for each in submissions for one in every(house.store, Report, {"submission": each}))
    unpacked = house.archive.get_all(Unpacked, submissions).values()
    senders = {each.reporter for each in reports} | {each.reporter for each in unpacked if each.reporter}
    senders |= {name for kind, name in owners if kind == Reporter.kind}
    cases = frozenset(assess.concerned(house.archive, submissions))
    requests = tuple(sorted(set(_resting(house, submissions))))
    approved = tuple(each for each in requests if each not in named and _approved(house, each))
    return Plan(tuple(owners), submissions, reports, cases, frozenset(senders), requests, approved)


def _resting(house: House, submissions: Sequence[str]) -> Iterator[str]:
    """The roots of the requests that were made of a case when it held a report of these submissions."""
    for submission in submissions:
        for filing in every(house.store, Filing, {"submission": submission}):
            for case in _chain(house, filing.case):
                for request in every(house.store, AssistanceRequest, {"case": case}):
                    if request.at >= filing.at:
                        yield request.root


def _chain(house: House, case: str) -> list[str]:
    """The case, and each that took it in."""
    found = [case]
    while into := view_of(house.archive, found[-1]).merged_into:
        found.append(into)
    return found


def _approved(house: House, root: str) -> bool:
    """Whether somebody approved a version of it, and it was not withdrawn."""
    outcome = house.archive.get(Outcome, root)
    if outcome is not None:
        return outcome.what == "sent"
    return any(house.store.count(Approval, {"request": each.id}).get("") for each in _versions(house, root))


def _versions(house: House, root: str) -> Iterator[AssistanceRequest]:
    return every(house.store, AssistanceRequest, {"root": root})


def in_the_way(house: House, what: Plan) -> list[str]:
    """Why these can't go, each in words: legal holds on one of the owners, on a case or the case that took it in, on a
    reporter, whose submissions it covers; and requests that were approved."""
    owners = dict.fromkeys((*what.owners, *(("reporter", each) for each in sorted(what.senders))))
    cases = {*what.cases, *(current(house.archive, each).id for each in what.cases)}
    on = [*owners, *(("case", each) for each in sorted(cases))]
    found = [f"a legal hold stands on {kind} {name}" for kind, name in on if house.archive.held((kind, name))]
    says = "request {} was approved and rests on it; name it with --request to erase it as well"
    return found + [says.format(each) for each in what.approved]


def refuse_held(house: House, what: Plan) -> None:
    """`Refused('held')` when something stands in the way."""
    found = in_the_way(house, what)
    if found:
        raise Refused("held", "; ".join(found))


def erase(house: House, what: Plan, reason: str, person: str) -> Erasure:
    """Do it, and say so; `Refused('held')` or, where the reason names who is erased, `Refused('reason')` before
    anything is changed."""
    refuse_held(house, what)
    refuse_naming(house, what, reason)
    kept = house.archive.get_all(Submission, what.submissions)
    references = tuple((name, ref) for name, each in kept.items() if (ref := reference_of(each)) != name)
    said = {"id": name_of(os.urandom(16)), "reason": reason, "by": person, "at": now(), "references": references}
    versions = [each.id for root in what.requests for each in _versions(house, root)]
    said["cases"] = tuple(sorted(what.cases))
    erasure = house.archive.erase([*what.owners, *((REQUEST, each) for each in what.requests)], said)
    _forget_bundles(house, versions)
    for step in (*LINE, ACKNOWLEDGE):
        mine = step in (LINE[0], ACKNOWLEDGE)
        house.work.done(step.name, list(what.submissions) if mine else [each.id for each in what.reports])
    _tell(house, [erasure], dict(references).values())
    assess.fold_anew(house.archive, what.cases)
    house.store.add(CarriedOut(id=erasure.id))
    return erasure


def refuse_naming(house: House, what: Plan, reason: str) -> None:
    """`Refused('reason')` where the reason, which is kept for good, also in the audit, names who is erased."""
    people = house.archive.get_all(Reporter, what.senders).values()
    told = reason.lower()
    if any(each.address and each.address.strip("[]<>").lower() in told for each in people):
        raise Refused("reason", "the reason is kept for good, so it can't name who is to be forgotten")


def _forget_bundles(house: House, requests: Sequence[str]) -> None:
    """The sealed copies of these versions, and what of them waits in the outbox."""
    for folder in (house.home / BUNDLES, house.home / house.settings.outbox.folder):
        for request in requests:
            for path in folder.glob(f"*{request}*"):
                path.unlink()


def _tell(house: House, erasures: Sequence[Erasure], references: Iterable[str]) -> None:
    """What the other databases tell of it; the idempotency keys of these references may be used again."""
    gone = _submissions(erasures)
    if gone:
        states.tell_erased(house.receipts, erasures)
        house.idempotency.forget([*house.outcomes.forget(gone), *references])


def _free(house: House, erasures: Sequence[Erasure]) -> set[str]:
    """References of what these erased, but those under which something was handed in since."""
    named = {ref for each in erasures for _, ref in each.references}
    return named - {reference_of(each) for each in every(house.store, Submission, {})} if named else named


def _submissions(erasures: Iterable[Erasure]) -> list[str]:
    return [name for each in erasures for kind, name in each.owners if kind == Submission.kind]


def complete(house: House) -> None:
    """Finish what interrupted erasures left: slots and rows, work, what the other databases tell, counts of cases."""
    assess.fold_anew(house.archive, finish(house))


def finish(house: House) -> set[str]:
    """The same but for the cases; those that are to be counted anew."""
    left = [each for each in every(house.store, Erasure, {}) if house.store.get(CarriedOut, each.id) is None]
    cases = {case for each in left for case in each.cases}
    for each in (one for one in left if house.archive.unfinished(one)):
        cases |= plan(house, each.owners).cases
        versions = [one.id for kind, root in each.owners if kind == REQUEST for one in _versions(house, root)]
        house.archive.carry_out(each)
        _forget_bundles(house, versions)
    if left:
        house.database.drain()
        _drop_work(house, _submissions(left))
    _tell(house, left, _free(house, left))
    house.store.add_all([CarriedOut(id=each.id) for each in left])
    return cases


def _drop_work(house: House, submissions: Sequence[str]) -> None:
    """Take away the work on these submissions, and on reports that are not there any more."""
    for step in (LINE[0], ACKNOWLEDGE):
        house.work.done(step.name, submissions)
    for step in LINE[1:]:
        for keys in feeds.pages(house.work.keys(step.name)):
            house.work.done(step.name, set(keys) - house.archive.get_all(Report, keys).keys())
