"""Listed: what the blocklists say of the address at the boundary, each code by its own meaning.

A policy listing (an access line) is no accusation, and neither is the listing of a whole provider. A list that refuses,
times out or answers with an unknown code says nothing. Listings are indications, never proof (RFC 5782 section 2.1).
"""

from enrichment.blocklists import Listing
from enrichment.finding import Finding
from enrichment.judging import Facts, Indicator, Says

NAME, VERSION = "listed", 1
BASIS = "answers of DNS blocklists (RFC 5782)"
ACCUSES = ("spam", "exploited", "proxy", "relay", "drop", "controller", "tor", "vpn")
_says = Says(NAME, VERSION, BASIS, "listed")


def judge(facts: Facts) -> Finding:
    host = facts.boundary.ip
    listings = facts.listings
    accusing = facts.listed(*ACCUSES)
    silent = [each for each in listings if each.status not in ("listed", "clean")]
    if accusing:
        zones = tuple(each.zone for each in accusing)
        says = f"{host} is listed: {'; '.join(_words(each) for each in accusing)}."
        against = ("Asked now, not when the mail was sent; a listing is an indication and no proof.", *_of(silent))
        return _says.present(host, "moderate" if len(zones) > 1 else "weak", says, facts.cites(*zones), against)
    if silent:
        return _says.unknown(
            host, f"No list accuses {host}, but not all answered: {' '.join(_of(silent))}", facts.cites()
        )
    zones = tuple(each.zone for each in listings)
    mild = [_words(each) for each in listings if each.codes]
    says = f"No list accuses {host}" + (f"; as a note: {'; '.join(mild)}." if mild else ".")
    return _says.absent(host, says, facts.cites(*zones))


def _words(listing: Listing) -> str:
    return f"{listing.zone} says {', '.join(code.says for code in listing.codes)}"


def _of(silent: list[Listing]) -> tuple[str, ...]:
    return tuple(f"{each.zone} gave no usable answer ({each.status}: {each.why})." for each in silent)


INDICATOR = Indicator(
    name=NAME,
    version=VERSION,
    needs=("boundary", "lists"),
    sentence="Do blocklists accuse the host that handed the mail over?",
    basis=BASIS,
    judge=judge,
)
