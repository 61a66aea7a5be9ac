"""P32: who is erased has never been here. A running house with every door; planted values are searched for in all that
the master key opens and in every byte beside it, before, when they must be there, and after, when they must not.
"""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import retention
from deploy.sweeper import daily
from deploy.wiring import now, open_house
from intake.archive import Erasure
from intake.loose import Loose
from intake.report import Reporter
from intake.store import every
from tests.forgetting_house import (
    ADDRESS,
    ANONYMOUS,
    COMMON,
    FEED,
    IDENTITIES,
    KEY_WORD,
    OTHER,
    TYPED,
    Forgetting,
    house,
)

pytestmark = pytest.mark.promise("P32")


def everything_handed_in(made: Forgetting) -> None:
    """Through each door; one mail in the same bytes by somebody else."""
    made.ask("feed", "add", "quillnet", "--class", "isp", "--edge", "mx.quillnet.example")
    key = made.ask("feed", "key", "quillnet", "--scope", "report").out.split()[-1]
    made.mail("smtp")
    made.mail("big", padding=60_000)
    made.mail("same", inner=COMMON)
    made.mail("theirs", OTHER, COMMON, "203.0.113.9")
    made.broken_off("cut")
    made.maildir("box")
    reference = made.page("page")
    made.page("quiet", contact="", network=ANONYMOUS)
    back = made.page("back")
    made.api("feed", key)
    made.file("file.eml", "From: x@y.test\r\nSubject: innerplant-file\r\n\r\nPay at https://parcel-fee.test/pay\r\n")
    made.file("rows.csv", "time,ip,domain,comment\n2026-11-23T10:00:00Z,192.0.2.66,rowplant.test,rowplant\n")
    made.planted += ["innerplant-file", "rowplant"]
    made.settled()
    made.add(reference, "loss", amount="70", currency="EUR", words="lossplant-later")
    made.add_original(reference, "later")
    made.add(back, "withdraw")
    made.planted += ["lossplant-later"]
    made.settled()


def looked_at(made: Forgetting) -> list[str]:
    """People work with it as on any day: each look, and a draft of a request."""
    cases = made.ask("queue", "--json").lines
    for case in cases:
        made.ask("case", "show", case["case"])
        for each in case["reports"]:
            made.ask("explain", each["report"], "--json")
    made.ask("case", "note", cases[0]["case"], "--text", "looks like the others")
    assert made.ask("request", "draft", cases[0]["case"], "--json").status == 0
    return [each["report"] for case in cases for each in case["reports"]]


def exported(made: Forgetting) -> list[Path]:
    """What every verb says of what is left, and a backup made now."""
    told = made.folder / "told"
    told.mkdir(exist_ok=True)
    for name, words in {
        "queue": ("queue", "--json"), "rows": ("rows", "--json"), "status": ("status", "--json"),
        "retention": ("retention", "--json"), "holds": ("hold", "list", "--json"), "plain": ("queue",),
        "feed": ("feed", "show", "quillnet", "--json"), "verify": ("verify", "--json"),
    }.items():  # fmt: skip
        ran = made.ask(*words)
        (told / name).write_text(ran.out + ran.err)
    for case in made.ask("queue", "--json").lines:
        for each in case["reports"]:
            (told / each["report"]).write_text(made.ask("explain", each["report"], "--json").out)
        drafted = made.ask("request", "draft", case["case"], "--json").line["request"]
        (told / drafted).write_text(made.ask("request", "show", drafted, "--json").out)
    made.ask("backup", made.folder / "backup")
    return [told, made.folder / "backup"]


def later(home: Path, days: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[retention.Due], int]:
    """The sweeper's day so many days from now; what was due before it, and how much is overdue after it."""
    with monkeypatch.context() as patched:
        house = open_house(home, "sweeper", {"LAPWING_DNS_MODE": "off"})
        patched.setitem(house.__dict__, "loose", Loose(house.database, lambda: time.time() + days * 86_400.0))
        patched.setattr("deploy.sweeper.now", lambda: now() + timedelta(days=days))
        due = list(retention.due(house, (now() + timedelta(days=days)).date()))
        daily(house)
        left = list(retention.due(house, (now() + timedelta(days=days)).date()))
        house.writer.close()
        house.database.close()
    return due, len(left)


def erasures(home: Path) -> list[Erasure]:
    house = open_house(home, "judge", {"LAPWING_DNS_MODE": "off"})
    found = list(every(house.store, Erasure, {}))
    house.database.close()
    return found


def test_who_is_erased_has_never_been_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with house(tmp_path) as made:
        everything_handed_in(made)
        theirs = common(looked_at(made), made)
        before = made.search()
        missed = {each for each in (*made.planted, *IDENTITIES) if "frames" not in before.get(each, ())}
        assert missed == set(), "the search is blind"
        assert KEY_WORD not in before
        for value, database in (("innerplant-smtp", "store"), (ADDRESS, "store"), (made.digest, "outcomes")):
            assert any(each.startswith(f"{database}.sqlite") for each in before[value]), (value, before[value])
        for who in (ADDRESS, TYPED, ANONYMOUS, FEED):
            ran = made.ask("erase", who, "--reason", "their wish", "--yes", "--json")
            assert ran.status == 0 and ran.line["submissions"], ran.err
            assert who not in ran.out + ran.err
        assert set(made.search(*exported(made))) <= {"halfplant-cut"}
        assert made.ask("explain", theirs, "--json").status == 0
        assert common([theirs], made) == theirs
    later(made.home, 2, monkeypatch)
    assert made.search(made.folder / "told") == {}
    for words in (("verify", "--json"), ("rebuild",), ("verify", "--json")):
        ran = made.ask(*words)
        assert ran.status == 0, ran.out + ran.err
    assert made.search() == {}
    told = erasures(made.home)
    assert {each.reason for each in told} == {"their wish", "it was broken off before its end"}
    assert all(each.at and each.by and each.slots for each in told)


def common(reports: list[str], made: Forgetting) -> str:
    """The report of OTHER among these, which holds the bytes that somebody else sent in as well."""
    asked = [(each, made.ask("explain", each, "--json").line) for each in reports]
    same = [(each, told) for each, told in asked if told["message"]["subject"] == "Your account is suspended"]
    kept = {told["reporter"]: each for each, told in same}
    house = open_house(made.home, "judge", {"LAPWING_DNS_MODE": "off"})
    people = house.archive.get_all(Reporter, kept)
    house.database.close()
    return next(report for name, report in kept.items() if people[name].address == OTHER)


def test_the_end_of_retention_forgets_as_well_and_a_hold_stops_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    periods = "\n".join(f"{name} = 30" for name in ("public", "isp", "rest"))
    with house(tmp_path, periods) as made:
        made.mail("smtp")
        made.page("page")
        made.settled()
        place = made.ask("legal-hold", "place", "reporter", reporter(made), "--reason", "court of Example, file 7")
        assert place.status == 0, place.err
        refused = made.ask("erase", ADDRESS, "--reason", "their wish", "--yes")
        assert refused.status == 1 and "a legal hold stands on reporter" in refused.err and ADDRESS not in refused.err
        assert made.ask("erase", ADDRESS, "--dry-run").status == 1
    due, left = later(made.home, 40, monkeypatch)
    assert len(due) == 2 and left == 1 and len([each for each in due if "legal hold" in each.blocked]) == 1
    found = made.search()
    assert ADDRESS in found and "innerplant-smtp" in found and TYPED not in found and "innerplant-page" not in found
    assert made.ask("legal-hold", "lift", place.out.strip(), "--reason", "judged").status == 0
    assert later(made.home, 40, monkeypatch)[1] == 0
    assert made.search() == {}
    verified = made.ask("verify", "--json")
    assert verified.status == 0 and verified.line["problems"] == []
    assert {each.reason for each in erasures(made.home)} == {"retention of public is over"}


def reporter(made: Forgetting) -> str:
    """The pseudonym of ADDRESS, as a dry look at the erasure tells it."""
    told = made.ask("erase", ADDRESS, "--dry-run", "--json").line
    (name,) = told["reporters"]
    return str(name)
