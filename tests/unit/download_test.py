"""Answers of the API as CSV: the same rows, and no cell that a spreadsheet would run."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake import download
from intake.answers import Item, Page
from tests.feed_house import RFC822, Ours, house
from tests.upload_doors import Answer
from tests.walker import mail

CSV = {"Accept": "text/csv"}
WHEN = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ours]:
    with house(tmp_path_factory.mktemp("download")) as made:
        for number in range(3):
            made.hand_in(mail(tag=f"csv {number}"), made.a)
        made.ask("POST", "/reports", b"no mail", made.a, RFC822)
        made.work()
        yield made


def rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.body.startswith(b"\xef\xbb\xbf") and answer.body.endswith(b"\r\n")
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))


def test_items_are_the_same_and_there_is_a_next_page(ours: Ours) -> None:
    told = ours.ask("GET", "/reports", key=ours.a).json["items"]
    answer = ours.ask("GET", "/reports?limit=3", key=ours.a, headers=CSV)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="reports.csv"'
    link, _, rel = answer.headers["Link"].partition(">; ")
    assert rel == 'rel="next"' and answer.headers["Lapwing-Cursor"] in link and "limit=3" in link
    second = ours.ask("GET", link.removeprefix("</api/v1"), key=ours.a, headers=CSV)
    assert "Link" not in second.headers
    got = rows(answer) + rows(second)
    assert len(got) == len(told) == 4
    for mine, theirs in zip(got, told, strict=True):
        for name in ("reference", "verdict", "says", "report", "group", "state", "sha256", "received"):
            assert mine[name] == theirs[name]
        assert mine["seconds"] == ("" if theirs["seconds"] is None else str(theirs["seconds"]))


def test_days_are_the_same(ours: Ours) -> None:
    (told,) = ours.ask("GET", "/stats", key=ours.a).json["days"]
    (row,) = rows(ours.ask("GET", "/stats", key=ours.a, headers=CSV))
    assert (row["day"], row["accepted"], row["verdicts"]) == (told["day"], "3", "not-a-report 1, report 3")
    assert (row["triaged"], row["mean"]) == ("3", str(told["triage"]["mean"]))


def test_who_asks_for_nothing_special_gets_json(ours: Ours) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        assert ours.ask("GET", "/stats", key=ours.a, headers=headers).json["feed"] == "a"
    assert ours.ask("GET", "/events", key=ours.a, headers=CSV).json["feed"] == "a"


@pytest.mark.parametrize(
    ("name", "cell"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"), ("\rx", "'\rx"),
     ("＝1", "'＝1"), ("a=1", "a=1"), ("", ""), ("'x", "'x"), ('a"b,c', 'a"b,c'), ("a\r\nb", "a\r\nb")],
)  # fmt: skip
def test_no_cell_is_a_formula(name: str, cell: str) -> None:
    item = Item(reference="r", item=0, name=name, verdict="report", says=name, sha256="", format="", report="",
                state="", group="", group_state="", received=WHEN, seconds=None)  # fmt: skip
    text = download.reports(Page(items=(item,), cursor="", more=False)).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["name"], row["says"], row["item"], row["received"]) == (cell, cell, "0", "2026-11-23T00:00:00Z")


def test_a_name_that_was_handed_in_can_not_be_run(ours: Ours, tmp_path: Path) -> None:
    """A zip whose entry is called like a formula."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("=HYPERLINK(A1).eml", mail(tag="in zip"))
    ours.ask("POST", "/reports", (tmp_path / "a.zip").read_bytes(), ours.b, {"Content-Type": "application/zip"})
    ours.work()
    (row,) = rows(ours.ask("GET", "/reports", key=ours.b, headers=CSV))
    assert row["name"] == "'=HYPERLINK(A1).eml"
