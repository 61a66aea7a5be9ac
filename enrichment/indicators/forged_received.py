"""Forged trace: whether lines below the boundary were made up, to point the finger at somebody else.

Present by one sign that no honest server leaves, or by two weaker ones in the same line; a wrong clock or a server with
two names alone is no forgery. Signs: `enrichment/forged.py`.
"""

from enrichment.finding import Finding
from enrichment.forged import SIGNS, STRONG
from enrichment.judging import Facts, Indicator, Says

NAME, VERSION = "forged-received", 1
BASIS = "RFC 5321 section 4.4, and what servers are known to write"
_says = Says(NAME, VERSION, BASIS, "observed")


def judge(facts: Facts) -> Finding:
    host = facts.boundary.ip
    suspect = tuple(hop for hop in facts.below if hop.zone == "claimed")
    if not suspect:
        return _says.absent(host, f"No line below the handover by {host} claims anything.", facts.cites())
    marked = tuple(hop for hop in suspect if hop.forged)
    codes = tuple(dict.fromkeys(code for hop in marked for code in hop.forged))
    strong = [code for code in codes if code in STRONG]
    cites = (*facts.cites(), *(hop.cite for hop in marked or suspect))
    if not codes:
        return _says.absent(host, f"Nothing shows that the lines below {host} were made up.", cites)
    words = "; ".join(f"line {hop.index + 1}: {SIGNS[code]}" for hop in marked for code in hop.forged)
    against = () if strong else ("Badly kept clocks and servers with two names leave the same traces.",)
    if strong:
        return _says.present(host, "strong" if len(codes) > 1 else "moderate", f"{words}.", cites, against)
    if any(len(hop.forged) > 1 for hop in marked):
        return _says.present(host, "weak", f"{words}.", cites, against)
    return _says.unknown(host, f"Weak signs only, none beside another: {words}.", cites)


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary",),
    sentence="Were lines below the handover made up?",
    basis=BASIS,
    judge=judge,
)
