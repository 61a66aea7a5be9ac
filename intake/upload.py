"""The upload door: a report as a file, as pasted source or as the body itself, over HTTP.

It promises what the SMTP door promises: a reference only once the bytes are durable, bounded memory, no plain bytes on
disk, a limit has an answer of its own and a fault of ours is a 503 or 500 without its text. The page works without
JavaScript and loads nothing from elsewhere. Whoever holds a true reference learns the state and nothing else.

    POST /reports               202, {"reference", "sha256", "size", "status_url"}; browsers get a page
    GET  /reports/{reference}   200, {"reference", "state", ...} or 404
    GET  /                      the form

Errors are {"code", "says"}. RFC 9110, 7578.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from intake import upload_pages as pages
from intake.accept import Acceptance, Acceptor
from intake.errors import Refused, Temporary
from intake.faults import note
from intake.gate import Gate, source_of
from intake.submission import Envelope, Receipt
from intake.upload_form import Body, Form, Raw

RAW_TYPES = ("message/rfc822", "application/octet-stream")
OVERHEAD = 1_000_000
"""Bytes that a form may have around the report."""
STATUS = {
    "too-big": 413,
    "type": 415,
    "encoding": 415,
    "too-slow": 408,
    "unknown-reference": 404,
    "not-found": 404,
    "method": 405,
}
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

Status = Callable[[str], Mapping[str, object] | None]
"""What is known of a submission (its id): at least `state`; None while nobody has worked on it. May block."""
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Limits:
    """What one client may have: bytes, counts, seconds, bytes per second; a count of 0 is no limit."""

    size: int = 100_000_000
    per_source: int = 20
    total: int = 200
    per_minute: int = 60
    time: float = 900.0
    grace: float = 30.0
    rate: int = 500


class Upload:
    """The door's three answers; `base` is put before the path of a status link."""

    def __init__(self, acceptor: Acceptor, status: Status, limits: Limits, base: str) -> None:
        self._acceptor, self._status, self._limits, self._base = acceptor, status, limits, base
        self._gate = Gate(time.monotonic, limits.per_source, limits.total, limits.per_minute)

    async def form(self, request: Request) -> Response:
        """GET /: the page with the form."""
        return HTMLResponse(pages.form(language(request)), headers=HEADERS)

    async def post(self, request: Request) -> Response:
        """POST /reports: take one report."""
        source = source_of(request.client.host if request.client else "")
        if self._gate.enter(source):
            raise Temporary("too many uploads at the moment", after=10.0)
        try:
            wait = self._gate.message(source)
            if wait:
                raise Temporary("too many reports this minute", after=wait)
            receipt = await self._receive(request)
        finally:
            self._gate.leave(source)
        return self._kept(request, receipt)

    async def status(self, request: Request) -> Response:
        """GET /reports/{reference}: what became of it; a true one that is not there yet reads 'received'."""
        submission = self._acceptor.submission_of(request.path_params["reference"])
        if submission is None:
            raise Refused("unknown-reference", "there is no report with that reference")
        known = await run_in_threadpool(self._status, submission)
        found = {"state": "received", **(known or {}), "reference": self._acceptor.reference(submission)}
        if wants_page(request):
            page = pages.status(language(request), str(found["reference"]), str(found["state"]))
            return HTMLResponse(page, headers=HEADERS)
        return JSONResponse(found, headers=HEADERS)

    def _kept(self, request: Request, receipt: Receipt) -> Response:
        reference = self._acceptor.reference(receipt.submission)
        link = f"{self._base}/reports/{reference}"
        headers = {**HEADERS, "Location": link}
        if wants_page(request):
            page = pages.kept(language(request), reference, link)
            return HTMLResponse(page, 202, headers)
        answer = {"reference": reference, "sha256": receipt.sha256, "size": receipt.size, "status_url": link}
        return JSONResponse(answer, 202, headers)

    async def _receive(self, request: Request) -> Receipt:
        body = self._body(request)
        try:
            await self._stream(request, body)
            return await asyncio.wrap_future(body.end().finish())
        finally:
            if body.acceptance is not None:
                body.acceptance.abandon()

    def _body(self, request: Request) -> Body:
        """The reader for this kind of body; refuses from the headers alone what can be refused so."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused("encoding", "send it without Content-Encoding")
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > self._limits.size + OVERHEAD:
            raise self._too_big()
        content_type = request.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return Form(content_type, self._opener(request))
        if kind in RAW_TYPES:
            return Raw(self._opener(request))
        raise Refused("type", f"send multipart/form-data, {' or '.join(RAW_TYPES)}")

    def _opener(self, request: Request) -> Callable[[str], Acceptance]:
        envelope = Envelope(peer=request.client.host if request.client else "", tls=_tls(request))

        def open_(filename: str) -> Acceptance:
            return self._acceptor.open("upload", envelope, self._limits.size, filename)

        return open_

    async def _stream(self, request: Request, body: Body) -> None:
        """Read to the end, no faster than the disk takes it; `Refused('too-slow')` below the rate."""
        limits = self._limits
        loop = asyncio.get_running_loop()
        began, got = loop.time(), 0
        try:
            async with asyncio.timeout(limits.grace) as patience:
                async for chunk in request.stream():
                    got += len(chunk)
                    if got > limits.size + OVERHEAD:
                        raise self._too_big()
                    wait = body.write(chunk)
                    if wait is not None:
                        await asyncio.wrap_future(wait)
                    patience.reschedule(began + min(limits.time, limits.grace + got / limits.rate))
        except TimeoutError as error:
            raise Refused("too-slow", "it came too slowly") from error

    def _too_big(self) -> Refused:
        return Refused("too-big", f"more than {self._limits.size} bytes")


def application(acceptor: Acceptor, status: Status, limits: Limits | None = None, base: str = "") -> Starlette:
    """The door as an ASGI application, for uvicorn to serve."""
    door = Upload(acceptor, status, limits or Limits(), base)
    routes = [
        Route("/", guarded(door.form), methods=["GET"]),
        Route("/reports", guarded(door.post), methods=["POST"]),
        Route("/reports/{reference}", guarded(door.status), methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _unrouted})


def guarded(handler: Handler) -> Handler:
    """The handler with every error turned into its answer; nothing of an unexpected one is told."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except Refused as error:
            return problem(request, STATUS.get(error.code, 400), error.code, error.says)
        except Temporary as error:
            return problem(request, 503, "busy", error.says, {"Retry-After": str(int(error.after) + 1)})
        except Exception as error:
            note(error, "lapwing.upload")
            return problem(request, 500, "fault", "something went wrong on our side, please try again later")

    return answer


async def _unrouted(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: no such path, no such method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        return problem(request, 405, "method", "not with this method", dict(getattr(error, "headers", None) or {}))
    return problem(request, status, "not-found", "there is no such page")


def problem(request: Request, status: int, code: str, says: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as a page for browsers, as {"code", "says"} for programs."""
    all_headers = {**HEADERS, **(headers or {})}
    if request.method == "POST":  # the rest of the body may still be coming, and nobody will read it
        all_headers["Connection"] = "close"
    if wants_page(request):
        return HTMLResponse(pages.problem(language(request), code, says), status, all_headers)
    return JSONResponse({"code": code, "says": says}, status, all_headers)


def wants_page(request: Request) -> bool:
    """Browsers name text/html among what they accept, programs do not."""
    return "text/html" in request.headers.get("accept", "").lower()


def language(request: Request) -> str:
    """The page language that the browser's preferences ask for."""
    return pages.language(request.headers.get("accept-language", "")[:1000])


def _tls(request: Request) -> str:
    return "https" if request.url.scheme == "https" else ""
