"""Feeds: whose a submission is, which words are refused, and that a rebuild tells the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy import feeds
from deploy.commands.desk import refill
from deploy.wiring import now, open_house
from enrichment.examination import Examination
from intake.errors import Refused
from intake.feed import ACCOUNT, Feed, Feeds, checked, inside, new_secret, parts_of
from intake.outcomes import Outcomes
from intake.report import Reporter
from intake.store import every
from intake.submission import Envelope
from tests.feed_house import OFF, RFC822, Ours, add_feed, house
from tests.walker import mail
from triage import decide

AT = datetime(2026, 11, 23, tzinfo=UTC)


def feed(name: str = "acme", **fields: Any) -> Feed:
    return Feed(**({"name": name, "by": "t", "at": AT} | fields))


@pytest.mark.parametrize(
    ("envelope", "whose"),
    [
        (Envelope(account="feed:acme"), "acme"),
        (Envelope(account="feed:nobody"), None),
        (Envelope(account="acme"), None),
        (Envelope(mail_from="<feed:acme>", rcpt_to=("x@agency.example",)), None),
        (Envelope(mail_from="a@b.example", rcpt_to=("<Reports-X7@agency.example>",), peer="192.0.2.9"), "acme"),
        (Envelope(mail_from="fbl@isp.example", rcpt_to=("x@agency.example",), peer="198.51.100.9"), "acme"),
        (Envelope(mail_from="fbl@isp.example", rcpt_to=("x@agency.example",), peer="::ffff:198.51.100.9"), "acme"),
        (Envelope(mail_from="fbl@isp.example", rcpt_to=("x@agency.example",), peer="192.0.2.9"), None),
        (Envelope(mail_from="fbl@sub.isp.example", rcpt_to=("x@agency.example",), peer="198.51.100.9"), None),
        (Envelope(mail_from="", rcpt_to=("x@agency.example",), peer="198.51.100.9"), None),
        (Envelope(), None),
    ],
)
def test_whose_it_is(envelope: Envelope, whose: str | None) -> None:
    known = Feeds([feed(addresses=("reports-x7@agency.example", "isp.example"), networks=("198.51.100.0/24",))])
    found = known.of(envelope, AT)
    assert (found.name if found else None) == whose


def test_senders_stand_above_networks() -> None:
    known = Feeds([feed(addresses=("isp.example",), networks=("198.51.100.0/24",), senders=("198.51.100.1/32",))])
    told = {"mail_from": "fbl@isp.example", "rcpt_to": ("x@agency.example",)}
    assert known.of(Envelope(peer="198.51.100.1", **told), AT) is not None
    assert known.of(Envelope(peer="198.51.100.2", **told), AT) is None


def test_the_version_that_stood_when_it_came_in_decides() -> None:
    old = feed(addresses=("old@agency.example",))
    new = feed(addresses=("new@agency.example",), version=2, at=AT + timedelta(days=1))
    gone = feed(version=3, closed=True, addresses=("new@agency.example",), at=AT + timedelta(days=2))
    known = Feeds([gone, old, new])
    days = [[known.of(Envelope(mail_from="a@b.example", rcpt_to=(f"{name}@agency.example",)), AT + timedelta(days=day))
             is not None for name in ("old", "new")] for day in (-1, 0, 1, 2)]  # fmt: skip
    assert days == [[False, False], [True, False], [False, True], [False, False]]
    shown = [known.of(Envelope(account="feed:acme"), AT + timedelta(days=day)) for day in (-1, 0, 1, 2)]
    assert shown == [old, old, new, gone]


@pytest.mark.parametrize(
    "fields",
    [{"name": "Acme"}, {"name": ""}, {"name": "-a"}, {"name": "a" * 41}, {"networks": ("isp.example",)},
     {"addresses": ("isp.example",)}, {"addresses": ("A@b.example",)}, {"per_minute": -1}, {"findings_from": 0}],
)  # fmt: skip
def test_what_a_feed_may_not_be(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        checked(feed(**fields))


def test_keys_are_read_back_and_nothing_else() -> None:
    text, id_, hash_ = new_secret(bytes(range(64)))
    assert parts_of(text) == (id_, hash_)
    assert [parts_of(each) for each in (text[:-1], text + "0", text.upper(), "", f" {text}")] == [None] * 5


def test_inside() -> None:
    nets = ("192.0.2.0/24", "2001:db8::/32", "nonsense")
    found = [inside(each, nets) for each in ("192.0.2.255", "192.0.3.0", "2001:db8::1", "::ffff:192.0.2.1", "x", "")]
    assert found == [True, False, True, True, False, False]


def test_a_feeds_reporter_has_its_class_and_edges(tmp_path: Path) -> None:
    with house(tmp_path, class_="trap") as ours:
        ours.hand_in(mail(tag="x"), ours.a)
        ours.work()
        (reporter,) = every(ours.house.store, Reporter, {})
        assert (reporter.address, reporter.class_, reporter.edges) == (ACCOUNT + "a", "trap", ("mx.isp.example",))
        assert [each["used"] is not None for each in [{"used": ours.house.outcomes.last_used("a")}]] == [True]


def examined(ours: Ours, kept: dict[str, Any]) -> Examination:
    item = ours.ask("GET", f"/reports/{kept['reference']}", key=ours.a).json["items"][0]
    found = ours.house.archive.get(Examination, f"{item['report']}/1")
    assert found is not None
    return found


def test_a_report_is_judged_by_the_edges_at_its_receipt(tmp_path: Path) -> None:
    """Edges that are put right hold for what comes from then on, also where the feed has reported before; what came
    earlier and is examined only now is judged by those of its time."""
    with house(tmp_path) as ours:
        first = ours.hand_in(mail(tag="first"), ours.a)
        ours.work()
        early = ours.hand_in(mail(tag="early"), ours.a)
        add_feed(ours.house, "a", version=2, edges=("elsewhere.example",))
        late = ours.hand_in(mail(tag="late"), ours.a)
        ours.work()
        inferred = ["was inferred" in examined(ours, each).boundary.reason for each in (first, early, late)]
        assert inferred == [False, False, True]
        assert [each.edges for each in every(ours.house.store, Reporter, {})] == [("mx.isp.example",)]


def test_a_case_that_is_closed_is_told_once_and_a_rebuild_tells_the_same(tmp_path: Path) -> None:
    with house(tmp_path) as ours:
        kept = ours.hand_in(mail(tag="x"), ours.a)
        ours.hand_in(mail(tag="y"), ours.a)
        ours.work()
        (case,) = {name for name, _ in ours.house.outcomes.living("", 10)}
        decide.claim(ours.house.archive, case, "anna", now())
        ours.work()
        decide.close(ours.house.archive, case, "anna", "done", now())
        ours.work()
        ours.work()
        events = ours.ask("GET", "/events", key=ours.a).json["events"]
        changed = [each["data"] for each in events if each["type"] == "group.changed"]
        assert [(each["state"], each["reports"]) for each in changed] == [("in-work", 2), ("closed", 2)]
        item = ours.ask("GET", f"/reports/{kept['reference']}", key=ours.a).json["items"][0]
        assert item["group_state"] == "closed"
        before = ours.ask("GET", "/reports", key=ours.a).json["items"]
        ids = {each["id"] for each in events if each["type"] != "group.changed"}
        seen = ours.ask("GET", "/findings", key=ours.a).json["findings"]
    for path in (tmp_path / "home").glob("*.sqlite*"):
        path.unlink()
    again = open_house(tmp_path / "home", "command", OFF)
    refill(again)
    feeds.Reconciler(again.archive, again.outcomes, now).turn()
    from deploy.uploadd import api_of
    from tests.upload_doors import ask, door

    acceptor = again.acceptor(again.writer)
    with door(acceptor, more=api_of(again, acceptor).routes()) as port:
        told = {"Authorization": f"Bearer {ours.a}"}
        after = ask(port, "GET", "/api/v1/reports", headers=told).json["items"]
        events = ask(port, "GET", "/api/v1/events", headers=told).json["events"]
        found = ask(port, "GET", "/api/v1/findings", headers=told).json["findings"]
    again.writer.close()
    assert sorted(map(str, after)) == sorted(map(str, before))
    assert ids <= {each["id"] for each in events}
    assert seen and found == seen


def test_two_cases_that_become_one_are_told_so(tmp_path: Path) -> None:
    from intake.outcomes import Standing

    with house(tmp_path) as ours:
        one = ours.hand_in(mail(tag="x"), ours.a, **RFC822)
        ours.work()
        outcomes = ours.house.outcomes
        ((case, _),) = outcomes.living("", 10)
        outcomes.standing([Standing(case, "c000000000000", "merged")], now())
        item = ours.ask("GET", f"/reports/{one['reference']}", key=ours.a).json["items"][0]
        assert item["group"] == outcomes.handle("a", "c000000000000")
        told = ours.ask("GET", "/events", key=ours.a).json["events"][-1]["data"]
        assert (told["state"], told["into"], told["reports"]) == ("joined", item["group"], 1)


def test_a_report_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    """No question that is asked for each report reads a whole table."""
    outcomes = Outcomes(tmp_path / "outcomes.sqlite", b"x" * 32)
    for sql in (
        "select 1 from items i join handed h on h.ref = i.ref where i.report = ? and i.filed is null",
        "select grouped, filed from items where report = ? and feed = ? and filed is not null limit 1",
        "select 1 from events where feed = ? and id = ?",
        "select feed, handle, reports from shares where grouped = ?",
    ):
        plan = [row[-1] for row in outcomes.db.run(f"explain query plan {sql}", ["x"] * sql.count("?"))]
        assert plan and not any(step.startswith("SCAN") for step in plan), plan
