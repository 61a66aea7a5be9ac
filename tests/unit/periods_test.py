"""Periods of retention: each kind of report ends by itself on its day, and what stands in the way of that is said."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import retention
from deploy.sweeper import daily
from deploy.wiring import now
from intake.archive import Erasure, LegalHold
from intake.report import Reporter
from intake.store import every
from intake.submission import Envelope, Submission
from tests.additions_house import Home
from tests.walker import mail

PERIODS = {"rest": 5, "trap": 10, "public": 20, "partner": 30, "isp": 40, "authority": 50}
SETTINGS = "[retention]\n" + "".join(f"{name} = {days}\n" for name, days in PERIODS.items())
SETTINGS += "".join(
    f'[[reporters]]\naddress = "{name}.example"\nclass = "{name}"\n'
    for name in PERIODS
    if name not in ("rest", "public")
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "lapwing.toml").write_text(SETTINGS)
    made = Home(folder)
    yield made
    made.close()


def of_each_kind(home: Home) -> dict[str, str]:
    """Kind -> the submission; what is `rest` holds nothing."""
    sent = {name: Envelope(mail_from=f"desk@{name}.example") for name in PERIODS}
    made = {name: home.hand_in("smtp", each, mail(tag=name) if name != "rest" else b"") for name, each in sent.items()}
    home.work()
    return made


def a_day(home: Home, monkeypatch: pytest.MonkeyPatch, days: int) -> set[str]:
    """The sweeper's day, so many days from now; the submissions that are left."""
    monkeypatch.setattr("deploy.sweeper.now", lambda: now() + timedelta(days=days))
    daily(home.house)
    return {each.id for each in every(home.house.store, Submission, {})}


def test_each_kind_ends_on_its_day_and_not_before(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    made = of_each_kind(home)
    left = dict(made)
    for name, days in PERIODS.items():
        assert a_day(home, monkeypatch, days - 1) == set(left.values()), name
        del left[name]
        assert a_day(home, monkeypatch, days) == set(left.values()), name
    told = list(every(home.house.store, Erasure, {}))
    assert {each.reason for each in told} == {f"retention of {name} is over" for name in PERIODS}
    assert {each.by for each in told} == {retention.WHO}
    left_over = {each.class_ for each in every(home.house.store, Reporter, {})}
    assert left_over == set(PERIODS) - {"rest", "public"}, "an institution goes on reporting, a person is forgotten"


def test_what_is_held_is_listed_every_day_and_goes_when_it_may(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    made = of_each_kind(home)
    hold = LegalHold(id="h", owner=f"submission {made['trap']}", reason="court", by="anna", at=now())
    home.house.archive.keep(hold)
    for days in (60, 61):
        assert a_day(home, monkeypatch, days) == {made["trap"]}
        (listed,) = retention.due(home.house, (now() + timedelta(days=days)).date())
        assert (listed.submission, listed.kept_as) == (made["trap"], "trap")
        assert listed.blocked == f"a legal hold stands on submission {made['trap']}"
    lifted = LegalHold(id="l", owner=hold.owner, reason="over", by="anna", at=now(), lifted="h")
    home.house.archive.keep(lifted)
    assert a_day(home, monkeypatch, 62) == set()
