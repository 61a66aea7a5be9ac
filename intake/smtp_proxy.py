"""The PROXY header: who the client is, as a load balancer of ours says before its first byte; versions 1 and 2.

HAProxy's PROXY protocol, sections 2.1 and 2.2. aiosmtpd reads the header; that it is there whole, and how long it is,
is found out here first, so that nothing ever waits. A header for a connection of the balancer itself (LOCAL,
UNKNOWN) names nobody: its own address counts then.
"""

import logging
from typing import NamedTuple

from aiosmtpd import proxy_protocol
from aiosmtpd.proxy_protocol import AF, PROTO, V2_CMD, V2_SIGNATURE, ProxyData

proxy_protocol.log.setLevel(logging.CRITICAL + 1)  # it would write addresses into the log
_V1 = b"PROXY "
_V1_MOST = 107
_V2_MOST = 4096


class Client(NamedTuple):
    """The address and port that the header names; '' and 0 when it names nobody."""

    address: str
    port: int


class Bad(Exception):
    """That is no PROXY header."""


def read(data: bytes) -> tuple[Client, int] | None:
    """(client, bytes of the header), or None while more of it must come; raises Bad."""
    size = _size(data)
    if size is None:
        return None
    found = _parsed(data[:size])
    if not found.valid:
        raise Bad
    return _client(found), size


def _size(data: bytes) -> int | None:
    """How long the header at the start is; None when that isn't here yet."""
    if data.startswith(_V1):
        end = data.find(b"\n", 0, _V1_MOST)
        if end < 0 and len(data) >= _V1_MOST:
            raise Bad
        return end + 1 or None
    if data.startswith(V2_SIGNATURE):
        if len(data) < 16:
            return None
        size = 16 + int.from_bytes(data[14:16], "big")
        if size > _V2_MOST:
            raise Bad
        return size if len(data) >= size else None
    if _V1.startswith(data) or V2_SIGNATURE.startswith(data):
        return None
    raise Bad


class _Given:
    """Bytes that are all here, in the shape of a stream."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, n: int = -1) -> bytes:
        taken, self._data = (self._data, b"") if n < 0 else (self._data[:n], self._data[n:])
        return taken

    async def readexactly(self, n: int) -> bytes:
        return await self.read(n)

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        return await self.read(self._data.find(separator) + len(separator))


def _parsed(header: bytes) -> ProxyData:
    """What aiosmtpd reads of a header; its coroutine never has to wait, so it ends at the first step."""
    reading = proxy_protocol.get_proxy(_Given(header))
    try:
        reading.send(None)
    except StopIteration as ended:
        found: ProxyData = ended.value
        return found
    reading.close()
    raise Bad


def _client(found: ProxyData) -> Client:
    nobody = found.version == 1 and found.protocol == PROTO.UNSPEC
    if nobody or (found.version == 2 and (found.command == V2_CMD.LOCAL or found.family == AF.UNSPEC)):
        return Client("", 0)
    if found.protocol != PROTO.STREAM or found.family not in (AF.INET, AF.INET6):
        raise Bad
    return Client(str(found.src_addr), int(found.src_port or 0))
