"""The stream of a case: appending an event under the next free number, and bringing the case's view up to date.

Numbers are won by create-only keys, so two workers never write the same one, and a number is tried only after all
below it are known to be kept: a stream has no gaps. `merged` ends a stream, what was written behind it is void: an
event that finds its case merged goes on to the case that took it in, unless it stands already. Twice is once. What
its reporter has withdrawn counts nothing, as what was erased.
"""

from collections.abc import Iterable, Sequence

import msgspec

from intake.archive import Archive
from intake.report import Report, Withdrawal
from intake.store import every
from triage.case import CaseEvent, DistinctReporter, Filing
from triage.fold import CaseView, advance

OF = "of"
"""The code of a filed event that names the submission of its report: one that was erased and is handed in again has the
same id, and an event of its own."""


def view_of(archive: Archive, case: str) -> CaseView:
    """The view as last shown; a case that has none starts at version 0."""
    return archive.get(CaseView, case) or CaseView(id=case, version=0)


def current(archive: Archive, case: str) -> CaseView:
    """The view of the case that now holds `case`: itself, or whoever took it in."""
    view = view_of(archive, case)
    while view.merged_into:
        view = view_of(archive, view.merged_into)
    return view


def append(archive: Archive, wanted: Sequence[CaseEvent]) -> list[CaseEvent]:
    """Each event (its `n` is set here) kept once, in the stream of its case or of the case that took that in; what is
    kept, in the order given. One keep for all, and another whenever somebody else was faster."""
    done: dict[str, CaseEvent] = {}
    left = {each.cause: each for each in wanted}
    following: dict[str, int] = {}
    _drop_kept(archive, left, done)
    while left:
        kept = archive.keep_all([_numbered(archive, event, following) for event in left.values()])
        ends = {event.case: event for event in sorted(kept, key=_number, reverse=True) if event.what == "merged"}
        for event in kept:
            if event.cause in left and (event.case not in ends or event.n <= ends[event.case].n):
                done[event.cause] = event
                del left[event.cause]
        for end in ends.values():
            _move_on(archive, end, left, done)
    return [done[each.cause] for each in wanted]


def _numbered(archive: Archive, event: CaseEvent, following: dict[str, int]) -> CaseEvent:
    number = following.get(event.case) or view_of(archive, event.case).version + 1
    following[event.case] = number + 1
    return msgspec.structs.replace(event, n=number)


def _move_on(archive: Archive, last: CaseEvent, left: dict[str, CaseEvent], done: dict[str, CaseEvent]) -> None:
    """The stream that `last` closes takes no more: what is not in it is wanted where the case went."""
    here = {cause: event for cause, event in left.items() if event.case == last.case}
    _drop_kept(archive, here, done)
    for cause, event in list(left.items()):
        if cause in done:
            del left[cause]
        elif event.case == last.case:
            left[cause] = msgspec.structs.replace(event, case=last.code("into"))


def _drop_kept(archive: Archive, left: dict[str, CaseEvent], done: dict[str, CaseEvent]) -> None:
    """Move what has its event already, in whichever stream, from `left` to `done`."""
    for cause, wanted in list(left.items()):
        found, _ = archive.store.find(CaseEvent, {"cause": cause}, limit=10)
        same = (each for each in found if each.code(OF) in ("", wanted.code(OF)))
        event = next((each for each in same if _counts(archive, each)), None)
        if event is not None:
            done[cause] = event
            del left[cause]


def _counts(archive: Archive, event: CaseEvent) -> bool:
    """Whether the event stands in its stream: one that was written behind the end of it is void."""
    view = view_of(archive, event.case)
    if view.version >= event.n or view.merged_into:
        return view.version >= event.n
    before = (archive.get(CaseEvent, f"{event.case}/{n}") for n in range(view.version + 1, event.n))
    return all(each is None or each.what != "merged" for each in before)


def _number(event: CaseEvent) -> int:
    return event.n


def catch_up(archive: Archive, cases: Iterable[str]) -> dict[str, CaseView]:
    """Fold what is new in these streams, and in those of the cases that took them in, and show the views."""
    views: dict[str, CaseView] = {}
    left = set(cases)
    with archive.store.together():
        while left:
            case = max(left)
            left.discard(case)
            views[case] = _folded(archive, view_of(archive, case))
            if views[case].merged_into:
                left.add(views[case].merged_into)
        archive.store.show(views.values())
    return views


def _folded(archive: Archive, view: CaseView) -> CaseView:
    """The view after every event that is kept; an event whose records are not durable yet ends the walk."""
    while not view.merged_into:
        event = archive.get(CaseEvent, f"{view.id}/{view.version + 1}")
        following = _step(archive, view, event) if event else None
        if following is None:
            break
        view = following
    return view


def _step(archive: Archive, view: CaseView, event: CaseEvent) -> CaseView | None:
    """The view after the event; None while what the event speaks of is still being kept."""
    if event.what == "filed":
        filing = archive.get(Filing, event.cause)
        if filing is None:
            erased = archive.get(Report, event.cause) is None
            return advance(view, event) if erased else None
        if event.code(OF) not in ("", filing.submission):
            return advance(view, event)
        if archive.get(Withdrawal, filing.report) is not None:
            return advance(view, event)
        fresh = _first(archive, view.id, filing.reporter, filing.report)
        lost = bool(filing.assessment.losses) and _first(archive, view.id, f"{filing.reporter}/loss", filing.report)
        return advance(view, event, filing, fresh, lost)
    if event.what == "absorbed":
        taken = _folded(archive, view_of(archive, event.cause))
        if not taken.merged_into:
            return None
        return advance(view, event, taken=taken, new_reporters=_take_over(archive, taken.id, view.id))
    return advance(view, event)


def _first(archive: Archive, case: str, reporter: str, report: str) -> bool:
    """Whether it is by this report that the reporter counts in the case; the same answer however often it is asked."""
    row = archive.store.add(DistinctReporter(case=case, reporter=reporter, report=report))
    return row.report == report


def _take_over(archive: Archive, taken: str, case: str) -> int:
    """The reporters of `taken` count in `case` too; how many of them were new to it."""
    new = 0
    for row in every(archive.store, DistinctReporter, {"case": taken}):
        fresh = _first(archive, case, row.reporter, row.report)
        new += fresh and not row.reporter.endswith("/loss")
    return new
