"""The SMTP door: takes a message in and says 250 only when it is durable in the vault; also as LMTP.

It promises: what was sent is what is kept, byte for byte (long lines, bare CR, bare LF, NUL, 8-bit), dot-unstuffed
and nothing else; only CRLF.CRLF ends a message, or the count of a chunk; memory is bounded by our limits, never by the
sender; a fault of ours is a 4xx without its text; each limit has a reply of its own.

`smtp_wire` is the connection, `smtp_dialogue` the commands, `smtp_incoming` the message, `smtp_port` the listening.
PIPELINING (RFC 2920) answers everything of one packet in one packet.
"""

import asyncio
import math
from concurrent.futures import Future

from intake.accept import Acceptor
from intake.faults import note
from intake.keyring import Account
from intake.metrics import Metrics
from intake.running import Running
from intake.smtp_dialogue import Answer, Client, Dialogue
from intake.smtp_incoming import Incoming
from intake.smtp_port import Port, Refusing, Way
from intake.smtp_replies import CLOSING, UNCHECKED, limit_of, outcome, over, reply_to
from intake.smtp_sasl import LINE
from intake.smtp_settings import Check, Settings
from intake.smtp_wire import BUFFER, Wire
from intake.submission import Receipt

_LOOPBACK = ("127.", "::1", "::ffff:127.")


class Connection(Wire):
    """One client's session."""

    _dialogue: Dialogue

    def __init__(self, door: Port, way: Way, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(door, way, loop)
        self._incoming: Incoming | None = None
        self._since = 0.0

    def greet(self) -> None:
        door = self._door
        self._dialogue = Dialogue(
            door.settings,
            Client(
                may_send=lambda account: door.may_send(self, account),
                serves=door.serves,
                lmtp=self.way.lmtp,
                auth=door.check is not None and not self.way.lmtp,
                plain_auth=door.settings.plain_auth and self.peer[0].startswith(_LOOPBACK),
            ),
        )
        if self._tls_protocol is not None:
            self._dialogue.tls_is_up()
        self._say(f"220 {self.hostname} Lapwing")

    def secured(self) -> None:
        self._dialogue.tls_is_up()

    def gone(self) -> None:
        self._drop()

    def late(self) -> tuple[str, float]:
        if self._state in ("disk", "check"):
            return "", self._limits.idle
        now = self.loop.time()
        if self._incoming is not None:
            return self._incoming.late(now)
        return ("fruitless" if now >= self._fruit + self._limits.fruitless else "idle"), 0.0

    def close_when_idle(self) -> None:
        if self._state in ("proxy", "tls", "check") or (self._state == "command" and self._incoming is None):
            self._say(CLOSING if self._state != "tls" else "")
            if self.transport is not None:
                self.transport.close()

    def idle_since(self) -> float:
        if self._state in ("disk", "check", "parting"):
            return math.inf
        if self._incoming is None:
            return self._fruit
        enough = self._incoming.enough_until
        return enough if enough < self.loop.time() else math.inf

    def data_received(self, data: bytes) -> None:
        if self._state == "data":
            self._message(data)
        else:
            super().data_received(data)

    # -- commands -----------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Answer the commands that are here, in one packet, until one of them changes the state."""
        replies: list[str] = []
        then = limit = ""
        while not then and self._state == "command" and not self._full:
            end = self._ahead.find(b"\n") + 1
            if not end:
                if len(self._ahead) > LINE:
                    limit = "endless-line"
                    replies, then = [*replies, over(limit, self._limits, LINE)], "cut"
                break
            line = bytes(self._ahead[:end])
            del self._ahead[:end]
            reply, then, limit = self._answered(line)
            replies.append(reply)
        if then == "cut":
            return self._cut("\r\n".join(replies), limit)
        self._go_on(replies, then)

    def _answered(self, line: bytes) -> Answer:
        said = self._dialogue.answer(line)
        if said.limit and said.then != "cut":
            self.way.metrics.limited(said.limit)
            if said.limit in ("account-rate", "size"):
                self._refused(said.limit)
        if self._incoming is not None and not self._dialogue.chunking:
            self._drop()
        self._tick()
        if said.then == "data":
            return self._open(said.reply)
        return self._chunk(said.reply) if said.then == "chunk" else said

    def _tick(self) -> None:
        """The client said something; in the middle of a message that is not enough."""
        self._reset_timeout(self._limits.grace if self._incoming is not None else None)

    def _go_on(self, replies: list[str], then: str) -> None:
        if any(replies):
            self._say("\r\n".join(each for each in replies if each))
        if then == "quit":
            self._quit()
        elif then == "tls":
            self._upgrade()
        elif then == "check":
            self._check()
        elif then == "data":
            self._message(self._take_ahead())
        elif self._left and self._state == "command" and self.transport is not None:
            self.transport.close()
        elif len(self._ahead) > BUFFER:
            self._listen(False)

    def _quit(self) -> None:
        if self._ahead:
            self._cut("")
        elif self.transport is not None:
            self.transport.close()

    def _take_ahead(self) -> bytes:
        ahead = bytes(self._ahead)
        self._ahead.clear()
        return ahead

    # -- who it is ----------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Have the credentials looked at, in a thread, because that may take its time on purpose."""
        most = self._limits.auth_failures
        if most and self._door.gate.failures(self.source) >= most:
            return self._cut_for("auth-failures")
        self._state = "check"
        assert self._door.check is not None
        looking = self.loop.run_in_executor(None, self._door.check, *self._dialogue.credentials)
        looking.add_done_callback(self._checked)
        return None

    def _checked(self, done: "asyncio.Future[Account | None]") -> None:
        if self.transport is None or self._state != "check" or done.cancelled():
            return
        error, wait = done.exception(), 0.0
        if isinstance(error, Exception):
            note(error, "lapwing.smtp")
            reply, how = UNCHECKED, "fault"
        else:
            account = done.result()
            reply = self._dialogue.checked(account).reply
            how = "wrong" if account is None else "right" if self._dialogue.account else "no-scope"
            wait = self._penalty() if account is None else 0.0
            reply = over("auth-slow", self._limits) if wait else reply
        self.way.metrics.login(how)
        self.loop.call_later(wait, self._admitted_as, reply)

    def _penalty(self) -> float:
        """Seconds that a wrong guess waits: none at first, then longer each time."""
        beyond = self._door.gate.failed(self.source) - self._limits.auth_slow
        if beyond <= 0 or not self._limits.auth_slow:
            return 0.0
        self.way.metrics.limited("auth-slow")
        return float(self._limits.auth_delay * 2 ** min(beyond - 1, 4))

    def _admitted_as(self, reply: str) -> None:
        if self._state == "check":
            self._state = "command"
            self._reset_timeout()
            self._say(reply)
            self.work()

    # -- the message --------------------------------------------------------------------------------------------

    def _begun(self, chunks: bool) -> Incoming:
        """A new message on its way in; with trouble when it can't be kept."""
        address, port = self.peer
        envelope = self._dialogue.envelope(address, port, self.cipher, self.via)
        began = self.loop.time()
        try:
            acceptance = self._door.acceptor.open("smtp", envelope, self._limits.size)
        except Exception as error:
            return Incoming(None, self._limits, began, chunks, error)
        return Incoming(acceptance, self._limits, began, chunks)

    def _open(self, reply: str) -> Answer:
        """Begin to take a message: 354 and 'data', or why not."""
        incoming = self._begun(chunks=False)
        if incoming.trouble is not None:
            self._dialogue.reset()
            return Answer(self._why(incoming))
        return self._taking(incoming, reply)

    def _chunk(self, refusal: str) -> Answer:
        """Take a chunk, of the message under way or of a new one; or get it out of the way and then refuse."""
        if refusal:
            incoming = Incoming(None, self._limits, self.loop.time(), chunks=True, refusal=refusal)
        else:
            incoming = self._incoming or self._begun(chunks=True)
        incoming.expect(*self._dialogue.chunk)
        if incoming.flooding:
            self._incoming = incoming
            return Answer(self._flood, "cut", "flood")
        return self._taking(incoming, "")

    def _taking(self, incoming: Incoming, reply: str) -> Answer:
        self._incoming, self._state = incoming, "data"
        self._reset_timeout(self._limits.grace)
        return Answer(reply, "data")

    def _message(self, data: bytes) -> None:
        """More of the message or chunk; what follows its end is commands again."""
        incoming = self._incoming
        assert incoming is not None
        rest, wait = incoming.take(data)
        if incoming.complete:
            self._ahead[:0] = rest
            if incoming.last or wait is None:
                return self._ended(incoming)
        elif incoming.flooding:
            return self._cut(self._flood, "flood")
        if wait is not None:
            self._pause(wait)
        return None

    def _pause(self, wait: "Future[None]") -> None:
        """Let the client wait until what it sent is durable."""
        self._state, self._since = "disk", self.loop.time()
        self._listen(False)
        wait.add_done_callback(lambda _: self._soon(self._resume, wait))

    def _resume(self, waited: "Future[None]") -> None:
        """What had been fed is durable, or is not; read on. The time that the disk took is not the client's."""
        incoming = self._incoming
        if self.transport is None or incoming is None:
            return
        error = waited.exception()
        if isinstance(error, Exception):
            incoming.fail(error)
        incoming.began += self.loop.time() - self._since
        self._state = "data"
        self._listen(True)
        if incoming.complete:
            self._ended(incoming)
        else:
            self._message(self._take_ahead())

    def _drop(self) -> None:
        """The message under way will not be kept."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming.abandon()
            self.way.metrics.message("abandoned")

    def _ended(self, incoming: Incoming) -> None:
        """The message is complete: make it durable, then answer. After a chunk there may be more."""
        if incoming.refusal:
            self._incoming = None
            return self._next(incoming.refusal)
        if not incoming.last:
            return self._next(self._why(incoming) if incoming.trouble else f"250 2.0.0 {incoming.chunk} octets taken")
        self._state, self._since = "disk", self.loop.time()
        done = incoming.finish()
        if done is None:
            return self._failed(incoming)
        done.add_done_callback(lambda _: self._soon(self._kept, done))
        return None

    def _kept(self, done: "Future[Receipt]") -> None:
        incoming = self._incoming
        if self.transport is None or incoming is None:
            return None
        error = done.exception()
        if isinstance(error, Exception):
            incoming.fail(error)
            return self._failed(incoming)
        self._dialogue.kept()
        self._fruit, self.fruitful = self.loop.time(), True
        receipt = done.result()
        self.way.metrics.kept(receipt.size, self._fruit - self._since)
        return self._answer(f"250 2.6.0 {self._door.acceptor.reference(receipt.submission)} kept")

    def _failed(self, incoming: Incoming) -> None:
        reply = self._why(incoming)
        incoming.abandon()
        self._answer(reply)

    def _why(self, incoming: Incoming) -> str:
        """What trouble is answered with; told to log and metrics once."""
        error = incoming.trouble or RuntimeError("no acceptance")
        if not incoming.why:
            incoming.why = reply_to(error, self._limits)
            self.way.metrics.message(outcome(error))
            self._refused(outcome(error))
            if limit := limit_of(error):
                self.way.metrics.limited(limit)
        return incoming.why

    def _refused(self, code: str) -> None:
        """A message of a feed that has shown its key was refused."""
        if self._dialogue.account is not None:
            self._door.refused(self._dialogue.account.name, code)

    def _answer(self, reply: str) -> None:
        """Answer the message, and on to what the client sent meanwhile."""
        self._incoming = None
        replies = self._to_each(reply)
        self._dialogue.reset()
        self._next(replies)

    def _to_each(self, reply: str) -> str:
        """The reply that ends a message, one for each recipient in LMTP."""
        return "\r\n".join([reply] * self._dialogue.replies)

    @property
    def _flood(self) -> str:
        return self._to_each(over("flood", self._limits))

    def _next(self, reply: str) -> None:
        self._state = "command"
        self._tick()
        self._say(reply)
        if self._left and not self._ahead and self.transport is not None:
            self.transport.close()
        elif self._door.closing:
            self.close_when_idle()
        else:
            self._listen(True)
            self.loop.call_soon(self.work)


async def listen(
    settings: Settings, acceptor: Acceptor, check: Check | None = None, metrics: Metrics | None = None
) -> Port:
    """Open the door in the running event loop; OSError when a port can't be had. Without `check` no AUTH is offered."""
    port = Port(settings, acceptor, check, metrics or Metrics())
    loop = asyncio.get_running_loop()
    await port.open(lambda way: Connection(port, way, loop))
    return port


def serve(
    settings: Settings, acceptor: Acceptor, check: Check | None = None, metrics: Metrics | None = None,
    refused: Refusing = lambda account, code: None,
) -> Running:  # fmt: skip
    """Open the door in a thread of its own; returns once it listens, OSError when a port can't be had."""

    async def start() -> Port:
        port = await listen(settings, acceptor, check, metrics)
        port.refused = refused
        return port

    return Running(start, "smtp")
