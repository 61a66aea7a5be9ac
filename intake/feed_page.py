"""The page of a feed: what became of its reports, for people at a provider's desk, in a browser and without JavaScript.

Who shows the feed's own key in the form gets a pass for an hour (`passes.py`), as a cookie that no script and no other
site can use; the key stands in no address and on no page. What is shown comes from the questions of the API
(`inquiry.py`) and is the feed's own: what is another's is answered as what is not there.

    GET  /feed                                health, volumes, time to triage; without a pass the form for the key
    POST /feed, POST /feed/leave              enter, leave
    GET  /feed/items, /feed/volumes.csv       every item with what became of it, and both as CSV
    GET  /feed/reports/{reference}            one submission; /rows.csv: its lists and their bad rows
    GET  /feed/findings, /feed/findings.json  findings about the feed's networks, and as XARF

RFC 6265 (cookies; SameSite as browsers have it), Fetch Metadata (Sec-Fetch-Site).
"""

import hmac
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from intake import download
from intake import upload_pages as pages
from intake.accept import Acceptor
from intake.answers import Page, Reported
from intake.callers import Callers
from intake.errors import Refused
from intake.gate import Gate, source_of
from intake.inquiry import Inquiry
from intake.keyring import Account
from intake.metrics import Metrics
from intake.passes import LIFE, Passes
from intake.places import Place, Places
from intake.questionnaire import Wrong
from intake.web import HEADERS, STATUS, Limits, aside, guarded, language, page, small_form

ROOT = "/feed"
COOKIE = "lapwing_feed"
ROWS = 100
"""Items, or sightings, of a page."""
OWN = 255
"""Characters of what is looked for."""
CODES = MappingProxyType({
    "source": ("source", "too many requests of yours are open"),
    "total": ("total", "too many requests are open"),
})  # fmt: skip
"""Limit of the gate -> (code, what is said)."""
Routes = list[Route]
Became = Callable[[Account, str, int], Awaitable[Reported]]
Handler = Callable[[Request, Account], Awaitable[Response]]


class Rooms(NamedTuple):
    """What the page stands on: `became` answers as the API does, `clock` gives UTC."""

    callers: Callers
    passes: Passes
    inquiry: Inquiry
    acceptor: Acceptor
    became: Became
    clock: Callable[[], datetime]


class FeedPage:
    """The handlers."""

    def __init__(self, rooms: Rooms, metrics: Metrics | None = None, limits: Limits | None = None) -> None:
        self._rooms, self._limits = rooms, limits or Limits()
        gate = Gate(time.monotonic, self._limits.per_source, self._limits.total, 0)
        self._places = Places(time.monotonic, gate, CODES)
        self._figures = (metrics or Metrics()).door("feed")

    def routes(self) -> Routes:
        """What is to be mounted."""
        table: tuple[tuple[str, str, Handler], ...] = (
            ("", "status", self.home), ("/volumes.csv", "status", self.volumes), ("/items", "status", self.items),
            ("/items.csv", "status", self.items_csv), ("/reports/{reference}", "status", self.report),
            ("/reports/{reference}/rows.csv", "status", self.rows), ("/findings", "findings", self.findings),
            ("/findings.json", "findings", self.xarf),
        )  # fmt: skip
        shown = [Route(ROOT + path, guarded(self._held(scope, do)), methods=["GET"]) for path, scope, do in table]
        enter = Route(ROOT, guarded(self.enter), methods=["POST"])
        return [*shown, enter, Route(f"{ROOT}/leave", guarded(self.leave), methods=["POST"])]

    def _held(self, needed: str, do: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler for whoever has a pass, with a place of the feed held meanwhile."""

        async def answer(request: Request) -> Response:
            account = self._account(request)
            if account is None or "status" not in account.scopes:
                return self._form(request) if request.url.path == ROOT else _to(ROOT, request)
            if needed not in account.scopes:
                raise Refused("scope", f"this key is not good for '{needed}'")
            place = self._places.enter(account.name)
            place.work()
            try:
                return await do(request, account)
            finally:
                self._places.leave(place)

        return answer

    def _account(self, request: Request) -> Account | None:
        key = self._rooms.passes.key_of(request.cookies.get(COOKIE, ""))
        return self._rooms.callers.keyring.holder(key) if key else None

    def _form(self, request: Request, wrong: str = "") -> Response:
        faults = [Wrong("key", wrong)] if wrong else []
        html = pages.feed("login", "feed-login-title", language(request), request.app.state.site, ROOT, wrong=faults)
        return page(html, STATUS[wrong] if wrong else 200)

    async def enter(self, request: Request) -> Response:
        """POST /feed: a pass for who shows a key."""
        source = source_of(request.client.host if request.client else "")
        key = (await self._fields(request, source)).get("key", [""])[0].strip()
        try:
            account = self._rooms.callers.known(source, key, "status", self._figures)
        except Refused as error:
            return self._form(request, error.code)
        return _with_cookie(_to(ROOT, request), request, self._rooms.passes.make(account.key), LIFE)

    async def leave(self, request: Request) -> Response:
        """POST /feed/leave: the pass ends."""
        source = source_of(request.client.host if request.client else "")
        shown, word = request.cookies.get(COOKIE, ""), (await self._fields(request, source)).get("word", [""])[0]
        if not hmac.compare_digest(self._rooms.passes.word(shown).encode(), word.encode()):
            raise Refused("cross-site", "this did not come from a page of ours")
        self._rooms.passes.end(shown)
        return _with_cookie(_to(ROOT, request), request, "", 0)

    async def _fields(self, request: Request, source: str) -> dict[str, list[str]]:
        """The fields of a form that was sent from a page of ours."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused("cross-site", "this did not come from a page of ours")
        place: Place = self._places.enter(source)
        try:
            return await small_form(request, self._limits, place)
        finally:
            self._places.leave(place)

    def _page(self, name: str, title: str, request: Request, account: Account, here: str, **more: Any) -> Response:
        word = self._rooms.passes.word(request.cookies.get(COOKIE, ""))
        site = request.app.state.site
        return page(pages.feed(name, title, language(request), site, ROOT + here, account=account, word=word, **more))

    async def home(self, request: Request, account: Account) -> Response:
        """GET /feed: health, volumes and pace of thirty days."""
        stats = await aside(self._rooms.inquiry.stats, account.feed, self._rooms.clock())
        return self._page("home", "feed-title", request, account, "", stats=stats)

    async def volumes(self, request: Request, account: Account) -> Response:
        """GET /feed/volumes.csv: the days of a year."""
        stats = await aside(self._rooms.inquiry.stats, account.feed, self._rooms.clock(), 366)
        return _file(download.stats(stats), download.TYPE, "volumes.csv")

    async def items(self, request: Request, account: Account) -> Response:
        """GET /feed/items: every item, the latest change first; with `find` those of one submission or report."""
        found, more = await self._latest(request, account)
        find = _find(request)
        return self._page(
            "items", "feed-items-title", request, account, "/items", items=found.items, more=more, find=find,
            before=request.query_params.get("before", ""),
        )  # fmt: skip

    async def items_csv(self, request: Request, account: Account) -> Response:
        """GET /feed/items.csv: the same as a table."""
        found, _ = await self._latest(request, account)
        return _file(download.reports(found), download.TYPE, "items.csv")

    async def _latest(self, request: Request, account: Account) -> tuple[Page, int]:
        before, find = _before(request), _find(request)
        if not find:
            return await aside(self._rooms.inquiry.latest, account.feed, before, ROWS)
        acceptor = self._rooms.acceptor
        refs = (acceptor.submission_of(find) or "", acceptor.new_id(account.name, find))
        return await aside(self._rooms.inquiry.found, account.feed, refs, find, before, ROWS)

    async def report(self, request: Request, account: Account) -> Response:
        """GET /feed/reports/{reference}: one submission."""
        told = await self._told(request, account)
        return self._page("report", "feed-report-title", request, account, f"/reports/{told.reference}", told=told)

    async def rows(self, request: Request, account: Account) -> Response:
        """GET /feed/reports/{reference}/rows.csv: its lists, and the bad rows of each that are named."""
        return _file(download.rows(await self._told(request, account)), download.TYPE, "rows.csv")

    async def _told(self, request: Request, account: Account) -> Reported:
        after = _number(request.query_params.get("after", "-1"))
        return await self._rooms.became(account, request.path_params["reference"], after)

    async def findings(self, request: Request, account: Account) -> Response:
        """GET /feed/findings: what was seen in the feed's networks."""
        since = request.query_params.get("since", "")[:100]
        told = await aside(self._rooms.inquiry.findings, account.feed, since, account.findings_from, ROWS)
        return self._page("findings", "feed-findings-title", request, account, "/findings", told=told, since=since)

    async def xarf(self, request: Request, account: Account) -> Response:
        """GET /feed/findings.json: the same, each a XARF document."""
        since = request.query_params.get("since", "")[:100]
        told = await aside(self._rooms.inquiry.findings, account.feed, since, account.findings_from, ROWS)
        return _file(msgspec.json.encode(told.findings), "application/json", "findings.json")


def _find(request: Request) -> str:
    find = request.query_params.get("find", "").strip()[:OWN]
    return find if find.isascii() and find.isprintable() else "?"


def _before(request: Request) -> int:
    return max(0, _number(request.query_params.get("before", "0")))


def _number(text: str) -> int:
    plain = text.removeprefix("-")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 18):
        raise Refused("parameter", "that is no page of this list")
    return int(text)


def _to(path: str, request: Request) -> Response:
    return RedirectResponse(f"{path}?lang={language(request)}", 303, HEADERS)


def _with_cookie(response: Response, request: Request, value: str, life: int) -> Response:
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, value, life, path=ROOT, secure=secure, httponly=True, samesite="strict")
    return response


def _file(data: bytes, kind: str, name: str) -> Response:
    kind = f"{kind}; charset=utf-8" if kind == download.TYPE else kind
    return Response(data, 200, {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}, kind)
