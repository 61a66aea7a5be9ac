"""Both interfaces for programs keep to their OpenAPI documents: the short form of `api_campaign.py`."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy import erasing
from intake import openapi, openapi_public, upload
from intake.api import Api
from intake.archive import CarriedOut
from intake.feed import SCOPES
from intake.store import every
from intake.submission import Submission
from intake.web import STATUS
from tests.contract.api_campaign import campaign
from tests.doors import FakeWriter, acceptor
from tests.feed_house import house
from tests.upload_doors import ask, door
from tests.walker import mail

FEEDS: dict[str, Any] = json.loads(openapi.DOCUMENT)
PUBLIC: dict[str, Any] = json.loads(openapi_public.DOCUMENT)


@pytest.mark.promise("P22")
@pytest.mark.parametrize(("door", "requests"), [("feeds", 160), ("public", 100)])
def test_no_request_makes_a_fault_and_every_answer_is_in_the_document(tmp_path: Path, door: str, requests: int) -> None:
    went = campaign(tmp_path, requests, door=door)
    assert went.status == 0, went.printed
    assert went.requests >= requests, went.printed


def told(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}


def test_every_route_of_the_api_is_in_its_document_and_the_other_way_round() -> None:
    api = Api.__new__(Api)
    routes = {
        (method, route.path.removeprefix("/api/v1"))
        for route in api.routes()
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert routes - {("GET", "/openapi.json")} == told(FEEDS)


def test_every_route_of_the_public_door_is_in_its_document_or_a_page() -> None:
    app = upload.application(acceptor(FakeWriter()), lambda _: None)
    routes = {(method, route.path) for route in app.routes for method in (route.methods or set()) - {"HEAD"}}  # type: ignore[attr-defined]
    added = {("POST", f"/reports/{{reference}}/{what}") for what in ("loss", "original", "withdraw", "consent")}
    pages = {("GET", "/"), ("GET", "/status"), ("GET", "/report/{step}"), ("POST", "/report/{step}"),
             ("GET", "/reports/{reference}/{what}"), ("GET", "/openapi.json")}  # fmt: skip
    assert routes - pages - {("POST", "/reports/{reference}/{what}")} | added == told(PUBLIC)


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for verbs in document["paths"].values() for each in verbs.values()]


def test_every_route_names_its_scope_and_every_limit_when_to_come_back() -> None:
    for each in operations(FEEDS):
        (scope,) = each["security"][0]["key"]
        assert scope in SCOPES and f"`{scope}`" in each["description"]
    for each in operations(FEEDS) + operations(PUBLIC):
        assert all("Retry-After" in each["responses"][status]["headers"] for status in ("429", "503"))
    for document, path in ((FEEDS, "/reports"), (PUBLIC, "/reports")):
        assert "Location" in document["paths"][path]["post"]["responses"]["202"]["headers"]


def test_every_code_of_ours_is_in_one_of_the_documents_with_its_status() -> None:
    assert set(STATUS) <= set(openapi.CODES) | set(openapi_public.CODES)
    for document, codes in ((FEEDS, openapi.CODES), (PUBLIC, openapi_public.CODES)):
        said = {(status, code) for each in operations(document) for status, answer in each["responses"].items()
                for code in codes if f"`{code}`" in answer["description"]}  # fmt: skip
        assert {code for status, code in said} >= set(codes) - {"method", "not-found"}
        assert all(int(status) == STATUS.get(code, 400) for status, code in said)


@pytest.mark.parametrize("path", ["/api/v1/x", "/api/v1/reports/a/b", "/api/", "/api/v2/reports"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_below_api_everything_is_answered_as_json(path: str, method: str) -> None:
    with door(acceptor(FakeWriter())) as port:
        answer = ask(port, method, path, headers={"Accept": "text/html,*/*"})
    assert (answer.status, answer.json["code"]) == (404, "not-found")
    assert answer.headers["Content-Type"] == "application/json"


def test_a_key_that_came_back_after_an_erasure_stays_used(tmp_path: Path) -> None:
    """Also where the store was thrown away since, and knows no more that the erasure was carried out."""
    with house(tmp_path) as ours:
        said = [ours.hand_in(mail(tag="back"), ours.a, **{"Idempotency-Key": "k"})["repeated"]]
        ours.work()
        (kept,) = every(ours.house.store, Submission, {})
        erasing.erase(ours.house, erasing.plan(ours.house, [(Submission.kind, kept.id)]), "their wish", "test")
        said.append(ours.hand_in(mail(tag="back"), ours.a, **{"Idempotency-Key": "k"})["repeated"])
        ours.house.follower.catch_up()
        ours.house.database.run("delete from rows where kind = ?", (CarriedOut.kind,))
        erasing.complete(ours.house)
        said.append(ours.hand_in(mail(tag="back"), ours.a, **{"Idempotency-Key": "k"})["repeated"])
    assert said == [False, False, True]
