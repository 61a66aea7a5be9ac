"""The SMTP port: the ways into a door, who is connected, who is let in, and how all of them are parted from."""

import asyncio
import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from intake.accept import Acceptor
from intake.gate import Gate, within
from intake.keyring import Account
from intake.metrics import Door, Metrics
from intake.smtp_replies import CLOSING, over
from intake.smtp_settings import Check, Settings

IDLE = (30, 3, 1)
"""How many times as long as `Limits.pressed` a place may be idle while another waits who has not less of a share, whose
share is smaller by one, and by two or more.
"""


@dataclass(frozen=True)
class Way:
    """One way in. `tls`: from the first byte; `counted`: by source, as strangers are."""

    name: str
    metrics: Door
    lmtp: bool = False
    tls: bool = False
    counted: bool = True


class Session(Protocol):
    """What the port knows of a connection."""

    source: str
    counted: bool
    fruitful: bool
    """It has handed a message over."""
    way: Way
    transport: asyncio.Transport | None

    def close_when_idle(self) -> None: ...
    def idle_since(self) -> float: ...
    def make_room(self) -> None: ...


@contextlib.contextmanager
def _named(place: str) -> Iterator[None]:
    """An OSError says at which place."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, place) from error


def _try(host: str, port: int) -> None:
    """OSError where somebody listens already: the kernel would deal connections out to both of us."""
    for family, type_, protocol, _, address in socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        try:
            trial = socket.socket(family, type_, protocol)
        except OSError:  # a family that this machine doesn't have
            continue
        with trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            trial.bind(address)


Refusing = Callable[[str, str], None]


class Port:
    """The listening door and its sessions; lives in one event loop; see `intake.running.Listening`."""

    def __init__(self, settings: Settings, acceptor: Acceptor, check: Check | None, metrics: Metrics) -> None:
        limits = settings.limits
        loop = asyncio.get_running_loop()
        self.settings, self.acceptor, self.check, self.closing = settings, acceptor, check, False
        self.gate = Gate(
            loop.time, limits.per_source, limits.total, limits.per_minute, limits.per_network, limits.network_per_minute
        )
        self.refused: Refusing = lambda account, code: None
        """Told of each message of an account that was refused, and why."""
        self.ports: dict[str, int] = {}
        """Where it listens, by the name of the way: smtp, smtp-tls, lmtp."""
        self._domains = frozenset(domain.lower() for domain in settings.domains)
        self._proxies = [ipaddress.ip_network(each) for each in settings.proxies]
        self._sessions: set[Session] = set()
        self._nameless: set[Session] = set()
        self._servers: list[asyncio.AbstractServer] = []
        smtp, lmtp = metrics.door("smtp"), metrics.door("lmtp")
        self._ways = [
            (settings.host, settings.port, Way("smtp", smtp)),
            (settings.host, settings.tls_port, Way("smtp-tls", smtp, tls=True)),
            (settings.lmtp_host, settings.lmtp_port, Way("lmtp", lmtp, lmtp=True, counted=False)),
        ]
        self._local = Way("lmtp-socket", lmtp, lmtp=True, counted=False)

    @property
    def port(self) -> int:
        """The first of the ports; 0 when there is none."""
        return next(iter(self.ports.values()), 0)

    async def open(self, connect: Callable[[Way], asyncio.Protocol]) -> None:
        """Listen; `connect` makes the protocol of each connection. OSError when a place can't be had: its `filename`
        says which.
        """
        try:
            for host, port, way in self._ways:
                if port is not None:
                    with _named(f"port {port} of {host or 'this machine'}"):
                        await self._open(partial(connect, way), host, port, way.name)
            if self.settings.lmtp_socket:
                with _named(self.settings.lmtp_socket):
                    await self._open_socket(partial(connect, self._local), Path(self.settings.lmtp_socket))
        except BaseException:
            for each in self._servers:
                each.close()
            raise

    async def _open(self, connect: Callable[[], asyncio.Protocol], host: str, port: int, name: str) -> None:
        if self.settings.shared and self.settings.first and port:
            _try(host, port)
        server = await asyncio.get_running_loop().create_server(
            connect, host, port, backlog=1024, reuse_address=True, reuse_port=self.settings.shared or None
        )
        self._servers.append(server)
        self.ports[name] = int(server.sockets[0].getsockname()[1])

    async def _open_socket(self, connect: Callable[[], asyncio.Protocol], path: Path) -> None:
        """A socket in the file system, for its owner and group; one that a dead process left is taken away."""
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
                trial.setblocking(False)
                if trial.connect_ex(str(path)) != errno.ECONNREFUSED:
                    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            path.unlink()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o117)
        try:
            listening.bind(str(path))
        except OSError:
            listening.close()
            raise
        finally:
            os.umask(before)
        self._servers.append(await asyncio.get_running_loop().create_unix_server(connect, sock=listening, backlog=1024))

    def is_proxy(self, peer: str) -> bool:
        """Whether that peer is a load balancer of ours."""
        return within(peer, self._proxies)

    def admit(self, session: Session, nameless: bool = False) -> str:
        """'' and the session is in, or the reply that turns it away.

        One that is `nameless` gets its place when it is `named`; as many of them as there are places may wait.
        """
        if self.closing:
            return CLOSING
        if not nameless:
            limit = self._enter(session)
        else:
            limit = "total" if 0 < self.settings.limits.total <= len(self._nameless) else ""
        if limit:
            return self._refused(session, limit)
        if nameless:
            self._nameless.add(session)
        self._sessions.add(session)
        session.way.metrics.came()
        session.way.metrics.opened()
        return ""

    def _enter(self, session: Session) -> str:
        """'' and the session has its place, perhaps that of another; or which limit forbids it."""
        limit = self.gate.enter(session.source, session.counted)
        if limit == "total" and self._make_room(session):
            limit = self.gate.enter(session.source, session.counted, beyond=True)
        return limit

    def _refused(self, session: Session, limit: str) -> str:
        session.way.metrics.limited(limit)
        return over(limit, self.settings.limits)

    def _make_room(self, newcomer: Session) -> bool:
        """Part from one who does nothing with its place: of the network with the largest share, and for longest.

        Who has a larger share than the newcomer goes sooner. Who never handed anything over has a larger share from
        then on, so that nobody gains by coming again and again.
        """
        now, pressed = asyncio.get_running_loop().time(), self.settings.limits.pressed
        mine = self.gate.share(newcomer.source, newcomer.counted)
        victims = []
        for each in self._sessions - self._nameless:
            idle = now - each.idle_since()
            if idle >= pressed:
                share = self.gate.share(each.source, each.counted)
                if idle >= IDLE[max(0, min(share - mine, 2))] * pressed:
                    victims.append((share, idle, each))
        if not victims:
            return False
        victim = max(victims, key=lambda found: found[:2])[2]
        if not victim.fruitful:
            self.gate.wasted(victim.source, victim.counted)
        victim.make_room()
        return True

    def named(self, session: Session, source: str, counted: bool) -> str:
        """'' and the session, nameless until now, counts for that source, or the reply that turns it away."""
        session.source, session.counted = source, counted
        limit = self._enter(session)
        if limit:
            return self._refused(session, limit)
        self._nameless.discard(session)
        return ""

    def left(self, session: Session) -> None:
        """The session's connection is gone."""
        self._sessions.discard(session)
        if session in self._nameless:
            self._nameless.discard(session)
        else:
            self.gate.leave(session.source, session.counted)
        session.way.metrics.closed()

    def may_send(self, session: Session, account: Account | None) -> tuple[str, float]:
        """('', 0.0) and one more message counts, or the limit that is in the way and the seconds to wait."""
        if account is not None:
            return self.gate.over_account(account.name, account.per_minute)
        return self.gate.over(session.source) if session.counted else ("", 0.0)

    def serves(self, address: str) -> bool:
        """Whether mail for that address is ours; postmaster needs no domain (RFC 5321 section 4.5.1)."""
        domain = address.rpartition("@")[2].lower()
        return not self._domains or domain in self._domains or address.lower() == "postmaster"

    async def close(self, grace: float) -> None:
        """Take no more sessions, let those in the middle of a message finish for `grace` seconds."""
        self.closing = True
        for server in self._servers:
            server.close()
        if self.settings.lmtp_socket:
            Path(self.settings.lmtp_socket).unlink(missing_ok=True)
        for session in list(self._sessions):
            session.close_when_idle()
        end = asyncio.get_running_loop().time() + grace
        while self._sessions and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.abort()
