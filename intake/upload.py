"""The upload door: a report as a file, as pasted source or as the body itself, over HTTP.

It promises what the SMTP door promises: a reference only once the bytes are durable, bounded memory, no plain bytes on
disk, a limit has an answer of its own and a fault of ours is a 503 or 500 without its text. The pages work without
JavaScript and load nothing from elsewhere. Whoever holds a true reference learns the state and nothing else, and may
add to the report. No captcha and no other puzzle: limits alone keep machines in bounds.

    POST /reports                      202, {"reference", "sha256", "size", "status_url"}; browsers get a page
    GET  /reports/{reference}          200, {"reference", "state", ...}; 404, or 410 once it was erased
    POST /reports/{reference}/{what}   202; what: loss, original, withdraw
    GET  /openapi.json                 all that for programs
    GET  /                             the form for people: `intake/wizard.py`

Errors are {"code", "says"}. RFC 9110, 7578.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from intake import openapi_public
from intake import questionnaire as form
from intake import upload_pages as pages
from intake.accept import Acceptance, Acceptor
from intake.answers import Uploaded
from intake.bodies import in_charge
from intake.errors import Refused, Temporary
from intake.gate import Gate, source_of
from intake.metrics import Door, Metrics
from intake.places import Place, Places
from intake.questionnaire import Wrong
from intake.receipts import Known
from intake.submission import Envelope, Receipt, Told
from intake.upload_form import RAW_TYPES, UNSENT, Body, Form, Raw
from intake.upload_pages import Site
from intake.web import (
    HEADERS,
    OVERHEAD,
    Answer,
    Limits,
    guarded,
    json,
    language,
    outcome,
    page,
    problem,
    read,
    wants_page,
)
from intake.wizard import Wizard

__all__ = ["Limits", "Site", "Status", "Upload", "application"]

CODES = {
    "source": ("source", "too many uploads from your address are open"),
    "network": ("network", "too many uploads from your network are open"),
    "total": ("total", "too many uploads are open"),
}
"""Limit of the gate -> (code, what is said)."""
Status = Callable[[str], Known | None]
"""What is known of a submission by the id of its reference; None while nobody has worked on it. May block."""


class Upload:
    """The door; `base` is put before the path of a status link."""

    def __init__(
        self, acceptor: Acceptor, status: Status, limits: Limits, base: str, site: Site, figures: Door
    ) -> None:
        self.acceptor, self.limits, self.site = acceptor, limits, site
        self._status, self._base, self._figures = status, base, figures
        self._gate = Gate(
            time.monotonic, limits.per_source, limits.total, limits.per_minute, limits.per_network,
            limits.network_per_minute,
        )  # fmt: skip
        self._places = Places(time.monotonic, self._gate, CODES)
        self.wizard = Wizard(self)

    def state_of(self, submission: str) -> Known:
        """What is known of it; may block."""
        return self._status(submission) or Known("received")

    async def post(self, request: Request) -> Response:
        """POST /reports: take one report."""
        return await self.admitted(request, lambda place: self._post(request, place))

    async def admitted(self, request: Request, take: Callable[[Place], Awaitable[Response]]) -> Response:
        """What `take` answers; `Temporary` while this source, or all together, have as much as they may."""
        place = self._places.enter(_source(request))
        try:
            return await take(place)
        finally:
            self._places.leave(place)

    async def receive(
        self, request: Request, body: Body, tell: Callable[[Mapping[str, list[str]]], Told], place: Place
    ) -> Receipt:
        """The body made durable, with what `tell` makes of its other fields."""

        async def write(chunk: bytes) -> None:
            wait = body.write(chunk)
            if wait is not None:
                await asyncio.wrap_future(wait)

        with self._counted(request):
            try:
                await read(request, self.limits, self.limits.size + OVERHEAD, write, place)
                acceptance = body.end()
                acceptance.tell(tell(body.fields))
                return await self._closed(acceptance)
            finally:
                if body.acceptance is not None:
                    body.acceptance.abandon()

    async def note(self, request: Request, told: Told) -> Receipt:
        """A submission without bytes: only what was told."""
        with self._counted(request):
            acceptance = self._opener(request)("")
            try:
                acceptance.tell(told)
                return await self._closed(acceptance)
            finally:
                acceptance.abandon()

    async def _closed(self, acceptance: Acceptance) -> Receipt:
        began = time.monotonic()
        receipt = await asyncio.wrap_future(acceptance.finish())
        self._figures.kept(receipt.size, time.monotonic() - began)
        return receipt

    @contextmanager
    def _counted(self, request: Request) -> Iterator[None]:
        """One message of this source; one that isn't kept has its figure."""
        try:
            limit, wait = self._gate.over(_source(request))
            if limit:
                raise Temporary("too many reports this minute", wait, limit)
            yield
        except BaseException as error:
            self._figures.message(outcome(error))
            raise

    async def _post(self, request: Request, place: Place) -> Response:
        answered: dict[str, list[str]] = {}

        def tell(fields: Mapping[str, list[str]]) -> Told:
            answered.update(fields)
            return _told(answered, language(request))

        body = self.body(request)
        try:
            receipt = await self.receive(request, body, tell, place)
        except Refused as error:
            answers = form.read(body.fields)
            if error.code not in UNSENT or form.unanswered(answers) or not wants_page(request):
                raise
            wrong = (Wrong("file", error.code),)
            return page(self.wizard.question("send", answers, language(request), wrong), 400, {"Connection": "close"})
        return self._kept(request, receipt, "money" in answered.get("harm", ()))

    def _kept(self, request: Request, receipt: Receipt, lost: bool) -> Response:
        reference = self.acceptor.reference(receipt.submission)
        link = f"{self._base}/reports/{reference}"
        if wants_page(request):
            bodies = in_charge(self.site.country, "loss")
            html = pages.kept(language(request), reference, self.site, lost, bodies)
            return page(html, 202, {"Location": link})
        answer = Uploaded(reference=reference, sha256=receipt.sha256, size=receipt.size, status_url=link)
        return json(answer, 202, {"Location": link})

    def body(self, request: Request) -> Body:
        """The reader for this kind of body."""
        content_type = request.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return Form(content_type, self._opener(request))
        if kind in RAW_TYPES:
            return Raw(self._opener(request))
        raise Refused("type", f"send multipart/form-data, {' or '.join(RAW_TYPES)}")

    def _opener(self, request: Request) -> Callable[[str], Acceptance]:
        tls = "https" if request.url.scheme == "https" else ""
        envelope = Envelope(peer=request.client.host if request.client else "", tls=tls)

        def open_(filename: str) -> Acceptance:
            return self.acceptor.open("upload", envelope, self.limits.size, filename)

        return open_


def _source(request: Request) -> str:
    return source_of(request.client.host if request.client else "")


def _told(fields: Mapping[str, list[str]], language: str) -> Told:
    """What a form tells beside the message; programs send none of it, people have answered every question."""
    if "what" not in fields:
        return Told()
    answers = form.read(fields)
    if form.unanswered(answers):
        raise Refused("answers", "some answers of the form are missing or can't be taken")
    return form.told(answers, language)


def application(
    acceptor: Acceptor, status: Status, limits: Limits | None = None, base: str = "", site: Site | None = None,
    more: Sequence[Route] = (), metrics: Metrics | None = None,
) -> Starlette:  # fmt: skip
    """The door as an ASGI application, for uvicorn to serve; `more` routes stand beside its own."""
    limits = limits or Limits()
    site = site or Site(size=limits.size)
    figures = (metrics or Metrics()).door("upload")
    door = Upload(acceptor, status, limits, base, site, figures)
    routes = [
        Route("/reports", guarded(door.post), methods=["POST"]),
        Route("/openapi.json", _document, methods=["GET"]),
        *door.wizard.routes(),
        *more,
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _unrouted})
    app.state.site, app.state.figures = site, figures
    return app


async def _document(request: Request) -> Response:
    """GET /openapi.json: this door for programs."""
    return Response(openapi_public.DOCUMENT, 200, HEADERS, "application/json")


async def _unrouted(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: no such path, no such method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        headers = dict(getattr(error, "headers", None) or {})
        return problem(request, Answer(405, "method", "not with this method", headers))
    return problem(request, Answer(status, "not-found", "there is no such page"))
