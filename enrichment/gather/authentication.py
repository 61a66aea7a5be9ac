"""Authentication: who signed or authorised a mail, judged from its bytes and kept answers; the one door to dkimpy.

`evaluate` is pure: it asks nobody, reads no clock, and returns the questions that it could not do without. The caller
asks those, and calls again, at most ROUNDS times. It runs in a parsing child. A signature that can't be checked any
more is unverifiable, never fail; fail says that an available key contradicts these bytes.

dkimpy's arithmetic and header selection are used, none of its judgement: each known trap of it (quadratic expressions,
no bound on keys, From not required, wall clock, first signature only, stray exceptions) is met here before it runs.
Standards: RFC 6376, 8301, 8463, 8616 (DKIM), RFC 8617 (ARC), and those of `spf`, `dmarc` and `reported`.
"""

import base64
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import dkim
from dkim.crypto import parse_public_key
from dkim.util import InvalidTagValueList, parse_tag_value

from enrichment.examination import Boundary, Check, Hop
from enrichment.facts import Lookup, Question
from enrichment.gather import canonical, spf
from enrichment.gather.asked import Asked, cite
from enrichment.gather.canonical import Mail
from enrichment.gather.dmarc import Identity, dmarc
from enrichment.gather.keys import Key, key, unfit
from enrichment.gather.names import alabels
from enrichment.gather.reported import Reported
from enrichment.gather.signature import CLOCK_SLOP, Stop, coverage, lateness, owner, signed_names
from intake.domains import registrable
from intake.message import Header, Message
from intake.record import Value

ROUNDS = 4
"""Most times that `evaluate` is called for one report and round."""
QUESTIONS = 60
SIGNATURES = 8
ARC_SETS = 10
HEADER_BLOCK = 256 * 1024
HEADER_LINES = 5000
HEADERS = 1000
SIGNATURE_FIELD = 8192
WHITE_RUN = 200
RSA_BITS = (1024, 4096)
RSA_EXPONENT = 2**32
SPACE_COST = 20_000_000
"""Sum over runs of white space of their squared length: the steps of dkimpy's quadratic expression."""

_QUIET = logging.Logger("dkimpy")  # it would write strangers' text into our log
_QUIET.disabled = True
_BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
_RUN = re.compile(rb"[ \t]{64,}")
_LONG_RUN = re.compile(rb"\s{%d}" % (WHITE_RUN + 1))
_FORM = re.compile(rb"[;\s]c\s*=")
_RELAXED = re.compile(rb"[;\s]c\s*=\s*\w{1,20}/relaxed")
_OTHER_BODY = "the body is not the one that was signed"
_COPY = "; a copy that was written anew on the way explains this as well as a change does"


class Evaluated(Value, frozen=True):
    """The Checks (SPF, DKIM in their order, ARC, DMARC, then what others reported), what must still be asked, and the
    limits that were hit."""

    checks: tuple[Check, ...]
    questions: tuple[Question, ...] = ()
    limits: tuple[str, ...] = ()


class _Judged(NamedTuple):
    """What one signature came to."""

    result: str
    reason: str = ""
    domain: str = ""
    selector: str = ""
    lookup: Lookup | None = None


def evaluate(
    data: bytes,
    message: Message,
    hops: tuple[Hop, ...],
    boundary: Boundary,
    answers: Mapping[str, Lookup],
    at: datetime,
    claimed: Reported,
) -> Evaluated:
    """The authentication of the mail `data`, read as `message`, whose Received lines are `hops`.

    `answers` are Lookups by question id. `at` is when the report came, an upper bound of when the mail was received.
    `claimed` is what `reported` makes of the mail. Never raises for what is in the mail or the answers.
    """
    asked = Asked(answers)
    received = _received(hops, boundary, at)
    author = _author(message)
    sender = spf.check(message, boundary, asked)
    signatures, hit = _signatures(data, message, asked, received, author)
    checks = (sender, *signatures, *_dmarc(message, author, sender, signatures, asked), *claimed.checks)
    questions = asked.questions
    limits = {*hit, *claimed.limits} | ({"questions"} if len(questions) > QUESTIONS else set())
    limits |= {"authentication"} if any(each.reason.startswith("limit: ") for each in signatures) else set()
    return Evaluated(checks=checks, questions=questions[:QUESTIONS], limits=tuple(sorted(limits)))


def _received(hops: tuple[Hop, ...], boundary: Boundary, at: datetime) -> datetime:
    """When the reporter's side received the mail: the time of the boundary line, never later than the report."""
    time = next((hop.time for hop in hops if hop.index == boundary.index), None)
    return at if time is None or time.tzinfo is None or time > at else time


def _author(message: Message) -> str:
    """The one domain of From in A-labels, or '' where there is none or several."""
    domains = {alabels(each.address.rpartition("@")[2]) for each in message.from_}
    return domains.pop() if len(domains) == 1 and len(message.all("From")) == 1 else ""


def _dmarc(
    message: Message, author: str, sender: Check, signatures: tuple[Check, ...], asked: Asked
) -> tuple[Check, ...]:
    cites = tuple(header.cite for header in message.all("From")[:2])
    if not author or "." not in author:
        reason = "no single From domain, so DMARC does not apply"
        return (Check(method="dmarc", result="none", reason=reason, basis="recomputed", cites=cites),)
    signed = tuple(Identity("dkim", each.domain, each.result) for each in signatures if each.method == "dkim")
    return dmarc(author, (*signed, spf.identity(sender)), asked, cites)


def _signatures(
    data: bytes, message: Message, asked: Asked, received: datetime, author: str
) -> tuple[tuple[Check, ...], set[str]]:
    """The Checks of all DKIM signatures up to the limit and of the ARC chain, and the limits hit."""
    fields = message.all("DKIM-Signature")
    sealed = message.all("ARC-Seal")
    if not fields and not sealed:
        return (), set()
    try:
        mail = _read(data)
    except Stop as stop:
        unread = _Judged(stop.result, stop.reason)
        checks = [_check("dkim", unread, each, author) for each in fields[:SIGNATURES]]
        return tuple(checks + [_check("arc", unread, each, "") for each in sealed[:1]]), set()
    checks = [
        _check("dkim", _signature(mail, value, asked, received), header, author)
        for value, header in zip(_values(mail, b"dkim-signature"), fields[:SIGNATURES], strict=False)
    ]
    if sealed:
        checks.append(_check("arc", _chain(mail, asked, received), sealed[0], ""))
    hit = {"dkim-signatures"} if len(fields) > SIGNATURES else set()
    return tuple(checks), hit


def _check(method: str, judged: _Judged, header: Header, author: str) -> Check:
    related = registrable(judged.domain) == registrable(author) != "" or judged.domain == author
    return Check(
        method="dkim" if method == "dkim" else "arc",
        result=judged.result,
        domain=judged.domain,
        selector=judged.selector,
        reason=judged.reason,
        basis="not-possible" if judged.result == "unverifiable" else "verified-now",
        aligned=related if author and judged.domain else None,
        cites=(header.cite, *cite(judged.lookup)),
    )


def _read(data: bytes) -> Mail:
    """The message for dkimpy, once for all signatures. Raises Stop where it can't be read or is over a limit."""
    end = _BLANK_LINE.search(data, 0, HEADER_BLOCK)
    head, body = (data[: end.end()], data[end.end() :]) if end else (data, b"")
    if len(head) > HEADER_BLOCK or head.count(b"\n") > HEADER_LINES:
        raise Stop("unverifiable", "limit: header too large")
    try:
        headers, _ = dkim.rfc822_parse(head)
    except Exception as error:  # a leading folded line is an IndexError, an odd line a MessageFormatError
        raise Stop("unverifiable", "unparseable headers") from error
    if len(headers) > HEADERS:
        raise Stop("unverifiable", "limit: too many header fields")
    return Mail([(name, value) for name, value in headers], body)


def _values(mail: Mail, name: bytes) -> Iterator[tuple[bytes, bytes]]:
    return (each for each in mail.headers if each[0].lower() == name)


def _signature(mail: Mail, field: tuple[bytes, bytes], asked: Asked, received: datetime) -> _Judged:
    """One DKIM signature, judged; whatever dkimpy trips over is a permanent error of the signature."""
    judged = _Judged("permerror")
    try:
        tags = _tags(field[1])
        domain, selector = owner(tags)
        judged = judged._replace(domain=domain, selector=selector)
        names = signed_names(tags)
        late = lateness(tags, received)
        lookup = asked.get("TXT", f"{selector}._domainkey.{domain}")
        judged = judged._replace(lookup=lookup)
        found = _usable(key(lookup), tags, domain)
        bits = _strength(found)
        result, reason = _verify(mail, field, tags, names, found)
    except Stop as stop:
        return judged._replace(result=stop.result, reason=stop.reason)
    except Exception as error:  # ValueError, IndexError and others on tags that no grammar allows
        return judged._replace(result="permerror", reason=f"malformed signature ({type(error).__name__})")
    if result == "pass":
        result, reason = _policy(tags, found, bits, late, reason)
    return judged._replace(result=result, reason=reason)


def _tags(value: bytes) -> dict[bytes, bytes]:
    """The tags of a signature field, with all that RFC 6376 section 6.1.1 wants but the times."""
    if len(value) > SIGNATURE_FIELD or _LONG_RUN.search(value):
        raise Stop("unverifiable", "limit: signature field too long")
    try:
        tags: dict[bytes, bytes] = parse_tag_value(value)
        # Without the times: dkimpy would compare them with its own clock.
        dkim.validate_signature_fields({name: text for name, text in tags.items() if name not in (b"t", b"x")})
    except (InvalidTagValueList, dkim.DKIMException) as error:
        raise Stop("permerror", f"malformed signature: {str(error)[:120]}") from error
    return tags


def _usable(found: Key, tags: dict[bytes, bytes], domain: str) -> Key:
    if not found.record:
        raise Stop(found.result, found.reason)
    identity = tags.get(b"i", b"").rpartition(b"@")[2].decode("utf-8", "replace")
    why = unfit(found, tags[b"a"].decode("ascii"), not identity or alabels(identity) == domain)
    if why:
        raise Stop("permerror", why)
    return found


def _strength(found: Key) -> int:
    """Bits of an RSA key within bounds that keep the arithmetic short, 0 for other kinds."""
    try:
        _, bits, kind, _ = dkim.evaluate_pk("", _record(found))
    except Exception as error:  # ValueError, AssertionError and others next to dkimpy's own
        raise Stop("permerror", "bad key record") from error
    if kind != b"rsa":
        return 0
    if bits > RSA_BITS[1] or _exponent(found) > RSA_EXPONENT:
        raise Stop("unverifiable", "limit: key too large")
    return int(bits)


def _record(found: Key) -> bytes:
    """The key for dkimpy, without the tags that are judged here and that it reads otherwise (s=, h=, t=)."""
    return f"k={found.tags.get('k', 'rsa')}; p={found.tags['p']}".encode("ascii", "replace")


def _exponent(found: Key) -> int:
    return int(parse_public_key(base64.b64decode(found.tags["p"]))["publicExponent"])


def _verify(
    mail: Mail, field: tuple[bytes, bytes], tags: dict[bytes, bytes], names: list[bytes], found: Key
) -> tuple[str, str]:
    """(result, reason) of the arithmetic; for a body that differs, once more with bare CR read as line end."""
    form = tags.get(b"c", b"simple/simple").partition(b"/")[2] or b"simple"
    body = mail.relaxed if form == b"relaxed" else mail.simple
    reason = coverage(tags, len(body))
    outcome = _arithmetic(mail, field, tags, names, found, body)
    if outcome == _OTHER_BODY and b"\r" in body.replace(b"\r\n", b""):
        read = canonical.bare_cr_as_line_end(mail.body)
        body = canonical.relaxed(read) if form == b"relaxed" else canonical.simple(read)
        if not _arithmetic(mail, field, tags, names, found, body):
            outcome, reason = "", f"with bare CR read as line end{'; ' if reason else ''}{reason}"
    return ("fail", outcome + _COPY) if outcome else ("pass", reason)


def _arithmetic(
    mail: Mail, field: tuple[bytes, bytes], tags: dict[bytes, bytes], names: list[bytes], found: Key, body: bytes
) -> str:
    """What does not match, or ''."""
    signer = dkim.DKIM(logger=_QUIET, minkey=1)
    signer.headers = list(mail.headers)
    signer.body = body
    header_form = tags.get(b"c", b"simple").partition(b"/")[0]
    # The body is canonical already; 'simple' leaves it as it is, but would add a line end to an empty one.
    asked_form = header_form + (b"/simple" if body else b"/relaxed")
    record = _record(found)
    try:
        valid = signer.verify_sig({**tags, b"c": asked_form}, list(names), field, lambda _, timeout: record)
    except dkim.ValidationError:
        return _OTHER_BODY
    return "" if valid else "the signature does not match these header fields"


def _policy(tags: dict[bytes, bytes], found: Key, bits: int, late: str, reason: str) -> tuple[str, str]:
    """A signature whose arithmetic holds and that must not count all the same (RFC 8301, RFC 6376 section 3.6.1)."""
    if tags[b"a"] == b"rsa-sha1":
        return "policy", "rsa-sha1 is never valid (RFC 8301)"
    if bits and bits < RSA_BITS[0]:
        return "policy", f"a key of {bits} bits is too short (RFC 8301)"
    if found.testing:
        return "policy", "the key is in testing (t=y)"
    return ("policy", late) if late else ("pass", reason)


def _chain(mail: Mail, asked: Asked, received: datetime) -> _Judged:
    """The ARC chain (RFC 8617 section 5.2). A pass is the sealers' word and worth what they are trusted for."""
    fields = [each for each in mail.headers if each[0].lower() in dkim.ARC.ARC_HEADERS]
    if sum(name.lower() == b"arc-seal" for name, _ in fields) > ARC_SETS or len(fields) > 3 * ARC_SETS:
        return _Judged("unverifiable", "limit: too many ARC sets")
    if any(len(value) > SIGNATURE_FIELD or _LONG_RUN.search(value) for _, value in fields):
        return _Judged("unverifiable", "limit: ARC field too long")
    untimely = next((why for _, value in fields if (why := _untimely(value, received))), "")
    if untimely:
        return _Judged("unverifiable", untimely)
    all_relaxed = all(_RELAXED.search(value) or not _FORM.search(value) for name, value in fields if _is_ams(name))
    if not all_relaxed and _space_cost(mail.body) > SPACE_COST:
        return _Judged("unverifiable", "limit: runs of white space")
    open_: list[str] = []
    chain = dkim.ARC(logger=_QUIET)
    chain.headers, chain.body = list(mail.headers), mail.relaxed if all_relaxed else mail.body
    try:
        status, sets, reason = chain.verify(lambda name, timeout: _sealer_key(name, asked, open_))
    except Exception as error:  # an instance written 'i = 1' is an IndexError
        return _Judged("unverifiable", f"the chain can't be read ({type(error).__name__})")
    judged = _Judged("pass", "", *_sealer(sets))
    if status == dkim.CV_Pass:
        return judged
    if open_:
        return judged._replace(result="unverifiable", reason=open_[0])
    # Also where no field names its set and where the newest seal reports failure: dkimpy says neither pass nor fail.
    return judged._replace(result="fail", reason=f"{reason[:120]}{_COPY}")


def _untimely(value: bytes, received: datetime) -> str:
    """Why the times of an ARC field must not reach dkimpy, which compares them with its own clock; or ''."""
    try:
        tags = parse_tag_value(value)
    except InvalidTagValueList:
        return ""
    signed = tags.get(b"t", b"")
    if b"x" in tags:
        return "an ARC field has x="
    late = signed.isdigit() and len(signed) <= 12 and int(signed) - CLOCK_SLOP > received.timestamp()
    return "sealed after the mail was received (t=)" if late else ""


def _is_ams(name: bytes) -> bool:
    return name.lower() == b"arc-message-signature"


def _sealer(sets: list[dict[str, bytes]]) -> tuple[str, str]:
    newest = sets[0] if sets else {}
    names = (newest.get(name, b"").decode("ascii", "replace") for name in ("as-domain", "as-selector"))
    return alabels(next(names)), alabels(next(names))


def _sealer_key(name: bytes, asked: Asked, open_: list[str]) -> bytes | None:
    """The key record for dkimpy, or None with the reason noted where the question is open."""
    host = alabels(name.decode("utf-8", "replace"))
    if not host:
        return None
    found = key(asked.get("TXT", host))
    try:
        if found.record:
            _strength(found)
            return _record(found)
        raise Stop(found.result, found.reason)
    except Stop as stop:
        if stop.result == "unverifiable":
            open_.append(stop.reason)
        return None


def _space_cost(body: bytes) -> int:
    return sum((run.end() - run.start()) ** 2 for run in _RUN.finditer(body))


def signers(data: bytes, message: Message, answers: Mapping[str, Lookup], at: datetime, domain: str) -> Evaluated:
    """The DKIM Checks of a mail that came to ourselves `at` that time; `aligned` means with `domain`."""
    asked = Asked(answers)
    checks, _ = _signatures(data, message, asked, at, domain)
    return Evaluated(checks=tuple(each for each in checks if each.method == "dkim"), questions=asked.questions)


def sign(data: bytes, selector: str, domain: str, key_pem: bytes) -> bytes:
    """`data` with a DKIM-Signature (rsa-sha256, relaxed/relaxed) on top, for mail that Lapwing itself sends.

    `key_pem` is an RSA key in PEM (PKCS#1 or PKCS#8). The field's t= is the time of this machine. Raises
    dkim.DKIMException where message or key can't be used.
    """
    line = dkim.sign(
        data,
        selector.encode("ascii"),
        domain.encode("ascii"),
        key_pem,
        canonicalize=(b"relaxed", b"relaxed"),
        linesep=b"\r\n" if b"\r\n" in data[:1000] else b"\n",
    )
    return bytes(line) + data
