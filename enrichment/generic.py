"""Generic: what the reverse name of an address tells of its kind: an access line, a server, or nothing.

Reads the part left of the registrable domain. Rules and words from SpamAssassin's 20_dynrdns.cf, rspamd's hfilter and
the Botnet plugin, as compared in `reference/indicators.md` 5.3. Words that also fit servers (host, client, user, vps)
never decide.
"""

import re
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address
from itertools import pairwise

from enrichment.addresses import parse
from intake.domains import registrable


class Kind(Enum):
    """dynamic: an access line by its own words; numbered: made of its address and no more; static: says so."""

    DYNAMIC = "dynamic"
    NUMBERED = "numbered"
    HOSTED = "hosted"
    STATIC = "static"
    SERVER = "server"
    PLAIN = "plain"


_EDGE = r"(?:^|[.0-9_-])"
_TAIL = r"(?=$|[.0-9_-])"


def _words(text: str) -> re.Pattern[str]:
    return re.compile(_EDGE + "(" + "|".join(text.split()) + ")" + _TAIL)


_STATIC = _words("static fix fixed fixip dedicated dedi business biz stat")
_SERVER = _words(
    "mail mx smtp mta out outbound relay mailer mailout mailgw mx[a-z] smtp[a-z]+ mail[a-z]+ email newsletter"
)
_ACCESS = _words(
    "dynamic dyn dynip dhcp pppoe ppp dial dialup dial-up dialin dip catv broadband broad bb gprs cdma lte wifi wlan "
    "cablemodem cable kabel homeuser home modem bredband pptp [avx]?dsl[a-z]? pool pools docsis cpe cm res resnet "
    "residential ftth fttx fiber mobile isdn dov in-addr ip-pool t-dialin t-ipconnect adsl-dyn hsd1 hsi internetdsl"
)
_HOSTED = _words(
    "vps[a-z]? cloud server srv hosted hosting vm compute ec2 colo colocation dedibox kvm droplet ip-ptr "
    "linodeusercontent members static-host your-server contaboserver startdedicated secureserver ovh aws vmi"
)
_HOSTERS = re.compile(
    r"(?:amazonaws|linodeusercontent|googleusercontent|contaboserver|ovh|vultrusercontent|clouvider)\."
)


@lru_cache(maxsize=4096)
def kind(name: str, ip: str) -> Kind:
    """What the reverse name `name` of `ip` says; '' says PLAIN."""
    low = name.lower().removesuffix(".")[:253]
    left = _left(low)
    numbered = holds_address(left, ip)
    if not left or _STATIC.search(left):
        return Kind.STATIC if left else Kind.PLAIN
    if _HOSTED.search(left) or _HOSTERS.search(low):
        return Kind.HOSTED
    if _ACCESS.search(left) and (numbered or any(letter.isdigit() for letter in left)):
        return Kind.DYNAMIC
    if _SERVER.search(left) and not numbered:
        return Kind.SERVER
    return Kind.NUMBERED if numbered else Kind.PLAIN


def _left(name: str) -> str:
    """What stands left of the registrable domain, of which no more than three labels count."""
    labels = name.split(".")
    owned = min(registrable(name).count(".") + 1, 3) if registrable(name) else 2
    return ".".join(labels[:-owned])


def holds_address(left: str, ip: str) -> bool:
    """Whether two neighbouring octets of the IPv4 address stand in the name, either way round, or all of it in hex."""
    address = parse(ip)
    if not isinstance(address, IPv4Address) or not left:
        return False
    octets = str(address).split(".")
    numbers = [number.lstrip("0") or "0" for number in re.findall(r"\d{1,3}", left)]
    pairs = set(pairwise(numbers))
    if any((one, two) in pairs or (two, one) in pairs for one, two in pairwise(octets)):
        return True
    hexadecimal = f"{int(address):08x}"
    return hexadecimal in left.replace("-", "").replace(".", "") or "".join(o.zfill(3) for o in octets) in left
