"""HELO name: whether the host at the boundary called itself by a name that no mail server in order has.

The name is the sender's own text, written down by the receiver. Rules: `enrichment/helo.py`.
"""

from enrichment import helo
from enrichment.finding import Finding
from enrichment.judging import Facts, Indicator, Says

NAME, VERSION = "helo-name", 1
BASIS = "RFC 5321 section 4.1.1.1"
_says = Says(NAME, VERSION, BASIS, "observed")


def judge(facts: Facts) -> Finding:
    host, called = facts.boundary.ip, facts.boundary.helo
    hop = facts.handover
    if not called:
        return _says.unknown(host, f"The line does not say what {host} called itself.", facts.cites())
    if hop is not None and hop.authenticated:
        return _says.absent(
            host, f"{host} had logged in; what a person's program calls itself says nothing.", facts.cites()
        )
    if signs := helo.signs(called, host):
        against = ("A badly set up mail server may do the same.",)
        return _says.present(host, "weak", f"{host}: {'; '.join(signs)}.", facts.cites(), against)
    return _says.absent(host, f"{host} called itself {called[:100]}, a name in order.", facts.cites())


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary",),
    sentence="Did the host call itself by a name that no mail server in order has?",
    basis=BASIS,
    judge=judge,
)
