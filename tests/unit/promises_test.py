"""The ledger of promises, and how `lapwing selfcheck` tells it."""

import json
import re
import shlex
from pathlib import Path

import pytest

from deploy.promises import ROOT, promises
from tests import promise
from tests.walker import lapwing


def tried(ledger: Path):
    return {each.number: each.tried for each in promises(ledger)}


def test_the_newest_try_counts_and_a_long_one_stands(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger" / "promises.jsonl"
    assert set(tried(ledger).values()) == {None}
    promise.note("P1", "short", True, {"kills": 3}, ledger)
    promise.note("P1", "short", False, {"kills": 4}, ledger)
    assert tried(ledger)["P1"].figures == {"kills": 4}
    promise.note("P1", "long", True, {"kills": 200}, ledger)
    promise.note("P1", "short", True, {"kills": 5}, ledger)
    with ledger.open("ab") as file:
        file.write(b'{"promise": "P1", "at"\n')
    assert (tried(ledger)["P1"].form, tried(ledger)["P1"].figures) == ("long", {"kills": 200})
    assert tried(ledger)["P2"] is None
    promise.note("P1", "short", False, {"lost": 1}, ledger)
    assert tried(ledger)["P1"].figures == {"lost": 1}, "a promise that was broken since is not held"
    promise.note("P1", "short", True, {"lost": 0}, ledger)
    assert tried(ledger)["P1"].held


def test_several_campaigns_try_a_promise_between_them(tmp_path: Path) -> None:
    ledger = tmp_path / "promises.jsonl"
    promise.note("P22", "long", True, {"steps": 20_000}, ledger, part="states")
    promise.note("P22", "long", False, {"requests": 50_000, "faults": 1}, ledger, part="api")
    promise.note("P22", "short", True, {"tests": 3}, ledger)
    promise.note("P22", "long", True, {"steps": 20_001}, ledger, part="states")
    told = tried(ledger)["P22"]
    assert (told.held, told.figures, told.part) == (False, {"api requests": 50_000, "api faults": 1}, "api")
    promise.note("P22", "long", True, {"requests": 50_000, "faults": 0}, ledger, part="api")
    told = tried(ledger)["P22"]
    assert (told.held, told.form, told.part) == (True, "long", "states, api")
    assert told.figures == {"states steps": 20_001, "api requests": 50_000, "api faults": 0}


INTAKE = ("P1", "P2", "P3", "P4", "P5", "P14", "P15", "P16", "P17", "P18", "P19", "P22", "P28", "P32", "P39")
"""Promises of which a short form is among the tests."""
MARKED = re.compile(r'\bpromise\("(P\d+)"\)')


def test_what_intake_promises_has_a_short_form_among_the_tests_and_a_long_one_by_a_command() -> None:
    files = [path for path in (ROOT / "tests").rglob("*_test.py") if path != Path(__file__)]
    marked = {number for path in files for number in MARKED.findall(path.read_text())}
    assert [each for each in INTAKE if each not in marked] == []
    assert [each.number for each in promises() if each.number in INTAKE and not each.long] == []


def test_a_campaign_is_judged_by_figures_that_must_be_zero_and_by_those_that_must_not(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    ledger = tmp_path / "promises.jsonl"
    rule = promise.Rule("P5", zero=("lost",), least={"kept": 5})
    assert rule.ended({"kept": 7, "lost": 0}, "long", ledger)
    assert capsys.readouterr().out.split() == ["kept", "7", "lost", "0"]
    assert tried(ledger)["P5"].held
    assert not rule.ended({"kept": 7, "lost": 1}, "short", ledger)
    assert not tried(ledger)["P5"].held
    assert not rule.ended({"kept": 4, "lost": 0}, "long", ledger), "nothing was tried"


def test_every_command_names_a_file_that_is_there() -> None:
    assert [each.number for each in promises()] == [f"P{number}" for number in range(1, 41)]
    named = [word for each in promises() for long in each.long for word in shlex.split(long) if word.endswith(".py")]
    assert len(named) >= 15 and not [each for each in named if not (ROOT / each).is_file()]


def test_every_campaign_is_named_in_contributing() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    files = {long.split()[0].removeprefix("tests/") for each in promises() for long in each.long}
    assert [each for each in sorted(files - {"-m"}) if f"`{each}`" not in page] == []


def test_selfcheck_tells_settings_and_promises(tmp_path: Path) -> None:
    ledger = tmp_path / "promises.jsonl"
    promise.note("P1", "long", True, {"kills": 200, "lost": 0}, ledger)
    home = tmp_path / "home"
    lapwing(home, "report", str(ROOT / "deploy" / "samples" / "01-isp-bank.eml"))
    ran = lapwing(home, "selfcheck", "--ledger", str(ledger), "--json")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert {each["check"]: each["state"] for each in lines if "check" in each}["store"] == "right"
    told = {each["promise"]: each["tried"] for each in lines if "promise" in each}
    assert len(told) == 40 and told["P1"]["figures"] == {"kills": 200, "lost": 0} and told["P2"] is None
    assert ran.status == 0
    promise.note("P2", "short", False, {"acked after a failed sync": 1}, ledger)
    ran = lapwing(home, "selfcheck", "--ledger", str(ledger))
    assert ran.status == 1 and "acked after a failed sync 1" in ran.out and "NO" in ran.out
    (home / "keys").chmod(0o755)
    (home / "keys" / "operator.private").chmod(0o644)
    ran = lapwing(home, "selfcheck", "--ledger", str(tmp_path / "none"))
    assert ran.status == 1 and "operator.private" in ran.out
    ran = lapwing(home, "serve")
    assert ran.status == 1 and "unsound" not in ran.out and "operator.private" in ran.err
