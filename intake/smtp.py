"""The SMTP door: takes a message in and says 250 only when it is durable in the vault.

It promises: what was sent is what is kept, byte for byte (long lines, bare CR, bare LF, NUL, 8-bit), dot-unstuffed
and nothing else; only CRLF.CRLF ends a message; memory is bounded by our limits, never by the sender; a fault of
ours is a 4xx without its text; each limit has a reply of its own.

aiosmtpd gives the connection and STARTTLS (RFC 3207). What it leaves open (lines over 1,001 bytes refused, DATA line
by line in memory, 500 with exception text, no caps) and what it spends 0.7 ms a message on (a task that is woken for
every line) is replaced: bytes are dealt with as they come in, the dialogue is `smtp_dialogue`, PIPELINING (RFC 2920)
answers everything of one packet in one packet.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar, cast

from aiosmtpd import smtp as aiosmtpd

from intake.accept import Acceptance, Acceptor
from intake.errors import Refused
from intake.gate import source_of
from intake.running import Running
from intake.smtp_dialogue import COMMAND, Dialogue
from intake.smtp_port import Port
from intake.smtp_replies import CLOSING, reply_to
from intake.smtp_settings import Settings
from intake.smtp_syntax import Dots
from intake.submission import Receipt

BUFFER = 131_072
"""Bytes that a client may send ahead while its message goes to disk."""
FLOOD = 1_000_000
"""Bytes beyond twice the size of a message after which a sender that doesn't stop is cut."""
LINGER = 5.0
"""Seconds that a client has to read why it was cut."""


T = TypeVar("T")


class _NoHooks:
    """A handler without hooks: all that it would do is a method of the connection."""

    def __dir__(self) -> list[str]:
        return []


_NO_HOOKS = _NoHooks()
aiosmtpd.log.setLevel(logging.CRITICAL + 1)  # it would write addresses into the log


class Connection(aiosmtpd.SMTP):
    """One client's session: its bytes, its time, and the state of both.

    States: 'command'; 'data' in the middle of a message; 'disk' while the vault works; 'tls' until it is up.
    """

    transport: asyncio.Transport | None

    def __init__(self, door: Port, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_NO_HOOKS, hostname=door.settings.name, tls_context=door.settings.tls, loop=loop)
        self._door, self._limits = door, door.settings.limits
        self._dialogue = Dialogue(door.settings, lambda: door.gate.message(self.source), door.serves)
        self.source = ""
        self._admitted = self._full = self._left = False
        self._state = "command"
        self._ahead = bytearray()
        self._acceptance: Acceptance | None = None
        self._trouble: Exception | None = None
        self._dots = Dots()
        self._began = self._deadline = 0.0
        self._rings = math.inf
        self._got = 0

    def __dir__(self) -> list[str]:
        """Nothing: aiosmtpd looks at every attribute for each connection, which takes 0.2 ms else."""
        return []

    # -- the connection -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or say at once which limit it is over; also called again once TLS is up."""
        if not self._admitted:
            self.source = source_of(str((transport.get_extra_info("peername") or ("",))[0]))
            refusal = self._door.admit(self)
            if refusal:
                cast(asyncio.Transport, transport).write(refusal.encode() + b"\r\n")
                return transport.close()
            self._admitted = True
        if self._state == "tls":
            self._ahead.clear()  # what came in the clear after STARTTLS is nobody's (RFC 3207 section 6)
            self._dialogue.tls_is_up()
            self._state = "command"
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        """aiosmtpd's loop over lines; ours is `_work`."""
        self._say(f"220 {self.hostname} Lapwing")

    def connection_lost(self, error: Exception | None) -> None:
        if self._admitted:
            self._admitted = False
            self._door.left(self)
            self._let_go()
            super().connection_lost(error)

    def eof_received(self) -> bool:
        """A client that says no more may still read the answer to its message, but not over TLS."""
        self._left = True
        return self._state == "disk" and self._tls_protocol is None

    def data_received(self, data: bytes) -> None:
        """Deal with what came: it belongs to the message under way, or is commands, or waits for the disk."""
        if not self._admitted:
            return
        self._got += len(data)
        if self._state == "data":
            self._message(data)
        else:
            self._ahead += data
            self._work()

    def pause_writing(self) -> None:
        self._full = True
        super().pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._full = False
        self._listen(True)
        self._work()

    def _say(self, reply: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(reply.encode("utf-8", "backslashreplace") + b"\r\n")

    def _cut(self, reply: str) -> None:
        """Say why and close; a client that does not even read that is dropped after a few seconds."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            self._say(reply)
            transport.close()
            self.loop.call_later(LINGER, transport.abort)

    def close_when_idle(self) -> None:
        """Part from the client unless it is handing a message over."""
        if self._state == "command":
            self._cut(CLOSING)

    def _listen(self, on: bool) -> None:
        """Read on, or let the client wait."""
        if self.transport is not None and not self.transport.is_closing():
            if on:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    # -- time ---------------------------------------------------------------------------------------------------

    def _reset_timeout(self, duration: float | None = None) -> None:
        """The client is looked at again then; the timer that runs is moved only when it must ring earlier."""
        self._deadline = self.loop.time() + (duration or self._limits.idle)
        if self._deadline < self._rings:
            if self._timeout_handle is not None:
                self._timeout_handle.cancel()
            self._rings = self._deadline
            self._timeout_handle = self.loop.call_at(self._rings, self._timeout_cb)

    def _timeout_cb(self) -> None:
        self._rings = math.inf
        left = self._deadline - self.loop.time()
        if left <= 0:
            left = self._patience()
        if left > 0:
            self._reset_timeout(left)
        else:
            self._cut("421 4.4.2 too slow, closing")

    def _patience(self) -> float:
        """Seconds until the client is looked at again, 0 when its time is over."""
        if self._state in ("disk", "tls"):
            return self._limits.idle
        if self._state != "data":
            return 0.0
        elapsed = self.loop.time() - self._began
        slow = elapsed >= self._limits.grace and self._got < self._limits.rate * elapsed
        left = self._limits.message_time - elapsed
        return 0.0 if slow or left <= 0 else min(left, max(1.0, self._limits.grace / 4))

    # -- commands -----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Answer the commands that are here, in one packet, until one of them changes the state."""
        replies: list[str] = []
        then = ""
        while not then and self._state == "command" and not self._full:
            end = self._ahead.find(b"\n") + 1
            if not end:
                if len(self._ahead) > COMMAND:
                    replies, then = [*replies, "500 5.5.2 that is no command line"], "cut"
                break
            line = bytes(self._ahead[:end])
            del self._ahead[:end]
            reply, then = self._dialogue.answer(line)
            self._reset_timeout()
            if then == "data":
                reply, then = self._open(reply)
            replies.append(reply)
        if then == "cut":
            return self._cut("\r\n".join(replies))
        self._go_on(replies, then)

    def _go_on(self, replies: list[str], then: str) -> None:
        if any(replies):
            self._say("\r\n".join(each for each in replies if each))
        if then == "quit" and self.transport is not None:
            self.transport.close()
        elif then == "tls":
            self._state = "tls"
            self._handler_coroutine = self.loop.create_task(self._start_tls())
        elif then == "data":
            self._message(self._take_ahead())
        elif len(self._ahead) > BUFFER:
            self._listen(False)

    def _take_ahead(self) -> bytes:
        ahead = bytes(self._ahead)
        self._ahead.clear()
        return ahead

    async def _start_tls(self) -> None:
        try:
            await self.smtp_STARTTLS("")
        except aiosmtpd.TLSSetupException as error:
            if self._original_transport is not None:
                cast(asyncio.Transport, self._original_transport).abort()
            self.connection_lost(error)

    async def push(self, status: str) -> None:  # type: ignore[override]
        """The one reply that aiosmtpd still sends, '220 Ready to start TLS', with its code (RFC 2034 section 4)."""
        self._say(status.replace("220 ", "220 2.0.0 ", 1))

    # -- the message --------------------------------------------------------------------------------------------

    def _open(self, reply: str) -> tuple[str, str]:
        """Begin to take a message: (354, 'data'), or why not."""
        peer = (self.transport.get_extra_info("peername") if self.transport else None) or ("", 0)
        cipher = self.transport.get_extra_info("cipher") if self.transport and self._tls_protocol else None
        tls = f"{cipher[1]} {cipher[0]}" if cipher else ""
        envelope = self._dialogue.envelope(str(peer[0]), int(peer[1]), tls)
        try:
            self._acceptance = self._door.acceptor.open("smtp", envelope, self._limits.size)
        except Exception as error:
            self._dialogue.reset()
            return reply_to(error), ""
        self._state, self._began, self._got = "data", self.loop.time(), 0
        self._dots, self._trouble = Dots(), None
        self._reset_timeout(self._limits.grace)
        return reply, "data"

    def _message(self, chunk: bytes) -> None:
        """More of the message; whatever goes wrong, it is read to its end, lest its rest be taken for commands."""
        piece, rest = self._dots.take(chunk)
        wait = self._keep(piece)
        if self._dots.ended:
            self._ahead[:0] = rest
            self._finish()
        elif self._got > 2 * self._limits.size + FLOOD:
            self._cut(reply_to(self._trouble or Refused("too-big", f"more than {self._limits.size} bytes")))
        elif wait is not None:
            self._state = "disk"
            self._listen(False)
            wait.add_done_callback(lambda _: self._soon(self._resume, wait))

    def _keep(self, piece: bytes) -> "Future[None] | None":
        if self._acceptance is None:
            return None
        try:
            return self._acceptance.feed(piece)
        except Exception as error:
            self._fail(error)
            return None

    def _resume(self, waited: "Future[None]") -> None:
        """What had been fed is durable, or is not; read on."""
        if self.transport is None:
            return
        error = waited.exception()
        if isinstance(error, Exception):
            self._fail(error)
        self._state = "data"
        self._listen(True)
        self._message(self._take_ahead())

    def _fail(self, error: Exception) -> None:
        self._trouble = self._trouble or error
        self._let_go()

    def _let_go(self) -> None:
        if self._acceptance is not None:
            self._acceptance.abandon()
            self._acceptance = None

    def _finish(self) -> None:
        """The message is complete: make it durable, then answer."""
        self._state = "disk"
        if self._acceptance is None:
            return self._answer(reply_to(self._trouble or RuntimeError("no acceptance")))
        try:
            done = self._acceptance.finish()
        except Exception as error:
            self._let_go()
            return self._answer(reply_to(error))
        done.add_done_callback(lambda _: self._soon(self._kept, done))

    def _kept(self, done: "Future[Receipt]") -> None:
        if self.transport is None:
            return None
        error = done.exception()
        if isinstance(error, Exception):
            return self._answer(reply_to(error))
        self._dialogue.kept()
        reference = self._door.acceptor.reference(done.result().submission)
        self._answer(f"250 2.6.0 {reference} kept")

    def _answer(self, reply: str) -> None:
        """The reply to a message, and on to what the client sent meanwhile."""
        self._let_go()
        self._dialogue.reset()
        self._state = "command"
        self._reset_timeout()
        self._say(reply)
        if self._left and self.transport is not None:
            self.transport.close()
        elif self._door.closing:
            self.close_when_idle()
        else:
            self._listen(True)
            self.loop.call_soon(self._work)

    def _soon(self, what: Callable[["Future[T]"], None], done: "Future[T]") -> None:
        """From the committer's thread into the loop; a loop that is gone has nobody to tell."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(what, done)


async def listen(settings: Settings, acceptor: Acceptor) -> Port:
    """Open the door in the running event loop; OSError when the port can't be had."""
    port = Port(settings, acceptor)
    loop = asyncio.get_running_loop()
    await port.open(lambda: Connection(port, loop))
    return port


def serve(settings: Settings, acceptor: Acceptor) -> Running:
    """Open the door in a thread of its own; returns once it listens, OSError when the port can't be had."""

    async def start() -> Port:
        return await listen(settings, acceptor)

    return Running(start, "smtp")
