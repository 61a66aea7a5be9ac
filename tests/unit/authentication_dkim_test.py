"""DKIM: mail signed here, judged from given answers: verified, contradicted, or not verifiable and why."""

import socket
from datetime import UTC, datetime, timedelta

import dkim
import pytest

from enrichment.examination import Boundary, Check, Hop
from enrichment.gather.authentication import sign
from intake.record import Cite
from tests.mails import AT, PLAIN, by_hand, ed25519, evaluated, message, only, pem, record, short_key, signed

KEY = "TXT s1._domainkey.sender.test"


def judged(data: bytes, text: str | tuple[str, ...] = "", **more: object) -> Check:
    return only(evaluated(data, {KEY: text or record()}, **more), "dkim")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "form", [(b"relaxed", b"relaxed"), (b"relaxed", b"simple"), (b"simple", b"simple"), (b"simple", b"relaxed")]
)
def test_a_good_signature_passes_in_every_form(form: tuple[bytes, bytes]) -> None:
    check = judged(signed(canonicalize=form))
    assert (check.result, check.basis, check.domain, check.selector) == ("pass", "verified-now", "sender.test", "s1")
    assert (check.aligned, check.reason) == (True, "")


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n", b"text", b"a  b \t\r\n c\t\r\n\r\n \r\n\r\n", b"a\r\r\n\r\n", b"\r"]
)
@pytest.mark.parametrize("form", [b"relaxed", b"simple"])
def test_bodies_of_every_shape_agree_with_the_signer(body: bytes, form: bytes) -> None:
    data = PLAIN.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    assert judged(signed(data, canonicalize=(b"relaxed", form))).result == "pass"


def test_ed25519_passes() -> None:
    private, text = ed25519()
    assert judged(signed(privkey=private, signature_algorithm=b"ed25519-sha256"), text).result == "pass"


def test_the_cites_are_the_field_and_the_key() -> None:
    data = signed()
    field = message(data).all("DKIM-Signature")[0].cite
    assert judged(data).cites == (field, Cite(of="lookup:TXT s1._domainkey.sender.test"))
    assert data[field.start : field.end].startswith(b"DKIM-Signature: v=1")


def test_line_ends_of_the_copy_do_not_matter() -> None:
    assert judged(signed().replace(b"\r\n", b"\n")).result == "pass"


def test_a_changed_body_fails_and_says_what_else_explains_it() -> None:
    check = judged(signed().replace(b"1.99", b"9.99"))
    assert check.result == "fail"
    assert "body" in check.reason
    assert "written anew" in check.reason


def test_a_changed_header_fails() -> None:
    check = judged(signed().replace(b"Subject: Your", b"Subject: Our"))
    assert (check.result, check.reason.partition(";")[0]) == (
        "fail",
        "the signature does not match these header fields",
    )


def test_a_second_from_above_the_signed_one_fails() -> None:
    data = signed(include_headers=[b"from", b"to", b"subject"])
    assert judged(b"From: bank@other.test\r\n" + data).result == "fail"


def test_without_an_answer_the_key_is_asked_for() -> None:
    found = evaluated(signed())
    check = only(found, "dkim")
    assert (check.result, check.reason, check.basis) == ("unverifiable", "not asked yet", "not-possible")
    assert KEY in [each.id for each in found.questions]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("withheld", "withheld"),
        ("timeout", "timeout"),
        ("servfail", "servfail"),
        ("refused", "refused"),
        ("nxdomain", "key not published now"),
        ("nodata", "key not published now"),
        ("v=spf1 -all", "key not published now"),
        ("v=DKIM1; p=", "key revoked"),
    ],
)
def test_no_key_is_unverifiable_never_fail(text: str, reason: str) -> None:
    check = judged(signed().replace(b"1.99", b"9.99"), text)
    assert (check.result, check.reason, check.basis) == ("unverifiable", reason, "not-possible")


def test_every_signature_is_judged_not_only_the_first() -> None:
    data = signed(signed(), domain="other.test", selector="s2")
    found = evaluated(data, {KEY: record(), "TXT s2._domainkey.other.test": "nxdomain"})
    assert [(each.domain, each.result) for each in found.checks if each.method == "dkim"] == [
        ("other.test", "unverifiable"),
        ("sender.test", "pass"),
    ]


def test_more_than_eight_signatures_is_a_named_limit() -> None:
    one = signed()
    field = one[: -len(PLAIN)]
    found = evaluated(field * 12 + PLAIN, {KEY: record()})
    assert [each.result for each in found.checks if each.method == "dkim"] == ["pass"] * 8
    assert "dkim-signatures" in found.limits


def test_from_must_be_signed() -> None:
    check = judged(by_hand(PLAIN, names="subject:date"))
    assert (check.result, check.reason) == ("permerror", "From is not signed")
    assert judged(by_hand(PLAIN)).result == "pass"


def test_rsa_sha1_never_passes() -> None:
    check = judged(signed(signature_algorithm=b"rsa-sha1"))
    assert (check.result, check.reason) == ("policy", "rsa-sha1 is never valid (RFC 8301)")
    assert judged(signed(signature_algorithm=b"rsa-sha1").replace(b"1.99", b"9.99")).result == "fail"


def test_a_short_key_does_not_count() -> None:
    private, text = short_key()
    check = judged(signed(privkey=private), text)
    assert (check.result, check.reason) == ("policy", "a key of 512 bits is too short (RFC 8301)")


@pytest.mark.parametrize(
    ("extra", "result", "reason"),
    [
        ("t=y; ", "policy", "the key is in testing (t=y)"),
        ("h=sha1; ", "permerror", "the key does not allow this hash (h=)"),
        ("h=sha1:sha256; ", "pass", ""),
        ("s=tlsrpt; ", "permerror", "the key is not for mail (s=)"),
        ("s=email:tlsrpt; ", "pass", ""),
    ],
)
def test_what_the_key_allows_is_kept_to(extra: str, result: str, reason: str) -> None:
    check = judged(signed(), record(extra=extra))
    assert (check.result, check.reason) == (result, reason)


def test_a_key_of_another_kind_is_an_error() -> None:
    assert judged(signed(), ed25519()[1]).reason == "the key is not of type rsa"


def test_a_strict_key_allows_no_subdomain() -> None:
    data = signed(identity=b"@news.sender.test")
    assert judged(data).result == "pass"
    assert judged(data, record(extra="t=s; ")).reason == "the key allows no subdomain (t=s)"


def test_the_record_with_a_key_is_found_among_others() -> None:
    assert judged(signed(), ("some note", record())).result == "pass"


def test_a_partial_body_is_said() -> None:
    data = by_hand(PLAIN, more="l=10; ")
    check = judged(data + b"appended by someone\r\n")
    assert check.result == "pass"
    assert check.reason == "l= covers 10 of 71 bytes of the body"
    assert judged(by_hand(PLAIN, more="l=5000; ")).reason == "l= is more than the body has"


@pytest.mark.parametrize(
    ("expires", "received", "result"),
    [
        (1795431600 + 86400, datetime(2026, 11, 23, 12, tzinfo=UTC), "pass"),
        (1795431600 + 86400, datetime(2026, 12, 23, 12, tzinfo=UTC), "policy"),
        (1795431600 - 5, datetime(2026, 11, 23, 12, tzinfo=UTC), "permerror"),
    ],
)
def test_expiry_is_judged_by_the_time_of_receipt(expires: int, received: datetime, result: str) -> None:
    assert judged(by_hand(PLAIN, more=f"x={expires}; "), at=received).result == result


def test_the_boundary_line_says_when_it_was_received() -> None:
    data = by_hand(PLAIN, more=f"x={1795431600 + 86400}; ")
    hop = Hop(index=0, time=AT, cite=Cite(of="x"))
    edge = Boundary(index=0, confidence="high")
    late = AT + timedelta(days=400)
    assert judged(data, at=late).result == "policy"
    assert judged(data, at=late, hops=(hop,), hop=edge).result == "pass"


def test_an_internationalised_domain_is_asked_as_a_labels() -> None:
    data = signed().replace(b"d=sender.test", "d=sénder.test".encode()).replace(b"i=@sender.test; ", b"")
    found = evaluated(data)
    assert "TXT s1._domainkey.xn--snder-bsa.test" in [each.id for each in found.questions]


def test_bare_carriage_returns_are_tried_as_line_ends_and_said() -> None:
    head, _, _ = PLAIN.partition(b"\r\n\r\n")
    data = signed(head + b"\r\n\r\nline one\r\nline two\r\nline three\r\n")
    check = judged(data.replace(b"one\r\nline", b"one\rline"))
    assert (check.result, check.reason) == ("pass", "with bare CR read as line end")


def test_a_mail_without_signature_has_no_dkim_check() -> None:
    assert [each for each in evaluated(PLAIN).checks if each.method in ("dkim", "arc")] == []


def test_what_we_sign_we_verify() -> None:
    for data in (PLAIN, PLAIN.replace(b"\r\n", b"\n")):
        out = sign(data, "s1", "sender.test", pem())
        assert out.endswith(data)
        assert judged(out, at=datetime.now(UTC) + timedelta(minutes=1)).result == "pass"


def test_dkimpy_agrees_on_what_passes() -> None:
    data = signed()
    assert dkim.verify(data, dnsfunc=lambda *_, **__: record().encode()) is (judged(data).result == "pass")


def test_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", never)
    assert judged(signed()).result == "pass"
    assert only(evaluated(signed()), "dkim").reason == "not asked yet"
