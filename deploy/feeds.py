"""What the house does for its feeds beside the line: fills the keyring, and tells the outcomes what became of reports.

Everything here is drawn from records and may be done again; nothing in the line waits for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from enrichment.examination import Examination
from intake.archive import Archive
from intake.feed import ACCOUNT, Feed, FeedKey, FeedKeyEnd, Feeds
from intake.keyring import Keyring
from intake.outcomes import Filed, Outcomes, Sighting, Standing
from intake.record import name_of
from intake.report import pseudonym
from intake.store import every
from intake.submission import Submission, Unpacked
from triage.case import Filing
from triage.stream import current

GROUPS = 200
"""Cases whose state is compared with what was told, in one turn."""
_BULK = 500
T = TypeVar("T")


def kept(archive: Archive) -> Feeds:
    """All feeds with all their versions."""
    return Feeds(every(archive.store, Feed, {}))


def fill_keyring(archive: Archive, keyring: Keyring) -> None:
    """Copy feeds, keys and their ends to where the doors can read them."""
    store = archive.store
    keyring.fill(kept(archive).newest, every(store, FeedKey, {}), every(store, FeedKeyEnd, {}))


def tell_unpacked(archive: Archive, outcomes: Outcomes, feeds: Feeds, submissions: Sequence[str]) -> None:
    """These submissions were unpacked: what was in those of feeds."""
    if not feeds.newest:
        return
    unpacked = archive.get_all(Unpacked, submissions)
    found = archive.get_all(Submission, unpacked).values()
    with outcomes.db.together():
        for submission in sorted(found, key=lambda each: (each.received, each.id)):
            feed = feeds.of(submission.envelope, submission.received)
            if feed is not None:
                outcomes.unpacked(feed.name, submission, unpacked[submission.id].verdicts)


def tell_filed(archive: Archive, outcomes: Outcomes, feeds: Feeds, secret: bytes, reports: Sequence[str]) -> None:
    """These reports were filed: for the feeds that handed them in, and for those whose networks they speak of."""
    if not feeds.newest:
        return
    filings = list(archive.get_all(Filing, reports).values())
    sighted = [sight for filing in filings for sight in _sightings(archive, feeds, secret, filing)]
    with outcomes.db.together():
        outcomes.filed([Filed(each.report, each.case, each.at) for each in filings])
        outcomes.sighted(sighted)


def _sightings(archive: Archive, feeds: Feeds, secret: bytes, filing: Filing) -> Iterator[Sighting]:
    """What a filing says of addresses in feeds' networks; nothing of what harms nobody, or is in a mandatory lane."""
    told = filing.assessment
    if told.lanes or told.band == "none":
        return
    about = {(each.address, each.name) for each in told.techniques} | {(told.sender, "spam")}
    for address, kind in sorted(about):
        for feed in feeds.responsible(address):
            own = filing.reporter == pseudonym(secret, ACCOUNT + feed.name)
            who = name_of("who", filing.reporter)[:12]
            yield Sighting(
                feed.name, address, kind, filing.report, filing.submission, who, _handed_over(archive, filing),
                told.confidence, own,
            )  # fmt: skip


def _handed_over(archive: Archive, filing: Filing) -> datetime:
    """When the reported mail was handed over, as the reporter's own server wrote it; else when it was filed."""
    examined = archive.get(Examination, f"{filing.report}/{filing.round}")
    if examined is None or not 0 <= examined.boundary.index < len(examined.hops):
        return filing.at
    return examined.hops[examined.boundary.index].time or filing.at


class Reconciler:
    """Compares, some at a time, how cases stand with what feeds were told of them: also after merges and decisions."""

    def __init__(self, archive: Archive, outcomes: Outcomes, clock: Callable[[], datetime]) -> None:
        self._archive, self._outcomes, self._clock = archive, outcomes, clock
        self._after = ""

    def turn(self) -> None:
        """One page of the groups, the first again after the last."""
        page = self._outcomes.living(self._after, GROUPS)
        self._after = page[-1][0] if len(page) == GROUPS else ""
        changed = [now for case, told in page if (now := self._standing(case)) != Standing(case, "", told)]
        self._outcomes.standing(changed, self._clock())

    def _standing(self, case: str) -> Standing:
        view = current(self._archive, case)
        return Standing(case, "" if view.id == case else view.id, view.state)


def refill(archive: Archive, outcomes: Outcomes, secret: bytes) -> None:
    """Fill empty outcomes from all records; the cost is that of reading them."""
    feeds = kept(archive)
    if feeds.newest:
        order = sorted((each.received, each.id) for each in every(archive.store, Submission, {}))
        for page in pages(name for _, name in order):
            tell_unpacked(archive, outcomes, feeds, page)
        for page in pages(each.report for each in every(archive.store, Filing, {})):
            tell_filed(archive, outcomes, feeds, secret, page)


def pages(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, some at a time."""
    rest = iter(items)
    while page := list(islice(rest, _BULK)):
        yield page
