"""Path: the Received lines of a message, walked from the top to the boundary hop.

`walk` gives every line as a Hop with its zone and its signs of forgery, and the Boundary: the line in which the
reporter's own side wrote down who handed the mail over. Only that address is certain; everything below can be typed by
the sender. Where edges are known, a line that the sender could have written never becomes the boundary: the walk stops
at the first public address that one of them did not write, and says so. Where none are known the side is inferred, and
the confidence says that. Lines that can't be read are kept and counted, and lower the confidence.
Source: the walks of SpamAssassin and rspamd, and SpamCop's mailhosts, as compared in `reference/indicators.md` 5.1.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from enrichment.addresses import parse, public
from enrichment.examination import Boundary, Confidence, Hop
from enrichment.forged import signs
from enrichment.passed import passings
from enrichment.received import read
from enrichment.side import Side, delivered, family, fetched, inferred, registered
from intake.domains import registrable
from intake.message import Message
from intake.report import Claims

HOPS = 100
"""Received lines that are read, from the top: what RFC 5321 section 6.3 lets a message have before it is a loop."""
LEVELS: tuple[Confidence, ...] = ("none", "low", "medium", "high")


class _Found(NamedTuple):
    """Where a walk ended: `at`, the index of the handover, or -1, how sure (place in LEVELS), and why, in sentences."""

    at: int
    level: int
    why: tuple[str, ...]


def walk(message: Message, edges: tuple[str, ...], claims: Claims) -> tuple[tuple[Hop, ...], Boundary]:
    """The hops, top line first, and the boundary, for a report of somebody whose own servers are `edges`.

    `edges` are host names, domains, addresses or networks; () where none are known. `claims` are compared, not used.
    """
    headers = message.all("Received")[:HOPS]
    hops = tuple(read(header, index) for index, header in enumerate(headers))
    if not hops:
        return (), _boundary((), _compared(_Found(-1, 0, ("no Received lines",)), (), claims))
    found = _compared(_search(hops, registered(edges) if edges else None), hops, claims)
    texts = [header.value for header in headers]
    return _marked(message, hops, texts, found.at), _boundary(hops, found)


def limits(message: Message) -> tuple[str, ...]:
    """('hops',) where a message has more Received lines than are read."""
    return ("hops",) if len(message.all("Received")) > HOPS else ()


def _search(hops: Sequence[Hop], side: Side | None) -> _Found:
    """By the registered edges; by inference where there are none, or where not one line names one of them."""
    if side is None:
        return _descend(hops, inferred(hops))
    if any(side.wrote(hop) for hop in hops):
        return _descend(hops, side)
    found = _descend(hops, inferred(hops))
    why = "no line names one of the reporter's registered edges, so the side was inferred"
    return _Found(found.at, min(found.level, 1), (why, *found.why))


def _descend(hops: Sequence[Hop], side: Side) -> _Found:
    """Down to the first line in which the side took mail from a public address that is not its own."""
    notes: list[str] = []
    for hop in hops:
        if (stop := _barred(hop, side)) is not None:
            return _Found(-1, 0, (stop,))
        if not hop.parsed or (not hop.ip and registrable(hop.helo) and not delivered(hop)):
            notes.append(f"line {hop.index + 1} can't be read or names no address")
        elif public(hop.ip) and not fetched(hop) and not delivered(hop) and not side.sent(hop):
            if (passed := _passed_over(hop, hops, side)) is None:
                return _handover(hop, side, notes)
            notes.append(passed)
    return _Found(-1, 0, (_nobody(hops, side),))


def _barred(hop: Hop, side: Side) -> str | None:
    """Why nothing below this line may be used, where the edges are known."""
    if not side.certain or fetched(hop) or delivered(hop):
        return None
    line = f"line {hop.index + 1}"
    if side.wrote(hop):
        nameless = not hop.ip and registrable(hop.helo) and not side.owns(hop.helo)
        if hop.parsed and not nameless:
            return None
        fault = "names no address" if hop.parsed else "can't be read"
        return f"{line}, written by the edge {hop.by}, {fault}, and the sender can have typed what stands below it"
    if public(hop.ip) and not side.sent(hop):
        return f"{line} was written by {hop.by or 'nobody named'}, which is no registered edge of the reporter"
    return None


def _passed_over(hop: Hop, hops: Sequence[Hop], side: Side) -> str | None:
    """Why an inferred walk goes on below a public address; None where it ends here."""
    below = [each for each in hops[hop.index + 1 :] if each.parsed and side.owns(each.by)]
    if side.certain or side.shared or not below:
        return None
    if hop.authenticated and any(public(each.ip) and not side.sent(each) for each in below):
        return f"line {hop.index + 1} was passed over as a login of the reporter's own side"
    unchecked = hop.dialect in ("exchange", "imail", "plain", "communigate", "named", "qmail") and not hop.unnamed
    if unchecked and side.owns(hop.helo) and side.owns(hop.rdns or hop.helo) and below[0].by == hop.helo.lower():
        return f"line {hop.index + 1} was passed over: {hop.helo}, by name of the reporter's side, wrote the next one"
    return None


def _handover(hop: Hop, side: Side, notes: Sequence[str]) -> _Found:
    if side.certain:
        why, level = f"{hop.by or hop.by_ip}, an edge that the reporter named, took the mail from {hop.ip}", 3
        if side.owns(hop.helo):
            why += f"; it calls itself {hop.helo} like one of the reporter's own, which the line does not confirm"
            level = 1
    else:
        why = f"inferred: {hop.ip} is the first public address from which {hop.by or 'the top line'} took the mail"
        level = 2 if side.wrote(hop) and registrable(hop.by) else 1
    if hop.authenticated:
        why += ", from somebody who had logged in"
    level -= len(notes) if side.certain else bool(notes)
    return _Found(hop.index, max(level, 1), (why, *notes))


def _nobody(hops: Sequence[Hop], side: Side) -> str:
    if any(hop.parsed and side.wrote(hop) for hop in hops):
        return "no line shows mail handed to the reporter's side from outside"
    return "no line names a public address"


def _compared(found: _Found, hops: Sequence[Hop], claims: Claims) -> _Found:
    """The same with the address that the report claims set beside it (RFC 5965 section 3.2, Source-IP)."""
    text = claims.source_ip.strip()
    if not text:
        return found
    # Some write the host's name behind the address, in parentheses.
    claimed = parse(text.partition("(")[0])
    if claimed is None:
        return found._replace(why=(*found.why, "the address that the report claims can't be read"))
    if found.at < 0:
        return found._replace(why=(*found.why, f"the report claims {claimed}, which no line confirms"))
    if str(claimed) == hops[found.at].ip:
        level = min(found.level + 1, len(LEVELS) - 1)
        return _Found(found.at, level, (*found.why, "the report claims the same address"))
    elsewhere = any(hop.ip == str(claimed) for hop in hops)
    where = "which stands in another line" if elsewhere else "which stands in no line"
    return _Found(found.at, max(found.level - 1, 1), (*found.why, f"the report claims {claimed}, {where}"))


def _boundary(hops: Sequence[Hop], found: _Found) -> Boundary:
    reason = "; ".join(found.why)
    if found.at < 0:
        return Boundary(reason=reason)
    hop = hops[found.at]
    return Boundary(
        index=hop.index,
        ip=hop.ip,
        helo=hop.helo,
        rdns=hop.rdns,
        confidence=LEVELS[found.level],
        reason=reason,
        cite=hop.cite,
    )


def _marked(message: Message, hops: tuple[Hop, ...], texts: Sequence[str], at: int) -> tuple[Hop, ...]:
    """The hops with zone and signs of forgery; only lines that the sender can have written are suspected."""
    forwarded = _forwarder(message, hops, at)
    marked = []
    for hop, text in zip(hops, texts, strict=True):
        zone: Literal["edge", "forwarder", "claimed"] = "edge" if hop.index <= at else "claimed"
        if at < hop.index <= forwarded:
            zone = "forwarder"
        above = hops[hop.index - 1] if 0 <= at < hop.index else None
        marked.append(replace(hop, zone=zone, forged=signs(hop, text, above) if zone == "claimed" else ()))
    return tuple(marked)


def _forwarder(message: Message, hops: Sequence[Hop], at: int) -> int:
    """Index of the last line, counted without a gap below the boundary, that the forwarder's own hosts wrote."""
    if at < 0 or not passings(message):
        return at
    house = family(hops[at].rdns)
    last = at
    while house and last + 1 < len(hops) and family(hops[last + 1].by) == house:
        last += 1
    return last
