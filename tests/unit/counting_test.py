"""Counting people: one person is one, whichever way they take, and an erased one is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import erasing
from deploy.meant import meant, owners_of
from intake.submission import Envelope
from tests.additions_house import PEER, Home
from tests.walker import mail

WHO = "reader@isp.example"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.close()


def by_mail(home: Home, tag: str, who: str = WHO) -> str:
    return home.hand_in("smtp", Envelope(mail_from=who, peer=PEER), mail(tag=tag))


def counted(home: Home, submission: str) -> tuple[int, int, int]:
    """Reports, reporters, and reports of a loss of the case that this came into."""
    view = home.case(home.reports(submission)[0].id)
    return view.reports, view.reporters, view.loss_reports


def test_one_person_by_mail_and_on_the_page_is_one(home: Home) -> None:
    mailed, typed = by_mail(home, "a"), home.send(mail(tag="b"), contact=WHO.upper())
    home.work()
    assert counted(home, mailed) == counted(home, typed) == (2, 1, 0)
    other = by_mail(home, "c", "other@isp.example")
    home.work()
    assert counted(home, other) == (3, 2, 0)


def test_what_is_added_by_reference_is_the_same_person_from_wherever_it_comes(home: Home) -> None:
    first = by_mail(home, "a")
    home.work()
    home.send(of=first, adds="loss", loss="TWD 5,000", peer="203.0.113.99")
    home.send(mail(tag="b"), of=first, adds="original", peer="203.0.113.98")
    home.work()
    assert counted(home, first)[1:] == (1, 1)


def test_strangers_of_one_network_are_one(home: Home) -> None:
    sent = [home.send(mail(tag=str(n)), peer=f"2001:db8:1:2::{n}") for n in range(1, 5)]
    home.work()
    assert counted(home, sent[0]) == (4, 1, 0)


def test_an_erased_person_counts_no_more(home: Home) -> None:
    mailed, typed = by_mail(home, "a"), home.send(mail(tag="b"), contact=WHO, loss="TWD 5,000")
    other = by_mail(home, "c", "other@isp.example")
    home.work()
    assert counted(home, mailed) == counted(home, typed) == (3, 2, 1)
    house = home.house
    erasing.erase(house, erasing.plan(house, owners_of(house, meant(house, WHO))), "their wish", "anna")
    assert counted(home, other) == (1, 1, 0)


def test_who_is_left_is_counted_by_what_is_left_of_them(home: Home) -> None:
    mailed, typed = by_mail(home, "a"), home.send(mail(tag="b"), contact=WHO)
    home.work()
    house = home.house
    erasing.erase(house, erasing.plan(house, owners_of(house, meant(house, mailed))), "their wish", "anna")
    assert counted(home, typed) == (1, 1, 0)
