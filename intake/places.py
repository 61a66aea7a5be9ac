"""Places: who is inside a door over HTTP, and who gives way when there is no place left.

The one who does least with its place gives way: idle or slowest, of the network that has the largest share, held now or
wasted lately; never one that sends at a decent rate, and never one that waits for us. What is sent buys time, a second
for DECENT bytes; a place is idle since the moment at which that was used up, and one for which nothing was sent is idle
at once. So who comes again and again drives out its own kind first, and who sends what it has is in and out among any
number of those who don't. A source that has as many as it may is turned away whatever is free.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from intake.errors import Temporary
from intake.gate import Gate

DECENT = 30_000
"""Bytes a second at which nobody gives way."""
AHEAD, BEHIND = 10.0, 40.0
"""Seconds of time that can be bought ahead, and that must be made good at most."""
COMING_BACK = 10.0
"""Seconds after which who was turned away may come again."""

Clock = Callable[[], float]


class Place:
    """What one client holds. At first it is its turn, until it is ours."""

    def __init__(self, source: str, counted: bool, clock: Clock) -> None:
        self.source, self.counted, self._clock = source, counted, clock
        self.paid, self.gone = clock(), False
        """Until when what it did has paid for its place; whether it had to give way."""
        self._leave: Callable[[], None] = _nothing

    def wait(self, leave: Callable[[], None]) -> None:
        """It is its turn now; `leave` is called when it must give way."""
        self.paid, self._leave = self._clock(), leave

    def over(self, leave: Callable[[], None]) -> None:
        """All is said; nothing is lost when it goes."""
        self.paid, self._leave = -math.inf, leave

    def work(self) -> None:
        """It is our turn."""
        self.paid = math.inf

    @contextmanager
    def awaited(self, leave: Callable[[], None]) -> Iterator[None]:
        """Inside, it is its turn; raises `Temporary('crowded')` where it had to give way already."""
        if self.gone:
            raise crowded()
        self.wait(leave)
        try:
            yield
        finally:
            self.work()

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Inside, it waits for us, and that is none of its time."""
        ahead = self.paid - self._clock()
        self.paid = math.inf
        try:
            yield
        finally:
            self.paid = self._clock() + ahead

    def sent(self, size: int) -> None:
        """So many bytes came."""
        now = self._clock()
        self.paid = min(max(self.paid, now - BEHIND) + size / DECENT, now + AHEAD)

    def give_way(self) -> None:
        """Leave, because others wait."""
        self.paid, self.gone = math.inf, True
        self._leave()


class Places:
    """The places of one door; `codes` names the gate's limits for this door: (code, sentence)."""

    def __init__(self, clock: Clock, gate: Gate, codes: Mapping[str, tuple[str, str]]) -> None:
        self._clock, self._gate, self._codes = clock, gate, codes
        self._taken: set[Place] = set()

    def enter(self, source: str, counted: bool = True) -> Place:
        """A place; raises `Temporary` with the code of the limit that is in the way."""
        limit = self._gate.enter(source, counted)
        if limit == "total" and self._make_room():
            limit = self._gate.enter(source, counted)
        if limit:
            raise self._crowded(limit)
        place = Place(source, counted, self._clock)
        self._taken.add(place)
        return place

    def move(self, place: Place, source: str, counted: bool = True) -> None:
        """The place counts for another source from now on; raises `Temporary` where that one has too many."""
        if place not in self._taken:
            return
        self._gate.leave(place.source, place.counted)
        limit = self._gate.enter(source, counted, beyond=True)
        if limit:
            self._gate.enter(place.source, place.counted, beyond=True)
            raise self._crowded(limit)
        place.source, place.counted = source, counted

    def leave(self, place: Place) -> None:
        """It is given back, if it wasn't taken away before."""
        if place in self._taken:
            self._taken.discard(place)
            self._gate.leave(place.source, place.counted)

    def _crowded(self, limit: str) -> Temporary:
        code, says = self._codes[limit]
        return Temporary(says, COMING_BACK, code)

    def _make_room(self) -> bool:
        """Whether somebody gave way."""
        now = self._clock()
        idle = [each for each in self._taken if each.paid < now]
        if not idle:
            return False
        victim = max(idle, key=self._dispensable)
        if victim.paid > -math.inf:
            self._gate.wasted(victim.source, victim.counted)
        self.leave(victim)
        victim.give_way()
        return True

    def _dispensable(self, place: Place) -> tuple[bool, int, float]:
        return place.paid == -math.inf, self._gate.share(place.source, place.counted), -place.paid


def crowded() -> Temporary:
    """What is said to who had to give way."""
    return Temporary("others needed the place, and this came slowly", COMING_BACK, "crowded")


def _nothing() -> None:
    return None
