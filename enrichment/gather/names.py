"""Names as the DNS takes them: A-labels in lower case, and the reverse names of addresses.

Everything that becomes a question passes here first, so that no hostile text reaches a wire codec. Non-ASCII labels
are mapped by UTS 46 and encoded by IDNA 2008 (RFC 5891); underscores are allowed, as DKIM, DMARC and SPF need them.
"""

import codecs
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

import idna
import idna.uts46data  # loaded here, because idna loads it late and a parsing child has no files by then

LONGEST_NAME = 253
LONGEST_LABEL = 63
codecs.lookup("punycode")  # idna encodes by it and the interpreter loads it late, too
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_SEPARATORS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))


@lru_cache(maxsize=4096)
def alabels(text: str) -> str:
    """`text` as a DNS name in lower-case A-labels without final dot, or '' where it is none (RFC 1035, RFC 5891)."""
    if not text or len(text) > LONGEST_NAME + 1:
        return ""
    labels = [_label(label) for label in text.translate(_SEPARATORS).removesuffix(".").split(".")]
    name = ".".join(labels)
    return name if all(labels) and len(name) <= LONGEST_NAME else ""


def _label(text: str) -> str:
    """One label in lower-case ASCII, or '' where it can't be one."""
    if not text.isascii():
        try:
            text = idna.alabel(idna.uts46_remap(text, std3_rules=True)).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return ""
    text = text.lower()
    return text if text and len(text) <= LONGEST_LABEL and _LETTERS.issuperset(text) else ""


@lru_cache(maxsize=4096)
def reverse(address: str, zone: str = "") -> str:
    """The reverse name of an IP address under `zone` (RFC 5782 section 2.1); default the zones of the PTR records.

    IPv4 gives its octets, IPv6 its 32 nibbles, last first. An IPv4 address mapped into IPv6 counts as IPv4. '' where
    `address` is none.
    """
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, IPv6Address):
        return ".".join(reversed(parsed.packed.hex())) + "." + (zone or "ip6.arpa")
    return ".".join(reversed(str(parsed).split("."))) + "." + (zone or "in-addr.arpa")
