"""SMTP settings: where and as whom the SMTP door stands, what one client may have of it, and whom it knows by name.

The figures are those of the house's table of default limits; each limit has a reply of its own, a name in the metrics
and a test at its border.
"""

import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from intake.keyring import Account


@dataclass(frozen=True)
class Limits:
    """What one client may have: bytes, counts, seconds, bytes per second; a count of 0 is no limit.

    `commands` and `errors` count since the last message that was kept. A source is an IPv4 address or an IPv6 network
    of 64 bits, a network is its /24 or /48. `fruitless` are the seconds that a client may stay without handing a
    message over, `pressed` the same while no place is free for others (see `smtp_port.IDLE`), `handshake` those for a
    PROXY header or TLS. After `auth_slow` failed logins of one source in ten minutes each further answer waits,
    `auth_delay` seconds and twice as long each time; after `auth_failures` the source may try no more.
    """

    size: int = 25_000_000
    recipients: int = 100
    commands: int = 300
    errors: int = 20
    messages: int = 10_000
    per_source: int = 20
    per_network: int = 60
    total: int = 200
    per_minute: int = 60
    network_per_minute: int = 180
    idle: float = 300.0
    fruitless: float = 900.0
    pressed: float = 1.0
    handshake: float = 30.0
    message_time: float = 300.0
    grace: float = 30.0
    rate: int = 500
    auth_slow: int = 3
    auth_delay: float = 1.0
    auth_failures: int = 10


Check = Callable[[str, str], Account | None]
"""Who has this name and secret; None when nobody has. May take its time; raises when it can't say."""


@dataclass(frozen=True)
class Settings:
    """Where and as whom the door stands; `domains` are those it takes mail for, none means every recipient.

    `port` speaks SMTP, `tls_port` speaks it inside TLS from the first byte (RFC 8314), `lmtp_port` and `lmtp_socket`
    speak LMTP to a mail server of our own in front, whose messages are not counted by source. A port of 0 is a free
    one, None is none. Peers in `proxies` (networks) begin with a PROXY header. `plain_auth`: AUTH also without TLS
    for a client on this machine. `shared`: other processes of this house listen on the same ports; `first`: none of
    them does yet, so whoever does is a stranger.
    """

    host: str = "127.0.0.1"
    port: int | None = 0
    name: str = "localhost"
    domains: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    tls_port: int | None = None
    lmtp_host: str = "127.0.0.1"
    lmtp_port: int | None = None
    lmtp_socket: str = ""
    proxies: tuple[str, ...] = ()
    plain_auth: bool = False
    shared: bool = False
    first: bool = False
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        for each in self.proxies:
            ipaddress.ip_network(each)
        if self.tls_port is not None and self.tls is None:
            raise ValueError("a port for TLS needs a certificate")
        if any(port is not None and port > 65_535 for port in (self.port, self.tls_port, self.lmtp_port)):
            raise ValueError("a port is at most 65535")
        if self.lmtp_port == 25:
            raise ValueError("LMTP may not be on port 25 (RFC 2033 section 5)")
