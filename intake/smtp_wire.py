"""The SMTP wire: one connection's bytes and time, from the PROXY header over TLS to the last word that a client hears.

Of aiosmtpd this uses its class `SMTP`: the asyncio protocol that the transport calls, with its flow control, the
handle of its timer, and `smtp_STARTTLS`, which puts TLS between transport and protocol (RFC 3207), also from the
first byte; `smtp_proxy` has it read PROXY headers. The rest, from `connection_made` on, is our own, because of what it
leaves open (lines over 1,001 bytes refused, DATA line by line in memory, 500 with exception text, no caps, a client
that is cut before it can read why) and because it spends 0.7 ms a message on a task that is woken for every line: here
bytes are dealt with as they come in.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

from aiosmtpd import smtp as aiosmtpd

from intake import smtp_proxy
from intake.gate import source_of
from intake.smtp_port import Port, Way
from intake.smtp_replies import over

BUFFER = 131_072
"""Bytes that a client may send ahead while its message goes to disk."""
LINGER = 5.0
"""Seconds that a client has to read why it was cut."""
SPARE = 250_000
"""Bytes of a client that was cut which are still read, so that it gets to the answer."""
NOW = 0.001

T = TypeVar("T")


class _NoHooks:
    """A handler without hooks: all that it would do is a method of the connection."""

    def __dir__(self) -> list[str]:
        return []


_NO_HOOKS = _NoHooks()
aiosmtpd.log.setLevel(logging.CRITICAL + 1)  # it would write addresses into the log


class Wire(aiosmtpd.SMTP):
    """What a session stands on; the session itself is `intake.smtp.Connection`.

    States: 'proxy' until the header is there; 'tls' until it is up; 'command'; 'data' in the middle of a message or
    chunk; 'disk' while the vault works; 'check' while credentials are looked at; 'parting' when the last word is said.
    """

    transport: asyncio.Transport | None

    def __init__(self, door: Port, way: Way, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_NO_HOOKS, hostname=door.settings.name, tls_context=door.settings.tls, loop=loop)
        self._door, self.way, self._limits = door, way, door.settings.limits
        self.source, self.counted = way.name, way.counted
        self.peer: tuple[str, int] = ("", 0)
        self.via = ""
        self._admitted = self._full = self._left = False
        self._state = ""
        self._ahead = bytearray()
        self._spare = SPARE
        self._starting: asyncio.Task[None] | None = None
        self._deadline, self._rings = 0.0, math.inf
        self._fruit = loop.time()
        self.fruitful = False

    def __dir__(self) -> list[str]:
        """Nothing: aiosmtpd looks at every attribute for each connection, which takes 0.2 ms else."""
        return []

    # -- what the session does ----------------------------------------------------------------------------------

    def greet(self) -> None:
        """The client is here, and inside TLS where that was the way in."""
        raise NotImplementedError

    def secured(self) -> None:
        """TLS is up after STARTTLS."""
        raise NotImplementedError

    def work(self) -> None:
        """Something is in `_ahead`, or the client can take more replies."""
        raise NotImplementedError

    def gone(self) -> None:
        """The connection is no more."""
        raise NotImplementedError

    def late(self) -> tuple[str, float]:
        """('', seconds until the client is looked at again), or which limit of time it is over."""
        raise NotImplementedError

    def close_when_idle(self) -> None:
        """Part from the client unless it is handing a message over."""
        raise NotImplementedError

    def idle_since(self) -> float:
        """When it last did something for us, in seconds of the loop; infinity while it is doing something."""
        raise NotImplementedError

    def make_room(self) -> None:
        """Part from the client because others wait for its place, which is free at once; in the middle of a handshake
        it can't be told.
        """
        self._leave()
        if self._state == "tls":
            self.way.metrics.limited("pressed")
            self._abort()
        else:
            self._cut_for("pressed")

    # -- the connection -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or say at once which limit it is over; also called again once TLS is up."""
        self.transport = cast(asyncio.Transport, transport)
        if self._state == "tls":
            return self._tls_is_up()
        name = transport.get_extra_info("peername")
        if isinstance(name, tuple):
            self.peer = (str(name[0]), int(name[1]))
            self.source = source_of(self.peer[0])
        balanced = self._door.is_proxy(self.peer[0])
        refusal = self._door.admit(self, nameless=balanced)
        if refusal:
            if not self.way.tls and not balanced:
                self._say(refusal)
            return self.transport.close()
        self._admitted = True
        if balanced:
            self._state = "proxy"
            self._reset_timeout(self._limits.handshake)
        else:
            self._begin()

    def _begin(self) -> None:
        self._state = "command"
        self._reset_timeout()
        if self.way.tls:
            self._upgrade()
        else:
            self.greet()

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()
        self.gone()
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        if self._original_transport is not None:
            self._original_transport.close()
        self.transport = None

    def _leave(self) -> None:
        """Its place is free."""
        if self._admitted:
            self._admitted = False
            self._door.left(self)

    def eof_received(self) -> bool:
        """A client that says no more may still read the answer to its message, but not over TLS."""
        self._left = True
        return self._state == "disk" and self._tls_protocol is None

    def data_received(self, data: bytes) -> None:
        """Keep what came for the session; what comes after the last word is read and dropped, to a limit."""
        if self._state == "parting":
            self._spare -= len(data)
            if self._spare < 0:
                self._listen(False)
        elif self._admitted:
            self._ahead += data
            if self._state == "proxy":
                self._preamble()
            elif self._state != "tls":
                self.work()

    def pause_writing(self) -> None:
        self._full = True
        super().pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._full = False
        if self._state != "parting":
            self._listen(True)
            self.work()

    def _say(self, reply: str) -> None:
        if reply and self.transport is not None and not self.transport.is_closing():
            self.transport.write(reply.encode("utf-8", "backslashreplace") + b"\r\n")

    def _cut_for(self, limit: str) -> None:
        """Part from a client that is over that limit."""
        self._cut(over(limit, self._limits), limit)

    def _cut(self, reply: str, limit: str = "") -> None:
        """Say why and part.

        A connection that is closed over unread bytes is reset, and the client never sees the reply. So our side is
        closed first, what still comes is dropped, and the client is left when it goes, or after a few seconds.
        """
        if limit:
            self.way.metrics.limited(limit)
        transport = self.transport
        if transport is None or transport.is_closing() or self._state == "parting":
            return
        self._state = "parting"
        self._ahead.clear()
        self.gone()
        self._say(reply)
        self._listen(True)
        if transport.can_write_eof():
            transport.write_eof()
        self.loop.call_later(LINGER, transport.abort)

    def _listen(self, on: bool) -> None:
        """Read on, or let the client wait."""
        if self.transport is not None and not self.transport.is_closing():
            if on:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def _soon(self, what: Callable[["Future[T]"], None], done: "Future[T]") -> None:
        """From the committer's thread into the loop; a loop that is gone has nobody to tell."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(what, done)

    # -- the PROXY header, and TLS ------------------------------------------------------------------------------

    def _preamble(self) -> None:
        """Learn from the load balancer who the client is; one that does not say it is not listened to."""
        assert self.transport is not None
        try:
            found = smtp_proxy.read(bytes(self._ahead))
        except smtp_proxy.Bad:
            self.way.metrics.limited("proxy-header")
            return self.transport.abort()
        if found is None:
            return None
        (address, port), size = found
        del self._ahead[:size]
        self.via = self.peer[0] if address else ""
        self.peer = (address, port) if address else self.peer
        refusal = self._door.named(self, source_of(self.peer[0]), self.way.counted and bool(address))
        if refusal:
            self._say("" if self.way.tls else refusal)
            return self.transport.close()
        self._begin()
        if self._ahead:
            self.work()
        return None

    def _upgrade(self) -> None:
        """Begin TLS."""
        self._state = "tls"
        self._reset_timeout(self._limits.handshake)
        self._starting = self.loop.create_task(self._start_tls())
        self.loop.call_soon(self._feed_tls)

    async def _start_tls(self) -> None:
        if not self._admitted:
            return
        with contextlib.suppress(aiosmtpd.TLSSetupException):
            await self.smtp_STARTTLS("")
        if self._state == "tls":  # a client that is simply gone is no exception there, and nobody else tells us
            self._abort()
            self.connection_lost(None)

    def _abort(self) -> None:
        cast(asyncio.Transport, self._original_transport or self.transport).abort()

    def _feed_tls(self) -> None:
        """What came before TLS listened belongs to its handshake, but after STARTTLS it is nobody's (RFC 3207
        section 6).
        """
        data = bytes(self._ahead) if self.way.tls else b""
        self._ahead.clear()
        protocol = cast(asyncio.BufferedProtocol, self._tls_protocol)
        while data and self._admitted:
            space = memoryview(cast(Any, protocol.get_buffer(len(data)))).cast("B")
            size = min(len(space), len(data))
            space[:size] = data[:size]
            protocol.buffer_updated(size)
            data = data[size:]

    async def push(self, status: str) -> None:  # type: ignore[override]
        """The one reply that aiosmtpd still sends, '220 Ready to start TLS', with its code (RFC 2034 section 4)."""
        if not self.way.tls:
            self._say(status.replace("220 ", "220 2.0.0 ", 1))

    def _tls_is_up(self) -> None:
        self._state = "command"
        self._reset_timeout()
        if self.way.tls:
            self.greet()
        else:
            self.secured()

    @property
    def cipher(self) -> str:
        """Version and cipher of TLS, '' without."""
        found = self.transport.get_extra_info("cipher") if self.transport and self._tls_protocol else None
        return f"{found[1]} {found[0]}" if found else ""

    # -- time ---------------------------------------------------------------------------------------------------

    def _reset_timeout(self, duration: float | None = None) -> None:
        """The client is looked at again then; the timer that runs is moved only when it must ring earlier."""
        self._deadline = self.loop.time() + (duration or self._limits.idle)
        if self._state == "command":
            self._deadline = min(self._deadline, self._fruit + self._limits.fruitless)
        if self._deadline < self._rings:
            if self._timeout_handle is not None:
                self._timeout_handle.cancel()
            self._rings = self._deadline
            self._timeout_handle = self.loop.call_at(self._rings, self._timeout_cb)

    def _timeout_cb(self) -> None:
        self._rings = math.inf
        left = self._deadline - self.loop.time()
        if left > 0:
            self._reset_timeout(left)
        elif self._state in ("proxy", "tls"):
            self.way.metrics.limited("handshake")
            self._abort()
        elif self._state != "parting":
            limit, left = self.late()
            if limit:
                self._cut_for(limit)
            else:
                self._reset_timeout(max(left, NOW))
