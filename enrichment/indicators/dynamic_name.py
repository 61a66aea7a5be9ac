"""Dynamic name: whether the reverse name of the host at the boundary is that of an access line.

The name recorded at receipt comes first; a later lookup has its own time. It is no offence to have such a name: it is
one part of other findings. Rules: SpamAssassin's 20_dynrdns.cf and rspamd's hfilter (`reference/indicators.md` 5.3).
"""

from enrichment.finding import Finding
from enrichment.generic import Kind, kind
from enrichment.judging import Facts, Indicator, Says, cite

NAME, VERSION = "dynamic-name", 1
BASIS = "the reverse name, by the naming of access providers"
_says = Says(NAME, VERSION, BASIS, "observed")
_WORDS = {
    Kind.HOSTED: "that of a rented server",
    Kind.STATIC: "said to be static",
    Kind.SERVER: "that of a server",
    Kind.PLAIN: "no name of an access line",
}


def judge(facts: Facts) -> Finding:
    host, name = facts.boundary.ip, facts.name
    now = (cite(facts.pointer),) if facts.pointer is not None else ()
    cites = (*facts.cites(), *now)
    if not name:
        return _says.absent(host, f"{host} has no reverse name at all.", cites)
    found = kind(name, host)
    against = () if facts.confirmed is not False else (f"{name} does not lead back to {host}, so it may be invented.",)
    if found is Kind.DYNAMIC:
        says = f"The reverse name of {host}, {name}, is that of an access line."
        return _says.present(host, "moderate", says, cites, against)
    if found is Kind.NUMBERED:
        says = f"The reverse name of {host}, {name}, is made of its address, as access providers and hosters do."
        return _says.present(host, "weak", says, cites, against)
    return _says.absent(host, f"The reverse name of {host}, {name}, is {_WORDS[found]}.", cites, against)


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary", "lookup:PTR"),
    sentence="Is the reverse name of the host that handed the mail over that of an access line?",
    basis=BASIS,
    judge=judge,
)
