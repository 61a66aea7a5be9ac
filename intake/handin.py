"""Hand-in: how what a feed sends becomes submissions, each once however often it is sent.

An idempotency key makes the reference: the same feed and key have the same one for ever. What the key brought is noted
before its bytes are closed in the vault, and again after. Sent anew, it is only compared where it is known to be kept
(by this index, or by the outcomes after the index was lost), and kept a second time where a door died between vault and
answer: a submission of its own under the same reference, whose reports are duplicates. Other bytes are refused.
Sources: RFC 9110 section 9.2.2; the Idempotency-Key header field (draft-ietf-httpapi-idempotency-key-header).
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from intake.accept import Acceptance, Acceptor
from intake.errors import Refused, Temporary
from intake.faults import note
from intake.outcomes import ALIAS
from intake.sqlite import Database, Schema
from intake.submission import Envelope, Receipt

SCHEMA: Schema = {
    "idempotency": (
        """
    create table handed (
        ref text primary key, sha256 text not null, size integer not null, done integer not null default 0)
        without rowid;
    """,
    )
}
OPEN_ITEMS = 20_000
"""Items that all open requests may have together."""
AGAIN = 5.0
"""Seconds after which there may be room for more."""
Wait = Future[None] | None


class Known(NamedTuple):
    """What an idempotency key brought before; `done` when that is durable."""

    sha256: str
    size: int
    done: bool


class Index:
    """Idempotency keys that were used, as keyed hashes, in a file of the door's own."""

    def __init__(self, path: Path | None) -> None:
        self._db = Database(path, SCHEMA)

    def get(self, ref: str) -> Known | None:
        """What that key brought."""
        found = self._db.run("select sha256, size, done from handed where ref = ?", (ref,))
        return Known(found[0][0], found[0][1], bool(found[0][2])) if found else None

    def intend(self, ref: str, sha256: str, size: int) -> None:
        """It brings these bytes, which will be closed now."""
        self._db.run("insert or ignore into handed (ref, sha256, size) values (?, ?, ?)", (ref, sha256, size))

    def done(self, ref: str) -> None:
        """They are durable."""
        self._db.run("update handed set done = 1 where ref = ?", (ref,))

    def forget(self, refs: list[str]) -> None:
        """What these brought was erased."""
        self._db.run_many("delete from handed where ref = ?", [(ref,) for ref in refs])
        self._db.scrub()


@dataclass(slots=True)
class Entry:
    """One item on its way: into the vault, or only compared with what its key brought before."""

    id: str = ""
    filename: str = ""
    ref: str = ""
    acceptance: Acceptance | None = None
    known: Known | None = None
    digest: Any = field(default_factory=hashlib.sha256)
    sha256: str = ""
    size: int = 0
    closed: bool = False
    coming: "Future[Receipt] | None" = None
    failure: Exception | None = None
    reference: str = ""
    repeated: bool = False


class HandIn:
    """Takes items for feeds on one acceptor; `told` gives digest and size of what workers saw under a reference."""

    def __init__(
        self, acceptor: Acceptor, index: Index, told: Callable[[str], tuple[str, int] | None], limit: int
    ) -> None:
        self.acceptor, self.index, self.limit = acceptor, index, limit
        self._told = told
        self.busy: set[str] = set()
        self.items = 0
        """Of all requests that are open."""

    def known(self, ref: str) -> Known | None:
        """What that idempotency key brought before."""
        found = self.index.get(ref)
        if found is not None and found.done:
            return found
        told = self._told(ref)
        return Known(*told, True) if told else found


class Taking:
    """The items of one request, in order. A fault of one item is that item's own, unless it is ours."""

    def __init__(self, hand_in: HandIn, envelope: Envelope, key: str, most: int, ask: Callable[[], float]) -> None:
        """`key` is the request's idempotency key ('': none), `most` how many items it may have, `ask` gives the
        seconds until the feed may hand in one more."""
        self.entries: list[Entry] = []
        self.account = envelope.account
        self._hand_in, self._envelope, self._key, self._most, self._ask = hand_in, envelope, key, most, ask
        self._settled = self._durable = 0
        """How many of the first items are closed in the vault or failed, and are durable or failed."""

    def begin(self, filename: str, id_: str = "", key: str | None = "") -> None:
        """A new item; `key` is its own idempotency key, None when `name` will say it."""
        if len(self.entries) >= 2 * self._most:
            raise Refused("too-many", f"more than {self._most} items; the rest was not read")
        if self._most > 1 and self._hand_in.items >= OPEN_ITEMS:
            raise Temporary("the batches that are open have as many items as they may", AGAIN, "items")
        self._hand_in.items += 1
        entry = Entry(id_, filename[:255])
        self.entries.append(entry)
        with self._own(entry):
            if len(self.entries) > self._most:
                raise Refused("too-many", f"more than {self._most} items; this one was not kept")
            if key is not None:
                self._identify(entry, key)
            if entry.known is None or not entry.known.done:
                self._open(entry)

    def name(self, filename: str, id_: str, key: str) -> None:
        """What the item is called, said after its bytes."""
        entry = self.entries[-1]
        entry.id, entry.filename = id_, filename[:255]
        with self._own(entry):
            if entry.failure is None and not entry.ref:
                self._identify(entry, key)

    def _identify(self, entry: Entry, key: str) -> None:
        """What its idempotency key, or that of the request and its place, brought before."""
        named = key or (self._key and f"{self._key}\n{len(self.entries) - 1}" if self._most > 1 else self._key)
        if not named:
            return
        ref = self._hand_in.acceptor.new_id(self._envelope.account, named)
        if ref in self._hand_in.busy:
            raise Refused("in-progress", "a request with this idempotency key is still being taken; ask again soon")
        self._hand_in.busy.add(ref)
        entry.ref, entry.known = ref, self._hand_in.known(ref)

    def _open(self, entry: Entry) -> None:
        wait = self._ask()
        if wait:
            raise Temporary("too many items within a minute", wait, "feed-rate")
        hand_in, told = self._hand_in, self._envelope
        entry.acceptance = hand_in.acceptor.open("api", told, hand_in.limit, owner=told.account)

    def feed(self, chunk: bytes) -> Wait:
        """The next bytes of the item; what to wait for before the next ones."""
        entry = self.entries[-1]
        if entry.failure is not None:
            return None
        entry.size += len(chunk)
        with self._own(entry):
            if entry.size > self._hand_in.limit:
                raise Refused("too-big", f"more than {self._hand_in.limit} bytes")
            entry.digest.update(chunk)
            if entry.acceptance is not None:
                return entry.acceptance.feed(chunk)
        return None

    def fail(self, error: Exception) -> None:
        """The item can't be taken."""
        with self._own(self.entries[-1]):
            raise error

    def end(self) -> None:
        """The item is there in full."""
        entry = self.entries[-1]
        with self._own(entry):
            if entry.failure is None and not entry.size:
                raise Refused("empty", "there was nothing in it")
            entry.closed = True

    async def settle(self) -> None:
        """Close in the vault what is there in full; to be called between pieces of a body."""
        for entry in self.entries[self._settled :]:
            if not (entry.closed or entry.failure):
                break
            self._settled += 1
            with self._own(entry):
                if entry.failure is None:
                    await self._close(entry)
        for entry in self.entries[self._durable : self._settled]:
            if entry.coming is not None and not entry.coming.done():
                return
            await self._wait(entry)

    async def _close(self, entry: Entry) -> None:
        entry.sha256, entry.digest = entry.digest.hexdigest(), None
        known, acceptance, ref = entry.known, entry.acceptance, entry.ref
        if known is not None and (known.sha256, known.size) != (entry.sha256, entry.size):
            raise Refused("other-bytes", "this idempotency key came with other bytes before")
        entry.repeated = known is not None
        if acceptance is None or (known is not None and known.done):
            self._let_go(entry)
            entry.reference = self._hand_in.acceptor.reference(ref)
            return
        if ref:
            await asyncio.to_thread(self._hand_in.index.intend, ref, entry.sha256, entry.size)
        entry.reference = self._hand_in.acceptor.reference(ref or acceptance.id)
        acceptance.call(entry.filename, (ALIAS + ref,) if ref else ())
        entry.coming = acceptance.finish()
        self._let_go(entry)

    async def _wait(self, entry: Entry) -> None:
        """Until it is durable."""
        self._durable += 1
        with self._own(entry):
            if entry.coming is not None:
                await asyncio.wrap_future(entry.coming)
                entry.coming = None
                if entry.ref:
                    await asyncio.to_thread(self._hand_in.index.done, entry.ref)

    async def results(self) -> list[Entry]:
        """Every item, once those that can be are durable."""
        await self.settle()
        for entry in self.entries[self._durable :]:
            await self._wait(entry)
        return self.entries

    def release(self) -> None:
        """Let go of everything; to be called on every way out."""
        for entry in self.entries:
            self._let_go(entry)
            self._hand_in.busy.discard(entry.ref)
        self._hand_in.items -= len(self.entries)

    def _let_go(self, entry: Entry) -> None:
        if entry.acceptance is not None:
            entry.acceptance.abandon()
            entry.acceptance = None

    @contextmanager
    def _own(self, entry: Entry) -> Iterator[None]:
        """What is raised inside is the failure of the item; a fault of ours goes into the log as well."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, Refused | Temporary):
                note(error, "lapwing.api")
            entry.failure = error.with_traceback(None)
            self._let_go(entry)
