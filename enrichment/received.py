"""Received: one trace line of a message, read as the Hop that it claims.

`read(header)` never fails: a line in no known dialect, or longer than 4,096 characters, is a Hop with `parsed=False`
that keeps its cite. An address is taken only from the place in which the dialect's server writes the address of the
connection, so that version numbers, dates, message ids and whatever the sender called itself are never taken for one.
Grammar: RFC 5321 section 4.4 and RFC 5322 section 3.6.7; dialects: what the servers named in DIALECTS write. All
patterns are anchored and linear.
"""

import re
from datetime import datetime
from typing import NamedTuple

from enrichment.addresses import parse
from enrichment.examination import Hop
from enrichment.stamps import moment
from intake.message import Header

LONGEST = 4096
"""Characters of a line that are read; a server that wrote more than this is not known."""

_TOKEN = re.compile(r"[()]|[^\s()]+")
_WORD = r"[^\s()\[\]]+"
_HELO = r"[^\s()]+"
_IP = r"(?P<ip>\d{1,4}(?:\.\d{1,4}){3}|(?:IPv6:)?[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,43}(?:%[0-9A-Za-z]{1,12})?)"
_SAYS = r"\((?:HELO|EHLO|LHLO|helo|ehlo) (?P<helo>[^()]{0,300})\)"


class Dialect(NamedTuple):
    """One way to write the from-part: `pattern` is matched at its start, `mark` must occur behind it."""

    name: str
    pattern: re.Pattern[str]
    mark: re.Pattern[str] | None = None


def _dialect(name: str, pattern: str, mark: str = "") -> Dialect:
    return Dialect(name, re.compile(pattern), re.compile(mark, re.IGNORECASE) if mark else None)


_MARK_EXIM = r"\(Exim|\bid [0-9A-Za-z]{6}-[0-9A-Za-z]{6}(?:[0-9A-Za-z]{5})?-[0-9A-Za-z]{2,4}\b"
DIALECTS = (
    _dialect("exim", rf"(?P<rdns>{_WORD}) \(\[{_IP}\](?::\d{{1,5}})? (?:port=\d+ )?helo=(?P<helo>{_HELO})"),
    _dialect("exim", rf"\[{_IP}\](?::\d{{1,5}})? \((?:port=\d+ )?helo=(?P<helo>{_HELO})"),
    _dialect("exim", rf"(?P<rdns>{_WORD}) \(\[{_IP}\](?::\d{{1,5}})?(?: ident=[^)]*)?\)", _MARK_EXIM),
    # qmail with its patched children, and Yahoo: the reverse name stands first.
    _dialect("qmail", rf"(?P<rdns>{_HELO}) {_SAYS} [(\[]{{1,2}}(?:[^\s()\[\]]*@)?{_IP}"),
    _dialect("qmail", rf"(?P<rdns>{_WORD}) \[{_IP}\] {_SAYS}"),
    _dialect("communigate", rf"\[?{_IP}\]? {_SAYS}"),
    _dialect("communigate", rf"\[?{_IP}\]? \((?:account \S+)(?: HELO (?P<helo>[^()]{{0,300}}))?"),
    _dialect("communigate", rf"(?P<helo>{_HELO}) \((?:account \S+ )\[{_IP}\]"),
    # sendmail, Postfix and Gmail, which confirm the reverse name; what writes like them is called `named` below
    # (QQ, Haraka, Courier, Mimecast, Domino, MDaemon ...).
    _dialect("postfix", rf"(?P<rdns>{_WORD}) \((?:HELO|EHLO|helo|ehlo) (?P<helo>{_WORD}) ?\[{_IP}\]"),
    _dialect("postfix", rf"(?:(?P<helo>{_HELO}) )?\((?:[^\s@()\[\]]*@)?(?P<rdns>{_WORD})?[ ?]?\[{_IP}\]"),
    _dialect("marshal", rf"(?P<helo>{_HELO}) \(Not Verified\[{_IP}\]"),
    _dialect("fetch", rf"(?P<rdns>{_HELO}) \[{_IP}\]", r"fetchmail|with (?:imap|pop3)|getmail"),
    _dialect("imail", rf"(?P<helo>{_HELO}) \[{_IP}\]"),
    _dialect("imail", rf"\((?P<helo>{_WORD})\) \[{_IP}\]"),
    # A name and a plain address: Exchange and PowerMTA write what the host called itself, qmail the reverse name.
    _dialect("exchange", rf"(?P<helo>{_HELO}) \({_IP}\)", r"Microsoft|PowerMTA|\.outlook\.com|\.office365\.com"),
    _dialect("qmail", rf"(?P<rdns>{_WORD}) \((?:[^\s()\[\]]*@)?{_IP}(?: with \w+)?\)", r"with (?:E?SMTPS?|QMQP)$"),
    _dialect("plain", rf"(?P<helo>{_HELO}) \((?:[^\s()\[\]]*@)?{_IP}\)"),
    _dialect("exchange", rf"(?P<helo>{_HELO}) - {_IP}$"),
    _dialect("address", rf"\[?{_IP}\]?(?= \(|$)"),
    _dialect("local", r"(?:\S+ )?\((?:\S+ ?)?\[(?:\[UNIX: \w+\]|unix socket|local)\]\)"),
    _dialect("local", rf"mail pickup service$|\S+ named unknown$|{_WORD}@{_WORD}$"),
    _dialect("bare", rf"(?P<helo>{_WORD})(?: \([^()\[\]]*\)){{0,4}}$"),
)
_NETWORK = re.compile(rf"\(qmail \d+ messnum \d+ invoked from network\[{_IP}/(?P<rdns>[^\s\]]+)\]")
_QUEUE = re.compile(r"\((?:qmail|cpmta|nullmailer|courier|from|EGP:|peer) |indimail-mta queue |\(\S+ \d+ invoked ")

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?\Z")
_PROTOCOL = re.compile(
    r"(?:UTF8)?(?:[EA]?S?SMTP|LMTP)[SA]{0,2}|SMTPSVC|HTTPS?|HTTPU|HTTPREST|IMAP4?S?|POP3?S?|LOCAL|MAPI|XIMSS|NNFMP|"
    r"QMQP|QMTP|BSMTP"
)
_AUTHENTICATED = re.compile(r"(?:UTF8)?(?:E?SMTPS?A|LMTPS?A)|ASMTP|HTTPS?|HTTPU|HTTPREST|XIMSS")
_LOGIN = re.compile(
    r"\((?:authenticated|auth:|auth=|account |asmtp|squirrelmail auth|nasmail auth|"
    r"[^\s()]{1,300} with (?:login|plain|cram-md5)\))",
    re.IGNORECASE,
)
_LOOKS_UP = re.compile(r"\(Postfix|\(\d+\.\d+\.\d+[^\s)]*/|by mx\.google\.com|\(Sendmail|\(Coremail", re.IGNORECASE)
_KEYWORDS = frozenset({"via", "with", "id", "for"})


def read(header: Header, index: int = 0) -> Hop:
    """The Hop that the Received line `header` claims; `index` counts the lines from the top."""
    text = " ".join(header.value[: LONGEST + 1].split())
    if len(header.value) > LONGEST or not text:
        return Hop(index=index, parsed=False, cite=header.cite)
    line, semicolon, stamp = text.rpartition(";")
    time = moment(stamp)
    if not semicolon or time is None:
        line, time = text, time or moment(text)
    return _hop(_Line(line), time, header, index)


class _Line:
    """The clauses of one line: `origin` is the from-part, `behind` all from the word by on."""

    def __init__(self, text: str) -> None:
        self.text = text
        tokens = _tokens(text)
        self.origin: list[str] = []
        at = _find(tokens, "by")
        if tokens and tokens[0].lower() == "from":
            at = _find(tokens, "by", 2) if len(tokens) > 2 else len(tokens)
            self.origin = tokens[1 : min(at, _end(tokens, at))]
        self.behind = tokens[at:]
        self.start = tokens[0] if tokens else ""

    @property
    def by(self) -> str:
        """The receiver's name; '' where a comment or the next clause stands in its place."""
        name = self.behind[1].strip("[];,") if len(self.behind) > 1 else ""
        return "" if name[:1] == "(" or name.lower() in _KEYWORDS else name

    @property
    def by_comments(self) -> list[str]:
        """The comments behind the receiver's name, up to the next clause."""
        words = self.behind[2:]
        stop = next((n for n, word in enumerate(words) if word.lower() in _KEYWORDS), len(words))
        return [word for word in words[:stop] if word[0] == "("]


def _tokens(text: str) -> list[str]:
    """Words and comments, a comment with all that is nested in it; what is never closed is read as words."""
    tokens: list[str] = []
    depth = start = end = 0
    for found in _TOKEN.finditer(text):
        piece = found.group()
        if piece == "(":
            start = start if depth else found.start()
            depth += 1
        elif piece == ")":
            depth = max(depth - 1, 0)
            if not depth and start >= end:
                tokens.append("(" + text[start + 1 : found.start()].strip() + ")")
                end = found.end()
        elif not depth:
            tokens.append(piece)
    return tokens + (text[start + 1 :].split() if depth else [])


def _find(tokens: list[str], word: str, first: int = 0) -> int:
    return next((n for n in range(first, len(tokens)) if tokens[n].lower() == word), len(tokens))


def _end(tokens: list[str], at: int) -> int:
    """Where the from-part ends in a line without by."""
    return at if at < len(tokens) else min(_find(tokens, word, 2) for word in _KEYWORDS)


def _hop(line: _Line, time: datetime | None, header: Header, index: int) -> Hop:
    dialect, found = _match(line)
    protocol = _protocol(line.behind)
    ip, forged = _address(found.get("ip", ""))
    rdns = found.get("rdns", "").removesuffix(".").lower()
    named = bool(_HOST.match(rdns)) and rdns != "unknown" and parse(rdns) is None
    return Hop(
        index=index,
        helo=_helo(found.get("helo", ""), rdns if named and dialect in ("exim", "qmail") else ""),
        rdns=rdns if named else "",
        ip=ip,
        by=line.by[:255].lower(),
        by_ip=_by_ip(line),
        protocol=protocol,
        time=time,
        authenticated=_authenticated(line, protocol),
        unnamed=_unnamed(line, dialect, rdns if named else "", ip),
        dialect=dialect,
        parsed=bool(dialect),
        forged=forged,
        cite=header.cite,
    )


def _helo(text: str, rdns: str) -> str:
    """What the host called itself; Exim and qmail leave it out where it equals the reverse name."""
    return "" if text.lower() == "unknown" else text or rdns


def _match(line: _Line) -> tuple[str, dict[str, str]]:
    """The dialect's name ('' for none) and the texts it found."""
    if found := _NETWORK.match(line.text):
        return "qmail", _texts(found)
    if not line.origin:
        return ("by" if line.by else "local" if _QUEUE.match(line.text) else ""), {}
    origin, behind = " ".join(line.origin), " ".join(line.behind)
    for dialect in DIALECTS:
        if (found := dialect.pattern.match(origin)) and (not dialect.mark or dialect.mark.search(behind)):
            name = "named" if dialect.name == "postfix" and not _LOOKS_UP.search(behind) else dialect.name
            return name, _texts(found)
    return "", {}


def _texts(found: re.Match[str]) -> dict[str, str]:
    return {name: text[:300] for name, text in found.groupdict().items() if text}


def _address(text: str) -> tuple[str, tuple[str, ...]]:
    """The address in its usual form; a text in its place that can't be one is a sign of forgery."""
    if not text:
        return "", ()
    address = parse(text)
    return ("", ("impossible-address",)) if address is None else (str(address), ())


def _by_ip(line: _Line) -> str:
    """The receiver's own address: instead of its name, in brackets, or plain in the manner of Exchange."""
    comments = [comment[1:-1] for comment in line.by_comments]
    places = [line.by] + [text[text.rfind("[") :] for text in comments if text.endswith("]")]
    if "Microsoft" in line.behind:
        places += comments
    return next((str(address) for text in places if (address := parse(text)) is not None), "")


def _protocol(behind: list[str]) -> str:
    """The word of the with clause (else of via) in capitals, such as ESMTPSA; '' where there is none."""
    for clause in ("with", "via"):
        at = _find(behind, clause, 2) + 1
        words = [word.upper() for word in behind[at : at + 3]]
        stop = next((n for n, w in enumerate(words) if w[0] == "(" or w.lower() in _KEYWORDS), len(words))
        known = next((word.removesuffix("SVC") for word in words[:stop] if _PROTOCOL.fullmatch(word)), "")
        if words[:stop]:
            return known or " ".join(words[:stop])[:40]
    return ""


def _authenticated(line: _Line, protocol: str) -> bool:
    """Whether the receiver says that the sender logged in; never by a text that the sender chose."""
    if _AUTHENTICATED.fullmatch(protocol):
        return True
    return any(_LOGIN.match(token) for token in (*line.origin[1:], *line.by_comments))


def _unnamed(line: _Line, dialect: str, rdns: str, ip: str) -> bool:
    if not ip or dialect not in ("exim", "qmail", "postfix", "named"):
        return False
    if rdns:
        return any("(may be forged)" in token for token in line.origin)
    return dialect in ("exim", "postfix") or any("unknown" in token[:9].lower() for token in line.origin[:2])
