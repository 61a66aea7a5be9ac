"""Web: what the doors over HTTP share: limits, headers, how a body is read, and how an error is answered.

A body is read no faster than the disk takes it and no slower than a sender may be; the time that we take is not the
sender's. Each limit has a code of its own, with 429 where it is the client's own and 503 where it is ours; a fault of
ours is a 503 or 500 without its text. Pages load nothing from elsewhere and run no script. RFC 9110, RFC 6585.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qs

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from intake import upload_pages as pages
from intake.answers import Problem
from intake.catalogues import best
from intake.errors import Refused, Temporary
from intake.faults import note
from intake.metrics import Door
from intake.places import Place, crowded

OVERHEAD = 1_000_000
"""Bytes that a form may have around the report."""
SMALL = 64_000
"""Bytes of a form without a file."""
FIELDS = 40
STATUS = {
    "key": 401, "scope": 403, "unknown-reference": 404, "not-found": 404, "method": 405, "too-slow": 408,
    "head-time": 408, "in-progress": 409, "no-additions": 409, "erased": 410, "too-big": 413, "too-many": 413,
    "line-size": 413, "type": 415, "encoding": 415, "other-bytes": 422, "head-size": 431,
    "source": 429, "network": 429, "source-rate": 429, "network-rate": 429, "feed": 429, "feed-rate": 429,
    "wrong-keys": 429, "connections-source": 429, "connections-network": 429,
    "total": 503, "connections": 503, "disk": 503, "dry-runs": 503, "memory": 503, "items": 503, "crowded": 503,
    "busy": 503, "fault": 500,
}  # fmt: skip
"""Code -> status; what is not here is a 400."""
LIMITS = frozenset(code for code, status in STATUS.items() if status in (408, 413, 429, 503)) - {"busy"}
"""Codes that say that a limit was in the way."""


def status_of(code: str) -> int:
    """The status that goes with a code."""
    return STATUS.get(code, 400)


HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{pages.STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Accept, Accept-Language",
}
Handler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")
_THREADS = ThreadPoolExecutor(8, "aside")


@dataclass(frozen=True)
class Limits:
    """What one client may have: bytes, counts, seconds, bytes per second; a count of 0 is no limit.

    A source is an IPv4 address or an IPv6 network of 64 bits, its network the /24 or /48 around it.
    """

    size: int = 100_000_000
    per_source: int = 20
    per_network: int = 60
    total: int = 100
    per_minute: int = 60
    network_per_minute: int = 180
    time: float = 900.0
    grace: float = 30.0
    rate: int = 500


class Patience(Protocol):
    """How long a body may take: `time` seconds, and after `grace` no slower than `rate` bytes a second."""

    @property
    def time(self) -> float: ...
    @property
    def grace(self) -> float: ...
    @property
    def rate(self) -> int: ...


async def read(
    request: Request, limits: Patience, most: int, write: Callable[[bytes], Awaitable[None]], place: Place
) -> None:
    """Hand the body on as it comes.

    Raises `Refused('too-big')` beyond `most` bytes, `Refused('too-slow')` below the rate, and `Temporary('crowded')`
    when others needed the place.
    """
    _check_length(request, most)
    loop = asyncio.get_running_loop()
    began, got = loop.time(), 0
    try:
        async with asyncio.timeout(limits.grace) as patience:
            with place.awaited(lambda: _hurry(patience)):
                async for chunk in request.stream():
                    got += len(chunk)
                    if got > most:
                        raise too_big(most)
                    place.sent(len(chunk))
                    patience.reschedule(None)
                    before = loop.time()
                    with place.ours():
                        await write(chunk)
                    began += loop.time() - before
                    patience.reschedule(began + min(limits.time, limits.grace + got / limits.rate))
    except TimeoutError as error:
        raise crowded() if place.gone else Refused("too-slow", "it came too slowly") from error


def _hurry(patience: asyncio.Timeout) -> None:
    if not patience.expired():
        patience.reschedule(0.0)


def _check_length(request: Request, most: int) -> None:
    """Refuse from the headers alone what can be refused so."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused("encoding", "send it without Content-Encoding")
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise too_big(most)


def too_big(most: int) -> Refused:
    """What is said of more than that many bytes."""
    return Refused("too-big", f"more than {most} bytes")


async def small_form(request: Request, limits: Limits, place: Place) -> dict[str, list[str]]:
    """The fields of a form without a file (application/x-www-form-urlencoded)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Refused("type", "send application/x-www-form-urlencoded")
    body = bytearray()

    async def write(chunk: bytes) -> None:
        body.extend(chunk)

    await read(request, limits, SMALL, write, place)
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=FIELDS)
    except ValueError as error:
        raise Refused("malformed", "the form can't be read") from error


async def aside(call: Callable[..., T], *given: object) -> T:
    """What `call` gives, which may block, in one of few threads: each has a connection and a cache of its own."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, call, *given)


class Answer(NamedTuple):
    """How an error is answered."""

    status: int
    code: str
    says: str
    headers: Mapping[str, str] = MappingProxyType({})


def explained(error: Exception, log: str) -> Answer:
    """The answer to an error; nothing of an unexpected one is told, and it goes into the log of that name."""
    if isinstance(error, Refused):
        challenge = {"WWW-Authenticate": "Bearer"} if error.code == "key" else {}
        return Answer(status_of(error.code), error.code, error.says, challenge)
    if isinstance(error, Temporary):
        return Answer(status_of(error.code), error.code, error.says, {"Retry-After": str(int(error.after) + 1)})
    note(error, log)
    return Answer(500, "fault", "something went wrong on our side, please try again later")


def outcome(error: BaseException) -> str:
    """What the figures call a message that was not kept."""
    if isinstance(error, Refused | Temporary):
        return error.code
    return "fault" if isinstance(error, Exception) and not isinstance(error, ClientDisconnect) else "abandoned"


def guarded(handler: Handler) -> Handler:
    """The handler with every error turned into its answer, and each limit counted."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            told = explained(error, "lapwing.upload")
            limited(request.app.state.figures, told.code)
            return problem(request, told)

    return answer


def limited(figures: Door, code: str) -> None:
    """Count that a limit was in the way, if it is one."""
    if code in LIMITS:
        figures.limited(code)


def page(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page of ours."""
    return HTMLResponse(html, status, {**HEADERS, **(headers or {})})


def json(body: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """An answer to a program."""
    return Response(msgspec.json.encode(body), status, {**HEADERS, **headers}, "application/json")


def problem(request: Request, told: Answer) -> Response:
    """An error as a page for browsers, as {"code", "says"} for programs."""
    more = dict(told.headers)
    if request.method not in ("GET", "HEAD"):  # the rest of the body may still be coming, and nobody will read it
        more["Connection"] = "close"
    if wants_page(request):
        code = "busy" if told.status in (429, 503) else told.code
        html = pages.problem(language(request), code, told.says, request.app.state.site)
        return page(html, told.status, more)
    return json(Problem(code=told.code, says=told.says), told.status, more)


def wants_page(request: Request) -> bool:
    """Browsers name text/html among what they accept, programs do not; below /api/ there are no pages."""
    return "text/html" in request.headers.get("accept", "").lower() and not request.url.path.startswith("/api/")


def language(request: Request) -> str:
    """The page language: the one chosen by a link, else what the browser's preferences ask for."""
    chosen = request.query_params.get("lang", "")
    known = request.app.state.site.words
    return chosen if chosen in known else best(request.headers.get("accept-language", "")[:1000], known)
