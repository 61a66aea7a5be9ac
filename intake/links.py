"""Links: finding URLs in plain text, reading them as browsers do, and unwrapping the wrappers that gateways put on.

`in_text` never glues Chinese, Japanese or other letters to a host name, and takes a CJK full stop for a dot only inside
a host name. Nothing is refanged here: hxxp in a mail leads nowhere. Every function is linear in its input.
Standards: WHATWG URL and UTS 46 (by can_ada, the one door to it), RFC 6068 (mailto), RFC 3966 (tel).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

import can_ada

from intake.domains import listed, registered, registrable

LONGEST = 8192
"""Characters of a URL that are read."""
MOST = 500
"""Most links of one message."""
PEELED = 3
"""Most wrappers around one URL that are taken off."""

_DOT = "[.\u3002\uff0e\uff61]"
_URL = (
    r"(?P<url>(?:(?:https?|ftp)://|(?<![a-z0-9.@-])www[0-9]{0,2}" + _DOT + r")"
    r"(?P<host>[^\s/?#<>\"'\\`\x00-\x20\x7f|{}^\u3001\u300a-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\u2026]{1,400})"
    r"(?P<rest>[/?#\\][!#-&(-;=?-_a-z|~{}]{0,8192})?)"
)
_MAIL = (
    r"(?P<mail>(?<![a-z0-9._%+-])(?:mailto:)?[a-z0-9][a-z0-9._%+'=-]{0,63}"
    r"@(?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62})"
)
_TEL = r"(?P<tel>(?<![a-z])tel:\+?[0-9(][0-9().-]{3,30}[0-9])"
_BARE = (
    r"(?P<bare>(?<![a-z0-9@.%/=&_\\-])(?:[a-z0-9-]{1,63}\.){1,8}(?P<top>[a-z]{2,24}|xn--[a-z0-9-]{1,59})(?![a-z0-9@_-])"
    r"(?P<path>/[!#-&(-;=?-_a-z|~{}]{0,8192})?)"
)
_ADDRESS = re.compile(r"[^\s@/?#:]{1,64}@[^\s@/?#:]{1,253}")
_FOUND = re.compile("|".join((_URL, _MAIL, _TEL, _BARE)), re.IGNORECASE)
_EDGE = re.compile(r"(?<=[A-Za-z0-9])(?=[^\x00-\x7f])")
_DOTS = re.compile(_DOT)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:")
_HOST = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?::\d{1,5})?(?=[/?#]|$)")
_GOOGLE = re.compile(r"(?:www\.)?google\.[a-z.]{2,6}")
_FILE_LIKE = frozenset(("zip", "mov", "md", "py", "rs", "sh", "so", "ps", "cab", "java", "name", "call"))
"""Top levels that text without a path more often writes as the end of a file name."""
_REMOVED = dict.fromkeys(map(ord, "\t\n\r"))
"""WHATWG URL section 4.4 takes these out wherever they stand."""
_OPENED = {")": "(", "]": "[", "}": "{"}


class Target(NamedTuple):
    """Where a link leads, by the WHATWG rules.

    `url` is canonical ('' when it can't be parsed), `host` in A-labels or an address, `domain` its registrable domain
    with private suffixes, `registered` without them. `flags`: guessed-scheme, relative, unparsable, invalid-idn, idn,
    mixed-script, numeric-host, obscured-host, userinfo, port, active.
    """

    url: str = ""
    host: str = ""
    domain: str = ""
    registered: str = ""
    flags: tuple[str, ...] = ()


def in_text(text: str) -> Iterator[str]:
    """The links in plain text, as they stand there: URLs, www. names, names under a known top level, e-mail, tel:."""
    for word in text.split():
        if "." in word[:-1] or ":" in word or "\u3002" in word or "\uff0e" in word:
            yield from _in_word(word)


def _in_word(word: str) -> Iterator[str]:
    for match in _FOUND.finditer(word):
        kind = match.lastgroup
        if match.group("url"):
            found = _url_in_text(match)
        elif match.group("bare"):
            found = _bare_in_text(match)
        else:
            found = match.group() if kind != "mail" or listed(match.group().rpartition("@")[2]) else ""
        if found:
            yield found


def _url_in_text(match: re.Match[str]) -> str:
    """A URL, cut where letters of another script follow a complete host name, and before closing punctuation."""
    before = match.group()[: match.start("host") - match.start()]
    host = _host_end(match.group("host"))
    if len(host) < len(match.group("host")) or not match.group("rest"):
        return before + host.rstrip(".,;:!*_)]-\u3002\uff0e\uff61") if host else ""
    return before + host + _trimmed(match.group("rest"))


def _host_end(host: str) -> str:
    """As much of `host` as is a host name."""
    if host.isascii():
        return host
    for count, edge in enumerate(_EDGE.finditer(host)):
        at = edge.start()
        if _DOTS.match(host, at) and host[at + 1 : at + 2].isalnum() and host[at + 1 : at + 2].isascii():
            continue
        if count < 20 and _complete(host[:at]):
            return host[:at]
    labels = _DOTS.split(host)
    last = labels[-1][:20]
    if len(labels) > 1 and last and not last.isascii() and not listed(last):
        known = next((last[:size] for size in range(len(last) - 1, 0, -1) if listed(last[:size])), "")
        return host[: len(host) - len(labels[-1]) + len(known)] if known else host
    return host


def _complete(host: str) -> bool:
    """Whether this could be all of a host name: two labels under a known top level, or four numbers."""
    name = _DOTS.sub(".", host.rpartition("@")[2].partition(":")[0])
    labels = name.split(".")
    if len(labels) < 2:
        return False
    return listed(name) or (len(labels) == 4 and all(label.isdigit() for label in labels))


def _bare_in_text(match: re.Match[str]) -> str:
    """A name without a scheme: its top level is known, in small letters, and no word that may follow a full stop."""
    top, path = match.group("top"), match.group("path") or ""
    name = match.group("bare")[: len(match.group("bare")) - len(path)]
    if not listed(name) or (not path and (top in _FILE_LIKE or not top.islower())):
        return ""
    return name + _trimmed(path)


def _trimmed(rest: str) -> str:
    """Without the punctuation of the sentence; a closing bracket stays where it was opened inside."""
    end = len(rest)
    while end:
        last = rest[end - 1]
        unopened = last in _OPENED and rest.count(last, 0, end) > rest.count(_OPENED[last], 0, end)
        if last in ".,;:!?'*_" or (unopened and len(rest) - end < 50):
            end -= 1
        else:
            break
    return rest[:end]


def target(raw: str, base: str = "") -> Target:
    """Where `raw` leads, seen from `base`; what has no scheme and looks like a host name is taken for http."""
    url, guessed = _absolute(raw.translate(_REMOVED).strip("\x00\x0c "), base)
    if not url:
        return Target(flags=("relative",) if not guessed else ("unparsable",))
    try:
        parsed = can_ada.parse(url)
    except ValueError:
        return Target(flags=("invalid-idn",) if not url.isascii() or "xn--" in url.lower() else ("unparsable",))
    if parsed.protocol == "mailto:":
        return _mail(parsed)
    flags = ["guessed-scheme"] if guessed else []
    host = parsed.hostname.removesuffix(".")
    flags += _host_flags(host, url) + _other_flags(parsed)
    return Target(parsed.href, host.strip("[]"), registrable(host), registered(host), tuple(flags))


def _absolute(raw: str, base: str) -> tuple[str, bool]:
    """(`raw` with a scheme, whether that was guessed); '' where it is relative to nothing."""
    scheme = _SCHEME.match(raw)
    if scheme and not ("." in scheme.group() and _HOST.match(raw)):
        return raw, False
    if raw.startswith(("//", "\\\\")):
        return "http:" + raw, True
    if _ADDRESS.fullmatch(raw):
        return "mailto:" + raw, False
    name = _HOST.match(_DOTS.sub(".", raw))
    if name and (raw[:4].lower() == "www." or listed(name.group().partition(":")[0])):
        return "http://" + raw, True
    try:
        return (str(can_ada.parse(base) + raw), False) if base else ("", False)
    except ValueError:
        return "", False


def _mail(parsed: can_ada.URL) -> Target:
    """RFC 6068: the first recipient says the host."""
    address = unquote(parsed.pathname[:1000]).partition(",")[0]
    try:
        host = can_ada.parse("http://" + address.rpartition("@")[2].strip()).hostname if "@" in address else ""
    except ValueError:
        host = ""
    return Target(parsed.href, host, registrable(host), registered(host))


def _host_flags(host: str, url: str) -> list[str]:
    if not host:
        return []
    numbers = host.startswith("[") or host.replace(".", "").isdigit()
    if numbers:
        return ["numeric-host"] if host in url else ["numeric-host", "obscured-host"]
    if "xn--" not in host:
        return ["obscured-host"] if "%" in _authority(url) else []
    return ["idn", "mixed-script"] if any(map(_mixed, host.split("."))) else ["idn"]


def _authority(url: str) -> str:
    return re.split(r"[/?#\\]", url.partition(":")[2].lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]


def _other_flags(parsed: can_ada.URL) -> list[str]:
    flags = []
    if parsed.username or parsed.password:
        flags.append("userinfo")
    if parsed.port:
        flags.append("port")
    if parsed.protocol in ("javascript:", "data:", "vbscript:", "file:"):
        flags.append("active")
    return flags


def _mixed(label: str) -> bool:
    """Whether a label has Latin letters next to Cyrillic or Greek ones (UTS 39 section 5.1)."""
    if not label.startswith("xn--"):
        return False
    letters = can_ada.idna_decode(label.encode())  # type: ignore[arg-type]  # it takes bytes, its stub says str
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in letters}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK"})


def unwrapped(url: str) -> tuple[str, str] | None:
    """(What a wrapper leads to, the wrapper's name) for a canonical `url`; None where it is no wrapper we know.

    Read out of the URL itself, nobody is asked: Microsoft Safe Links, Google redirects, Proofpoint URL Defense 1 to 3.
    """
    parsed = can_ada.parse(url)
    host, path, query = parsed.hostname, parsed.pathname, can_ada.URLSearchParams(parsed.search)
    inner: str | None = ""
    name = ""
    if host.endswith(".safelinks.protection.outlook.com"):
        inner, name = _said(query, parsed, "url"), "safelinks"
    elif path == "/url" and _GOOGLE.fullmatch(host):
        inner, name = _said(query, parsed, "q") or _said(query, parsed, "url"), "google"
    elif host in ("urldefense.proofpoint.com", "urldefense.com"):
        inner, name = _proofpoint(path, _said(query, parsed, "u")), "proofpoint"
    return (inner[:LONGEST], name) if inner else None


def _said(query: can_ada.URLSearchParams, parsed: can_ada.URL, name: str) -> str:
    """The first value of that name; bytes that are no UTF-8, on which can_ada raises, replaced as WHATWG says."""
    try:
        return str(query.get(name) or "")
    except UnicodeDecodeError:
        return next((value for key, value in parse_qsl(parsed.search[1:], errors="replace") if key == name), "")


def _proofpoint(path: str, given: str) -> str:
    if path.startswith("/v3/__"):
        return str(path[6:].partition("__;")[0])
    return unquote(given.replace("-", "%").replace("_", "/")) if path.startswith("/v2/") else given
