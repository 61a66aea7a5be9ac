"""STEP assess: an examined report is filed in its case, weighed, and the case's place in the queue is refreshed.

Phases for a whole batch: join (claims and merges), events, filings with the cases they open, views. The filing comes
after the event, because it ends the work: a process that dies in between runs the report again, and nothing is
counted twice.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from enrichment.examination import Examination
from intake.archive import Archive
from intake.errors import Temporary
from intake.record import Record, Value
from intake.report import Report, Reporter
from intake.store import every
from triage.case import Case, CaseEvent, Filing, case_id
from triage.fold import CaseView
from triage.join import Joined, join, refill
from triage.key import JoinKey, hashed
from triage.stream import OF, append, catch_up, view_of
from triage.weigh import Weigh, Weighed, Weighing

__all__ = ["assess", "concerned", "fold_anew", "refill", "refold"]

Clock = Callable[[], datetime]


class Ready(Value, frozen=True):
    """A report that can be filed: what its latest examination weighs, and its join keys."""

    report: Report
    round: int
    weighed: Weighed
    keys: tuple[JoinKey, ...]


def assess(archive: Archive, weigh: Weigh, reports: Sequence[str], clock: Clock, secret: bytes) -> None:
    """File these reports (ids). Doing it again, or twice at once, changes nothing; what was erased is left out.
    `Temporary` while one is not examined.

    `weigh` assesses them and draws their join keys (`triage/weigh.py`). `secret` keys the hashes of these and must stay
    the same for the life of the house.
    """
    at = clock()
    wanted = list(dict.fromkeys(reports))
    kept = archive.get_all(Filing, wanted)
    found = archive.get_all(Report, [each for each in wanted if each not in kept])
    ready = _ready(archive, weigh, [found[each] for each in wanted if each in found], secret)
    joined = join(archive, [(each.report.id, each.keys) for each in ready], at)
    people = archive.get_all(Reporter, {each.report.reporter for each in ready})
    filings = [
        _filing(each, place, people.get(each.report.reporter), at) for each, place in zip(ready, joined, strict=True)
    ]
    events = append(archive, [_event(filing) for filing in filings])
    archive.keep_all([*_opened(archive, filings, at), *filings])
    catch_up(archive, {event.case for event in events} | {filing.case for filing in kept.values()})


def refold(archive: Archive) -> None:
    """Bring the view of every case up to date with its stream: after a rebuild, or at a start."""
    for case in every(archive.store, Case, {}):
        catch_up(archive, [case.id])


def concerned(archive: Archive, submissions: Iterable[str]) -> set[str]:
    """The cases that reports of these submissions were filed in; to be asked before they are erased."""
    found: set[str] = set()
    for submission in submissions:
        found.update(filing.case for filing in every(archive.store, Filing, {"submission": submission}))
    return found


def fold_anew(archive: Archive, cases: Iterable[str]) -> None:
    """Fold these cases, and those that took them in, from their first event, because something of theirs was erased."""
    chain: set[str] = set()
    for case in cases:
        view = view_of(archive, case)
        chain.add(case)
        while view.merged_into and view.merged_into not in chain:
            chain.add(view.merged_into)
            view = view_of(archive, view.merged_into)
    archive.store.forget((CaseView.kind, case) for case in chain)
    catch_up(archive, chain)


def _ready(archive: Archive, weigh: Weigh, reports: Sequence[Report], secret: bytes) -> list[Ready]:
    """What is needed to file these reports."""
    latest = _latest(archive, [report.id for report in reports])
    if len(latest) < len(reports):
        raise Temporary("a report is not examined yet", 1.0)
    weighed = weigh([Weighing(examination=latest[each.id], claims=each.claims) for each in reports])
    return [
        Ready(report=report, round=latest[report.id].round, weighed=each, keys=hashed(each.drawn, secret))
        for report, each in zip(reports, weighed, strict=True)
    ]


def _latest(archive: Archive, reports: Sequence[str]) -> dict[str, Examination]:
    """The last round of each report that has one; rounds are counted from 1 without a gap."""
    latest: dict[str, Examination] = {}
    left, number = list(reports), 0
    while left:
        number += 1
        rounds = archive.get_all(Examination, [f"{report}/{number}" for report in left])
        left = [each.report for each in rounds.values()]
        latest |= {each.report: each for each in rounds.values()}
    return latest


def _unnamed(subject: str, who: Reporter | None) -> str:
    """The subject, which becomes the title of a case, without the address of a member of the public."""
    if who is None or who.class_ != "public" or "@" not in who.address:
        return subject
    return re.sub(re.escape(who.address), "[withheld]", subject, flags=re.IGNORECASE)


def _filing(ready: Ready, joined: Joined, who: Reporter | None, at: datetime) -> Filing:
    told = ready.weighed.assessment
    return Filing(
        report=ready.report.id,
        submission=ready.report.submission,
        case=joined.case,
        reporter=(who.voice if who else "") or ready.report.reporter,
        won=joined.won,
        met=joined.met,
        says=tuple((key.id, key.says) for key in ready.keys if key.says),
        round=ready.round,
        assessment=msgspec.structs.replace(told, subject=_unnamed(told.subject, who)),
        at=at,
    )


def _event(filing: Filing) -> CaseEvent:
    codes = (("band", filing.assessment.band), ("kind", filing.assessment.kind), (OF, filing.submission))
    return CaseEvent(case=filing.case, n=0, cause=filing.report, what="filed", codes=codes, at=filing.at)


def _opened(archive: Archive, filings: Iterable[Filing], at: datetime) -> list[Record]:
    """The cases that these filings are the first of."""
    cases = {filing.case: filing.report for filing in filings if filing.case == case_id(filing.report)}
    return [Case(id=case, first_report=report, at=at) for case, report in sorted(cases.items())]
