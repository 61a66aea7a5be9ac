"""The sealed home of `tests/golden/home/`: made once, when the format was made; every later Lapwing must read it
alike.

It holds frames and books in version 1, derived records under their owners' slots, claims and their merges,
numbered case events, an erased submission and a legal hold. `tests/make_home.py` says how it was made. It is
never made again.
"""

import json
import shutil
from pathlib import Path

import pytest

from deploy.checkpoints import all_checkpoints, erased
from deploy.commands.desk import refill
from deploy.line import run_dry
from deploy.wiring import open_house
from intake.archive import LegalHold
from intake.errors import Refused
from intake.submission import Envelope, Submission, Unpacked
from intake.vault.verify import unexplained, verify
from tests.make_home import partition_of, rows_of
from triage.case import Filing, Merge
from triage.fold import CaseView

GOLDEN = Path(__file__).parents[1] / "golden" / "home"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    home = tmp_path_factory.mktemp("golden") / "home"
    shutil.copytree(GOLDEN / "home", home)
    house = open_house(home, "second", {})
    refill(house)
    house.writer.close()
    house.database.close()
    return home


@pytest.fixture
def house(rebuilt):
    house = open_house(rebuilt, "test", {})
    yield house
    house.parser.close()
    house.writer.close()
    house.database.close()


def test_every_byte_is_as_it_was_written(house):
    result = verify(house.reader, all_checkpoints(house))
    assert result.problems == [] and result.frames > 200
    assert unexplained(result, erased(house)) == []


def test_a_rebuild_gives_the_same_records_by_key_and_digest(house):
    assert [row for row in rows_of(house) if row[0] != "audit"] == [
        row for row in EXPECTED["rows"] if row[0] != "audit"
    ]


def test_a_rebuild_gives_the_same_partition_into_cases(house):
    assert partition_of(house) == EXPECTED["partition"]
    assert house.store.count(Merge, {})[""] >= 1


def test_what_people_decided_stands(house):
    views, _ = house.store.find(CaseView, {}, limit=100)
    assert {view.claimed_by for view in views} >= {"anna"}
    assert any(view.override == "potential" for view in views) and any(view.closed for view in views)


def test_what_was_erased_is_not_readable(house):
    gone = EXPECTED["erased"]
    assert house.archive.get(Submission, gone) is None and house.archive.get(Unpacked, gone) is None


def test_a_hold_still_blocks(house):
    owner = ("submission", EXPECTED["held"])
    assert house.store.count(LegalHold, {}) == {"": 1}
    with pytest.raises(Refused, match="legal hold"):
        house.archive.erase([owner], {"id": "x", "reason": "r", "by": "b", "at": all_checkpoints(house)[0].made})


def test_doing_every_step_again_changes_nothing(house):
    before = rows_of(house), partition_of(house)
    filings, _ = house.store.find(Filing, {}, limit=1000)
    submissions, _ = house.store.find(Submission, {}, limit=1000)
    house.steps["unpack"]([each.id for each in submissions])
    house.steps["enrich"]([each.report for each in filings])
    house.steps["assess"]([each.report for each in filings])
    run_dry(house)
    assert (rows_of(house), partition_of(house)) == before


def test_later_work_adds_to_it(house):
    """The same message by the same reporter is a duplicate, here as in the house that made the home."""
    sample = Path(__file__).parents[2] / "deploy" / "samples" / "02-isp-parcel.eml"
    sending = next(
        each for each in json.loads((sample.parent / "manifest.json").read_text())["submissions"]
        if each["file"] == sample.name
    )  # fmt: skip
    before = len(rows_of(house))
    acceptance = house.acceptor(house.writer).open("smtp", Envelope(mail_from=sending["mail_from"]), 10_000_000)
    acceptance.feed(sample.read_bytes())
    receipt = acceptance.finish().result()
    run_dry(house)
    unpacked = house.archive.get(Unpacked, receipt.submission)
    assert [verdict.code for verdict in unpacked.verdicts] == ["duplicate"]
    assert len(rows_of(house)) == before + 2
    assert verify(house.reader, all_checkpoints(house)).problems == []
