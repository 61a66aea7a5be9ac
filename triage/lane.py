"""Lanes: reports that are somebody else's matter, and how they stand beside the ranking.

Danger to life and child abuse are mandatory: a case with such a report waits for a person, who passes it on or finds
that it is none; until then it raises the alarm and has no place in the queue. Crime at home and messages on phones are
others' matters too, but wait for nobody. A case has no place in the queue while it waits, and none when every report of
it is in a lane; otherwise its harm ranks it like any other, so that one report in a lane can't bury a campaign. What a
person found to be no matter of the lane is ranked, and waits again only when a reporter says so of a new report.
"""

from collections.abc import Mapping

from intake.record import Value

MANDATORY: tuple[str, ...] = ("life", "child-abuse")
"""A person must see these at once."""
LANES: tuple[str, ...] = (*MANDATORY, "police", "sms")
"""Every lane, the gravest first."""
SAID = "said/"
"""Before the name of a lane: reports of which their reporter says so, among those in it."""


def counted(lanes: tuple[str, ...], said: str) -> dict[str, int]:
    """What one report adds to the counters of its case; `said` is the lane that its reporter chose."""
    return dict.fromkeys(lanes, 1) | ({SAID + said: 1} if said in lanes else {})


class Lanes(Value, frozen=True):
    """How a case stands: reports by lane (also by `SAID` + lane), and what people found of those they had seen.

    `passed` and `none` hold the counters that a person saw when they passed the lane on, or found it to be none.
    """

    reports: Mapping[str, int]
    passed: Mapping[str, int]
    none: Mapping[str, int]

    def waits(self, lane: str) -> bool:
        """Whether a person has yet to look at reports in this mandatory lane."""
        if lane in self.none:
            return self.reports.get(SAID + lane, 0) > self.none.get(SAID + lane, 0)
        return self.reports.get(lane, 0) > self.passed.get(lane, 0)

    @property
    def waiting(self) -> str:
        """The gravest mandatory lane that waits for a person, '' when none does."""
        return next((lane for lane in MANDATORY if self.waits(lane)), "")

    def lane(self, reports: int) -> str:
        """The lane in which a case of so many reports stands, '' for a place in the queue."""
        own = {lane: self.reports.get(lane, 0) for lane in LANES if lane not in self.none}
        if sum(own.values()) < max(reports, 1):
            return self.waiting
        return self.waiting or next(lane for lane in LANES if own.get(lane))

    def seen(self, lane: str) -> dict[str, int]:
        """The counters of that lane as they are now."""
        return {name: self.reports.get(name, 0) for name in (lane, SAID + lane)}
