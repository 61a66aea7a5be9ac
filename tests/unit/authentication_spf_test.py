"""SPF recomputed for the boundary hop, from given answers (RFC 7208)."""

import pytest

from enrichment.examination import Boundary, Check
from enrichment.gather.authentication import ROUNDS
from intake.record import Cite
from tests.mails import PLAIN, RECEIVED, boundary, evaluated, message, only
from tests.soon import soon

MAIL = b"Return-Path: <news@sender.test>\r\n" + RECEIVED + PLAIN
BOUNCE = MAIL.replace(b"<news@sender.test>", b"<>", 1)


def judged(texts: dict[str, str | list[str]], data: bytes = MAIL, **where: str) -> Check:
    return only(evaluated(data, texts, hop=boundary(data, **where)), "spf")


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:198.51.100.0/24 -all", "fail"),
        ("v=spf1 ip4:198.51.100.0/24 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 include:other.test -all", "pass"),
        ("v=spf1 include:strict.test ~all", "softfail"),
        ("v=spf1 redirect=other.test", "pass"),
        ("v=spf1 a:host.test -all", "pass"),
        ("v=spf1 mx:sender.test -all", "pass"),
        ("v=spf1 exists:%{i}.list.test -all", "pass"),
        ("v=spf1 ptr -all", "pass"),
        ("v=spf1 -all exp=why.test", "fail"),
        ("some other text", "none"),
        ("v=spf1 odd:thing -all", "permerror"),
        ("v=spf1 include:empty.test -all", "permerror"),
        ("v=spf1 include:sender.test -all", "permerror"),
    ],
)
def test_the_results(record: str, result: str) -> None:
    texts: dict[str, str | list[str]] = {
        "TXT sender.test": record,
        "TXT other.test": "v=spf1 ip4:192.0.2.25 -all",
        "TXT strict.test": "v=spf1 -all",
        "TXT empty.test": "nodata",
        "A host.test": "192.0.2.25",
        "MX sender.test": ["10 mail.sender.test", "5 host.test"],
        "A mail.sender.test": "198.51.100.1",
        "A 192.0.2.25.list.test": "127.0.0.2",
        "PTR 25.2.0.192.in-addr.arpa": "mx.sender.test",
        "A mx.sender.test": "192.0.2.25",
    }
    check = judged(texts)
    assert (check.result, check.domain, check.basis) == (result, "sender.test", "recomputed")


def test_the_reason_names_address_and_term_and_the_cites_the_proof() -> None:
    check = judged({"TXT sender.test": "v=spf1 ip4:192.0.2.0/24 -all"})
    assert check.reason == "mailfrom from 192.0.2.25: ip4:192.0.2.0/24"
    fields = message(MAIL)
    assert check.cites == (
        fields.all("Return-Path")[0].cite,
        fields.all("Received")[0].cite,
        Cite(of="lookup:TXT sender.test"),
    )


def test_an_ipv6_boundary() -> None:
    texts: dict[str, str | list[str]] = {"TXT sender.test": "v=spf1 ip6:2001:db8::/32 -all"}
    assert judged(texts, ip="2001:db8::25").result == "pass"
    assert judged(texts, ip="2001:db9::25").result == "fail"


def test_two_records_are_an_error() -> None:
    assert judged({"TXT sender.test": ["v=spf1 -all", "v=spf1 ~all"]}).result == "permerror"


def test_a_name_that_does_not_exist_has_no_policy() -> None:
    assert judged({"TXT sender.test": "nxdomain"}).result == "none"


@pytest.mark.parametrize("status", ["timeout", "servfail", "refused", "withheld"])
def test_an_open_answer_neither_clears_nor_condemns(status: str) -> None:
    check = judged({"TXT sender.test": "v=spf1 include:other.test -all", "TXT other.test": status})
    assert (check.result, check.basis) == ("unverifiable", "not-possible")
    assert check.reason == f"{status}: TXT other.test"


def test_a_match_before_the_open_answer_counts() -> None:
    texts: dict[str, str | list[str]] = {"TXT sender.test": "v=spf1 ip4:192.0.2.25 include:other.test -all"}
    assert judged(texts).result == "pass"


@pytest.mark.parametrize(("count", "result"), [(10, "fail"), (11, "permerror")])
def test_ten_terms_may_ask_eleven_may_not(count: int, result: str) -> None:
    terms = " ".join(f"include:n{number}.test" for number in range(count))
    texts: dict[str, str | list[str]] = {f"TXT n{number}.test": "v=spf1 -all" for number in range(count)}
    assert judged({**texts, "TXT sender.test": f"v=spf1 {terms} -all"}).result == result


@pytest.mark.parametrize(("count", "result"), [(2, "fail"), (3, "permerror")])
def test_two_void_lookups_are_allowed(count: int, result: str) -> None:
    terms = " ".join(f"a:n{number}.test" for number in range(count))
    texts: dict[str, str | list[str]] = {f"A n{number}.test": "nxdomain" for number in range(count)}
    assert judged({**texts, "TXT sender.test": f"v=spf1 {terms} -all"}).result == result


def test_eleven_mail_exchangers_are_an_error() -> None:
    texts: dict[str, str | list[str]] = {"MX sender.test": [f"{number} m{number}.test" for number in range(11)]}
    assert judged({**texts, "TXT sender.test": "v=spf1 mx -all"}).result == "permerror"


def test_records_that_include_each_other_end() -> None:
    texts: dict[str, str | list[str]] = {
        "TXT sender.test": "v=spf1 include:other.test -all",
        "TXT other.test": "v=spf1 include:sender.test -all",
    }
    assert judged(texts).result == "permerror"


def test_a_long_record_is_not_looked_at() -> None:
    texts: dict[str, str | list[str]] = {"TXT sender.test": "v=spf1 " + "a " * 3000}
    assert judged(texts).result == "permerror"
    assert judged({"TXT sender.test": "v=spf1 exists:" + "a-" * 200 + "! -all"}).result == "permerror"


@pytest.mark.parametrize(
    "term",
    [
        "exists:%{d99999}" + "9" * 250,
        "a:" + "a" * 280,
        "exists:%{l}" * 20,
        "a:%{z}.test",
        "ip4:" + "1." * 140,
        "%",
        "=",
        "a/" + "9" * 200,
    ],
)
def test_odd_terms_end_quickly_with_a_result(term: str) -> None:
    with soon():
        check = judged({"TXT sender.test": f"v=spf1 {term} -all"})
    assert check.result in ("permerror", "fail", "unverifiable", "neutral")


def test_one_round_asks_for_all_that_a_record_names_at_one_depth() -> None:
    texts: dict[str, str | list[str]] = {
        "TXT sender.test": "v=spf1 include:a.test include:b.test a:c.test mx:d.test -all"
    }
    found = evaluated(MAIL, texts, hop=boundary(MAIL))
    asked = [each.id for each in found.questions]
    assert [each for each in asked if "_dmarc" not in each] == ["TXT a.test", "TXT b.test", "A c.test", "MX d.test"]


def test_the_explanation_is_never_asked_for() -> None:
    found = evaluated(MAIL, {"TXT sender.test": "v=spf1 -all exp=%{i}.why.test"}, hop=boundary(MAIL))
    assert only(found, "spf").result == "fail"
    assert not [each for each in found.questions if "why.test" in each.name]


def test_includes_down_to_the_last_round_are_followed() -> None:
    world: dict[str, str | list[str]] = {
        "TXT sender.test": "v=spf1 include:a.test -all",
        "TXT a.test": "v=spf1 include:b.test -all",
        "TXT b.test": "v=spf1 ip4:192.0.2.25 -all",
    }
    known: dict[str, str | list[str]] = {}
    for _ in range(ROUNDS):
        found = evaluated(MAIL, known, hop=boundary(MAIL))
        known |= {each.id: world.get(each.id, "nxdomain") for each in found.questions}
    assert only(found, "spf").result == "pass"
    assert found.questions == ()


def test_a_null_sender_is_judged_by_its_greeting() -> None:
    texts: dict[str, str | list[str]] = {"TXT mx.sender.test": "v=spf1 ip4:192.0.2.25 -all"}
    check = judged(texts, BOUNCE)
    assert (check.result, check.domain) == ("pass", "mx.sender.test")
    assert check.reason.startswith("helo from")


@pytest.mark.parametrize("helo", ["[192.0.2.25]", "localhost", "", "a..b"])
def test_a_null_sender_with_a_greeting_that_is_no_domain(helo: str) -> None:
    assert judged({}, BOUNCE, helo=helo).result == "none"


@pytest.mark.parametrize("path", [b"<x@localhost>", b"<x@a..b>", b"<nobody>", b"<x@ y>"])
def test_a_sender_without_a_domain(path: bytes) -> None:
    assert judged({}, MAIL.replace(b"<news@sender.test>", path, 1)).result in ("none", "unverifiable")


def test_without_boundary_or_return_path_it_is_not_possible() -> None:
    check = only(evaluated(MAIL, {}, hop=Boundary(reason="no edge known")), "spf")
    assert (check.result, check.basis, check.reason) == (
        "unverifiable",
        "not-possible",
        "no boundary hop: no edge known",
    )
    check = judged({}, RECEIVED + PLAIN)
    assert (check.result, check.reason) == ("unverifiable", "no Return-Path")
    assert judged({}, MAIL, ip="not an address").reason == "no boundary hop"


def test_names_that_a_macro_makes_unaskable_stay_open() -> None:
    data = MAIL.replace(b"<news@sender.test>", b"<a+b=c@sender.test>", 1)
    check = judged({"TXT sender.test": "v=spf1 exists:%{l}.list.test -all"}, data)
    assert (check.result, check.reason) == ("unverifiable", "not-a-name: A of a name made by a macro")
