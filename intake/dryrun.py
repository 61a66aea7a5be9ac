"""Dry run: a report is looked at and nothing of it is kept: what would become of it, what a strict reader objects to.

The bytes are held in memory, in pages of their own that go back to the system at once; all dry runs together have one
budget, and wait for one parsing child.
"""

import asyncio
import mmap
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from intake.answers import Fault, Flaw, Validated, Validation
from intake.errors import Refused, Temporary
from intake.parsing import NotExamined, Parser
from intake.record import sha256
from intake.strict import JOB, Examined
from intake.unpack import About

LOOKED_AT = 25_000_000
"""Bytes of a report that is looked at."""
HELD = 50_000_000
"""Bytes of all of them together."""
AT_ONCE = 8
"""Dry runs that may wait or run at once."""
AGAIN = 5.0
"""Seconds after which another one may be tried."""
TIME, GRACE, RATE = 120.0, 30.0, 10_000
"""How long its body may take: seconds in all, and bytes a second after the grace."""


class Held:
    """Takes one item into memory."""

    def __init__(self, claim: "DryRuns") -> None:
        self.filename, self.size, self._count, self._runs = "", 0, 0, claim
        self._pages = mmap.mmap(-1, LOOKED_AT, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def begin(self, filename: str, id_: str = "", key: str | None = "") -> None:
        self._count += 1
        self.filename = filename[:255]
        if self._count > 1:
            raise Refused("one-at-a-time", "one item at a time is looked at")

    def feed(self, chunk: bytes) -> Future[None] | None:
        if self.size + len(chunk) > LOOKED_AT:
            raise Refused("too-big", f"more than {LOOKED_AT} bytes")
        self._runs.claim(len(chunk))
        self._pages.write(chunk)
        self.size += len(chunk)
        return None

    def name(self, filename: str, id_: str, key: str) -> None:
        self.filename = filename[:255]

    def fail(self, error: Exception) -> None:
        raise error

    def end(self) -> None:
        if not self.size:
            raise Refused("empty", "there was nothing in it")

    @contextmanager
    def view(self) -> Iterator[memoryview]:
        """The bytes, where they stand."""
        with memoryview(self._pages) as whole, whole[: self.size] as view:
            yield view

    def close(self) -> None:
        """Give the pages back."""
        with suppress(BufferError):  # an error on its way still looks at them; they go with it
            self._pages.close()


class DryRuns:
    """All dry runs of a process."""

    time, grace, rate = TIME, GRACE, RATE

    def __init__(self, parser: Parser) -> None:
        self._parser, self._count, self._held = parser, 0, 0
        self._thread = ThreadPoolExecutor(1, "dry-run")

    @contextmanager
    def one(self) -> Iterator[Held]:
        """Room for one; `Temporary('dry-runs')` when there are too many, `Temporary('memory')` when they are too large
        together.
        """
        if self._count >= AT_ONCE:
            raise Temporary("too many dry runs at once", AGAIN, "dry-runs")
        self._count += 1
        held = Held(self)
        try:
            yield held
        finally:
            self._count -= 1
            self._held -= held.size
            held.close()

    def claim(self, size: int) -> None:
        """Hold so many bytes more."""
        if self._held + size > HELD:
            raise Temporary("the dry runs that are open hold as much as they may", AGAIN, "memory")
        self._held += size

    async def look(self, held: Held) -> Validation:
        """What would become of it; `Refused('empty')` when nothing is held."""
        held.end()
        about = About(filename=held.filename, cover=False)
        with held.view() as data:
            digest = sha256(data)
            try:
                found: Examined = await asyncio.get_running_loop().run_in_executor(
                    self._thread, self._parser.run, JOB, data, about, Examined
                )
            except NotExamined as error:
                return _not_examined(digest, held.size, error.reason)
        return _validation(digest, held.size, found)


def _not_examined(digest: str, size: int, reason: str) -> Validation:
    says = f"the reader had to be stopped ({reason}); handed in, it would be kept for a person"
    item = Validated(name="", verdict="not-fully-examined", format="", says=says, sha256="", missing=())
    return Validation(sha256=digest, size=size, items=(item,), limits=(), flaws=())


def _validation(digest: str, size: int, found: Examined) -> Validation:
    items = tuple(
        Validated(
            name=i.name, verdict=i.verdict, format=i.format, says=i.says, sha256=i.sha256, missing=i.missing,
            rows=i.rows, bad=i.bad, faults=tuple(Fault(line=f.line, column=f.column, says=f.says) for f in i.faults),
        )
        for i in found.items
    )  # fmt: skip
    flaws = tuple(Flaw(code=each.code, says=each.says, line=each.line, field=each.field) for each in found.flaws)
    return Validation(sha256=digest, size=size, items=items, limits=found.limits, flaws=flaws)
