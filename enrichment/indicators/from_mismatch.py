"""From mismatch: whether the mail answers to somebody else than it says it comes from, or hides that.

Two forms: a display name that is itself an address of another domain, and an answer address at another house than the
sender. Lists set answer addresses too, so there it stays open; where From is proved (DMARC by what we
verified), only the display name counts. Rules: SpamAssassin's header tests, RFC 5322 section 3.6.2.
"""

import re

from enrichment.excuses import VERIFIED
from enrichment.finding import Finding
from enrichment.judging import Facts, Indicator, Says
from enrichment.passed import passings
from enrichment.side import family
from intake.domains import registrable

NAME, VERSION = "from-mismatch", 1
BASIS = "RFC 5322 section 3.6.2: From and Reply-To"
_says = Says(NAME, VERSION, BASIS, "observed")
_ADDRESS = re.compile(r"[^\s<>@\"']{1,64}@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})", re.IGNORECASE)


def judge(facts: Facts) -> Finding:
    sender = facts.message.from_[0]
    domain = sender.address.rpartition("@")[2].lower()
    if not registrable(domain):
        return _says.unknown(domain, "The sender's address has no domain that could be compared.", (sender.cite,))
    shown = _ADDRESS.search(sender.name[:300])
    if shown and registrable(shown.group(1)) and family(shown.group(1)) != family(domain):
        says = f"The sender's name shows {shown.group()[:120]}, but the mail says it comes from {sender.address[:120]}."
        return _says.present(domain, "moderate", says, (sender.cite,))
    return _answers(facts, domain)


def _answers(facts: Facts, domain: str) -> Finding:
    sender = facts.message.from_[0]
    elsewhere = [each for each in facts.message.reply_to if _house(each.address) not in ("", family(domain))]
    if not elsewhere:
        return _says.absent(domain, "Answers go to the house that the mail says it comes from.", (sender.cite,))
    cites = (sender.cite, elsewhere[0].cite)
    says = f"The mail says it comes from {domain}, but answers go to {elsewhere[0].address[:120]}"
    if any(each.result == "pass" and each.basis in VERIFIED for each in facts.check("dmarc")):
        return _says.absent(domain, f"{says}; {domain} itself vouches for that.", cites)
    if each := next((each for each in passings(facts.message) if each.how == "list"), None):
        return _says.unknown(domain, f"{says}; {each.says}, and lists set such addresses.", (*cites, each.cite))
    if elsewhere[0].address.lower() in {each.address.lower() for each in facts.message.to}:
        return _says.unknown(domain, f"{says}, to which the mail was sent too, as lists do.", cites)
    return _says.present(domain, "weak", f"{says}.", cites)


def _house(address: str) -> str:
    return family(address.rpartition("@")[2])


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("from",),
    sentence="Does the mail answer to somebody else than it says it comes from?",
    basis=BASIS,
    judge=judge,
)
