"""The steps: nothing goes out without its checks, two people and one digest; nothing goes out twice."""

import email
import email.policy
import smtplib
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

from intake.errors import Refused, Temporary
from intake.people import Person, new_key
from referral.approval import Signer, approval, counting, signed, statement, valid
from referral.contact import verify
from referral.draft import Change, Wish
from referral.outbox import Folder, Mail, Parcel, submission
from referral.refer import (
    approvals,
    approve,
    approvers,
    change,
    contacts,
    draft,
    newest_version,
    package,
    record_seal,
    send,
    withdraw,
)
from referral.request import Approval, Delivery, Exception_, Hand, Outcome
from tests.referral_house import (
    KEYS,
    NOW,
    PHRASE,
    FakeArchive,
    add_report,
    approved,
    checkpoint,
    filled,
    fresh,
    hand,
    house,
    mail,
    signer,
    weighed,
)


class Failing:
    """An outbox that breaks down after it took the parcel, so many times."""

    repeatable = True

    def __init__(self, times: int) -> None:
        self.times, self.taken = times, []  # type: int, list[Parcel]

    def refuses(self, size: int) -> str:
        return ""

    def deliver(self, parcel: Parcel) -> str:
        self.taken.append(parcel)
        if len(self.taken) <= self.times:
            raise Temporary("the line is down")
        return "there"


class Post(Failing):
    repeatable = False


def test_from_draft_to_sent(tmp_path: Path) -> None:
    home, archive, dossier = fresh()
    request, bundle = approved(home, dossier)
    delivery = send(home, request.id, bundle.data, "chi", NOW, Folder(tmp_path), "a")
    assert (tmp_path / delivery.place).read_bytes() == bundle.data and delivery.place == bundle.name
    assert (tmp_path / delivery.place).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [bundle.name]
    outcome = archive.get(Outcome, request.root)
    assert outcome is not None
    assert (outcome.what, outcome.digest, outcome.by) == ("sent", request.digest, "chi")
    assert outcome.to == "requests.nl@authority.example"
    again = draft(home, dossier, hand("ana"), NOW + timedelta(days=1), Wish())
    assert again.field(38).value["asked"] == ["Demonstration Authority NL"]


def test_a_second_send_sends_nothing_more(tmp_path: Path) -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    outbox = Failing(0)
    first = send(home, request.id, bundle.data, "chi", NOW, outbox, "a")
    assert send(home, request.id, bundle.data, "ben", NOW + timedelta(hours=1), outbox, "b") == first
    assert len(outbox.taken) == 1


def test_a_crash_while_sending_is_finished_where_that_is_safe() -> None:
    home, archive, dossier = fresh()
    request, bundle = approved(home, dossier)
    folder = Failing(1)
    with pytest.raises(Temporary):
        send(home, request.id, bundle.data, "chi", NOW, folder, "a")
    assert archive.get(Delivery, request.root) is None
    assert send(home, request.id, bundle.data, "chi", NOW, folder, "b").place == "there"
    assert archive.get(Delivery, request.root) is not None


def test_a_mail_that_may_have_left_is_not_sent_again() -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    post = Post(1)
    with pytest.raises(Temporary):
        send(home, request.id, bundle.data, "chi", NOW, post, "a")
    with pytest.raises(Refused, match="may have left"):
        send(home, request.id, bundle.data, "chi", NOW, post, "b")
    assert len(post.taken) == 1


def test_another_bundle_than_the_sealed_one_does_not_go() -> None:
    home, archive, dossier = fresh()
    request, bundle = approved(home, dossier)
    with pytest.raises(Refused, match="not the sealed bundle"):
        send(home, request.id, bundle.data + b"x", "chi", NOW, Failing(0), "a")
    assert archive.get(Outcome, request.root) is None
    outbox = Failing(1)
    with pytest.raises(Temporary):
        send(home, request.id, bundle.data, "chi", NOW, outbox, "a")
    with pytest.raises(Refused, match="another bundle"):
        send(home, request.id, bundle.data + b"x", "chi", NOW, outbox, "b")


def test_who_wrote_it_may_not_approve_it_nor_one_who_holds_the_same_key() -> None:
    home, archive, dossier = fresh()
    everyone = home._replace(keys={**home.keys, "ana": KEYS["ana"][1].hex(), "anna": KEYS["ana"][1].hex()})
    request = draft(everyone, dossier, hand("ana"), NOW, Wish())
    for name in ("ana", "anna", "ANA "):
        keys = {**everyone.keys, name: KEYS["ana"][1].hex()}
        with pytest.raises(Refused, match="may not approve it"):
            approve(everyone._replace(keys=keys), request.id, name, signer("ana"), NOW)
    other = everyone._replace(keys={"ana": KEYS["chi"][1].hex()})
    with pytest.raises(Refused, match="may not approve it"):
        approve(other, request.id, "ana", signer("chi"), NOW)
    assert not [kind for kind, _ in archive.kept if kind == "approval"]


def test_who_may_not_approve_approves_nothing() -> None:
    home, _, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    with pytest.raises(Refused, match="may not approve requests with this key"):
        approve(home, request.id, "dan", signer("ben"), NOW)
    with pytest.raises(Refused, match="may not approve requests with this key"):
        approve(home, request.id, "ben", signer("chi"), NOW)
    with pytest.raises(Refused, match="nobody else has approved"):
        package(home, request.id, dossier.items, "ben", signer("ben"), NOW, checkpoint())


def test_an_approver_who_left_counts_no_more() -> None:
    home, archive, dossier = fresh()
    request, bundle = approved(home, dossier)
    gone = home._replace(keys={"chi": home.keys["chi"]})
    with pytest.raises(Refused, match="nobody else has approved"):
        send(gone, request.id, bundle.data, "chi", NOW, Failing(0), "a")
    approve(gone, request.id, "chi", signer("chi"), NOW)
    with pytest.raises(Refused, match="who sealed the bundle may not approve any more"):
        send(gone, request.id, bundle.data, "chi", NOW, Failing(0), "a")
    assert archive.get(Outcome, request.root) is None


def test_a_signature_is_over_exactly_this_digest_request_and_person() -> None:
    home, _, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    made = approval(request, "ben", signer("ben"), NOW)
    key = KEYS["ben"][1].hex()
    assert valid(made, key) and not valid(made, KEYS["chi"][1].hex())
    for field, value in (("digest", "0" * 64), ("request", "other"), ("person", "bea"), ("signature", "00" * 64)):
        assert not valid(msgspec.structs.replace(made, **{field: value}), key)
    assert counting(request, [made], {"ben": key}) == (made,)
    assert counting(msgspec.structs.replace(request, band="none"), [made], {"ben": key}) == ()
    assert counting(request, [made, msgspec.structs.replace(made, person="bea")], {"ben": key, "bea": key}) == (made,)
    assert not signed(statement("a", "b", "c"), "not hexadecimal", key)


@pytest.mark.parametrize(("pem", "phrase"), [(KEYS["ben"][0], "wrong horse"), (KEYS["ben"][0], ""), (b"nonsense", "x")])
def test_a_key_opens_with_its_passphrase_only(pem: bytes, phrase: str) -> None:
    with pytest.raises(Refused):
        Signer(pem, phrase)


def test_a_key_without_a_passphrase_is_refused() -> None:
    assert b"ENCRYPTED" in new_key(PHRASE)[0]
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    bare = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(Refused):
        Signer(bare, PHRASE.decode())


def test_a_blocked_request_is_neither_approved_nor_sent() -> None:
    archive = FakeArchive()
    home = house(archive)
    nuisance = weighed(filled(archive).items, band="nuisance")
    request = draft(home, nuisance, hand("ana"), NOW, Wish())
    with pytest.raises(Refused, match="band: The case is in the band nuisance"):
        approve(home, request.id, "ben", signer("ben"), NOW)
    reason = Exception_(by="chi", reason="Elderly people are called back by phone.")
    new = change(home, request.id, nuisance, [], hand("ana"), NOW, reason)
    assert approve(home, new.id, "ben", signer("ben"), NOW).digest == new.digest


def test_an_edit_after_approval_needs_a_new_approval() -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    new = change(home, request.id, dossier, [Change(number=17, value="web shop")], hand("ana"), NOW)
    with pytest.raises(Refused, match="version 2 has taken its place"):
        send(home, request.id, bundle.data, "chi", NOW, Failing(0), "a")
    with pytest.raises(Refused, match="nobody else has approved"):
        approvals(home, new)
    with pytest.raises(Refused, match="version 2"):
        approve(home, request.id, "ben", signer("ben"), NOW)
    assert newest_version(home.archive, request.id) == new


def test_who_edits_last_is_an_author_too() -> None:
    home, _, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    new = change(home, request.id, dossier, [Change(number=17, value="web shop")], hand("ben"), NOW)
    with pytest.raises(Refused, match="may not approve it"):
        approve(home, new.id, "ben", signer("ben"), NOW)
    assert approve(home, new.id, "chi", signer("chi"), NOW).person == "chi"


def test_of_two_edits_at_once_the_second_is_told() -> None:
    home, archive, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    theirs = change(home, request.id, dossier, [Change(number=17, value="theirs")], hand("ben"), NOW)
    with pytest.raises(Refused, match="version 2 has taken its place"):
        change(home, request.id, dossier, [Change(number=17, value="mine")], hand("ana"), NOW)
    late = archive.kept.pop(("request", theirs.id))
    original = archive.keep

    def racing(record: Any) -> Any:
        archive.kept.setdefault(("request", theirs.id), late)
        return original(record)

    archive.keep = racing  # type: ignore[method-assign]
    with pytest.raises(Refused, match="somebody else has just written"):
        change(home, request.id, dossier, [Change(number=17, value="mine")], hand("ana"), NOW)


def test_a_contact_that_changed_after_approval_blocks() -> None:
    home, archive, dossier = fresh()
    request, bundle = approved(home, dossier)
    archive.keep(verify(contacts(archive)[0], "elsewhere@authority.example", "ana", NOW))
    with pytest.raises(Refused, match="has changed since"):
        send(home, request.id, bundle.data, "chi", NOW, Failing(0), "a")


def test_a_contact_that_ran_out_blocks() -> None:
    archive = FakeArchive()
    from referral.contact import demo_contact

    contact = msgspec.structs.replace(demo_contact("NL", NOW), valid_until=NOW.date())
    home, dossier = house(archive, contact), filled(archive)
    request, bundle = approved(home, dossier)
    with pytest.raises(Refused, match="not in force"):
        send(home, request.id, bundle.data, "chi", NOW + timedelta(days=1), Failing(0), "a")


def test_withdrawn_and_sent_exclude_each_other() -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    withdraw(home, request.id, "ana", "The bank has settled it.", NOW)
    for step in (
        lambda: send(home, request.id, bundle.data, "chi", NOW, Failing(0), "a"),
        lambda: approve(home, request.id, "chi", signer("chi"), NOW),
        lambda: change(home, request.id, dossier, [], hand("ana"), NOW),
    ):
        with pytest.raises(Refused, match="withdrawn"):
            step()
    with pytest.raises(Refused, match="reason"):
        withdraw(home, request.id, "ana", " ", NOW)


def test_what_was_sent_cannot_be_withdrawn() -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    send(home, request.id, bundle.data, "chi", NOW, Failing(0), "a")
    with pytest.raises(Refused, match="was sent by chi before"):
        withdraw(home, request.id, "ana", "Too late.", NOW)
    with pytest.raises(Refused, match="was sent and cannot change"):
        change(home, request.id, dossier, [], hand("ana"), NOW)


def test_the_first_seal_stands_and_a_stranger_seals_nothing() -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    approve(home, request.id, "chi", signer("chi"), NOW)
    other = package(home, request.id, dossier.items, "chi", signer("chi"), NOW, checkpoint())
    assert other.sha256 != bundle.sha256
    assert record_seal(home, request.id, other, "chi", NOW).sha256 == bundle.sha256
    with pytest.raises(Refused, match="has not approved this version"):
        package(home, request.id, dossier.items, "ana", signer("ana"), NOW, checkpoint())


def test_evidence_that_is_no_longer_what_was_approved_stops_the_seal() -> None:
    from referral.disclosure import Consent

    home, archive, dossier = fresh()
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    approve(home, request.id, "ben", signer("ben"), NOW)
    archive.keep(Consent(reporter=dossier.items[0].reporter, at=NOW, how="form 7"))
    with pytest.raises(Refused, match="exhibit report1 is not what was approved"):
        package(home, request.id, dossier.items, "ben", signer("ben"), NOW, checkpoint())


def test_many_reports_leave_a_bounded_bundle() -> None:
    archive = FakeArchive()
    home = house(archive)
    items = [
        add_report(archive, number, f"reader.{number}@mail.example", mail(f"reader.{number}@mail.example", "Hi"))
        for number in range(30)
    ]
    request, _ = approved(home, weighed(items))
    assert len(request.field(36).value) == 25
    assert request.field(36).reason == "25 of 30 reports; the others can be asked for"


def test_approvers_are_those_who_are_there_and_hold_a_key() -> None:
    import base64

    def person(name: str, *roles: Any, key: bytes = KEYS["ben"][1]) -> Person:
        encoded = base64.b64encode(key).decode()
        return Person(id=name, name=name, roles=roles, public_key=encoded, added_by="x", at=NOW)

    people = [
        (person("ben", "approver"), True), (person("gone", "approver"), False), (person("ana", "investigator"), True),
        (person("keyless", "approver", key=b""), True),
    ]  # fmt: skip
    assert approvers(people) == {"ben": KEYS["ben"][1].hex()}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Controller]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Mailbox(str(tmp_path / "mail")), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def test_a_request_goes_through_a_real_mail_server(server: Controller, tmp_path: Path) -> None:
    home, _, dossier = fresh()
    request, bundle = approved(home, dossier)
    outbox = Mail(lambda: submission("127.0.0.1", server.port), "liaison@unit.example")
    delivery = send(home, request.id, bundle.data, "chi", NOW, outbox, "a")
    assert delivery.place == f"<request.{request.root}@unit.example>"
    (path,) = (tmp_path / "mail" / "new").iterdir()
    got = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert (got["To"], got["Message-ID"]) == ("requests.nl@authority.example", delivery.place)
    (attachment,) = got.iter_attachments()
    assert attachment.get_content() == bundle.data and attachment.get_filename() == bundle.name


def test_a_bundle_that_mail_does_not_carry_is_refused_before_anything_is_kept() -> None:
    home, archive, dossier = fresh()
    request, bundle = approved(home, dossier)
    outbox = Mail(smtplib.SMTP, "liaison@unit.example", largest=1000)
    with pytest.raises(Refused, match="mail takes 1000"):
        send(home, request.id, bundle.data, "chi", NOW, outbox, "a")
    assert archive.get(Outcome, request.root) is None


def test_an_unknown_request_is_refused() -> None:
    home, _, _ = fresh()
    with pytest.raises(Refused, match="no request"):
        newest_version(home.archive, "nothing")
    assert Hand("x").public_key == "" and Approval.kind == "approval"
