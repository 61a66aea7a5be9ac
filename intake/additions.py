"""Additions: what a reporter adds later to something handed in before: a loss, the original, or that it is withdrawn.

An addition is a submission of its own that names the earlier one; the door has checked its reference. A loss becomes
a further report of the same bytes by the same reporter, in their new words, so that it is counted like one that was
told at once. A withdrawal takes back what that submission and its additions reported; what another submission
reported first stays. That they may be named abroad can be taken back alone. Nothing is changed: everything here is one
more record. Only to what a member of the public
handed in can be added: a reference is told to whoever sends a mail, to a trap too.
"""

from collections.abc import Iterator, Sequence

import msgspec

from intake.archive import Archive, Erasure
from intake.report import Report, Reporter, Withdrawal
from intake.store import every
from intake.submission import REST, Addition, Submission, Told, Unpacked

DEPTH = 20
"""Additions to additions that are followed back."""
MOST = 1000
"""Reports of one submission that a loss is added to."""


def root_of(archive: Archive, submission: Submission) -> Submission | None:
    """What this adds to in the end, itself when it adds to nothing; None when that is not there."""
    return _followed(archive, submission)[0]


def _followed(archive: Archive, submission: Submission) -> tuple[Submission | None, str]:
    """The root, and the id where the chain ended, '' where it is too long."""
    for _ in range(DEPTH):
        of = submission.envelope.told.of
        if not of:
            return submission, submission.id
        found = archive.get(Submission, of)
        if found is None:
            return None, of
        submission = found
    return None, ""


def lost(archive: Archive, submission: Submission) -> bool:
    """Whether what this adds to can't come any more, because it was erased, or the way to it is too long."""
    _, end = _followed(archive, submission)
    return not end or any((Submission.kind, end) in each.owners for each in every(archive.store, Erasure, {}))


def by_public(archive: Archive, unpacked: Unpacked) -> bool:
    """Whether a member of the public handed it in: they alone are written to, and to theirs alone can be added."""
    who = archive.get(Reporter, unpacked.reporter)
    return who is not None and who.class_ == "public" and unpacked.kept_as in (who.class_, REST)


def addition(submission: Submission, root: Submission) -> Addition:
    """The record of it; only for a submission that adds something."""
    what = submission.envelope.told.adds or "original"
    return Addition(submission=submission.id, of=root.id, what=what, at=submission.received)


def further(archive: Archive, root: Submission, told: Told) -> tuple[list[Report], int]:
    """The reports of `root` once more, now with this loss, and how many are beyond MOST; their ids are yet to be set.
    None where `root` could not be unpacked.
    """
    done = archive.get(Unpacked, root.id)
    names = [each.report for each in done.verdicts if each.report] if done else []
    found = archive.get_all(Report, names[:MOST]).values()
    return [_with_loss(each, told) for each in found], max(len(names) - MOST, 0)


def _with_loss(report: Report, told: Told) -> Report:
    claims = msgspec.structs.replace(report.claims, loss=told.loss, given=told.given or report.claims.given)
    return msgspec.structs.replace(report, claims=claims)


def withdrawn(archive: Archive, submission: Submission, root: Submission) -> list[Withdrawal]:
    """That the reports of `root` and of what was added to it are taken back."""
    back = addition(submission, root)
    return [taken_back(each, back) for each in _reported(archive, [root.id, *additions_to(archive, [root.id])])]


def taken_back(report: Report, back: Addition) -> Withdrawal:
    """That this report is withdrawn by that addition."""
    return Withdrawal(report=report.id, submission=report.submission, by=back.submission, at=back.at)


def withdrawal_of(archive: Archive, root: str) -> Addition | None:
    """The addition that took that submission back, None while nobody did; where it is not kept as long as what it took
    back, what it did says so."""
    for each in every(archive.store, Addition, {"of": root}):
        if each.what == "withdrawal":
            return each
    for done in every(archive.store, Withdrawal, {"submission": root}):
        return Addition(submission=done.by, of=root, what="withdrawal", at=done.at)
    return None


def _reported(archive: Archive, submissions: Sequence[str]) -> Iterator[Report]:
    for each in submissions:
        yield from every(archive.store, Report, {"submission": each})


def additions_to(archive: Archive, submissions: Sequence[str]) -> list[str]:
    """The submissions that add to one of these; their reporter is that of the first."""
    return [made.submission for each in submissions for made in every(archive.store, Addition, {"of": each})]
