"""Case: what people work on, as records that are kept and never changed.

A case is a stream of events 1..n, numbered by create-only keys, each naming its cause (a report's id or a person's
request). The event `merged` is the last of its stream: whatever comes later goes to the case that took it in, whose
own stream says `absorbed`. Events hold ids, codes and keyed hashes, never text; what a person wrote is a Note.
The fold over events is `triage/fold.py`; how a report finds its case is `triage/join.py`.
"""

from datetime import datetime
from typing import Literal

from intake.record import Record, name_of
from triage.harm import Assessment

What = Literal[
    "filed",
    "absorbed",
    "merged",
    "claimed",
    "released",
    "closed",
    "reopened",
    "override",
    "passed",
    "unlaned",
    "relaned",
]


def case_id(report: str) -> str:
    """The id of the case that this report opens if it is the first."""
    return "c" + name_of("case", report)[:12]


class Claim(Record, frozen=True):
    """That a join key belongs to a case; create-only, in the store alone, refilled from filings. First case wins."""

    kind = "claim"

    id: str
    case: str
    report: str
    """Whose key it was."""


class DistinctReporter(Record, frozen=True):
    """That `reporter` (keyed hash; with '/loss' for a loss told) counts in `case`, first by `report`; create-only,
    in the store alone."""

    kind = "distinct_reporter"
    sealed_under = ("case_view", "case")
    indexed = ("case",)

    case: str
    reporter: str
    report: str

    @property
    def key(self) -> str:
        return f"{self.case}/{self.reporter}"


class Merge(Record, frozen=True):
    """That case `id` went into the case `into`, which has the smaller id; create-only, so at most once."""

    kind = "merge"

    id: str
    into: str
    report: str
    """The report that met both."""
    at: datetime


class Filing(Record, frozen=True, kw_only=True):
    """That a report was filed in a case, why, and how it was assessed.

    `won` and `met` are the ids of its join keys: claimed first by it, or found claimed (id, case). `says` names what
    keys other than text stand for.
    """

    kind = "filing"
    key_field = "report"
    sealed_under = ("submission", "submission")
    indexed = ("case", "submission")

    report: str
    submission: str
    case: str
    reporter: str
    won: tuple[str, ...] = ()
    met: tuple[tuple[str, str], ...] = ()
    says: tuple[tuple[str, str], ...] = ()
    round: int
    """Of the examination that was assessed."""
    assessment: Assessment
    at: datetime


class Case(Record, frozen=True):
    """A case, opened by its first report."""

    kind = "case"
    sealed_under = ("case", "id")

    id: str
    first_report: str
    at: datetime


class CaseEvent(Record, frozen=True, kw_only=True):
    """Event `n` (from 1) of a case: `by` is '' for the machine, `codes` are name and code, `note` a Note's id.

    `passed`, `unlaned` and `relaned` are what people found of reports in the lane of the code `lane`.
    `cause` is a report (filed), the case that came in (absorbed), both cases (merged; the code `into` says where it
    went), or a person's request.
    """

    kind = "event"
    indexed = ("case", "cause")

    case: str
    n: int
    cause: str
    what: What
    by: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    note: str = ""
    at: datetime

    @property
    def key(self) -> str:
        return f"{self.case}/{self.n}"

    def code(self, name: str) -> str:
        """The code of that name, '' where the event has none."""
        return dict(self.codes).get(name, "")


class Note(Record, frozen=True):
    """What a person wrote about a case; its key comes from what it was written for."""

    kind = "note"
    sealed_under = ("note", "id")
    indexed = ("case",)

    id: str
    case: str
    by: str
    text: str
    at: datetime
