"""Gate: how much of a door one source may have, so that no client starves the others.

A source is one IPv4 address or one IPv6 network of 64 bits, which is what one customer gets. Limits are counts; a
limit of 0 is none. No clock and no socket in here.
"""

import ipaddress
from collections import Counter
from collections.abc import Callable

MINUTE = 60.0


def source_of(peer: str) -> str:
    """The source that an address belongs to: itself for IPv4 (also mapped into IPv6), its /64 for IPv6."""
    if ":" not in peer:
        return peer
    try:
        address = ipaddress.IPv6Address(peer.partition("%")[0])
    except ValueError:
        return peer
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False))


class Gate:
    """Counts what is open and what came in the running minute; `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float], per_source: int, total: int, per_minute: int) -> None:
        self._clock = clock
        self._per_source, self._total, self._per_minute = per_source, total, per_minute
        self._open: Counter[str] = Counter()
        self._all = 0
        self._minutes: dict[str, tuple[float, int]] = {}
        self._swept = clock()

    def enter(self, source: str) -> str:
        """'' and one more is open, or which limit forbids it: 'source' or 'total'."""
        if self._total and self._all >= self._total:
            return "total"
        if self._per_source and self._open[source] >= self._per_source:
            return "source"
        self._open[source] += 1
        self._all += 1
        return ""

    def leave(self, source: str) -> None:
        """One that had entered is gone."""
        self._all -= 1
        self._open[source] -= 1
        if self._open[source] < 1:
            del self._open[source]

    def message(self, source: str) -> float:
        """0.0 and one more message is counted, or the seconds until this source may send the next one."""
        if not self._per_minute:
            return 0.0
        now = self._clock()
        self._sweep(now)
        began, count = self._minutes.get(source, (now, 0))
        if now - began >= MINUTE:
            began, count = now, 0
        if count >= self._per_minute:
            return began + MINUTE - now
        self._minutes[source] = (began, count + 1)
        return 0.0

    def _sweep(self, now: float) -> None:
        """Forget the minutes that are over, once a minute, so that the table doesn't grow with the world."""
        if now - self._swept >= MINUTE:
            self._swept = now
            self._minutes = {key: entry for key, entry in self._minutes.items() if now - entry[0] < MINUTE}
