"""XARF's words: the pairs of category and type of version 4, the types of version 3, and what each asks for.

Promises words only, nothing is refused by them: an unknown pair is a flag, child abuse a mandatory lane, and what is
no matter of mail (attacks on machines, copyright) is named so that it gets an answer of its own.
Standards: XARF v4 master schema, v3 schema of abusix and samples of xarf-spec.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address

PAIRS: dict[str, frozenset[str]] = {
    "messaging": frozenset({"spam", "bulk_messaging"}),
    "connection": frozenset(
        {
            "login_attack", "port_scan", "ddos", "infected_host", "reconnaissance", "scraping", "sql_injection",
            "vulnerability_scan",
        }
    ),
    "content": frozenset(
        {
            "phishing", "malware", "csam", "csem", "exposed_data", "brand_infringement", "fraud",
            "remote_compromise", "suspicious_registration",
        }
    ),
    "copyright": frozenset({"copyright", "p2p", "cyberlocker", "ugc_platform", "link_site", "usenet"}),
    "vulnerability": frozenset({"cve", "open_service", "misconfiguration"}),
    "infrastructure": frozenset({"botnet", "compromised_server"}),
    "reputation": frozenset({"blocklist", "threat_intelligence"}),
}  # fmt: skip
"""Version 4: category -> its types."""
TYPES3 = frozenset(
    {
        "spam", "phishing", "malware", "botnet", "fraud", "copyright", "trademark", "childabuse", "openservice",
        "loginattack", "login-attack", "portscan", "port-scan", "dos", "ddos", "exploit", "harassment", "webcrawler",
        "potentiallycompromisedaccount",
    }
)  # fmt: skip
"""Version 3: report types in lower case, in the spelling of the schema and in that of its converter."""
CHILD_ABUSE = "child-abuse"
"""The mandatory lane, as `triage/harm.py` calls it."""

_ABUSE = frozenset({"csam", "csem", "childabuse", "childexploitation"})
_LETTERS = re.compile(r"[^a-z]")
_CATEGORIES = frozenset({"connection", "copyright"})
_ELSEWHERE = frozenset(
    {
        "loginattack", "portscan", "dos", "ddos", "copyright", "trademark", "exploit", "webcrawler", "cve",
        "misconfiguration", "exposeddata", "sqlinjection", "vulnerabilityscan", "reconnaissance", "scraping",
    }
)  # fmt: skip
_INFECTED = "infectedhost"


def lane(word: str) -> str:
    """The mandatory lane that a type of any version asks for, '' where it asks for none."""
    return CHILD_ABUSE if _LETTERS.sub("", word.lower()) in _ABUSE else ""


def elsewhere(category: str, word: str) -> bool:
    """Whether a report of this type without a mail is no matter of spam."""
    plain = _LETTERS.sub("", word.lower())
    return plain in _ELSEWHERE or (category in _CATEGORIES and plain != _INFECTED)


def flags(version: str, category: str, word: str, report_id: str) -> Iterator[str]:
    """Words for what departs from the schemas."""
    fourth = version.startswith("4.")
    if not fourth and version not in ("3", "3.0", "3.0.0"):
        yield "unknown-version"
    if fourth and not report_id:
        yield "no-report-id"
    if (word not in PAIRS.get(category, ())) if fourth else (word not in TYPES3):
        yield "unknown-type"


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    try:
        ip_address(text.strip().strip("[]"))
    except ValueError:
        return False
    return True
