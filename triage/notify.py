"""STEPS notify and outcome: the note to reporters when a case is closed, where the operator wants that.

`notify` finds whom a closed case concerns: every member of the public whose address was proven when they reported.
`outcome` writes one of them a note, once per reporter and case and at most one a day to an address; what else is due
waits for a day to come. A note says as little as `letters.OUTCOMES`, because it may reach who sent the spam. A case
that is open again by then gets none. A close whose process is killed before its work was put leaves no note.
"""

from collections.abc import Sequence
from datetime import datetime

from enrichment import letters
from enrichment.acknowledge import Acknowledgement, Tools
from enrichment.answer import Sent, Turn, send, turn_for, unfit, writable
from intake.additions import by_public
from intake.errors import Temporary
from intake.record import Record, name_of, sha256
from intake.store import every
from intake.submission import Submission, Unpacked
from intake.work import Work
from triage.case import CaseEvent, Filing
from triage.fold import CaseView
from triage.stream import current

NEXT_TRY = 6 * 3600.0
GIVEN_UP = 7 * 86_400.0
"""Seconds after the close until a note is given up."""


class OutcomeNote(Record, frozen=True, kw_only=True):
    """What became of the note about `case` for the reporter of `submission`; `code` is one of `letters.OUTCOMES`."""

    kind = "outcome_note"
    sealed_under = ("submission", "submission")
    indexed = ("result", "case")

    case: str
    submission: str
    reporter: str
    code: str
    result: str
    reason: str = ""
    template: str = ""
    sha256: str = ""
    at: datetime

    @property
    def key(self) -> str:
        return f"{self.case}/{self.reporter}"


def notify(tools: Tools, work: Work, cases: Sequence[str]) -> None:
    """Put a note into work for each reporter of these cases who can be written to."""
    for case in cases:
        view = current(tools.archive, case)
        first: dict[str, str] = {}
        for each in (view.id, *view.members):
            for filing in every(tools.archive.store, Filing, {"case": each}):
                known = tools.archive.get(Acknowledgement, filing.submission)
                if known is not None and known.proof and _wanted(tools, filing.submission):
                    first.setdefault(known.reporter, filing.submission)
        work.put("outcome", [f"{view.id}/{submission}" for submission in first.values()])


def _wanted(tools: Tools, submission: str) -> bool:
    unpacked = tools.archive.get(Unpacked, submission)
    return unpacked is not None and by_public(tools.archive, unpacked)


def outcome(tools: Tools, keys: Sequence[str]) -> None:
    """Write these notes (case/submission). Temporary when one is to be tried later; the others are done."""
    later: list[Temporary] = []
    for key in keys:
        try:
            _one(tools, *key.split("/", 1))
        except Temporary as error:
            later.append(error)
    if later:
        raise min(later, key=lambda error: error.after)


def _one(tools: Tools, case: str, submission: str) -> None:
    archive = tools.archive
    known, kept = archive.get(Acknowledgement, submission), archive.get(Submission, submission)
    view = current(archive, case)
    if known is None or kept is None or not view.closed:
        return
    if archive.get(OutcomeNote, f"{view.id}/{known.reporter}") is None:
        _write(tools, view, known, kept)


def _write(tools: Tools, view: CaseView, known: Acknowledgement, kept: Submission) -> None:
    closed, at = _closed(tools, view), tools.clock()
    code = closed.code("outcome") or letters.OUTCOMES[0]
    wording = letters.chosen([known.language], tools.head.language)
    reference, to = tools.reference(kept.id), writable(kept.envelope.mail_from)
    letter = letters.outcome(wording, tools.head, reference, code)
    fresh = f"outcome.{name_of('outcome', view.id, known.reporter)}"
    data = letters.mail(letter, tools.head, to, at, fresh, submitted="auto-generated")
    sent = _sent(tools, _turns(tools, view, known, at), to, data, (at - closed.at).total_seconds())
    digest = sha256(data) if sent.result == "sent" else ""
    tools.archive.keep(
        OutcomeNote(
            case=view.id, submission=kept.id, reporter=known.reporter, code=code, result=sent.result,
            reason=sent.reason, template=wording.template, sha256=digest, at=at,
        )
    )  # fmt: skip


def _sent(tools: Tools, turns: Sequence[tuple[Turn, str]], to: str, data: bytes, age: float) -> Sent:
    unwanted = unfit(to, tools.own)
    if unwanted:
        return Sent("not-sent", unwanted)
    try:
        sent = send(tools.archive, tools.post, turns, to, data)
    except Temporary:
        if age < GIVEN_UP:
            raise
        return Sent("undelivered", "no-server")
    if sent.reason == "one-a-day" and age < GIVEN_UP:
        raise Temporary("this address had a note today", after=NEXT_TRY)
    return sent


def _closed(tools: Tools, view: CaseView) -> CaseEvent:
    """The event by which it was closed last."""
    events = every(tools.archive.store, CaseEvent, {"case": view.id})
    return max((each for each in events if each.what == "closed"), key=lambda each: each.n)


def _turns(tools: Tools, view: CaseView, known: Acknowledgement, at: datetime) -> list[tuple[Turn, str]]:
    names = (
        (name_of("outcome", known.reporter, view.id), "one-per-case"),
        (name_of("outcome-day", known.reporter, f"{at:%Y-%m-%d}"), "one-a-day"),
    )
    token, what = tools.token(), f"outcome {view.id}"
    return [(turn_for(id_, known.submission, what, token, at), reason) for id_, reason in names]
