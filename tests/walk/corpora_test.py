"""Every file of the corpora pack through `lapwing report`, with the DNS off: all accounted for, all kept byte for byte,
no report twice, the vault in order, and a store that is filled again says the same.

Without LAPWING_FULL=1 every tenth file goes through. Prints what was taken, how fast, and how much memory it took.
"""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pytest

from deploy.wiring import KINDS, House, open_house
from enrichment.examination import Examination
from intake.record import Record
from intake.report import Report
from intake.submission import Submission
from tests import corpora
from tests.walker import COMMAND, OFFLINE, Ran, environment, lapwing
from triage.case import Filing
from triage.fold import CaseView

VERDICTS = {
    "report", "duplicate", "bounce", "auto-reply", "not-a-report", "empty", "not-fully-examined", "password-protected",
    "limit", "damaged",
}  # fmt: skip
FULL = os.environ.get("LAPWING_FULL") == "1"
STEP = 1 if FULL else 10
HOUR = 3600.0


@dataclass(frozen=True)
class Run:
    """One run of the command over the pack."""

    ran: Ran
    home: Path
    paths: list[Path]
    seconds: float
    peak: dict[str, int] = field(default_factory=dict)
    """Megabytes at most, of the command and of its parsing child."""

    def house(self) -> House:
        return open_house(self.home, "judge", OFFLINE)


def handed_in(home: Path, paths: list[Path]) -> Run:
    """Hand these files in; while it runs the memory of its processes is looked at."""
    out, err, peak = home.with_suffix(".out"), home.with_suffix(".err"), dict[str, int]()
    began = time.monotonic()
    with out.open("wb") as to, err.open("wb") as remarks:
        process = subprocess.Popen(
            [COMMAND, "--home", str(home), "report", "--json", *map(str, paths)], stdout=to, stderr=remarks,
            stdin=subprocess.DEVNULL, env=environment(),
        )  # fmt: skip
        while process.poll() is None:
            _look(process.pid, peak)
            time.sleep(0.1)
            assert time.monotonic() - began < HOUR
    ran = Ran(process.returncode, out.read_text(), err.read_text())
    return Run(ran, home, paths, time.monotonic() - began, peak)


def _look(pid: int, peak: dict[str, int]) -> None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for name, each in [("command", str(pid)), *(("child", child) for child in children)]:
            status = Path(f"/proc/{each}/status").read_text()
            size = next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)
            peak[name] = max(peak.get(name, 0), size)
    except OSError:
        return


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Run:
    paths = list(corpora.files(corpora.pack()))[::STEP]
    return handed_in(tmp_path_factory.mktemp("corpora") / "home", paths)


def every(house: House, kind: type[Any]) -> Iterator[Any]:
    """All records of a kind."""
    cursor = ""
    while True:
        page, cursor = house.store.find(kind, {}, cursor=cursor, limit=1000)
        yield from page
        if not cursor:
            return


def records(house: House) -> set[tuple[str, str, str]]:
    """Kind, key and digest of everything that the store holds, but for what people did since."""
    kinds: list[type[Record]] = [kind for kind in KINDS if kind.kind != "audit"]
    return {(each.kind, each.key, each.digest) for kind in kinds for each in every(house, kind)}


def partition(house: House) -> set[frozenset[str]]:
    """Which reports share a case."""
    of = {
        case: view.id for view in every(house, CaseView) if view.state != "merged" for case in (view.id, *view.members)
    }
    cases: dict[str, set[str]] = {}
    for filing in every(house, Filing):
        cases.setdefault(of[filing.case], set()).add(filing.report)
    return {frozenset(reports) for reports in cases.values()}


def test_the_figures(first: Run, capsys: pytest.CaptureFixture[str]) -> None:
    reports = {report["report"] for line in first.ran.lines for report in line["reports"]}
    counted = Counter(line["verdict"] for line in first.ran.lines)
    items = Counter(item["verdict"] for line in first.ran.lines for item in line["items"])
    with capsys.disabled():
        print(f"\n{len(first.paths)} files, {len(reports)} reports in {first.seconds:.1f} s, the start included")
        print(f"{len(reports) / first.seconds:.1f} reports a second; memory at most: {first.peak} MB")
        print(f"files: {dict(counted.most_common())}\nitems: {dict(items.most_common())}")
    assert len(reports) > len(first.paths) // 2
    assert first.peak["command"] < 1000 and first.peak["child"] < 1000


def test_no_exception_and_every_file_is_accounted_for(first: Run) -> None:
    assert first.ran.status in (0, 1)
    assert first.ran.err == ""
    assert [line["path"] for line in first.ran.lines] == [str(path) for path in first.paths]
    assert {line["verdict"] for line in first.ran.lines} <= VERDICTS
    assert {item["verdict"] for line in first.ran.lines for item in line["items"]} <= VERDICTS
    for line in first.ran.lines:
        assert bool(line["reports"]) == (line["verdict"] in ("report", "duplicate")), line
        assert line["reports"] or line["says"], line


def test_nothing_is_on_hold_and_every_report_is_examined_and_filed(first: Run) -> None:
    house = first.house()
    assert (house.work.held(), house.work.waiting()) == ([], {})
    reports = {each.id for each in every(house, Report)}
    assert reports == {report["report"] for line in first.ran.lines for report in line["reports"]}
    assert {each.report for each in every(house, Filing)} == reports
    assert {each.report for each in every(house, Examination)} == reports


def test_nobody_was_asked_about_anything(first: Run) -> None:
    lookups = [each for found in every(first.house(), Examination) for each in found.lookups]
    assert {each.by for each in lookups if each.status != "withheld"} == {"off"}
    assert not any(each.known for each in lookups)


def test_the_vault_holds_the_bytes_of_every_file(first: Run) -> None:
    house = first.house()
    held = {each.sha256: each for each in every(house, Submission)}
    for line, path in zip(first.ran.lines, first.paths, strict=True):
        with path.open("rb") as file:
            assert line["sha256"] == file_digest(file, "sha256").hexdigest()
        assert house.archive.bytes_of(held[line["sha256"]]) == path.read_bytes(), path


def test_a_second_run_adds_no_report(first: Run) -> None:
    before = {each.id for each in every(first.house(), Report)}
    again = handed_in(first.home, first.paths)
    assert again.ran.status == first.ran.status and again.ran.err == ""
    assert {each.id for each in every(first.house(), Report)} == before
    assert [line["path"] for line in again.ran.lines] == [str(path) for path in first.paths]


def test_verify_finds_nothing(first: Run) -> None:
    checked = lapwing(first.home, "verify", "--json", seconds=HOUR)
    assert (checked.status, checked.line["problems"]) == (0, [])
    assert checked.line["frames"] > 3 * len(first.paths)


def test_a_rebuilt_store_says_the_same(first: Run) -> None:
    house = first.house()
    kept, cases = records(house), partition(house)
    queue = lapwing(first.home, "queue", "--json").lines
    house.database.close()
    assert lapwing(first.home, "rebuild", "--json", seconds=HOUR).status == 0
    house = first.house()
    assert records(house) == kept
    assert partition(house) == cases
    assert lapwing(first.home, "queue", "--json").lines == queue
