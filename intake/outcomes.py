"""Outcomes: what became of every item of a feed, as the doors may tell it; written by workers, read by the API.

Each row belongs to one feed, and no question here is asked without its name. Rows come from records and hold no
content but names of files, headings of lists and sentences of ours; what is put twice is there once, so that a step may
run again, and volumes and events are counted with the row that causes them. The file can be thrown away: `rebuild`
fills it again, under another stream number, so that a reader of events sees that they were numbered anew. A report
costs the same however many there are.
"""

import hmac
import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from intake.record import name_of
from intake.sqlite import Database, Schema
from intake.submission import Submission, Verdict

SCHEMA: Schema = {
    "outcomes": (
        """
    create table stream (name text not null);
    create table feeds (
        feed text primary key, changes integer not null default 0, events integer not null default 0,
        last real not null default 0) without rowid;
    create table handed (
        ref text primary key, submission text not null unique, feed text not null, at real not null,
        size integer not null, sha256 text not null) without rowid;
    create table items (
        ref text not null, item integer not null, feed text not null, n integer not null, name text not null,
        verdict text not null, says text not null, sha256 text not null, format text not null, report text not null,
        grouped text not null default '', filed real, primary key (ref, item)) without rowid;
    create unique index changes on items (feed, n);
    create index reports on items (report, feed);
    create table volumes (
        feed text not null, day text not null, verdict text not null, count integer not null,
        primary key (feed, day, verdict)) without rowid;
    create table pace (
        feed text not null, day text not null, bucket integer not null, count integer not null, seconds real not null,
        primary key (feed, day, bucket)) without rowid;
    create table groups (name text primary key, into_name text not null default '', state text not null) without rowid;
    create index living on groups (name) where into_name = '';
    create table shares (
        feed text not null, grouped text not null, handle text not null, reports integer not null default 0,
        primary key (feed, grouped)) without rowid;
    create index sharers on shares (grouped);
    create table events (
        feed text not null, n integer not null, id text not null, type text not null, at real not null,
        ref text not null, data text not null, primary key (feed, n)) without rowid;
    create unique index happened on events (feed, id);
    create table sightings (
        n integer primary key autoincrement, feed text not null, address text not null, kind text not null,
        report text not null, submission text not null,
        who text not null, at real not null, confidence real not null, own integer not null,
        unique (feed, address, kind, report));
    create index seen on sightings (feed, n);
    create index sighted_in on sightings (submission);
    create table used (key text primary key, feed text not null, at real not null) without rowid;
    create table posted (
        feed text primary key, n integer not null, attempts integer not null default 0, due real not null default 0,
        said text not null default '') without rowid;
    """,
        """
    alter table items add column rows integer not null default 0;
    alter table items add column bad integer not null default 0;
    alter table items add column faults text not null default '[]';
    """,
    )
}
STATES = {"open": "queued", "claimed": "in-work", "closed": "closed"}
"""State of a case -> how it is told."""
ALIAS = "as="
"""What the option of an envelope begins with that names the id which its reference was made from."""


KEY = "key="
"""What the option begins with that names the key which was shown."""


class Filed(NamedTuple):
    """That a report was filed in a case, at a time."""

    report: str
    case: str
    at: datetime


class Standing(NamedTuple):
    """A case's state, and the case that it went into ('' where it stands)."""

    case: str
    into: str
    state: str


class Sighting(NamedTuple):
    """That a report speaks of `address`, in a network of `feed`: `kind` is spam or a technique's name."""

    feed: str
    address: str
    kind: str
    report: str
    submission: str
    who: str
    """Keyed hash of the reporter."""
    at: datetime
    """When the mail was handed over."""
    confidence: float
    own: bool
    """Whether the feed itself reported it."""


class Outcomes:
    """The outcomes in a file; `secret` keys the names that groups have for each feed."""

    def __init__(self, path: Path, secret: bytes) -> None:
        self.db, self._secret = Database(path, SCHEMA), secret
        with self.db.together():
            if not self.db.run("select 1 from stream"):
                self.db.run("insert into stream values (?)", (name_of(os.urandom(16))[:8],))

    def unpacked(self, feed: str, submission: Submission, verdicts: Sequence[Verdict]) -> None:
        """A submission of that feed was opened; a second one under the same reference counts for nothing."""
        ref = reference_of(submission)
        at = submission.received.timestamp()
        row = (ref, submission.id, feed, at, submission.size, submission.sha256)
        with self.db.together():
            if not self.db.run("insert or ignore into handed values (?, ?, ?, ?, ?, ?) returning 1", row):
                self._twin(ref, feed, verdicts)
                return
            self.db.run("insert or ignore into feeds (feed) values (?)", (feed,))
            self.db.run("update feeds set last = max(last, ?) where feed = ?", (at, feed))
            for key in (each.removeprefix(KEY) for each in submission.envelope.options if each.startswith(KEY)):
                self.db.run(
                    "insert into used values (?, ?, ?) on conflict do update set at = max(at, excluded.at)",
                    (key, feed, at),
                )
            first = self._next(feed, "changes", len(verdicts)) - len(verdicts) + 1
            items = [
                (
                    ref, n, feed, first + n, v.name, v.code, v.says, v.sha256, v.format, v.report,
                    *self._known(feed, v), v.rows, v.bad, msgspec.json.encode(v.faults).decode(),
                )
                for n, v in enumerate(verdicts)
            ]  # fmt: skip
            self.db.run_many("insert into items values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", items)
            counts = Counter(each.code for each in verdicts)
            self.db.run_many(
                "insert into volumes values (?, ?, ?, ?) on conflict do update set count = count + excluded.count",
                [(feed, f"{submission.received:%Y-%m-%d}", code, count) for code, count in counts.items()],
            )
            self._happened(feed, "submission.unpacked", ref, at, {"counts": dict(counts)})

    def _twin(self, ref: str, feed: str, verdicts: Sequence[Verdict]) -> None:
        """Handed in a second time under the same reference: what was a duplicate of this one is the report."""
        for number, verdict in enumerate(verdicts):
            if verdict.code == "report" and self.db.run(
                "update items set verdict = 'report', says = '', grouped = '', filed = null, n = ?"
                " where ref = ? and item = ? and report = ? and verdict = 'duplicate' returning 1",
                (self._next(feed, "changes"), ref, number, verdict.report),
            ):
                self.db.run_many(
                    "insert into volumes select ?, date(at, 'unixepoch'), ?, ? from handed where ref = ?"
                    " on conflict do update set count = count + excluded.count",
                    [(feed, "report", 1, ref), (feed, "duplicate", -1, ref)],
                )

    def _known(self, feed: str, verdict: Verdict) -> tuple[str, float | None]:
        """The group of a report that was filed already, as that of a duplicate is, and when."""
        if not verdict.report or verdict.code == "report":
            return "", None
        found = self.db.run(
            "select grouped, filed from items where report = ? and feed = ? and filed is not null limit 1",
            (verdict.report, feed),
        )
        return found[0] if found else ("", None)

    def filed(self, rows: Iterable[Filed]) -> None:
        """These reports are in cases; those that no feed handed in are passed over."""
        for row in rows:
            with self.db.together():
                waiting = self.db.run(
                    "select i.ref, i.item, i.feed, i.verdict, h.at from items i join handed h on h.ref = i.ref"
                    " where i.report = ? and i.filed is null",
                    (row.report,),
                )
                for ref, item, feed, verdict, received in waiting:
                    self._file(row, (ref, item, feed), verdict == "report", received)

    def _file(self, row: Filed, place: tuple[str, int, str], counts: bool, received: float) -> None:
        ref, item, feed = place
        at = row.at.timestamp()
        self.db.run(
            "update items set grouped = ?, filed = ?, n = ? where ref = ? and item = ?",
            (row.case, at, self._next(feed, "changes"), ref, item),
        )
        if not counts:
            return
        seconds = max(0.0, at - received)
        self.db.run("insert or ignore into groups values (?, '', 'open')", (row.case,))
        self.db.run(
            "insert into shares values (?, ?, ?, 1) on conflict do update set reports = reports + 1",
            (feed, row.case, self.handle(feed, row.case)),
        )
        self.db.run(
            "insert into pace values (?, ?, ?, 1, ?) on conflict do update set count = count + 1,"
            " seconds = seconds + excluded.seconds",
            (feed, f"{row.at:%Y-%m-%d}", math.ceil(math.log2(max(seconds, 1.0))), seconds),
        )
        data = {"item": item, "report": row.report, "group": self.handle(feed, row.case), "seconds": round(seconds, 1)}
        self._happened(feed, "report.triaged", ref, at, data, row.report)

    def standing(self, rows: Iterable[Standing], at: datetime) -> None:
        """How these cases stand now; a feed with reports in one that changed is told so once."""
        for row in rows:
            with self.db.together():
                changed = self.db.run(
                    "update groups set into_name = ?, state = ? where name = ? and (into_name, state) <> (?, ?)"
                    " returning 1",
                    (row.into, row.state, row.case, row.into, row.state),
                )
                if changed:
                    self._told(row, at)

    def _told(self, row: Standing, at: datetime) -> None:
        if row.into:
            self.db.run("insert or ignore into groups values (?, '', 'open')", (row.into,))
        for feed, handle, reports in self.db.run(
            "select feed, handle, reports from shares where grouped = ?", (row.case,)
        ):
            data: dict[str, Any] = {"group": handle, "reports": reports, "state": STATES.get(row.state, "queued")}
            if row.into:
                data |= {"state": "joined", "into": self.handle(feed, row.into)}
                self.db.run(
                    "insert into shares values (?, ?, ?, ?)"
                    " on conflict do update set reports = reports + excluded.reports",
                    (feed, row.into, data["into"], reports),
                )
            self._happened(feed, "group.changed", "", at.timestamp(), data, f"{row.state} {at.isoformat()}")

    def sighted(self, rows: Iterable[Sighting]) -> None:
        """Reports that speak of addresses in a feed's networks."""
        self.db.run_many(
            "insert or ignore into sightings (feed, address, kind, report, submission, who, at, confidence, own)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*row[:6], row.at.timestamp(), row.confidence, row.own) for row in rows],
        )

    def living(self, after: str, limit: int) -> list[tuple[str, str]]:
        """(case, state as last told) of groups that stand, by name, to be compared with the cases' views."""
        found = self.db.run(
            "select name, state from groups where into_name = '' and name > ? order by name limit ?", (after, limit)
        )
        return [(name, state) for name, state in found]

    def forget(self, submissions: Iterable[str]) -> list[str]:
        """These were erased: nothing of them stands here; the ids that their references were made from."""
        gone = []
        with self.db.together():
            for submission in submissions:
                for (ref,) in self.db.run("delete from handed where submission = ? returning ref", (submission,)):
                    gone.append(ref)
                    self.db.run("delete from items where ref = ?", (ref,))
                    self.db.run("delete from events where ref = ?", (ref,))
                self.db.run("delete from sightings where submission = ?", (submission,))
        self.db.scrub()
        return gone

    def last_used(self, feed: str) -> dict[str, float]:
        """When something was last handed in with each key of the feed (seconds), by the key's id."""
        return dict(self.db.run("select key, at from used where feed = ?", (feed,)))

    def handle(self, feed: str, case: str) -> str:
        """The name of a case for that feed; another feed has another one, so that they can't compare."""
        return "g" + name_of(hmac.digest(self._secret, f"{feed} {case}".encode(), "sha256"))[:16]

    def _next(self, feed: str, counter: str, step: int = 1) -> int:
        sql = f"update feeds set {counter} = {counter} + ? where feed = ? returning {counter}"  # noqa: S608
        number: int = self.db.run(sql, (step, feed))[0][0]
        return number

    def _happened(self, feed: str, type_: str, ref: str, at: float, data: dict[str, Any], about: str = "") -> None:
        """Append an event, unless it stands already."""
        id_ = name_of("event", feed, type_, ref, about, data.get("group", ""))[:20]
        if self.db.run("select 1 from events where feed = ? and id = ?", (feed, id_)):
            return
        text = msgspec.json.encode(data).decode()
        self.db.run(
            "insert into events values (?, ?, ?, ?, ?, ?, ?)",
            (feed, self._next(feed, "events"), id_, type_, at, ref, text),
        )


def reference_of(submission: Submission) -> str:
    """The id that the reference of a submission was made from: its own, or that of its idempotency key."""
    aliases = (option.removeprefix(ALIAS) for option in submission.envelope.options if option.startswith(ALIAS))
    return next(aliases, submission.id)
