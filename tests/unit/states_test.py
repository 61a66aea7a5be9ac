"""What the public side is told of a submission: its states in order, across merges, reopenings, erasures, and after
the file with the receipts was lost.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy import erasing, states
from deploy.sweeper import start
from deploy.wiring import House, open_house
from enrichment.letters import OUTCOMES
from intake.follower import only_one
from intake.receipts import SCHEMA as RECEIPTS
from intake.receipts import Closing, Known, Placed, Receipts, Taken
from intake.sqlite import Database
from intake.submission import Envelope
from tests.additions_house import Home, the_only
from tests.walker import OFFLINE, lapwing, mail
from triage import decide
from triage.case import CaseEvent, Filing
from triage.stream import append, catch_up

LATER = datetime.now(UTC) + timedelta(hours=1)
"""When people decide: after everything that the tests hand in."""
SETTINGS = "[receipts]\noutcome = true\n"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "lapwing.toml").write_text(SETTINGS)
    made = Home(folder)
    yield made
    made.close()


def case_of(home: Home, submission: str) -> str:
    filing = home.house.archive.get(Filing, the_only(home.reports(submission)).id)
    assert filing is not None
    return filing.case


def reconciled(home: Home) -> None:
    states.Reconciler(home.house.archive, home.house.receipts).turn()


def outcome(home: Home, submission: str) -> str:
    known = home.house.receipts.known(submission)
    assert known is not None
    return known.outcome if known.state == "closed" else known.state


def another(home: Home, tag: str) -> str:
    """Of another case."""
    text = f"I am the lawyer of a late client and need your help to move eleven million dollars out of bank {tag}."
    return home.send(mail("inheritance", text, tag).replace(b"parcel-fee.test", b"advance.test"))


def test_a_closed_case_is_told_and_so_is_its_reopening(home: Home) -> None:
    first = home.send(mail(tag="one"))
    home.work()
    case, archive = case_of(home, first), home.house.archive
    reconciled(home)
    assert outcome(home, first) == "filed"
    decide.close(archive, case, "ivan", "the suspect was named to the police", LATER, outcome="helped")
    reconciled(home)
    assert outcome(home, first) == "helped"
    decide.reopen(archive, case, "ivan", "it goes on", LATER + timedelta(hours=1))
    reconciled(home)
    assert outcome(home, first) == "filed"
    decide.close(archive, case, "ivan", "done", LATER + timedelta(hours=2), outcome="elsewhere")
    reconciled(home)
    assert outcome(home, first) == "elsewhere"


def test_it_is_told_only_where_the_operator_wants_it(home: Home) -> None:
    first = home.send(mail(tag="one"))
    home.work()
    decide.close(home.house.archive, case_of(home, first), "ivan", "done", LATER)
    reconciled(home)
    for told, state in ((True, "closed"), (False, "filed")):
        known = Receipts(home.folder / "receipts.sqlite", told).known(first)
        assert known == Known(state, {"report": 1})


def test_what_comes_after_the_close_is_not_told_to_be_finished(home: Home) -> None:
    first = home.send(mail(tag="one"))
    home.work()
    case, archive = case_of(home, first), home.house.archive
    decide.close(archive, case, "ivan", "done", datetime.now(UTC))
    second = home.send(mail(tag="two"), contact="b@isp.example")
    home.work()
    reconciled(home)
    assert case_of(home, second) == case and (outcome(home, first), outcome(home, second)) == ("", "filed")
    decide.reopen(archive, case, "ivan", "more came", LATER)
    decide.close(archive, case, "ivan", "done", LATER)
    reconciled(home)
    assert (outcome(home, first), outcome(home, second)) == ("", "")


def test_a_submission_is_closed_when_all_its_cases_are(home: Home) -> None:
    mails = (mail(tag="one"), mail("Offer", "Buy our fine carpets today, a big sale http://carpets.test", "two"))
    mbox = "".join(f"From x@y.example Mon Nov 23 10:00:00 2026\r\n{each.decode()}\r\n" for each in mails).encode()
    both = home.send(mbox, filename="both.mbox")
    home.work()
    archive = home.house.archive
    cases = sorted({archive.get(Filing, each.id).case for each in home.reports(both)})  # type: ignore[union-attr]
    assert len(cases) == 2
    decide.close(archive, cases[0], "ivan", "done", LATER, outcome="helped")
    reconciled(home)
    assert outcome(home, both) == "filed"
    decide.close(archive, cases[1], "ivan", "done", LATER, outcome="finished")
    reconciled(home)
    assert outcome(home, both) == "", "what was said of the two differs, so the least is told"


def test_a_closed_case_that_goes_into_an_open_one_is_open_again(home: Home) -> None:
    one, two = home.send(mail(tag="one")), another(home, "two")
    home.work()
    archive, cases = home.house.archive, sorted([case_of(home, one), case_of(home, two)])
    decide.close(archive, cases[1], "ivan", "done", LATER)
    reconciled(home)
    assert sorted([outcome(home, one), outcome(home, two)]) == ["", "filed"]
    merge(home, *cases)
    reconciled(home)
    assert [outcome(home, one), outcome(home, two)] == ["filed", "filed"]
    decide.close(archive, cases[0], "ivan", "done", LATER + timedelta(hours=1))
    reconciled(home)
    assert [outcome(home, one), outcome(home, two)] == ["", ""]


def merge(home: Home, into: str, taken: str) -> None:
    """As the machine does when a report meets both."""
    common = {"n": 0, "at": LATER}
    archive = home.house.archive
    append(archive, [CaseEvent(case=taken, cause=f"{taken} {into}", what="merged", codes=(("into", into),), **common)])
    append(archive, [CaseEvent(case=into, cause=taken, what="absorbed", **common)])
    catch_up(archive, [taken, into])


def test_every_page_of_closed_cases_is_looked_at(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "CASES", 1)
    one, two = home.send(mail(tag="one")), another(home, "two")
    home.work()
    for each in (one, two):
        decide.close(home.house.archive, case_of(home, each), "ivan", "done", LATER)
    reconciler = states.Reconciler(home.house.archive, home.house.receipts)
    for _ in range(4):
        reconciler.turn()
    assert [outcome(home, each) for each in (one, two)] == ["", ""]
    decide.reopen(home.house.archive, case_of(home, two), "ivan", "more", LATER)
    for _ in range(4):
        reconciler.turn()
    assert [outcome(home, each) for each in (one, two)] == ["", "filed"]


@pytest.fixture
def every_state(home: Home) -> dict[str, str]:
    """A submission in each state; one of a feed, with its idempotency key, was erased."""
    ref = home.acceptor.new_id("feed:acme", "ticket-1")
    made = {
        "unpacked": home.send(b"nothing in it", filename="a.bin"),
        "filed": home.send(mail(tag="filed")),
        "withdrawn": home.send(mail(tag="withdrawn"), contact="b@isp.example"),
        "closed": another(home, "closed"),
        "erased": home.send(mail(tag="erased")),
    }
    envelope = Envelope(account="feed:acme", options=(f"as={ref}",))
    gone = [made["erased"], home.hand_in("api", envelope, mail(tag="alias"))]
    home.work()
    home.send(of=made["withdrawn"], adds="withdrawal")
    home.work()
    decide.close(home.house.archive, case_of(home, made["closed"]), "ivan", "done", LATER, outcome="helped")
    reconciled(home)
    erasing.erase(home.house, erasing.plan(home.house, [("submission", each) for each in gone]), "a wish", "anna")
    return made | {"erased by its key": ref}


def told_by(house: House, references: dict[str, str]) -> dict[str, str]:
    found = {name: house.receipts.known(each) for name, each in references.items()}
    return {name: known.state if known else "received" for name, known in found.items()}


ALL = {each: each for each in ("unpacked", "filed", "withdrawn", "closed", "erased")} | {"erased by its key": "erased"}


@pytest.mark.parametrize("how", ["the file was deleted", "rebuild", "restore"])
def test_every_state_is_there_again_after_the_file_was_lost(
    home: Home, every_state: dict[str, str], tmp_path: Path, how: str
) -> None:
    assert told_by(home.house, every_state) == ALL
    before = {each: home.house.receipts.known(each) for each in every_state.values()}
    home.close()
    if how == "restore":
        assert lapwing(home.folder, "backup", tmp_path / "disk").status == 0
        again = tmp_path / "again"
        ran = lapwing(again, "restore", tmp_path / "disk", "--keys", home.folder / "keys")
        assert ran.status == 0, ran.err
    else:
        again = home.folder
        for path in again.glob("receipts.sqlite*"):
            path.unlink()
        if how == "rebuild":
            assert lapwing(again, "rebuild").status == 0
    house = open_house(again, "sweeper", OFFLINE)
    if how == "the file was deleted":
        with only_one(again):
            start(house)
    assert told_by(house, every_state) == ALL
    assert {each: house.receipts.known(each) for each in every_state.values()} == before
    house.writer.close()
    house.database.close()
    home.__init__(home.folder)  # type: ignore[misc]


def test_receipts_of_before_are_filled_anew_at_the_start(home: Home) -> None:
    first = home.send(mail(tag="one"))
    home.work()
    path = home.folder / "old.sqlite"
    old = Database(path, {"receipts": RECEIPTS["receipts"][:1]})
    old.run("insert into receipts values (?, 'unpacked', '{}')", (first,))
    old.close()
    opened = Receipts(path)
    assert not opened.filled and opened.known(first) is None
    states.fill(home.house.archive, opened)
    assert opened.filled and opened.known(first) == Known("filed", {"report": 1})


def test_of_two_under_one_reference_the_first_stands_until_it_is_erased(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path / "receipts.sqlite")
    receipts.unpacked([Taken("ref", "one", {"report": 1}, False), Taken("ref", "two", {"duplicate": 1}, False)])
    receipts.filed([Placed("two", "c1", 1.0)])
    assert receipts.known("ref") == Known("unpacked", {"report": 1}, False)
    receipts.erased({"two": "ref"})
    assert receipts.known("ref") == Known("unpacked", {"report": 1}, False)
    receipts.erased({"one": "ref"})
    assert receipts.known("ref") == Known("erased", adds=False) and receipts.gone("ref")
    receipts.unpacked([Taken("ref", "one", {"report": 1}, False)])
    receipts.filed([Placed("one", "c1", 1.0)])
    receipts.withdrawn(["ref"])
    assert receipts.gone("ref"), "a worker that comes late doesn't undo it"
    receipts.unpacked([Taken("ref", "three", {"report": 2}, False)])
    assert receipts.known("ref") == Known("unpacked", {"report": 2}, False)
    assert receipts.known("another") is None and not receipts.gone("another")


def test_what_was_filed_before_it_was_said_to_be_opened_is_in_a_case(tmp_path: Path) -> None:
    """Another worker may be as fast as that, and a step that failed at its end is done again."""
    receipts = Receipts(tmp_path / "receipts.sqlite")
    receipts.filed([Placed("one", "c1", 10.0)])
    assert receipts.known("ref") is None
    receipts.unpacked([Taken("ref", "one", {"report": 1}, True), Taken("other", "two", {"report": 1}, True)])
    assert [receipts.known(each) for each in ("ref", "other")] == [
        Known("filed", {"report": 1}),
        Known("unpacked", {"report": 1}),
    ]


@pytest.mark.parametrize("code", OUTCOMES)
def test_a_closing_holds_for_what_came_before_it(tmp_path: Path, code: str) -> None:
    receipts = Receipts(tmp_path / "receipts.sqlite", closings=True)
    receipts.unpacked([Taken(each, each, {}, True) for each in ("before", "after")])
    receipts.filed([Placed("before", "c1", 10.0), Placed("after", "c1", 20.0)])
    receipts.closed([Closing("c1", 3, 15.0, code)])
    assert [receipts.known(each) for each in ("before", "after")] == [Known("closed", outcome=code), Known("filed")]
