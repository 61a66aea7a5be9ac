"""Consent: who reports is named downstream only with their yes, and no longer than it stands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.commands.desk import whole
from deploy.commands.look import explained
from deploy.withheld import withheld
from enrichment.examination import Examination
from intake.report import ConsentEnd, Report
from intake.store import every
from referral.evidence import Prepared, prepare
from referral.weighing import dossier_of
from tests.additions_house import Home, the_only
from tests.walker import mail, several

WHO = "rhea.quill-7361@quillhome.example"
NAMED = f'"Rhea Nameplant" <{WHO}>'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.close()


def spam(tag: str = "1") -> bytes:
    """A spam that names its reader where spam does."""
    text = f"Dear Rhea Nameplant, pay the customs fee now: http://parcel-fee.test/pay?u={WHO}"
    return mail(f"{WHO.upper()}, your parcel", text, tag).replace(b"To: you@isp.example", f"To: {NAMED}".encode())


def handed_in(home: Home, consent: bool, tag: str = "1") -> Report:
    submission = home.send(spam(tag), contact=WHO, consent=consent)
    home.work()
    return the_only(home.reports(submission))


def leaving(home: Home, report: Report) -> Prepared:
    """What of the report would go out with a request."""
    archive = home.house.archive
    found = prepare(archive, dossier_of(archive, home.case(report.id)), originals=False)
    return next(each for each in found if each.exhibit.report == report.id)


def shown(home: Home, report: Report) -> str:
    """What a look at the report shows."""
    (latest,) = every(home.house.store, Examination, {"report": report.id})
    return json.dumps(whole(withheld(home.house.archive, report, explained(report, latest))), default=str)


def names(text: str) -> bool:
    return any(each.lower() in text.lower() for each in (WHO, "quill-7361", "Nameplant"))


def test_without_consent_nothing_downstream_names_the_reporter(home: Home) -> None:
    report = handed_in(home, consent=False)
    assert leaving(home, report).exhibit.form == "redacted"
    assert not names(leaving(home, report).data.decode())
    look = shown(home, report)
    assert not names(look) and "[withheld]" in look and report.reporter in look


def test_with_consent_the_original_may_go(home: Home) -> None:
    report = handed_in(home, consent=True)
    assert leaving(home, report).exhibit.form == "original" and names(leaving(home, report).data.decode())
    assert names(shown(home, report))


@pytest.mark.parametrize("adds", ["no-consent", "withdrawal"])
def test_consent_is_taken_back_by_reference(home: Home, adds: str) -> None:
    report = handed_in(home, consent=True)
    home.send(of=report.submission, adds=adds)
    home.work()
    assert leaving(home, report).exhibit.form == "redacted" and not names(shown(home, report))
    ended = home.house.archive.get(ConsentEnd, report.submission)
    assert (ended is not None) == (adds == "no-consent")
    assert home.case(report.id).reports == (adds == "no-consent")


def test_consent_to_one_report_is_none_to_another(home: Home) -> None:
    agreed, other = handed_in(home, consent=True, tag="1"), handed_in(home, consent=False, tag="2")
    assert agreed.reporter == other.reporter
    assert leaving(home, other).exhibit.form == "redacted" and leaving(home, agreed).exhibit.form != "withheld"
    assert not names(leaving(home, agreed).data.decode()), "who is named in one is named in the other"


def test_no_verb_names_who_did_not_agree(home: Home) -> None:
    report = handed_in(home, consent=False)
    case = home.case(report.id).id
    asked = [
        ("queue", "--json"), ("queue",), ("explain", report.id, "--json"), ("explain", report.id),
        ("case", "show", case, "--json"), ("case", "show", case), ("rows", "--json"), ("status", "--json"),
        ("retention", "--json"), ("request", "draft", case), ("erase", WHO, "--dry-run"),
        ("erase", WHO, "--dry-run", "--json"), ("legal-hold", "list"), ("hold", "list"),
    ]  # fmt: skip
    for words, ran in zip(asked, several(home.folder, asked), strict=True):
        assert (ran.out + ran.err and not names(ran.out + ran.err)) or words[0] in ("rows", "retention", "hold"), words
        assert not names(ran.out + ran.err), words
