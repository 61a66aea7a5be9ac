"""SMTP settings: where and as whom the SMTP door stands, and what one client may have of it.

The figures are those of the house's table of default limits.
"""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one client may have: bytes, counts, seconds, bytes per second; a count of 0 is no limit."""

    size: int = 25_000_000
    recipients: int = 100
    commands: int = 300
    per_source: int = 20
    total: int = 200
    per_minute: int = 60
    idle: float = 300.0
    message_time: float = 300.0
    grace: float = 30.0
    rate: int = 500


@dataclass(frozen=True)
class Settings:
    """Where and as whom the door stands; `domains` are those it takes mail for, none means every recipient."""

    host: str = "127.0.0.1"
    port: int = 0
    name: str = "localhost"
    domains: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    limits: Limits = Limits()
