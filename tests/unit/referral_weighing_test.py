"""From a case of triage to its dossier: nothing is weighed anew, nothing that was erased is read."""

from datetime import timedelta
from typing import Any

import pytest

from intake.errors import Refused
from intake.record import Cite
from intake.report import Reporter
from referral.dossier import MOST_ITEMS, origin, seen_at
from referral.weighing import dossier_of
from tests.referral_house import NOW, SOURCE, FakeArchive, add_report, mail
from triage.case import Filing
from triage.fold import CaseView
from triage.harm import Assessment, Loss, Reason, Shown


def file(archive: FakeArchive, number: int, case: str, address: str, loss: int = 0, **more: Any) -> str:
    item = add_report(archive, number, address, mail(address, "Hello"), more.get("class_", "public"))
    cite = Cite(of=item.sha256, start=0, end=9)
    reasons = (
        Reason(code="password", sentence="It asks for a password.", dimension="credentials", grade=3, cites=(cite,)),
    )
    reasons += (Reason(code="cl.loss", sentence="The reporter says: I, Olga, lost it all", dimension="money", grade=3),)
    if more.get("old"):
        reasons += (
            Reason(code="old", sentence="It speaks to the old.", dimension="vulnerable", grade=2, cites=(cite,)),
        )
    relay = (Shown("open-relay", "weak", more["relay"], cites=(cite,)),) if "relay" in more else ()
    losses = (Loss("EUR", loss),) if loss else ()
    assessment = Assessment(band="concrete", kind="phishing", rules=1, reasons=reasons, losses=losses, techniques=relay)
    archive.keep(
        Filing(
            report=item.report, submission=f"s{number}", case=case, reporter=item.reporter, round=1,
            assessment=assessment, at=NOW + timedelta(minutes=number),
        )
    )  # fmt: skip
    return item.report


def view(**more: Any) -> CaseView:
    told = {"id": "c1", "version": 3, "band": "concrete", "harm_kind": "phishing", "title": "Locked"}
    return CaseView(**{**told, "reports": 3, "reporters": 3, **more})


def test_a_case_becomes_its_dossier() -> None:
    archive = FakeArchive()
    file(archive, 1, "c1", "a@mail.example", loss=500)
    file(archive, 2, "c1", "b@mail.example", old=True)
    file(archive, 3, "c0", "c@isp.example", class_="isp")
    file(archive, 4, "other", "d@mail.example")
    dossier = dossier_of(archive, view(members=("c0",)))
    assert [each.report for each in dossier.items] == ["report1", "report2", "report3"]
    assert (dossier.case, dossier.band, dossier.kind) == ("c1", "concrete", "phishing")
    assert (dossier.reports, dossier.reporters, dossier.isps) == (3, 3, 1)
    assert [each.code for each in dossier.reasons] == ["password", "old"]
    assert "Olga" not in repr(dossier.reasons)
    assert dossier.reasons[0].cites[0].evidence == "report1"
    assert [each.code for each in dossier.vulnerable] == ["old"]
    assert [(each.amount, each.currency, each.report) for each in dossier.losses] == [("500", "EUR", "report1")]
    assert [(each.country, each.role, each.subject) for each in dossier.countries] == [("NL", "sending-host", SOURCE)]
    assert dossier.languages == ("en",)


def test_techniques_are_those_of_the_case_and_name_the_machine() -> None:
    archive = FakeArchive()
    for number in (1, 2):
        file(archive, number, "c1", f"r{number}@mail.example", relay=SOURCE)
    file(archive, 3, "c1", "r3@mail.example")
    dossier = dossier_of(archive, view())
    (technique,) = dossier.techniques
    assert (technique.name, technique.strength, technique.addresses) == ("open-relay", "moderate", (SOURCE,))
    assert {each.evidence for each in technique.cites} == {"report1", "report2"}
    assert {each.role for each in dossier.seen if each.kind == "ip"} == {"relay"}


def test_a_machine_that_shows_no_technique_is_a_sending_host() -> None:
    archive = FakeArchive()
    file(archive, 1, "c1", "r1@mail.example", relay="198.51.100.7")
    assert {each.role for each in dossier_of(archive, view()).seen if each.kind == "ip"} == {"sending-host"}


def test_a_case_without_a_readable_report_is_refused() -> None:
    archive = FakeArchive()
    with pytest.raises(Refused, match="no report of case c1"):
        dossier_of(archive, view())
    report = file(archive, 1, "c1", "a@mail.example")
    del archive.kept["report", report]
    with pytest.raises(Refused, match="no report of case c1"):
        dossier_of(archive, view())


def test_a_large_case_is_read_up_to_a_limit() -> None:
    archive = FakeArchive()
    for number in range(MOST_ITEMS + 5):
        file(archive, number, "c1", f"reader{number}@mail.example")
    dossier = dossier_of(archive, view(reports=100_000, reporters=90_000))
    read = {each.report for each in dossier.items}
    assert len(read) == MOST_ITEMS and {"report0", f"report{MOST_ITEMS + 4}"} <= read
    assert dossier.reports == 100_000


def test_a_loss_that_is_told_of_twice_was_lost_once() -> None:
    archive = FakeArchive()
    file(archive, 1, "c1", "a@mail.example", loss=500)
    file(archive, 2, "c1", "b@mail.example", loss=500)
    file(archive, 3, "c1", "a@mail.example", loss=700)
    dossier = dossier_of(archive, view())
    assert sorted((each.amount, each.report) for each in dossier.losses) == [("500", "report2"), ("700", "report3")]


def test_the_time_is_that_of_the_receiving_server_or_ours() -> None:
    archive = FakeArchive()
    item = add_report(archive, 1, "a@mail.example", mail("a@mail.example", "Hi"))
    assert seen_at(item) == (item.examination.hops[0].time, "the receiving server's Received line")
    assert origin(item.examination, SOURCE)[:2] == ("AS64500", "NL")
    assert origin(item.examination, "203.0.113.9") == ("", "", "")
    reporter = archive.get(Reporter, item.reporter)
    assert reporter is not None and reporter.address not in repr(seen_at(item))
