"""The end of retention: it comes by itself, class by class; a hold, a claim or a request stands in the way and is said.

What is gone is looked for in everything that the operator's key opens and in every raw byte of the home.
"""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy import retention
from deploy.sweeper import daily, start
from deploy.wiring import open_house
from intake.vault import keys, series
from intake.vault.reader import Reader
from tests.walker import lapwing

WHO = "planted.person@mail.example"
PLANTED = [
    "planted-subject-7361",
    "planted-body-5190",
    "planted-name-2284",
    "planted.sender@spam.example",
    "planted-mid-901",
]
MAIL = f"""Received: from x.spam.example ([198.51.100.7]) by mx.mail.example; Mon, 23 Nov 2026 10:00:00 +0000
From: "{PLANTED[2]}" <{PLANTED[3]}>
To: {WHO}
Subject: {PLANTED[0]}
Message-ID: <{PLANTED[4]}@spam.example>
Content-Transfer-Encoding: base64

{base64.b64encode(f"Pay the parcel fee now, {PLANTED[1]} https://pay.example/x".encode()).decode()}
"""
LATER = (datetime.now(UTC) + timedelta(days=40)).date()


@pytest.fixture
def home(tmp_path) -> Path:
    """A home that keeps the public's reports for 30 days, with one planted mail and one other."""
    place = tmp_path / "home"
    place.mkdir()
    (place / "lapwing.toml").write_text('[dns]\nmode = "off"\n[retention]\npublic = 30\n')
    (tmp_path / "planted.eml").write_text(MAIL)
    (tmp_path / "other.eml").write_text(MAIL.replace("planted", "another"))
    lapwing(place, "report", str(tmp_path / "planted.eml"), "--reporter", WHO)
    lapwing(place, "report", str(tmp_path / "other.eml"), "--reporter", "isp.example")
    return place


def everything(home: Path) -> bytes:
    """All that the key opens, and every file of the home as it is: store, its log and free pages, receipts."""
    reader = Reader(home / "vault", keys.private(home / "keys"))
    found = [path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()]
    for name in series.all_series(home / "vault"):
        for _, header, stored in reader.follow(name, 0, 0):
            opened = reader.open(header, stored)
            found.append(opened.plain if opened else b"")
    return b"\n".join(found)


def planted_in(home: Path) -> set[str]:
    whole = everything(home)
    return {each for each in [WHO, *PLANTED] if each.encode() in whole}


def test_what_is_due_goes_without_a_trace_and_the_rest_stays(home):
    assert planted_in(home) == {WHO, *PLANTED}
    house = open_house(home, "sweeper", {})
    assert list(retention.due(house, datetime.now(UTC).date())) == []
    assert retention.run(house, LATER) == (2, 0)
    house.writer.close()
    house.database.close()
    assert planted_in(home) == set()
    assert b"another" not in everything(home).replace(b"another one", b"")
    verified = lapwing(home, "verify", "--json")
    assert verified.status == 0 and verified.line["erased"] >= 3
    assert lapwing(home, "rebuild").status == 0 and planted_in(home) == set()
    assert lapwing(home, "queue", "--json").lines == []


def test_each_class_has_a_period_of_its_own(home):
    text = (home / "lapwing.toml").read_text()
    known = '[[reporters]]\naddress = "isp.example"\nclass = "isp"\n'
    (home / "lapwing.toml").write_text(text + known)
    path = home.parent / "third.eml"
    path.write_text(MAIL.replace("planted", "third"))
    lapwing(home, "report", str(path), "--reporter", "isp.example")
    house = open_house(home, "sweeper", {})
    assert sorted(each.kept_as for each in retention.due(house, LATER)) == ["public", "public"]
    assert retention.run(house, LATER) == (2, 0)
    assert b"third-subject" in everything(home)


@pytest.mark.parametrize("block", ["claim", "hold"])
def test_what_is_worked_on_or_held_is_overdue_and_says_why(home, block):
    case = lapwing(home, "queue", "--json").lines[0]["case"]
    if block == "claim":
        assert lapwing(home, "case", "claim", case).status == 0
    else:
        assert lapwing(home, "legal-hold", "place", "case", case, "--reason", "court").status == 0
    house = open_house(home, "sweeper", {})
    blocked = [each.blocked for each in retention.due(house, LATER) if each.blocked]
    assert blocked and all(case in each for each in blocked)
    erased, overdue = retention.run(house, LATER)
    assert overdue == len(blocked) and erased + overdue == 2
    assert planted_in(home) or b"another-subject" in everything(home)


def test_the_sweeper_does_it_and_signs_what_it_erased(home, monkeypatch):
    house = open_house(home, "sweeper", {})
    monkeypatch.setattr("deploy.sweeper.now", lambda: datetime.now(UTC) + timedelta(days=40))
    daily(house)
    assert planted_in(home) == set()
    assert len(list((home / "checkpoints").glob("*.json"))) == 1
    listed = lapwing(home, "retention", "--json")
    assert listed.status == 0 and listed.lines == []


@pytest.mark.parametrize("cut", ["carry_out", "forget", "done"])
def test_an_erasure_that_was_cut_short_is_finished_at_the_next_start(home, monkeypatch, cut):
    house = open_house(home, "sweeper", {})
    part = {"carry_out": house.archive, "forget": house.outcomes, "done": house.work}[cut]

    def dies(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(part, cut, dies)
        with pytest.raises(InterruptedError):
            retention.run(house, LATER)
    start(house)
    retention.run(house, LATER)
    house.writer.close()
    house.database.close()
    assert planted_in(home) == set() and lapwing(home, "verify").status == 0
    assert lapwing(home, "queue", "--json").lines == []
