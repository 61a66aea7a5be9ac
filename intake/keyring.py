"""The keyring: which keys open which feed, as far as the doors must know: hashes, scopes, ends and limits, no secret.

A door holds no store and no private key, so that feeds and keys are copied into this file from their records, by the
command that made them and by the sweeper at its start; it can be thrown away and is filled again.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from intake.feed import ACCOUNT, Feed, FeedKey, FeedKeyEnd, end_of, parts_of
from intake.sqlite import Database, Schema

SCHEMA: Schema = {
    "keyring": (
        """
    create table feeds (
        name text primary key, per_minute integer not null, findings_from integer not null, webhook text not null,
        webhook_round integer not null, closed integer not null) without rowid;
    create table keys (
        id text primary key, feed text not null, hash text not null, scopes text not null, until real)
        without rowid;
    """,
    )
}


@dataclass(frozen=True)
class Account:
    """Who showed a good key: `name` is 'feed:' and the feed's name, as it goes into an envelope.

    `per_minute` messages (0: no limit) count for it instead of for its address; handing in needs the scope `report`.
    """

    name: str
    per_minute: int
    scopes: frozenset[str]
    key: str = ""
    """Id of the key."""
    findings_from: int = 2

    @property
    def feed(self) -> str:
        return self.name.removeprefix(ACCOUNT)


@dataclass(frozen=True)
class Hook:
    """Where the events of a feed are posted, and the round of the secret that signs them."""

    feed: str
    url: str
    round: int


class Keyring:
    """The keyring in a file; `clock` gives seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._db, self._clock = Database(path, SCHEMA), clock

    def fill(self, feeds: Iterable[Feed], keys: Iterable[FeedKey], ends: Iterable[FeedKeyEnd]) -> None:
        """Put these in the place of all that is there: the newest version of each feed, all keys and all ends."""
        ended = list(ends)
        with self._db.together():
            self._db.run("delete from feeds")
            self._db.run("delete from keys")
            self._db.run_many(
                "insert into feeds values (?, ?, ?, ?, ?, ?)",
                [(f.name, f.per_minute, f.findings_from, f.webhook, f.webhook_round, f.closed) for f in feeds],
            )
            self._db.run_many(
                "insert into keys values (?, ?, ?, ?, ?)",
                [(key.id, key.feed, key.hash, " ".join(key.scopes), _seconds(key, ended)) for key in keys],
            )

    def check(self, name: str, secret: str) -> Account | None:
        """Who that is: `secret` is the whole text of a key, `name` a feed's name ('': whichever the key is of).

        None where the key is not known, of another feed, over, or its feed is closed.
        """
        parts = parts_of(secret)
        found = self._good(parts[0]) if parts else None
        if parts is None or found is None or not hmac.compare_digest(found[0], parts[1]):
            return None
        return found[1] if name.removeprefix(ACCOUNT) in ("", found[1].feed) else None

    def holder(self, key: str) -> Account | None:
        """Whose the key of that id is, where it is good now; for who has shown it before."""
        found = self._good(key)
        return found[1] if found else None

    def _good(self, key: str) -> tuple[str, Account] | None:
        """(hash, whose it is) of a key that is known, not over, and of a feed that is not closed."""
        found = self._db.run(
            "select k.hash, k.feed, k.scopes, k.until, f.per_minute, f.findings_from from keys k"
            " join feeds f on f.name = k.feed where k.id = ? and f.closed = 0",
            (key,),
        )
        if not found or (found[0][3] is not None and found[0][3] <= self._clock()):
            return None
        hash_, feed, scopes, _, per_minute, findings_from = found[0]
        return hash_, Account(ACCOUNT + feed, per_minute, frozenset(scopes.split()), key, findings_from)

    def hooks(self) -> list[Hook]:
        """The webhooks of all open feeds that have one."""
        return [
            Hook(*row)
            for row in self._db.run("select name, webhook, webhook_round from feeds where webhook <> '' and closed = 0")
        ]


def _seconds(key: FeedKey, ends: list[FeedKeyEnd]) -> float | None:
    until = end_of(key, ends)
    return until.timestamp() if until else None
