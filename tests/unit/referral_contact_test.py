"""Contact points: what the imported directory may be used for, row by row, and who is asked in which case."""

import csv
from datetime import date, timedelta

import pytest

from intake.errors import Refused
from referral.checks import checks, failing
from referral.contact import DIRECTORY, ContactPoint, blocked, demo_contact, newest, read_directory, verify
from referral.dossier import Dossier, Where
from referral.draft import Wish
from referral.refer import contacts, draft, results
from referral.route import route
from tests.referral_house import NOW, FakeArchive, filled, fresh, hand, house, weighed

ROWS = list(csv.DictReader(DIRECTORY.read_text("utf-8").splitlines()))
IMPORTED = read_directory(DIRECTORY.read_text("utf-8"))
TODAY = NOW.date()


def test_every_row_is_imported_with_its_source() -> None:
    assert len(IMPORTED) == len(ROWS) == 78
    assert len({each.id for each in IMPORTED}) == 78
    for row, contact in zip(ROWS, IMPORTED, strict=True):
        assert (contact.country, contact.agency, contact.regime) == (row["country_iso2"], row["agency"], row["regime"])
        assert (contact.source_url, contact.source_checked) == (row["source_url"], row["verified"])


@pytest.mark.parametrize("contact", IMPORTED, ids=lambda each: f"{each.country}-{each.agency[:20]}")
def test_a_request_to_an_imported_contact_is_blocked_and_says_so(contact: ContactPoint) -> None:
    assert (contact.verified, contact.request_address, contact.demo) == (False, "", False)
    codes = dict(blocked(contact, TODAY, demo=True))
    assert "contact-unverified" in codes and contact.agency in codes["contact-unverified"]
    assert "contact-address" in codes
    archive = FakeArchive()
    request = draft(house(archive), filled(archive), hand("ana"), NOW, Wish())
    wrong = {each.code for each in failing(checks(request, contact, TODAY, "ZZ"))}
    assert {"contact-unverified", "contact-address"} <= wrong


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['country_iso2']}-{row['agency'][:20]}")
def test_the_channel_of_the_public_never_becomes_a_request_address(row: dict[str, str]) -> None:
    (contact,) = [each for each in IMPORTED if (each.country, each.agency) == (row["country_iso2"], row["agency"])]
    assert contact.public_channel == row["spam_report_channel"]
    assert contact.request_address == ""
    for word in row["spam_report_channel"].replace(";", " ").split():
        if "@" in word:
            with pytest.raises(Refused, match="the public"):
                verify(contact, word, "ana", NOW)


def test_a_person_verifies_a_contact_as_a_new_version() -> None:
    old = IMPORTED[0]
    new = verify(old, "requests@agency.example", "ana", NOW, TODAY + timedelta(days=365))
    assert (new.version, new.id, new.verified_by) == (2, old.id, "ana")
    assert newest([new, old]) == (new,)
    assert blocked(new, TODAY, demo=False) == ()
    assert dict(blocked(new, TODAY + timedelta(days=366), demo=False)).keys() == {"contact-not-in-force"}


@pytest.mark.parametrize("address", ["", "nobody", "a b@agency.example", "x@agency.example\nBcc: y@z.test"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        verify(IMPORTED[0], address, "ana", NOW)


def test_a_demo_contact_serves_only_the_demonstration() -> None:
    contact = demo_contact("NL", NOW)
    assert blocked(contact, TODAY, demo=True) == ()
    assert dict(blocked(contact, TODAY, demo=False)).keys() == {"contact-demo"}


def test_a_directory_without_its_columns_is_refused() -> None:
    with pytest.raises(Refused, match="no column"):
        read_directory("country_iso2,agency\nXX,Nobody\n")


def test_the_directory_alone_gives_a_draft_that_says_why_it_may_not_go_out() -> None:
    archive = FakeArchive()
    home = house(archive, contact=IMPORTED[0])
    for contact in IMPORTED:
        archive.keep(contact)
    request = draft(home, filled(archive), hand("ana"), NOW, Wish())
    assert request.country == "NL"
    assert len(contacts(archive)) == 78
    wrong = {each.code for each in failing(results(home, request, NOW))}
    assert wrong == {"contact-unverified", "contact-address", "handling"}


def case(*countries: Where, kind: str = "advance-fee") -> Dossier:
    archive = FakeArchive()
    dossier = filled(archive)
    bare = weighed(dossier.items, kind=kind, techniques=())
    return type(dossier)(**{name: getattr(bare, name) for name in bare.__struct_fields__} | {"countries": countries})


def at(country: str, role: str) -> Where:
    return Where(country=country, role=role, subject=f"{role}.test", why="It says so.")


def everywhere() -> list[ContactPoint]:
    return [demo_contact(country, NOW - timedelta(days=1)) for country in ("NL", "US", "FR")]


def test_the_route_names_the_country_it_used_and_the_others() -> None:
    found = route(case(at("US", "web-host"), at("NL", "sending-host")), everywhere(), "TW", TODAY, demo=True)
    assert found.contact is not None and found.jurisdiction == found.contact.country == "NL"
    assert found.link is not None and found.link.role == "sending-host"
    assert any("US is also touched" in reason for reason in found.reasons)
    assert len(found.others) == 1


def test_phishing_asks_the_host_of_the_page_first() -> None:
    found = route(
        case(at("US", "web-host"), at("NL", "sending-host"), kind="phishing"), everywhere(), "TW", TODAY, True
    )
    assert found.jurisdiction == "US"


def test_home_comes_first_and_victims_are_no_target() -> None:
    found = route(case(at("TW", "sending-host"), at("FR", "victims")), everywhere(), "TW", TODAY, demo=True)
    assert (found.contact, found.jurisdiction) == (None, "")
    assert any("home authority first" in reason for reason in found.reasons)
    assert any("home country" in reason for reason in found.reasons)


def test_nobody_fits_is_an_answer() -> None:
    found = route(case(at("AQ", "sending-host")), everywhere(), "TW", TODAY, demo=True)
    assert found.contact is None
    assert "The directory has no contact point for AQ (sending host sending-host.test)." in found.reasons
    assert route(case(), everywhere(), "TW", TODAY).reasons[-1].startswith("No country of a sending host")


def test_a_demo_contact_is_not_routed_to_in_earnest() -> None:
    assert route(case(at("NL", "sending-host")), everywhere(), "TW", TODAY, demo=False).contact is None


def test_a_verified_contact_comes_before_an_unverified_one() -> None:
    known = [each for each in IMPORTED if each.country == "CA"]
    privacy = next(each for each in known if each.agency_kind == "data-protection")
    checked = verify(privacy, "abroad@privacy.example", "ana", NOW)
    found = route(case(at("CA", "sending-host")), [*known, checked], "TW", TODAY)
    assert found.contact == checked
    unchecked = route(case(at("CA", "sending-host")), known, "TW", date(2026, 1, 1)).contact
    assert unchecked is not None and unchecked.agency_kind == "telecom"


def test_nothing_of_a_fresh_house_is_blocked() -> None:
    home, _, dossier = fresh()
    assert failing(results(home, draft(home, dossier, hand("ana"), NOW, Wish()), NOW)) == ()
