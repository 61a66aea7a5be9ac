"""Two feeds: with B's key, or B's pass, no route tells anything of A, and A's ids are answered as unknown ones are.

Every route of the application is tried, in each method that it has, with everything of A that a feed could know or
guess: references, reports, groups, digests, file names, idempotency keys, cursors, numbers of events, rows of lists,
passes. A route without a case fails.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from starlette.routing import Route

from deploy.uploadd import routes_of
from intake.accept import Acceptor
from intake.postbox import Postbox
from intake.upload import Limits, Site, application
from tests.feed_house import Ours, from_network, house
from tests.unit.feed_page_test import FORM, HTML, cookie
from tests.upload_doors import Answer, ask
from tests.walker import mail

RFC822 = {"Content-Type": "message/rfc822"}
LIST = b"ip,time\n203.0.113.200,2026-11-23\nplanted-bad-row,2026-11-23\n"
PLANTED = "planted-7f3a"
UNKNOWN = "00000000000000000000000000-00000000"


class Case(NamedTuple):
    """How a route is asked: `path` with {id} where an id goes, the body, and its type; `page` with a pass."""

    path: str
    body: bytes | None = None
    kind: str = ""
    page: bool = False


CASES = {
    ("POST", "/api/v1/reports"): [Case("/api/v1/reports?filename={id}", mail(tag="of b"), "message/rfc822")],
    ("POST", "/api/v1/batches"): [
        Case("/api/v1/batches", b'{"id": "{id}", "message": "eA=="}', "application/x-ndjson"),
    ],
    ("POST", "/api/v1/validate"): [Case("/api/v1/validate", mail(tag="of b"), "message/rfc822")],
    ("GET", "/api/v1/reports"): [Case("/api/v1/reports"), Case("/api/v1/reports?since={id}&limit=2")],
    ("GET", "/api/v1/reports/{reference}"): [Case("/api/v1/reports/{id}"), Case("/api/v1/reports/{id}?after=0")],
    ("GET", "/api/v1/stats"): [Case("/api/v1/stats?days=366&feed=a&id={id}")],
    ("GET", "/api/v1/events"): [Case("/api/v1/events?feed=a&id={id}"), Case("/api/v1/events?after=1")],
    ("POST", "/api/v1/events/replay"): [Case("/api/v1/events/replay?after=0&feed=a&id={id}")],
    ("GET", "/api/v1/findings"): [Case("/api/v1/findings?feed=a"), Case("/api/v1/findings?since={id}")],
    ("GET", "/api/v1/openapi.json"): [Case("/api/v1/openapi.json")],
    ("GET", "/feed"): [Case("/feed?feed=a", page=True)],
    ("POST", "/feed"): [Case("/feed", b"key={id}", "application/x-www-form-urlencoded")],
    ("POST", "/feed/leave"): [Case("/feed/leave", b"word={id}", "application/x-www-form-urlencoded", page=True)],
    ("GET", "/feed/volumes.csv"): [Case("/feed/volumes.csv?feed=a", page=True)],
    ("GET", "/feed/items"): [Case("/feed/items", page=True), Case("/feed/items?find={id}", page=True),
                             Case("/feed/items?before=100000", page=True)],
    ("GET", "/feed/items.csv"): [Case("/feed/items.csv", page=True), Case("/feed/items.csv?find={id}", page=True)],
    ("GET", "/feed/reports/{reference}"): [Case("/feed/reports/{id}", page=True)],
    ("GET", "/feed/reports/{reference}/rows.csv"): [Case("/feed/reports/{id}/rows.csv", page=True)],
    ("GET", "/feed/findings"): [Case("/feed/findings", page=True), Case("/feed/findings?since={id}", page=True)],
    ("GET", "/feed/findings.json"): [Case("/feed/findings.json?since={id}", page=True)],
}  # fmt: skip
"""(method, path) of a route for feeds -> how it is asked. The routes of the public take no key and are not here."""
PUBLIC = {"/", "/status", "/openapi.json", "/reports", "/report/{step}", "/reports/{reference}",
          "/reports/{reference}/{what}"}  # fmt: skip
"""Routes that know nobody's key; whoever holds a true reference may ask these for its state."""


@dataclass
class Two:
    """The house, B's pass, and what is A's: by kind, everything that a feed can know or guess."""

    ours: Ours
    held: str
    secrets: dict[str, str]

    def ask(self, method: str, case: Case, id_: str, more: Mapping[str, str] | None = None) -> Answer:
        told = {"Cookie": self.held} | HTML if case.page else {"Authorization": f"Bearer {self.ours.b}"}
        told |= {"Content-Type": case.kind} if case.kind else {}
        body = case.body.replace(b"{id}", quote(id_).encode()) if case.body is not None else None
        path = case.path.replace("{id}", quote(id_, safe=""))
        return ask(self.ours.port, method, path, body, told | dict(more or {}))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with house(tmp_path_factory.mktemp("two")) as ours:
        data = from_network("198.51.100", PLANTED, 66)
        kept = ours.ask("POST", f"/reports?filename={PLANTED}.eml", data, ours.a, RFC822 | {"Idempotency-Key": PLANTED})
        rows = ours.ask("POST", "/reports", LIST, ours.a, {"Content-Type": "text/csv"}).json
        ours.hand_in(mail(tag="shared by both"), ours.a)
        ours.hand_in(mail(tag="shared by both"), ours.b)
        ours.work()
        yield Two(ours, cookie(ours, ours.b), _secrets(ours, kept.json, rows))


def _secrets(ours: Ours, kept: dict[str, Any], rows: dict[str, Any]) -> dict[str, str]:
    items = ours.ask("GET", "/reports", key=ours.a).json
    (item,) = ours.ask("GET", f"/reports/{kept['reference']}", key=ours.a).json["items"]
    event = ours.ask("GET", "/events", key=ours.a).json["events"][0]
    (finding,) = [each for each in ours.ask("GET", "/findings", key=ours.a).json["findings"]
                  if each["source_identifier"] == "198.51.100.66"]  # fmt: skip
    return {
        "reference": kept["reference"], "id": kept["reference"].partition("-")[0], "sha256": kept["sha256"],
        "rows": rows["reference"], "report": item["report"], "group": item["group"], "event": event["id"],
        "finding": finding["report_id"], "address": "198.51.100.66", "name": f"{PLANTED}.eml", "key": PLANTED,
        "secret": ours.a, "pass": cookie(ours, ours.a).partition("=")[2], "row": "203.0.113.200",
        "cursor": items["cursor"],
    }  # fmt: skip


def routes(ours: Ours) -> set[tuple[str, str]]:
    """Every (method, path) of the application as it is served."""
    acceptor: Acceptor = ours.house.acceptor(ours.house.writer)
    app = application(acceptor, ours.house.receipts.known, Limits(), site=Site(), more=routes_of(ours.house, acceptor))
    mounted = [each for each in app.routes if isinstance(each, Route)]
    assert len(mounted) == len(app.routes)
    return {(verb, each.path) for each in mounted for verb in (each.methods or ()) if verb != "HEAD"}


def test_every_route_has_a_case(two: Two) -> None:
    known = {each for each in routes(two.ours) if each[1] not in PUBLIC}
    assert known == set(CASES)


@pytest.mark.parametrize("route", CASES, ids=" ".join)
def test_nothing_of_another_feed_is_told(two: Two, route: tuple[str, str]) -> None:
    """No answer holds what is A's, unless B itself wrote it; and it is the same as for an id that nobody has. A cursor
    is a place in B's own list, whoever had the same number."""
    for case in CASES[route]:
        for kind, secret in two.secrets.items():
            told = two.ask(route[0], case, secret)
            text = told.body.decode() + str(told.headers)
            shown = {name for name, each in two.secrets.items() if each in text and not _own(name, kind, each, secret)}
            assert not shown, f"{route} asked with A's {kind} tells its {shown}"
            if route[0] == "GET" and kind != "cursor":
                other = two.ask(route[0], case, UNKNOWN)
                plain = [each.body.decode().replace(mine, "") for each, mine in ((told, secret), (other, UNKNOWN))]
                assert told.status == other.status and _same(*plain), f"{route} knows A's {kind}"


def _own(name: str, kind: str, value: str, asked: str) -> bool:
    """Whether an answer may hold it: what was asked for stands in the form again; a cursor is a stream and a number."""
    return name == "cursor" or name == kind or value in asked or quote(value, safe="") in quote(asked, safe="")


def _same(one: str, other: str) -> bool:
    """Equal but for what the question itself brings into the page."""
    return one.replace(quote(UNKNOWN), "") == other.replace(quote(UNKNOWN), "")


def test_an_idempotency_key_of_another_feed_brings_nothing_back(two: Two) -> None:
    """The same key and even the same bytes: a reference of B's own, not repeated, no word of another's."""
    data = from_network("198.51.100", PLANTED, 66)
    for path in ("/reports", "/reports?filename=x.eml"):
        told = two.ours.ask(
            "POST", path, data + path.encode(), two.ours.b, RFC822 | {"Idempotency-Key": PLANTED + path}
        )
        assert told.status == 202 and not told.json["repeated"]
    told = two.ours.ask("POST", "/reports", data, two.ours.b, RFC822 | {"Idempotency-Key": PLANTED})
    assert told.status == 202 and not told.json["repeated"]
    assert told.json["reference"] != two.secrets["reference"]


def test_a_replay_is_of_the_feeds_own_events(two: Two) -> None:
    """B asks for its events again: A's are where they were."""
    box = Postbox(two.ours.house.outcomes)
    for feed in ("a", "b"):
        box.replay(feed, 3)
    assert two.ours.ask("POST", "/events/replay?after=1&feed=a", key=two.ours.b).json == {"after": 1}
    assert [box.state(feed).n for feed in ("a", "b")] == [2, 1]


def test_a_pass_opens_the_feed_whose_key_was_shown_and_no_other(two: Two) -> None:
    """A pass of B with A's key id put in is none; and a good key of A under B's name gives what is A's alone."""
    key_a = two.ours.a.split("_")[1]
    _, made, nonce, mac = two.held.partition("=")[2].split(".")
    forged = f"lapwing_feed={key_a}.{made}.{nonce}.{mac}"
    answer = ask(two.ours.port, "GET", "/feed/items", headers=HTML | {"Cookie": forged})
    assert answer.status == 303
    told = ask(two.ours.port, "POST", "/feed", urlencode({"key": two.ours.a, "feed": "b"}), HTML | FORM)
    own = ask(
        two.ours.port, "GET", "/feed?lang=en", headers=HTML | {"Cookie": told.headers["Set-Cookie"].partition(";")[0]}
    )
    assert '<strong dir="ltr">a</strong>' in own.body.decode()
