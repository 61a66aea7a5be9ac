"""Joining: which case a report belongs to, decided by create-only claims on its join keys.

A key is claimed by the first case that has it. A report that meets claims of several cases makes merge rows, the
larger id into the smaller, and so the cases are the connected parts of 'shares a key', whatever the order of arrival
and however often a report is run. (Concurrent union-find by linking to the smaller root: Anderson and Woll 1991.)
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from intake.archive import Archive
from intake.record import Value
from intake.store import Store
from triage.case import CaseEvent, Claim, Filing, Merge, case_id
from triage.key import JoinKey
from triage.stream import append, catch_up, view_of


class Joined(Value, frozen=True):
    """Where a report belongs: its case, the keys it won, and those it met with the case that had each."""

    report: str
    case: str
    won: tuple[str, ...]
    met: tuple[tuple[str, str], ...]


def join(archive: Archive, reports: Sequence[tuple[str, Sequence[JoinKey]]], at: datetime) -> list[Joined]:
    """Place each report (id and join keys), in the order given; merges what turns out to be one case."""
    placed = _claimed(archive.store, reports)
    roots = _roots(archive, {claim.case for _, claims in placed for claim in claims})
    merged: list[Merge] = []
    for report, claims in placed:
        cases = sorted({_root(archive, claim.case, roots) for claim in claims})
        for other in cases[1:]:
            merged += _unite(archive, cases[0], other, report, at)
            roots.clear()
    _carry_out(archive, {case for _, claims in placed for case in _past(archive, claims, roots)}, merged)
    return [_joined(archive, report, claims, roots) for report, claims in placed]


def _claimed(store: Store, reports: Sequence[tuple[str, Sequence[JoinKey]]]) -> list[tuple[str, list[Claim]]]:
    """What now stands under the keys of each report; a report without keys stands alone.

    Each claims for the smallest case that it met, those of the reports before it in the batch among them. Where
    somebody else was faster, theirs stands, and who claimed beside it meets both.
    """
    with store.together():
        standing = store.get_all(Claim, {key.id for _, keys in reports for key in keys})
        new: dict[str, Claim] = {}
        for report, keys in reports:
            met = [claim for key in keys if (claim := standing.get(key.id) or new.get(key.id))]
            wanted = min((claim.case for claim in met), default=case_id(report))
            for key in keys:
                if key.id not in standing:
                    new.setdefault(key.id, Claim(id=key.id, case=wanted, report=report))
        standing |= {claim.id: claim for claim in store.add_all(list(new.values()))}
    return [(report, [standing[key.id] for key in keys]) for report, keys in reports]


def _roots(archive: Archive, cases: Iterable[str]) -> dict[str, str]:
    """The end of the merges for each of these cases that was merged never; the others are found one by one."""
    wanted = set(cases)
    return {case: case for case in wanted - archive.get_all(Merge, wanted).keys()}


def _joined(archive: Archive, report: str, claims: Sequence[Claim], roots: dict[str, str]) -> Joined:
    case = min((_root(archive, claim.case, roots) for claim in claims), default=case_id(report))
    return Joined(
        report=report,
        case=case,
        won=tuple(claim.id for claim in claims if claim.report == report),
        met=tuple((claim.id, claim.case) for claim in claims if claim.report != report),
    )


def _root(archive: Archive, case: str, roots: dict[str, str]) -> str:
    """The case at the end of the merges; remembered in `roots`."""
    path = [case]
    while path[-1] not in roots:
        row = archive.get(Merge, path[-1])
        if row is None:
            roots[path[-1]] = path[-1]
        else:
            path.append(row.into)
    for each in path:
        roots[each] = roots[path[-1]]
    return roots[case]


def _unite(archive: Archive, one: str, other: str, report: str, at: datetime) -> list[Merge]:
    """Make both one case; the merge rows that were needed, none when they are one already."""
    rows: list[Merge] = []
    while True:
        small, large = sorted((_root(archive, one, {}), _root(archive, other, {})))
        if small == large:
            return rows
        rows.append(archive.keep(Merge(id=large, into=small, report=report, at=at)))


def _past(archive: Archive, claims: Sequence[Claim], roots: dict[str, str]) -> set[str]:
    """Cases that these claims name and that are merged but whose streams may not say so yet."""
    old = {claim.case for claim in claims if _root(archive, claim.case, roots) != claim.case}
    return {case for case in old if view_of(archive, case).state != "merged"}


def _carry_out(archive: Archive, unfinished: set[str], merged: Iterable[Merge]) -> None:
    """Close the stream of every merged case and let the other take it in; a merge that was left half done is ended."""
    rows = {row.id: row for row in merged}
    for case in unfinished:
        row = archive.get(Merge, case)
        while row is not None:
            rows[row.id] = row
            row = archive.get(Merge, row.into)
    for _, row in sorted(rows.items(), reverse=True):
        end = CaseEvent(
            case=row.id, n=0, cause=f"{row.id}/{row.into}", what="merged", codes=(("into", row.into),), at=row.at
        )
        start = CaseEvent(case=row.into, n=0, cause=row.id, what="absorbed", at=row.at)
        append(archive, [end])
        kept = append(archive, [start])
        catch_up(archive, {row.id, kept[0].case})


def claims_of(filing: Filing) -> list[Claim]:
    """The claims that a filing proves, to refill a store from the vault."""
    won = [Claim(id=key, case=filing.case, report=filing.report) for key in filing.won]
    return won + [Claim(id=key, case=case, report="") for key, case in filing.met]


def refill(store: Store, filings: Iterable[Filing]) -> None:
    """Put back the claims of these filings; what stands already, stays."""
    store.add_all([claim for filing in filings for claim in claims_of(filing)])
