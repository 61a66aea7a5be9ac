"""What a person tells in the form and adds later, through the whole line: claims, cases, counts, erasure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import erasing, states
from intake.report import Claims, Report, Reporter, Withdrawal, pseudonym
from intake.store import every
from intake.submission import Addition, Envelope, Submission, Unpacked
from tests.additions_house import PEER, Home, the_only
from tests.walker import lapwing, mail
from triage import assess
from triage.case import Filing
from triage.fold import CaseView
from triage.stream import current


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.close()


def test_what_was_told_stands_in_the_claims_and_the_person_in_one_record(home: Home) -> None:
    told = {"loss": "TWD 30,000\nby card", "given": True, "contact": "Reader@isp.example", "consent": True,
            "language": "en", "how": "file"}  # fmt: skip
    submission = home.send(mail(tag="told"), filename="a.eml", **told)
    home.work()
    report = the_only(home.reports(submission))
    assert report.claims == Claims(loss="TWD 30,000\nby card", given=True, consent=True)
    reporter = home.house.archive.get(Reporter, report.reporter)
    assert reporter == Reporter(
        id=report.reporter,
        address="reader@isp.example",
        edges=("isp.example",),
        unverified=True,
        voice=pseudonym(home.house.secret("reporter"), "reader@isp.example"),
    )
    view = home.case(report.id)
    assert (view.losses, view.loss_reports, view.reporters) == ({"TWD": 30_000}, 1, 1)
    for kind in (Report, Filing, CaseView, Unpacked):
        assert not any(b"reader" in each.body.lower() for each in every(home.house.store, kind, {}))


def test_a_typed_address_is_nobody_whom_we_know(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "lapwing.toml").write_text(
        '[[reporters]]\naddress = "isp.example"\nclass = "isp"\nedges = ["mx.isp.example"]\n'
    )
    home = Home(folder)
    submission = home.send(mail(tag="known"), contact="abuse@isp.example")
    home.work()
    sent = home.hand_in("smtp", Envelope(mail_from="abuse@isp.example"), mail(tag="known"))
    home.work()
    typed, mailed = the_only(home.reports(submission)), the_only(home.reports(sent))
    classes = [home.house.archive.get(Reporter, each.reporter) for each in (typed, mailed)]
    assert [each and each.class_ for each in classes] == ["public", "isp"]
    assert typed.reporter != mailed.reporter
    home.close()


def test_without_an_address_the_network_is_the_reporter(home: Home) -> None:
    submission = home.send(mail(tag="quiet"))
    home.work()
    reporter = home.house.archive.get(Reporter, the_only(home.reports(submission)).reporter)
    assert reporter is not None and (reporter.address, reporter.unverified) == (f"[{PEER}]", False)


@pytest.mark.parametrize("how", ["text", "source"])
def test_pasted_text_without_a_header_is_a_report_with_what_is_missing(home: Home, how: str) -> None:
    text = b"Your parcel is held.\r\nPay now: http://parcel-fee.test/pay\r\n"
    submission = home.send(text, how=how)
    plain = home.send(text + b"again")
    home.work()
    report = the_only(home.reports(submission))
    assert {"headers", "received"} <= set(report.missing)
    assert home.verdicts(plain) == ["not-a-report"]


@pytest.mark.parametrize("lane", ["life", "child-abuse", "police", "sms"])
def test_an_urgent_lane_reaches_the_queue_whatever_was_handed_in(home: Home, lane: str) -> None:
    good = home.send(mail(tag="lane"), lane=lane)
    nothing = home.send(b"\x89PNG\r\n\x1a\nno picture", how="picture", lane=lane)
    calm = home.send(mail(subject="Offer", text="Buy our fine carpets today, a big sale", tag="calm"))
    home.work()
    assert home.case(the_only(home.reports(good)).id).lane == lane
    alone = the_only(home.reports(nothing))
    assert (alone.format, alone.start, alone.end, alone.claims.lane) == ("told", 0, 0, lane)
    assert home.case(alone.id).lane == lane
    assert home.case(the_only(home.reports(calm)).id).lane == ""
    queued = lapwing(home.folder, "queue", "--json").out
    assert home.case(alone.id).id not in queued and home.case(the_only(home.reports(calm)).id).id in queued
    assert home.case(alone.id).id in lapwing(home.folder, "lanes", "--lane", lane, "--json").out


def test_a_loss_told_later_counts_and_twice_counts_once(home: Home) -> None:
    first = home.send(mail(tag="later"))
    home.work()
    report = the_only(home.reports(first))
    assert home.case(report.id).loss_reports == 0
    added = [home.send(of=first, adds="loss", loss=f"EUR {sum_}", peer="203.0.113.9") for sum_ in (500, 700)]
    home.work()
    reports = home.reports(first)
    assert {each.claims.loss for each in reports} == {"", "EUR 500", "EUR 700"}
    assert {each.reporter for each in reports} == {report.reporter} and {each.sha256 for each in reports} == {
        report.sha256
    }
    view = home.case(report.id)
    assert (view.loss_reports, view.reporters) == (1, 1) and view.losses in ({"EUR": 500}, {"EUR": 700})
    assert [home.verdicts(each) for each in added] == [["report"], ["report"]]
    kept = list(every(home.house.store, Addition, {"of": first}))
    assert {(each.submission, each.what) for each in kept} == {(each, "loss") for each in added}


def test_a_loss_is_kept_where_there_is_no_message(home: Home) -> None:
    first = home.send(b"\x89PNG\r\n\x1a\nno picture", how="picture")
    added = home.send(of=first, adds="loss", loss="EUR 500")
    home.work()
    report = the_only(home.reports(added))
    assert home.verdicts(first) == ["damaged"]
    assert (report.format, report.claims.loss) == ("told", "EUR 500")
    assert home.case(report.id).losses == {"EUR": 500}


def test_the_original_is_of_the_same_reporter_and_linked(home: Home) -> None:
    first = home.send(b"Your parcel is held.", how="text", contact="a@isp.example", loss="EUR 5")
    original = home.send(mail(tag="original"), of=first, adds="original", peer="203.0.113.9")
    home.work()
    sent, later = the_only(home.reports(first)), the_only(home.reports(original))
    assert later.reporter == sent.reporter and "headers" not in later.missing
    assert later.claims.loss == "EUR 5"
    kept = home.house.archive.get(Addition, original)
    assert kept is not None and (kept.of, kept.what) == (first, "original")


def test_an_addition_to_an_addition_adds_to_the_first(home: Home) -> None:
    first = home.send(mail(tag="chain"))
    original = home.send(mail(tag="chain-original"), of=first, adds="original")
    home.send(of=original, adds="withdrawal")
    home.work()
    withdrawn = {each.report for each in every(home.house.store, Withdrawal, {})}
    assert withdrawn == {the_only(home.reports(first)).id, the_only(home.reports(original)).id}


def test_a_withdrawal_takes_report_reporter_and_loss_back(home: Home) -> None:
    mine = home.send(mail(tag="back"), contact="a@isp.example", loss="EUR 500")
    other = home.send(mail(tag="back"), contact="b@isp.example")
    home.work()
    report, stays = the_only(home.reports(mine)), the_only(home.reports(other))
    before = home.case(report.id)
    assert (before.reports, before.reporters, before.loss_reports) == (2, 2, 1)
    added = home.send(of=mine, adds="withdrawal")
    home.work()
    after = home.case(stays.id)
    assert (after.reports, after.reporters, after.loss_reports, after.losses) == (1, 1, 0, {})
    assert home.verdicts(added) == ["withdrawal"]
    assert home.state(mine) == "withdrawn"
    assert home.state(other) == "filed"
    shown = lapwing(home.folder, "case", "show", after.id, "--json").line["reports"]
    assert {each["report"]: bool(each["withdrawn"]) for each in shown} == {report.id: True, stays.id: False}
    assert "withdrawn by its reporter" in lapwing(home.folder, "explain", report.id).out


def test_a_reporter_counts_again_by_another_report_of_theirs(home: Home) -> None:
    one = home.send(mail(tag="a1"), contact="a@isp.example")
    home.work()
    two = home.send(mail(tag="a2"), contact="a@isp.example")
    home.work()
    home.send(of=one, adds="withdrawal")
    home.work()
    assert home.case(the_only(home.reports(two)).id).reporters == 1


def test_a_withdrawal_that_comes_with_the_report_counts_from_the_start(home: Home) -> None:
    mine = home.send(mail(tag="at once"))
    home.send(of=mine, adds="withdrawal")
    home.work()
    assert home.case(the_only(home.reports(mine)).id).reporters == 0


def test_withdrawn_counts_nothing_after_a_rebuild_either(home: Home) -> None:
    mine = home.send(mail(tag="again"), loss="EUR 500")
    home.send(of=mine, adds="withdrawal")
    home.work()
    report = the_only(home.reports(mine)).id
    before = home.case(report)
    home.close()
    assert lapwing(home.folder, "rebuild").status == 0
    again = Home(home.folder)
    assert again.case(report) == before and before.reporters == 0
    again.close()
    home.house.__dict__.clear()
    home.__init__(home.folder)  # type: ignore[misc]


def test_what_is_added_goes_with_the_reporter_and_what_was_erased_takes_no_addition(home: Home) -> None:
    first = home.send(mail(tag="gone"), contact="a@isp.example")
    loss = home.send(of=first, adds="loss", loss="EUR 77", language="en")
    home.work()
    reporter = the_only([each for each in home.reports(first) if not each.claims.loss]).reporter
    home.house.writer.close()
    done = lapwing(home.folder, "erase", "reporter", reporter, "--reason", "their wish", "--yes")
    assert done.status == 0, done.err
    for each in (first, loss):
        assert home.house.store.get(Submission, each) is None
    home.house.parser.close()
    home = Home(home.folder)
    late = home.send(of=first, adds="loss", loss="EUR 5")
    home.work()
    assert home.verdicts(late) == ["not-a-report"] and home.reports(late) == []
    home.house.parser.close()


def test_a_withdrawal_that_was_erased_still_holds(home: Home) -> None:
    first = home.send(mail(tag="kept"), contact="a@isp.example")
    home.work()
    case = home.case(the_only(home.reports(first)).id).id
    back = home.send(of=first, adds="withdrawal")
    home.work()
    what = erasing.plan(home.house, [(Submission.kind, back)])
    erasing.erase(home.house, what, "its time is over", "test")
    home.send(of=first, adds="loss", loss="300 EUR")
    home.work()
    assert current(home.house.archive, case).reports == 0
    states.fill(home.house.archive, home.house.receipts)
    assert home.state(first) == "withdrawn"


def test_what_is_handed_in_again_after_it_was_erased_counts_once(home: Home) -> None:
    """Its report has the same id, and the case remembers the one that was erased."""
    for _ in range(2):
        last = home.send(mail(tag="again"), contact="a@isp.example")
        home.work()
        view = home.case(the_only(home.reports(last)).id)
        assert (view.reports, view.reporters) == (1, 1)
        assess.fold_anew(home.house.archive, [view.id])
        assert current(home.house.archive, view.id) == view
        erasing.erase(home.house, erasing.plan(home.house, [(Submission.kind, last)]), "their wish", "test")
        assert current(home.house.archive, view.id).reports == 0
