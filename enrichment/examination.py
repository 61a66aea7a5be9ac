"""Examination: everything that one round found out about one report, lookups and findings together.

One record per report and round; a further round adds a record and changes none. The parts: the message, the hops of
its Received lines, the boundary hop, the authentication results by how they are known, the lookups, the findings.
"""

from datetime import datetime
from typing import Literal

from enrichment.facts import Lookup
from enrichment.finding import Finding
from intake.message import Message
from intake.record import Cite, Record, Value

Confidence = Literal["none", "low", "medium", "high"]
Basis = Literal["verified-now", "recomputed", "asserted-trusted", "asserted-untrusted", "not-possible"]


class Hop(Value, frozen=True, kw_only=True):
    """One Received line; index 0 is the topmost (newest). Text fields are '' where the line has no such thing.

    `helo` is what the sending host called itself (attacker's text), `rdns` the name the receiver looked up,
    `ip` the address that connected. `zone`: edge (added by the reporter's own side), forwarder, claimed (anyone below
    the boundary can have typed it). `forged` are reason codes; sentences for them are in `enrichment/forged.py`.
    `unnamed`: the receiver looked for a reverse name and found none that maps back, which differs from not looking.
    `by_ip` is the receiver's own address where it wrote one; `dialect` names the row of `enrichment/received.py`.
    """

    index: int
    helo: str = ""
    rdns: str = ""
    ip: str = ""
    by: str = ""
    protocol: str = ""
    time: datetime | None = None
    authenticated: bool = False
    unnamed: bool = False
    by_ip: str = ""
    dialect: str = ""
    parsed: bool = True
    zone: Literal["edge", "forwarder", "claimed"] = "claimed"
    forged: tuple[str, ...] = ()
    cite: Cite


class Boundary(Value, frozen=True):
    """The hop at which the mail was handed to the reporter's side. index -1: not determinable, `reason` says why."""

    index: int = -1
    ip: str = ""
    helo: str = ""
    rdns: str = ""
    confidence: Confidence = "none"
    reason: str = ""
    cite: Cite | None = None


class Check(Value, frozen=True):
    """One authentication result: `result` in the words of RFC 8601 section 2.7, or 'unverifiable' (with `reason`).

    A DKIM signature that can't be checked any more is unverifiable, never fail.
    """

    method: Literal["spf", "dkim", "dmarc", "arc", "iprev", "auth"]
    result: str
    domain: str = ""
    selector: str = ""
    reason: str = ""
    basis: Basis = "not-possible"
    aligned: bool | None = None
    by: str = ""
    """authserv-id, for asserted results."""
    cites: tuple[Cite, ...] = ()


class Examination(Record, frozen=True):
    """What round `round` (from 1) found out about `report`."""

    kind = "examination"
    sealed_under = ("submission", "submission")
    indexed = ("report",)

    report: str
    submission: str
    round: int
    at: datetime
    message: Message
    hops: tuple[Hop, ...] = ()
    boundary: Boundary = Boundary()
    checks: tuple[Check, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    findings: tuple[Finding, ...] = ()
    limits: tuple[str, ...] = ()
    """Why this report is not fully examined; () when it is."""

    @property
    def key(self) -> str:
        return f"{self.report}/{self.round}"

    def lookup(self, type_: str, name: str) -> Lookup | None:
        """The answer to that question in this round."""
        return next((each for each in self.lookups if each.type == type_ and each.name == name), None)
