"""Deceptive links: whether the reader sees one domain and is led to another.

Compared are registrable domains, and only where the text in place of the link reads as a web address or a domain. A
mailing service that counts clicks rewrites links in honest mail too, so nothing is held against a link where the domain
that it shows, or the one it leads to, vouches for the message by a valid signature. Rule: rspamd's phishing module
(`reference/indicators.md` 5.6).
"""

import re

from enrichment.excuses import VERIFIED
from enrichment.finding import Finding
from enrichment.judging import Facts, Indicator, Says
from enrichment.side import family
from intake.domains import registrable
from intake.message import Link

NAME, VERSION = "deceptive-link", 1
BASIS = "text of the link against its target"
LINKS = 500
"""Links of one message that are looked at; a message with more is marked by whoever read it."""
_says = Says(NAME, VERSION, BASIS, "observed")
_SHOWN = re.compile(
    r"\s{0,20}(?:https?://)?(?:www\.)?([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})(?=[/:?#\s]|\Z)", re.IGNORECASE
)


def judge(facts: Facts) -> Finding:
    links = [link for link in facts.message.links[:LINKS] if link.where == "html" and link.host]
    cites = tuple(dict.fromkeys(link.cite for link in links)) or tuple(h.cite for h in facts.message.all("From")[:1])
    deceptive = [(shown, link) for link in links if (shown := _other(link))]
    own = _own(facts)
    foreign = [(shown, link) for shown, link in deceptive if not own & {family(shown), family(link.host)}]
    if foreign:
        shown, link = foreign[0]
        says = f"A link shows {shown} and leads to {link.host}"
        says += f", and {len(foreign) - 1} more do the like." if len(foreign) > 1 else "."
        against = ("A service that counts clicks rewrites links in the same way.",)
        return _says.present(link.host, "moderate", says, tuple(each.cite for _, each in foreign[:20]), against)
    if not cites:
        return _says.unknown("", "The message has neither links nor a sender to cite.")
    if deceptive:
        return _says.absent(
            "", "Links that show another domain are vouched for by a domain that signed the mail.", cites[:20]
        )
    return _says.absent("", "No link shows another domain than it leads to.", cites[:20])


def _other(link: Link) -> str:
    """The host that the text shows, where it belongs to somebody else than the target; '' otherwise."""
    found = _SHOWN.match(link.text[:300])
    shown = found.group(1).lower() if found else ""
    domain = registrable(shown)
    return shown if domain and family(shown) != family(link.host) else ""


def _own(facts: Facts) -> set[str]:
    """Houses that vouch for the message by a valid signature."""
    return {family(each.domain) for each in facts.check("dkim") if each.result == "pass" and each.basis in VERIFIED}


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("links",),
    sentence="Does a link show one domain and lead to another?",
    basis=BASIS,
    judge=judge,
)
