"""The limits of the API for feeds: each with its own code and figure, one below, at, and one beyond."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from intake import handin
from intake.api import Limits
from intake.callers import STRANGERS
from intake.dryrun import AT_ONCE, HELD, LOOKED_AT
from intake.metrics import Metrics
from tests.feed_house import RFC822, Ours, add_feed, add_key, house
from tests.unit.http_limits_test import Client, clients, until
from tests.upload_doors import form

FORM = {"Content-Type": "multipart/form-data; boundary=x-boundary-x"}
LINES = {"Content-Type": "application/x-ndjson"}
LIMITS = Limits(size=1000, per_feed=3, total=4, grace=0.6, rate=1000, time=900.0)


@dataclass
class Limited:
    """The house with its figures, and more feeds."""

    ours: Ours
    metrics: Metrics
    c: str

    def limit(self, code: str) -> float:
        return self.metrics.value("limits_total", door="api", limit=code)

    def messages(self, outcome: str) -> float:
        return self.metrics.value("messages_total", door="api", outcome=outcome)

    def begin(self, make: Any, key: str, size: int = 9, path: str = "reports") -> Client:
        client: Client = make(self.ours.port).begin(size, f"/api/v1/{path}", Authorization=f"Bearer {key}")
        return client


@pytest.fixture
def limited(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Limited]:
    metrics = Metrics()
    with house(tmp_path, getattr(request, "param", LIMITS), metrics, per_minute=0) as ours:
        add_feed(ours.house, "c", per_minute=0)
        yield Limited(ours, metrics, add_key(ours.house, "c"))


PATIENT = LIMITS._replace(grace=60.0)


@pytest.mark.parametrize("limited", [PATIENT], indirect=True)
def test_how_many_requests_of_a_feed_may_be_open(limited: Limited) -> None:
    ours = limited.ours
    with clients() as make:
        held = [limited.begin(make, ours.a) for _ in range(2)]
        assert all(each.silent() for each in held)
        assert ours.ask("POST", "/reports", b"x", ours.a, RFC822).status == 202
        held.append(limited.begin(make, ours.a))
        assert held[-1].silent()
        refused = ours.ask("GET", "/stats", key=ours.a)
        assert (refused.status, refused.json["code"]) == (429, "feed")
        assert int(refused.headers["Retry-After"]) > 0
        assert ours.ask("GET", "/stats", key=ours.b).status == 200
        held[0].send(b"123456789")
        assert held[0].answer()[0] == 202
        assert ours.ask("GET", "/stats", key=ours.a).status == 200
        assert limited.limit("feed") == 1


@pytest.mark.parametrize("limited", [PATIENT._replace(total=2, size=10**6)], indirect=True)
def test_how_many_requests_of_all_feeds_may_be_open(limited: Limited) -> None:
    """Each has sent so much at once that it need not send for a while."""
    ours = limited.ours

    def busy(key: str) -> Client:
        client = limited.begin(make, key, 900_009)
        client.send(b"y" * 900_000)
        assert client.silent()
        return client

    with clients() as make:
        held = [busy(ours.a)]
        assert ours.ask("GET", "/stats", key=limited.c).status == 200
        held.append(busy(ours.b))
        refused = ours.ask("GET", "/stats", key=limited.c)
        assert (refused.status, refused.json["code"]) == (503, "total")
        assert int(refused.headers["Retry-After"]) > 0 and limited.limit("total") == 1
        held[0].send(b"123456789")
        assert held[0].answer()[0] == 202
        assert ours.ask("GET", "/stats", key=limited.c).status == 200


@pytest.mark.parametrize("limited", [PATIENT], indirect=True)
def test_a_slow_body_of_a_feed_gives_way_to_another_feed(limited: Limited) -> None:
    with clients() as make:
        slow = [limited.begin(make, limited.ours.a, 900) for _ in range(3)] + [limited.begin(make, limited.ours.b, 900)]
        assert all(each.silent(0.1) for each in slow)
        until(lambda: limited.ours.ask("GET", "/stats", key=limited.c).status == 200)
        told = [each.answer() for each in slow if not each.silent(0.0)]
    assert [(status, body["code"]) for status, _, body in told] == [(503, "crowded")]
    assert (limited.limit("crowded"), limited.messages("crowded")) == (1, 1)


def test_a_body_below_the_rate(limited: Limited) -> None:
    with clients() as make:
        began = time.monotonic()
        slow = limited.begin(make, limited.ours.a, 900)
        while slow.silent(0.02):
            slow.send(b"y")
        status, _, body = slow.answer()
    assert (status, body["code"]) == (408, "too-slow")
    assert time.monotonic() - began >= 0.6
    assert (limited.limit("too-slow"), limited.messages("too-slow")) == (1, 1)


@pytest.mark.parametrize(("size", "status"), [(999, 202), (1000, 202), (1001, 413)])
def test_the_size_of_an_item(limited: Limited, size: int, status: int) -> None:
    ours, coded = limited.ours, b"eHh4" * (size // 3) + (b"eA==" if size % 3 == 1 else b"eHg=" if size % 3 else b"")
    alone = ours.ask("POST", "/reports", b"x" * size, ours.a, RFC822)
    body, headers = form(("file", "a.eml", b"x" * size))
    many = [ours.ask("POST", "/batches", body, ours.a, headers),
            ours.ask("POST", "/batches", b'{"message": "%s"}' % coded, ours.a, LINES)]  # fmt: skip
    for told in (alone.json | {"status": alone.status}, *(each.json["items"][0] for each in many)):
        assert (told["status"], told.get("code", "")) == (status, "too-big" if status == 413 else "")
    beyond = 3 * (status == 413)
    assert (limited.limit("too-big"), limited.messages("too-big"), limited.messages("kept")) == (
        beyond, beyond, 3 - beyond,
    )  # fmt: skip


@pytest.mark.parametrize("limited", [Limits()], indirect=True)
def test_how_many_wrong_keys_a_source_may_show(limited: Limited) -> None:
    told = [limited.ours.ask("GET", "/stats", key="lapw_x_y") for _ in range(STRANGERS + 1)]
    assert [(each.status, each.json["code"]) for each in told[-2:]] == [(401, "key"), (429, "wrong-keys")]
    assert {each.status for each in told[:-1]} == {401}
    assert 0 < int(told[-1].headers["Retry-After"]) <= 61
    assert limited.ours.ask("GET", "/stats", key=limited.ours.a).status == 200
    assert limited.limit("wrong-keys") == 1
    assert limited.metrics.value("logins_total", door="api", outcome="wrong") == STRANGERS + 1
    assert limited.metrics.value("logins_total", door="api", outcome="right") == 1


@pytest.mark.parametrize("limited", [Limits()], indirect=True)
def test_sizes_of_forms_keys_and_lines(limited: Limited) -> None:
    """(what, how to ask with so much more, the code beyond)"""
    ours = limited.ours
    beside = len(json.dumps({"message": "", "note": ""}))

    def parts(more: int) -> Any:
        body, headers = form(*[("x", None, b"")] * (1999 + more), ("file", "a", b"1"))
        return ours.ask("POST", "/batches", body, ours.a, headers)

    def key(more: int) -> Any:
        return ours.ask("POST", "/reports", b"x", ours.a, RFC822 | {"Idempotency-Key": "k" * (255 + more)})

    def line(more: int) -> Any:
        body = json.dumps({"message": "eA==", "note": "n" * (16_000 - beside + more)}).encode()
        return ours.ask("POST", "/batches", body, ours.a, LINES)

    for ask, code, status in ((parts, "malformed", 400), (key, "idempotency-key", 400), (line, "line-size", 413)):
        told = [ask(more) for more in (-1, 0, 1)]
        assert [_fate(each) for each in told] == [(202, ""), (202, ""), (status, code)]


def _fate(answer: Any) -> tuple[int, str]:
    """Status and code of the only item, or of the whole."""
    told = answer.json.get("items") or [answer.json | {"status": answer.status}]
    return told[0]["status"], told[0].get("code", "")


@pytest.mark.parametrize("limited", [Limits()], indirect=True)
def test_the_size_of_a_dry_run(limited: Limited) -> None:
    ours = limited.ours
    told = [ours.ask("POST", "/validate", iter([b"x" * (LOOKED_AT + more)]), ours.a, RFC822) for more in (-1, 0, 1)]
    assert [each.status for each in told] == [200, 200, 413]
    assert [each.json.get("size") for each in told] == [LOOKED_AT - 1, LOOKED_AT, None]
    assert told[2].json["code"] == "too-big" and limited.limit("too-big") == 1


@pytest.mark.parametrize("limited", [Limits()], indirect=True)
def test_how_many_dry_runs_at_once(limited: Limited) -> None:
    ours = limited.ours
    with clients() as make:
        held = [limited.begin(make, ours.a, path="validate") for _ in range(AT_ONCE - 1)]
        assert all(each.silent(0.1) for each in held)
        assert ours.ask("POST", "/validate", b"x", ours.a, RFC822).status == 200
        held.append(limited.begin(make, ours.a, path="validate"))
        assert held[-1].silent()
        refused = ours.ask("POST", "/validate", b"x", ours.b, RFC822)
        assert (refused.status, refused.json["code"]) == (503, "dry-runs")
        assert int(refused.headers["Retry-After"]) > 0 and limited.limit("dry-runs") == 1
        held[0].send(b"123456789")
        assert held[0].answer()[0] == 200
        assert ours.ask("POST", "/validate", b"x", ours.b, RFC822).status == 200


@pytest.mark.parametrize("limited", [Limits()], indirect=True)
def test_what_all_dry_runs_hold_together(limited: Limited) -> None:
    """Two of the largest size are held but for a byte: there is room for one byte, and not for two."""
    ours = limited.ours
    assert 2 * LOOKED_AT == HELD
    with clients() as make:
        held = [limited.begin(make, ours.a, LOOKED_AT + 1, "validate") for _ in range(2)]
        held[0].send(b"x" * LOOKED_AT)
        held[1].send(b"x" * (LOOKED_AT - 1))
        assert all(each.silent(1.0) for each in held)
        assert ours.ask("POST", "/validate", b"x", ours.b, RFC822).status == 200
        refused = ours.ask("POST", "/validate", b"xx", ours.b, RFC822)
        assert (refused.status, refused.json["code"]) == (503, "memory")
        assert int(refused.headers["Retry-After"]) > 0 and limited.limit("memory") == 1
    until(lambda: ours.ask("POST", "/validate", b"x" * LOOKED_AT, ours.b, RFC822).status == 200)


@pytest.mark.parametrize("limited", [Limits()], indirect=True)
def test_how_many_items_all_batches_may_have_open(limited: Limited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handin, "OPEN_ITEMS", 4)
    ours, line = limited.ours, b'{"message": "eA=="}\n'
    with clients() as make:
        head = f"POST /api/v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ours.a}\r\n"
        client = make(ours.port)
        client.send(f"{head}Content-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n".encode() + line * 2)
        until(lambda: ours.ask("POST", "/batches", line * 3, ours.b, LINES).status == 503)
        told = [ours.ask("POST", "/batches", line * count, ours.b, LINES) for count in (1, 2, 3)]
    assert [(each.status, each.json["code"], each.json["accepted"]) for each in told] == [
        (200, "", 1), (200, "", 2), (503, "items", 2),
    ]  # fmt: skip
    assert int(told[2].headers["Retry-After"]) > 0 and limited.limit("items") >= 2
    until(lambda: ours.ask("POST", "/batches", line * 4, ours.b, LINES).status == 200)
