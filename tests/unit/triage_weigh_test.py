"""Weighing in children: what comes back is the same as in this process, and is believed only as far as it can be."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from enrichment.examination import Examination
from intake.message import derive
from intake.parsing import Given, NotExamined, Parser, command
from intake.record import Cite
from intake.report import Claims
from tests.triage_house import AT
from triage.harm import Reason
from triage.key import Drawn
from triage.scales import weigh
from triage.weigh import MOST_KEYS, Weighed, Weighing, in_children

MAIL = (
    b"From: Bank <a@bank-login.test>\r\nSubject: Your account is suspended\r\n\r\n"
    b"Verify your password at http://bank-login.test/now or call +44 20 7946 0958. Pay 1 BTC to "
    b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\r\n"
)


def weighing() -> Weighing:
    examination = Examination(report="r", submission="s", round=1, at=AT, message=derive(MAIL))
    return Weighing(examination=examination, claims=Claims(note="I paid them 500 EUR and lost it"))


class Told:
    """A parser whose children say what they are told to."""

    def __init__(self, *results: object) -> None:
        self._results = list(results)

    def run_all(self, job: str, given: list[Given], type_: Any) -> list[object]:
        return self._results


@pytest.fixture
def parser() -> Iterator[Parser]:
    parser = Parser(command("deploy.parserd"), children=2)
    yield parser
    parser.close()


def test_a_closed_in_child_weighs_as_this_process_does(parser: Parser) -> None:
    asked = weighing()
    mine = weigh(asked)
    assert in_children(parser)([asked, asked, asked]) == [mine] * 3
    assert mine.assessment.kind == "phishing" and mine.assessment.losses
    assert {each.family for each in mine.drawn} >= {"text", "domain", "phone"}


@pytest.mark.parametrize(
    "cite", [Cite(of="0" * 64), Cite(of=derive(MAIL).sha256, start=0, end=len(MAIL) + 1), Cite(of="lookup:PTR x")]
)
def test_a_cite_of_what_is_not_there_is_not_believed(cite: Cite) -> None:
    asked = weighing()
    found = weigh(asked)
    forged = replace(found.assessment, reasons=(Reason(code="x", sentence="x", cites=(cite,)),))
    (weighed,) = in_children(Told(replace(found, assessment=forged)))([asked])  # type: ignore[arg-type]
    assert weighed.drawn == () and weighed.assessment.limits == ("not fully weighed (cite)",)


def test_more_keys_than_a_message_can_have_are_not_believed() -> None:
    asked = weighing()
    many = replace(weigh(asked), drawn=tuple(Drawn(family="domain", what=b"%d" % n) for n in range(MOST_KEYS + 1)))
    (weighed,) = in_children(Told(many))([asked])  # type: ignore[arg-type]
    assert weighed.drawn == () and weighed.assessment.limits == ("not fully weighed (shape)",)


def test_a_report_whose_child_dies_is_weighed_without_its_words() -> None:
    asked = weighing()
    mine = weigh(asked)
    weighed = in_children(Told(NotExamined("time"), mine))([asked, asked])  # type: ignore[arg-type]
    assert weighed[1] == mine
    assert weighed[0] == Weighed(assessment=weighed[0].assessment)
    assert weighed[0].assessment.limits == ("not fully weighed (time)",)
    assert (weighed[0].assessment.kind, weighed[0].assessment.band) == ("unclear", "nuisance")


def test_the_step_loads_no_lexicon_and_no_plans_of_numbers() -> None:
    unwanted = {"phonenumbers", "rensa", "triage.judge", "price_parser"}
    code = f"import sys, deploy.wiring; print({unwanted} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr
