"""Support: lists say something beside a case and change nothing in it."""

import pytest

from intake.record import name_of
from intake.sheet import Row, Sheet
from tests.triage_house import House, mail, reported
from triage import support as module
from triage.case import Case, DistinctReporter, Filing
from triage.fold import CaseView
from triage.support import Supported, support

PAY = "Your parcel waits at customs. Please pay the fee of 1.99 EUR here: http://post.pay-fee.test/1"


def listed(house: House, rows: list[Row], reporter: str = "feed", number: int = 1) -> None:
    """Keep these rows as a sheet of a list."""
    sheet = Sheet(
        id=f"{name_of(reporter, str(number))}/0001", submission=f"s-{reporter}-{number}", reporter=reporter,
        format="rows_csv", source="submission", start=0, end=9, sha256="0" * 64, rows=tuple(rows),
    )  # fmt: skip
    house.keep(sheet)


def row(line: int, *values: tuple[str, str], **more: object) -> Row:
    return Row(line=line, values=values, **more)  # type: ignore[arg-type]


def said(house: House, *reports: str) -> Supported:
    filings = [house.get(Filing, report) for report in reports]
    return support(house.store, filings)


def test_a_hundred_rows_beside_one_report_are_no_second_reporter_and_lift_no_band() -> None:
    alone, beside = House(), House()
    rows = [row(n, ("domain", "pay-fee.test"), ("address", "203.0.113.7"), count=1000) for n in range(100)]
    for number in range(3):
        listed(beside, rows, f"feed{number}")
    (report,) = {reported(house, mail(PAY), ip="203.0.113.7") for house in (alone, beside)}
    alone.assess(report)
    beside.assess(report)
    listed(beside, rows, "feed9")
    view = beside.case_of(report)
    assert view == alone.case_of(report) and (view.reports, view.reporters) == (1, 1)
    assert beside.store.count(DistinctReporter, {}) == {"": 1}
    found = {each.kind: each for each in said(beside, report).said}
    assert (found["domain"].rows, found["domain"].feeds, found["domain"].count) == (400, 4, 400_000)
    assert found["address"].rows == 400 and said(alone, report).said == ()


def test_rows_alone_open_no_case() -> None:
    house = House()
    listed(house, [row(n, ("domain", "pay-fee.test")) for n in range(100)])
    assert house.store.count(Case, {}) == {} and house.store.count(CaseView, {}) == {}


def test_rows_join_no_cases() -> None:
    house = House()
    listed(house, [row(1, ("domain", "alpha-shop.test"), ("domain", "beta-shop.test"))])
    one = reported(house, mail("Buy now at http://alpha-shop.test/ this week"), "one")
    two = reported(house, mail("Look at http://beta-shop.test/ for more of it"), "two")
    house.assess(one, two)
    assert len(house.partition([one, two])) == 2
    assert [each.value for each in said(house, one).said] == ["alpha-shop.test"]


def test_what_lists_say_is_summed_and_cited() -> None:
    house = House()
    report = reported(house, mail(PAY), ip="203.0.113.7")
    house.assess(report)
    listed(house, [row(2, ("address", "203.0.113.7"), time="2026-11-20T10:00:00Z", count=5)], "one")
    listed(house, [row(3, ("network", "203.0.113.0/24"), time="2026-11-22T10:00:00", count=2)], "two")
    listed(house, [row(4, ("address", "203.0.113.8")), row(5, ("network", "203.0.0.0/25"))], "three")
    (found,) = said(house, report).said
    assert (found.rows, found.feeds, found.count, found.least) == (2, 2, 7, False)
    assert (found.first, found.last) == ("2026-11-20T10:00:00Z", "2026-11-22T10:00:00")
    assert found.sentence == (
        "The address 203.0.113.7 is also named by 2 rows of 2 feeds, 2026-11-20 to 2026-11-22, 7 counted."
    )
    assert {(each.submission, each.line) for each in found.cites} == {("s-one-1", 2), ("s-two-1", 3)}


def test_a_bad_row_supports_nothing() -> None:
    house = House()
    report = reported(house, mail(PAY))
    house.assess(report)
    listed(house, [row(2, ("domain", "pay-fee.test"), verdict="bad-time")])
    assert said(house, report) == Supported(said=(), whole=True)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_sheets_of_one_thing_one_below_at_and_above(over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EACH", 5)
    house = House()
    report = reported(house, mail(PAY))
    house.assess(report)
    for number in range(4 + over):
        listed(house, [row(2, ("domain", "pay-fee.test"))], number=number)
    (found,) = said(house, report).said
    assert (found.rows, found.least) == (4 + over, over == 1)


def test_more_things_than_are_looked_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "THINGS", 2)
    house = House()
    reports = [reported(house, mail(PAY), f"r{n}", ip=f"203.0.113.{n}") for n in range(1, 4)]
    house.assess(*reports)
    listed(house, [row(2, ("domain", "pay-fee.test"))])
    assert said(house, reports[0]).whole and not said(house, *reports).whole
    monkeypatch.setattr(module, "SHEETS", 1)
    assert not said(house, reports[0]).whole
