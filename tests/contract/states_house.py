"""A whole house in a home of its own for `states_machine.py`: doors, line, erasing, restart and rebuild in one process,
a clock that is moved, and steps that fail or die in the middle.

house = StatesHouse(folder, parser)
house.hand_in("smtp", Envelope(...), data)      as a door keeps it; the submission's id
house.settle()                                  until nothing waits
with house.dying("archive.keep_all", 2): ...    the process ends at the second of these calls; then house.reopen()
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

from deploy import erasing, feeds, retention, states
from deploy.checkpoints import erased as erased_slots
from deploy.commands.desk import refill
from deploy.line import SOON, turn
from deploy.meant import Meant, owners_of
from deploy.sweeper import start
from deploy.wiring import KINDS, House, open_house
from intake.accept import PART_KIND
from intake.errors import Refused
from intake.feed import ACCOUNT, Feed
from intake.follower import only_one
from intake.handin import HandIn, Taking
from intake.parsing import Parser
from intake.record import Record
from intake.store import Place
from intake.submission import Envelope, Submission
from intake.vault import keys, series
from intake.vault.reader import Reader
from intake.vault.verify import unexplained, verify
from intake.work import LeaseTable
from tests.contract.states_model import PERIODS
from tests.walker import OFFLINE

R = TypeVar("R", bound=Record)
FEED = "isp"
FEED_ADDRESS = "isp-feed@lapwing.example"
LIMIT = 10_000_000
WAITS = 400
"""Turns of the clock after which nothing may be waiting any more."""
MODULES = ("wiring", "erasing", "retention", "sweeper", "checkpoints")
"""Modules that know the clock by name."""


class Death(BaseException):
    """The process ends here."""


class Truth(NamedTuple):
    """What the vault holds, read with the operator's key: record bodies by kind and key, parts by their place."""

    records: dict[tuple[str, str], bytes]
    parts: dict[Place, bytes]

    def bytes_of(self, submission: Submission) -> bytes | None:
        """None where a part is not there."""
        places = [Place(series=each.series, segment=each.segment, offset=each.offset) for each in submission.parts]
        if any(each not in self.parts for each in places):
            return None
        return b"".join(self.parts[each] for each in places)


class StatesHouse:
    """See the module; `dead` while the process has died and nobody started it again."""

    def __init__(self, folder: Path, parser: Parser) -> None:
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        periods = "".join(f"{kind} = {days}\n" for kind, days in PERIODS.items())
        (self.home / "lapwing.toml").write_text(f"[retention]\n{periods}")
        self.moment, self.dead, self._parser = datetime(2026, 11, 24, 9, tzinfo=UTC), False, parser
        self._patches = [patch(f"deploy.{each}.now", self.now) for each in MODULES]
        for each in self._patches:
            each.start()
        self._open()
        long_ago = self.moment - timedelta(days=1)
        self.house.archive.keep(Feed(name=FEED, addresses=(FEED_ADDRESS,), by="test", at=long_ago))

    def now(self) -> datetime:
        return self.moment

    def _seconds(self) -> float:
        return self.moment.timestamp()

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    # -- starting and ending

    def _open(self) -> None:
        house = self.house = open_house(self.home, "test", OFFLINE)
        house.__dict__["parser"] = self._parser
        house.__dict__["work"] = LeaseTable(house.database, self._seconds, "test")
        self._sweep(start)
        house.work.resume()
        self.acceptor, self.dead = house.acceptor(house.writer), False

    def _sweep(self, do: Callable[[House], Any]) -> Any:
        with only_one(self.home):
            return do(self.house)

    def close(self) -> None:
        for each in ("writer", "database"):
            if each in self.house.__dict__:
                getattr(self.house, each).close()
        for each in ("receipts", "outcomes"):
            if each in self.house.__dict__:
                getattr(self.house, each).db.close()

    def end(self) -> None:
        self.close()
        for each in self._patches:
            each.stop()

    def reopen(self) -> None:
        """The process ends and is started again; after a death too."""
        self.close()
        self._open()

    def rebuild(self) -> None:
        """As the command does it."""
        self.close()
        for path in self.home.glob("store.sqlite*"):
            path.unlink()
        self.house = open_house(self.home, "test", OFFLINE)
        self.house.__dict__["parser"] = self._parser
        self.house.__dict__["work"] = LeaseTable(self.house.database, self._seconds, "test")
        self._sweep(refill)
        self.acceptor = self.house.acceptor(self.house.writer)

    # -- doors

    def hand_in(self, channel: str, envelope: Envelope, data: bytes, filename: str = "") -> str:
        acceptance = self.acceptor.open(channel, envelope, LIMIT, filename)
        if data:
            acceptance.feed(data)
        return acceptance.finish().result().submission

    def hand_in_by_key(self, key: str, data: bytes, filename: str) -> tuple[bool, Exception | None]:
        """As the API does it: (whether it was repeated, why it was not taken)."""
        hand_in = HandIn(self.acceptor, self.house.idempotency, self._opened, LIMIT)
        taking = Taking(hand_in, Envelope(account=ACCOUNT + FEED), key, 1, lambda: 0.0)
        try:
            taking.begin(filename)
            taking.feed(data)
            taking.end()
            (entry,) = asyncio.run(taking.results())
            return entry.repeated, entry.failure
        finally:
            taking.release()

    def _opened(self, ref: str) -> tuple[str, int] | None:
        found = self.house.outcomes.db.run("select sha256, size from handed where ref = ?", (ref,))
        return (found[0][0], found[0][1]) if found else None

    # -- working

    def work(self) -> int:
        """Follow, and do one batch."""
        return self.follow() + self.turn()

    def follow(self) -> int:
        return int(self._sweep(lambda house: house.follower.catch_up()))

    def turn(self) -> int:
        return turn(self.house)

    def settle(self) -> None:
        """Work until nothing waits but what is on hold."""
        for _ in range(WAITS):
            if not self.work():
                if not self.house.work.waiting():
                    break
                self.move(SOON if self.house.work.soon(SOON) else 60.0)
        assert not self.house.work.waiting(), self.house.work.waiting()
        states.Reconciler(self.house.archive, self.house.receipts).turn()
        feeds.Reconciler(self.house.archive, self.house.outcomes, self.now).turn()

    def erase(self, kind: str, name: str) -> bool:
        """Whether it was erased; False when a hold stood in the way."""
        what = erasing.plan(self.house, owners_of(self.house, Meant(kind, (name,))))
        try:
            erasing.erase(self.house, what, "their wish", "test")
        except Refused as error:
            assert error.code == "held", error.code
            return False
        return True

    def end_retention(self) -> None:
        retention.run(self.house, self.moment.date())

    @contextmanager
    def breaking(self, what: str, call: int, error: BaseException, after: bool) -> Iterator[None]:
        """Call number `call` of this method of a part of the house fails, before or `after` it has done its work."""
        part, _, name = what.partition(".")
        target = getattr(self.house, part)
        known, count = getattr(target, name), 0

        def broken(*args: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count == call and not after:
                raise error
            answer = known(*args, **more)
            if count == call:
                raise error
            return answer

        with patch.object(target, name, broken):
            try:
                yield
            except Death:
                self.dead = True

    # -- judging

    def truth(self) -> Truth:
        """All that the vault holds and the key opens."""
        reader, known = Reader(self.home / "vault", keys.private(self.home / "keys")), {kind.kind for kind in KINDS}
        found = Truth({}, {})
        types = {kind.kind: kind for kind in KINDS}
        for name in series.all_series(self.home / "vault"):
            for place, header, stored in reader.follow(name, 0, 0):
                opened = reader.open(header, stored) if header.kind in known | {PART_KIND} else None
                if opened is None:
                    continue
                if header.kind == PART_KIND:
                    found.parts[place] = opened.plain
                else:
                    record = types[header.kind].read(opened.plain)
                    first = found.records.setdefault((record.kind, record.key), record.body)
                    assert first == record.body, f"two records under {record.kind} {record.key}"
        return found

    def in_store(self) -> dict[tuple[str, str], str]:
        """Digest of every durable row of a kind that the vault holds."""
        kinds = {kind.kind for kind in KINDS}
        rows = self.house.database.run("select kind, key, digest from rows where place is not null")
        return {(kind, key): digest for kind, key, digest in rows if kind in kinds}

    def everything(self) -> bytes:
        """All bytes of the databases, free pages and logs too."""
        return b"".join(path.read_bytes() for path in sorted(self.home.glob("*.sqlite*")))

    def problems(self) -> list[str]:
        result = verify(self.house.reader, [])
        return result.problems + unexplained(result, erased_slots(self.house))


def all_of(truth: Truth, type_: type[R]) -> list[R]:
    """The records of that kind."""
    return [type_.read(body) for (kind, _), body in truth.records.items() if kind == type_.kind]
