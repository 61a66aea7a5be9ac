"""What the API answers: the members of each JSON object; the OpenAPI document is made from these.

Times are RFC 3339 in UTC, digests SHA-256 in hexadecimal, references as every door gives them. Members are only ever
added.
"""

from datetime import datetime
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object that we send; every member is there."""


class Problem(Answer, frozen=True):
    """Why not: `code` stays the same for ever, `says` is a sentence."""

    code: str
    says: str


class Uploaded(Answer, frozen=True):
    """What the public door answers: it is durable, and these are its bytes; `status_url` is the page of its state."""

    reference: str
    sha256: str
    size: int
    status_url: str


class State(Answer, frozen=True):
    """What became of a report: received, unpacked, filed, closed or withdrawn; `items` counts what was in it by verdict
    once it was opened, `outcome` says how it was closed: finished, helped or elsewhere.
    """

    reference: str
    state: str
    items: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    outcome: str | msgspec.UnsetType = msgspec.UNSET


class Added(Answer, frozen=True):
    """That something was added `to` a report: loss, original or withdrawal, with a reference of its own."""

    reference: str
    adds: str
    to: str


class Kept(Answer, frozen=True):
    """That it is durable; `repeated` when the same idempotency key brought the same bytes before."""

    reference: str
    sha256: str
    size: int
    status_url: str
    repeated: bool = False


class BatchItem(Answer, frozen=True):
    """What became of one item of a batch: a status as if it had come alone; `id` is as the sender gave it."""

    item: int
    status: int
    id: str = ""
    reference: str = ""
    sha256: str = ""
    size: int = 0
    status_url: str = ""
    repeated: bool = False
    code: str = ""
    says: str = ""


class Batch(Answer, frozen=True):
    """A result for each item. `code` is not empty where the batch could not be read to its end."""

    items: tuple[BatchItem, ...]
    accepted: int
    refused: int
    code: str = ""
    says: str = ""


class Fault(Answer, frozen=True):
    """A row of a list that is no claim: its line, the heading of the cell at fault ('': the whole row), and why."""

    line: int
    column: str
    says: str


class Item(Answer, frozen=True):
    """One item of a submission. `state`: waiting (not in a case yet), triaged, or none (it is no report).

    `group` stands for the case, which has another name for each feed; `group_state` is queued, in-work or closed.
    `seconds` from the acknowledgement to the case, null until it is there. Of a list so many `rows` are claims, so many
    are `bad`, and where one submission is asked for `faults` names the first 20 of these.
    """

    reference: str
    item: int
    name: str
    verdict: str
    says: str
    sha256: str
    format: str
    report: str
    state: str
    group: str
    group_state: str
    received: datetime
    seconds: float | None
    rows: int = 0
    bad: int = 0
    faults: tuple[Fault, ...] = ()


class Reported(Answer, frozen=True):
    """A submission: received, unpacked, or triaged (all its reports are). `next` is the `after` of the next page."""

    reference: str
    state: str
    received: datetime | None
    sha256: str
    size: int
    counts: dict[str, int]
    items: tuple[Item, ...]
    next: int | None


class Page(Answer, frozen=True):
    """Items that are new or have changed since a cursor, the oldest change first; `more` while there are more."""

    items: tuple[Item, ...]
    cursor: str
    more: bool


class Pace(Answer, frozen=True):
    """Seconds from the acknowledgement to the case: mean, and below what half and nine tenths were (powers of two)."""

    count: int
    mean: float
    half_below: float
    most_below: float


class Day(Answer, frozen=True):
    """One day (UTC): items accepted, duplicate, refused, and by verdict, or by the code with which a door refused."""

    day: str
    accepted: int
    duplicate: int
    refused: int
    verdicts: dict[str, int]
    triage: Pace | None


class Health(Answer, frozen=True):
    """When the feed last reported and how often it did in the 14 days before (items an hour).

    `silent`: for far longer than is usual.
    """

    last: datetime | None
    per_hour: float
    silent: bool
    says: str


class Stats(Answer, frozen=True):
    """Volumes and pace of a feed, day by day, the newest first."""

    feed: str
    health: Health
    total: Day
    days: tuple[Day, ...]


class Event(Answer, frozen=True):
    """Something became of an item: number `n` of the feed; `id` is the same if it ever gets another number.

    `type`: submission.unpacked, report.triaged, group.changed; `data` depends on it.
    """

    n: int
    id: str
    type: str
    at: datetime
    data: dict[str, Any]


class Events(Answer, frozen=True):
    """Events of a feed in order. `stream` changes when they were numbered anew, and then they begin at 1."""

    feed: str
    stream: str
    events: tuple[Event, ...]
    more: bool


class Replayed(Answer, frozen=True):
    """That events above number `after` will be posted to the webhook again."""

    after: int


class Findings(Answer, frozen=True):
    """Findings about the feed's own networks, each a XARF v4 document."""

    findings: tuple[dict[str, Any], ...]
    cursor: str
    more: bool


class Flaw(Answer, frozen=True):
    """What a strict reader objects to: `line` from 1 (0: the whole), `field` names the header field or JSON member."""

    code: str
    says: str
    line: int = 0
    field: str = ""


class Validated(Answer, frozen=True):
    """One item that was found: what would become of it, and what is missing in it; of a list the rows, as in Item."""

    name: str
    verdict: str
    format: str
    says: str
    sha256: str
    missing: tuple[str, ...]
    rows: int = 0
    bad: int = 0
    faults: tuple[Fault, ...] = ()


class Validation(Answer, frozen=True):
    """A dry run: `items` is the lenient verdict, which decides; `flaws` what the standards would have otherwise."""

    sha256: str
    size: int
    items: tuple[Validated, ...]
    limits: tuple[str, ...]
    flaws: tuple[Flaw, ...]
