"""States: what the public side is told of submissions (`intake/receipts.py`), drawn from records.

Everything here may be done again. A file that is new or was lost is filled from all that is kept, at the start of the
sweeper and at a rebuild.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from deploy.feeds import pages
from intake.additions import by_public
from intake.archive import Archive, Erasure
from intake.outcomes import reference_of
from intake.receipts import Closing, Placed, Receipts, Taken
from intake.report import Withdrawal
from intake.store import every
from intake.submission import Addition, Submission, Unpacked
from triage.case import CaseEvent, Filing
from triage.fold import CaseView
from triage.stream import current

CASES = 100
"""Cases that are compared with what was told, in one turn."""


def tell_unpacked(archive: Archive, receipts: Receipts, submissions: Sequence[str]) -> None:
    """These submissions were unpacked."""
    kept = archive.get_all(Submission, submissions)
    unpacked = archive.get_all(Unpacked, kept).values()
    receipts.unpacked(
        Taken(reference_of(kept[each.submission]), each.submission, _counts(each), by_public(archive, each))
        for each in unpacked
    )


def _counts(unpacked: Unpacked) -> dict[str, int]:
    """Of a table its rows are counted, each with its own verdict: `row` a claim, `bad-row` none."""
    counts = Counter(verdict.code for verdict in unpacked.verdicts if verdict.code != "rows")
    for verdict in unpacked.verdicts:
        counts.update({"row": verdict.rows, "bad-row": verdict.bad})
    return {code: number for code, number in counts.items() if number}


def tell_filed(receipts: Receipts, filings: Iterable[Filing]) -> None:
    """These reports are in cases."""
    receipts.filed(Placed(each.submission, each.case, each.at.timestamp()) for each in filings)


def tell_erased(receipts: Receipts, erasures: Iterable[Erasure]) -> None:
    """The submissions that these name are not kept any more."""
    gone = {name: name for each in erasures for kind, name in each.owners if kind == Submission.kind}
    gone |= {name: ref for each in erasures for name, ref in each.references}
    if gone:
        receipts.erased(gone)


class Reconciler:
    """Compares, some at a time, which cases are closed with what was told of them: also after merges and reopenings."""

    def __init__(self, archive: Archive, receipts: Receipts) -> None:
        self._archive, self._receipts = archive, receipts
        self._cursor = self._after = ""

    def turn(self) -> bool:
        """One page of the closed cases and one of those that were told to be; whether both were the last."""
        views, self._cursor = self._archive.store.find(CaseView, {"state": "closed"}, cursor=self._cursor, limit=CASES)
        for view in views:
            self._receipts.closed(self._fresh(view))
        told = self._receipts.closings_after(self._after, CASES)
        self._receipts.reopened(each for each in told if not current(self._archive, each).closed)
        self._after = told[-1] if len(told) == CASES else ""
        return not self._cursor and not self._after

    def _fresh(self, view: CaseView) -> Iterator[Closing]:
        """What is to be told of a closed case and those that it took in."""
        names = (view.id, *view.members)
        told = self._receipts.closings(names)
        known = told.get(view.id)
        if known is not None and known.version == view.version:
            return
        event = self._closed(view, known.version if known else 0)
        for name in names:
            if event is not None:
                yield Closing(name, view.version, event.at.timestamp(), event.code("outcome"))
            elif known is not None:
                yield told.get(name, known)._replace(case=name, version=view.version)

    def _closed(self, view: CaseView, since: int) -> CaseEvent | None:
        """The event after number `since` by which it was closed last."""
        events = (self._archive.get(CaseEvent, f"{view.id}/{n}") for n in range(view.version, since, -1))
        return next((each for each in events if each is not None and each.what == "closed"), None)


def _withdrawn(archive: Archive) -> set[str]:
    """What was taken back, also where the addition that did so was erased; not what was added to it."""
    added = list(every(archive.store, Addition, {}))
    back = {each.submission for each in every(archive.store, Withdrawal, {})} - {each.submission for each in added}
    return back | {each.of for each in added if each.what == "withdrawal"}


def fill(archive: Archive, receipts: Receipts) -> None:
    """Everything anew, from all that is kept; readers see what was there before until it is done."""
    with receipts.db.together():
        receipts.clear()
        for page in pages(each.submission for each in every(archive.store, Unpacked, {})):
            tell_unpacked(archive, receipts, page)
        for filings in pages(every(archive.store, Filing, {})):
            tell_filed(receipts, filings)
        receipts.withdrawn(sorted(_withdrawn(archive)))
        cases = Reconciler(archive, receipts)
        while not cases.turn():
            pass
    tell_erased(receipts, list(every(archive.store, Erasure, {})))
