"""Bad input: what hangs, bloats or kills its parser costs that one message, whose bytes are kept, and no other; what
kills its worker three times waits on hold for a person.
"""

import io
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from deploy.commands.desk import Desk
from deploy.commands.report import hand_in
from deploy.line import run_dry
from deploy.sweeper import start
from deploy.wiring import House, open_house
from enrichment.examination import Examination
from intake.follower import only_one
from intake.parsing import Parser
from intake.record import sha256
from intake.report import Report
from intake.submission import Submission, Unpacked
from intake.vault import frame
from tests.walker import OFFLINE, explained, lapwing, mail, several
from triage.case import Filing

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DEEDS = {"hangs": "time", "bloats": "memory", "dies": "crash", "recurses": "depth"}
"""What a message does to its parser, and the word for it."""


def child() -> tuple[str, ...]:
    """How to start the wrapping child, with no environment, as `intake/parsing.py` does."""
    path = str(HERE / "wrapping_child.py")
    start = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_path({path!r}, run_name='__main__')"
    return (sys.executable, "-I", "-c", start)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose house parses with the wrapping child, which may take eight seconds a message."""
    desk = Desk(tmp_path / "home")
    desk.__dict__["house"] = open_house(desk.home, "command", OFFLINE)
    desk.house.__dict__["parser"] = Parser(child(), wall_seconds=8.0)
    yield desk
    desk.close()


def work(house: House) -> None:
    with only_one(house.home):
        start(house)
        run_dry(house)


def write(folder: Path, mails: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, data in mails.items():
        (folder / f"{name}.eml").write_bytes(data)
    return folder


def submissions(desk: Desk, folder: Path) -> dict[str, Submission]:
    """Hand the folder in and see it through; the submissions by the name of the file."""
    handed = hand_in(desk, [folder], "", quiet=True)
    work(desk.house)
    found = {Path(each.path).stem: desk.house.archive.get(Submission, each.submission) for each in handed}
    return {name: each for name, each in found.items() if each is not None}


def test_what_misbehaves_when_it_is_examined_costs_itself_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    mails = {f"good{number}": mail(tag=f"good{number}") for number in range(6)}
    mails |= {f"bad-{deed}": mail(text=f"examine-{deed}", tag=f"bad{deed}") for deed in DEEDS}
    taken = submissions(desk, write(tmp_path / "mail", mails))
    assert taken.keys() == mails.keys()
    archive = desk.house.archive
    limits = {}
    for name, submission in taken.items():
        assert archive.bytes_of(submission) == mails[name]
        unpacked = archive.get(Unpacked, submission.id)
        assert unpacked is not None and [each.code for each in unpacked.verdicts] == ["report"]
        report = unpacked.verdicts[0].report
        examination = archive.get(Examination, f"{report}/1")
        filing = archive.get(Filing, report)
        assert examination is not None and filing is not None
        limits[name] = examination.limits
        if name.startswith("good"):
            assert filing.assessment.limits == () and examination.message.subject
        else:
            assert filing.assessment.limits == limits[name]
    assert limits == {f"good{number}": () for number in range(6)} | {
        f"bad-{deed}": (f"not fully examined ({word})",) for deed, word in DEEDS.items()
    }
    assert desk.house.work.held() == []


def test_what_misbehaves_when_it_is_unpacked_costs_itself_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    mails = {"good": mail(tag="good")} | {deed: mail(text=f"unpack-{deed}", tag=deed) for deed in DEEDS}
    taken = submissions(desk, write(tmp_path / "mail", mails))
    archive, found = desk.house.archive, {}
    for name, submission in taken.items():
        assert archive.bytes_of(submission) == mails[name]
        unpacked = archive.get(Unpacked, submission.id)
        assert unpacked is not None
        (verdict,) = unpacked.verdicts
        found[name] = (verdict.code, verdict.says.partition("(")[2].partition(")")[0])
    wanted = {deed: ("not-fully-examined", word) for deed, word in DEEDS.items()}
    assert found == wanted | {"good": ("report", "")}


def test_what_misbehaves_when_it_is_weighed_is_filed_all_the_same(desk: Desk, tmp_path: Path) -> None:
    mails = {"good": mail(tag="good")} | {deed: mail(text=f"weigh-{deed}", tag=deed) for deed in ("hangs", "bloats")}
    taken = submissions(desk, write(tmp_path / "mail", mails))
    assert taken.keys() == mails.keys()
    archive, limits = desk.house.archive, {}
    for name, submission in taken.items():
        unpacked = archive.get(Unpacked, submission.id)
        assert unpacked is not None
        filing = archive.get(Filing, unpacked.verdicts[0].report)
        assert filing is not None
        limits[name] = filing.assessment.limits
    assert limits == {
        "good": (), "hangs": ("not fully weighed (time)",), "bloats": ("not fully weighed (memory)",)
    }  # fmt: skip


def test_the_command_shows_it_and_its_bytes_stay(desk: Desk, tmp_path: Path) -> None:
    data = mail(text="examine-hangs", tag="shown")
    folder = write(tmp_path / "mail", {"bad": data})
    submissions(desk, folder)
    asked = [("report", folder, "--json"), ("queue", "--json"), ("verify", "--json")]
    handed, queue, checked = several(desk.home, asked)
    (report,) = handed.line["reports"]
    (case,) = queue.lines
    assert (case["band"], case["kind"]) == ("nuisance", "unclear")
    assert checked.line["problems"] == []
    told = explained(desk.home, [report["report"]])[report["report"]]
    assert "not fully examined (time)" in told["limits"]
    assert told["sha256"] == sha256(data)


def test_what_is_more_than_a_frame_holds_is_filed_as_not_fully_examined(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = mail(text="many words " * 10_000)
    (handed,) = hand_in(desk, [write(tmp_path / "mail", {"big": data})], "", quiet=True)
    monkeypatch.setattr(frame, "MAX_PLAIN", 40_000)
    work(desk.house)
    monkeypatch.undo()
    archive = desk.house.archive
    kept = archive.get(Submission, handed.submission)
    (report,) = archive.store.find(Report, {}, limit=10)[0]
    examined = archive.get(Examination, f"{report.id}/1")
    assert examined is not None and examined.limits == ("not fully examined (size)",)
    assert kept is not None and archive.bytes_of(kept) == data and archive.get(Filing, report.id) is not None


@pytest.mark.parametrize("step", ["enrich", "assess"])
def test_a_worker_that_dies_between_keeping_and_putting_leaves_nothing_behind(
    desk: Desk, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    put = desk.house.work.put

    def dies(name: str, keys: Iterable[str]) -> None:
        if name == step:
            raise Died
        put(name, keys)

    hand_in(desk, [write(tmp_path / "mail", {"one": mail()})], "", quiet=True)
    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(desk.house.work, "put", dies)
        work(desk.house)
    assert desk.house.store.count(Filing, {}) == {}
    work(desk.house)
    reports = [each.report for each in desk.house.archive.store.find(Filing, {}, limit=10)[0]]
    assert len(reports) == 1 and desk.house.work.waiting() == {}


def dying(home: Path, report: str) -> int:
    """Run a worker that the report kills; its status."""
    command = [sys.executable, str(HERE / "dying_worker.py"), str(home), report]
    environment = {"PYTHONPATH": str(ROOT)} | OFFLINE
    return subprocess.run(command, env=environment, timeout=120, check=False).returncode


def test_what_kills_its_worker_three_times_is_held_until_a_person_says_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = write(tmp_path / "mail", {str(number): mail(tag=f"n{number}") for number in range(5)})
    ran = lapwing(home, "report", "--json", "--no-wait", folder)
    assert [each["verdict"] for each in ran.lines] == ["received"] * 5
    house = open_house(home, "judge", OFFLINE)
    with only_one(home):
        start(house)
        house.steps["unpack"](house.work.keys("unpack"))
        house.work.done("unpack", house.work.keys("unpack"))
    poison = sorted(house.work.keys("enrich"))[0]
    house.parser.close()
    house.writer.close()
    statuses = [dying(home, poison) for _ in range(4)]
    assert statuses == [-signal.SIGKILL] * 3 + [0]
    (held,) = lapwing(home, "hold", "list", "--json").lines
    assert held == {"step": "enrich", "key": poison, "reason": "its worker died or hung three times"}
    archive = house.archive
    reports = [each.id for each in archive.store.find(Report, {}, limit=10)[0]]
    assert sorted(each for each in reports if archive.get(Filing, each) is None) == [poison]
    kept = archive.get(Report, poison)
    assert kept is not None and archive.messages([kept])[poison] in {path.read_bytes() for path in folder.iterdir()}
    retry = ("hold", "retry", "enrich", poison)
    asked = [retry, retry, ("report", "--json", folder), ("hold", "list", "--json")]
    assert [(each.status, each.out) for each in several(home, asked)][::3] == [(0, ""), (0, "")]
    assert archive.get(Filing, poison) is not None


def nested(depth: int) -> bytes:
    """A mail with parts inside parts, so many deep."""
    lines = [
        b"Received: from a.example ([198.51.100.7]) by mx.example; Mon, 23 Nov 2026 10:00:00 +0000",
        b"From: a@b.test",
    ]
    for number in range(depth):
        lines += [b"Content-Type: multipart/mixed; boundary=b%d" % number, b"", b"--b%d" % number]
    return b"\r\n".join([*lines, b"", b"deep"])


def bomb() -> bytes:
    """A zip of some kilobytes that unpacks to half a gigabyte."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.eml", "w") as member:
        member.write(b"From: a@b.test\r\nSubject: bomb\r\n\r\n")
        for _ in range(512):
            member.write(bytes(1 << 20))
    return packed.getvalue()


HOSTILE = {
    "nested.eml": nested(5_000),
    "headers.eml": b"From: a@b.test\r\nReceived: from x by y; now\r\n" + b"X-Junk: y\r\n" * 200_000 + b"\r\nbody",
    "hops.eml": b"Received: from a1.test ([198.51.100.1]) by b; Mon, 2 Nov 2026 10:00:00 +0000\r\n" * 30_000
    + b"\r\nbody",
    "one-line.eml": b"From: a@b.test\r\nReceived: from x by y\r\nSubject: " + b"x" * 5_000_000 + b"\r\n\r\nbody",
    "addresses.eml": b"Received: from x by y\r\nFrom: a@b.test\r\nTo: " + b"<a@b.test>," * 200_000 + b"\r\n\r\nbody",
    "words.eml": b"From: a@b.test\r\nReceived: from x by y\r\nSubject: " + b"=?utf-8?b?4pyT?= " * 50_000 + b"\r\n\r\n",
    "tags.eml": b"From: a@b.test\r\nReceived: from x by y\r\nContent-Type: text/html\r\n\r\n" + b"<b>" * 400_000,
    "nul.eml": b"From: a@b.test\r\nReceived: from x by y\r\n\r\n" + bytes(100_000),
    "bomb.zip": bomb(),
}


def test_hostile_files_end_soon_and_all_are_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    for name, data in HOSTILE.items():
        (tmp_path / "mail" / name).write_bytes(data)
    (tmp_path / "mail" / "good.eml").write_bytes(mail())
    ran = lapwing(tmp_path / "home", "report", "--json", tmp_path / "mail")
    verdicts = {Path(each["path"]).name: each["verdict"] for each in ran.lines}
    assert verdicts.keys() == HOSTILE.keys() | {"good.eml"}
    assert verdicts["good.eml"] == "report" and verdicts["bomb.zip"] in ("limit", "damaged", "not-fully-examined")
    assert set(verdicts.values()) <= {"report", "limit", "damaged", "not-fully-examined", "not-a-report"}
    hops = next(each for each in ran.lines if each["path"].endswith("hops.eml"))["reports"][0]["report"]
    told = explained(tmp_path / "home", [hops])[hops]
    assert len(told["hops"]) == 100 and "hops" in told["limits"] and told["boundary"]["ip"] == "198.51.100.1"
    house = open_house(tmp_path / "home", "judge", OFFLINE)
    kept = {each.sha256: house.archive.bytes_of(each) for each in house.store.find(Submission, {}, limit=50)[0]}
    assert all(kept[sha256(data)] == data for data in HOSTILE.values())


def test_the_wrapping_child_is_closed_in_like_the_real_one(desk: Desk) -> None:
    desk.house.parser.run("unpack", mail(), {"filename": "a.eml", "cover": False}, object)
    wrapped = desk.house.parser.sandbox
    real = open_house(desk.home, "other", OFFLINE).parser
    real.run("unpack", mail(), {"filename": "a.eml", "cover": False}, object)
    assert wrapped == real.sandbox
    real.close()
