"""Lanes: what stands outside the queue, what waits for a person, what people find of it, and the alarm."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.alarm import Alarm, send
from deploy.settings import read
from deploy.wiring import now
from enrichment.letters import Letterhead
from intake.errors import Refused
from tests.additions_house import Home, the_only
from tests.triage_house import examined
from tests.walker import lapwing, mail
from triage import assess, decide
from triage.fold import CaseView
from triage.judge import judge
from triage.lane import LANES, Lanes, counted
from triage.stream import current
from triage.terms import lexicon

OFFER = {"subject": "Offer", "text": "Buy our fine carpets today, a big sale with many colours and sizes for all"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.close()


def filed(home: Home, n: int = 0, **told: str) -> CaseView:
    """The case of the same offer, handed in by another person each time."""
    submission = home.send(mail(tag=f"offer{n}", **OFFER), peer=f"198.51.{100 + n}.20", **told)
    home.work()
    return home.case(the_only(home.reports(submission)).id)


def found(home: Home, case: CaseView, what: decide.Found, lane: str = "life") -> CaseView:
    return decide.lane(home.house.archive, case.id, "ivan", lane, what, "told the police at nine", now())


def test_a_lane_waits_until_it_is_passed_on_and_again_when_more_comes(home: Home) -> None:
    view = filed(home, lane="life")
    assert (view.lane, view.alarm, bool(view.lane_since)) == ("life", "life", True)
    view = found(home, view, "passed")
    assert (view.lane, view.alarm, view.lane_since) == ("life", "", "")
    view = filed(home, 1, lane="life")
    assert (view.alarm, view.reports) == ("life", 2)


def test_a_decision_can_be_taken_back(home: Home) -> None:
    view = filed(home, lane="child-abuse")
    for what in ("passed", "unlaned"):
        assert found(home, view, what, "child-abuse").alarm == ""
        back = found(home, view, "relaned", "child-abuse")
        assert (back.alarm, back.lane, bool(back.lane_since)) == ("child-abuse", "child-abuse", True)


def test_one_report_in_a_lane_does_not_bury_a_campaign(home: Home) -> None:
    first = filed(home)
    assert first.lane == ""
    mixed = filed(home, 1, lane="life")
    assert (mixed.id, mixed.lane) == (first.id, "life")
    assert found(home, mixed, "passed").lane == ""


def test_what_is_no_matter_of_the_lane_is_ranked_until_a_reporter_says_so_of_another_report(home: Home) -> None:
    view = found(home, filed(home, lane="life"), "unlaned")
    assert (view.lane, view.alarm) == ("", "")
    assert filed(home, 1).alarm == ""
    assert filed(home, 2, lane="life").alarm == "life"


def test_text_that_was_found_to_be_none_does_not_wait_again() -> None:
    seen = Lanes({"life": 3}, {}, {}).seen("life")
    assert Lanes({"life": 3}, {}, {}).waits("life")
    assert not Lanes({"life": 9}, {}, seen).waits("life")
    assert Lanes({"life": 9, "said/life": 1}, {}, seen).waits("life")
    assert counted(("life", "sms"), "sms") == {"life": 1, "sms": 1, "said/sms": 1}


@pytest.mark.parametrize("lane", ["sms", "police"])
def test_others_matters_have_no_place_in_the_queue_and_raise_no_alarm(home: Home, lane: str) -> None:
    view = filed(home, lane=lane)
    assert (view.lane, view.alarm) == (lane, "")
    with pytest.raises(Refused):
        found(home, view, "passed", lane)
    assert lapwing(home.folder, "lanes").out.startswith("Nothing waits")
    assert view.id in lapwing(home.folder, "lanes", "--all", "--json").out
    assert view.id not in lapwing(home.folder, "queue", "--json").out


def test_counted_anew_it_stands_the_same(home: Home) -> None:
    view = found(home, filed(home, lane="life"), "passed")
    view = filed(home, 1, lane="life")
    assess.fold_anew(home.house.archive, [view.id])
    again = current(home.house.archive, view.id)
    assert (again.lane, again.alarm, again.lanes) == (view.lane, view.alarm, view.lanes)


@pytest.mark.parametrize(
    ("text", "lane"),
    [
        ("My neighbour says that he is going to kill me tonight", "life"),
        ("He threatens to kill the whole family", "life"),
        ("I got a text message that says my parcel is held", "sms"),
        ("I received this SMS from my bank, is it real?", "sms"),
        ("我收到一則簡訊說我的包裹被扣", "sms"),
        ("My car was stolen last night", "police"),
        ("我的機車昨天被偷了", "police"),
        ("This offer is to die for, and will kill the competition", ""),
        ("You will receive an SMS code, type it in here", ""),
        ("您將收到簡訊驗證碼", ""),
        ("Never have your password stolen again: buy our car alarm", ""),
    ],
)
def test_what_people_write_without_a_message_finds_its_lane(text: str, lane: str) -> None:
    from intake.report import Claims

    judged = judge(examined(mail(text=text)), Claims(), lexicon())
    assert judged.lanes == ((lane,) if lane else ())


class Server:
    """A mail server that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []

    def deliver(self, recipient: str, data: bytes, begin: object) -> str:
        self.mails.append((recipient, data))
        return "sent"


def test_the_alarm_is_told_at_once_and_again_until_somebody_takes_it(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    time = [datetime(2026, 12, 1, tzinfo=UTC)]
    alarm = Alarm(home.house.store, home.house.work, lambda: time[0], 900.0, mailed=True)

    def told() -> int:
        caplog.clear()
        alarm.turn()
        return sum(each.levelno == logging.CRITICAL for each in caplog.records)

    assert told() == 0
    view = filed(home, lane="life")
    assert (told(), told()) == (1, 0)
    assert home.house.work.waiting() == {"alarm": 1}
    time[0] += timedelta(seconds=899)
    assert told() == 0
    time[0] += timedelta(seconds=1)
    assert told() == 1
    assert Alarm(home.house.store, home.house.work, lambda: time[0], 900.0, False).turn() is None
    decide.claim(home.house.archive, view.id, "ivan", now())
    time[0] += timedelta(hours=1)
    assert told() == 0


def test_an_alarm_says_nothing_of_the_report(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    head = Letterhead("report@agency.example", "", "", "", {}, "en", lambda data: data)
    send(home.house.store, server, head, "duty@agency.example", now())
    assert server.mails == []
    filed(home, lane="child-abuse", contact="rita@isp.example")
    Alarm(home.house.store, home.house.work, now, 900.0, mailed=True).turn()
    send(home.house.store, server, head, "duty@agency.example", now())
    ((to, data),) = server.mails
    assert to == "duty@agency.example" and b"child abuse: 1 case waits" in data
    for word in (b"carpet", b"Offer", b"rita", b"198.51"):
        assert word not in data and word.decode() not in caplog.text


def test_status_and_queue_say_that_something_waits(home: Home) -> None:
    view = filed(home, lane="life")
    status = lapwing(home.folder, "status")
    assert status.status == 1 and "ALARM: danger to life: 1 case waits" in status.out
    assert "lapwing lanes" in lapwing(home.folder, "queue").err
    row = lapwing(home.folder, "lanes", "--json").out
    assert view.id in row and '"waits":true' in row
    assert lapwing(home.folder, "lanes", "passed", view.id, "--reason", "told 110 at nine").status == 0
    assert lapwing(home.folder, "status").status == 0
    assert "passed" in lapwing(home.folder, "case", "show", view.id).out
    assert lapwing(home.folder, "lanes", "again", view.id, "--reason", "wrong case").status == 0
    assert lapwing(home.folder, "status").status == 1
    assert lapwing(home.folder, "lanes", "--lane", "moon").status == 1


def test_every_lane_has_its_name_and_settings_are_checked(tmp_path: Path) -> None:
    assert LANES == ("life", "child-abuse", "police", "sms")
    for text, word in (
        ('[lanes]\nalarm_to = "nobody"', "alarm_to"),
        ('[lanes]\nalarm_to = "duty@agency.example"', "smtp_host"),
        ("[lanes]\nevery = 0", "every"),
    ):
        (tmp_path / "lapwing.toml").write_text(text)
        with pytest.raises(Refused, match=word):
            read(tmp_path, {})
