"""DMARC by the tree walk of RFC 9989 and by the suffix rule of RFC 7489."""

import pytest

from enrichment.examination import Check
from enrichment.gather.asked import Asked
from enrichment.gather.dmarc import Identity, dmarc, walk
from tests.mails import PLAIN, answers, evaluated, only

REJECT = "v=DMARC1; p=reject"


def judged(
    domain: str, texts: dict[str, str | list[str]], *identities: tuple[str, str, str], complete: bool = True
) -> tuple[Check, ...]:
    """The Checks; with `complete`, whatever is not in `texts` does not exist."""
    known = dict(texts)
    named = tuple(Identity(*each) for each in identities)
    if complete:
        asked = Asked(answers(known))
        dmarc(domain, named, asked, ())
        known |= {each.id: "nodata" for each in asked.questions}
    return dmarc(domain, named, Asked(answers(known)), ())


def test_the_walk_of_short_and_long_names() -> None:
    assert walk("a.mail.example.test") == ["a.mail.example.test", "mail.example.test", "example.test", "test"]
    long = "a.b.c.d.e.f.g.h.i.j.mail.example.test"
    assert walk(long) == [
        long,
        "g.h.i.j.mail.example.test",
        "h.i.j.mail.example.test",
        "i.j.mail.example.test",
        "j.mail.example.test",
        "mail.example.test",
        "example.test",
        "test",
    ]
    assert len(walk("a.b.c.d.e.f.example.test")) == 8


@pytest.mark.parametrize(
    ("identity", "result", "aligned"),
    [
        (("dkim", "sender.test", "pass"), "pass", True),
        (("dkim", "mail.sender.test", "pass"), "pass", True),
        (("spf", "bounce.sender.test", "pass"), "pass", True),
        (("spf", "sender.test", "fail"), "fail", False),
        (("dkim", "other.test", "pass"), "fail", False),
        (("dkim", "sender.test", "policy"), "fail", False),
        (("dkim", "sender.test", "unverifiable"), "unverifiable", None),
        (("dkim", "other.test", "unverifiable"), "fail", False),
        (("spf", "", "unverifiable"), "unverifiable", None),
    ],
)
def test_one_identity_at_the_organisation(identity: tuple[str, str, str], result: str, aligned: bool | None) -> None:
    (check,) = judged("sender.test", {"TXT _dmarc.sender.test": REJECT}, identity)
    assert (check.result, check.aligned, check.domain) == (result, aligned, "sender.test")
    assert "p=reject of sender.test" in check.reason


def test_an_aligned_pass_outweighs_what_is_open() -> None:
    identities = (("spf", "", "unverifiable"), ("dkim", "sender.test", "pass"))
    (check,) = judged("sender.test", {"TXT _dmarc.sender.test": REJECT}, *identities)
    assert check.result == "pass"


def test_strict_alignment() -> None:
    texts: dict[str, str | list[str]] = {"TXT _dmarc.sender.test": "v=DMARC1; p=reject; adkim=s"}
    assert judged("sender.test", texts, ("dkim", "mail.sender.test", "pass"))[0].result == "fail"
    assert judged("sender.test", texts, ("spf", "mail.sender.test", "pass"))[0].result == "pass"


@pytest.mark.parametrize(
    ("record", "exists", "says"),
    [
        ("v=DMARC1; p=reject", True, "p=reject of sender.test"),
        ("v=DMARC1; p=reject; sp=none", True, "sp=none of sender.test"),
        ("v=DMARC1; p=none; sp=quarantine; np=reject", True, "sp=quarantine of sender.test"),
        ("v=DMARC1; p=none; sp=quarantine; np=reject", False, "np=reject of sender.test"),
        ("v=DMARC1; p=reject; t=y", True, "p=reject of sender.test, in testing (t=y)"),
        ("v=DMARC1; rua=mailto:a@sender.test", True, "p missing at sender.test, read as none"),
        ("v=DMARC1; p=odd", True, "p missing at sender.test, read as none"),
    ],
)
def test_the_policy_of_a_subdomain(record: str, exists: bool, says: str) -> None:
    texts: dict[str, str | list[str]] = {"TXT _dmarc.sender.test": record}
    if not exists:
        texts["A news.sender.test"] = "nxdomain"
    (check,) = judged("news.sender.test", texts, ("dkim", "sender.test", "pass"))
    assert check.result == "pass"
    assert f": {says};" in check.reason


def test_no_policy_anywhere() -> None:
    (check,) = judged("sender.test", {}, ("dkim", "sender.test", "pass"))
    assert (check.result, check.aligned) == ("none", None)


@pytest.mark.parametrize(
    "lines", [[REJECT, REJECT + "; fo=1"], ["v=dmarc1; p=reject"], ["p=reject; v=DMARC1"], ["v=DMARC10; p=none"]]
)
def test_records_that_are_not_valid_do_not_count(lines: list[str]) -> None:
    (check,) = judged("sender.test", {"TXT _dmarc.sender.test": lines}, ("dkim", "sender.test", "pass"))
    assert check.result == "none"


def test_other_records_at_the_name_do_not_hurt() -> None:
    (check,) = judged("sender.test", {"TXT _dmarc.sender.test": ["note", REJECT]}, ("dkim", "sender.test", "pass"))
    assert check.result == "pass"


def test_the_two_rules_differ_and_both_are_kept() -> None:
    # psd=n makes a unit of its own below the registrable domain, of which the suffix rule knows nothing.
    texts: dict[str, str | list[str]] = {
        "TXT _dmarc.unit.sender.test": "v=DMARC1; p=reject; psd=n",
        "TXT _dmarc.sender.test": "v=DMARC1; p=none",
    }
    tree, suffix = judged("unit.sender.test", texts, ("dkim", "sender.test", "pass"))
    assert (tree.result, suffix.result) == ("fail", "pass")
    assert tree.reason.startswith("RFC 9989 tree walk: p=reject of unit.sender.test")
    assert suffix.reason.startswith("RFC 7489 suffix rule: p=reject of unit.sender.test")


def test_a_public_suffix_operator_speaks_for_names_without_a_record() -> None:
    texts: dict[str, str | list[str]] = {"TXT _dmarc.bank.test": "v=DMARC1; p=reject; psd=y"}
    checks = judged("mail.one.bank.test", texts, ("dkim", "two.bank.test", "pass"))
    assert checks[0].result == "fail"
    checks = judged("mail.one.bank.test", texts, ("dkim", "one.bank.test", "pass"))
    assert (checks[0].result, checks[0].aligned) == ("pass", True)
    assert "p=reject of bank.test" in checks[0].reason


def test_the_highest_record_is_the_organisation() -> None:
    texts: dict[str, str | list[str]] = {
        "TXT _dmarc.news.sender.test": "v=DMARC1; p=none",
        "TXT _dmarc.sender.test": REJECT,
    }
    (check,) = judged("news.sender.test", texts, ("dkim", "shop.sender.test", "pass"))
    assert check.result == "pass"
    assert "p=none of news.sender.test" in check.reason


def test_questions_are_the_walk_and_the_answers_of_the_top_level_may_stay_out() -> None:
    asked = Asked({})
    (check,) = dmarc("news.sender.test", (Identity("spf", "other.test", "pass"),), asked, ())
    assert [each.id for each in asked.questions] == [
        "TXT _dmarc.news.sender.test",
        "TXT _dmarc.sender.test",
        "TXT _dmarc.test",
    ]
    assert (check.result, check.basis) == ("unverifiable", "not-possible")
    assert "not asked yet: _dmarc.sender.test" in check.reason


def test_a_withheld_subdomain_leaves_only_what_it_could_change_open() -> None:
    texts: dict[str, str | list[str]] = {"TXT _dmarc.news.sender.test": "withheld", "TXT _dmarc.sender.test": REJECT}
    assert judged("news.sender.test", texts, ("dkim", "news.sender.test", "pass"))[0].result == "pass"
    assert judged("news.sender.test", texts, ("dkim", "sender.test", "pass"))[0].result == "unverifiable"
    assert judged("news.sender.test", texts, ("dkim", "other.test", "pass"))[0].result == "fail"


def test_from_in_a_mail() -> None:
    check = only(evaluated(PLAIN, {"TXT _dmarc.sender.test": REJECT, "TXT _dmarc.test": "nxdomain"}), "dmarc")
    assert (check.domain, check.result) == ("sender.test", "unverifiable")
    assert "spf of the sender unverifiable" in check.reason


@pytest.mark.parametrize(
    "line",
    [
        b"From: a@one.test, b@two.test\r\n",
        b"From: a@one.test\r\nFrom: b@one.test\r\n",
        b"From: nobody\r\n",
        b"From: a@localhost\r\n",
        b"",
    ],
)
def test_without_one_domain_in_from_it_does_not_apply(line: bytes) -> None:
    data = line + PLAIN.partition(b"\r\n")[2]
    check = only(evaluated(data), "dmarc")
    assert (check.result, check.domain) == ("none", "")
    assert "does not apply" in check.reason


def test_an_internationalised_from() -> None:
    data = PLAIN.replace(b"news@sender.test", "news@bücher.test".encode())
    assert only(evaluated(data), "dmarc").domain == "xn--bcher-kva.test"
