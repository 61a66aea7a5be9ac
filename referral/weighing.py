"""Weighing: what triage says of a case, in the words of a dossier.

The case's reports are its filings and those of the cases that it took in, the earliest first; reasons, techniques and
losses come from their assessments and findings, each with its cites. Nothing is weighed anew here.
"""

from collections.abc import Iterable, Sequence

from enrichment.finding import Finding
from intake.errors import Refused
from intake.record import Cite
from referral.dossier import MOST_ITEMS, Amount, Dossier, Item, Weighed, gather
from referral.evidence import Archive, all_of, item_of
from triage.case import Filing
from triage.fold import CaseView
from triage.harm import Reason

_STRENGTHS = ("none", "weak", "moderate", "strong")
_TECHNIQUES = ("open-relay", "open-proxy", "zombie")
_SAID = {"open-relay": "an open relay", "open-proxy": "an open proxy", "zombie": "a zombie network"}
_MOST_CITES = 20


def dossier_of(archive: Archive, view: CaseView) -> Dossier:
    """The dossier of the case as it stands; `Refused` when none of its reports can be read."""
    filings = [one for id_ in (view.id, *view.members) for one in all_of(archive, Filing, {"case": id_})]
    filings = sorted(filings, key=lambda each: (each.at, each.report))[:MOST_ITEMS]
    items = _items(archive, filings)
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
            told.setdefault(reason.code, reason)
    first = sorted(told.values(), key=lambda each: (-each.grade, each.code))
    return Weighed(
        case=view.id, band=view.band, kind=view.harm_kind, title=view.title, reports=view.reports,
        reporters=view.reporters, isps=len({each.reporter for each in items if each.reporter_class == "isp"}),
        reasons=tuple((each.code, each.sentence, each.cites) for each in first),
        techniques=_techniques(items),
        losses=tuple(
            Amount(str(loss.amount) if loss.amount else "", loss.currency, each.report)
            for each in filings for loss in each.assessment.losses
        ),
        vulnerable=tuple((each.code, each.sentence, each.cites) for each in first if each.dimension == "vulnerable"),
    )  # fmt: skip


def _techniques(items: Sequence[Item]) -> tuple[tuple[str, str, str, tuple[Cite, ...]], ...]:
    """Each technique that findings show: how many reporters' mail does, the strongest sentence, cites of all."""
    made = []
    for name in _TECHNIQUES:
        found = [(item, each) for item in items for each in item.examination.findings if _shows(each, name)]
        if found:
            best = max((each for _, each in found), key=lambda each: _STRENGTHS.index(each.strength))
            reporters = len({item.reporter for item, _ in found})
            sentence = f"Mail to {reporters} reporter(s) shows signs of {_SAID[name]}: {best.sentence}"
            cites = tuple(cite for _, each in found for cite in each.cites)[:_MOST_CITES]
            made.append((name, best.strength, sentence, cites))
    return tuple(made)


def _shows(finding: Finding, name: str) -> bool:
    return finding.name == name and finding.verdict == "present"
