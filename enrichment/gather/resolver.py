"""The resolver port and its three forms: live DNS, a recording, and off. The only file that touches dnspython.

`ask` takes questions and gives one Lookup for each, in the same order; it never raises for what a stranger named. What
is no DNS name is answered `refused` by `not-a-name` and nothing is sent; what is over the number of questions of one
call is answered `refused` by `limit`. What can't be asked in time is `timeout`, which neither clears nor condemns.
Answers, the negative ones too, are kept in memory for their time to live (RFC 2308), failures never.
DNSSEC is left to the resolver that we ask: an in-process validator is a target (CVE-2023-50387).
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.message
import dns.nameserver
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rdtypes.txtbase
import dns.resolver
import msgspec

from enrichment.facts import Lookup, Question
from enrichment.gather.names import alabels

IN_FLIGHT = 50
"""Most questions under way at once; more lose datagrams at default socket buffers."""
CACHED = 20_000
"""Most answers kept in memory; the one not used for longest goes first."""
LONGEST_TTL = 86_400
TYPES = frozenset({"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "TXT"})
_EDNS_PAYLOAD = 1232  # DNS flag day 2020: larger datagrams are cut on the way; TCP follows


class Resolver(Protocol):
    """Answers questions about names; the port that enrichment declares."""

    def ask(self, questions: Sequence[Question]) -> tuple[Lookup, ...]:
        """One Lookup for each question, in the same order. Never raises for a name, an answer or a silence."""
        ...


class Live:
    """DNS through `nameservers` ('address', 'address:port', '[v6]:port'; () means those of the system).

    `timeout` and `budget` are seconds: for one question with its repeats and its TCP follow-up, and for one call of
    `ask`, which sends at most `most` questions. `clock` gives the time in UTC. Safe to share between threads; to be
    called from a thread that runs no event loop. Raises ValueError for a nameserver that is no address.
    """

    def __init__(
        self,
        nameservers: tuple[str, ...],
        clock: Callable[[], datetime],
        timeout: float = 2.0,
        budget: float = 10.0,
        most: int = 60,
    ) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        if nameservers:
            self._resolver.nameservers = [_server(each) for each in nameservers]
        self._resolver.timeout = timeout / 2  # so that one lost datagram can be sent again
        self._resolver.lifetime = timeout
        self._resolver.use_edns(0, 0, _EDNS_PAYLOAD)
        self._clock = clock
        self._budget = budget
        self._most = most
        self._cache: OrderedDict[str, tuple[datetime, Lookup]] = OrderedDict()
        self._lock = Lock()

    def ask(self, questions: Sequence[Question]) -> tuple[Lookup, ...]:
        """One Lookup for each question, in the same order, within the budget."""
        known: dict[str, Lookup] = {}
        open_: dict[str, Question] = {}
        for question in questions:
            lookup = self._without_asking(question, len(open_))
            if lookup is None:
                open_[question.id] = question
            elif question.id not in open_:
                known[question.id] = lookup
        if open_:
            known.update(asyncio.run(self._ask_all(open_)))
        return tuple(known[question.id] for question in questions)

    def _without_asking(self, question: Question, asked: int) -> Lookup | None:
        """The Lookup for a question that is not sent: refused, cached, or over the limit."""
        if question.type not in TYPES or not alabels(question.name):
            return self._lookup(question, "refused", by="not-a-name")
        cached = self._cached(question.id)
        if cached is None and asked >= self._most:
            return self._lookup(question, "refused", by="limit")
        return cached

    async def _ask_all(self, questions: Mapping[str, Question]) -> dict[str, Lookup]:
        """The answers by question id; what is not there when the budget ends timed out."""
        gate = asyncio.Semaphore(IN_FLIGHT)
        tasks = {asyncio.create_task(self._ask_one(each, gate)): each for each in questions.values()}
        done, late = await asyncio.wait(tasks, timeout=self._budget)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        found = {tasks[task].id: task.result() for task in done}
        return found | {tasks[task].id: self._lookup(tasks[task], "timeout", by="budget") for task in late}

    async def _ask_one(self, question: Question, gate: asyncio.Semaphore) -> Lookup:
        """One question to the nameservers, its outcome in the words of Lookup."""
        async with gate:
            try:
                return await self._resolve(question)
            except dns.exception.Timeout:
                return self._lookup(question, "timeout")
            except dns.resolver.NoNameservers as error:
                return self._lookup(question, _why_none(error), by=_by(error))
            except (dns.exception.DNSException, OSError, ValueError):
                # A loop of names, an answer out of order, a record that can't be read: the world, not a bug of ours.
                return self._lookup(question, "servfail")

    async def _resolve(self, question: Question) -> Lookup:
        """Ask and keep the answer for its time to live."""
        name = alabels(question.name) + "."
        try:
            answer = await self._resolver.resolve(name, question.type, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            response = next(iter(error.kwargs["responses"].values()))
            return self._remember(self._lookup(question, "nxdomain", by=self._servers), _ttl(response))
        status = "answer" if answer.rrset else "nodata"
        lines = tuple(sorted({_line(rdata) for rdata in answer.rrset or ()}))
        by = f"{answer.nameserver}:{answer.port}"
        return self._remember(self._lookup(question, status, lines, by), _ttl(answer.response))

    @property
    def _servers(self) -> str:
        return " ".join(_text_of(each) for each in self._resolver.nameservers)

    def _lookup(self, question: Question, status: str, answers: tuple[str, ...] = (), by: str = "") -> Lookup:
        return Lookup(
            type=question.type,
            name=question.name,
            status=status,
            answers=answers,
            at=self._clock(),
            by=by or self._servers,
        )

    def _cached(self, id_: str) -> Lookup | None:
        """The kept answer, with the time at which it came."""
        with self._lock:
            until, lookup = self._cache.get(id_, (None, None))
            if until is None or until <= self._clock():
                self._cache.pop(id_, None)
                return None
            self._cache.move_to_end(id_)
            return lookup

    def _remember(self, lookup: Lookup, ttl: int) -> Lookup:
        """Keep `lookup` for `ttl` seconds, at most a day."""
        with self._lock:
            self._cache[lookup.id] = (self._clock() + timedelta(seconds=min(ttl, LONGEST_TTL)), lookup)
            self._cache.move_to_end(lookup.id)
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        return lookup


def _server(text: str) -> dns.nameserver.Do53Nameserver:
    """'192.0.2.1', '192.0.2.1:5353', '2001:db8::1' or '[2001:db8::1]:53' as dnspython wants it."""
    address, port = text, "53"
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.removeprefix(":") or "53"
    elif text.count(":") == 1:
        address, port = text.split(":")
    return dns.nameserver.Do53Nameserver(str(ipaddress.ip_address(address)), int(port))


def _text_of(server: object) -> str:
    """A nameserver as text: the system's are plain addresses."""
    if isinstance(server, dns.nameserver.AddressAndPortNameserver):
        return f"{server.address}:{server.port}"
    return str(server)


def _line(rdata: dns.rdata.Rdata) -> str:
    """The presentation form: strings of a TXT joined and undecorated, names in lower case without final dot."""
    if isinstance(rdata, dns.rdtypes.txtbase.TXTBase):
        return b"".join(rdata.strings).decode("utf-8", "backslashreplace")
    return rdata.to_text().lower().removesuffix(".")


def _ttl(response: dns.message.Message) -> int:
    """Seconds for which the answer, or the absence of one (RFC 2308 section 5), may be kept; 0 where nobody says."""
    if not isinstance(response, dns.message.QueryMessage):
        return 0
    chain = response.resolve_chaining()
    has_soa = any(each.rdtype == dns.rdatatype.SOA for each in response.authority)
    return int(chain.minimum_ttl) if chain.answer is not None or has_soa else 0


def _why_none(error: dns.resolver.NoNameservers) -> str:
    """refused where every server that spoke refused, otherwise servfail."""
    codes = [each[4].rcode() for each in error.kwargs.get("errors", ()) if isinstance(each[4], dns.message.Message)]
    return "refused" if codes and all(code == dns.rcode.REFUSED for code in codes) else "servfail"


def _by(error: dns.resolver.NoNameservers) -> str:
    """The servers that failed, in order and once each."""
    return " ".join(dict.fromkeys(f"{each[0]}" for each in error.kwargs.get("errors", ())))


class _Recording(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of a recording."""

    status: str
    answers: tuple[str, ...] = ()
    at: datetime | None = None


class Recorded:
    """Answers out of a recording: `{"TXT example.com": {"status": "answer", "answers": ["..."], "at": "..."}}`.

    `source` is the JSON file, or its content as a mapping. A question that is not in it is answered `servfail` by
    `recording`, so that it neither clears nor condemns. Raises msgspec.ValidationError for a file of another shape.
    """

    def __init__(self, source: Path | Mapping[str, Mapping[str, object]]) -> None:
        kept = dict[str, _Recording]
        if isinstance(source, Path):
            self._kept = msgspec.json.decode(source.read_bytes(), type=kept)
        else:
            self._kept = msgspec.convert(source, type=kept)

    def ask(self, questions: Sequence[Question]) -> tuple[Lookup, ...]:
        """What was recorded for each question."""
        return tuple(self._answer(question) for question in questions)

    def _answer(self, question: Question) -> Lookup:
        kept = self._kept.get(question.id, _Recording("servfail"))
        return Lookup(
            type=question.type,
            name=question.name,
            status=kept.status,
            answers=kept.answers,
            at=kept.at,
            by="recording",
        )


class Off:
    """No resolver: every question is answered `timeout` by `off`."""

    def ask(self, questions: Sequence[Question]) -> tuple[Lookup, ...]:
        """A timeout for each."""
        return tuple(Lookup(type=each.type, name=each.name, status="timeout", by="off") for each in questions)


def save(lookups: Sequence[Lookup], path: Path) -> None:
    """Write `lookups` as a recording for `Recorded`, sorted by question; the last one of a question counts."""
    kept = {each.id: _Recording(each.status, each.answers, each.at) for each in sorted(lookups, key=lambda e: e.id)}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
