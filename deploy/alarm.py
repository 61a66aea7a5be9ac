"""Alarm: cases about danger to life or child abuse that nobody has taken yet are told of, at once and again.

What waits is read from the store each time, so no crash loses an alarm: a sweeper that is started again tells anew. It
is told in the log as critical, and where an address is set by mail, in the step `alarm`. Neither holds anything of a
report but the lane, how many cases there are, and since when.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from enrichment.answer import Post
from enrichment.letters import Letterhead
from intake.store import Store, every
from intake.work import Work
from triage.fold import CaseView
from triage.lane import MANDATORY

log = logging.getLogger("lapwing.alarm")
STEP = "alarm"
SAYS = {"life": "danger to life", "child-abuse": "child abuse"}


def waiting(store: Store) -> Iterator[CaseView]:
    """The cases that wait for a person, whether or not somebody has taken them."""
    for lane in MANDATORY:
        yield from every(store, CaseView, {"alarm": lane})


def says(views: Sequence[CaseView]) -> list[str]:
    """A sentence for each lane in which cases wait."""
    found = []
    for lane in MANDATORY:
        since = [view.lane_since for view in views if view.alarm == lane]
        if since:
            cases = "1 case waits" if len(since) == 1 else f"{len(since)} cases wait"
            found.append(f"{SAYS[lane]}: {cases}, the oldest since {min(since)}; see: lapwing lanes")
    return found


class Alarm:
    """What the sweeper tells: each case once when it begins to wait, and all that nobody took every so often."""

    def __init__(self, store: Store, work: Work, clock: Callable[[], datetime], every: float, mailed: bool) -> None:
        self._store, self._work, self._clock = store, work, clock
        self._every, self._mailed = timedelta(seconds=every), mailed
        self._told: set[tuple[str, str, str]] = set()
        self._last = datetime.min.replace(tzinfo=clock().tzinfo)

    def turn(self) -> None:
        """Tell of what is new, or due again."""
        untaken = [view for view in waiting(self._store) if view.state == "open"]
        now = {(view.id, view.alarm, view.lane_since) for view in untaken}
        if now <= self._told and not (now and self._clock() - self._last >= self._every):
            self._told &= now
            return
        for each in says(untaken):
            log.critical("ALARM: %s", each)
        if self._mailed:
            self._work.put(STEP, ["lanes"])
        self._told, self._last = now, self._clock()


def send(store: Store, post: Post, head: Letterhead, to: str, at: datetime) -> None:
    """STEP alarm: one mail about all that waits and that nobody took; Temporary when it has to be tried again."""
    told = says([view for view in waiting(store) if view.state == "open"])
    if told and post.deliver(to, _mail(told, head, to, at), lambda: True) != "sent":
        log.critical("ALARM: the mail to lanes.alarm_to was not taken")


def _mail(told: Sequence[str], head: Letterhead, to: str, at: datetime) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = head.address, to
    message["Subject"] = "ALARM: " + "; ".join(each.partition(":")[0] for each in told)
    message["Date"], message["Auto-Submitted"] = format_datetime(at), "auto-generated"
    message.set_content("\n".join(told) + "\n")
    return head.sign(message.as_bytes())
