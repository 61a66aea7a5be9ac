"""The end of retention: what was kept as long as its class allows is erased, by itself, once a day.

A legal hold blocks it, and so does a case that somebody works on or that a request was made of; what is blocked is
overdue, is listed with the reason, and is tried again the next day. A member of the public of whom nothing is left is
forgotten with the last of their reports. What could not be unpacked goes by the class of whoever handed it in. Without
a period in the settings nothing of this is ever erased by itself; only the marks of answers (`enrichment/answer.py`)
always are, and the pieces of what senders broke off (`intake/loose.py`).
"""

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from deploy import erasing
from deploy.meant import left_alone, not_unpacked
from deploy.wiring import House, now
from enrichment.answer import KEPT, TurnMonth
from intake.errors import Refused
from intake.record import name_of
from intake.report import Reporter
from intake.store import every
from intake.submission import Submission, Unpacked
from referral.request import AssistanceRequest
from triage.fold import CaseView
from triage.stream import current

log = logging.getLogger("lapwing.retention")
WHO = "machine:retention"


class Due(NamedTuple):
    """A submission whose time is over: its class, the day it came in, and why it is still there ('' when it may go)."""

    submission: str
    kept_as: str
    day: str
    blocked: str


def due(house: House, today: date) -> Iterator[Due]:
    """Every submission whose period is over, by class and day; costs nothing for what was unpacked and is not due."""
    periods = msgspec.structs.asdict(house.settings.retention)
    last = {name: (today - timedelta(days=days)).isoformat() for name, days in periods.items() if days > 0}
    for submission, kept_as, day in [*_unpacked(house, last), *_not_unpacked(house, last)]:
        what = erasing.plan(house, [(Submission.kind, submission)])
        yield Due(submission, kept_as, day, _blocked(house, what))


def _unpacked(house: House, last: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(submission, class, day) of those of each class up to its `last` day."""
    for kept_as, day in last.items():
        for each in every(house.store, Unpacked, {"since": (f"{kept_as} ", f"{kept_as} {day}")}, "since"):
            yield each.submission, kept_as, each.day


def _not_unpacked(house: House, last: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """The same of those that wait to be unpacked or are on hold there."""
    for each in not_unpacked(house):
        day = each.submission.received.date().isoformat()
        if day <= last.get(each.reporter.class_, ""):
            yield each.submission.id, each.reporter.class_, day


def _blocked(house: House, what: erasing.Plan) -> str:
    """Why it can't go yet, in words."""
    for case in sorted({*what.cases, *(current(house.archive, each).id for each in what.cases)}):
        view = house.archive.get(CaseView, case)
        if view is not None and view.state == "claimed":
            return f"case {case} is being worked on"
        if house.store.count(AssistanceRequest, {"case": case}).get(""):
            return f"a request was made of case {case}"
    try:
        erasing.refuse_held(house, what)
    except Refused as error:
        return error.says
    return ""


def run(house: House, today: date) -> tuple[int, int]:
    """Erase what is due: (submissions erased, submissions overdue)."""
    _forget_answers(house, today)
    _discard_loose(house)
    erased = overdue = 0
    for each in due(house, today):
        if each.blocked:
            overdue += 1
            log.warning("submission %s is overdue: %s", each.submission, each.blocked)
            continue
        last = [(Reporter.kind, name) for name in sorted(left_alone(house, {each.submission}))]
        what = erasing.plan(house, [(Submission.kind, each.submission), *last])
        erasing.erase(house, what, f"retention of {each.kept_as} is over", WHO)
        erased += 1
    return erased, overdue


def _forget_answers(house: House, today: date) -> None:
    """Erase the marks of answers of months that are over for long enough."""
    year, month = divmod(today.year * 12 + today.month - 1 - KEPT, 12)
    over = [each.id for each in every(house.store, TurnMonth, {}) if each.id < f"{year:04d}-{month + 1:02d}"]
    if over:
        why = f"marks of answers are kept for {KEPT} months"
        house.archive.erase(
            [(TurnMonth.kind, each) for each in over],
            {"id": name_of(os.urandom(16)), "reason": why, "by": WHO, "at": now()},
        )


def _discard_loose(house: House) -> None:
    """Destroy what senders broke off and nobody answered for, once it is a day old."""
    over = house.loose.over()
    closed = house.store.under(Submission.kind, over)
    left = [each for each in over if each not in closed]
    if left:
        why = "it was broken off before its end"
        house.archive.discard(left, {"id": name_of(os.urandom(16)), "reason": why, "by": WHO, "at": now()})
    house.loose.forget(over)
