"""Receipts as the running system sends them: a signed mail over SMTP, the key asked of a real name server, the receipt
at a real mail server, the note when the case is closed, and what its link says and takes.
"""

import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reporters_house import KEY, cover, signed
from tests.sample_dns import public
from tests.servers import unbound
from tests.sink import Sink, sink
from tests.walker import Served, lapwing, serving, several, until

REPORTER = "ann@signs.example"
SETTINGS = """
domain = "lapwing.example"
[dns]
nameservers = ["127.0.0.1:{dns}"]
zones = []
[receipts]
on = true
outcome = true
smtp_host = "127.0.0.1"
smtp_port = {port}
mail_from = "reports@lapwing.example"
name = "Example Agency"
base_url = "http://127.0.0.1:8025"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture(scope="module")
def home(server: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("receipts") / "home"
    folder.mkdir(mode=0o700)
    key = public(KEY)
    record = " ".join(f'"{key[start : start + 200]}"' for start in range(0, len(key), 200))
    with unbound((f"sample._domainkey.signs.example. TXT {record}",), ('"signs.example." static',)) as dns:
        (folder / "lapwing.toml").write_text(SETTINGS.format(dns=dns, port=server.port))
        yield folder


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Served]:
    with serving(home, LAPWING_DNS_MODE="live") as running:
        yield running


def reference_in(text: str) -> str:
    found = re.search(r"\b[0-9a-z]{26}-[0-9a-z]{8}\b", text)
    assert found is not None, text
    return found[0]


def ask(served: Served, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    """(status, answer) of the public page for programs; with a body it is a POST of a form."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{served.upload}/reports/{path}", body, {"Accept": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_receipt_comes_and_its_reference_is_known(served: Served, server: Sink) -> None:
    said = served.mail(signed(cover(REPORTER, "walk-1")), REPORTER, "report@lapwing.example")
    (mail,) = server.wait(1)
    reference = reference_in(said)
    assert reference in mail.text and mail.recipients == [REPORTER]
    assert ask(served, reference)[1]["state"] in ("unpacked", "filed")


def test_explain_and_status_say_what_was_sent_and_why_not(served: Served, home: Path, server: Sink) -> None:
    server.wait(1)
    served.mail(cover("forged@signs.example", "walk-2"), "forged@signs.example", "report@lapwing.example")
    until(lambda: sum(lapwing(home, "status", "--json").line["receipts"].values()) == 2)
    until(lambda: sum(len(case["reports"]) for case in lapwing(home, "queue", "--json").lines) == 2)
    status = lapwing(home, "status", "--json").line
    assert status["receipts"] == {"sent": 1, "not-sent": 1} and status["not_sent"] == {"none": 1}
    assert "nothing proves that the mail is from its sender" in lapwing(home, "status").out
    reports = [each["report"] for case in lapwing(home, "queue", "--json").lines for each in case["reports"]]
    told = [each.line["receipt"] for each in several(home, [("explain", one, "--json") for one in reports])]
    assert {(each["result"], each["proof"]) for each in told} == {("sent", "dkim"), ("not-sent", "")}
    shown = several(home, [("explain", one) for one in reports])
    assert sorted("receipt not-sent: nothing proves" in each.out for each in shown) == [False, True]


def test_the_note_comes_when_the_case_is_closed(served: Served, home: Path, server: Sink) -> None:
    case = lapwing(home, "queue", "--json").lines[0]["case"]
    assert lapwing(home, "case", "close", case, "--reason", "done", "--outcome", "everything").status == 1
    assert lapwing(home, "case", "close", case, "--reason", "done", "--outcome", "helped").status == 0
    note = server.wait(2)[1]
    assert note.recipients == [REPORTER] and "helped to protect people" in note.text
    reference = reference_in(server.mails[0].text)
    until(lambda: ask(served, reference)[1]["state"] == "closed")
    assert ask(served, reference)[1] == {
        "state": "closed", "items": {"report": 1}, "outcome": "helped", "reference": reference
    }  # fmt: skip


def test_after_a_rebuild_nobody_is_written_to_again(
    served: Served, home: Path, server: Sink, tmp_path: Path
) -> None:  # fmt: skip
    until(lambda: lapwing(home, "status", "--json").line["waiting"] == {})
    copy = tmp_path / "copy"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("run"))
    assert lapwing(copy, "rebuild", "--json").status == 0
    (tmp_path / "more.eml").write_bytes(cover(tag="walk-3"))
    assert lapwing(copy, "report", "--json", tmp_path / "more.eml").line["verdict"] == "report"
    assert len(server.mails) == 2
    checked, status = several(copy, [("verify", "--json"), ("status", "--json")])
    assert checked.line["problems"] == [] and status.line["receipts"] == {"sent": 1, "not-sent": 1}


def test_a_silent_dns_keeps_nobody_waiting(server: Sink, tmp_path: Path) -> None:
    """`report` ends although a receipt waits for the DNS, and what waits is said."""
    before, home = len(server.mails), tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "lapwing.toml").write_text(SETTINGS.format(dns=9, port=server.port))
    with serving(home) as served:
        served.mail(signed(cover("ben@signs.example", "walk-4")), "ben@signs.example", "report@lapwing.example")
        until(lambda: lapwing(home, "status", "--json").line["waiting"] == {"acknowledge": 1})
    (tmp_path / "more.eml").write_bytes(cover(tag="walk-5"))
    assert lapwing(home, "report", "--json", tmp_path / "more.eml").line["verdict"] == "report"
    assert "wait to be examined" not in lapwing(home, "queue").err
    assert len(server.mails) == before


def test_who_sends_spam_to_a_trap_is_not_answered_and_takes_nothing_back(
    served: Served, home: Path, server: Sink
) -> None:  # fmt: skip
    """Not even at once, with the reference that the SMTP door told them."""
    trap, spammer, before = "trap-x7@lapwing.example", "prince@signs.example", len(server.mails)
    assert lapwing(home, "feed", "add", "trap", "--class", "trap", "--address", trap).status == 0
    reference = reference_in(served.mail(signed(cover(spammer, "walk-6")), spammer, trap))
    early = ask(served, f"{reference}/withdraw", b"")
    until(lambda: ask(served, reference)[1]["state"] == "filed")
    late = ask(served, f"{reference}/withdraw", b"")
    assert (late[0], late[1]["code"]) == (409, "no-additions")
    assert early[0] in (202, 409)
    if early[0] == 202:
        until(lambda: ask(served, early[1]["reference"])[1]["state"] != "received")
        assert ask(served, early[1]["reference"])[1]["items"] == {"not-a-report": 1}
    until(lambda: lapwing(home, "status", "--json").line["waiting"] == {})
    shown = [each["report"] for case in lapwing(home, "queue", "--json").lines for each in case["reports"]]
    told = [each.line for each in several(home, [("explain", one, "--json") for one in shown])]
    (trapped,) = [each for each in told if each["submission"] == reference[:26]]
    assert trapped["withdrawn"] == "" and trapped["receipt"]["reason"] == "feed"
    assert len(server.mails) == before and ask(served, reference)[1]["state"] == "filed"
