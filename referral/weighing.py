"""Weighing: what triage says of a case, in the words of a dossier.

The case's reports are its filings and those of the cases that it took in, the earliest first; reasons, techniques and
losses come from their assessments, each with its cites. Nothing is weighed anew here. A reason without a cite rests on
what a reporter wrote, and can repeat it: it stays at home. A reporter who tells of a loss in several reports lost the
largest of these sums once.
"""

from collections.abc import Iterable, Sequence

from intake.errors import Refused
from referral.dossier import Amount, Dossier, Item, Weighed, ends, gather
from referral.evidence import Archive, all_of, item_of
from triage.case import Filing
from triage.fold import CaseView
from triage.harm import Reason, recognised
from triage.technique import techniques


def dossier_of(archive: Archive, view: CaseView) -> Dossier:
    """The dossier of the case as it stands; `Refused` when none of its reports can be read."""
    filings = [one for id_ in (view.id, *view.members) for one in all_of(archive, Filing, {"case": id_})]
    filings = sorted(filings, key=lambda each: (each.at, each.report))
    items = _items(archive, ends(filings))
    if not items:
        raise Refused("no-evidence", f"no report of case {view.id} is examined and kept")
    return gather(_weighed(view, filings, items), items)


def _items(archive: Archive, filings: Iterable[Filing]) -> list[Item]:
    found = []
    for filing in filings:
        try:
            found.append(item_of(archive, filing.report))
        except Refused:  # erased since: the case goes on without it
            continue
    return found


def _weighed(view: CaseView, filings: Sequence[Filing], items: Sequence[Item]) -> Weighed:
    told: dict[str, Reason] = {}
    for filing in filings:
        for reason in filing.assessment.reasons:
            if reason.cites:
                told.setdefault(reason.code, reason)
    first = sorted((told[code] for code in recognised(told)), key=lambda each: (-each.grade, each.code))
    return Weighed(
        case=view.id, band=view.band, kind=view.harm_kind, title=view.title, reports=view.reports,
        reporters=view.reporters, isps=len({each.reporter for each in items if each.reporter_class == "isp"}),
        reasons=tuple((each.code, each.sentence, each.cites) for each in first),
        techniques=techniques(filings),
        losses=_losses(filings),
        vulnerable=tuple((each.code, each.sentence, each.cites) for each in first if each.dimension == "vulnerable"),
    )  # fmt: skip


def _losses(filings: Sequence[Filing]) -> tuple[Amount, ...]:
    """What was lost, once for each reporter and currency."""
    largest: dict[tuple[str, str], tuple[int, str]] = {}
    for each in filings:
        for loss in each.assessment.losses:
            key = each.reporter, loss.currency
            if key not in largest or loss.amount > largest[key][0]:
                largest[key] = loss.amount, each.report
    return tuple(
        Amount(str(amount) if amount else "", currency, report) for (_, currency), (amount, report) in largest.items()
    )
