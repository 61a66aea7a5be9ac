"""The SMTP door: takes a message in and says 250 only when it is durable in the vault.

It promises: what was sent is what is kept, byte for byte (long lines, bare CR, bare LF, NUL, 8-bit), dot-unstuffed
and nothing else; only CRLF.CRLF ends a message; memory is bounded by our limits, never by the sender; a fault of
ours is a 4xx without its text; each limit has a reply of its own. Content is never a reason to refuse.

RFC 5321, 1870 (SIZE), 2920 (PIPELINING), 2034 and 3463 (ENHANCEDSTATUSCODES), 3207 (STARTTLS), 6152 (8BITMIME),
6531 (SMTPUTF8). AUTH is not offered. aiosmtpd gives the session, its commands and STARTTLS; what it leaves open
(lines over 1,001 bytes refused, DATA line by line in memory, 500 with exception text, no caps) is overridden here.
"""

import asyncio
import logging
from typing import cast

from aiosmtpd import smtp as aiosmtpd

from intake.accept import Acceptance, Acceptor
from intake.errors import Refused
from intake.gate import source_of
from intake.running import Running
from intake.smtp_port import Port
from intake.smtp_replies import CLOSING, UNSOUND, coded, reply_to
from intake.smtp_settings import Settings
from intake.smtp_syntax import Dots, path, readable, sound
from intake.submission import Envelope

_ALL = 1 << 24  # more than a stream reader ever buffers: a read of this many bytes empties it
COMMAND = 2048
"""Bytes of a command line; RFC 5321 section 4.5.3.1.4 wants 512 and some for extensions."""
BUFFER = 65_536
FLOOD = 1_000_000
"""Bytes without a command among them after which a connection is cut."""
LINGER = 5.0
_VERBS = ("HELO", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP")


class _NoHooks:
    """A handler without hooks: all that it would do is a method of the connection."""

    def __dir__(self) -> list[str]:
        return []


_NO_HOOKS = _NoHooks()
aiosmtpd.log.setLevel(logging.CRITICAL + 1)  # it would write senders and recipients into the log


class Connection(aiosmtpd.SMTP):
    """One client's session."""

    session: aiosmtpd.Session
    envelope: aiosmtpd.Envelope
    transport: asyncio.Transport | None

    line_length_limit = BUFFER

    def __init__(self, door: Port, loop: asyncio.AbstractEventLoop) -> None:
        settings = door.settings
        super().__init__(
            _NO_HOOKS, hostname=settings.name, enable_SMTPUTF8=True, tls_context=settings.tls, loop=loop,
            data_size_limit=settings.limits.size, timeout=settings.limits.idle,
        )  # fmt: skip
        self._door, self._limits, self._acceptor = door, settings.limits, door.acceptor
        self.source = ""
        self._admitted = False
        self._state = "command"
        self._began = 0.0
        self._got = 0
        self._commands = 0

    def __dir__(self) -> list[str]:
        """The commands alone: aiosmtpd looks at every attribute for each connection, which takes 0.2 ms else."""
        return [f"smtp_{verb}" for verb in _VERBS]

    # -- the connection -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or say at once which limit it is over; also called again once TLS is up."""
        if not self._admitted:
            peer = transport.get_extra_info("peername") or ("",)
            self.source = source_of(str(peer[0]))
            refusal = self._door.admit(self)
            if refusal:
                cast(asyncio.Transport, transport).write(refusal.encode() + b"\r\n")
                return transport.close()
            self._admitted = True
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Count what comes, and cut a client that sends on and on without a command."""
        if not self._admitted:
            return
        self._got += len(data)
        if self._state == "command" and self._got > FLOOD:
            self._cut("421 4.7.0 too many bytes without a command")
            return
        super().data_received(data)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self._admitted else None

    def connection_lost(self, error: Exception | None) -> None:
        if self._admitted:
            self._admitted = False
            self._door.left(self)
            super().connection_lost(error)

    def _cut(self, reply: str) -> None:
        """Say why and close; a client that does not even read that is dropped after a few seconds."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(reply.encode() + b"\r\n")
        transport.close()
        self.loop.call_later(LINGER, transport.abort)

    def close_when_idle(self) -> None:
        """Part from the client unless it is handing a message over."""
        if self._state == "command":
            self._cut(CLOSING)

    # -- time ---------------------------------------------------------------------------------------------------

    def _reset_timeout(self, duration: float | None = None) -> None:
        if self._state == "command":
            self._got = 0
        super()._reset_timeout(duration)

    def _timeout_cb(self) -> None:
        left = self._patience()
        if left > 0:
            self._reset_timeout(left)
        else:
            self._cut("421 4.4.2 too slow, closing")

    def _patience(self) -> float:
        """Seconds until the client is looked at again, 0 when its time is over."""
        if self._state == "disk":
            return self._limits.idle
        if self._state == "command":
            return 0.0
        elapsed = self.loop.time() - self._began
        slow = elapsed >= self._limits.grace and self._got < self._limits.rate * elapsed
        left = self._limits.message_time - elapsed
        return 0.0 if slow or left <= 0 else min(left, max(1.0, self._limits.grace / 4))

    # -- commands -----------------------------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        """Answer one command after the other until either side has had enough."""
        try:
            await self._say(f"220 {self.hostname} Lapwing")
            while self.transport is not None:
                await self._answer(await self._reader.readuntil())
        except asyncio.LimitOverrunError:
            self._cut("500 5.5.2 that is no command line")
        except (ConnectionError, aiosmtpd.TLSSetupException):
            self._writer.transport.abort()
        except Exception as error:  # where it stopped reading is unknown: nothing more may count as a command
            self._cut(reply_to(error))
        finally:
            self._writer.close()

    async def _answer(self, line: bytes) -> None:
        self._commands += 1
        if self._commands > self._limits.commands:
            return self._cut("421 4.7.0 too many commands without a message")
        word, _, rest = line.rstrip(b"\r\n").partition(b" ")
        method = self._smtp_methods.get(word.upper().decode("ascii", "replace"))
        if method is None or len(line) > COMMAND:
            return await self._say("500 5.5.2 command not known, or its line too long")
        self._reset_timeout()
        await method(rest.strip().decode("utf-8", "surrogateescape"))
        return None

    async def push(self, status: str) -> None:  # type: ignore[override]
        """Send a reply, with an enhanced status code where aiosmtpd gave none (RFC 2034 section 4)."""
        await self._say(coded(status))

    async def _say(self, reply: str) -> None:
        self._writer.write(reply.encode("utf-8", "backslashreplace") + b"\r\n")
        await self._writer.drain()

    async def smtp_HELO(self, hostname: str) -> None:
        await self._greet(hostname, False)

    async def smtp_EHLO(self, hostname: str) -> None:
        await self._greet(hostname, True)

    async def _greet(self, hostname: str, extended: bool) -> None:
        if not hostname:
            await self._say("501 5.5.4 say who you are")
            return
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session.extended_smtp, self.session.host_name = extended, hostname
        lines = [self.hostname, *(self._extensions() if extended else ())]
        await self._say("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def _extensions(self) -> list[str]:
        tls = ["STARTTLS"] if self.tls_context and not self._tls_protocol else []
        return [f"SIZE {self._limits.size}", "8BITMIME", "PIPELINING", "SMTPUTF8", "ENHANCEDSTATUSCODES", *tls]

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self._tls_protocol:
            await self._say("503 5.5.1 TLS is on already")
        else:
            await super().smtp_STARTTLS(arg)

    async def smtp_HELP(self, arg: str) -> None:
        await self._say("214 2.0.0 this takes in reports of spam; commands as in RFC 5321")

    async def smtp_VRFY(self, arg: str) -> None:
        await self._say("252 2.1.5 send the mail and see" if arg else "501 5.5.4 VRFY whom")

    async def smtp_EXPN(self, arg: str) -> None:
        await self._say("502 5.5.1 no lists here")

    async def smtp_MAIL(self, arg: str) -> None:
        await self._say(self._mail(arg))

    def _mail(self, arg: str) -> str:
        if not self.session.host_name:
            return "503 5.5.1 send EHLO first"
        if self.envelope.mail_from:
            return "503 5.5.1 nested MAIL"
        found = path("FROM:", arg)
        if found is None:
            return "501 5.1.7 say MAIL FROM:<address>"
        address, options = found
        if refusal := self._refuse_options(options):
            return refusal
        if not sound(address, "SMTPUTF8" in options):
            return UNSOUND
        wait = self._door.gate.message(self.source)
        if wait:
            return f"450 4.7.1 too many messages this minute, come back in {int(wait) + 1} s"
        self.envelope.mail_from = address or "<>"
        self.envelope.mail_options, self.envelope.smtp_utf8 = options, "SMTPUTF8" in options
        return "250 2.1.0 sender ok"

    def _refuse_options(self, options: list[str]) -> str:
        """'' when every MAIL parameter is one that EHLO announced and has a value that we can keep."""
        for option in options:
            name, _, value = option.partition("=")
            if name == "SIZE" and value.isascii() and value.isdigit() and len(value) <= 20:
                if int(value) > self._limits.size:
                    return f"552 5.3.4 more than {self._limits.size} bytes"
            elif option not in ("BODY=7BIT", "BODY=8BITMIME", "SMTPUTF8") or not self.session.extended_smtp:
                return "555 5.5.4 parameter not known here"
        return ""

    async def smtp_RCPT(self, arg: str) -> None:
        await self._say(self._rcpt(arg))

    def _rcpt(self, arg: str) -> str:
        if not self.envelope.mail_from:
            return "503 5.5.1 send MAIL first"
        found = path("TO:", arg)
        if found is None or not found[0]:
            return "501 5.1.3 say RCPT TO:<address>"
        address, options = found
        if options:
            return "555 5.5.4 parameter not known here"
        if not sound(address, self.envelope.smtp_utf8):
            return UNSOUND
        if not self._door.serves(address):
            return "550 5.7.1 no mail for that domain here"
        if len(self.envelope.rcpt_tos) >= self._limits.recipients:
            return "452 4.5.3 too many recipients"
        self.envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    # -- the message --------------------------------------------------------------------------------------------

    async def smtp_DATA(self, arg: str) -> None:
        """Take the message in one stream and answer when it is durable; a fault meanwhile never ends it early."""
        if not self.envelope.rcpt_tos or arg:
            await self._say("501 5.5.4 DATA has no argument" if arg else "503 5.5.1 send RCPT first")
            return
        try:
            acceptance = self._acceptor.open("smtp", self._seen(), self._limits.size)
        except Exception as error:
            await self._say(reply_to(error))
            return
        await self._say("354 end data with <CR><LF>.<CR><LF>")
        try:
            reply = await self._take(acceptance)
        finally:
            acceptance.abandon()
            self._state = "command"
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        self._reset_timeout()
        await self._say(reply)
        if self._door.closing:
            self.close_when_idle()

    async def _take(self, acceptance: Acceptance) -> str:
        self._state, self._began, self._got = "data", self.loop.time(), 0
        self._reset_timeout(self._limits.grace)
        trouble = await self._stream(acceptance)
        if trouble is not None:
            return reply_to(trouble)
        self._state = "disk"
        try:
            receipt = await asyncio.wrap_future(acceptance.finish())
        except Exception as error:
            return reply_to(error)
        self._commands = 0
        return f"250 2.6.0 {self._acceptor.reference(receipt.submission)} kept"

    async def _stream(self, acceptance: Acceptance) -> Exception | None:
        """Read to the end of the message, whatever happens, lest its rest be read as commands; what went wrong."""
        dots = Dots()
        trouble: Exception | None = None
        while not dots.ended:
            chunk = await self._reader.read(_ALL)
            if not chunk:
                raise asyncio.CancelledError
            piece, rest = dots.take(chunk)
            trouble = trouble or await self._keep(acceptance, piece)
            if self._got > 2 * self._limits.size + FLOOD:
                self._cut(reply_to(Refused("too-big", f"more than {self._limits.size} bytes")))
        if rest:
            self._reader.feed_data(rest)
        return trouble

    async def _keep(self, acceptance: Acceptance, piece: bytes) -> Exception | None:
        try:
            wait = acceptance.feed(piece)
            if wait is not None:
                self._state = "disk"
                await asyncio.wrap_future(wait)
                self._state = "data"
        except Exception as error:
            self._state = "data"
            acceptance.abandon()
            return error
        return None

    def _seen(self) -> Envelope:
        """What the envelope says; bytes that are no UTF-8 stand as backslash escapes."""
        session, envelope = self.session, self.envelope
        peer = session.peer or ("", 0)
        cipher = session.ssl.get("cipher") if session.ssl else None
        return Envelope(
            mail_from=envelope.mail_from or "",
            rcpt_to=tuple(envelope.rcpt_tos),
            peer=str(peer[0]),
            helo=readable(session.host_name or ""),
            tls=f"{cipher[1]} {cipher[0]}" if cipher else "",
            options=(*envelope.mail_options, f"peer-port={peer[1]}"),
        )


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
