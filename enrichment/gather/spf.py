"""SPF, recomputed for the boundary hop: what the records, as we see them now, say of that address (RFC 7208).

It is not the receiver's result: records change. pyspf evaluates; its question function is replaced by one that reads
kept answers, so that nothing is ever sent. An answer that is not there makes the result unverifiable, never temperror.
The explanation (exp=) is never asked for: it is text for people, and asking would tell the sender.
"""

import ipaddress
import warnings
from typing import Any, NamedTuple, NoReturn

from enrichment.examination import Boundary, Check
from enrichment.facts import Lookup
from enrichment.gather.asked import Asked, cite, why_open
from enrichment.gather.dmarc import Identity
from enrichment.gather.names import LONGEST_LABEL, LONGEST_NAME, alabels
from intake.message import Message
from intake.record import Cite

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyspf writes regular expressions in plain strings, of which the compiler warns
    import spf

LONGEST_RECORD = 4000
"""Characters of one SPF record; RFC 7208 section 3.4 wants 512 octets for the whole answer."""
LONGEST_TERM = 300
_LONGEST_SENDER = 320
_VOID = 2  # RFC 7208 section 4.6.4


def _never(*_: object) -> NoReturn:
    raise RuntimeError("SPF asks no server here")


spf.DNSLookup = _never  # pyspf finds dnspython by itself; it must not reach a socket by any path


class Sender(NamedTuple):
    """Whose SPF record counts: MAIL FROM, or the HELO name for a null sender. `domain` '' where there is none."""

    mail_from: str
    domain: str
    identity: str
    cites: tuple[Cite, ...]


class _Open(Exception):
    """A question without an answer."""


class _Query(spf.query):  # type: ignore[misc]
    """A pyspf query that reads kept answers. `strict` false collects: what is missing counts as empty."""

    def __init__(self, ip: str, mail_from: str, helo: str, asked: Asked, strict: bool) -> None:
        super().__init__(i=ip, s=mail_from, h=helo, strict=strict, querytime=0)
        self._asked = asked
        self.proofs: dict[str, Lookup] = {}

    def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        """The values that pyspf expects for `name`; counts void lookups (RFC 7208 section 4.6.4)."""
        labels = name.removesuffix(".").split(".")
        if len(name) > LONGEST_NAME or not all(0 < len(each) <= LONGEST_LABEL for each in labels):
            return []  # RFC 7208 section 4.3: a malformed name matches nothing
        values = self._values(name, qtype)
        if not values and not ignore_void and self.strict:
            self.void_lookups += 1
            if self.void_lookups > _VOID:
                raise spf.PermError(f"more than {_VOID} void lookups")
        return values

    def _values(self, name: str, qtype: str) -> list[Any]:
        canonical = alabels(name)
        lookup = self._asked.get(qtype, canonical) if canonical else None
        why = why_open(lookup) if canonical else "not-a-name"
        if lookup is None or why:
            if self.strict:
                raise _Open(f"{why}: {qtype} {canonical or 'of a name made by a macro'}")
            return []
        self.proofs[lookup.id] = lookup
        return [_value(qtype, each) for each in lookup.answers] if lookup.status == "answer" else []

    def dns_spf(self, domain: str) -> str | None:
        """The record of `domain`, refused when it or a term of it is too long to be looked at."""
        record: str | None = super().dns_spf(domain)
        if record and (len(record) > LONGEST_RECORD or max(map(len, record.split(" "))) > LONGEST_TERM):
            raise spf.PermError("record too long")
        return record

    def check_lookups(self) -> None:
        """Count a term that asks (RFC 7208 section 4.6.4), with the same limit for collecting."""
        self.lookups += 1
        if self.lookups > spf.MAX_LOOKUP:
            raise spf.PermError(f"more than {spf.MAX_LOOKUP} terms that ask the DNS")

    def get_explanation(self, spec: str) -> None:
        """Never fetched."""


def _value(qtype: str, answer: str) -> Any:
    """One answer in pyspf's shape: strings of a TXT, (preference, name) of an MX, otherwise text."""
    if qtype == "TXT":
        return [answer.encode()]
    if qtype == "MX":
        preference, _, name = answer.partition(" ")
        return (int(preference) if preference.isdecimal() else 0, name)
    return answer


def sender(message: Message, boundary: Boundary) -> Sender:
    """Who the envelope says sent this: the topmost Return-Path, which the receiver wrote (RFC 5321 section 4.4)."""
    header = next(iter(message.all("Return-Path")), None)
    if header is None:
        return Sender("", "", "no-return-path", ())
    address = header.value.strip()[: _LONGEST_SENDER + 2].strip("<> \t")
    if not address:
        return Sender("", alabels(boundary.helo), "helo", (header.cite,))
    local, _, domain = address.rpartition("@")
    name = alabels(domain)
    local = local if local.isascii() and "@" not in local else "postmaster"  # pyspf splits at the first @
    return Sender(f"{local or 'postmaster'}@{name}" if name else "", name, "mailfrom", (header.cite,))


def check(message: Message, boundary: Boundary, asked: Asked) -> Check:
    """The SPF Check of this mail: recomputed, or not possible, with the reason."""
    who = sender(message, boundary)
    cites = who.cites + ((boundary.cite,) if boundary.cite else ())
    if boundary.confidence == "none" or not _is_address(boundary.ip):
        return _unverifiable(
            who, f"no boundary hop: {boundary.reason}" if boundary.reason else "no boundary hop", cites
        )
    if who.identity == "no-return-path":
        return _unverifiable(who, "no Return-Path", cites)
    if not who.domain or "." not in who.domain:
        return Check(method="spf", result="none", reason="no domain to check", basis="recomputed", cites=cites)
    return _recompute(who, boundary, asked, cites)


def of_envelope(mail_from: str, ip: str, helo: str, asked: Asked) -> Check:
    """The SPF Check of a mail that came to ourselves from `ip` (MAIL FROM, RFC 7208 section 2.4)."""
    local, _, domain = mail_from.rpartition("@")
    name = alabels(domain)
    who = Sender(f"{local}@{name}", name, "mailfrom", ())
    if not local or "." not in name or not _is_address(ip):
        return _unverifiable(who, "no address to check", ())
    return _recompute(who, Boundary(ip=ip, helo=helo), asked, ())


def _recompute(who: Sender, boundary: Boundary, asked: Asked, cites: tuple[Cite, ...]) -> Check:
    helo = alabels(boundary.helo) or "unknown"
    query = _Query(boundary.ip, who.mail_from, helo if who.mail_from else who.domain, asked, strict=True)
    try:
        result, _, explanation = query.check()
    except _Open as open_:
        _collect(_Query(boundary.ip, who.mail_from, query.h, asked, strict=False))
        return _unverifiable(who, str(open_), cites)
    except Exception as error:  # pyspf raises plain ValueError, AssertionError and others on hostile records
        result, explanation = "permerror", type(error).__name__
    proofs = cites + tuple(dict.fromkeys(proof for each in query.proofs.values() for proof in cite(each)))
    why = explanation if result == "permerror" else (query.mechanism or "")
    reason = f"{who.identity} from {boundary.ip}" + (f": {_printable(why)}" if why else "")
    return Check(method="spf", result=result, domain=who.domain, reason=reason, basis="recomputed", cites=proofs)


def _collect(query: _Query) -> None:
    """Go on past what is missing, so that one round asks for all that this depth of the records names."""
    try:
        query.check()
    except Exception:  # noqa: S110  what it noted until then is all that was wanted
        pass


def identity(check_: Check) -> Identity:
    """What DMARC needs to know of an SPF Check."""
    return Identity("spf", check_.domain, check_.result)


def _unverifiable(who: Sender, reason: str, cites: tuple[Cite, ...]) -> Check:
    return Check(method="spf", result="unverifiable", domain=who.domain, reason=reason, cites=cites)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _printable(text: str) -> str:
    return "".join(each for each in text[:200] if each.isprintable())
