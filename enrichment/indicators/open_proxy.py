"""Open proxy: whether the host at the boundary lent its address to somebody else.

A proxy writes no Received line, so the connecting address is the proxy, and lines below it are the sender's. From the
lines alone a proxy can't be told from a host that sends directly; so a list must say proxy, or an impossible chain must
stand behind an exploited address that is no access line. Pattern: MAPS OPS and `reference/indicators.md` 5.4.
"""

from enrichment.blocklists import Listing
from enrichment.excuses import CLAIMED, against, excuses, of
from enrichment.finding import Finding
from enrichment.forged import SIGNS, STRONG
from enrichment.generic import Kind, kind
from enrichment.judging import Facts, Indicator, Says

NAME, VERSION = "open-proxy", 1
BASIS = "blocklist codes (RFC 5782) and impossible Received lines in the pattern of MAPS OPS"
PROXY = ("proxy", "tor", "vpn")
_says = Says(NAME, VERSION, BASIS)


def judge(facts: Facts) -> Finding:
    host = facts.boundary.ip
    found = excuses(facts)
    listed = facts.listed(*PROXY)
    chain = forged_chain(facts)
    if guards := of(found, "login"):
        says = f"{host} did not lend its address: {guards[0].says}."
        return _says.absent(host, says, (*facts.cites(), *guards[0].cites))
    if listed:
        return _listed(facts, listed, chain)
    exploited = facts.listed("exploited")
    if chain and exploited and kind(facts.name, host) not in (Kind.DYNAMIC, Kind.NUMBERED):
        cites = (*facts.cites(*(each.zone for each in exploited)), *(facts.hops[n].cite for n, _ in chain))
        says = f"{host} is listed as exploited, and the lines below it are impossible: {SIGNS[chain[0][1]]}."
        doubt = "No list says proxy; a program on the host itself would leave the same traces."
        return _says.present(host, "weak", says, cites, (*against(of(found, *CLAIMED)), doubt))
    return _not_listed(facts)


def _listed(facts: Facts, listed: tuple[Listing, ...], chain: tuple[tuple[int, str], ...]) -> Finding:
    host = facts.boundary.ip
    words = "; ".join(f"{each.zone} says {code.says}" for each in listed for code in each.codes if code.kind in PROXY)
    cites = facts.cites(*(each.zone for each in listed))
    doubts = ["The list was asked now, not when the mail was sent; addresses change hands."]
    if kind(facts.name, host) is Kind.DYNAMIC:
        doubts.append(f"{facts.name} is the name of an access line: an infected machine is as likely.")
    if not chain:
        return _says.present(host, "moderate", f"{host} is listed: {words}.", cites, tuple(doubts))
    says = f"{host} is listed: {words}; the lines below it can't be true: {SIGNS[chain[0][1]]}."
    return _says.present(host, "strong", says, (*cites, *(facts.hops[n].cite for n, _ in chain)), tuple(doubts))


def _not_listed(facts: Facts) -> Finding:
    host = facts.boundary.ip
    if not facts.unlisted(*PROXY):
        return _says.unknown(host, f"No list that knows proxies gave a whole answer for {host}.", facts.cites())
    zones = tuple(each.zone for each in facts.listings if each.status in ("clean", "listed"))
    return _says.absent(host, f"No list that knows proxies has {host}.", facts.cites(*zones))


def forged_chain(facts: Facts) -> tuple[tuple[int, str], ...]:
    """Index and sign of every line below the boundary that can't be true."""
    return tuple((hop.index, code) for hop in facts.below for code in hop.forged if code in STRONG)


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary", "lists"),
    sentence="Did the host that handed the mail over lend its address to somebody else?",
    basis=BASIS,
    judge=judge,
)
