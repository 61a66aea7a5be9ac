"""The page of a feed through a real uvicorn: who gets in and for how long, what is shown, and what never is."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest

from deploy import feeds
from deploy.uploadd import routes_of
from deploy.wiring import now
from intake.callers import STRANGERS
from intake.feed import Feed, FeedKeyEnd
from intake.metrics import Metrics
from intake.passes import LIFE, Passes
from tests.feed_house import Ours, add_feed, add_key, from_network, house
from tests.upload_doors import Answer, ask, door
from tests.walker import mail

HTML = {"Accept": "text/html"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LIST = b"ip,time\n203.0.113.7,2026-11-23\nnot known,2026-11-23\n"


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, metrics: Metrics) -> Iterator[Ours]:
    with house(tmp_path_factory.mktemp("page"), metrics=metrics) as made:
        yield made


def enter(ours: Ours, key: str, headers: Mapping[str, str] | None = None) -> Answer:
    return ask(ours.port, "POST", "/feed?lang=en", urlencode({"key": key}), HTML | FORM | dict(headers or {}))


def cookie(ours: Ours, key: str) -> str:
    answer = enter(ours, key)
    assert answer.status == 303, answer.body
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def look(ours: Ours, path: str, held: str, language: str = "en") -> Answer:
    mark = "&" if "?" in path else "?"
    return ask(ours.port, "GET", f"{path}{mark}lang={language}", headers=HTML | {"Cookie": held})


# -- who gets in --------------------------------------------------------------------------------------------------


def test_a_key_gives_a_cookie_that_no_script_and_no_other_site_can_use(ours: Ours, metrics: Metrics) -> None:
    right = metrics.value("logins_total", door="feed", outcome="right")
    answer = enter(ours, ours.a)
    words = str(answer.headers["Set-Cookie"])
    assert answer.status == 303 and answer.headers["Location"] == "/feed?lang=en"
    assert "HttpOnly" in words and "SameSite=strict" in words and "Path=/feed" in words and f"Max-Age={LIFE}" in words
    assert "Secure" not in words and ours.a.split("_")[2] not in words
    assert metrics.value("logins_total", door="feed", outcome="right") == right + 1
    page = look(ours, "/feed", words.partition(";")[0])
    assert page.status == 200 and ours.a not in page.body.decode()
    assert page.headers["Cache-Control"] == "no-store" and "script" not in page.headers["Content-Security-Policy"]


def test_every_process_knows_a_pass_and_behind_https_its_cookie_is_secure(ours: Ours) -> None:
    """A second process on the same home, behind a web server that it trusts."""
    acceptor = ours.house.acceptor(ours.house.writer)
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"} | HTML
    with door(acceptor, more=routes_of(ours.house, acceptor), proxies=["127.0.0.1"]) as other:
        made = ask(other, "POST", "/feed", urlencode({"key": ours.a}), FORM | told)
        assert made.status == 303 and "; Secure" in made.headers["Set-Cookie"]
        held = {"Cookie": cookie(ours, ours.a)}
        assert ask(other, "GET", "/feed/items", headers=told | held).status == 200
    assert look(ours, "/feed/items", made.headers["Set-Cookie"].partition(";")[0]).status == 200


def test_a_wrong_key_is_told_and_counted_with_those_of_the_api(tmp_path: Path) -> None:
    metrics = Metrics()
    with house(tmp_path, metrics=metrics) as ours:
        first = enter(ours, "lapw_x")
        assert (
            first.status == 401 and "This key is not known" in first.body.decode() and "lapw_x" not in str(first.body)
        )
        for _ in range(STRANGERS - 1):
            ours.ask("GET", "/stats", key="lapw_x_y")
        over = enter(ours, "lapw_x")
        assert over.status == 429 and int(over.headers["Retry-After"]) > 0
        assert ours.ask("GET", "/stats", key="lapw_x_y").status == 429
        assert metrics.value("logins_total", door="feed", outcome="wrong") == 2
        assert metrics.value("limits_total", door="upload", limit="wrong-keys") == 1
        assert enter(ours, ours.a).status == 303


def test_a_key_needs_the_scope_for_reading(ours: Ours) -> None:
    told = enter(ours, add_key(ours.house, "a", "report", "findings"))
    assert told.status == 403 and "may not read outcomes" in told.body.decode()
    held = cookie(ours, add_key(ours.house, "a", "status"))
    assert look(ours, "/feed", held).status == 200
    assert b"/feed/findings" not in look(ours, "/feed", held).body
    assert [look(ours, path, held).status for path in ("/feed/findings", "/feed/findings.json")] == [403, 403]


def test_a_pass_ends_with_its_key_and_its_feed(ours: Ours) -> None:
    add_feed(ours.house, "ending")
    one, other = add_key(ours.house, "ending"), add_key(ours.house, "ending")
    held, still = cookie(ours, one), cookie(ours, other)
    ours.house.archive.keep(FeedKeyEnd(id="over", feed_key=one.split("_")[1], until=now(), by="t", at=now()))
    feeds.fill_keyring(ours.house.archive, ours.house.keyring)
    assert look(ours, "/feed/items", held).status == 303 and look(ours, "/feed/items", still).status == 200
    ours.house.archive.keep(Feed(name="ending", version=2, closed=True, by="t", at=now()))
    feeds.fill_keyring(ours.house.archive, ours.house.keyring)
    assert look(ours, "/feed/items", still).status == 303


def test_who_leaves_is_out_and_nobody_else_can_make_them(ours: Ours) -> None:
    held = cookie(ours, ours.a)
    word = re.search(r'name="word" value="([^"]+)"', look(ours, "/feed", held).body.decode())
    assert word
    sent = HTML | FORM | {"Cookie": held}
    assert ask(ours.port, "POST", "/feed/leave", "word=x", sent).status == 400
    foreign = sent | {"Sec-Fetch-Site": "cross-site"}
    assert ask(ours.port, "POST", "/feed/leave", urlencode({"word": word[1]}), foreign).status == 400
    assert enter(ours, ours.a, {"Sec-Fetch-Site": "same-site"}).status == 400
    assert look(ours, "/feed/items", held).status == 200
    left = ask(ours.port, "POST", "/feed/leave", urlencode({"word": word[1]}), sent)
    assert left.status == 303 and "Max-Age=0" in left.headers["Set-Cookie"]
    assert look(ours, "/feed/items", held).status == 303


def test_a_pass_holds_an_hour_in_every_process_and_can_not_be_made_up() -> None:
    time = [1_800_000_000.0]
    one, other = (Passes(b"door" * 8, lambda: time[0], lambda size: b"r" * size) for _ in range(2))
    made = one.make("k" * 12)
    assert other.key_of(made) == "k" * 12
    key, at, nonce, mac = made.split(".")
    forged = [f"j{key[1:]}.{at}.{nonce}.{mac}", f"{key}.{int(at) + 9}.{nonce}.{mac}", f"{key}.{at}.{mac}", "", "...",
              "é", made + "x", Passes(b"else" * 8, lambda: time[0], lambda size: b"r" * size).make(key)]  # fmt: skip
    assert [one.key_of(each) for each in forged] == [""] * len(forged)
    time[0] += LIFE - 1
    assert one.key_of(made) == "k" * 12
    time[0] += 1
    assert one.key_of(made) == ""


# -- what is shown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_health_volumes_and_pace(tmp_path: Path, language: str) -> None:
    from intake.upload_pages import CATALOGUES

    say = CATALOGUES[language]
    with house(tmp_path) as ours:
        held = cookie(ours, ours.a)
        assert say["feed-never"] in look(ours, "/feed", held, language).body.decode()
        ours.hand_in(mail(tag="1"), ours.a)
        ours.hand_in(mail(tag="1"), ours.a)
        ours.hand_in(bytes(range(256)), ours.a)
        ours.work()
        html = look(ours, "/feed", held, language).body.decode()
        assert say["feed-last"].partition("{")[0] in html and say["feed-pace"].partition("{")[0] in html
        row = re.search(rf'<th scope="row">{now():%Y-%m-%d}</th>(.*?)</tr>', html)
        assert row and re.findall(r">([^<]*)</td>", row[1])[:3] == ["1", "1", "1"]
        table = list(csv.reader(io.StringIO(look(ours, "/feed/volumes.csv", held).body.decode("utf-8-sig"))))
        assert table[1][1:4] == ["1", "1", "1"]


def test_every_item_with_what_became_of_it_and_the_bad_rows_of_lists(ours: Ours) -> None:
    one = ours.hand_in(mail(tag="shown"), ours.a, **{"Idempotency-Key": "ticket-17"})
    list_ = ours.ask("POST", "/reports", LIST, ours.a, {"Content-Type": "text/csv"}).json
    ours.work()
    held = cookie(ours, ours.a)
    html = look(ours, "/feed/items", held).body.decode()
    assert one["reference"] in html and list_["reference"] in html and "in a case; queued" in html
    assert "(1 rows taken, 1 bad)" in html
    report = ours.ask("GET", f"/reports/{one['reference']}", key=ours.a).json["items"][0]["report"]
    for find in (one["reference"], "ticket-17", report):
        html = look(ours, f"/feed/items?find={find}", held).body.decode()
        assert one["reference"] in html and list_["reference"] not in html
    assert "There is nothing." in look(ours, "/feed/items?find=ticket-18", held).body.decode()
    alone = look(ours, f"/feed/reports/{list_['reference']}", held).body.decode()
    assert f"/feed/reports/{list_['reference']}/rows.csv" in alone
    rows = look(ours, f"/feed/reports/{list_['reference']}/rows.csv", held)
    table = list(csv.DictReader(io.StringIO(rows.body.decode("utf-8-sig"))))
    assert [(each["rows"], each["bad"], each["line"], each["column"]) for each in table] == [("1", "1", "3", "ip")]
    assert "attachment" in rows.headers["Content-Disposition"]


def test_items_go_on_page_by_page_and_none_is_left_out(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    from intake import feed_page

    add_feed(ours.house, "paged")
    key = add_key(ours.house, "paged")
    names = {ours.hand_in(mail(tag=f"page {n}"), key)["reference"] for n in range(5)}
    ours.work()
    monkeypatch.setattr(feed_page, "ROWS", 2)
    held, path, seen = cookie(ours, key), "/feed/items", []
    for _ in range(3):
        html = look(ours, path, held).body.decode()
        seen += re.findall(r'href="/feed/reports/([^"?]+)', html)
        older = re.search(r'href="(/feed/items\?[^"]*before=[^"]*)"', html)
        path = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == 5 and set(seen) == names and path.startswith("/feed/items") is False


def test_findings_as_a_table_and_as_xarf(ours: Ours) -> None:
    ours.hand_in(from_network("198.51.100", "found", 77), ours.a)
    ours.work()
    held = cookie(ours, ours.a)
    html, told = look(ours, "/feed/findings", held), look(ours, "/feed/findings.json", held)
    assert "198.51.100.77" in html.body.decode()
    document = json.loads(told.body)
    assert {each["xarf_version"] for each in document} == {"4.0.0"} and "attachment" in told.headers[
        "Content-Disposition"
    ]
    assert document == ours.ask("GET", "/findings?limit=100", key=ours.a).json["findings"]


@pytest.mark.parametrize(
    "path", ["/feed/items?before=x", "/feed/reports/x?after=", "/feed/items?before=-9999999999999999999"]
)
def test_odd_questions_are_refused_and_do_no_harm(ours: Ours, path: str) -> None:
    assert look(ours, path, cookie(ours, ours.a)).status in (400, 404)


def test_without_a_pass_every_page_leads_to_the_form(ours: Ours) -> None:
    assert 'name="key"' in look(ours, "/feed", "lapwing_feed=x.y.z.m").body.decode()
    for path in ("/feed/items", "/feed/items.csv", "/feed/volumes.csv", "/feed/findings", "/feed/reports/x"):
        answer = look(ours, path, "")
        assert (answer.status, answer.headers["Location"]) == (303, "/feed?lang=en")
