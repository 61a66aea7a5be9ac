"""Metrics: what the doors of one process count, for a Prometheus that asks on a port of this machine.

No address, name or word of a message is a label. Each process has figures of its own, from zero at its start.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The figures of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sessions = self._gauge("sessions", "Sessions that are open.")
        self._connections = self._counter("connections", "Connections that were let in.")
        self._messages = self._counter("messages", "Messages by what became of them.", "outcome")
        self._bytes = self._counter("bytes", "Bytes of the messages that were kept.")
        self._limits = self._counter("limits", "How often a limit was in a client's way.", "limit")
        self._logins = self._counter("logins", "Logins by how they ended.", "outcome")
        self._seconds = Histogram(
            "lapwing_intake_acknowledgement_seconds", "From the last byte of a message to its answer.", ("door",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"lapwing_intake_{name}", says, ("door", *labels), registry=self.registry)

    def _gauge(self, name: str, says: str) -> Gauge:
        return Gauge(f"lapwing_intake_{name}", says, ("door",), registry=self.registry)

    def door(self, name: str) -> "Door":
        """The figures of the door of that name, such as `smtp`."""
        return Door(self, name)

    def value(self, name: str, **labels: str) -> float:
        """A figure by its name without `lapwing_intake_`; 0.0 where nothing was counted yet."""
        return self.registry.get_sample_value(f"lapwing_intake_{name}", labels) or 0.0

    def serve(self, port: int, host: str = "127.0.0.1") -> "Served":
        """Answer a Prometheus there until it is closed; OSError when the port can't be had; 0 is a free one."""
        return Served(*start_http_server(port, addr=host, registry=self.registry))


class Served:
    """The figures on a port."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server, self._thread = server, thread
        self.port = int(server.server_port)

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Door:
    """The figures of one door."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        sessions = metrics._sessions.labels(name)
        self._messages = _each(metrics._messages, name)
        self._limits = _each(metrics._limits, name)
        self._logins = _each(metrics._logins, name)
        self.came: Callable[[], Any] = metrics._connections.labels(name).inc
        self.opened: Callable[[], Any] = sessions.inc
        self.closed: Callable[[], Any] = sessions.dec
        self._bytes, self._seconds = metrics._bytes.labels(name), metrics._seconds.labels(name)

    def limited(self, limit: str) -> None:
        """A limit of that name was in a client's way."""
        self._limits(limit).inc()

    def login(self, outcome: str) -> None:
        """A login ended: `right`, `wrong`, `no-scope`, `fault`."""
        self._logins(outcome).inc()

    def message(self, outcome: str) -> None:
        """A message was not kept, and why: the code of an error, or `abandoned`."""
        self._messages(outcome).inc()

    def kept(self, size: int, seconds: float) -> None:
        """A message of so many bytes was kept, and acknowledged so long after its last byte."""
        self._messages("kept").inc()
        self._bytes.inc(size)
        self._seconds.observe(seconds)


def _each(family: Counter, door: str) -> Callable[[str], Counter]:
    """The child of a family for a value of its second label, each found once."""
    known: dict[str, Counter] = {}

    def child(value: str) -> Counter:
        found = known.get(value)
        if found is None:
            found = known[value] = family.labels(door, value)
        return found

    return child
