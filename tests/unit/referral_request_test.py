"""The request: 38 fields that say only what is known, and checks that each can block."""

from typing import Any

import msgspec
import pytest

from intake.errors import Refused
from referral.checks import checks, failing
from referral.contact import ContactPoint
from referral.dossier import Amount
from referral.draft import Change, Wish, revise
from referral.fields import FIELDS
from referral.identity import Identifiers
from referral.refer import contacts, draft
from referral.request import AssistanceRequest, CheckResult, Exception_
from tests.referral_house import AUTHORITY, NOW, FakeArchive, add_report, filled, hand, house, mail, weighed

NOBODY = Identifiers([])


def made(**more: Any) -> tuple[AssistanceRequest, ContactPoint]:
    archive = FakeArchive()
    home = house(archive)
    dossier = filled(archive)
    if more:
        dossier = weighed(dossier.items, **more)
    return draft(home, dossier, hand("ana"), NOW, Wish()), contacts(archive)[0]


def with_value(request: AssistanceRequest, number: int, value: Any, reason: str = "") -> AssistanceRequest:
    fields = list(request.fields)
    fields[number - 1] = msgspec.structs.replace(fields[number - 1], value=value, reason=reason)
    return msgspec.structs.replace(request, fields=tuple(fields))


def stopped(request: AssistanceRequest, contact: ContactPoint | None) -> dict[str, CheckResult]:
    return {each.code: each for each in failing(checks(request, contact, NOW.date(), "TW"))}


def test_the_form_has_38_fields_and_each_is_filled_or_says_why_not() -> None:
    request, contact = made()
    assert [spec.number for spec in FIELDS] == [field.number for field in request.fields] == list(range(1, 39))
    assert all(field.value is not None or field.reason for field in request.fields)
    assert {field.number for field in request.fields if field.value is None} == {16, 17, 23, 32, 35}
    assert stopped(request, contact) == {}
    assert AssistanceRequest.read(request.body).digest == request.digest


def test_what_data_give_is_cited_and_timed() -> None:
    request, _ = made()
    assert all(request.field(number).cites for number in (13, 18, 19, 20, *range(24, 32), 33, 34, 36))
    for entry in request.field(19).value:
        assert entry["seen_utc"] == "2026-11-18T08:00:00Z" and entry["evidence"].startswith("report")
    assert request.field(28).value == {"reports": 3, "reporters": 3, "isps": 0}
    assert request.field(30).value["reported"] == [{"currency": "EUR", "amount": "1200", "statements": 1}]
    assert request.field(30).value["estimated"] is None
    assert request.field(29).value["low"] == 1 and request.field(29).value["high"] is None
    assert [each["about"] for each in request.field(34).value] == ["192.0.2.77"]


def test_a_link_that_only_one_reporter_got_is_not_named() -> None:
    request, _ = made()
    sites = request.field(18).value["sites"]
    assert "https://bank-login.test/verify/start" in sites and "bank-login.test" in sites
    assert not [site for site in sites if "report" in site or "?" in site]


def test_losses_are_summed_by_currency_and_one_without_a_sum_stays_so() -> None:
    losses = (Amount("500", "EUR", "report1"), Amount("700", "EUR", "report2"), Amount("", "", "report3"))
    request, _ = made(losses=losses)
    assert request.field(30).value["reported"] == [
        {"currency": "EUR", "amount": "1200", "statements": 2},
        {"currency": "not stated", "amount": "not stated", "statements": 1},
    ]
    assert request.field(29).value["low"] == 3


def test_a_link_to_a_mail_address_is_no_site() -> None:
    archive = FakeArchive()
    home = house(archive)
    dossier = filled(archive)
    item = dossier.items[0]
    found = item.examination.message
    away = msgspec.structs.replace(found.links[0], url="mailto:maria@mail.example", host="", domain="mail.example")
    message = msgspec.structs.replace(found, links=(*found.links, away))
    examination = msgspec.structs.replace(item.examination, message=message)
    dossier = weighed([msgspec.structs.replace(item, examination=examination), *dossier.items[1:]])
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    assert b"mail.example" not in request.body


def test_no_loss_is_none_reported_and_no_technique_is_not_determined() -> None:
    request, contact = made(losses=(), techniques=(), kind="advance-fee")
    assert request.field(30).value["reported"] == "none reported"
    assert request.field(29).value is None and "no reporter stated" in request.field(29).reason
    assert request.field(27).value is None and "no open relay" in request.field(27).reason
    assert stopped(request, contact) == {}


BROKEN: tuple[tuple[int, Any], ...] = (
    (1, {"number": "x"}), (2, "everything"), (3, {"utc": "x"}), (4, {"level": "soon", "reason": "x"}),
    (4, {"level": "high", "reason": ""}), (5, "2026-11-20"), (6, {"name": ""}), (7, {}), (8, " "), (9, ""),
    (11, {"certified_by": "x"}), (12, {"contact": "another"}), (13, []), (13, [{"role": "relay"}]),
    (13, [{"role": "friend", "country": "NL", "subject": "x", "evidence": ["r"]}]), (14, {}), (15, ""),
    (18, {"sites": []}), (19, [{"kind": "ip", "value": "192.0.2.1", "evidence": "r"}]), (20, {}), (21, "sure"),
    (22, ""),
    (24, "x" * 2001), (25, {"first_utc": "2026-12-01", "last_utc": "2026-11-01"}), (26, {}),
    (27, [{"name": "magic", "evidence": ["r"]}]), (28, {"reports": 1, "reporters": 2, "isps": 0}),
    (28, {"reports": "3"}),
    (29, {"low": 3}), (30, {"reported": [], "method": "x"}), (31, [{"country": "Taiwan", "method": "x"}]),
    (33, {"state": "x"}), (34, []),
    (34, [{"custodian": "x", "data": "all data", "about": "y", "from_utc": "1", "to_utc": "2"}]),
    (34, [{"custodian": "x", "data": "logs", "about": "y", "from_utc": "2", "to_utc": "1"}]),
    (35, {"intent": "x", "hold_until": "2026-12-01"}), (36, []), (37, {"class": "x"}),
    (38, {"stage": "x", "tried": ""}),
)  # fmt: skip


@pytest.mark.parametrize(("number", "value"), BROKEN, ids=[f"{number}-{at}" for at, (number, _) in enumerate(BROKEN)])
def test_a_field_that_is_wrong_blocks(number: int, value: Any) -> None:
    request, contact = made()
    wrong = stopped(with_value(request, number, value), contact)
    assert f"field-{number}" in wrong
    assert wrong[f"field-{number}"].sentence.endswith(".")


@pytest.mark.parametrize("spec", [spec for spec in FIELDS if spec.requirement == "R"], ids=lambda spec: spec.name)
def test_a_required_field_without_value_blocks_unless_it_may_stay_open_with_a_reason(spec: Any) -> None:
    request, contact = made()
    assert f"field-{spec.number}" in stopped(with_value(request, spec.number, None), contact)
    blocked = f"field-{spec.number}" in stopped(with_value(request, spec.number, None, "nobody knows"), contact)
    assert blocked != spec.open


@pytest.mark.parametrize(
    ("number", "value"),
    [(36, ["x"]), (36, "abc"), (24, 5), (19, [{"x": 1}]), (19, 7), (13, [None]), (25, {"first_utc": 1})],
)
def test_a_value_of_another_form_is_a_failing_check_and_no_crash(number: int, value: Any) -> None:
    request, contact = made()
    changed = revise(request, [Change(number=number, value=value)], hand("ben"), NOW, NOBODY)
    assert number in {check.field for check in checks(changed, contact, NOW.date(), "TW") if not check.passed}


@pytest.mark.parametrize("number", [0, 1, 39, 99])
def test_only_fields_that_there_are_can_be_changed(number: int) -> None:
    request, _ = made()
    with pytest.raises(Refused, match="no field"):
        revise(request, [Change(number=number, value="x")], hand("ben"), NOW, NOBODY)


def test_a_field_without_value_needs_a_reason() -> None:
    request, contact = made()
    for reason, passed in (("", False), ("it is not known", True)):
        changed = revise(request, [Change(number=16, reason=reason)], hand("ben"), NOW, NOBODY)
        (check,) = [each for each in checks(changed, contact, NOW.date(), "TW") if each.field == 16]
        assert check.passed is passed


def test_reciprocity_is_needed_in_the_united_states_alone() -> None:
    request, contact = made()
    without = with_value(request, 10, None, "not given")
    assert stopped(without, contact) == {}
    there = msgspec.structs.replace(without, country="US")
    assert "field-10" in stopped(there, contact)


def test_a_preservation_names_the_end_of_its_hold() -> None:
    archive = FakeArchive()
    home = house(archive)
    request = draft(home, filled(archive), hand("ana"), NOW, Wish(form="preservation"))
    assert request.field(35).value["hold_until"] == "2027-01-19"
    assert stopped(request, contacts(archive)[0]) == {}
    assert "field-35" in stopped(with_value(request, 35, None, "not wanted"), contacts(archive)[0])


@pytest.mark.parametrize("band", ["potential", "nuisance", "none"])
def test_outside_the_concrete_band_a_named_person_must_give_a_reason(band: str) -> None:
    request, contact = made(band=band)
    assert set(stopped(request, contact)) == {"band"}
    nameless = msgspec.structs.replace(request, exception=Exception_(by=" ", reason="because"))
    assert set(stopped(nameless, contact)) == {"band"}
    named = msgspec.structs.replace(request, exception=Exception_(by="chi", reason="A court asked for it."))
    assert stopped(named, contact) == {}


def test_the_request_as_a_whole_is_checked() -> None:
    request, contact = made()
    assert "contact-none" in stopped(request, None)
    assert "contact-changed" in stopped(request, msgspec.structs.replace(contact, request_address="x@z.example"))
    assert "abroad" in stopped(msgspec.structs.replace(request, country="TW"), contact)
    fields = tuple(msgspec.structs.replace(each, mark="secret") for each in request.fields)
    assert {"field-37", "handling"} <= set(stopped(msgspec.structs.replace(request, fields=fields), contact))
    red = tuple(msgspec.structs.replace(each, mark="TLP:RED") for each in request.fields)
    assert "handling" in stopped(msgspec.structs.replace(request, fields=red), contact)


def test_a_setting_that_is_missing_is_not_made_up() -> None:
    archive = FakeArchive()
    home = house(archive)._replace(authority=msgspec.structs.replace(AUTHORITY, power="", certified_by="", tried=""))
    request = draft(home, filled(archive), hand("ana"), NOW, Wish())
    assert request.field(9).value is None and "setting power" in request.field(9).reason
    assert set(stopped(request, contacts(archive)[0])) == {"field-9", "field-11", "field-38"}


def test_a_revision_is_a_new_version_that_names_the_one_before() -> None:
    request, _ = made()
    change = Change(number=15, value="Example Trading, known as maria.lopez@mail.example", reason="register of firms")
    new = revise(request, [change], hand("ben"), NOW, Identifiers(["maria.lopez@mail.example"]))
    assert (new.version, new.before, new.root) == (2, request.id, request.root)
    assert new.under == request.under and new.key != request.key and new.digest != request.digest
    assert new.field(15).value == "Example Trading, known as [withheld]"
    assert new.field(1).value["version"] == 2
    assert [each.person for each in new.hands] == ["ana", "ben"]
    assert request.field(15).value == "unknown"


def test_text_of_the_case_is_scrubbed_of_reporters() -> None:
    archive = FakeArchive()
    home = house(archive)
    one = add_report(archive, 1, "maria.lopez@mail.example", mail("maria.lopez@mail.example", "x"), name="Maria Lopez")
    said = (("rule", "It greets Maria Lopez (maria.lopez=mail.example) by name.", ()),)
    request = draft(home, weighed([one], reasons=said), hand("ana"), NOW, Wish())
    assert "It greets [withheld] ([withheld]) by name." in request.field(24).value
    assert b"lopez" not in request.body.lower()


def test_the_same_draft_twice_is_kept_once() -> None:
    archive = FakeArchive()
    home, dossier = house(archive), filled(archive)
    one = draft(home, dossier, hand("ana"), NOW, Wish())
    assert draft(home, dossier, hand("ana"), NOW, Wish()).digest == one.digest
    assert len([kind for kind, _ in archive.kept if kind == "request"]) == 1
    assert revise(one, [], hand("ana"), NOW, NOBODY).hands == one.hands
