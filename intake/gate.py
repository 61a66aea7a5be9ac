"""Gate: how much of a door one source may have, so that no client starves the others.

A source is one IPv4 address or one IPv6 network of 64 bits, which is what one customer gets; its network is the /24
or /48 around it. Limits are counts; a limit of 0 is none. No clock and no socket in here.
"""

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache

MINUTE = 60.0
FEW = 4
"""A network whose share is smaller may still get one of the last tenth of all places."""
FAILURES = 600.0
"""Seconds for which failed logins and wasted places are remembered."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def source_of(peer: str) -> str:
    """The source that an address belongs to: itself for IPv4 (also mapped into IPv6), its /64 for IPv6."""
    if ":" not in peer:
        return peer
    try:
        address = ipaddress.IPv6Address(peer.partition("%")[0])
    except ValueError:
        return peer
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False))


def within(peer: str, networks: Iterable[Network]) -> bool:
    """Whether that address is in one of the networks; an IPv4 address mapped into IPv6 counts as itself."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


@lru_cache(4096)
def network_of(source: str) -> str:
    """The wider network that a source belongs to: its /24 for IPv4, its /48 for IPv6; '' where there is none."""
    try:
        network = ipaddress.ip_network(source)
    except ValueError:
        return ""
    return str(network.supernet(new_prefix=24 if network.version == 4 else 48))


def _keys(source: str) -> tuple[str, ...]:
    network = network_of(source)
    return (source, network) if network else (source,)


class Tally:
    """How often something came in the running period of so many seconds, by key; forgets by itself."""

    def __init__(self, clock: Callable[[], float], period: float) -> None:
        self._clock, self._period = clock, period
        self._counts: dict[str, tuple[float, int]] = {}
        self._swept = clock()

    def count(self, key: str) -> tuple[int, float]:
        """(how often it came, seconds until that is forgotten)."""
        began, count = self._counts.get(key, (0.0, 0))
        left = began + self._period - self._clock()
        return (count, left) if count and left > 0 else (0, self._period)

    def add(self, key: str) -> int:
        """One more came; how many that makes."""
        now = self._clock()
        self._sweep(now)
        count, _ = self.count(key)
        self._counts[key] = (self._counts[key][0] if count else now, count + 1)
        return count + 1

    def _sweep(self, now: float) -> None:
        """Forget the periods that are over, once a period, so that the table doesn't grow with the world."""
        if now - self._swept >= self._period:
            self._swept = now
            self._counts = {key: entry for key, entry in self._counts.items() if now - entry[0] < self._period}


class Gate:
    """Counts what is open and what came in the running minute; `clock` gives seconds that never go back."""

    def __init__(
        self,
        clock: Callable[[], float],
        per_source: int,
        total: int,
        per_minute: int,
        per_network: int = 0,
        network_per_minute: int = 0,
    ) -> None:
        self._per_source, self._per_network, self._total = per_source, per_network, total
        self._per_minute, self._network_per_minute = per_minute, network_per_minute
        self._open: Counter[str] = Counter()
        self._all = 0
        self._minutes = Tally(clock, MINUTE)
        self._failures = Tally(clock, FAILURES)
        self._wasted = Tally(clock, FAILURES)

    def enter(self, source: str, counted: bool = True, beyond: bool = False) -> str:
        """'' and one more is open, or which limit forbids it: 'source', 'network' or 'total'.

        Where it isn't `counted`, only the total is looked at; not even that where one is leaving (`beyond`).
        """
        limit = self._crowded(source) if counted else ""
        if not limit and not beyond and self._full(self.share(source, counted)):
            limit = "total"
        if not limit:
            for key in _keys(source) if counted else ():
                self._open[key] += 1
            self._all += 1
        return limit

    def _full(self, share: int) -> bool:
        """Whether there is no place left; the last tenth of all is for networks with a small share."""
        left = self._total - self._all
        return self._total > 0 and left <= (self._total // 10 if share >= FEW else 0)

    def _crowded(self, source: str) -> str:
        if self._per_source and self._open[source] >= self._per_source:
            return "source"
        network = network_of(source)
        return "network" if network and 0 < self._per_network <= self._open[network] else ""

    def share(self, source: str, counted: bool = True) -> int:
        """How many places the network of this source holds, or lately held and did nothing with."""
        network = _keys(source)[-1]
        return self._open[network] + self._wasted.count(network)[0] if counted else 0

    def wasted(self, source: str, counted: bool = True) -> None:
        """A place of this source was taken back, because it did nothing with it."""
        if counted:
            self._wasted.add(_keys(source)[-1])

    def leave(self, source: str, counted: bool = True) -> None:
        """One that had entered in this way is gone."""
        self._all -= 1
        for key in _keys(source) if counted else ():
            self._open[key] -= 1
            if self._open[key] < 1:
                del self._open[key]

    def message(self, source: str) -> float:
        """0.0 and one more message is counted, or the seconds until this source may send the next one."""
        return self.over(source)[1]

    def over(self, source: str) -> tuple[str, float]:
        """('', 0.0) and one more message is counted, or which rate is in the way, 'source-rate' or 'network-rate',
        and the seconds until the next message.
        """
        rates = [("source-rate", source, self._per_minute)]
        if self._network_per_minute and (network := network_of(source)):
            rates.append(("network-rate", network, self._network_per_minute))
        return self._over(rates)

    def over_account(self, account: str, per_minute: int) -> tuple[str, float]:
        """The same for an account, whose rate is its own: 'account-rate'."""
        return self._over([("account-rate", f"account {account}", per_minute)])

    def _over(self, rates: list[tuple[str, str, int]]) -> tuple[str, float]:
        rates = [each for each in rates if each[2]]
        for limit, key, most in rates:
            count, left = self._minutes.count(key)
            if count >= most:
                return limit, left
        for _, key, _ in rates:
            self._minutes.add(key)
        return "", 0.0

    def failures(self, source: str) -> int:
        """How many logins of this source failed lately."""
        return self._failures.count(source)[0]

    def failed(self, source: str) -> int:
        """One more login of this source failed; how many that makes."""
        return self._failures.add(source)
