"""The pick-up killed between keep and mark: nothing is lost, and what comes twice is recognised as a duplicate."""

import mailbox
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.imap_server import Dovecot, dovecot
from tests.unit.maildir_test import files
from tests.walker import environment, lapwing, mail, serving, until

KILLED = """
import os, sys
from pathlib import Path
from deploy.mailboxd import main
from intake import mailbox, maildir
before, after = "b" in sys.argv[2], "a" in sys.argv[2]
for kind in (mailbox.Imap, maildir.Maildir):
    def marked(self, letter, known=kind.mark):
        if not before:
            known(self, letter)
        os.kill(os.getpid(), 9)
    kind.mark = marked
main(Path(sys.argv[1]))
"""


def settings(home: Path, table: str) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "lapwing.toml").write_text(f'domain = "lapwing.example"\n[[mailbox]]\n{table}\n')


def killed(home: Path, when: str) -> None:
    """One pick-up that dies right before or after it marks its first message."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(home), when], env=environment(), timeout=120, check=False)
    assert done.returncode == -9


def cover(number: int) -> bytes:
    return b"Return-Path: <rita@isp.example>\r\nTo: report@lapwing.example\r\n" + mail(tag=f"number-{number}")


def taken(home: Path) -> dict[str, int]:
    """How many submissions, and how many reports of them are in cases."""
    from deploy.wiring import open_house
    from intake.report import Report
    from intake.submission import Submission, Unpacked

    house = open_house(home, "judge", {"LAPWING_DNS_MODE": "off"})
    verdicts = [each for record in house.store.find(Unpacked, {}, limit=500)[0] for each in record.verdicts]
    found = {
        "submissions": len(house.store.find(Submission, {}, limit=500)[0]),
        "reports": len(house.store.find(Report, {}, limit=500)[0]),
        "duplicates": sum(each.code == "duplicate" for each in verdicts),
    }
    house.database.close()
    return found


@pytest.mark.parametrize(("when", "twice"), [("before", 3), ("after", 0)])
def test_killed_around_the_mark_of_a_maildir(tmp_path: Path, when: str, twice: int) -> None:
    home, folder = tmp_path / "home", tmp_path / "Maildir"
    mailbox.Maildir(folder)
    settings(home, f'kind = "maildir"\npath = "{folder}"')
    for number in range(3):
        (folder / "new" / f"{number}.a").write_bytes(cover(number))
    for _ in range(3):
        killed(home, when)
    picked(home, folder, twice)


def picked(home: Path, folder: Path, twice: int) -> None:
    with serving(home):
        until(lambda: taken(home) == {"submissions": 3 + twice, "reports": 3, "duplicates": twice})
    assert all(name.startswith("cur/") and name.endswith(":2,S") for name in files(folder))
    assert lapwing(home, "verify", "--json").line["problems"] == []


def test_killed_before_the_mark_of_an_imap_mailbox(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with dovecot() as server:
        settings(home, table(server))
        for number in range(2):
            server.deliver(cover(number))
        killed(home, "before")
        with serving(home) as served:
            until(lambda: taken(home) == {"submissions": 3, "reports": 2, "duplicates": 1})
            assert "mailboxd" in served.pids
            server.deliver(cover(3))
            until(lambda: taken(home)["reports"] == 3)
        said: Any = lapwing(home, "mailbox", "check", "--json").line
        assert (said["ok"], said["messages"], said["waiting"]) == (True, 3, 0)
        shown = lapwing(home, "mailbox", "check")
        assert shown.status == 0 and "ready" in shown.out
    gone = lapwing(home, "mailbox", "check", "--json")
    assert gone.status == 1 and gone.line["ok"] is False and "no connection" in gone.line["says"]


def table(server: Dovecot) -> str:
    box = server.mailbox()
    return "\n".join(
        f"{name} = {getattr(box, name)!r}" for name in ("host", "port", "tls", "user", "password_file", "poll")
    ).replace("'", '"')
