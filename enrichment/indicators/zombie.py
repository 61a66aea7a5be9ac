"""Zombie: whether the host at the boundary is a private or compromised machine that a stranger makes send mail.

Judged of the last external host only, and only where it did not log in: a dynamic address behind its own provider's
server is normal. Access line (reverse name, or a policy list), infection (a list), conduct (what it called itself,
straight to the recipient's server with the traces of a reader's program) are kept apart; no one of them is enough.
Rules: SpamAssassin's RDNS_DYNAMIC, rspamd's hfilter and the Botnet plugin (`reference/indicators.md` 5.3).
"""

from typing import NamedTuple

from enrichment import helo
from enrichment.direct import straight
from enrichment.excuses import CLAIMED, against, excuses, of
from enrichment.finding import Finding, Strength
from enrichment.generic import Kind, kind
from enrichment.judging import Facts, Indicator, Says, cite
from intake.domains import registrable
from intake.record import Cite

NAME, VERSION = "zombie", 1
BASIS = "reverse names, policy and exploit lists, HELO (RFC 5321 section 4.1.1.1)"
_says = Says(NAME, VERSION, BASIS)


class _Signs(NamedTuple):
    """Sentences of each sort, and the lists behind them."""

    access: tuple[str, ...]
    infected: tuple[str, ...]
    conduct: tuple[str, ...]
    zones: tuple[str, ...]


def judge(facts: Facts) -> Finding:
    host = facts.boundary.ip
    if guards := of(excuses(facts), "login", "signed"):
        says = f"{host} is no zombie of this mail: {guards[0].says}."
        return _says.absent(host, says, (*facts.cites(), *guards[0].cites))
    if small := _small_server(facts):
        return _says.absent(host, f"{host} is the mail server of the sender's own domain.", (*facts.cites(), *small))
    signs = _signs(facts)
    strength = _strength(facts, signs)
    if strength != "none":
        says = f"{host}: {'; '.join((*signs.access, *signs.infected, *signs.conduct))}."
        return _says.present(
            host, strength, says, (*facts.cites(*signs.zones), *_pointer(facts)), _doubts(facts, signs)
        )
    if not signs.access and not signs.infected and _all_known(facts):
        zones = tuple(each.zone for each in facts.listings if each.status in ("clean", "listed"))
        says = f"{host} has no name of an access line, and no list calls it infected or an access line."
        return _says.absent(host, says, (*facts.cites(*zones), *_pointer(facts)))
    if not signs.access and facts.listed("proxy", "tor", "vpn"):
        zones = tuple(each.zone for each in facts.listed("proxy", "tor", "vpn"))
        says = f"{host} has no name of an access line, and what lists say of it fits a proxy better."
        return _says.absent(host, says, (*facts.cites(*zones, *signs.zones), *_pointer(facts)))
    return _says.unknown(host, f"What is known of {host} decides nothing.", facts.cites())


def _signs(facts: Facts) -> _Signs:
    host, name = facts.boundary.ip, facts.name
    access, infected = [], []
    if kind(name, host) is Kind.DYNAMIC:
        access.append(f"its reverse name {name} is that of an access line")
    elif kind(name, host) is Kind.NUMBERED:
        access.append(f"its reverse name {name} is made of its address")
    for listing in facts.listings:
        access += [f"{listing.zone} says {code.says}" for code in listing.codes if code.kind == "dynamic"]
        infected += [f"{listing.zone} says {code.says}" for code in listing.codes if code.kind == "exploited"]
    conduct = [*helo.signs(facts.boundary.helo, host), *(each.says for each in straight(facts) if each.telling)]
    zones = tuple(each.zone for each in facts.listed("dynamic", "exploited"))
    return _Signs(tuple(access), tuple(infected), tuple(conduct), zones)


def _strength(facts: Facts, signs: _Signs) -> Strength:
    if signs.infected and signs.access:
        return "strong"
    if signs.access and signs.conduct:
        return "moderate" if facts.listed("dynamic") or kind(facts.name, facts.boundary.ip) is Kind.DYNAMIC else "weak"
    if signs.infected and not facts.listed("proxy", "tor", "vpn"):
        return "moderate" if signs.conduct else "weak"
    return "none"


def _small_server(facts: Facts) -> tuple[Cite, ...]:
    """The envelope's domain is this host, or names it as mail exchanger: a small server and no bot (Botnet's SOHO)."""
    domain = registrable(facts.message.return_path.strip("<> ").rpartition("@")[2])
    exchangers = facts.lookup("MX", domain)
    names = {facts.name} if facts.confirmed else set()
    if exchangers is not None and names & {text.split()[-1] for text in exchangers.answers[:5] if text.split()}:
        return (cite(exchangers),)
    own = facts.lookup("AAAA" if ":" in facts.boundary.ip else "A", domain)
    return (cite(own),) if own is not None and facts.boundary.ip in own.answers[:5] else ()


def _all_known(facts: Facts) -> bool:
    """Whether name and lists have answered, so that nothing found means something."""
    return facts.named is not None and facts.unlisted("dynamic") and facts.unlisted("exploited")


def _pointer(facts: Facts) -> tuple[Cite, ...]:
    return (cite(facts.pointer),) if facts.pointer is not None else ()


def _doubts(facts: Facts, signs: _Signs) -> tuple[str, ...]:
    says = [*against(of(excuses(facts), *CLAIMED))]
    if facts.listed("proxy", "tor", "vpn"):
        says.append("A list calls it a proxy: the sender may be elsewhere.")
    if signs.infected:
        says.append("Lists were asked now, not when the mail was sent; behind one address many machines may stand.")
    if not signs.infected:
        says.append("No list calls it infected; a private mail server on an access line leaves the same traces.")
    if facts.confirmed is False:
        says.append("The reverse name does not lead back to the address, so it may be invented.")
    return tuple(says)


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary",),
    sentence="Is the host that handed the mail over a private or compromised machine?",
    basis=BASIS,
    judge=judge,
)
