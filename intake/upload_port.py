"""The port of the upload door: uvicorn with the limits that it lacks.

uvicorn 0.54 closes an idle connection after a response, but waits for ever for the first request, for the rest of a
request's head, for the rest of a body that nobody reads, and for a client that doesn't read what it asked for. Here
each of these has its time, a source and its network have at most so many connections, and when all are taken the one
that does least gives way (`places.py`), so that a thousand slow ones cost nobody else anything. Peers in `proxies` are
not counted themselves: the client that they name in X-Forwarded-For is, while its request is served. Each limit has an
answer of its own, in JSON. A request that speaks for a WebSocket is served as HTTP. RFC 9110 section 15.5.9, RFC 9112
sections 9 and 9.6, RFC 6585 sections 4 and 5.
"""

import asyncio
import contextlib
import http
import ipaddress
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from intake.errors import Temporary
from intake.gate import Gate, source_of, within
from intake.metrics import Door, Metrics
from intake.places import Place, Places, crowded
from intake.web import status_of

CODES = {
    "source": ("connections-source", "too many connections from your address are open"),
    "network": ("connections-network", "too many connections from your network are open"),
    "total": ("connections", "all connections are taken"),
}
"""Limit of the gate -> (code, what is said)."""
_LINGERING = 100
"""Connections that may be read from after our last word, so that it is heard."""
_DROPPED = 1_000_000
"""Bytes of a body that are read for that."""
_PIECE = 65_536


@dataclass(frozen=True)
class Limits:
    """What a client may have: seconds for the head of a request, bytes of one, seconds for it to read an answer,
    connections of a source (`intake.gate`), of its network, of all. A count of 0 is no limit.
    """

    head: float = 15.0
    head_size: int = 16_384
    unread: float = 30.0
    linger: float = 2.0
    per_source: int = 100
    per_network: int = 300
    connections: int = 600


def server(
    app: Starlette, limits: Limits | None = None, proxies: Sequence[str] = (), metrics: Metrics | None = None,
    **more: Any,
) -> uvicorn.Server:  # fmt: skip
    """A server for the door; `proxies` are networks, `more` goes to uvicorn, such as host and port."""
    port = _Port(limits or Limits(), proxies, (metrics or Metrics()).door("http"))

    class Protocol(_Connection):
        shared = port

    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="off", log_level="critical", access_log=False, server_header=False,
        date_header=False, proxy_headers=False, h11_max_incomplete_event_size=port.limits.head_size, backlog=1024,
        **more,
    )  # fmt: skip
    return uvicorn.Server(config)


class _Port:
    """What all connections share."""

    def __init__(self, limits: Limits, proxies: Sequence[str], figures: Door) -> None:
        gate = Gate(time.monotonic, limits.per_source, limits.connections, 0, limits.per_network)
        self.limits, self.figures, self.lingering = limits, figures, 0
        self.places = Places(time.monotonic, gate, CODES)
        self._proxies = [ipaddress.ip_network(each) for each in proxies]

    def is_proxy(self, peer: str) -> bool:
        return within(peer, self._proxies)

    def client_of(self, headers: Sequence[tuple[bytes, bytes]], peer: str) -> str:
        """The last address in X-Forwarded-For that is no proxy of ours, or the peer where there is none."""
        named = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for text in reversed(named[-4096:].split(",")):
            try:
                address = str(ipaddress.ip_address(text.strip()))
            except ValueError:
                break
            if not self.is_proxy(address):
                return address
        return peer


class _Connection(H11Protocol):
    """One connection."""

    shared: _Port
    place: Place | None = None
    _timer: asyncio.TimerHandle | None = None
    _over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = self._serve
        self._peer = self.client[0] if self.client else ""
        self._proxied = self.shared.is_proxy(self._peer)
        try:
            self.place = self.shared.places.enter(source_of(self._peer), not self._proxied)
        except Temporary as error:
            self._refuse(error)
            return
        self.shared.figures.came()
        self.shared.figures.opened()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wait(None)
        self.shared.lingering -= self._over
        if self.place is not None:
            self.shared.places.leave(self.place)
            self.shared.figures.closed()
        self.place, self._over = None, False

    def data_received(self, data: bytes) -> None:
        if not (self._over or self.transport.is_closing()):
            super().data_received(data)

    # -- one request --------------------------------------------------------------------------------------------

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the door answer it, under the name of its client."""
        if self.place is None:
            return
        self._work()
        app: ASGIApp = self.config.loaded_app
        if self._proxied:
            headers = scope["headers"]
            scope["client"] = self.shared.client_of(headers, self._peer), 0
            scope["scheme"] = "https" if (b"x-forwarded-proto", b"https") in headers else "http"
            try:
                self.shared.places.move(self.place, source_of(scope["client"][0]))
            except Temporary as error:
                self.shared.figures.limited(error.code)
                app = JSONResponse({"code": error.code, "says": error.says}, status_of(error.code), _again(error))

        async def receive_next() -> Message:
            """The next piece of the body; none is read while the door is busy with it."""
            message = await receive()
            if not self.transport.is_closing():
                self.flow.pause_reading()
            return message

        async def send_on(message: Message) -> None:
            await self._send(message, receive, send)

        await app(scope, receive_next, send_on)

    async def _send(self, message: Message, receive: Receive, send: Send) -> None:
        """A large body in pieces, each when the one before was read; and to its end where more of the request comes,
        what comes is read for a moment and dropped, so that the answer is heard (RFC 9112 section 9.6).
        """
        body = message.get("body", b"")
        for start in range(0, len(body) - _PIECE, _PIECE):
            await send({**message, "body": body[start : start + _PIECE], "more_body": True})
        message = {**message, "body": body[(len(body) - 1) // _PIECE * _PIECE :]} if body else message
        if message["type"] == "http.response.body" and not message.get("more_body") and self._comes():
            await send({**message, "more_body": True})
            await self._drop(receive)
            message = {"type": "http.response.body"}
        await send(message)

    def _comes(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    async def _drop(self, receive: Receive) -> None:
        if self.place is not None:
            self.place.over(self.transport.abort)
        left = _DROPPED
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.shared.limits.linger):
                while self._comes() and left > 0 and (message := await receive())["type"] == "http.request":
                    left -= len(message["body"])

    def on_response_complete(self) -> None:
        if self._proxied and self.place is not None:
            self.shared.places.move(self.place, source_of(self._peer), counted=False)
        super().on_response_complete()
        if self._comes():
            self.transport.close()
        if self.transport.is_closing() or self.flow.write_paused:
            self._await_reading()
        elif self.cycle.response_complete:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """What came is no request, says h11; uvicorn is handling its error."""
        size = self.shared.limits.head_size
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
        elif getattr(sys.exception(), "error_status_hint", 400) == 431:
            self.shared.figures.limited("head-size")
            self._end(_answer(431, "head-size", f"the head of a request has {size} bytes at most"))
        else:
            self._end(_answer(400, "request", "this is no request of HTTP/1.1"))

    # -- what is waited for -------------------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._wait(self._late, self.shared.limits.head)
        if self.place is not None:
            self.place.wait(lambda: self._refuse(crowded()))

    def _late(self) -> None:
        self.shared.figures.limited("head-time")
        self._end(_answer(408, "head-time", f"the head of a request may take {self.shared.limits.head:.0f} s"))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._over or self.transport.is_closing():
            return
        if self.cycle.response_complete:
            self._await_head()
        else:
            self._work()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._await_reading()

    def _await_reading(self) -> None:
        """That the client reads what it asked for."""
        self._wait(lambda: self._cut("unread"), self.shared.limits.unread)
        if self.place is not None:
            self.place.wait(lambda: self._cut("crowded"))

    def _cut(self, limit: str) -> None:
        self.shared.figures.limited(limit)
        self.transport.abort()

    def _work(self) -> None:
        """It is our turn, unless what we said before isn't read."""
        if self.flow.write_paused:
            return
        self._wait(None)
        if self.place is not None:
            self.place.work()

    def _wait(self, then: Callable[[], None] | None, seconds: float = 0.0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, then) if then is not None else None

    # -- parting between requests -------------------------------------------------------------------------------

    def _refuse(self, error: Temporary) -> None:
        self.shared.figures.limited(error.code)
        self._end(_answer(status_of(error.code), error.code, error.says, _again(error)))

    def _end(self, answer: bytes) -> None:
        """Say that, and part; some of those who are told so are read from for a moment more."""
        if self.transport.is_closing():
            return
        self.transport.write(answer)
        self._wait(self.transport.abort, self.shared.limits.linger)
        if self.place is not None:
            self.place.over(self.transport.abort)
        if self.shared.lingering < _LINGERING:
            self.shared.lingering += 1
            self._over = True
            self.transport.write_eof()
        else:
            self.transport.close()


def _again(error: Temporary) -> dict[str, str]:
    return {"Retry-After": str(int(error.after) + 1), "Connection": "close"}


def _answer(status: int, code: str, says: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """A whole answer, after which the connection ends."""
    body = json.dumps({"code": code, "says": says}).encode()
    told = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body
