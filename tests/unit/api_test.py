"""The API for feeds through a real uvicorn: kept once, told honestly, and never another feed's data."""

import base64
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.commands import erase
from deploy.commands.desk import Desk
from deploy.wiring import now
from intake.feed import Feed, FeedKeyEnd
from intake.formats import open_submission
from intake.formats.xarf_types import PAIRS
from intake.strict import flaws
from intake.submission import Submission
from tests.feed_house import RFC822, Ours, add_key, from_network, house
from tests.upload_doors import form
from tests.walker import mail

FORM = {"Content-Type": "multipart/form-data; boundary=x-boundary-x"}
LINES = {"Content-Type": "application/x-ndjson"}
ROUTES = [("GET", "/reports"), ("GET", "/stats"), ("GET", "/events"), ("GET", "/findings"), ("POST", "/reports"),
          ("POST", "/batches"), ("POST", "/validate"), ("GET", "/reports/x")]  # fmt: skip


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ours]:
    with house(tmp_path_factory.mktemp("api")) as made:
        yield made


# -- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_key_and_a_wrong_one_are_the_same(ours: Ours, method: str, path: str) -> None:
    for key in ("", f"{ours.a[:-1]}{'0' if ours.a[-1] != '0' else '1'}"):
        answer = ours.ask(method, path, b"x" if method == "POST" else None, key, RFC822)
        assert (answer.status, answer.json["code"]) in ((401, "key"), (429, "wrong-keys"))
        if answer.status == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_key_is_good_for_its_scopes_alone(ours: Ours, method: str, path: str) -> None:
    needed = "report" if method == "POST" else "findings" if path == "/findings" else "status"
    others = [scope for scope in ("report", "status", "findings") if scope != needed]
    answer = ours.ask(method, path, b"x" if method == "POST" else None, add_key(ours.house, "a", *others), RFC822)
    assert (answer.status, answer.json["code"]) == (403, "scope")


def test_keys_end_and_a_feed_is_closed(ours: Ours) -> None:
    over = add_key(ours.house, "a", until=now() - timedelta(seconds=1))
    assert ours.house.keyring.check("a", over) is None
    key = add_key(ours.house, "a")
    assert ours.house.keyring.check("a", key) is not None
    assert ours.house.keyring.check("feed:a", key) is not None
    assert ours.house.keyring.check("b", key) is None
    ours.house.archive.keep(FeedKeyEnd(id="e", feed_key=key.split("_")[1], until=now(), by="t", at=now()))
    from deploy import feeds

    feeds.fill_keyring(ours.house.archive, ours.house.keyring)
    assert ours.house.keyring.check("a", key) is None
    ours.house.archive.keep(Feed(name="gone", by="t", at=now()))
    lost = add_key(ours.house, "gone")
    assert ours.house.keyring.check("", lost) is not None
    ours.house.archive.keep(Feed(name="gone", version=2, closed=True, by="t", at=now()))
    feeds.fill_keyring(ours.house.archive, ours.house.keyring)
    assert ours.house.keyring.check("", lost) is None


def test_no_secret_is_kept(ours: Ours, tmp_path: Path) -> None:
    secret = ours.a.split("_")[2].encode()
    ours.house.database.run("pragma wal_checkpoint(truncate)")
    for path in ours.house.home.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


# -- handing in ---------------------------------------------------------------------------------------------------


def test_one_report_and_what_became_of_it(ours: Ours) -> None:
    data = mail(tag="one")
    kept = ours.hand_in(data, ours.a)
    assert kept == {
        "reference": kept["reference"], "sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
        "status_url": f"/api/v1/reports/{kept['reference']}", "repeated": False,
    }  # fmt: skip
    early = ours.ask("GET", f"/reports/{kept['reference']}", key=ours.a).json
    assert early["state"] == "received"
    assert ours.ask("GET", f"/reports/{kept['reference']}", key=ours.b).status == 404
    ours.work()
    told = ours.ask("GET", f"/reports/{kept['reference']}", key=ours.a).json
    (item,) = told["items"]
    assert (told["state"], told["counts"], told["sha256"]) == ("triaged", {"report": 1}, kept["sha256"])
    assert (item["verdict"], item["state"], item["group_state"]) == ("report", "triaged", "queued")
    assert item["report"].startswith("r") and item["group"].startswith("g") and item["seconds"] >= 0
    again = ours.hand_in(data, ours.a)
    ours.work()
    (second,) = ours.ask("GET", f"/reports/{again['reference']}", key=ours.a).json["items"]
    assert (second["verdict"], second["group"], second["seconds"]) == ("duplicate", item["group"], None)


def test_an_idempotency_key_keeps_once(ours: Ours) -> None:
    data = mail(tag="idem")
    one = ours.hand_in(data, ours.a, **{"Idempotency-Key": "k1"})
    two = ours.hand_in(data, ours.a, **{"Idempotency-Key": "k1"})
    assert two == one | {"repeated": True}
    other = ours.ask("POST", "/reports", data + b"x", ours.a, RFC822 | {"Idempotency-Key": "k1"})
    assert (other.status, other.json["code"]) == (422, "other-bytes")
    assert ours.hand_in(data, ours.b, **{"Idempotency-Key": "k1"})["reference"] != one["reference"]
    ours.work()
    kept = [each for each in ours.house.store.find(Submission, {"sha256": one["sha256"]})[0]]
    assert sorted(each.envelope.account for each in kept) == ["feed:a", "feed:b"]
    assert ours.ask("GET", f"/reports/{one['reference']}", key=ours.a).json["state"] == "triaged"


@pytest.mark.parametrize("lost", ["answer", "index"])
def test_a_door_that_died_between_vault_and_answer(ours: Ours, lost: str) -> None:
    """The index says 'intended', or is gone: the same reference, and no report counts twice."""
    data, named = mail(tag=f"died {lost}"), {"Idempotency-Key": f"died {lost}"}
    one = ours.hand_in(data, ours.a, **named)
    index = ours.house.idempotency
    sql = {"answer": "update handed set done = 0", "index": "delete from handed"}[lost]
    index._db.run(sql)
    two = ours.hand_in(data, ours.a, **named)
    assert two["reference"] == one["reference"]
    if lost == "answer":
        index._db.run("update handed set done = 0")
        assert ours.ask("POST", "/reports", data + b"x", ours.a, RFC822 | named).status == 422
    ours.work()
    told = ours.ask("GET", f"/reports/{one['reference']}", key=ours.a).json
    assert [item["verdict"] for item in told["items"]] == ["report"]
    index._db.run("delete from handed")
    assert ours.hand_in(data, ours.a, **named)["repeated"]
    assert ours.ask("POST", "/reports", data + b"x", ours.a, RFC822 | named).status == 422
    kept = ours.house.store.find(Submission, {"sha256": one["sha256"]})[0]
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/reports", b"", RFC822, 400, "empty"),
        ("/reports", b"x", {}, 415, "type"),
        ("/reports", b"x", RFC822 | {"Content-Encoding": "gzip"}, 415, "encoding"),
        ("/reports", b"x", RFC822 | {"Idempotency-Key": "k" * 256}, 400, "idempotency-key"),
        ("/reports", form(("file", "a", b"1"), ("file", "b", b"2"))[0], FORM, 400, "one-at-a-time"),
        ("/reports", form(("other", None, b"1"))[0], FORM, 400, "empty"),
        ("/reports", b"--x-boundary-x\r\n", FORM, 400, "malformed"),
        ("/batches", b"x", RFC822, 415, "type"),
        ("/batches", b"--x-boundary-x\r\n" + b"a: " + b"x" * 9000, FORM, 400, "malformed"),
        ("/validate", b"", RFC822, 400, "empty"),
    ],
)
def test_refusals(ours: Ours, path: str, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    answer = ours.ask("POST", path, body, ours.a, headers)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["says"]


def test_a_batch_has_a_result_per_item(ours: Ours) -> None:
    body, headers = form(("file", "a.eml", mail(tag="b1")), ("file", "b.eml", b""), ("note", None, b"-"),
                         ("more", "c.eml", mail(tag="b2")))  # fmt: skip
    first = ours.ask("POST", "/batches", body, ours.a, headers | {"Idempotency-Key": "batch"})
    assert (first.status, first.json["accepted"], first.json["refused"]) == (200, 2, 1)
    assert [item["status"] for item in first.json["items"]] == [202, 400, 202]
    again = ours.ask("POST", "/batches", body, ours.a, headers | {"Idempotency-Key": "batch"}).json
    assert [item["reference"] for item in again["items"]] == [item["reference"] for item in first.json["items"]]
    assert again["items"][0]["repeated"]


def test_a_batch_of_lines(ours: Ours) -> None:
    one, two = mail(tag="line 1"), mail(tag="line 2")
    coded = base64.b64encode(one).decode()
    lines = [
        {"id": "x1", "message": coded, "filename": "a.eml", "idempotency_key": "n1"},
        {"id": "x2", "message": "!!"},
        {"message": 7},
        {"id": "x3", "message": base64.b64encode(two).decode()},
        {"id": "x4", "message": base64.b64encode(one + b"x").decode(), "idempotency_key": "n1"},
        {"id": "x5", "message": ""},
    ]
    body = b"\n".join(json.dumps(line).encode() for line in lines) + b"\n{oops\n\n"
    answer = ours.ask("POST", "/batches", body, ours.a, LINES).json
    assert [item["status"] for item in answer["items"]] == [202, 400, 400, 202, 409, 400, 400]
    assert [item["id"] for item in answer["items"]] == ["x1", "", "", "x3", "x4", "x5", ""]
    assert "$.message" in answer["items"][2]["says"]
    later = ours.ask("POST", "/batches", json.dumps(lines[4]).encode(), ours.a, LINES).json
    assert [(item["status"], item["code"]) for item in later["items"]] == [(422, "other-bytes")]


def test_a_batch_that_is_cut_says_what_was_kept(ours: Ours) -> None:
    body, headers = form(("file", "a.eml", mail(tag="cut1")), ("file", "b.eml", mail(tag="cut2")))
    answer = ours.ask("POST", "/batches", body[:-300], ours.a, headers)
    assert (answer.status, answer.json["code"]) == (400, "malformed")
    assert [item["status"] for item in answer.json["items"]] == [202, 400]


@pytest.mark.parametrize(("count", "refused"), [(999, 0), (1000, 0), (1001, 1)])
def test_the_size_of_a_batch(ours: Ours, count: int, refused: int) -> None:
    ours.house.archive.keep(Feed(name=f"big{count}", per_minute=0, by="t", at=now()))
    key = add_key(ours.house, f"big{count}", "report")
    body = b'{"message": "eA=="}\n' * count
    answer = ours.ask("POST", "/batches", body, key, LINES).json
    assert (answer["accepted"], answer["refused"]) == (count - refused, refused)
    assert [item["code"] for item in answer["items"] if item["code"]] == ["too-many"] * refused


def test_the_rate_of_a_feed_is_its_own(ours: Ours) -> None:
    ours.house.archive.keep(Feed(name="slow", per_minute=2, by="t", at=now()))
    key = add_key(ours.house, "slow")
    statuses = [ours.ask("POST", "/reports", mail(tag=f"rate {n}"), key, RFC822) for n in range(3)]
    assert [each.status for each in statuses] == [202, 202, 429]
    assert int(statuses[2].headers["Retry-After"]) > 0
    assert ours.ask("POST", "/reports", mail(tag="rate other"), ours.b, RFC822).status == 202


def test_what_a_door_refuses_counts_as_refused_and_what_is_repeated_does_not(ours: Ours) -> None:
    ours.house.archive.keep(Feed(name="knocks", per_minute=3, by="t", at=now()))
    key = add_key(ours.house, "knocks")
    for _ in range(2):
        ours.hand_in(mail(tag="knocks"), key, **{"Idempotency-Key": "once"})
    assert ours.ask("POST", "/reports", b"", key, RFC822).status == 400
    body, headers = form(*((f"file{n}", "x.eml", mail(tag=f"knocks {n}")) for n in range(3)))
    ours.ask("POST", "/batches", body, key, headers)
    assert ours.ask("POST", "/reports", mail(tag="over"), key, RFC822).status == 429
    ours.work()

    def counted() -> dict[str, int]:
        day = ours.ask("GET", "/stats", key=key).json["days"][0]
        return day["verdicts"] | {name: day[name] for name in ("accepted", "duplicate", "refused")}

    expected = {"report": 2, "empty": 1, "feed-rate": 3, "accepted": 2, "duplicate": 0, "refused": 4}
    end = time.monotonic() + 10
    while counted() != expected and time.monotonic() < end:
        time.sleep(0.1)
    assert counted() == expected


def test_a_zip_is_one_submission_with_a_verdict_per_entry(ours: Ours) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.eml", mail(tag="zip 1"))
        archive.writestr("two.eml", mail(tag="zip 2"))
        archive.writestr("notes.bin", bytes(range(256)))
    answer = ours.ask("POST", "/batches", packed.getvalue(), ours.a, {"Content-Type": "application/zip"}).json
    ours.work()
    told = ours.ask("GET", f"/reports/{answer['items'][0]['reference']}", key=ours.a).json
    assert told["counts"] == {"report": 2, "not-a-report": 1}
    assert {item["name"]: item["verdict"] for item in told["items"]}["one.eml"] == "report"
    page = ours.ask("GET", f"/reports/{told['reference']}?after=1", key=ours.a).json
    assert [item["item"] for item in page["items"]] == [2]


# -- what a feed is told ------------------------------------------------------------------------------------------


def test_changes_events_and_volumes(ours: Ours) -> None:
    cursor = ours.ask("GET", "/reports", key=ours.b).json["cursor"]
    count = ours.ask("GET", "/events", key=ours.b).json["events"]
    kept = ours.hand_in(mail(tag="changes"), ours.b)
    ours.work()
    page = ours.ask("GET", f"/reports?since={cursor}", key=ours.b).json
    assert [item["reference"] for item in page["items"]][-1] == kept["reference"]
    assert not ours.ask("GET", f"/reports?since={page['cursor']}", key=ours.b).json["items"]
    first = ours.ask("GET", "/reports?since=other.9&limit=1", key=ours.b).json
    assert len(first["items"]) == 1 and first["more"]
    after = count[-1]["n"] if count else 0
    events = ours.ask("GET", f"/events?after={after}", key=ours.b).json["events"]
    assert [(e["n"], e["type"]) for e in events][-2:] == [
        (events[-2]["n"], "submission.unpacked"), (events[-2]["n"] + 1, "report.triaged"),
    ]  # fmt: skip
    stats = ours.ask("GET", "/stats", key=ours.b).json
    assert stats["feed"] == "b"
    assert stats["total"]["accepted"] == sum(day["accepted"] for day in stats["days"]) >= 1
    assert stats["total"]["triage"]["count"] == stats["total"]["accepted"]
    assert "last report" in stats["health"]["says"] and not stats["health"]["silent"]
    later = ours.house.outcomes.db.run("select last from feeds where feed = 'b'")[0][0] + 9 * 86_400
    from intake.inquiry import Inquiry
    from intake.notice import Sender

    asked = Inquiry(ours.house.outcomes, str, Sender("", "", ""))
    assert asked.health("b", datetime.fromtimestamp(later, UTC)).silent


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=%C2%B2", "limit=" + "9" * 30])
def test_parameters(ours: Ours, query: str) -> None:
    answer = ours.ask("GET", f"/events?{query}", key=ours.a)
    assert (answer.status, answer.json["code"]) == (400, "parameter")


def test_findings_are_about_ones_own_networks_and_valid(ours: Ours) -> None:
    ours.hand_in(from_network("203.0.113", "find 1"), ours.a)
    ours.work()
    assert not ours.ask("GET", "/findings", key=ours.b).json["findings"]
    ours.hand_in(from_network("203.0.113", "find 1"), ours.b)
    ours.work()
    told = ours.ask("GET", "/findings", key=ours.b).json
    (document,) = told["findings"]
    assert document["source_identifier"] == "203.0.113.7"
    assert document["timestamp"] == "2026-11-23T10:00:00Z"
    assert "2 reports by 2 reporters" in document["description"]
    assert document["type"] in PAIRS[document["category"]]
    data = json.dumps(document).encode()
    assert list(flaws(data)) == []
    assert {found.format for found in open_submission(data).found} == {"xarf"}
    assert not ours.ask("GET", f"/findings?since={told['cursor']}", key=ours.b).json["findings"]
    assert all(each["source_identifier"].startswith("198.51.100.")
               for each in ours.ask("GET", "/findings", key=ours.a).json["findings"])  # fmt: skip


def everything(value: Any) -> Iterator[str]:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(inner)
    if isinstance(value, str):
        yield value


def test_never_another_feeds_data(ours: Ours) -> None:
    """Every answer to one feed, over every route, holds no reference, report, digest or group of the other."""
    for key, tag in ((ours.a, "secret of a"), (ours.b, "secret of b")):
        ours.hand_in(mail(tag=tag), key)
        ours.hand_in(mail(tag="shared by both"), key)
    ours.work()
    told: dict[str, set[str]] = {}
    own: dict[str, set[str]] = {}
    for name, key in (("a", ours.a), ("b", ours.b)):
        paths = ("/reports", "/stats", "/events", "/findings")
        told[name] = {text for path in paths for text in everything(ours.ask("GET", path, key=key).json)}
        items = ours.ask("GET", "/reports", key=key).json["items"]
        own[name] = {item[what] for item in items for what in ("reference", "report", "group") if item[what]}
    assert own["a"] and own["b"] and not own["a"] & own["b"]
    assert not told["a"] & own["b"] and not told["b"] & own["a"]
    for reference in {text for text in own["b"] if "-" in text}:
        assert ours.ask("GET", f"/reports/{reference}", key=ours.a).json["code"] == "unknown-reference"


def test_an_erased_submission_is_told_no_more(ours: Ours) -> None:
    kept = ours.hand_in(mail(tag="to be erased"), ours.a, **{"Idempotency-Key": "erase me"})
    ours.work()
    (submission,) = ours.house.store.find(Submission, {"sha256": kept["sha256"]})[0]
    desk = Desk(ours.house.home)
    desk.__dict__["house"] = ours.house
    context: Any = type("Context", (), {"obj": desk})()
    erase.erase(context, ["submission", submission.id], reason="a wish", yes=True, look=False, request=[], json=False)
    items = ours.ask("GET", "/reports", key=ours.a).json["items"]
    assert kept["reference"] not in {item["reference"] for item in items}
    assert ours.house.idempotency.get(kept["reference"].partition("-")[0]) is None
    for path in ours.house.home.glob("*.sqlite*"):
        assert kept["sha256"].encode() not in path.read_bytes(), path
    told, of_b = (ours.ask("GET", f"/reports/{kept['reference']}", key=key) for key in (ours.a, ours.b))
    assert (told.status, told.json["code"]) == (410, "erased") and "no longer kept" in told.json["says"]
    assert (of_b.status, of_b.json["code"]) == (404, "unknown-reference")
    again = ours.hand_in(mail(tag="to be erased"), ours.a, **{"Idempotency-Key": "erase me"})
    assert (again["reference"], again["repeated"]) == (kept["reference"], False)
    ours.work()
    assert ours.ask("GET", f"/reports/{kept['reference']}", key=ours.a).json["state"] == "triaged"
    known = ours.house.receipts.known(kept["reference"].partition("-")[0])
    assert known is not None and (known.state, known.adds) == ("filed", False)
