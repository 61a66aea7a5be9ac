"""The command's interface for scripts, as others build on it: members and types of every JSON line, exit statuses, and
what becomes of every kind of file that people hand in.
"""

import io
import mailbox
import shutil
import subprocess
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.walker import COMMAND, SAMPLES, Ran, environment, explained, lapwing, mail, serving, several

KINDS = {
    "phishing", "malware", "advance-fee", "extortion", "investment", "job-mule", "pharma-health", "counterfeit",
    "gambling-adult", "scam-other", "marketing", "legitimate", "unclear",
}  # fmt: skip
BANDS = ["concrete", "potential", "nuisance", "none"]
TEXT_OR_NONE = (str, type(None))
CITE = {"of": str, "start": int, "end": int}
CHECK = {"method": str, "result": str, "domain": str, "basis": str, "reason": str, "cites": [CITE]}
REPORT = {"path": str, "sha256": str, "verdict": str, "reports": [{"report": str, "format": str}]}
CASE = {
    "rank": int, "case": str, "band": str, "kind": str, "confidence": float,
    "reasons": [{"code": str, "sentence": str}], "reports": [{"report": str, "sha256": str}],
}  # fmt: skip
EXPLAINED = {
    "message": {"from": [str], "to": [str], "subject": str, "date": TEXT_OR_NONE, "language": str},
    "hops": [{"index": int, "from": str, "by": str, "ip": str, "time": TEXT_OR_NONE, "forged": [str]}],
    "boundary": {"index": (int, type(None)), "ip": str, "confidence": str},
    "claims": {"note": str, "loss": str, "source_ip": str},
    "authentication": {"spf": [CHECK], "dkim": [CHECK], "dmarc": [CHECK], "arc": [CHECK]},
    "findings": [{"name": str, "verdict": str, "strength": str, "sentence": str, "cites": [CITE]}],
    "links": [{"url": str, "domain": str, "cite": dict}],
}


def fits(value: Any, shape: Any) -> bool:
    """Whether the value has every member of the shape, each of its type."""
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(name in value and fits(value[name], shape[name]) for name in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(each, shape[0]) for each in value)
    return isinstance(value, shape) and not (isinstance(value, bool) and shape is not bool)


def fill(folder: Path) -> Path:
    """One of everything that people hand in."""
    folder.mkdir()
    (folder / "one.eml").write_bytes(mail(tag="one"))
    (folder / "the-same.eml").write_bytes(mail(tag="one"))
    (folder / "mailbox.mbox").write_bytes(
        b"".join(
            b"From a@b.example Mon Nov 23 10:00:00 2026\n" + mail(tag=f"mbox{n}").replace(b"\r\n", b"\n") + b"\n"
            for n in range(3)
        )
    )
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        for number in range(2):
            archive.writestr(f"{number}.eml", mail(tag=f"zip{number}"))
        archive.writestr("shopping.txt", "milk, eggs")
    with tarfile.open(folder / "two.tar.gz", "w:gz") as archive:
        for number in range(2):
            entry, data = tarfile.TarInfo(f"{number}.eml"), mail(tag=f"tar{number}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    maildir = mailbox.Maildir(folder / "Maildir")
    for number in range(2):
        maildir.add(mail(tag=f"maildir{number}"))
    shutil.copyfile(SAMPLES / "12-invoice.msg", folder / "outlook.msg")
    shutil.copyfile(SAMPLES / "01-isp-bank.eml", folder / "arf.eml")
    shutil.copyfile(SAMPLES / "03-attached-invest-loss.eml", folder / "attached.eml")
    shutil.copyfile(SAMPLES / "05-gmail-parcel.eml", folder / "inline.eml")
    (folder / "empty.eml").touch()
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 20)
    (folder / "broken.zip").write_bytes((folder / "two.zip").read_bytes()[:200])
    with (folder / "huge.eml").open("wb") as huge:
        huge.truncate(5_000_000_000)
    (folder / "link.eml").symlink_to(folder / "one.eml")
    return folder


WANTED = {
    "mailbox.mbox": ("report", 3), "two.zip": ("report", 2), "two.tar.gz": ("report", 2), "outlook.msg": ("report", 1),
    "arf.eml": ("report", 1), "attached.eml": ("report", 1), "inline.eml": ("report", 1), "empty.eml": ("empty", 0),
    "noise.bin": ("not-a-report", 0), "broken.zip": ("damaged", 0), "huge.eml": ("limit", 0),
    "link.eml": ("unreadable", 0),
}  # fmt: skip
"""File -> verdict and number of reports."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("interface") / "mail")


@pytest.fixture(scope="module")
def home(folder: Path) -> Path:
    return folder.parent / "home"


@pytest.fixture(scope="module")
def taken(folder: Path, home: Path) -> Ran:
    """Everything handed in at once, with a path that is not there and one that the system can't read."""
    return lapwing(home, "report", "--json", folder, folder / "missing.eml", "/proc/self/mem")


@pytest.fixture(scope="module")
def queue(taken: Ran, home: Path) -> list[dict[str, Any]]:
    asked = lapwing(home, "queue", "--json")
    assert asked.status == 0
    return asked.lines


def by_name(ran: Ran) -> dict[str, dict[str, Any]]:
    return {Path(each["path"]).name: each for each in ran.lines}


def test_report_has_a_line_for_every_file_and_says_that_some_were_not_taken(taken: Ran, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    paths = [each["path"] for each in taken.lines]
    assert sorted(paths) == sorted(map(str, [*files, folder / "missing.eml", "/proc/self/mem"]))
    assert all(fits(each, REPORT) for each in taken.lines)
    assert taken.status == 1


@pytest.mark.parametrize("name", sorted(WANTED))
def test_what_became_of_each_file(taken: Ran, folder: Path, name: str) -> None:
    line = by_name(taken)[name]
    assert (line["verdict"], len(line["reports"])) == WANTED[name]
    if WANTED[name][0] not in ("limit", "unreadable"):
        assert line["sha256"] == sha256((folder / name).read_bytes()).hexdigest()
    assert line["verdict"] == "report" or line["says"]


def test_formats_are_named(taken: Ran) -> None:
    lines = by_name(taken)
    names = {"arf.eml": "arf", "attached.eml": "attached", "inline.eml": "inline_forward", "outlook.msg": "outlook_msg"}
    assert {name: lines[name]["reports"][0]["format"] for name in names} == names


def test_a_loss_that_the_reporter_tells_of_later_counts(tmp_path: Path) -> None:
    cover = (
        "From: al@isp.example\r\nSubject: Fw\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x9\r\n"
        "\r\n--x9\r\nContent-Type: text/plain\r\n\r\nI lost 900 EUR to this.\r\n"
        "--x9\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    (tmp_path / "bare.eml").write_bytes(mail())
    (tmp_path / "told.eml").write_bytes(cover.encode() + mail() + b"\r\n--x9--\r\n")
    words = ("report", "--json", "--reporter", "al@isp.example")
    asked = [(*words, tmp_path / "bare.eml"), *[(*words, tmp_path / "told.eml")] * 2, ("queue", "--json")]
    bare, told, again, queue = several(tmp_path / "home", asked)
    assert [each.line["verdict"] for each in (bare, told, again)] == ["report", "report", "report"]
    assert told.line["items"][0]["sha256"] == bare.line["items"][0]["sha256"]
    assert again.line["reports"] == told.line["reports"] != bare.line["reports"]
    (case,) = queue.lines
    said = {each["code"]: each["sentence"] for each in case["reasons"]}
    assert said["rank.loss"] == "1 reporter reported a loss of EUR 900."
    assert said["rank.reporters"] == "1 distinct reporter sent it in."


def test_a_missing_and_an_unreadable_file_say_why(taken: Ran) -> None:
    lines = by_name(taken)
    assert (lines["missing.eml"]["verdict"], lines["missing.eml"]["says"]) == ("unreadable", "there is no such file")
    assert lines["mem"]["verdict"] == "unreadable" and lines["mem"]["says"]


def test_the_same_bytes_twice_are_one_report(taken: Ran) -> None:
    lines = by_name(taken)
    pair = [lines["one.eml"], lines["the-same.eml"]]
    assert sorted(each["verdict"] for each in pair) == ["duplicate", "report"]
    assert pair[0]["reports"] == pair[1]["reports"]


def test_each_message_of_a_maildir_is_a_report(taken: Ran) -> None:
    found = [each for each in taken.lines if "/Maildir/new/" in each["path"]]
    assert [(each["verdict"], len(each["reports"])) for each in found] == [("report", 1)] * 2


def test_a_second_run_adds_no_report(taken: Ran, folder: Path, home: Path, queue: list[dict[str, Any]]) -> None:
    again = lapwing(home, "report", "--json", folder)
    before = {report["report"] for each in taken.lines for report in each["reports"]}
    assert {report["report"] for each in again.lines for report in each["reports"]} == before
    assert lapwing(home, "queue", "--json").lines == queue


def test_all_taken_is_status_0(home: Path, taken: Ran, folder: Path) -> None:
    ran = lapwing(home, "report", "--json", folder / "arf.eml", folder / "noise.bin")
    assert (ran.status, [each["verdict"] for each in ran.lines]) == (0, ["report", "not-a-report"])


def test_the_queue_has_every_case_in_rank_order(queue: list[dict[str, Any]], taken: Ran) -> None:
    assert queue and all(fits(each, CASE) for each in queue)
    assert [each["rank"] for each in queue] == list(range(1, len(queue) + 1))
    places = [BANDS.index(each["band"]) for each in queue]
    assert places == sorted(places)
    assert {each["kind"] for each in queue} <= KINDS
    assert all(each["reasons"] and 0 <= each["confidence"] <= 1 for each in queue)


def test_the_queue_names_each_report_once_with_the_file_it_came_from(queue: list[dict[str, Any]], taken: Ran) -> None:
    of = {report["report"]: {each["sha256"]} for each in taken.lines for report in each["reports"]}
    listed = [(report["report"], report["sha256"]) for case in queue for report in case["reports"]]
    assert len(listed) == len(of)
    assert all(digest in of[report] for report, digest in listed)


def test_explain_has_every_member_for_every_format(taken: Ran, home: Path) -> None:
    reports = [report["report"] for each in taken.lines for report in each["reports"]]
    told = explained(home, reports)
    assert told.keys() == set(reports)
    for each in told.values():
        assert fits(each, EXPLAINED), each
        assert {found["verdict"] for found in each["findings"]} <= {"present", "absent", "unknown"}
        assert all(found["cites"] for found in each["findings"] if found["verdict"] == "present")


def test_explain_shows_the_reported_message_and_not_its_cover(taken: Ran, home: Path) -> None:
    (report,) = by_name(taken)["arf.eml"]["reports"]
    told = lapwing(home, "explain", report["report"], "--json").line
    assert "TAN-Lotse" in told["message"]["subject"] and told["message"]["language"] == "de"
    assert "abuse-reports@feed.breitnetz.example" not in told["message"]["from"]


def test_a_request_is_drafted_and_shown_with_38_fields(queue: list[dict[str, Any]], home: Path) -> None:
    top = queue[0]
    assert top["band"] == "concrete"
    drafted = lapwing(home, "request", "draft", top["case"], "--json")
    assert drafted.status == 0 and list(drafted.line) == ["request"]
    shown = lapwing(home, "request", "show", drafted.line["request"], "--json").line
    assert len(shown["fields"]) == 38
    for field in shown["fields"]:
        assert ("value" in field) != ("reason" in field), field
        assert fits(field, {"cites": list} if "value" in field else {"reason": str})
        assert "value" in field or field["reason"]
    assert fits(shown["checks"], [{"code": str, "field": int, "passed": bool, "blocking": bool, "sentence": str}])


def test_a_case_below_the_concrete_band_needs_a_reason(queue: list[dict[str, Any]], home: Path) -> None:
    case = queue[0]["case"]
    steps = (
        ("case", "override", case, "--band", "nuisance", "--reason", "a test of the band"),
        ("request", "draft", case, "--json"),
        ("request", "draft", case, "--exception", "the victims are children", "--json"),
        ("case", "override", case, "--band", "concrete", "--reason", "as it was"),
    )
    below, drafted, excepted, back = several(home, steps)
    assert (below.status, excepted.status, back.status) == (0, 0, 0)
    failed = drafted.status == 1
    if not failed:
        shown = lapwing(home, "request", "show", drafted.line["request"], "--json").line
        failed = any(each["blocking"] and not each["passed"] and "band" in each["sentence"] for each in shown["checks"])
    assert failed


WRONG = (
    ("report",), ("report", "--nonsense", "x"), ("explain",), ("request", "draft"), ("nonsense",), ("queue", "x"),
    ("case", "claim"), ("case", "close", "c0"), ("verify", "--everything"),
)  # fmt: skip


def test_wrong_use_is_status_2_and_prints_nothing(tmp_path: Path) -> None:
    for words, ran in zip(WRONG, several(tmp_path / "home", WRONG), strict=True):
        assert (ran.status, ran.out) == (2, "") and ran.err, words
    assert lapwing(tmp_path / "home", "report").status == 2


ABSENT = (
    ("explain", "r0"), ("request", "draft", "c0"), ("request", "show", "q0"), ("case", "show", "c0"),
    ("hold", "retry", "enrich", "r0"),
)  # fmt: skip


def test_what_is_not_there_is_status_1_in_one_sentence(home: Path, taken: Ran) -> None:
    asked = [(*words, *([] if words[0] == "hold" else ["--json"])) for words in ABSENT]
    for words, ran in zip(asked, several(home, asked), strict=True):
        assert (ran.status, ran.out) == (1, ""), words
        assert ran.err.startswith("lapwing: ") and "fault" not in ran.err and "Traceback" not in ran.err


def test_without_waiting_it_only_hands_in(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail(tag="later"))
    first = lapwing(tmp_path / "home", "report", "--json", "--no-wait", tmp_path / "a.eml")
    assert (first.status, first.line["verdict"], first.line["reports"]) == (0, "received", [])
    assert first.line["sha256"] == sha256(mail(tag="later")).hexdigest()
    later = lapwing(tmp_path / "home", "report", "--json", tmp_path / "a.eml")
    assert (later.status, later.line["verdict"], len(later.line["reports"])) == (0, "report", 1)
    assert sum(len(case["reports"]) for case in lapwing(tmp_path / "home", "queue", "--json").lines) == 1


def batch(folder: Path, name: str, count: int) -> Path:
    """A folder with so many mails."""
    made = folder / name
    made.mkdir()
    for number in range(count):
        (made / f"{number}.eml").write_bytes(mail(tag=f"{name}{number}"))
    return made


def together(home: Path, folders: list[Path]) -> list[Ran]:
    """A `report` command on each, all at the same time."""
    with ThreadPoolExecutor(len(folders)) as several:
        return list(several.map(lambda folder: lapwing(home, "report", "--json", folder), folders))


def test_two_commands_at_once_each_get_all_their_reports_filed(tmp_path: Path) -> None:
    folders = [batch(tmp_path, name, 15) for name in ("left", "right")]
    for ran in together(tmp_path / "home", folders):
        assert ran.status == 0, ran.err
        assert [(each["verdict"], len(each["reports"])) for each in ran.lines] == [("report", 1)] * 15
    assert sum(len(case["reports"]) for case in lapwing(tmp_path / "home", "queue", "--json").lines) == 30
    assert lapwing(tmp_path / "home", "verify", "--json").line["problems"] == []


def test_two_commands_beside_a_running_system(tmp_path: Path) -> None:
    folders = [batch(tmp_path, name, 10) for name in ("left", "right")]
    with serving(tmp_path / "home") as house:
        house.mail(mail(tag="by-smtp"))
        for ran in together(house.home, folders):
            assert ran.status == 0, ran.err
            assert [(each["verdict"], len(each["reports"])) for each in ran.lines] == [("report", 1)] * 10
        again = together(house.home, folders)
        assert all(each["verdict"] in ("report", "duplicate") for ran in again for each in ran.lines)
        count = sum(len(case["reports"]) for case in lapwing(house.home, "queue", "--json").lines)
    assert count == 21


def test_two_reporters_of_one_message_are_two_reports(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail(tag="both"))
    people = ("one@isp.example", "two@isp.example", "TWO@isp.example")
    asked = [("report", "--reporter", person, "--json", tmp_path / "a.eml") for person in people]
    *handed, queue = several(tmp_path / "home", [*asked, ("queue", "--json")])
    assert [each.status for each in handed] == [0, 0, 0]
    (case,) = queue.lines
    assert (len(case["reports"]), case["reporters"]) == (2, 2)


def test_a_home_that_can_not_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = lapwing(tmp_path / "file", "queue", "--json")
    assert (ran.status, ran.out) == (1, "") and "Traceback" not in ran.err


def test_a_look_makes_no_home(tmp_path: Path) -> None:
    ran = lapwing(tmp_path / "home", "queue", "--json")
    assert (ran.status, ran.out) == (1, "") and "lapwing report" in ran.err
    assert not (tmp_path / "home").exists()


def test_a_reader_that_goes_away_costs_nothing(home: Path, taken: Ran) -> None:
    command = [COMMAND, "--home", str(home), "queue", "--json"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(timeout=60) in (0, 1)
    assert "Traceback" not in said and "Exception" not in said
