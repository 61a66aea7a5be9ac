"""Erasing: what has to go together, what stands in the way, and the order in which it goes.

First nothing is changed until every legal hold was asked; then the Erasure record, the key slots, the rows, the
work, the receipts, and the cases are counted anew. The verb `erase` and the end of retention both come through here.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple

from deploy import states
from deploy.wiring import ACKNOWLEDGE, LINE, House, now
from intake.additions import additions_to
from intake.archive import Erasure
from intake.errors import Refused
from intake.outcomes import reference_of
from intake.record import name_of
from intake.report import Report, Reporter
from intake.store import every
from intake.submission import Submission, Unpacked
from triage import assess
from triage.stream import current

Name = tuple[str, str]


class Plan(NamedTuple):
    """What goes together: the owners of key slots, the submissions and reports among it, the cases concerned, and
    whoever handed it in."""

    owners: tuple[Name, ...]
    submissions: tuple[str, ...]
    reports: tuple[Report, ...]
    cases: frozenset[str]
    senders: frozenset[str]


def plan(house: House, owners: Sequence[Name]) -> Plan:
    """All that hangs on these owners."""
    submissions = tuple(name for kind, name in owners if kind == Submission.kind)
    reports = tuple(one for each in submissions for one in every(house.store, Report, {"submission": each}))
    unpacked = house.archive.get_all(Unpacked, submissions).values()
    senders = {each.reporter for each in reports} | {each.reporter for each in unpacked if each.reporter}
    cases = frozenset(assess.concerned(house.archive, submissions))
    return Plan(tuple(owners), submissions, reports, cases, frozenset(senders))


def owners_of(house: House, kind: str, key: str) -> list[Name]:
    """What has to go: a submission, or a reporter with all submissions of theirs; `Refused` when there is none."""
    if kind == Submission.kind and house.archive.get(Submission, key) is not None:
        return [(kind, each) for each in (key, *additions_to(house.archive, [key]))]
    if kind == Reporter.kind and house.archive.get(Reporter, key) is not None:
        theirs = {each.submission for each in every(house.store, Report, {"reporter": key})}
        theirs |= {each.submission for each in every(house.store, Unpacked, {"reporter": key})}
        theirs |= set(additions_to(house.archive, sorted(theirs)))
        return [(kind, key), *((Submission.kind, each) for each in sorted(theirs))]
    raise Refused("unknown", f"there is no {kind} {key}; kinds are submission and reporter")


def refuse_held(house: House, what: Plan) -> None:
    """`Refused('held')` when a legal hold stands on one of these owners, on a case or the case that took it in, or on
    a reporter, whose submissions it covers."""
    archive = house.archive
    for kind, name in (*what.owners, *(("reporter", each) for each in what.senders)):
        if archive.held((kind, name)):
            raise Refused("held", f"a legal hold stands on {kind} {name}")
    for case in {*what.cases, *(current(archive, each).id for each in what.cases)}:
        if archive.held(("case", case)):
            raise Refused("held", f"a legal hold stands on case {case}")


def erase(house: House, what: Plan, reason: str, person: str) -> None:
    """Do it; `Refused('held')` before anything is changed."""
    refuse_held(house, what)
    kept = house.archive.get_all(Submission, what.submissions)
    references = tuple((name, ref) for name, each in kept.items() if (ref := reference_of(each)) != name)
    said = {"id": name_of(os.urandom(16)), "reason": reason, "by": person, "at": now(), "references": references}
    erasure = house.archive.erase(what.owners, said)
    for step in (*LINE, ACKNOWLEDGE):
        mine = step in (LINE[0], ACKNOWLEDGE)
        house.work.done(step.name, list(what.submissions) if mine else [each.id for each in what.reports])
    states.tell_erased(house.receipts, [erasure])
    house.idempotency.forget(house.outcomes.forget(what.submissions))
    assess.fold_anew(house.archive, what.cases)


def complete(house: House) -> None:
    """Finish what an interrupted erasure left: its slots and rows, and what the other databases tell of it."""
    kept = list(every(house.store, Erasure, {}))
    cut_short = [each for each in kept if house.store.rows(each.owners)]
    for each in cut_short:
        cases = plan(house, each.owners).cases
        house.archive.carry_out(each)
        assess.fold_anew(house.archive, cases)
    gone = [name for each in kept for kind, name in each.owners if kind == Submission.kind]
    if gone:
        states.tell_erased(house.receipts, kept)
        house.idempotency.forget(house.outcomes.forget(gone))
