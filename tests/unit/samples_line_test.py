"""The samples through the real readers: boundary, technique and campaign come out as the manifest says."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from enrichment.blocklists import ZONES
from enrichment.enrich import TURNS, Context, Examined
from enrichment.examination import Examination
from enrichment.examine import Desk
from enrichment.facts import Lookup
from enrichment.gather.resolver import Recorded
from enrichment.questions import divided
from intake.domains import registrable
from intake.formats import Found, open_submission
from triage.campaign import drawn_of
from triage.key import hashed

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
MANIFEST: dict[str, Any] = json.loads((SAMPLES / "manifest.json").read_bytes())
SUBMISSIONS = MANIFEST["submissions"]
FILES = [each["file"] for each in SUBMISSIONS]
EDGES = {each["address"]: tuple(each["edges"]) for each in MANIFEST["reporters"]}
FORMATS = {"isp": "arf", "attached": "attached", "gmail": "inline_forward", "outlook": "inline_forward"}
TECHNIQUES = {"zombie": "strong", "open-proxy": "strong", "open-relay": "weak"}
AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Case(NamedTuple):
    """One report: as found, what the manifest says, what enrichment says, what was answered."""

    found: Found
    expected: dict[str, Any]
    examined: Examined
    answers: dict[str, Lookup]


@cache
def cases(file: str) -> tuple[Case, ...]:
    entry = next(each for each in SUBMISSIONS if each["file"] == file)
    data = (SAMPLES / file).read_bytes()
    opened = open_submission(data, file, "report@lapwing.example", entry["way"] == "smtp")
    assert [each.verdict for each in opened.found] == ["report"] * len(entry["expected"])
    domain = entry["mail_from"].partition("@")[2]
    edges = EDGES.get(entry["mail_from"], (registrable(domain),))
    made = []
    for found, expected in zip(opened.found, entry["expected"], strict=True):
        source = data if found.source < 0 else opened.made[found.source].data
        examined, answers = examine(source[found.start : found.end], found, edges)
        made.append(Case(found, expected, examined, answers))
    return tuple(made)


def examine(data: bytes, found: Found, edges: tuple[str, ...]) -> tuple[Examined, dict[str, Lookup]]:
    """Look and ask until nothing is left to ask, as the step does."""
    resolver, zones = Recorded(SAMPLES / "dns.json"), tuple(each.zone for each in ZONES)
    answers: dict[str, Lookup] = {}
    for turn in range(TURNS):
        context = Context(found.claims, edges, AT, zones, answers=answers, last=turn == TURNS - 1)
        examined = Desk().examine(data, context)
        may, withheld = divided(examined.questions, ZONES, answers, {})
        answers |= {each.id: each for each in (*resolver.ask(may), *withheld)}
        if not examined.questions:
            break
    return examined, answers


@pytest.mark.parametrize("file", FILES)
def test_format_and_name(file: str) -> None:
    for case in cases(file):
        kind = file.partition("-")[2].partition("-")[0].partition(".")[0]
        assert case.found.format == {"werkhof": "raw", "invoice": "outlook_msg"}.get(kind) or FORMATS[kind]
        assert case.found.name == case.expected["name"] or case.found.format == "attached"


@pytest.mark.parametrize("file", FILES)
def test_boundary(file: str) -> None:
    for case in cases(file):
        assert case.examined.boundary.ip == case.expected["boundary"]
        assert case.examined.boundary.confidence == ("high" if case.expected["boundary"] else "none")


@pytest.mark.parametrize("file", FILES)
def test_every_question_is_in_the_recording(file: str) -> None:
    for case in cases(file):
        assert case.examined.questions == ()
        assert [each.id for each in case.answers.values() if each.status == "servfail"] == []


@pytest.mark.parametrize("file", FILES)
def test_technique(file: str) -> None:
    for case in cases(file):
        shown = {
            each.name: each.strength
            for each in case.examined.findings
            if each.name in TECHNIQUES and each.verdict == "present"
        }
        technique = case.expected["technique"] if case.expected["boundary"] else ""
        assert shown == ({technique: TECHNIQUES[technique]} if technique else {})


def test_languages() -> None:
    spoken = {case.expected["campaign"]: set[str]() for file in FILES for case in cases(file)}
    for file in FILES:
        for case in cases(file):
            spoken[case.expected["campaign"]].add(case.examined.message.language)
    assert spoken == {
        "bank": {"de"},
        "newsletter": {"de"},
        "invoice": {"en"},
        "parcel": {"zh-Hant"},
        "invest": {"zh-Hant"},
        "course": {"zh-Hant"},
    }


def test_reports_share_keys_within_their_campaign_and_with_no_other() -> None:
    campaigns: dict[str, set[str]] = {}
    for file in FILES:
        for case in cases(file):
            message, boundary, checks = case.examined.message, case.examined.boundary, case.examined.checks
            examination = Examination(
                report=file, submission=file, round=1, at=AT, message=message, boundary=boundary, checks=checks
            )
            drawn = {each.id for each in hashed(drawn_of(examination), bytes(32))}
            for campaign, known in campaigns.items():
                assert bool(drawn & known) == (campaign == case.expected["campaign"]), (file, campaign)
            campaigns.setdefault(case.expected["campaign"], set()).update(drawn)
    assert len(campaigns) == 6


def test_what_was_lost_is_in_the_words_of_the_reporter() -> None:
    (case,) = cases("03-attached-invest-loss.eml")
    assert case.expected["loss"] in case.found.claims.note
