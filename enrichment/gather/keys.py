"""Key records: what the DNS says of a DKIM selector, judged before any arithmetic is done with it.

A key that is not there now may have been there when the mail was sent, so everything short of a usable key leaves the
signature unverifiable; only a record that contradicts the signature is an error.
Standards: RFC 6376 section 3.6.1, RFC 8301 (sizes), RFC 8463 (ed25519).
"""

from typing import NamedTuple

from enrichment.facts import Lookup
from enrichment.gather.asked import why_open

LONGEST_RECORD = 1500
"""Characters of a key record; an RSA key of 4,096 bits takes 736."""
NOT_PUBLISHED = "key not published now"


class Key(NamedTuple):
    """A key record with its tags, or the result and reason why it can't be used (then `record` is empty)."""

    tags: dict[str, str]
    record: str = ""
    result: str = ""
    reason: str = ""

    @property
    def testing(self) -> bool:
        """t=y: the signer asks to treat the mail as unsigned."""
        return "y" in _words(self.tags.get("t", ""))

    @property
    def exact(self) -> bool:
        """t=s: the domain of i= must be that of d=."""
        return "s" in _words(self.tags.get("t", ""))


def key(lookup: Lookup | None) -> Key:
    """The key that `lookup` (TXT of selector._domainkey.domain) holds; of several records the first with a p= tag."""
    why = why_open(lookup)
    if lookup is None or why:
        return Key({}, result="unverifiable", reason=why)
    records = [each for each in lookup.answers if "p" in tags(each)]
    if not records:
        return Key({}, result="unverifiable", reason=NOT_PUBLISHED)
    record = records[0]
    if len(record) > LONGEST_RECORD:
        return Key({}, result="unverifiable", reason="limit: key record too long")
    found = tags(record)
    if not found["p"]:
        return Key({}, result="unverifiable", reason="key revoked")
    if found.get("v", "DKIM1") != "DKIM1":
        return Key({}, result="permerror", reason="bad key record: unknown version")
    return Key(found, record)


def unfit(found: Key, algorithm: str, identity_is_domain: bool) -> str:
    """Why this key must not be used for a signature of `algorithm` (a=), or ''."""
    kind = algorithm.partition("-")[0]
    hashes = _words(found.tags.get("h", ""))
    services = _words(found.tags.get("s", "*"))
    if found.tags.get("k", "rsa") != kind:
        return f"the key is not of type {kind}"
    if hashes and algorithm.partition("-")[2] not in hashes:
        return "the key does not allow this hash (h=)"
    if not services & {"*", "email"}:
        return "the key is not for mail (s=)"
    if found.exact and not identity_is_domain:
        return "the key allows no subdomain (t=s)"
    return ""


def tags(text: str) -> dict[str, str]:
    """Tags of a tag=value list (RFC 6376 section 3.2); the first of a name counts, what has no '=' is left out."""
    found: dict[str, str] = {}
    for each in text.split(";")[:100]:
        name, equals, value = each.partition("=")
        if equals:
            found.setdefault(name.strip(), value.strip())
    return found


def _words(text: str) -> set[str]:
    return {each.strip().lower() for each in text.split(":") if each.strip()}
