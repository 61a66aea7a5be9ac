"""Lists without a message through the command and the doors: 5,000 rows, each with its verdict; they stand beside a
case, survive a rebuild and go with their submission or their sender. The long form is `tests/bench/rows.py`.
"""

import json
import sqlite3
from email.message import EmailMessage
from pathlib import Path

import pytest

from intake.vault.frame import MAX_PLAIN
from tests.walker import lapwing, mail, serving, several, until

ROWS = 5_000
FEED = "feed@isp.example"


def csv(rows: int = ROWS) -> bytes:
    """A list in which every thousandth row is bad, and one names what `mail()` links to."""
    lines = ["timestamp,ip,domain,type,count"]
    for n in range(rows):
        address = "none of these" if n % 1000 == 999 else f"203.0.{n >> 8 & 255}.{n & 255}"
        domain = "parcel-fee.test" if n == 77 else ""
        lines.append(f"2026-11-{n % 28 + 1:02} 10:00:00,{address},{domain},spam,{n % 9 + 1}")
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    (folder / "list.csv").write_bytes(csv())
    (folder / "other.csv").write_bytes(csv(2_000))
    (folder / "spam.eml").write_bytes(mail())
    made = several(
        folder / "home",
        [
            ("report", folder / "spam.eml", "--reporter", "kim@mail.example", "--json"),
            ("queue", "--json"),
            ("report", folder / "list.csv", "--reporter", FEED, "--json"),
            ("report", folder / "other.csv", "--reporter", "other@isp.example", "--json"),
            ("queue", "--json"),
        ],
    )
    (folder / "made.json").write_text(json.dumps([each.lines for each in made]))
    return folder / "home"


def made(home: Path) -> list[list[dict]]:
    return json.loads((home.parent / "made.json").read_text())


def case_of(home: Path) -> str:
    return str(made(home)[1][0]["case"])


def test_every_row_has_its_verdict_and_bad_ones_are_named(home: Path) -> None:
    (line,) = made(home)[2]
    (item,) = line["items"]
    assert line["verdict"] == "rows" and line["reports"] == []
    assert (item["rows"], item["bad"]) == (ROWS - 5, 5)
    assert [(each["line"], each["column"]) for each in item["faults"]] == [(n * 1000 + 1, "ip") for n in range(1, 6)]
    found, bad = several(
        home, [("rows", line["submission"], "--json"), ("rows", line["submission"], "--bad", "--json")]
    )  # fmt: skip
    assert [each["line"] for each in found.lines] == list(range(2, ROWS + 2))
    assert [each["found"] for each in bad.lines] == ["none of these"] * 5
    assert found.lines[77]["values"][1] == {"kind": "domain", "value": "parcel-fee.test"}
    assert {each["time"][-1] for each in found.lines if each["verdict"] == "claim"} == {"0"}, "no zone was named"


def test_rows_change_nothing_in_the_queue_and_stand_beside_the_case(home: Path) -> None:
    _, before, _, _, after = made(home)
    assert before == after and len(after) == 1 and after[0]["reporters"] == 1
    shown, people, explained = several(
        home,
        [("case", "show", case_of(home), "--json"), ("case", "show", case_of(home)),
         ("explain", after[0]["reports"][0]["report"], "--json")],
    )  # fmt: skip
    support = shown.line["support"]
    assert support["whole"] and [each["value"] for each in support["said"]] == ["parcel-fee.test"]
    assert (support["said"][0]["rows"], support["said"][0]["feeds"]) == (2, 2)
    assert {each["line"] for each in support["said"][0]["cites"]} == {79}
    assert shown.line["reporters"] == 1 and explained.line["support"] == support
    assert "also named by 2 rows of 2 feeds" in people.out


def test_the_store_holds_sheets_and_no_row_of_its_own_for_each(home: Path) -> None:
    with sqlite3.connect(home / "store.sqlite") as database:
        counts = dict(database.execute("select kind, count(*) from rows group by kind"))
        ((largest,),) = database.execute("select max(length(body)) from rows where kind = 'sheet'")
    database.close()
    assert counts["sheet"] == 14 and counts["report"] == 1 and counts["distinct_reporter"] == 1
    assert largest < MAX_PLAIN


def test_what_is_handed_in_again_is_a_duplicate(home: Path) -> None:
    zipped = home.parent / "again.eml"
    message = EmailMessage()
    message["From"], message["Subject"] = FEED, "our list"
    message.set_content("see attached")
    message.add_attachment(csv(), maintype="text", subtype="csv", filename="list.csv")
    zipped.write_bytes(message.as_bytes())
    with serving(home) as house:
        house.mail(message.as_bytes(), sender=FEED)
        reference = house.send(csv(1_500), "list.csv")["reference"]
        told = until(lambda: _told(house.upload, reference))
    assert told["items"] == {"row": 1_499, "bad-row": 1}
    with sqlite3.connect(home / "store.sqlite") as database:
        bodies = [body for (body,) in database.execute("select body from rows where kind = 'unpacked'")]
    database.close()
    verdicts = [verdict for body in bodies for verdict in json.loads(body)["verdicts"]]
    assert [each["code"] for each in verdicts].count("duplicate") == 1


def _told(port: int, reference: str) -> dict | None:
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/reports/{reference}", timeout=30) as answer:
        told = json.loads(answer.read())
    return told if told["state"] == "unpacked" else None


def test_a_rebuild_gives_the_same_and_what_is_erased_is_gone(home: Path) -> None:
    show = ("case", "show", case_of(home), "--json")
    (submission,) = (line["submission"] for line in made(home)[3])
    before, verified, rebuilt, after, rows = several(
        home, [show, ("verify", "--json"), ("rebuild", "--json"), show, ("rows", submission, "--json")]
    )  # fmt: skip
    assert verified.line["problems"] == [] and rebuilt.status == 0
    assert after.line == before.line and len(rows.lines) == 2_000
    assert b"203.0.7.1" in _everything(home)
    erased, left = several(
        home, [("erase", "submission", submission, "--reason", "retention", "--yes"), show]
    )  # fmt: skip
    assert (
        erased.status == 0
        and left.line["support"]["said"][0]["feeds"] == before.line["support"]["said"][0]["feeds"] - 1
    )
    reporter = _sender(home, made(home)[2][0]["submission"])
    gone, verified, none = several(
        home, [("erase", "reporter", reporter, "--reason", "wish", "--yes"), ("verify", "--json"), show]
    )  # fmt: skip
    assert gone.status == 0 and verified.line["problems"] == []
    assert b"203.0.19.1" not in _everything(home), "only the longest list named it"
    assert lapwing(home, "rebuild").status == 0 and lapwing(home, *show).line["support"] == none.line["support"]
    assert b"203.0.19.1" not in _everything(home)


def test_a_legal_hold_on_the_sender_keeps_the_list(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(csv(10))
    home = tmp_path / "home"
    submission = lapwing(home, "report", tmp_path / "list.csv", "--reporter", FEED, "--json").line["submission"]
    reporter = _sender(home, submission)
    held, refused = several(
        home,
        [("legal-hold", "place", "reporter", reporter, "--reason", "court"),
         ("erase", "submission", submission, "--reason", "retention", "--yes")],
    )  # fmt: skip
    assert held.status == 0 and refused.status == 1 and "legal hold" in refused.err
    assert len(lapwing(home, "rows", submission, "--json").lines) == 10


def test_what_names_nothing_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name;age\nx;3\n")
    ran = lapwing(tmp_path / "home", "report", tmp_path / "people.csv", "--json")
    assert ran.status == 0 and ran.line["verdict"] == "not-a-report" and "name, age" in ran.line["says"]


def _everything(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.glob("*.sqlite*"))


def _sender(home: Path, submission: str) -> str:
    with sqlite3.connect(home / "store.sqlite") as database:
        bodies = [json.loads(body) for (body,) in database.execute("select body from rows where kind = 'sheet'")]
    database.close()
    return next(str(each["reporter"]) for each in bodies if each["submission"] == submission)
