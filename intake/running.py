"""Running: a listening server in a thread and event loop of its own, for a process or a test that does other things.

uvloop is the loop where it is installed: the SMTP door is about twice as fast on it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Protocol


class Listening(Protocol):
    """A server that is open on `port`."""

    @property
    def port(self) -> int: ...

    async def close(self, grace: float) -> None: ...


class Running:
    """`start` opens the server inside the new loop; returns once it listens, raises what `start` raises."""

    def __init__(self, start: Callable[[], Awaitable[Listening]], name: str) -> None:
        self._loop = new_loop()
        self._stop = asyncio.Event()
        self._grace = 0.0
        opened: Future[Listening] = Future()
        self._thread = threading.Thread(target=self._run, args=(start, opened), name=name, daemon=True)
        self._thread.start()
        self.server = opened.result()
        self.port = self.server.port

    def _run(self, start: Callable[[], Awaitable[Listening]], opened: "Future[Listening]") -> None:
        try:
            self._loop.run_until_complete(self._serve(start, opened))
        finally:
            self._loop.close()

    async def _serve(self, start: Callable[[], Awaitable[Listening]], opened: "Future[Listening]") -> None:
        try:
            server = await start()
        except Exception as error:
            opened.set_exception(error)
            return
        opened.set_result(server)
        await self._stop.wait()
        await server.close(self._grace)

    def stop(self, grace: float = 10.0) -> None:
        """Take no more, let what is in the middle of something finish for `grace` seconds, and wait for that."""
        self._grace = grace
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


def new_loop() -> asyncio.AbstractEventLoop:
    """An event loop of the faster kind that is installed."""
    new: Callable[[], asyncio.AbstractEventLoop]
    try:
        from uvloop import new_event_loop as new
    except ImportError:
        new = asyncio.new_event_loop
    return new()
