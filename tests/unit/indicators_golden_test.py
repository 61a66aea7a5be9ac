"""Golden cases of the indicators: tests/golden/indicators/NAME/CASE.eml with CASE.json beside it.

The .json gives `why` the case is there, the reporter's `edges`, recorded `lookups` (answers, or the status where there
is none), results of authentication, and what the indicator must say of it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from enrichment.blocklists import ZONES
from enrichment.examination import Check
from enrichment.facts import Lookup
from enrichment.finding import Finding
from enrichment.indicator import INDICATORS, examine
from enrichment.judging import NEEDS, Facts
from enrichment.path import walk
from intake.message import derive
from intake.report import Claims

GOLDEN = Path(__file__).parent.parent / "golden" / "indicators"
CASES = sorted(path.relative_to(GOLDEN).with_suffix("").as_posix() for path in GOLDEN.glob("*/*.json"))


def case(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return loaded


def facts(name: str) -> Facts:
    wanted = case(name)
    mail = derive((GOLDEN / f"{name}.eml").read_bytes())
    hops, boundary = walk(mail, tuple(wanted["edges"]), Claims())
    return Facts(
        message=mail,
        hops=hops,
        boundary=boundary,
        checks=tuple(Check(**each) for each in wanted.get("checks", ())),
        lookups={id_: lookup(id_, answer) for id_, answer in wanted.get("lookups", {}).items()},
        zones=ZONES,
    )


def lookup(id_: str, answer: str | list[str]) -> Lookup:
    type_, name = id_.split()
    if isinstance(answer, str):
        return Lookup(type=type_, name=name, status=answer)
    return Lookup(type=type_, name=name, status="answer", answers=tuple(answer))


def found(name: str) -> Finding:
    return next(each for each in examine(facts(name)) if each.name == name.partition("/")[0])


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    wanted, finding = case(name), found(name)
    assert (finding.verdict, finding.strength) == (wanted["verdict"], wanted["strength"]), finding.sentence
    assert wanted["says"] in finding.sentence
    assert any(wanted.get("against", "") in says for says in finding.against or ("",))
    assert wanted["why"]


@pytest.mark.parametrize("name", CASES)
def test_what_is_cited_is_there(name: str) -> None:
    known = facts(name)
    for finding in examine(known):
        assert finding.sentence.endswith(".")
        assert (finding.strength != "none") == (finding.verdict == "present")
        for cite in finding.cites:
            if cite.of.startswith("lookup:"):
                assert any(each.id == cite.of.removeprefix("lookup:") and each.known for each in known.lookups.values())
            else:
                assert cite.of == known.message.sha256
                assert 0 <= cite.start < cite.end <= known.message.size


def test_every_indicator_has_every_verdict() -> None:
    kept = {(name.split("/")[0], case(name)["verdict"]) for name in CASES}
    assert kept == {(each.name, verdict) for each in INDICATORS for verdict in ("present", "absent", "unknown")}


def test_the_list_is_in_order() -> None:
    assert len({each.name for each in INDICATORS}) == len(INDICATORS)
    assert all(set(each.needs) <= set(NEEDS) and each.needs for each in INDICATORS)
    assert all(each.sentence.endswith("?") and each.basis for each in INDICATORS)


def test_one_report_never_makes_more_than_a_weak_relay() -> None:
    relays = [found(name) for name in CASES]
    assert {each.strength for each in relays if each.name == "open-relay" and each.verdict == "present"} == {"weak"}


UNANSWERED = ("timeout", "servfail", "refused", "withheld")


@pytest.mark.parametrize("name", [name for name in CASES if case(name).get("lookups")])
@pytest.mark.parametrize("status", UNANSWERED)
def test_no_answer_neither_clears_nor_condemns(name: str, status: str) -> None:
    """With every answer taken away, nothing is concluded that the answers had not already shown."""
    known = facts(name)
    silent = {id_: Lookup(type=each.type, name=each.name, status=status) for id_, each in known.lookups.items()}
    without = Facts(message=known.message, hops=known.hops, boundary=known.boundary, lookups=silent, zones=ZONES)
    nothing = Facts(message=known.message, hops=known.hops, boundary=known.boundary, zones=ZONES)
    assert [(each.name, each.verdict, each.strength) for each in examine(without)] == [
        (each.name, each.verdict, each.strength) for each in examine(nothing)
    ]
    listed = next(each for each in examine(without) if each.name == "listed")
    assert listed.verdict == "unknown"
