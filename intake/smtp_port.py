"""The SMTP port: who is connected to a listening door, who is let in, and how all of them are parted from."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from intake.accept import Acceptor
from intake.gate import Gate
from intake.smtp_replies import CLOSING
from intake.smtp_settings import Settings


class Session(Protocol):
    """What the port knows of a connection."""

    source: str
    transport: asyncio.Transport | None

    def close_when_idle(self) -> None: ...


class Port:
    """A listening port and its sessions; lives in one event loop; see `intake.running.Listening`."""

    def __init__(self, settings: Settings, acceptor: Acceptor) -> None:
        limits = settings.limits
        loop = asyncio.get_running_loop()
        self.settings, self.acceptor, self.closing = settings, acceptor, False
        self.gate = Gate(loop.time, limits.per_source, limits.total, limits.per_minute)
        self._domains = frozenset(domain.lower() for domain in settings.domains)
        self.port = settings.port
        self._sessions: set[Session] = set()
        self._server: asyncio.Server | None = None

    async def open(self, connect: Callable[[], asyncio.Protocol]) -> None:
        """Listen; `connect` makes the protocol of each connection."""
        where = self.settings
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(connect, where.host, where.port, backlog=1024, reuse_address=True)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def admit(self, session: Session) -> str:
        """'' and the session counts, or the reply that turns it away."""
        if self.closing:
            return CLOSING
        limit = self.gate.enter(session.source)
        if not limit:
            self._sessions.add(session)
        return {
            "": "",
            "source": "421 4.7.0 too many connections from your address",
            "total": "421 4.3.2 too many connections, please come back",
        }[limit]

    def left(self, session: Session) -> None:
        """The session's connection is gone."""
        self._sessions.discard(session)
        self.gate.leave(session.source)

    def serves(self, address: str) -> bool:
        """Whether mail for that address is ours; postmaster needs no domain (RFC 5321 section 4.5.1)."""
        domain = address.rpartition("@")[2].lower()
        return not self._domains or domain in self._domains or address.lower() == "postmaster"

    async def close(self, grace: float) -> None:
        """Take no more sessions, let those in the middle of a message finish for `grace` seconds."""
        self.closing = True
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.close_when_idle()
        end = asyncio.get_running_loop().time() + grace
        while self._sessions and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.abort()
