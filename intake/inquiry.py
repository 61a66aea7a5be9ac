"""Inquiry: the questions that a feed may ask of the outcomes, and the only place that answers them.

Every question takes the feed's name and gives what is that feed's alone. Cursors are `STREAM.N`: one of another stream,
as after a rebuild, begins anew.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from intake.answers import Day, Event, Events, Fault, Findings, Health, Item, Pace, Page, Reported, Stats
from intake.notice import Seen, Sender, xarf
from intake.outcomes import STATES, Outcomes
from intake.turned_away import TurnedAway

PAGE = 500
"""Rows of an answer at most."""
WINDOW = 14
"""Days from which the usual rate is drawn."""
QUIET = 10
"""Times the usual gap after which a feed is silent for too long; an hour at least."""
_ACCEPTED = ("report", "claim", "rows")
_ITEM = (
    "select i.ref, i.item, i.name, i.verdict, i.says, i.sha256, i.format, i.report, i.grouped, i.filed, h.at,"
    " i.rows, i.bad, i.faults, i.n"
    " from items i join handed h on h.ref = i.ref"
)
_LAST = 2**62
_faults = msgspec.json.Decoder(type=tuple[Fault, ...])


class Inquiry:
    """Answers from `outcomes`; `reference` makes a reference of an id, `sender` signs the findings."""

    def __init__(
        self, outcomes: Outcomes, reference: Callable[[str], str], sender: Sender, turned_away: TurnedAway | None = None
    ) -> None:
        self._outcomes, self._db, self._turned_away = outcomes, outcomes.db, turned_away
        self._reference, self._sender = reference, sender

    @property
    def stream(self) -> str:
        """The name under which changes and events are numbered now."""
        name: str = self._db.run("select name from stream")[0][0]
        return name

    def report(self, feed: str, ref: str, after: int = -1) -> Reported | None:
        """What became of the submission with that reference's id; None where it is none that the feed is known for."""
        found = self._db.run("select at, size, sha256 from handed where ref = ? and feed = ?", (ref, feed))
        if not found:
            return None
        at, size, sha256 = found[0]
        rows = self._db.run(_ITEM + " where i.ref = ? and i.item > ? order by i.item limit ?", (ref, after, PAGE))
        items = tuple(self._items(feed, rows, faults=True))
        counts: dict[str, int] = dict(
            self._db.run("select verdict, count(*) from items where ref = ? group by verdict", (ref,))
        )
        return Reported(
            reference=self._reference(ref), state=self._state(ref), received=_moment(at), sha256=sha256, size=size,
            counts=counts, items=items, next=items[-1].item if len(items) == PAGE else None,
        )  # fmt: skip

    def _state(self, ref: str) -> str:
        left = self._db.run(
            "select 1 from items where ref = ? and verdict = 'report' and filed is null limit 1", (ref,)
        )
        return "unpacked" if left else "triaged"

    def digest(self, ref: str) -> tuple[str, int] | None:
        """(SHA-256, size) of what was handed in under that id, None while no worker has seen it."""
        found = self._db.run("select sha256, size from handed where ref = ?", (ref,))
        return (found[0][0], found[0][1]) if found else None

    def changes(self, feed: str, cursor: str, limit: int = PAGE) -> Page:
        """The feed's items that are new or have changed since the cursor."""
        since = self._since(cursor)
        rows = self._db.run(_ITEM + " where i.feed = ? and i.n > ? order by i.n limit ?", (feed, since, limit + 1))
        last = rows[:limit][-1][-1] if rows else since
        items = tuple(self._items(feed, rows[:limit]))
        return Page(items=items, cursor=f"{self.stream}.{last}", more=len(rows) > limit)

    def latest(self, feed: str, before: int, limit: int = PAGE) -> tuple[Page, int]:
        """The feed's items with the latest change first, those below number `before` (0: all), and the next one."""
        rows = self._db.run(
            _ITEM + " where i.feed = ? and i.n < ? order by i.n desc limit ?", (feed, before or _LAST, limit + 1)
        )
        return self._turned(feed, rows, limit)

    def found(self, feed: str, refs: tuple[str, str], report: str, before: int, limit: int) -> tuple[Page, int]:
        """The same of the items that came under one of these references' ids, or are that report."""
        rows = self._db.run(
            _ITEM + " where (i.ref in (?, ?) or i.report = ?) and i.feed = ? and i.n < ? order by i.n desc limit ?",
            (*refs, report, feed, before or _LAST, limit + 1),
        )
        return self._turned(feed, rows, limit)

    def _turned(self, feed: str, rows: list[tuple[Any, ...]], limit: int) -> tuple[Page, int]:
        items = tuple(self._items(feed, rows[:limit]))
        more = len(rows) > limit
        return Page(items=items, cursor="", more=more), rows[limit - 1][-1] if more else 0

    def _items(self, feed: str, rows: Iterable[tuple[Any, ...]], faults: bool = False) -> Iterable[Item]:
        for ref, item, name, verdict, says, sha256, format_, report, grouped, filed, at, good, bad, named, _ in rows:
            group, state = self._group(feed, grouped) if grouped else ("", "")
            waits = "waiting" if verdict == "report" and filed is None else "none" if filed is None else "triaged"
            yield Item(
                reference=self._reference(ref), item=item, name=name, verdict=verdict, says=says, sha256=sha256,
                format=format_, report=report, state=waits, group=group, group_state=state, received=_moment(at),
                seconds=None if filed is None or verdict != "report" else round(max(0.0, filed - at), 1),
                rows=good, bad=bad, faults=_faults.decode(named) if faults else (),
            )  # fmt: skip

    def _group(self, feed: str, case: str) -> tuple[str, str]:
        """Name and state of the case that now holds it."""
        state = "open"
        for _ in range(100):
            found = self._db.run("select into_name, state from groups where name = ?", (case,))
            state = found[0][1] if found else state
            if not found or not found[0][0]:
                break
            case = found[0][0]
        return self._outcomes.handle(feed, case), STATES.get(state, "queued")

    def stats(self, feed: str, now: datetime, days: int = 30) -> Stats:
        """Volumes and pace of the last `days` days; what a door refused is among the refused."""
        first = f"{now - timedelta(days=days - 1):%Y-%m-%d}"
        verdicts: dict[str, dict[str, int]] = {}
        for day, verdict, count in self._db.run(
            "select day, verdict, count from volumes where feed = ? and day >= ?", (feed, first)
        ):
            verdicts.setdefault(day, {})[verdict] = count
        for day, code, count in self._turned_away.since(feed, first) if self._turned_away else ():
            verdicts.setdefault(day, {})[code] = verdicts.get(day, {}).get(code, 0) + count
        paces: dict[str, list[tuple[int, int, float]]] = {}
        for day, bucket, count, seconds in self._db.run(
            "select day, bucket, count, seconds from pace where feed = ? and day >= ? order by bucket", (feed, first)
        ):
            paces.setdefault(day, []).append((bucket, count, seconds))
        each = [_day(day, verdicts.get(day, {}), paces.get(day, [])) for day in sorted({*verdicts, *paces})[::-1]]
        total: dict[str, int] = {}
        for counts in verdicts.values():
            total = {name: total.get(name, 0) + counts.get(name, 0) for name in {*total, *counts}}
        buckets = sorted(row for rows in paces.values() for row in rows)
        return Stats(feed=feed, health=self.health(feed, now), total=_day("", total, buckets), days=tuple(each))

    def health(self, feed: str, now: datetime) -> Health:
        """The feed's health line."""
        found = self._db.run("select last from feeds where feed = ?", (feed,))
        if not found or not found[0][0]:
            return Health(last=None, per_hour=0.0, silent=False, says="it has not reported yet")
        last = _moment(found[0][0])
        first = f"{last - timedelta(days=WINDOW - 1):%Y-%m-%d}"
        ((count, began),) = self._db.run(
            "select coalesce(sum(count), 0), min(day) from volumes where feed = ? and day >= ?", (feed, first)
        )
        start = datetime.fromisoformat(began or first).replace(tzinfo=UTC)
        rate = count / max((last - start) / _HOUR, 24.0)
        ago = now - last
        silent = ago > timedelta(days=WINDOW) or bool(rate and ago > max(timedelta(hours=QUIET / rate), _HOUR))
        says = f"last report {_ago(ago)} ago, usually {_rate(rate)}" + (": silent for too long" if silent else "")
        return Health(last=last, per_hour=round(rate, 2), silent=silent, says=says)

    def events(self, feed: str, after: int, limit: int = PAGE) -> Events:
        """The feed's events with a number above `after`."""
        rows = self._db.run(
            "select n, id, type, at, ref, data from events where feed = ? and n > ? order by n limit ?",
            (feed, after, limit + 1),
        )
        events = tuple(
            Event(n=n, id=id_, type=type_, at=_moment(at), data=self._named(ref) | msgspec.json.decode(data))
            for n, id_, type_, at, ref, data in rows[:limit]
        )
        return Events(feed=feed, stream=self.stream, events=events, more=len(rows) > limit)

    def _named(self, ref: str) -> dict[str, Any]:
        return {"reference": self._reference(ref)} if ref else {}

    def findings(self, feed: str, cursor: str, least: int, limit: int = PAGE) -> Findings:
        """What was seen in the feed's networks since the cursor, by `least` distinct reporters or by the feed."""
        since = self._since(cursor)
        rows = self._db.run(
            "select n, address, kind, date(at, 'unixepoch') from sightings where feed = ? and n > ? order by n limit ?",
            (feed, since, limit + 1),
        )
        wanted = dict.fromkeys(row[1:] for row in rows[:limit])
        seen = (self._seen(feed, *each) for each in wanted)
        told = tuple(xarf(each, self._sender) for each, own in seen if own or each.reporters >= least)
        last = rows[:limit][-1][0] if rows else since
        return Findings(findings=told, cursor=f"{self.stream}.{last}", more=len(rows) > limit)

    def _seen(self, feed: str, address: str, kind: str, day: str) -> tuple[Seen, bool]:
        (row,) = self._db.run(
            "select min(at), max(at), count(*), count(distinct who), max(confidence), max(own) from sightings"
            " where feed = ? and address = ? and kind = ? and date(at, 'unixepoch') = ?",
            (feed, address, kind, day),
        )
        return Seen(address, kind, day, *row[:5]), bool(row[5])

    def _since(self, cursor: str) -> int:
        stream, _, number = cursor.partition(".")
        known = stream == self.stream and number.isascii() and number.isdigit() and len(number) < 19
        return int(number) if known else 0


_HOUR = timedelta(hours=1)


def _day(day: str, verdicts: dict[str, int], buckets: list[tuple[int, int, float]]) -> Day:
    accepted = sum(verdicts.get(name, 0) for name in _ACCEPTED)
    duplicate = verdicts.get("duplicate", 0)
    return Day(
        day=day, accepted=accepted, duplicate=duplicate, refused=sum(verdicts.values()) - accepted - duplicate,
        verdicts=verdicts, triage=_pace(buckets),
    )  # fmt: skip


def _pace(buckets: list[tuple[int, int, float]]) -> Pace | None:
    count = sum(row[1] for row in buckets)
    if not count:
        return None
    mean = sum(row[2] for row in buckets) / count
    return Pace(
        count=count, mean=round(mean, 1), half_below=_below(buckets, count / 2), most_below=_below(buckets, count * 0.9)
    )


def _below(buckets: list[tuple[int, int, float]], share: float) -> float:
    """The upper end of the bucket in which that many are reached."""
    reached = 0
    for bucket, count, _ in buckets:
        reached += count
        if reached >= share:
            return 2.0**bucket
    return 0.0


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _ago(gap: timedelta) -> str:
    minutes = int(gap.total_seconds() // 60)
    for unit, size in (("days", 1440), ("h", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{max(minutes, 0)} min"


def _rate(per_hour: float) -> str:
    return f"{per_hour:.0f} an hour" if per_hour >= 1 else f"{per_hour * 24:.1f} a day"
