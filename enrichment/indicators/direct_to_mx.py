"""Direct to MX: whether a program for people, or a bot that plays one, delivered without a mail server of its own.

Present only where the boundary line is the last and the mail shows a reader's program; mail of a server that writes no
line of its own looks the same but for that. Rules: `enrichment/direct.py`.
"""

from enrichment.direct import straight
from enrichment.finding import Finding
from enrichment.judging import Facts, Indicator, Says

NAME, VERSION = "direct-to-mx", 1
BASIS = "Received lines and the header of the sending program"
_says = Says(NAME, VERSION, BASIS, "observed")


def judge(facts: Facts) -> Finding:
    host = facts.boundary.ip
    cites = facts.cites()
    hop = facts.handover
    if hop is not None and hop.authenticated:
        return _says.absent(host, f"{host} had logged in, so it used a mail server as people do.", cites)
    if facts.below:
        says = f"Lines below {host} claim that other servers had the mail before."
        return _says.absent(host, says, (*cites, facts.below[0].cite), ("Lines below the handover can be made up.",))
    telling = [each for each in straight(facts) if each.telling]
    if telling:
        says = f"{host}: {telling[0].says}."
        against = ("The header of the program is the sender's own word.",)
        return _says.present(host, "moderate", says, (*cites, telling[0].cite), against)
    return _says.unknown(host, f"{host} delivered with no other server in between; a mail server may do so too.", cites)


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary",),
    sentence="Did a program for people deliver straight to the receiver's server?",
    basis=BASIS,
    judge=judge,
)
