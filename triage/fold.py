"""The fold of a case's events into the view that people see, one event at a time.

`advance` takes the view after n events and event n+1, and costs the same whatever n is. Nothing in the view is a bare
maximum: everything that a report adds is a count which can be taken back, and band, kind and place are drawn from the
counts. A person's override stands above them.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from intake.record import Value
from intake.store import View
from triage.case import CaseEvent, Filing
from triage.harm import band_of, grade_of
from triage.lane import SAID, Lanes, counted
from triage.rank import Standing, rank_key

Counts = dict[str, int]
SPREAD = (2, 5)
"""Countries of the sending machines from which spread is graded 1 and 2."""


class Told(Value, frozen=True):
    """A reason of the case: how many reports gave it, its grade, and the sentence of the first that did."""

    count: int
    grade: int
    dimension: str
    sentence: str
    report: str


def _counts() -> Counts:
    return {}


def _reasons() -> dict[str, Told]:
    return {}


class CaseView(View, frozen=True):
    """A case as it stands after `version` events.

    Counters: name -> number of reports; `grades` by 'dimension:grade', `sureness` by band in hundredths, `days` by the
    day of filing, `losses` by currency in whole units. `members` are the ids of the cases it took in. Fields from
    `band` on are drawn from the counters.
    """

    kind = "case_view"
    sealed_under = ("case_view", "id")
    indexed = ("band", "rank_key", "claimed_by", "state", "harm_kind", "lane", "alarm")

    id: str
    title: str = ""
    title_report: str = ""
    reports: int = 0
    reporters: int = 0
    kinds: Counts = msgspec.field(default_factory=_counts)
    bands: Counts = msgspec.field(default_factory=_counts)
    sureness: Counts = msgspec.field(default_factory=_counts)
    grades: Counts = msgspec.field(default_factory=_counts)
    reasons: dict[str, Told] = msgspec.field(default_factory=_reasons)
    techniques: Counts = msgspec.field(default_factory=_counts)
    countries: Counts = msgspec.field(default_factory=_counts)
    asns: Counts = msgspec.field(default_factory=_counts)
    languages: Counts = msgspec.field(default_factory=_counts)
    lanes: Counts = msgspec.field(default_factory=_counts)
    lanes_passed: Counts = msgspec.field(default_factory=_counts)
    lanes_none: Counts = msgspec.field(default_factory=_counts)
    lane_since: str = ""
    """When the first report came for which a mandatory lane waits (ISO 8601, UTC), '' when none waits."""
    days: Counts = msgspec.field(default_factory=_counts)
    losses: Counts = msgspec.field(default_factory=_counts)
    loss_reports: int = 0
    members: tuple[str, ...] = ()
    claimed_by: str = ""
    closed: bool = False
    since_closed: int = 0
    """Reports that came in after it was closed."""
    override: str = ""
    merged_into: str = ""

    band: str = "none"
    harm_kind: str = "unclear"
    confidence: float = 0.0
    state: str = "open"
    """open, claimed, closed or merged."""
    lane: str = ""
    """The lane in which it stands, outside the queue; '' for a place in the queue."""
    alarm: str = ""
    """The mandatory lane that waits for a person."""
    rank_key: str = ""

    @property
    def text(self) -> str:
        return "\n".join([self.id, self.title, *(told.sentence for told in self.reasons.values())])

    @property
    def first_seen(self) -> str:
        """The day of its first report (ISO 8601), '' for a case without one."""
        return min(self.days, default="")

    @property
    def last_seen(self) -> str:
        return max(self.days, default="")


def advance(
    view: CaseView, event: CaseEvent, filing: Filing | None = None, fresh: bool = False, lost: bool = False,
    taken: CaseView | None = None, new_reporters: int = 0,
) -> CaseView:  # fmt: skip
    """The view after `event`, which must be the next one.

    `filing` goes with a filed event (None: erased since, it counts nothing), `fresh` says that its reporter is new to
    the case, `lost` that their loss is; `taken` is the last view of a case that was taken in, with `new_reporters`
    unknown to this one.
    """
    if event.n != view.version + 1:
        raise ValueError(f"event {event.n} of {view.id} does not follow {view.version}")
    if event.what == "filed" and filing is not None:
        view = _filed(view, filing, fresh, lost)
    elif event.what == "absorbed" and taken is not None:
        view = _absorbed(view, taken, new_reporters)
    else:
        view = _decided(view, event)
    return _drawn(msgspec.structs.replace(view, version=event.n))


def standing(view: CaseView) -> Standing:
    """What the view's place in the queue depends on."""
    grade = grade_of(view.band)
    return Standing(
        case=view.id,
        band=view.band,
        grades=tuple(sorted(_highest(view).items())),
        evidence=sum(told.grade >= grade for told in view.reasons.values()),
        loss_reports=view.loss_reports,
        losses=tuple(sorted(view.losses.items())),
        days=len(view.days),
        reporters=view.reporters,
        confidence=view.confidence,
        first=view.first_seen,
        last=view.last_seen,
    )


def _filed(view: CaseView, filing: Filing, fresh: bool, lost: bool) -> CaseView:
    found = filing.assessment
    return msgspec.structs.replace(
        view,
        title=view.title or found.subject,
        title_report=view.title_report or filing.report,
        reports=view.reports + 1,
        reporters=view.reporters + fresh,
        kinds=_plus(view.kinds, {found.kind: 1}),
        bands=_plus(view.bands, {found.band: 1}),
        sureness=_plus(view.sureness, {found.band: round(found.confidence * 100)}),
        grades=_plus(view.grades, {f"{name}:{grade}": 1 for name, grade in found.grades}),
        reasons=_told(view.reasons, filing),
        techniques=_plus(view.techniques, {each.name: 1 for each in found.techniques}),
        countries=_plus(view.countries, dict.fromkeys(found.countries, 1)),
        asns=_plus(view.asns, dict.fromkeys(found.asns, 1)),
        languages=_plus(view.languages, {found.language: 1} if found.language else {}),
        lanes=_plus(view.lanes, counted(found.lanes, found.said)),
        lane_since=view.lane_since or _moment(filing.at),
        days=_plus(view.days, {_day(filing.at): 1}),
        losses=_plus(view.losses, {loss.currency: loss.amount for loss in found.losses} if lost else {}),
        loss_reports=view.loss_reports + lost,
        since_closed=view.since_closed + view.closed,
    )


def _absorbed(view: CaseView, taken: CaseView, new_reporters: int) -> CaseView:
    names = (
        "kinds",
        "bands",
        "sureness",
        "grades",
        "techniques",
        "countries",
        "asns",
        "languages",
        "lanes",
        "lanes_passed",
        "lanes_none",
        "days",
        "losses",
    )
    summed = {name: _plus(getattr(view, name), getattr(taken, name)) for name in names}
    reasons = dict(view.reasons)
    for code, told in taken.reasons.items():
        own = reasons.get(code)
        reasons[code] = msgspec.structs.replace(own, count=own.count + told.count) if own else told
    return msgspec.structs.replace(
        view,
        title=view.title or taken.title,
        title_report=view.title_report or taken.title_report,
        reports=view.reports + taken.reports,
        reporters=view.reporters + new_reporters,
        reasons=reasons,
        loss_reports=view.loss_reports + taken.loss_reports,
        members=tuple(sorted({*view.members, *taken.members, taken.id})),
        claimed_by=view.claimed_by or taken.claimed_by,
        lane_since=min(filter(None, (view.lane_since, taken.lane_since)), default=""),
        override=view.override or taken.override,
        closed=view.closed and (taken.closed or not taken.reports),
        **summed,
    )


def _decided(view: CaseView, event: CaseEvent) -> CaseView:
    """What a person decided, or that this case went into another."""
    match event.what:
        case "claimed":
            return msgspec.structs.replace(view, claimed_by=view.claimed_by or event.by)
        case "released":
            return msgspec.structs.replace(view, claimed_by="")
        case "closed":
            return msgspec.structs.replace(view, closed=True, since_closed=0)
        case "reopened":
            return msgspec.structs.replace(view, closed=False, since_closed=0)
        case "override":
            return msgspec.structs.replace(view, override=event.code("band"))
        case "passed" | "unlaned" | "relaned":
            return _laned(view, event.what, event.code("lane"), event.at)
        case "merged":
            return msgspec.structs.replace(view, merged_into=event.code("into"))
    return view


def _laned(view: CaseView, what: str, lane: str, at: datetime) -> CaseView:
    """What a person found of the reports in a lane; the last word holds."""
    passed, none = (
        {name: count for name, count in counts.items() if name not in (lane, SAID + lane)}
        for counts in (view.lanes_passed, view.lanes_none)
    )
    seen = _lanes(view).seen(lane)
    if what == "passed":
        passed |= seen
    elif what == "unlaned":
        none |= seen
    return msgspec.structs.replace(
        view, lanes_passed=passed, lanes_none=none, lane_since=view.lane_since or _moment(at)
    )


def _lanes(view: CaseView) -> Lanes:
    return Lanes(view.lanes, view.lanes_passed, view.lanes_none)


def _drawn(view: CaseView) -> CaseView:
    """The fields that follow from the counters."""
    band = view.override or band_of(max((grade_of(name) for name, count in view.bands.items() if count), default=0))
    number, lanes = view.bands.get(band, 0), _lanes(view)
    view = msgspec.structs.replace(
        view,
        band=band,
        harm_kind=_leading(view),
        confidence=view.sureness.get(band, 0) / number / 100 if number else 0.0,
        state=_state(view),
        lane=lanes.lane(view.reports),
        alarm=lanes.waiting if _state(view) not in ("merged", "erased") else "",
        lane_since=view.lane_since if lanes.waiting else "",
    )
    return msgspec.structs.replace(view, rank_key=rank_key(standing(view)))


def _state(view: CaseView) -> str:
    """merged, erased (nothing that was filed in it is left), closed, claimed or open."""
    if view.merged_into:
        return "merged"
    if not view.reports:
        return "erased"
    return "closed" if view.closed else "claimed" if view.claimed_by else "open"


def _leading(view: CaseView) -> str:
    """The kind that most reports give; a clear word before an unclear one, then by name: order plays no part."""
    named = [(name not in ("unclear", "legitimate"), count, name) for name, count in view.kinds.items() if count]
    return max(named, default=(False, 0, "unclear"))[2]


def _highest(view: CaseView) -> dict[str, int]:
    highest: dict[str, int] = {}
    for name, count in view.grades.items():
        dimension, _, grade = name.rpartition(":")
        if count and int(grade) >= highest.get(dimension, 0):
            highest[dimension] = int(grade)
    highest["still_going"] = min(3, max(0, len(view.days) - 1))
    highest["spread"] = sum(len(view.countries) >= least for least in SPREAD)
    return highest


def _told(told: Mapping[str, Told], filing: Filing) -> dict[str, Told]:
    merged = dict(told)
    for reason in filing.assessment.reasons:
        own = merged.get(reason.code)
        merged[reason.code] = (
            msgspec.structs.replace(own, count=own.count + 1)
            if own
            else Told(
                count=1, grade=reason.grade, dimension=reason.dimension, sentence=reason.sentence, report=filing.report
            )
        )
    return merged


def _plus(counts: Counts, more: Mapping[str, int]) -> Counts:
    if not more:
        return counts
    summed = dict(counts)
    for name, number in more.items():
        summed[name] = summed.get(name, 0) + number
    return summed


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _day(at: datetime) -> str:
    return at.date().isoformat()
