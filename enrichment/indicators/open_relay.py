"""Open relay: whether the host at the boundary passed on a stranger's mail that it had no business with.

Pattern: the line below the boundary was written by that host itself, a mail server by its reverse name, and shows a
public address of another house that had not logged in and is no mail server by its name, with a sender of neither
house. One report shows no more than
that it once happened, so the strength is never more than weak; `triage/technique.py` joins independent reports.
Lapwing never tries the host out. Pattern and guards: MAPS RSS and `reference/indicators.md` 5.4.
"""

from enrichment import helo
from enrichment.addresses import near, public
from enrichment.examination import Hop
from enrichment.excuses import CLAIMED, against, excuses, of
from enrichment.finding import Finding
from enrichment.forged import SIGNS, STRONG
from enrichment.generic import Kind, kind
from enrichment.judging import Facts, Indicator, Says
from enrichment.side import family
from intake.record import Cite

NAME, VERSION = "open-relay", 1
BASIS = "Received lines (RFC 5321 section 4.4) in the pattern of MAPS RSS"
_says = Says(NAME, VERSION, BASIS)
_DOUBT = (
    "One report can't tell an open relay from a server that knows this client by its address, or a misused account.",
    "The line below the handover is the host's own word; a sender could have made it up.",
)
_LINES = (Kind.DYNAMIC, Kind.NUMBERED)
_GUARDS = ("login", "bounce", "permitted", "signed")


def judge(facts: Facts) -> Finding:
    host = facts.boundary.ip
    cites = facts.cites()
    if not facts.below:
        return _says.absent(
            host, f"No line shows {host} taking the mail from anybody: it is the first that is named.", cites
        )
    hop = facts.below[0]
    if not hop.parsed:
        return _says.unknown(host, f"The line below the handover can't be read, so from whom {host} had it stays open.")
    cites = (*cites, hop.cite)
    if (why := _not_a_relay(facts, hop)) is not None:
        return _says.absent(host, why, cites)
    return _relayed(facts, hop, cites)


def _relayed(facts: Facts, hop: Hop, cites: tuple[Cite, ...]) -> Finding:
    """The line is that of a relay: what speaks for the host decides between present and absent."""
    host = facts.boundary.ip
    found = excuses(facts)
    if guards := of(found, *_GUARDS):
        says = f"{host} took the mail from {hop.ip} and passed it on, but {guards[0].says}."
        return _says.absent(host, says, (*cites, *guards[0].cites))
    taken = f"{host} seems to have taken the mail from {hop.ip}"
    if passed := of(found, *CLAIMED):
        return _says.unknown(host, f"{taken}, but {passed[0].says}.", (*cites, *passed[0].cites))
    if signs := tuple(code for code in hop.forged if code in STRONG):
        return _says.unknown(host, f"{taken}, but the line may be made up: {SIGNS[signs[0]]}.", cites)
    if not _stranger(hop):
        says = f"{taken}, which looks like a mail server itself: it may have forwarded the mail by agreement."
        return _says.unknown(host, says, cites)
    caller = f" calling itself {hop.helo[:100]}" if hop.helo else ""
    says = (
        f"{facts.name} ({host}) took this mail from {hop.ip}{caller} and passed it on, though that host is of another "
    )
    says += "house and had not logged in."
    return _says.present(host, "weak", says, cites, (*against(found), *_DOUBT))


def _not_a_relay(facts: Facts, hop: Hop) -> str | None:
    """Why the lines are not those of a relay."""
    host, house = facts.boundary.ip, {family(facts.name)} - {""}
    if not house or family(hop.by) not in house:
        return f"The line below the handover was not written by {host}, so nothing shows that it passed mail on."
    if not public(hop.ip):
        return f"{host} took the mail from its own network or wrote no address."
    if hop.authenticated:
        return f"{host} took the mail from {hop.ip}, which had logged in."
    if near(hop.ip, host, v4=16, v6=32) or family(hop.rdns) in house:
        return f"{host} took the mail from {hop.ip}, a host of the same house."
    if _sender(facts) in house:
        return f"{host} took the mail from {hop.ip} in the name of its own house."
    if kind(facts.name, host) in _LINES:
        return f"{host} has the name of an access line ({facts.name}), not of a mail server."
    return None


def _stranger(hop: Hop) -> bool:
    """Whether the client is no mail server by its name: an access line, nameless, or called as no server is."""
    if hop.rdns:
        return kind(hop.rdns, hop.ip) in _LINES
    return hop.unnamed or bool(helo.signs(hop.helo, hop.ip))


def _sender(facts: Facts) -> str:
    envelope = facts.message.return_path.strip("<> ").rpartition("@")[2]
    author = facts.message.from_[0].address.rpartition("@")[2] if facts.message.from_ else ""
    return family(envelope or author)


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary", "lookup:PTR"),
    sentence="Did the host that handed the mail over relay it for a stranger?",
    basis=BASIS,
    judge=judge,
)
