"""A home from its first day to its restoration: `init`, people, `serve`, both doors, the queue, what people
decide, backup, restore, rebuild; and that the doors hold no key to what they took in.
"""

import json
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.wiring import KINDS, open_house
from intake.audit import Audit
from intake.report import Reporter
from intake.submission import Submission
from tests.walker import OFFLINE, Ran, Served, environment, lapwing, mail, serving, several, until
from triage.case import Filing

SECRET = {"LAPWING_PASSPHRASE": "correct horse battery"}
NAMES = ("sweeper", "worker", "smtpd", "uploadd")
SENDER = "customer@isp.example"


class House:
    """A home that was made by `init`, with people, and a running system on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        words = ("init", "--domain", "report.agency.example", "--administrator", "ada")
        self.made = lapwing(home, *words, **SECRET)
        self.added = [
            self.ask("ada", "people", "add", "ivan", "--role", "investigator", **SECRET),
            self.ask("ada", "people", "add", "pia", "--role", "approver", "--full-name", "Pia Approver", **SECRET),
        ]
        self.served: Served

    def ask(self, person: str, *words: str | Path, **more: str) -> Ran:
        return lapwing(self.home, "--as", person, *words, **more)

    def queue(self) -> list[dict[str, Any]]:
        return self.ask("ivan", "queue", "--json").lines

    def reports(self) -> int:
        """How many reports are filed in a case."""
        house = open_house(self.home, "judge", OFFLINE)
        count = house.store.count(Filing, {})
        house.database.close()
        return sum(count.values())

    def settled(self) -> bool:
        house = open_house(self.home, "judge", OFFLINE)
        done = not house.work.waiting() and not house.follower.behind
        house.database.close()
        return done


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("serve") / "home")
    with serving(made.home) as made.served:
        made.served.mail(mail(tag="smtp-1"), SENDER, "report@report.agency.example")
        made.served.mail(mail(subject="Your bank", text="Confirm your account, it is suspended: http://bank-x.test/"),
                         SENDER, "report@report.agency.example")  # fmt: skip
        made.served.send(mail(tag="upload-1"))
        until(made.settled)
        yield made


def status(served: Served, reference: str) -> dict[str, Any]:
    """What the public page says of a reference."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{served.upload}/reports/{reference}", headers={"Accept": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return dict(json.loads(answer.read()))


def test_init_says_what_to_publish_and_what_to_keep(house: House) -> None:
    assert house.made.status == 0
    for line in ("MX   10 mx.report.agency.example.", "v=spf1 mx -all", "v=DMARC1; p=reject", "operator.private"):
        assert line in house.made.out
    assert "correct horse" not in house.made.out
    again = lapwing(house.home, "init", "--domain", "x.example", "--administrator", "eve", **SECRET)
    assert again.status == 1


def test_people_have_roles_and_only_an_administrator_adds_them(house: House) -> None:
    assert [each.status for each in house.added] == [0, 0]
    listed = {each["person"]: each["roles"] for each in house.ask("ada", "people", "list", "--json").lines}
    assert listed == {"ada": ["administrator", "investigator"], "ivan": ["investigator"], "pia": ["approver"]}
    assert house.ask("ivan", "people", "add", "eve", "--role", "approver", **SECRET).status == 1
    assert house.ask("nobody", "queue", "--json").status == 1


def test_what_came_in_by_mail_and_by_upload_is_in_the_queue(house: House) -> None:
    assert house.reports() >= 3
    assert {each["band"] for each in house.queue()} == {"concrete"}


def test_the_reply_and_the_public_page_give_a_reference_that_tells_the_state(house: House) -> None:
    said = house.served.mail(mail(tag="followed"), SENDER, "report@report.agency.example")
    reference = next(word for word in said.split() if len(word) == 35 and "-" in word)
    sent = house.served.send(mail(tag="followed-up"))
    for each in (reference, sent["reference"]):
        found = until(lambda each=each: (s := status(house.served, each))["state"] != "received" and s)
        assert found["reference"] == each
        assert set(found) <= {"reference", "state", "reports", "items", "verdicts", "counts"} and SENDER not in str(
            found
        )
    forged = reference[:-1] + ("a" if reference[-1] != "a" else "b")
    with pytest.raises(urllib.error.HTTPError) as refused:
        status(house.served, forged)
    refused.value.close()
    assert refused.value.code == 404


def test_mail_for_somebody_else_is_refused(house: House) -> None:
    with smtplib.SMTP("127.0.0.1", house.served.smtp, timeout=30) as client:
        client.ehlo("client.example")
        client.mail(SENDER)
        assert 500 <= client.rcpt("someone@elsewhere.example")[0] < 600


def test_people_decide_and_the_machine_follows(house: House) -> None:
    case = house.queue()[0]["case"]
    steps: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
        (("claim", case), {"state": "claimed", "claimed_by": "ivan"}),
        (("override", case, "--band", "nuisance", "--reason", "seen it, harmless"), {"band": "nuisance"}),
        (("close", case, "--reason", "nothing more to do"), {"state": "closed"}),
        (("reopen", case, "--reason", "it goes on"), {"state": "claimed"}),
        (("release", case), {"state": "open", "claimed_by": ""}),
        (("override", case, "--band", "concrete", "--reason", "it was not harmless"), {"band": "concrete"}),
    )
    looks = [words for step, _ in steps for words in (("case", *step), ("case", "show", case, "--json"))]
    ran = several(house.home, looks, "ivan")
    assert [each.status for each in ran] == [0] * len(looks), ran
    for (words, wanted), shown in zip(steps, ran[1::2], strict=True):
        assert {name: shown.line[name] for name in wanted} == wanted, words
    told = [(each["what"], each["by"], each["reason"]) for each in ran[-1].line["decisions"]]
    assert told[1] == ("override", "ivan", "seen it, harmless") and len(told) == len(steps)
    assert "override concrete: it was not harmless" in house.ask("ivan", "case", "show", case).out
    assert house.ask("pia", "case", "claim", case).status == 1


def test_every_look_is_noted_with_the_person(house: House) -> None:
    house.ask("ivan", "queue", "--json")
    noted = open_house(house.home, "judge", OFFLINE)
    page, _ = noted.store.find(Audit, {}, limit=1000)
    noted.database.close()
    assert any((each.person, each.subject) == ("ivan", "queue") for each in page)
    assert {each.person for each in page} <= {"ada", "ivan", "owner:init", "init", "owner:0"} | {
        f"owner:{os.environ.get('USER') or os.geteuid()}"
    }


def test_a_reporter_stands_in_one_record_and_in_no_other(house: House) -> None:
    opened = open_house(house.home, "judge", OFFLINE)
    for kind in KINDS:
        if kind not in (Reporter, Submission):
            page, _ = opened.store.find(kind, {}, limit=1000)
            assert not any(SENDER.encode() in each.body for each in page), kind
    opened.database.close()


def test_the_doors_open_neither_the_private_key_nor_the_store(house: House) -> None:
    pids = house.served.pids
    assert set(NAMES) <= set(pids)
    held: dict[str, set[str]] = {name: set() for name in ("smtpd", "uploadd")}
    for number in range(5):
        house.served.mail(mail(tag=f"watched{number}"), SENDER, "report@report.agency.example")
        house.served.send(mail(tag=f"watched-too{number}"))
        for name, found in held.items():
            found |= {os.readlink(path) for path in Path(f"/proc/{pids[name]}/fd").iterdir() if path.exists()}
    for name, found in held.items():
        inside = {path.removeprefix(f"{house.home}/") for path in found if path.startswith(str(house.home))}
        assert any(path.startswith("vault/") for path in inside), name
        assert not any("operator.private" in path or path.startswith(("store.sqlite", "people")) for path in inside)


def test_the_parsing_child_holds_nothing_of_the_home(house: House) -> None:
    pid = house.served.pids["parserd"]
    assert Path(f"/proc/{pid}/environ").read_bytes() == b""
    files = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
    assert not any(str(house.home) in path or path.startswith("socket:") for path in files), files


def test_everything_in_the_home_is_for_its_owner_alone(house: House) -> None:
    wide = {
        str(path.relative_to(house.home)): oct(path.lstat().st_mode)
        for path in (house.home, *house.home.rglob("*"))
        if path.lstat().st_mode & 0o077
    }
    assert wide == {}


def test_no_plain_byte_of_a_report_lies_in_the_vault_or_with_the_doors(house: House) -> None:
    house.served.mail(mail(text="a sentence that nobody else writes 4711"), SENDER, "report@report.agency.example")
    until(house.settled)
    for path in (house.home / "vault").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"nobody else writes" not in data and SENDER.encode() not in data, path


def test_a_killed_process_comes_back_and_nothing_is_lost(house: House) -> None:
    before = house.reports()
    for number, name in enumerate(("worker", "smtpd", "sweeper")):
        pid = house.served.pids[name]
        os.kill(pid, signal.SIGKILL)
        until(lambda name=name, pid=pid: house.served.pids.get(name, pid) != pid)
        house.served = until(lambda: reached(house.served))
        house.served.mail(mail(tag=f"after-{number}"), SENDER, "report@report.agency.example")
    until(lambda: house.settled() and house.reports() == before + 3)


def reached(served: Served) -> Served | None:
    """The running system at the port that its SMTP door has now, None while it has none."""
    try:
        port = int((served.home / "run" / "smtp.port").read_text())
        with smtplib.SMTP("127.0.0.1", port, timeout=10):
            return Served(served.process, served.home, port, served.upload)
    except (OSError, ValueError, smtplib.SMTPException):
        return None


def test_a_second_serve_is_refused_and_disturbs_nothing(house: House) -> None:
    before = sorted(path.name for path in (house.home / "run").iterdir())
    second = lapwing(house.home, "serve", LAPWING_SMTP_PORT="0", LAPWING_UPLOAD_PORT="0", seconds=60.0)
    assert second.status == 1 and second.out == ""
    assert sorted(path.name for path in (house.home / "run").iterdir()) == before
    count = house.reports()
    house.served.mail(mail(tag="undisturbed"), SENDER, "report@report.agency.example")
    until(lambda: house.settled() and house.reports() == count + 1)


def everything(home: Path) -> set[tuple[str, str, str]]:
    """Kind, key and digest of all records but what was noted of people."""
    opened = open_house(home, "judge", OFFLINE)
    found = {
        (kind.kind, each.key, each.digest)
        for kind in KINDS if kind is not Audit
        for each in opened.store.find(kind, {}, limit=5000)[0]
    }  # fmt: skip
    opened.database.close()
    return found


@pytest.fixture(scope="module")
def disk(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup made beside the running system; `safe` in it is the operator's own copy of the keys."""
    folder = tmp_path_factory.mktemp("disk")
    until(house.settled)
    assert house.ask("ada", "backup", folder).status == 0
    shutil.copytree(house.home / "keys", folder / "safe")
    return folder


def test_a_backup_holds_neither_the_private_key_nor_the_store(disk: Path) -> None:
    copy = disk / "lapwing-backup"
    assert list(copy.rglob("*.segment"))
    assert not list(copy.rglob("operator.private")) and not list(copy.rglob("store.sqlite*"))


def test_backup_restore_and_rebuild_give_the_same(house: House, disk: Path, tmp_path: Path) -> None:
    home, before, queue = tmp_path / "restored", everything(house.home), house.queue()
    assert lapwing(home, "restore", disk, "--keys", disk / "safe").status == 0
    assert everything(home) == before
    asked = [("queue", "--json"), ("verify", "--json"), ("rebuild", "--json"), ("queue", "--json")]
    first, checked, rebuilt, second = several(home, asked, "ada")
    assert (first.lines, second.lines) == (queue, queue)
    assert (checked.status, checked.line["problems"], rebuilt.status) == (0, [], 0)
    assert everything(home) == before
    assert [path for path in (home, *home.rglob("*")) if path.lstat().st_mode & 0o077] == []
    (tmp_path / "a.eml").write_bytes(mail(tag="after-the-fire"))
    handed, checked = several(home, [("report", "--json", tmp_path / "a.eml"), ("verify", "--json")], "ada")
    assert handed.line["verdict"] == "report" and checked.line["problems"] == []
    assert len({key for kind, key, _ in everything(home) if kind == "filing"}) == house.reports() + 1


def test_a_changed_byte_of_the_backup_is_found(disk: Path, tmp_path: Path) -> None:
    copy = tmp_path / "lapwing-backup"
    shutil.copytree(disk / "lapwing-backup", copy)
    segment = max(copy.rglob("*.segment"), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    refused = lapwing(tmp_path / "restored", "restore", tmp_path, "--keys", disk / "safe")
    assert refused.status == 1 and "damaged" in refused.err


def test_a_byte_that_changed_costs_its_series_and_stops_nothing_else(tmp_path: Path) -> None:
    live, home = tmp_path / "live", tmp_path / "home"
    with serving(live) as served:
        for number in range(4):
            served.mail(mail(tag=f"before-{number}"))
        until(lambda: len(lapwing(live, "queue", "--json").lines) > 0)
        shutil.copytree(live, home, ignore=shutil.ignore_patterns("run"))
    path = next(each.parent for each in (home / "vault").glob("*/role") if each.read_text().strip().startswith("smtp"))
    file = max(path.glob("*.segment"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    (tmp_path / "a.eml").write_bytes(mail(tag="after"))
    handed = lapwing(home, "report", "--json", tmp_path / "a.eml")
    assert handed.line["verdict"] == "report" and f"ALARM: evidence is damaged at {path.name}/" in handed.err
    with serving(home) as served:
        served.mail(mail(tag="over-the-door"))
        until(lambda: sum(len(case["reports"]) for case in lapwing(home, "queue", "--json").lines) >= 2)
    checked, rebuilt = lapwing(home, "verify", "--json"), lapwing(home, "rebuild", "--json")
    assert checked.status == rebuilt.status == 1 and file.read_bytes() == data
    assert any(path.name in problem for problem in checked.line["problems"])
    assert len(rebuilt.line["damaged"]) == 1


def test_a_door_takes_reports_with_a_private_key_that_opens_nothing(tmp_path: Path) -> None:
    """The doors work where the key's place holds another thing, and the store's too; who has the key reads it later."""
    home = tmp_path / "home"
    (tmp_path / "a.eml").write_bytes(mail(tag="first"))
    assert lapwing(home, "report", "--json", "--no-wait", tmp_path / "a.eml").status == 0
    key, true = home / "keys" / "operator.private", (home / "keys" / "operator.private").read_bytes()
    key.write_bytes(b"no key at all")
    for path in home.glob("store.sqlite*"):
        path.unlink()
    (home / "store.sqlite").write_bytes(b"no store at all")
    door = subprocess.Popen(
        [sys.executable, "-m", "deploy.smtpd", str(home)], env=environment(LAPWING_SMTP_PORT="0"),
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: (home / "run" / "smtp.port").exists() and (home / "run" / "smtp.port").read_text())
        time.sleep(0.1)
        served = Served(door, home, int((home / "run" / "smtp.port").read_text()), 0)
        served.mail(mail(tag="in-the-dark"))
    finally:
        door.terminate()
        assert door.wait(timeout=30) == 0
    key.write_bytes(true)
    (home / "store.sqlite").unlink()
    (tmp_path / "a.eml").write_bytes(mail(tag="another"))
    handed, queue = several(home, [("report", "--json", tmp_path / "a.eml"), ("queue", "--json")])
    assert handed.status == 0
    assert sum(len(case["reports"]) for case in queue.lines) == 3
