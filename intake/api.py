"""The API for feeds: reports in, outcomes and findings out, over HTTP with a key; mounted beside the upload door.

What the upload door promises holds here: a reference only once the bytes are durable, bounded memory, a fault of ours
is a 503 or 500 without its text. A feed sees what is its own and nothing else: what is another's is answered as what is
not there. Errors are {"code", "says"}. The document at /api/v1/openapi.json names every answer. RFC 9110, 6750.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from intake import openapi
from intake.answers import Batch, BatchItem, Kept, Page, Problem, Replayed, Reported
from intake.api_body import ALONE, LINES, Alone, Body, Form, Takes, checked_key
from intake.callers import Callers
from intake.download import TABLES
from intake.download import TYPE as CSV
from intake.dryrun import DryRuns
from intake.errors import Refused, Temporary
from intake.gate import Gate, source_of
from intake.handin import Entry, HandIn, Taking
from intake.inquiry import PAGE, Inquiry
from intake.keyring import Account
from intake.lines import Lines
from intake.metrics import Metrics
from intake.multipart import TYPE as FORM
from intake.outcomes import KEY
from intake.parsing import Parser
from intake.places import Place, Places
from intake.submission import Envelope
from intake.web import Answer, Patience, aside, explained, limited, outcome, read

ROOT = "/api/v1"
ITEMS = 1000
"""Items of a batch at most."""
PIECE = 16_384
"""Bytes that are read at once, so that few items of a batch are on their way together."""
OVERHEAD = 40
"""A batch may have so many times the bytes of a report."""
CODES = {
    "source": ("feed", "too many requests of yours are open"),
    "total": ("total", "too many requests are open"),
}
"""Limit of the gate -> (code, what is said)."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept"}
Handler = Callable[[Request, Account, Place], Awaitable[Any]]


class Limits(NamedTuple):
    """What one feed may have: bytes of an item, requests open at once, of all feeds too, seconds, bytes a second."""

    size: int = 100_000_000
    per_feed: int = 20
    total: int = 100
    time: float = 900.0
    grace: float = 30.0
    rate: int = 500


class Api:
    """The handlers; `clock` gives UTC, `parser` looks at what is only to be looked at, `gone` says what was erased."""

    def __init__(
        self, hand_in: HandIn, callers: Callers, inquiry: Inquiry, parser: Parser, clock: Callable[[], datetime],
        limits: Limits | None = None, base: str = "", gone: Callable[[str], bool] = lambda ref: False,
        metrics: Metrics | None = None, replay: Callable[[str, int], None] = lambda feed, n: None,
        refused: Callable[[str, str], None] = lambda account, code: None,
    ) -> None:  # fmt: skip
        self._hand_in, self._callers, self._inquiry = hand_in, callers, inquiry
        self._refused, self._replay = refused, replay
        self._clock, self._limits, self._base, self._gone = clock, limits or Limits(), base, gone
        gate = Gate(time.monotonic, self._limits.per_feed, self._limits.total, 0)
        self._places = Places(time.monotonic, gate, CODES)
        self._minutes = Gate(time.monotonic, 0, 0, 0)
        self._dry_runs = DryRuns(parser)
        self._figures = (metrics or Metrics()).door("api")

    def routes(self) -> list[Route]:
        """What is to be mounted."""
        table: tuple[tuple[str, str, str, Handler], ...] = (
            ("/reports", "POST", "report", self.post), ("/batches", "POST", "report", self.batch),
            ("/validate", "POST", "report", self.validate), ("/reports", "GET", "status", self.changes),
            ("/reports/{reference}", "GET", "status", self.report), ("/stats", "GET", "status", self.stats),
            ("/events", "GET", "status", self.events), ("/events/replay", "POST", "status", self.replay),
            ("/findings", "GET", "findings", self.findings),
        )  # fmt: skip
        routes = [Route(ROOT + path, self._answered(scope, do), methods=[verb]) for path, verb, scope, do in table]
        return [*routes, Route(f"{ROOT}/openapi.json", self.document, methods=["GET"])]

    def _answered(self, needed: str, do: Handler) -> ASGIApp:
        """The application for whoever has a key of that scope, with every error turned into its answer; the place is
        held until the answer was sent.
        """

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            try:
                account = self._account(request, needed)
                place = self._enter(account, needed)
                if request.method == "GET":
                    place.work()
                try:
                    done = await do(request, account, place)
                    await (done if isinstance(done, Response) else _told(request, done))(scope, receive, send)
                    return
                finally:
                    self._places.leave(place)
            except ClientDisconnect:
                response = Response(status_code=400)
            except Exception as error:
                told = explained(error, "lapwing.api")
                limited(self._figures, told.code)
                response = _problem(request, told)
            await response(scope, receive, send)

        return _Application(answer)

    def _enter(self, account: Account, needed: str) -> Place:
        """A place of the feed; what it wanted to hand in is refused where it has too many."""
        try:
            return self._places.enter(account.name)
        except Temporary as error:
            if needed == "report":
                self._refused(account.name, error.code)
            raise

    def _account(self, request: Request, scope: str) -> Account:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        shown = key.strip() if kind.lower() == "bearer" else ""
        return self._callers.known(_source(request), shown, scope, self._figures)

    async def post(self, request: Request, account: Account, place: Place) -> Response:
        """POST /reports: one report."""
        taking = self._taking(request, account, most=1)
        cut = await self._take(request, taking, place, batch=False)
        for error in (cut, *(each.failure for each in taking.entries)):
            if isinstance(error, Refused) and error.code == "too-many":
                raise Refused("one-at-a-time", "send several as a batch; the first one was kept")
            if error is not None:
                raise error
        if not taking.entries:
            raise Refused("empty", "there was no file in it")
        kept = self._kept(taking.entries[0])
        return _json(kept, 202, {"Location": kept.status_url})

    async def batch(self, request: Request, account: Account, place: Place) -> Response:
        """POST /batches: many, each with a result of its own; what came before a fault of the body is kept."""
        taking = self._taking(request, account, ITEMS)
        cut = await self._take(request, taking, place, batch=True)
        if cut is not None and not taking.entries:
            raise cut
        told = explained(cut, "lapwing.api") if cut else Answer(200, "", "")
        limited(self._figures, told.code)
        items = tuple(self._item(number, each) for number, each in enumerate(taking.entries))
        accepted = sum(each.status == 202 for each in items)
        answer = Batch(items=items, accepted=accepted, refused=len(items) - accepted, code=told.code, says=told.says)
        return _json(answer, told.status, {**told.headers, **({"Connection": "close"} if cut else {})})

    async def _take(self, request: Request, taking: Taking, place: Place, batch: bool) -> Refused | Temporary | None:
        """Take in what comes; what was wrong with the body, once the items before that are durable."""
        cut: Refused | Temporary | None = None
        try:
            try:
                await self._read(request, taking, self._limits, place, taking, batch)
            except (Refused, Temporary) as error:
                cut = error
            began = time.monotonic()
            entries = await taking.results()
        except BaseException as error:
            self._figures.message(outcome(error))
            raise
        finally:
            taking.release()
        self._count(taking.account, entries, cut, time.monotonic() - began)
        return cut

    def _count(self, account: str, entries: Sequence[Entry], cut: Refused | Temporary | None, seconds: float) -> None:
        """The figures of a request, and what is wrong with the item in which its body was cut."""
        if cut is not None and not entries:
            self._figures.message(cut.code)
            self._refused(account, cut.code)
        for each in entries:
            if each.failure is None and not each.closed:
                each.failure = cut or Refused("malformed", "the body ended before this item did")
            if each.failure is not None:
                self._figures.message(outcome(each.failure))
                self._refused(account, outcome(each.failure))
            elif each.repeated:
                self._figures.message("repeated")
            else:
                self._figures.kept(each.size, seconds)

    def _taking(self, request: Request, account: Account, most: int) -> Taking:
        key = checked_key(request.headers.get("idempotency-key", ""))
        peer = request.client.host if request.client else ""
        tls = "https" if request.url.scheme == "https" else ""
        envelope = Envelope(peer=peer, tls=tls, account=account.name, options=(KEY + account.key,))
        return Taking(
            self._hand_in, envelope, key, most, lambda: self._minutes.over_account(account.name, account.per_minute)[1]
        )

    async def _read(
        self, request: Request, takes: Takes, patience: Patience, place: Place, taking: Taking | None = None,
        batch: bool = False,
    ) -> None:  # fmt: skip
        """Read the body to its end, no faster than the disk takes it."""
        filename = request.query_params.get("filename", "")
        body = _body_of(request.headers.get("content-type", ""), takes, filename, batch)

        async def write(chunk: bytes) -> None:
            for start in range(0, len(chunk), PIECE):
                wait = body.write(chunk[start : start + PIECE])
                if wait is not None:
                    await asyncio.wrap_future(wait)
                if taking is not None and not batch and taking.entries and (failure := taking.entries[-1].failure):
                    raise failure
                if taking is not None:
                    await taking.settle()

        await read(request, patience, self._limits.size * (OVERHEAD if batch else 1) + 1_000_000, write, place)
        body.end()

    def _kept(self, entry: Entry) -> Kept:
        link = f"{self._base}{ROOT}/reports/{entry.reference}"
        return Kept(
            reference=entry.reference, sha256=entry.sha256, size=entry.size, status_url=link, repeated=entry.repeated
        )

    def _item(self, number: int, entry: Entry) -> BatchItem:
        if entry.failure is not None:
            told = explained(entry.failure, "lapwing.api")
            limited(self._figures, told.code)
            return BatchItem(item=number, status=told.status, id=entry.id, code=told.code, says=told.says)
        kept = self._kept(entry)
        return BatchItem(
            item=number, status=202, id=entry.id, reference=kept.reference, sha256=kept.sha256, size=kept.size,
            status_url=kept.status_url, repeated=kept.repeated,
        )  # fmt: skip

    async def validate(self, request: Request, account: Account, place: Place) -> object:
        """POST /validate: look at one report and keep nothing of it."""
        with self._dry_runs.one() as held:
            await self._read(request, held, self._dry_runs, place)
            return await self._dry_runs.look(held)

    async def report(self, request: Request, account: Account, place: Place) -> Reported:
        """GET /reports/{reference}: what became of each item of one submission."""
        return await self.became(
            account, request.path_params["reference"], _number(request, "after", -1, -1, 1_000_000)
        )

    async def became(self, account: Account, reference: str, after: int = -1) -> Reported:
        """What became of that submission, for the feed that handed it in; `Refused` for all others."""
        acceptor = self._hand_in.acceptor
        ref = acceptor.submission_of(reference)
        if ref is not None:
            found = await aside(self._inquiry.report, account.feed, ref, after)
            if found is not None:
                return found
            known = self._hand_in.index.get(ref)
            owned = acceptor.owned(ref, account.name)
            if owned and await aside(self._gone, ref):
                raise Refused("erased", "what had this reference was erased and is no longer kept")
            if owned and (known is None or known.done):
                digest, size = (known.sha256, known.size) if known else ("", 0)
                return Reported(
                    reference=acceptor.reference(ref), state="received", received=None, sha256=digest, size=size,
                    counts={}, items=(), next=None,
                )  # fmt: skip
        raise Refused("unknown-reference", "you have handed in nothing with that reference, or it is still on its way")

    async def changes(self, request: Request, account: Account, place: Place) -> object:
        """GET /reports: items that are new or have changed since a cursor."""
        limit = _number(request, "limit", PAGE, 1, PAGE)
        return await aside(self._inquiry.changes, account.feed, _cursor(request), limit)

    async def stats(self, request: Request, account: Account, place: Place) -> object:
        """GET /stats: volumes and time to triage."""
        days = _number(request, "days", 30, 1, 366)
        return await aside(self._inquiry.stats, account.feed, self._clock(), days)

    async def events(self, request: Request, account: Account, place: Place) -> object:
        """GET /events: what the webhook is told, again from any number on."""
        after = _number(request, "after", 0, 0, 2**62)
        limit = _number(request, "limit", PAGE, 1, PAGE)
        return await aside(self._inquiry.events, account.feed, after, limit)

    async def replay(self, request: Request, account: Account, place: Place) -> object:
        """POST /events/replay: have events posted to the webhook again, from any number on."""
        place.work()
        after = _number(request, "after", 0, 0, 2**62)
        await aside(self._replay, account.feed, after + 1)
        return Replayed(after=after)

    async def findings(self, request: Request, account: Account, place: Place) -> object:
        """GET /findings: what was seen in the feed's own networks."""
        limit = _number(request, "limit", PAGE, 1, PAGE)
        least = account.findings_from
        return await aside(self._inquiry.findings, account.feed, _cursor(request), least, limit)

    async def document(self, request: Request) -> Response:
        """GET /openapi.json: this interface for programs; needs no key."""
        return Response(openapi.DOCUMENT, 200, HEADERS, "application/json")


class _Application:
    """An ASGI application that Starlette doesn't take for a handler."""

    def __init__(self, run: ASGIApp) -> None:
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._run(scope, receive, send)


def _body_of(content_type: str, takes: Takes, filename: str, batch: bool) -> Body:
    """The reader for a body of that type; `Refused('type')` where there is none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        return Form(content_type, takes)
    if batch and kind in LINES:
        return Lines(takes)
    if kind in ALONE and (not batch or kind == "application/zip"):
        return Alone(takes, filename)
    wanted = "multipart/form-data, application/x-ndjson or application/zip" if batch else "message/rfc822 or another of"
    raise Refused("type", f"send {wanted}" + ("" if batch else f" {', '.join(sorted(ALONE))}, or multipart/form-data"))


def _told(request: Request, body: object) -> Response:
    """The answer to a question, as CSV where that is asked for and it is a table."""
    table = TABLES.get(type(body))
    if table is None or CSV not in request.headers.get("accept", "").lower():
        return _json(body)
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{request.url.path.rpartition("/")[2]}.csv"'}
    if isinstance(body, Page):
        headers["Lapwing-Cursor"] = body.cursor
        if body.more:
            query = urlencode({**request.query_params, "since": body.cursor})
            headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return Response(table(body), 200, headers, f"{CSV}; charset=utf-8")


def _json(body: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    return Response(msgspec.json.encode(body), status, {**HEADERS, **headers}, "application/json")


def _problem(request: Request, told: Answer) -> Response:
    close = {"Connection": "close"} if request.method == "POST" else {}
    return _json(Problem(code=told.code, says=told.says), told.status, {**told.headers, **close})


def _source(request: Request) -> str:
    return source_of(request.client.host if request.client else "")


def _cursor(request: Request) -> str:
    return request.query_params.get("since", "")[:100]


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.removeprefix("-").isdigit() or not text.isascii() or len(text) > 19 or not least <= int(text) <= most:
        raise Refused("parameter", f"`{name}` is a number from {least} to {most}")
    return int(text)
