"""Custody log: who had a piece of evidence when and what they did, each line bound to the one before.

One entry per event: receipt, unpacking, examinations, consent, case events, drafting, approvals. `commitment` binds it
to the record in the vault without telling it. People of the authority are named, reporters are not.
Practice: RFC 3227 section 4.1 (who, when, where, how, every transfer).
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from enrichment.examination import Examination
from intake.record import Record, Value, canonical
from intake.report import Report
from intake.submission import Submission
from referral.disclosure import Consent
from referral.evidence import Archive, Exhibit, commitment
from referral.request import Approval, AssistanceRequest

_MOST_ROUNDS = 20


class Entry(Value, frozen=True, kw_only=True):
    """One event: `who` is a person of the authority or 'lapwing', `about` a report, case or request id."""

    at: datetime
    who: str
    what: str
    about: str
    commitment: str = ""


def entries(
    archive: Archive,
    request: AssistanceRequest,
    approvals: Iterable[Approval],
    exhibits: Iterable[Exhibit],
    more: Iterable[Entry],
) -> tuple[Entry, ...]:
    """All events in the order of time; `more` are those of case and audit log, from whoever keeps these."""
    found = [entry for exhibit in exhibits for entry in _of_exhibit(archive, exhibit)]
    writer = request.hands[-1].person
    found.append(_entry(archive, request, request.at, writer, f"drafted version {request.version}", request.id))
    found += [_entry(archive, each, each.at, each.person, "approved", request.id) for each in approvals]
    return tuple(sorted((*found, *more), key=lambda each: (each.at.astimezone(UTC), each.about, each.what, each.who)))


def _of_exhibit(archive: Archive, exhibit: Exhibit) -> list[Entry]:
    report = archive.get(Report, exhibit.report)
    submission = archive.get(Submission, report.submission) if report else None
    if report is None or submission is None:
        return []
    took = f"took it in over {submission.channel}"
    found = [_entry(archive, submission, submission.received, "lapwing", took, report.id)]
    consent = archive.get(Consent, report.reporter)
    if report.claims.consent:
        said = "agreed with it to being named abroad"
        found.append(_entry(archive, report, submission.received, "reporter", said, report.id))
    if consent:
        found.append(_entry(archive, consent, consent.at, "reporter", "agreed to a transfer abroad", report.id))
    for number in range(1, _MOST_ROUNDS + 1):
        examined = archive.get(Examination, f"{report.id}/{number}")
        if examined is None:
            break
        found.append(_entry(archive, examined, examined.at, "lapwing", f"examined it, round {number}", report.id))
    return found


def _entry(archive: Archive, record: Record, at: datetime, who: str, what: str, about: str) -> Entry:
    return Entry(at=at, who=who, what=what, about=about, commitment=commitment(archive, record))


def chained(log: Iterable[Entry]) -> bytes:
    """The log as JSON lines: each entry with its number `n` from 1 and `before`, SHA-256 of the line before."""
    lines, before = [], ""
    for number, entry in enumerate(log, 1):
        line = canonical({
            "n": number, "before": before, "at": entry.at.astimezone(UTC).isoformat(), "who": entry.who,
            "what": entry.what, "about": entry.about, "commitment": entry.commitment,
        })  # fmt: skip
        lines.append(line)
        before = hashlib.sha256(line).hexdigest()
    return b"\n".join(lines) + b"\n"
