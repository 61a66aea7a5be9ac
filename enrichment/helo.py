"""HELO signs: what the name by which a host called itself gives away.

RFC 5321 section 4.1.1.1 wants the host's own domain name or an address literal. Signs from rspamd's hfilter and the
CBL's published criteria (`reference/indicators.md` 5.3). A sign is the sender's own text: it accuses only the host that
sent it.
"""

import re

from enrichment.addresses import near, parse, private

_LOCAL = (".lan", ".local", ".home", ".localdomain", ".intra", ".priv", ".internal", ".workgroup", ".domain")
_MACHINE = re.compile(
    r"(?:win|desktop|laptop|pc|user|admin|administrator|server|vultr-guest|localhost)(?:-?[a-z0-9]{0,15})?\Z"
)


def signs(helo: str, ip: str) -> tuple[str, ...]:
    """Sentences on what `helo` of the host at `ip` shows; () where it is in order or unknown."""
    name = helo.lower()
    if not name:
        return ()
    address = parse(name)
    if address is not None:
        return _of_an_address(name, str(address), ip)
    if name in ("localhost", "localhost.localdomain"):
        return (f"it called itself {helo}, which infected machines are known for",)
    if name.endswith(_LOCAL):
        return (f"it called itself {helo}, a name of a local network",)
    if "." not in name:
        if _MACHINE.match(name):
            return (f"it called itself {helo}, as a personal computer does",)
        return (f"it called itself {helo}, which is no domain name",)
    return ()


def _of_an_address(name: str, address: str, ip: str) -> tuple[str, ...]:
    if private(address):
        return (f"it called itself {name}, a private address",)
    if not name.startswith("["):
        return (f"it called itself {name}, an address without brackets",)
    if address != ip and not near(address, ip):
        return (f"it called itself {name}, the address of another host",)
    return ()
