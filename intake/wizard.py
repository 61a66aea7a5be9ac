"""Wizard: the public's form, one question a page, and what can be added to a report by its reference.

Nothing is kept before the last page: each page carries the earlier answers in hidden fields to the next, so there is
no cookie and no draft, and who leaves leaves nothing behind. POST /report/STEP answers that question and shows the
next; with `show` in the query it shows STEP itself, for going back, changing an answer or the language. An addition is
a submission of its own that names the first one; whoever holds the true reference may make it, where a member of the
public handed the first one in.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import UNSET, structs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from intake import questionnaire as form
from intake import upload_pages as pages
from intake.accept import Acceptor
from intake.answers import Added, State
from intake.bodies import Body as PublicBody
from intake.bodies import in_charge
from intake.errors import Refused
from intake.places import Place
from intake.questionnaire import Answers, Wrong
from intake.receipts import Known
from intake.submission import Receipt, Told
from intake.upload_form import UNSENT, Body
from intake.upload_pages import Site
from intake.web import HEADERS, Limits, aside, guarded, json, language, page, small_form, wants_page

GO_BACK = {"Cache-Control": "private, no-cache"}
"""A question may be shown again, with what was typed, when a person goes back; where a page may not be stored, browsers
only ask whether to send the form anew.
"""
ADDS = {"loss": "loss", "original": "original", "withdraw": "withdrawal", "consent": "no-consent"}
"""Last part of the path -> what a Told says it adds."""


class Door(Protocol):
    """What the form needs of the upload door."""

    acceptor: Acceptor
    limits: Limits
    site: Site

    def state_of(self, submission: str) -> Known: ...
    async def admitted(self, request: Request, take: Callable[[Place], Awaitable[Response]]) -> Response: ...
    def body(self, request: Request) -> Body: ...
    async def receive(
        self, request: Request, body: Body, tell: Callable[[Mapping[str, list[str]]], Told], place: Place
    ) -> Receipt: ...
    async def note(self, request: Request, told: Told) -> Receipt: ...


class Wizard:
    """The pages of the form and of a report's state."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def routes(self) -> list[BaseRoute]:
        """Every path of the form."""
        state = "/reports/{reference}"
        return [
            Route("/", guarded(self.start), methods=["GET"]),
            Route("/status", guarded(self.find), methods=["GET"]),
            Route("/report/{step}", guarded(self.first), methods=["GET"]),
            Route("/report/{step}", guarded(self.answer), methods=["POST"]),
            Route(state, guarded(self.status), methods=["GET"]),
            Route(state + "/{what}", guarded(self.ask), methods=["GET"]),
            Route(state + "/{what}", guarded(self.add), methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        """GET /: what this is."""
        return page(pages.start(language(request), self._door.site))

    async def find(self, request: Request) -> Response:
        """GET /status?reference=: on to the page of that reference, typed in by a person."""
        typed = request.query_params.get("reference", "")
        submission = self._door.acceptor.submission_of(typed)
        if submission is None:
            return page(pages.find(language(request), self._door.site, typed), 404)
        link = f"/reports/{self._door.acceptor.reference(submission)}?lang={language(request)}"
        return RedirectResponse(link, 303, HEADERS)

    async def first(self, request: Request) -> Response:
        """GET /report/STEP: the first question, whichever was asked for, because nothing was answered yet."""
        _step(request)
        return self._question("what", Answers(), request)

    async def answer(self, request: Request) -> Response:
        """POST /report/STEP: the next question, or the same again with what is wrong."""

        async def take(place: Place) -> Response:
            step = _step(request)
            answers = form.read(await small_form(request, self._door.limits, place))
            if "show" in request.query_params:
                return self._question(_reachable(step, answers), answers, request)
            wrong = form.wrong(step, answers)
            if wrong:
                return self._question(step, answers, request, wrong)
            return self._question(_reachable(form.after(step, answers), answers), answers, request)

        return await self._door.admitted(request, take)

    def _question(self, step: str, answers: Answers, request: Request, wrong: tuple[Wrong, ...] = ()) -> Response:
        return page(self.question(step, answers, language(request), wrong), 400 if wrong else 200, GO_BACK)

    def question(self, step: str, answers: Answers, language: str, wrong: tuple[Wrong, ...] = ()) -> str:
        """The page of one question."""
        return pages.step(step, answers, language, self._door.site, self.bodies(answers.what), wrong)

    def bodies(self, lane: str) -> tuple[PublicBody, ...]:
        """Who is in charge of that, in the country of this house; for `other` the police know."""
        return in_charge(self._door.site.country, "police" if lane == "other" else lane)

    async def status(self, request: Request) -> Response:
        """GET /reports/REFERENCE: what became of it; a true one that is not there yet reads 'received'."""
        submission = self._submission(request)
        known = await aside(self._door.state_of, submission)
        reference = self._door.acceptor.reference(submission)
        if wants_page(request):
            html = pages.status(language(request), reference, known, self._door.site)
            return page(html, 410 if known.state == "erased" else 200)
        return json(_told(reference, _there(known)))

    async def ask(self, request: Request) -> Response:
        """GET /reports/REFERENCE/WHAT: the page to add that."""
        what, submission = _what(request), await self._open(request)
        return self._ask(request, submission, what, Answers())

    async def add(self, request: Request) -> Response:
        """POST /reports/REFERENCE/WHAT: add it."""

        async def take(place: Place) -> Response:
            what, submission = _what(request), await self._open(request)
            told = Told(of=submission, adds=ADDS[what], language=language(request))  # type: ignore[arg-type]
            if what == "original":
                return await self._original(request, submission, told, place)
            if what == "loss":
                return await self._loss(request, submission, told, place)
            return await self._added(request, submission, what, await self._door.note(request, told))

        return await self._door.admitted(request, take)

    async def _original(self, request: Request, submission: str, told: Told, place: Place) -> Response:
        try:
            receipt = await self._door.receive(request, self._door.body(request), lambda _: told, place)
        except Refused as error:
            if error.code not in UNSENT or not wants_page(request):
                raise
            return self._ask(request, submission, "original", Answers(), (Wrong("file", error.code),))
        return await self._added(request, submission, "original", receipt)

    async def _loss(self, request: Request, submission: str, told: Told, place: Place) -> Response:
        answers = form.read(await small_form(request, self._door.limits, place))
        wrong = form.wrong_loss(answers)
        if not wrong and not (answers.amount or answers.words):
            wrong = (Wrong("amount", "loss-missing"),)
        if wrong and wants_page(request):
            return self._ask(request, submission, "loss", answers, wrong)
        if wrong:
            raise Refused(wrong[0].code, f"the field {wrong[0].field} can't be taken")
        receipt = await self._door.note(request, structs.replace(told, loss=form.loss(answers)))
        return await self._added(request, submission, "loss", receipt)

    def _ask(
        self, request: Request, submission: str, what: str, answers: Answers, wrong: tuple[Wrong, ...] = ()
    ) -> Response:
        reference = self._door.acceptor.reference(submission)
        html = pages.addition(what, reference, answers, language(request), self._door.site, wrong)
        return page(html, 400 if wrong else 200)

    async def _added(self, request: Request, submission: str, what: str, receipt: Receipt) -> Response:
        reference = self._door.acceptor.reference(submission)
        if wants_page(request):
            bodies = in_charge(self._door.site.country, "loss")
            return page(pages.added(what, reference, language(request), self._door.site, bodies), 202)
        own = self._door.acceptor.reference(receipt.submission)
        return json(Added(reference=own, adds=ADDS[what], to=reference), 202)

    async def _open(self, request: Request) -> str:
        """The submission to which something may be added; what was not opened yet is judged then."""
        submission = self._submission(request)
        if not _there(await aside(self._door.state_of, submission)).adds:
            says = "nothing can be added to this report here; whoever has a key for the API uses that"
            raise Refused("no-additions", says)
        return submission

    def _submission(self, request: Request) -> str:
        submission = self._door.acceptor.submission_of(request.path_params["reference"])
        if submission is None:
            raise Refused("unknown-reference", "there is no report with that reference")
        return submission


def _there(known: Known) -> Known:
    """The same, unless it was erased."""
    if known.state == "erased":
        raise Refused("erased", "what had this reference was erased and is no longer kept")
    return known


def _told(reference: str, known: Known) -> State:
    """What a program is told of it: `items` once it was opened, `outcome` once it is closed."""
    items = UNSET if known.state == "received" else dict(known.items)
    outcome = (known.outcome or "finished") if known.state == "closed" else UNSET
    return State(reference=reference, state=known.state, items=items, outcome=outcome)


def _step(request: Request) -> str:
    step = str(request.path_params["step"])
    if step not in form.STEPS:
        raise Refused("not-found", "there is no such page")
    return step


def _what(request: Request) -> str:
    what = str(request.path_params["what"])
    if what not in ADDS:
        raise Refused("not-found", "there is no such page")
    return what


def _reachable(step: str, answers: Answers) -> str:
    """The question asked for, or the first that must be answered before it."""
    missing = form.unanswered(answers)
    if missing and form.STEPS.index(missing) < form.STEPS.index(step):
        return missing
    return step if step in form.steps(answers) else form.after(step, answers)
