"""A join key: one reason to share a case, as a keyed hash that can be compared without being read.

What a key stands for is drawn in a parsing child, which has no secret (`triage/campaign.py`); here it becomes an
HMAC-SHA-256, 16 bytes, so that claims on them tell a stranger nothing.
"""

import hmac
from collections.abc import Iterable

from intake.record import Value


class Drawn(Value, frozen=True):
    """A family of keys and what one of them stands for, as bytes and for people ('' for text)."""

    family: str
    what: bytes
    says: str = ""


class JoinKey(Value, frozen=True):
    """One reason to share a case. `family`: text, domain, link-path, mailbox, wallet, phone, attachment, dkim, network.

    `hash` is 32 hexadecimal digits; `says` is what it stands for ('' for text), for the report's own filing only.
    """

    family: str
    hash: str
    says: str = ""

    @property
    def id(self) -> str:
        """What claims are made on."""
        return f"{self.family}:{self.hash}"


def hashed(drawn: Iterable[Drawn], secret: bytes) -> tuple[JoinKey, ...]:
    """A key for each, in their order, each once. `secret` is the house's key for keyed hashes."""
    return tuple(dict.fromkeys(_key(secret, each) for each in drawn))


def _key(secret: bytes, drawn: Drawn) -> JoinKey:
    digest = hmac.digest(secret, drawn.family.encode() + b"\0" + drawn.what, "sha256")[:16].hex()
    return JoinKey(family=drawn.family, hash=digest, says=drawn.says)
