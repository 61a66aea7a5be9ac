"""An SMTP door whose clock stands still until a test moves it: limits of time are met to the second, on any machine.

with still_door(Settings(), idle=300.0) as door, Line(door.ports["smtp"]) as line:
    door.wait(299.0)
    door.metrics.value(...)
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from intake.metrics import Metrics
from intake.smtp import listen
from intake.smtp_port import Port
from intake.smtp_settings import Check, Settings
from intake.smtp_wire import LINGER
from tests.doors import FREE, ROOM, FakeWriter, acceptor


class Loop(asyncio.SelectorEventLoop):
    """Time passes when it is told to."""

    now = 1000.0

    def time(self) -> float:
        return self.now


class Door:
    """The door in a thread of its own; `free` is the room on its disk."""

    def __init__(self, settings: Settings, check: Check | None) -> None:
        self.metrics, self.free = Metrics(), ROOM
        self._loop = Loop()
        opened: Future[Port] = Future()
        self._thread = threading.Thread(target=self._run, args=(settings, check, opened), daemon=True)
        self._thread.start()
        self.ports = opened.result(10).ports

    def _run(self, settings: Settings, check: Check | None, opened: "Future[Port]") -> None:
        taker = acceptor(FakeWriter(), free=lambda: self.free)
        port = self._loop.run_until_complete(listen(settings, taker, check, self.metrics))
        opened.set_result(port)
        self._loop.run_forever()
        self._loop.run_until_complete(port.close(0.0))
        self._loop.run_until_complete(self._pass(LINGER))
        self._loop.close()

    def settle(self) -> None:
        """Let the door take what was sent."""
        for _ in range(3):
            self.wait(0.0)
            time.sleep(0.01)

    def wait(self, seconds: float) -> None:
        """So many seconds pass, and all that is due is done."""
        asyncio.run_coroutine_threadsafe(self._pass(seconds), self._loop).result(10)

    async def _pass(self, seconds: float) -> None:
        self._loop.now += seconds
        for _ in range(10):
            await asyncio.sleep(0)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@contextmanager
def still_door(settings: Settings, check: Check | None = None, **limits: Any) -> Iterator[Door]:
    """The door on free ports of 127.0.0.1; limits of counts are off unless given."""
    door = Door(replace(settings, name="mx.example.org", limits=replace(FREE, **limits)), check)
    try:
        yield door
    finally:
        door.close()
