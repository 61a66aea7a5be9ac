"""What people decide about a case: take it, give it back, close it, open it again, set its band. All as events.

Each decision names the person, the time and, where one is due, the reason as a Note of its own. `cause` names the
person's request: the same request twice is one event. A decision goes to the case that now holds the one named,
should that have been merged. `Refused` says what can't be done; a lost race is refused too, and its event stays.
"""

from datetime import datetime
from typing import Literal

from intake.archive import Archive
from intake.errors import Refused
from intake.record import canonical, name_of
from triage.case import CaseEvent, Note, What
from triage.fold import CaseView
from triage.harm import BANDS
from triage.lane import MANDATORY
from triage.stream import append, catch_up, current

Found = Literal["passed", "unlaned", "relaned"]
LONGEST_REASON = 10_000


def claim(archive: Archive, case: str, person: str, at: datetime, cause: str = "") -> CaseView:
    """`person` works on the case from now on; `Refused('claimed')` when somebody else does."""
    view = _found(archive, case)
    _unclaimed(view, person)
    view = _decide(archive, view.id, "claimed", person, at, cause)
    _unclaimed(view, person)
    return view


def release(archive: Archive, case: str, person: str, at: datetime, cause: str = "") -> CaseView:
    """Nobody works on the case any more; only who has it can give it back: `Refused('claimed')`."""
    view = _found(archive, case)
    _unclaimed(view, person)
    return _decide(archive, view.id, "released", person, at, cause)


def close(
    archive: Archive, case: str, person: str, reason: str, at: datetime, cause: str = "", outcome: str = ""
) -> CaseView:
    """The case is done; `Refused('reason')` without a reason, `Refused('closed')` when it is closed.

    `outcome` is what reporters may be told, a code of `enrichment.letters.OUTCOMES`.
    """
    view = _found(archive, case)
    if view.closed:
        raise Refused("closed", f"case {view.id} is closed already")
    codes = (("outcome", outcome),) if outcome else ()
    return _decide(archive, view.id, "closed", person, at, cause, codes, _reason(reason))


def reopen(archive: Archive, case: str, person: str, reason: str, at: datetime, cause: str = "") -> CaseView:
    """The case is open again; `Refused('open')` when it is."""
    view = _found(archive, case)
    if not view.closed:
        raise Refused("open", f"case {view.id} is not closed")
    return _decide(archive, view.id, "reopened", person, at, cause, reason=_reason(reason))


def override(
    archive: Archive, case: str, person: str, band: str, reason: str, at: datetime, cause: str = ""
) -> CaseView:
    """The case stands in `band` whatever the rules say; '' gives the word back to the rules. `Refused('band')`."""
    if band and band not in BANDS:
        raise Refused("band", f"'{band[:40]}' is not one of: {', '.join(BANDS)}")
    view = _found(archive, case)
    return _decide(archive, view.id, "override", person, at, cause, (("band", band),), _reason(reason))


def lane(
    archive: Archive, case: str, person: str, lane: str, found: Found, reason: str, at: datetime, cause: str = ""
) -> CaseView:
    """What a person found of a case in a mandatory lane; `Refused('lane')` when it has no such report.

    `passed`: the body in charge was told. `unlaned`: it is no matter of that lane. `relaned`: it waits again.
    """
    view = _found(archive, case)
    if not view.lanes.get(lane) or lane not in MANDATORY:
        raise Refused("lane", f"case {view.id} has no report in the lane '{lane[:40]}'")
    return _decide(archive, view.id, found, person, at, cause, (("lane", lane),), _reason(reason))


def _found(archive: Archive, case: str) -> CaseView:
    view = current(archive, case)
    if not view.version:
        raise Refused("no-such-case", f"there is no case {case[:40]}")
    return view


def _unclaimed(view: CaseView, person: str) -> None:
    if view.claimed_by not in ("", person):
        raise Refused("claimed", f"case {view.id} is claimed by {view.claimed_by}")


def _reason(reason: str) -> str:
    told = reason.strip()[:LONGEST_REASON]
    if not told:
        raise Refused("reason", "this needs a reason")
    return told


def _decide(
    archive: Archive, case: str, what: What, person: str, at: datetime, cause: str,
    codes: tuple[tuple[str, str], ...] = (), reason: str = "",
) -> CaseView:  # fmt: skip
    cause = cause or name_of(what, case, person, at.isoformat(), canonical(codes), reason)
    note = name_of("note", cause) if reason else ""
    if reason:
        archive.keep(Note(id=note, case=case, by=person, text=reason, at=at))
    event = CaseEvent(case=case, n=0, cause=cause, what=what, by=person, codes=codes, note=note, at=at)
    kept = append(archive, [event])[0]
    return catch_up(archive, [kept.case])[kept.case]
