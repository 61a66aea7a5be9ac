"""What `erase WHAT` means, what goes along, what stands in its way, and that nothing comes back behind it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from deploy import erasing
from deploy.commands.desk import refill
from deploy.erasing import Plan
from deploy.meant import Meant, meant, owners_of
from deploy.sweeper import start
from deploy.wiring import now
from intake.accept import reference
from intake.archive import Erasure, Name
from intake.errors import Refused
from intake.record import Record
from intake.report import Report, Reporter
from intake.store import Row, every
from intake.submission import Envelope, Submission, Unpacked
from intake.vault import keys
from intake.vault.book import blank
from referral.draft import Wish
from referral.refer import House, draft
from referral.request import Approval, AssistanceRequest, Hand, Outcome
from referral.weighing import dossier_of
from tests.additions_house import PEER, Home, the_only
from tests.referral_house import AUTHORITY
from tests.walker import mail

WHO = "Reader.One@isp.example"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.close()


def by_mail(home: Home, tag: str, who: str = WHO) -> str:
    return home.hand_in("smtp", Envelope(mail_from=who, peer=PEER), mail(tag=tag))


def what(home: Home, text: str) -> Plan:
    return erasing.plan(home.house, owners_of(home.house, meant(home.house, text)))


def erase(home: Home, text: str) -> Erasure:
    return erasing.erase(home.house, what(home, text), "their wish", "anna")


def test_a_person_is_found_by_address_as_sender_and_as_contact(home: Home) -> None:
    mailed, typed = by_mail(home, "a"), home.send(mail(tag="b"), contact=WHO)
    other = by_mail(home, "a", "other@isp.example")
    home.work()
    found = meant(home.house, f" <{WHO.upper()}> ")
    assert found.kind == "reporter" and len(found.ids) == 2 and "@" not in str(found)
    assert set(what(home, WHO).submissions) == {mailed, typed}
    erase(home, WHO)
    assert [each.submission for each in every(home.house.store, Report, {})] == [other]
    assert [each.address for each in every(home.house.store, Reporter, {})] == ["other@isp.example"]
    with pytest.raises(Refused, match="nothing here goes by that") as refused:
        meant(home.house, WHO)
    assert WHO not in refused.value.says


def test_a_stranger_is_found_by_network_address(home: Home) -> None:
    submission = home.send(mail(tag="quiet"), peer="2001:db8:1:2::7")
    home.work()
    assert what(home, "2001:db8:1:2:ffff::1").submissions == (submission,)
    assert what(home, "[2001:db8:1:2::7]").submissions == (submission,)


def test_report_submission_and_reference_mean_the_same(home: Home) -> None:
    submission, _ = by_mail(home, "a"), by_mail(home, "b")
    home.work()
    report = the_only(home.reports(submission)).id
    public = reference(keys.door(home.house.keys), submission)
    named = {meant(home.house, each) for each in (submission, report, public, public.upper())}
    assert named == {Meant("submission", (submission,))}


def test_whoever_has_nothing_left_is_forgotten_with_it(home: Home) -> None:
    first, second = by_mail(home, "a"), by_mail(home, "b")
    home.work()
    erase(home, first)
    assert len(list(every(home.house.store, Reporter, {}))) == 1
    erase(home, second)
    assert not list(every(home.house.store, Reporter, {}))


def test_what_waits_to_be_unpacked_goes_too(home: Home) -> None:
    first = home.send(mail(tag="a"), contact=WHO)
    home.work()
    waiting, addition = home.send(mail(tag="b"), contact=WHO), home.send(of=first, adds="loss", loss="5 EUR")
    home.follow()
    assert set(what(home, WHO).submissions) == {first, waiting, addition}
    erase(home, WHO)
    home.work()
    assert not list(every(home.house.store, Submission, {})) and not list(every(home.house.store, Unpacked, {}))


def test_a_reporter_who_comes_back_is_no_remainder_of_the_erased_one(home: Home) -> None:
    gone = by_mail(home, "a")
    home.work()
    erase(home, WHO)
    back = by_mail(home, "b")
    home.work()
    home.follow()
    start(home.house)
    assert [each.address for each in every(home.house.store, Reporter, {})] == [WHO.lower()]
    (home.house.home / "store.sqlite").rename(home.house.home / "gone.sqlite")
    home.house.database.close()
    for name in ("database", "store", "archive", "follower", "work", "loose"):
        home.house.__dict__.pop(name, None)
    refill(home.house)
    assert [each.address for each in every(home.house.store, Reporter, {})] == [WHO.lower()]
    assert [each.id for each in every(home.house.store, Submission, {})] == [back] != [gone]
    assert set(what(home, WHO).submissions) == {back}


def test_the_reason_can_not_name_whom_it_forgets(home: Home) -> None:
    by_mail(home, "a")
    home.work()
    with pytest.raises(Refused, match="can't name"):
        erasing.erase(home.house, what(home, WHO), f"wish of {WHO.lower()}", "anna")
    assert not list(every(home.house.store, Erasure, {}))


def test_a_step_that_was_at_it_can_not_bring_anything_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = by_mail(home, "a")
    home.work()
    report = the_only(home.reports(submission))
    archive, rows = home.house.archive, home.house.archive._rows

    def overtaken(records: Sequence[Record]) -> dict[Name, Row]:
        """The rows as they were a moment before somebody erases their owner."""
        found = rows(records)
        monkeypatch.undo()
        erase(home, submission)
        return found

    monkeypatch.setattr(archive, "_rows", overtaken)
    with pytest.raises(Refused, match="not kept any more"):
        archive.keep(report)
    assert home.house.store.rows([("report", report.id)]) == {}


def test_the_follower_drops_what_was_erased_while_it_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    by_mail(home, "a")
    follower = home.house.follower
    drop = follower._not_erased

    def overtaken(opened: list[tuple[Record, Row]]) -> list[tuple[Record, Row]]:
        for _, row in opened:
            if row.kind == Submission.kind and row.slot is not None:
                blank(home.house.vault, row.slot)
        return drop(opened)

    monkeypatch.setattr(follower, "_not_erased", overtaken)
    home.follow()
    assert not list(every(home.house.store, Submission, {}))


def drafted(home: Home, submission: str) -> AssistanceRequest:
    """A request drafted for the case of that submission, and files such as a seal and an outbox leave."""
    archive, hand = home.house.archive, Hand(person="anna")
    dossier = dossier_of(archive, home.case(the_only(home.reports(submission)).id))
    made = draft(House(archive, AUTHORITY, {}), dossier, hand, now(), Wish())
    for folder in ("bundles", "outbox"):
        (home.folder / folder).mkdir(exist_ok=True)
        (home.folder / folder / f"{made.id}-x.zip").write_bytes(b"sealed")
    return made


def approve(home: Home, request: AssistanceRequest) -> None:
    home.house.archive.keep(
        Approval(
            request=request.id, root=request.root, digest=request.digest, person="bert", public_key="", signature="",
            at=now(),
        )
    )  # fmt: skip


def left_of(home: Home, request: AssistanceRequest) -> list[str]:
    kept = home.house.archive.get(AssistanceRequest, request.id)
    return [*(["record"] if kept else []), *(path.name for path in home.folder.glob(f"*/*{request.id}*"))]


def test_a_draft_goes_with_what_it_was_drawn_from_and_an_earlier_one_stays(home: Home) -> None:
    first = by_mail(home, "a")
    home.work()
    earlier = drafted(home, first)
    second = by_mail(home, "b", "other@isp.example")
    home.work()
    later = drafted(home, second)
    assert what(home, second).requests == (later.root,) and what(home, second).approved == ()
    erase(home, second)
    assert left_of(home, later) == [] and len(left_of(home, earlier)) == 3


def test_an_approved_request_holds_what_it_rests_on_until_it_is_named(home: Home) -> None:
    submission = by_mail(home, "a")
    home.work()
    request = drafted(home, submission)
    approve(home, request)
    assert erasing.in_the_way(home.house, what(home, WHO)) == [
        f"request {request.root} was approved and rests on it; name it with --request to erase it as well"
    ]
    with pytest.raises(Refused, match="rests on it"):
        erase(home, WHO)
    assert home.reports(submission) and len(left_of(home, request)) == 3
    named = erasing.plan(home.house, owners_of(home.house, meant(home.house, WHO)), [request.root])
    erasing.erase(home.house, named, "their wish", "anna")
    assert left_of(home, request) == [] and home.reports(submission) == []
    assert home.house.store.rows([("approval", f"{request.id}/bert")]) == {}


@pytest.mark.parametrize("outcome", ["withdrawn", "sent"])
def test_what_was_sent_holds_and_what_was_withdrawn_does_not(home: Home, outcome: Literal["withdrawn", "sent"]) -> None:
    submission = by_mail(home, "a")
    home.work()
    request = drafted(home, submission)
    approve(home, request)
    home.house.archive.keep(
        Outcome(root=request.root, what=outcome, request=request.id, digest=request.digest, by="anna", at=now())
    )
    held = erasing.in_the_way(home.house, what(home, submission))
    assert len(held) == (outcome == "sent")
