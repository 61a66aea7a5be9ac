"""Erasure and legal holds through the command: nothing is left to read, the rest stands, the chain verifies."""

import sqlite3
from pathlib import Path

from intake.vault import keys, series
from intake.vault.reader import Reader
from tests.walker import SAMPLES, lapwing

REPORTER = "meier@werkhof.example"


def handed_in(home: Path) -> dict[str, str]:
    """Two reporters hand in; report id -> reporter's address."""
    ran = lapwing(home, "report", str(SAMPLES / "10-werkhof-mailbox.zip"), "--reporter", REPORTER, "--json")
    other = lapwing(home, "report", str(SAMPLES / "12-invoice.msg"), "--reporter", "other@mail.example", "--json")
    found = {each["report"]: REPORTER for each in ran.line["reports"]}
    return found | {each["report"]: "other@mail.example" for each in other.line["reports"]}


def everything_in(home: Path) -> bytes:
    """All bytes of the store and of the receipts, free pages and logs too."""
    return b"".join(path.read_bytes() for path in home.glob("*.sqlite*"))


def test_an_erased_reporter_leaves_nothing_and_the_rest_stands(tmp_path):
    home = tmp_path / "home"
    reports = handed_in(home)
    mine = [report for report, address in reports.items() if address == REPORTER]
    shown = lapwing(home, "explain", mine[0], "--json").line
    subject = shown["message"]["subject"]
    assert subject.encode() in everything_in(home)
    looked = lapwing(home, "erase", f"<{REPORTER}>", "--dry-run", "--json")
    assert looked.status == 0 and looked.line["reporters"] == [shown["reporter"]], looked.err
    assert sorted(looked.line["reports"]) == sorted(mine) and looked.line["blocked_by"] == []
    refused = lapwing(home, "erase", REPORTER, "--reason", f"wish of {REPORTER}", "--yes")
    assert refused.status == 1 and REPORTER not in refused.err
    ran = lapwing(home, "erase", REPORTER, "--reason", "their wish", "--yes", "--json")
    assert ran.status == 0 and ran.line == looked.line | {"erasure": ran.line["erasure"]}, ran.err
    assert REPORTER not in ran.err
    assert all(lapwing(home, "explain", report, "--json").status == 1 for report in mine)
    left = everything_in(home)
    assert subject.encode() not in left and REPORTER.encode() not in left
    queue = lapwing(home, "queue", "--json").lines
    assert {each["report"] for case in queue for each in case["reports"]} == set(reports) - set(mine)
    verified = lapwing(home, "verify", "--json")
    assert verified.status == 0 and verified.line["erased"] > 0
    assert lapwing(home, "rebuild").status == 0
    assert lapwing(home, "queue", "--json").lines == queue
    assert subject.encode() not in everything_in(home)


def test_what_held_nothing_but_duplicates_goes_too(tmp_path):
    home = tmp_path / "home"
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes((SAMPLES / "15-attached-course.eml").read_bytes() + name.encode() + b"\r\n")
    first = lapwing(home, "report", str(tmp_path / "a.eml"), "--reporter", REPORTER, "--json").line["reports"][0]
    again = lapwing(home, "report", str(tmp_path / "b.eml"), "--reporter", REPORTER, "--json").line
    assert again["verdict"] == "duplicate"
    reporter = lapwing(home, "explain", first["report"], "--json").line["reporter"]
    ran = lapwing(home, "erase", "reporter", reporter, "--reason", "their wish", "--yes")
    assert ran.status == 0 and "3 parts" in ran.err
    kept = sum(header.kind == "submission" and opened is not None for header, opened in frames(home))
    assert kept == 0


def frames(home: Path):
    """(header, what its seal held or None) of every frame that the operator's key can be tried on."""
    reader = Reader(home / "vault", keys.private(home / "keys"))
    for name in series.all_series(home / "vault"):
        for _, header, stored in reader.follow(name, 0, 0):
            yield header, reader.open(header, stored)


def test_a_legal_hold_blocks_erasure_until_it_is_lifted(tmp_path):
    home = tmp_path / "home"
    report = next(iter(handed_in(home)))
    submission = lapwing(home, "explain", report, "--json").line["submission"]
    placed = lapwing(home, "legal-hold", "place", "submission", submission, "--reason", "case 7 of the court")
    assert placed.status == 0
    ran = lapwing(home, "erase", report, "--reason", "retention", "--yes")
    assert ran.status == 1 and "legal hold" in ran.err
    looked = lapwing(home, "erase", report, "--dry-run", "--json")
    assert looked.status == 1 and looked.line["blocked_by"] == [f"a legal hold stands on submission {submission}"]
    assert lapwing(home, "explain", report, "--json").status == 0
    assert lapwing(home, "legal-hold", "lift", placed.out.strip(), "--reason", "over").status == 0
    assert lapwing(home, "legal-hold", "list", "--json").lines == []
    assert lapwing(home, "erase", "submission", submission, "--reason", "retention", "--yes").status == 0
    assert lapwing(home, "explain", report, "--json").status == 1


def test_a_refused_erasure_changes_nothing(tmp_path):
    home = tmp_path / "home"
    words = ("report", str(SAMPLES / "12-invoice.msg"), "--json")
    assert lapwing(home, *words, "--no-wait").line["verdict"] == "received"
    assert lapwing(home, "hold", "list", "--json").lines == []
    with sqlite3.connect(home / "store.sqlite") as database:
        ((submission,),) = database.execute("select key from work where step = 'unpack'")
    database.close()
    assert lapwing(home, "legal-hold", "place", "submission", submission, "--reason", "court").status == 0
    for reason in ("retention", " "):
        refused = lapwing(home, "erase", "submission", submission, "--reason", reason, "--yes")
        assert refused.status == 1, refused.out
    done = lapwing(home, *words)
    assert done.line["verdict"] == "report" and len(lapwing(home, "queue", "--json").lines) == 1


def test_a_hold_on_a_reporter_covers_what_they_handed_in(tmp_path):
    home = tmp_path / "home"
    shown = lapwing(home, "explain", next(iter(handed_in(home))), "--json").line
    assert lapwing(home, "legal-hold", "place", "reporter", shown["reporter"], "--reason", "court").status == 0
    ran = lapwing(home, "erase", "submission", shown["submission"], "--reason", "retention", "--yes")
    assert ran.status == 1 and "legal hold" in ran.err
    assert lapwing(home, "explain", shown["report"], "--json").status == 0


def test_a_slot_that_somebody_blanked_is_damage(tmp_path):
    home = tmp_path / "home"
    handed_in(home)
    book = next(home.glob("vault/*/*.book"))
    data = bytearray(book.read_bytes())
    data[51 + 80 : 51 + 160] = bytes(80)
    book.write_bytes(data)
    ran = lapwing(home, "verify", "--json")
    assert ran.status == 1
    assert any("blank, and no Erasure names it" in line for line in ran.line["problems"])


def test_the_store_is_a_database_that_others_can_read(tmp_path):
    home = tmp_path / "home"
    handed_in(home)
    with sqlite3.connect(home / "store.sqlite") as database:
        kinds = {kind for (kind,) in database.execute("select distinct kind from rows")}
    database.close()
    assert {"submission", "report", "examination", "filing", "event", "case_view"} <= kinds
