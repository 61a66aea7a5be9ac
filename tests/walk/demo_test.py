"""`lapwing demo`: every sample comes out as its manifest says, the request needs two people, the bundle verifies
offline with what lies in it and with nothing else, and nothing of it needs a network.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from deploy.wiring import open_house
from enrichment.gather.resolver import Recorded
from intake.audit import about
from tests import walker
from tests.walker import COMMAND, MANIFEST, RECORDED, SAMPLES, Ran, apart, lapwing, run

EXPECTED = {each["file"]: each for each in MANIFEST["submissions"]}
CASES = {each["campaign"]: each for entry in EXPECTED.values() for each in entry["expected"]}
LOST = {each["campaign"] for entry in EXPECTED.values() for each in entry["expected"] if each["loss"]}
NOTES = ("詐騙信吧", "周欣妤", "洪佳慧")
"""What reporters wrote above their forwards, and their names: a case repeats none of it."""
PASSPHRASE = "correct horse battery"


@dataclass(frozen=True)
class Demo:
    """One run of the demonstration."""

    ran: Ran
    home: Path
    apart: bool
    """It had a network of its own with nothing in it."""

    @property
    def queue(self) -> list[dict[str, Any]]:
        return [line for line in self.ran.lines if "rank" in line]

    @property
    def sealed(self) -> dict[str, Any]:
        (line,) = [line for line in self.ran.lines if "bundle" in line]
        return line

    def case(self, campaign: str) -> dict[str, Any]:
        """The only case with reports of that campaign."""
        files = {
            sha256((SAMPLES / file).read_bytes()).hexdigest(): [each["campaign"] for each in entry["expected"]]
            for file, entry in EXPECTED.items()
        }
        only = {digest for digest, names in files.items() if names == [campaign]}
        (found,) = [case for case in self.queue if only & {each["sha256"] for each in case["reports"]}]
        return found

    def ask(self, *words: str, person: str = "anna", **more: str) -> Ran:
        return lapwing(self.home, "--as", person, *words, **more)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    command = apart(folder / "apart", COMMAND, "--home", str(folder / "home"), "demo", "--json")
    return Demo(run(command, 300.0, RECORDED), folder / "home", (folder / "apart").exists())


@pytest.fixture(scope="module")
def bag(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, unpacked."""
    folder = tmp_path_factory.mktemp("bag")
    with zipfile.ZipFile(demo.sealed["bundle"]) as bundle:
        bundle.extractall(folder)
    (inside,) = folder.iterdir()
    return inside


def test_it_succeeds_and_prints_json_lines_and_nothing_else(demo: Demo) -> None:
    assert demo.ran.status == 0, demo.ran.err
    assert [("rank" in line, "bundle" in line) for line in demo.ran.lines] == [(True, False)] * len(demo.queue) + [
        (False, True)
    ]
    assert demo.sealed["verified"] is True


def test_every_file_is_in_the_queue_byte_for_byte(demo: Demo) -> None:
    listed = Counter(each["sha256"] for case in demo.queue for each in case["reports"])
    wanted = {
        sha256((SAMPLES / file).read_bytes()).hexdigest(): len(entry["expected"]) for file, entry in EXPECTED.items()
    }
    assert listed == wanted


def test_reports_of_one_campaign_and_no_other_are_one_case(demo: Demo) -> None:
    counted = Counter(each["campaign"] for entry in EXPECTED.values() for each in entry["expected"])
    assert {name: len(demo.case(name)["reports"]) for name in CASES} == dict(counted)
    assert len(demo.queue) == len(CASES)


@pytest.mark.parametrize("campaign", sorted(CASES))
def test_kind_band_and_technique_are_as_expected(demo: Demo, campaign: str) -> None:
    case, wanted = demo.case(campaign), CASES[campaign]
    assert (case["kind"], case["band"]) == (wanted["kind"], wanted["band"])
    assert case["techniques"] == ([wanted["technique"]] if wanted["technique"] else [])


def test_the_case_with_a_loss_is_first_and_ranks_count_up(demo: Demo) -> None:
    (lost,) = LOST
    assert demo.queue[0] == demo.case(lost)
    told = {each["code"]: each["sentence"] for each in demo.queue[0]["reasons"]}
    assert told["rank.loss"] == "1 reporter reported a loss of TWD 35,000."
    assert [case["rank"] for case in demo.queue] == list(range(1, len(demo.queue) + 1))
    assert [case["case"] for case in demo.queue if any(each["code"] == "rank.loss" for each in case["reasons"])] == [
        demo.queue[0]["case"]
    ]


def test_bands_stand_in_their_order_and_the_misreported_newsletter_is_last(demo: Demo) -> None:
    order = ["concrete", "potential", "nuisance", "none"]
    places = [order.index(case["band"]) for case in demo.queue]
    assert places == sorted(places)
    assert demo.queue[-1] == demo.case("newsletter")


def test_every_place_has_reasons_in_sentences_that_name_no_reporter(demo: Demo) -> None:
    for case in demo.queue:
        assert len(case["reasons"]) >= 3
        for each in case["reasons"]:
            assert not each["sentence"][0].islower() and each["sentence"].endswith((".", "…"))
            assert not any(text in each["sentence"] for text in NOTES)


def test_what_is_said_of_the_invoices_is_about_the_account_and_no_parcel(demo: Demo) -> None:
    codes = [each["code"] for each in demo.case("invoice")["reasons"]]
    assert codes[0] == "ph.payee" and "ph.parcel" not in codes


@pytest.fixture(scope="module")
def explained(demo: Demo) -> dict[str, dict[str, Any]]:
    """What `explain` says of every report."""
    return walker.explained(demo.home, [each["report"] for case in demo.queue for each in case["reports"]], "anna")


def test_boundaries_and_findings_are_as_expected(demo: Demo, explained: dict[str, dict[str, Any]]) -> None:
    for campaign, wanted in CASES.items():
        addresses = Counter(
            each["boundary"] for entry in EXPECTED.values() for each in entry["expected"]
            if each["campaign"] == campaign
        )  # fmt: skip
        told = [explained[each["report"]] for each in demo.case(campaign)["reports"]]
        assert Counter(each["boundary"]["ip"] for each in told) == addresses, campaign
        for each in told:
            shown = {found["name"] for found in each["findings"] if found["verdict"] == "present"}
            shown &= {"open-relay", "open-proxy", "zombie"}
            assert shown == ({wanted["technique"]} - {""} if each["boundary"]["ip"] else set()), campaign


def test_no_network_was_used(demo: Demo) -> None:
    """Its answers are recorded, and it had a network of its own with nothing in it (which takes root)."""
    assert isinstance(open_house(demo.home, "judge", {}).resolver, Recorded)
    assert demo.apart and demo.ran.status == 0


def test_the_request_asks_for_help_with_the_top_case(demo: Demo) -> None:
    shown = demo.ask("request", "show", demo.sealed["request"], "--json").line
    assert shown["case"] == demo.queue[0]["case"]
    assert [each["number"] for each in shown["fields"]] == list(range(1, 39))
    assert [each["sentence"] for each in shown["checks"] if each["blocking"] and not each["passed"]] == []


def test_a_second_person_approved_it_and_the_drafter_did_not(demo: Demo, bag: Path) -> None:
    said = json.loads((bag / "data" / "approval.json").read_text())
    request = json.loads((bag / "data" / "request.json").read_text())
    assert {json.loads(each["record"])["person"] for each in said["approvals"]} == {"ben"}
    assert {hand["person"] for hand in request["hands"]} == {"anna"}


def verify(script: Path, *paths: Path) -> tuple[int, str]:
    """The verifier as a stranger runs it: isolated, with no environment, away from this project."""
    ran = subprocess.run(
        [sys.executable, "-I", str(script), *map(str, paths)], capture_output=True, text=True, env={}, cwd="/",
        check=False, timeout=120,
    )  # fmt: skip
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def test_the_bundle_verifies_with_the_script_that_lies_in_it(demo: Demo, bag: Path, tmp_path: Path) -> None:
    script = tmp_path / "verify.py"
    shutil.copyfile(bag / "data" / "verify.py", script)
    assert len(script.read_text().splitlines()) < 200
    for status, said in (
        verify(script, Path(demo.sealed["bundle"])),
        verify(script, bag),
        verify(bag / "data" / "verify.py"),
    ):
        assert status == 0 and "FAIL" not in said and said.rstrip().splitlines()[-1].startswith("VALID")


def test_one_changed_byte_of_any_member_is_found_and_named(demo: Demo, bag: Path, tmp_path: Path) -> None:
    script = bag / "data" / "verify.py"
    members = sorted(path for path in bag.rglob("*") if path.is_file())
    assert len(members) > 10
    copy = tmp_path / bag.name
    for member in members:
        shutil.copytree(bag, copy)
        changed, name = copy / member.relative_to(bag), member.relative_to(bag).as_posix()
        data = bytearray(changed.read_bytes())
        data[len(data) // 2] ^= 1
        changed.write_bytes(data)
        status, said = verify(script, copy)
        assert status == 1 and said.rstrip().splitlines()[-1].startswith("NOT VALID"), name
        assert any(name in line for line in said.splitlines() if line.startswith("FAIL")), (name, said)
        shutil.rmtree(copy)


def test_a_member_more_or_less_is_found_and_named(bag: Path, tmp_path: Path) -> None:
    script, copy = bag / "data" / "verify.py", tmp_path / bag.name
    shutil.copytree(bag, copy)
    (copy / "data" / "evidence" / "more.eml").write_bytes(b"Subject: more\r\n\r\n")
    status, said = verify(script, copy)
    assert status == 1 and "data/evidence/more.eml" in said
    (copy / "data" / "evidence" / "more.eml").unlink()
    gone = sorted((copy / "data" / "evidence").iterdir())[0]
    gone.unlink()
    status, said = verify(script, copy)
    assert status == 1 and f"data/evidence/{gone.name}" in said


def test_a_changed_byte_in_the_zip_is_found(demo: Demo, bag: Path, tmp_path: Path) -> None:
    data = bytearray(Path(demo.sealed["bundle"]).read_bytes())
    with zipfile.ZipFile(demo.sealed["bundle"]) as bundle:
        places = [(each.filename.partition("/")[2], each.header_offset, each.file_size) for each in bundle.infolist()]
    for name, offset, size in places:
        at = offset + 30 + len(f"{bag.name}/{name}") + size // 2
        changed = bytearray(data)
        changed[at] ^= 1
        (tmp_path / "changed.zip").write_bytes(changed)
        status, said = verify(bag / "data" / "verify.py", tmp_path / "changed.zip")
        assert status == 1 and name in said, (name, said)


def test_who_drafted_it_can_not_approve_it(demo: Demo) -> None:
    """Not without the role, and not with the role either: a request that one wrote is for somebody else to approve."""
    refused = demo.ask("request", "approve", demo.sealed["request"], LAPWING_PASSPHRASE=PASSPHRASE)
    assert refused.status == 1 and refused.out == "" and "anna" in refused.err
    both = ("--role", "investigator", "--role", "approver")
    assert demo.ask("people", "add", "carla", *both, LAPWING_PASSPHRASE=PASSPHRASE).status == 0
    assert demo.ask("people", "add", "dora", "--role", "approver", LAPWING_PASSPHRASE=PASSPHRASE).status == 0
    case = demo.case("bank")["case"]
    request = demo.ask("request", "draft", case, "--json", person="carla").line["request"]
    own = demo.ask("request", "approve", request, "--json", person="carla", LAPWING_PASSPHRASE=PASSPHRASE)
    assert own.status == 1 and own.out == ""
    assert not (demo.home / "bundles" / f"{request}.zip").exists()
    wrong = demo.ask("request", "approve", request, "--json", person="dora", LAPWING_PASSPHRASE="not her passphrase")
    assert wrong.status == 1 and wrong.out == ""
    other = demo.ask("request", "approve", request, "--json", person="dora", LAPWING_PASSPHRASE=PASSPHRASE)
    assert other.status == 0 and other.line["verified"] is True, other.err


def test_only_what_is_approved_can_be_sent_and_it_goes_into_the_outbox(demo: Demo) -> None:
    sealed, drafted = demo.sealed["request"], demo.ask("request", "draft", demo.case("parcel")["case"], "--json").line
    send = [("request", "send", each, "--json") for each in (drafted["request"], sealed)]
    refused, sent = walker.several(demo.home, send, "anna")
    assert (refused.status, refused.out) == (1, "") and "sealed" in refused.err
    assert sent.status == 0, sent.err
    assert Path(sent.line["place"]).read_bytes() == Path(demo.sealed["bundle"]).read_bytes()


def test_with_a_path_it_does_the_same_on_ones_own_mail_and_stops_at_the_draft(tmp_path: Path) -> None:
    ran = lapwing(
        tmp_path / "home", "demo", "--json", SAMPLES / "03-attached-invest-loss.eml", SAMPLES / "12-invoice.msg"
    )
    assert ran.status == 0, ran.err
    assert [sorted(line)[0] for line in ran.lines] == ["items", "items", "band", "band", "request"]
    first, second = (line for line in ran.lines if "rank" in line)
    assert (first["kind"], second["kind"]) == ("investment", "phishing")
    assert not (tmp_path / "home" / "bundles").exists()


def test_every_look_and_deed_is_noted(demo: Demo) -> None:
    archive = open_house(demo.home, "judge", {}).archive
    request = demo.sealed["request"]
    assert {each.action for each in about(archive, f"request {request}")} >= {"look at a request"}
    assert [each.person for each in about(archive, "queue")] == ["anna"]


def test_the_vault_verifies_afterwards(demo: Demo) -> None:
    checked = lapwing(demo.home, "verify", "--json")
    assert checked.status == 0 and checked.line["problems"] == []


def test_a_second_run_throws_only_a_demonstration_away(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    refused = lapwing(tmp_path, "demo", "--json")
    assert refused.status == 1 and refused.out == ""
    assert (tmp_path / "precious").read_text() == "mine"
