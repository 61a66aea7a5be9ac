"""Reported results: what servers on the way wrote of SPF, DKIM and DMARC, and whether to believe who wrote it.

Anyone can type an Authentication-Results field. One is trusted only if its authserv-id is a server of the reporter's
own side and it stands above that side's own Received line, where a sender can't write (RFC 8601 sections 5 and 7.1).
The two other conditions, that the copy came whole and that the reporter is who it says, are the caller's: it passes no
`edges` where they do not hold. Variants that keep a foreign field under another name are never trusted.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import authres.core

from enrichment.examination import Boundary, Check
from enrichment.gather.names import alabels
from intake.message import Header, Message

FIELDS = 20
"""Most fields that are read, in all."""
LONGEST = 4000
"""Characters of one field; the parser takes quadratic time."""
DEEPEST = 10
"""Levels of comments in comments; the parser goes down one call for each."""
LIMIT = "authentication-results"

_METHODS = frozenset({"spf", "dkim", "dmarc", "arc", "iprev", "auth"})
_VARIANTS = (
    "Authentication-Results",
    "ARC-Authentication-Results",
    "Authentication-Results-Original",
    "X-Authentication-Results",
    "X-Original-Authentication-Results",
)
_DOMAINS = {"spf": ("mailfrom", "helo"), "dkim": ("d", "i"), "dmarc": ("from",)}
_WORD = re.compile(r"[a-z]{1,20}\Z")
_NO_ID = re.compile(r"[a-z-]{1,20}=")
_INSTANCE = re.compile(r"i=\d{1,3};")
_PAIR = re.compile(r'([a-z-]{1,30})=("[^"]{0,400}"|[^;\s"]{1,400})')


class Reported(NamedTuple):
    """The Checks that others reported, topmost first, and the limits hit."""

    checks: tuple[Check, ...] = ()
    limits: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("^" + pattern, re.IGNORECASE)


class _Field(authres.core.AuthenticationResultsHeader):  # type: ignore[misc]
    """The library's parser, which would put each of its few expressions together anew at every word."""

    _parse_text: str

    def _parse_pattern(self, pattern: str) -> re.Match[str] | None:
        match = _compiled(pattern).match(self._parse_text)
        if match:
            self._parse_text = self._parse_text[match.end() :]
        return match


def reported(message: Message, boundary: Boundary, edges: tuple[str, ...]) -> Reported:
    """What every such field says. `edges` (as in Reporter) are given only where the copy came whole and the reporter is
    who it says; without them nothing is trusted.
    """
    fields = [header for name in _VARIANTS for header in message.all(name)]
    spf = list(message.all("Received-SPF"))
    checks: list[Check] = []
    limits = {LIMIT} if len(fields) + len(spf) > FIELDS else set()
    for header in (fields + spf)[:FIELDS]:
        if len(header.value) > LONGEST or _depth(header.value) > DEEPEST:
            limits.add(LIMIT)
            continue
        read = _received_spf if header.name.lower() == "received-spf" else _results
        checks += read(header, boundary, edges)
    return Reported(tuple(checks), tuple(limits))


def _depth(text: str) -> int:
    """Deepest nesting of parentheses."""
    deepest = depth = 0
    for each in text:
        depth += (each == "(") - (each == ")")
        deepest = max(deepest, depth)
    return deepest


def _results(header: Header, boundary: Boundary, edges: tuple[str, ...]) -> Iterator[Check]:
    """The Checks of one Authentication-Results field; none where it can't be read."""
    value = _INSTANCE.sub("", header.value.strip(), count=1).strip()
    if _NO_ID.match(value):  # some providers leave the authserv-id out
        value = "unnamed; " + value
    try:
        parsed = _Field.parse_value(authres.core_features(), value)
    except Exception:  # the parser raises its own errors and, on odd input, others
        return
    by = str(parsed.authserv_id) if str(parsed.authserv_id) != "unnamed" else ""
    trusted = header.name.lower() == "authentication-results" and _trusted(by, header, boundary, edges)
    for result in parsed.results[:FIELDS]:
        if result.method in _METHODS and _WORD.match(str(result.result)):
            yield _check(result, by, trusted, header)


def _check(result: Any, by: str, trusted: bool, header: Header) -> Check:
    found: dict[str, str] = {}
    for each in result.properties:
        found.setdefault(each.name, str(each.value or ""))
    domain = next((found[name] for name in _DOMAINS.get(result.method, ()) if found.get(name)), "")
    return Check(
        method=result.method,
        result=str(result.result),
        domain=alabels(domain.rpartition("@")[2]),
        selector=found.get("s", "")[:100] if result.method == "dkim" else "",
        reason=str(result.reason or "")[:200],
        basis="asserted-trusted" if trusted else "asserted-untrusted",
        by=by[:253],
        cites=(header.cite,),
    )


def _received_spf(header: Header, boundary: Boundary, edges: tuple[str, ...]) -> Iterator[Check]:
    """The Check of one Received-SPF field (RFC 7208 section 9.1)."""
    word, _, rest = header.value.strip().partition(" ")
    if not _WORD.match(word.lower()):
        return
    outside, comment = _without_comment(rest)
    pairs = {name: value.strip('"') for name, value in _PAIR.findall(outside.lower())}
    # Gmail and others name the receiver only at the beginning of the comment.
    by = alabels(pairs.get("receiver", "") or comment.partition(":")[0].strip())
    sender = pairs.get("envelope-from", "").strip("<>") or pairs.get("helo", "")
    yield Check(
        method="spf",
        result=word.lower(),
        domain=alabels(sender.rpartition("@")[2]),
        reason=f"Received-SPF for {pairs['client-ip']}" if "client-ip" in pairs else "Received-SPF",
        basis="asserted-trusted" if _trusted(by, header, boundary, edges) else "asserted-untrusted",
        by=by,
        cites=(header.cite,),
    )


def _without_comment(text: str) -> tuple[str, str]:
    """(text without its parentheses, what stood in the first level of them)."""
    outside: list[str] = []
    inside: list[str] = []
    depth = 0
    for each in text:
        depth += each == "("
        (inside if depth else outside).append(each)
        depth -= each == ")" and depth > 0
    return "".join(outside), "".join(inside).strip("()")


def _trusted(by: str, header: Header, boundary: Boundary, edges: tuple[str, ...]) -> bool:
    """Whether `by` is of the reporter's own side and wrote above its own Received line."""
    if not by or boundary.index < 0 or boundary.cite is None or header.cite.start >= boundary.cite.start:
        return False
    name = by.lower()
    return any(name == edge or name.endswith(f".{edge}") for edge in map(str.lower, edges) if edge)
