"""Excuses: what speaks for the host that handed the mail over, whatever else is found.

`excuses` are sentences with their cites: it had logged in, it passed the mail on for others, or it is authorised by the
domain in whose name it sent. They never clear the message, only this host as open relay, proxy or zombie; and those of
CLAIMED, which a sender can type, clear nobody: they are said against a finding, or leave it open.
Guards from `reference/indicators.md` 5.4.
"""

from enrichment.judging import Facts
from enrichment.passed import passings
from enrichment.side import family
from intake.record import Cite, Value

VERIFIED = frozenset({"verified-now", "recomputed", "asserted-trusted"})
"""How a result must be known to count: never by what an untrusted header says of itself."""
CLAIMED = ("list", "forward", "service")


class Excuse(Value, frozen=True):
    """`kind`: login, list, forward, service, bounce, permitted, signed."""

    kind: str
    says: str
    cites: tuple[Cite, ...]


def excuses(facts: Facts) -> tuple[Excuse, ...]:
    """Everything that speaks for the host at the boundary."""
    return (*_login(facts), *_passed(facts), *_bounce(facts), *_permitted(facts), *_signed(facts))


def of(found: tuple[Excuse, ...], *kinds: str) -> tuple[Excuse, ...]:
    return tuple(each for each in found if each.kind in kinds)


def against(found: tuple[Excuse, ...]) -> tuple[str, ...]:
    """The sentences, as counter-evidence."""
    return tuple(f"{each.says[:1].upper()}{each.says[1:]}." for each in found)


def _login(facts: Facts) -> tuple[Excuse, ...]:
    hop = facts.handover
    if hop is None or not hop.authenticated:
        return ()
    return (Excuse(kind="login", says=f"the sender had logged in at {hop.by or 'the receiver'}", cites=(hop.cite,)),)


def _passed(facts: Facts) -> tuple[Excuse, ...]:
    return tuple(
        Excuse(kind=each.how, says=f"the host may have passed the mail on: {each.says}", cites=(each.cite,))
        for each in passings(facts.message)
    )


def _bounce(facts: Facts) -> tuple[Excuse, ...]:
    """An empty envelope sender: a report of non-delivery, perhaps to a forged sender (RFC 5321 section 4.5.5)."""
    empty = [header for header in facts.message.all("Return-Path") if header.value.strip() == "<>"]
    return tuple(
        Excuse(kind="bounce", says="the envelope sender is empty: a report of non-delivery", cites=(each.cite,))
        for each in empty[:1]
    )


def _permitted(facts: Facts) -> tuple[Excuse, ...]:
    """SPF by the domain of the envelope permits the host."""
    return tuple(
        Excuse(kind="permitted", says=f"the SPF record of {each.domain} permits {facts.boundary.ip}", cites=each.cites)
        for each in facts.check("spf")
        if each.result == "pass" and each.basis in VERIFIED
    )


def _signed(facts: Facts) -> tuple[Excuse, ...]:
    """A valid DKIM signature by the house of the host."""
    houses = {family(facts.name), family(facts.boundary.helo)} - {""}
    return tuple(
        Excuse(kind="signed", says=f"{each.domain}, the house of the host, signed the mail", cites=each.cites)
        for each in facts.check("dkim")
        if each.result == "pass" and each.basis in VERIFIED and family(each.domain) in houses
    )
