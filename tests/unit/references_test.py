"""What a reference is good for: nothing can be added to what a feed handed in, to what was erased or never came; and
whatever an addition waits for, the wait has an end.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import erasing, retention
from deploy.wiring import now
from intake.feed import Feed
from intake.outcomes import ALIAS
from intake.report import Reporter, Withdrawal
from intake.store import every
from intake.submission import Addition, Envelope, Submission, Unpacked
from intake.unpack import NOT_KEPT, NOT_PUBLIC, PATIENCE
from tests.additions_house import PEER, Home, the_only
from tests.walker import lapwing, mail

SETTINGS = """
[[reporters]]
address = "known.example"
class = "isp"
[retention]
public = 30
isp = 365
"""
TRAP = "trap-x7@agency.example"
SPAMMER = "prince@spam.example"
OF_FEEDS = {
    "trap by address": ("smtp", Envelope(mail_from=SPAMMER, rcpt_to=(TRAP,), peer="203.0.113.66")),
    "by domain and network": (
        "smtp", Envelope(mail_from="fbl@isp.example", rcpt_to=("report@agency.example",), peer="192.0.2.25"),
    ),
    "by key over SMTP": ("smtp", Envelope(mail_from="fbl@isp.example", peer="203.0.113.9", account="feed:acme")),
    "by key over the API": ("api", Envelope(peer="203.0.113.9", account="feed:acme")),
    "from the settings": ("smtp", Envelope(mail_from="abuse@known.example", peer="203.0.113.9")),
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "lapwing.toml").write_text(SETTINGS)
    made = Home(folder)
    by = {"by": "anna", "at": now()}
    made.house.archive.keep(Feed(name="trap", class_="trap", addresses=(TRAP,), **by))
    acme = Feed(name="acme", addresses=("isp.example",), senders=("192.0.2.0/24",), **by)
    made.house.archive.keep(acme)
    yield made
    made.close()


def says(home: Home, submission: str) -> list[str]:
    done = home.house.archive.get(Unpacked, submission)
    assert done is not None
    return [each.says for each in done.verdicts if each.code == "not-a-report"]


@pytest.mark.parametrize(
    ("how", "at_once"), [*((how, False) for how in OF_FEEDS), ("trap by address", True), ("by key over the API", True)]
)
def test_nothing_can_be_added_to_what_a_feed_handed_in(home: Home, how: str, at_once: bool) -> None:
    first = home.hand_in(*OF_FEEDS[how], mail(tag="evidence"))
    if not at_once:
        home.work()
    back = home.send(of=first, adds="withdrawal")
    loss = home.send(of=first, adds="loss", loss="EUR 5,000")
    original = home.send(mail(tag="planted"), of=first, adds="original")
    home.work()
    evidence = the_only(home.reports(first))
    assert [says(home, each) for each in (back, loss, original)] == [[NOT_PUBLIC]] * 3
    assert home.reports(loss) == [] and list(every(home.house.store, Addition, {})) == []
    assert list(every(home.house.store, Withdrawal, {})) == []
    who = home.house.archive.get(Reporter, the_only(home.reports(original)).reporter)
    assert who is not None and (who.class_, who.address) == ("public", f"[{PEER}]")
    assert home.case(evidence.id).loss_reports == 0 and evidence.reporter != who.id
    known = home.house.receipts.known(first)
    assert known is not None and (known.state, known.adds) == ("filed", False)


def test_what_a_reference_with_an_idempotency_key_stands_for_is_known(home: Home) -> None:
    ref = home.acceptor.new_id("feed:acme", "ticket-17")
    envelope = Envelope(peer="203.0.113.9", account="feed:acme", options=(ALIAS + ref,))
    first = home.hand_in("api", envelope, mail(tag="alias"))
    home.work()
    known = home.house.receipts.known(ref)
    assert known is not None and (known.state, known.items, known.adds) == ("filed", {"report": 1}, False)
    assert home.house.receipts.known(first) is None, "it has one reference, not two"


def test_what_is_added_to_something_that_never_comes_gets_a_verdict_and_holds_nobody_up(
    home: Home, tmp_path: Path
) -> None:
    ref = home.acceptor.new_id("feed:acme", "ticket-18")
    waits = home.send(mail(tag="waits"), of=ref, adds="original")
    back = home.send(of=ref, adds="withdrawal")
    (tmp_path / "other.eml").write_bytes(mail(tag="other"))
    ran = lapwing(home.folder, "report", tmp_path / "other.eml", "--json")
    assert ran.line["verdict"] == "report"
    assert home.house.work.waiting() == {"unpack": 2} and home.house.work.held() == []
    home.later(PATIENCE)
    for each in (waits, back):
        home.house.steps["unpack"]([each])
        assert says(home, each) == [NOT_KEPT]
    assert [each.sha256 for each in home.reports(waits)] != [] and home.reports(back) == []


@pytest.mark.parametrize("known_by", ["its own id", "an idempotency key"])
def test_what_was_erased_takes_no_addition(home: Home, known_by: str) -> None:
    ref = home.acceptor.new_id("feed:acme", "ticket-19") if known_by != "its own id" else ""
    options, account = ((ALIAS + ref,), "feed:acme") if ref else ((), "")
    first = home.hand_in("api" if ref else "upload", Envelope(peer=PEER, account=account, options=options), mail())
    ref = ref or first
    home.work()
    erasing.erase(home.house, erasing.plan(home.house, [("submission", first)]), "their wish", "anna")
    assert home.state(ref) == "erased" and home.house.receipts.gone(ref)
    late = home.send(of=ref, adds="withdrawal")
    home.later(PATIENCE)
    home.work()
    assert says(home, late) == [NOT_KEPT] and home.reports(first) == []


def held(home: Home, submission: str) -> None:
    """Put its unpacking on hold, as after a fault of ours."""
    home.follow()
    items = {each.key: each for each in home.house.work.take(10)}
    home.house.work.failed(items.pop(submission), "our fault: ValueError in unpack, line 1", for_good=True)
    assert not items


def test_what_is_added_to_something_on_hold_does_not_wait_and_holds_once_that_is_opened(home: Home) -> None:
    first = home.send(mail(tag="held"), contact="a@isp.example")
    held(home, first)
    loss = home.send(of=first, adds="loss", loss="EUR 500")
    original = home.send(mail(tag="held-original"), of=first, adds="original")
    home.work()
    told, better = the_only(home.reports(loss)), the_only(home.reports(original))
    assert (told.format, told.claims.loss) == ("told", "EUR 500") and told.reporter == better.reporter
    home.send(of=first, adds="withdrawal")
    home.work()
    assert home.state(first) == "withdrawn"
    assert home.house.work.retry("unpack", first)
    home.work()
    taken = {each.report for each in every(home.house.store, Withdrawal, {})}
    assert taken == {told.id, better.id, the_only(home.reports(first)).id}
    assert home.case(the_only(home.reports(first)).id).reporters == 0 and home.state(first) == "withdrawn"


def test_a_withdrawal_of_something_on_hold_leaves_what_was_reported_first_elsewhere(home: Home) -> None:
    once = home.send(mail(tag="twice"), contact="a@isp.example")
    home.work()
    again = home.send(mail(tag="twice"), contact="a@isp.example")
    held(home, again)
    home.send(of=again, adds="withdrawal")
    home.work()
    assert home.house.work.retry("unpack", again)
    home.work()
    assert home.verdicts(again) == ["duplicate"] and list(every(home.house.store, Withdrawal, {})) == []
    assert (home.state(once), home.state(again)) == ("filed", "withdrawn")


def test_what_is_on_hold_comes_due_by_the_class_of_its_reporter(home: Home) -> None:
    mine, acme = home.send(mail(tag="mine")), home.hand_in(*OF_FEEDS["by key over SMTP"], mail(tag="acme"))
    home.follow()
    for item in home.house.work.take(10):
        home.house.work.failed(item, "our fault: ValueError in unpack, line 1", for_good=True)
    assert list(retention.due(home.house, now().date())) == []
    past = (now() + timedelta(days=31)).date()
    assert [(each.submission, each.kept_as, each.blocked) for each in retention.due(home.house, past)] == [
        (mine, "public", "")
    ]
    assert retention.run(home.house, past) == (1, 0)
    assert [each.key for each in home.house.work.held()] == [acme] and home.state(mine) == "erased"
    assert home.house.archive.get(Submission, mine) is None
    assert home.house.archive.get(Submission, acme) is not None
