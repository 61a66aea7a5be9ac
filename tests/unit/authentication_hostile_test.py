"""Authentication under attack: every known trap of dkimpy and its kin, each within a time and with a named outcome."""

from collections.abc import Iterator
from random import Random

import pytest

from enrichment.examination import Check
from tests.mails import (
    AT,
    PLAIN,
    RECEIVED,
    boundary,
    by_hand,
    ed25519,
    evaluated,
    only,
    public_record,
    record,
    short_key,
    signed,
)
from tests.soon import soon

KEY = "TXT s1._domainkey.sender.test"
HEAD = PLAIN.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Unguarded, each of these takes longer by far."""
    with soon():
        yield


def judged(data: bytes, text: str | tuple[str, ...] = "") -> Check:
    return only(evaluated(data, {KEY: text or record()}), "dkim")


def with_field(value: bytes) -> Check:
    return judged(b"DKIM-Signature: " + value + b"\r\n" + PLAIN)


def test_a_long_run_of_spaces_in_the_body_is_linear() -> None:
    data = signed(canonicalize=(b"relaxed", b"relaxed"))
    assert judged(data + b" " * 400_000 + b"x\r\n").result == "fail"


def test_many_short_runs_of_spaces_are_linear() -> None:
    data = signed(canonicalize=(b"relaxed", b"relaxed"))
    assert judged(data + (b" " * 1000 + b"x") * 2000).result == "fail"


def test_millions_of_empty_lines_are_linear() -> None:
    assert judged(signed() + b"\r\n" * 2_000_000).result == "pass"


def test_a_run_of_spaces_in_the_signature_is_a_limit() -> None:
    check = with_field(b"v=1; a=rsa-sha256; d=sender.test; s=s1;" + b" \r\n " * 500 + b"; h=from; bh=aaaa; b=aaaa")
    assert (check.result, check.reason) == ("unverifiable", "limit: signature field too long")


def test_a_huge_signature_field_is_a_limit() -> None:
    found = evaluated(b"DKIM-Signature: v=1; b=" + b"A" * 100_000 + b"\r\n" + PLAIN)
    assert only(found, "dkim").reason == "limit: signature field too long"
    assert "authentication" in found.limits


@pytest.mark.parametrize("bits", [8192, 10_000])
def test_a_huge_rsa_key_is_never_used(bits: int) -> None:
    check = judged(signed(), public_record(Random(1).getrandbits(bits) | 1 << (bits - 1), 65537))
    assert check.result == "unverifiable"
    assert check.reason.startswith("limit: key ")


def test_a_key_just_over_the_limit_and_a_huge_exponent_are_refused() -> None:
    number = Random(2).getrandbits(4000)
    assert judged(signed(), public_record(number | 1 << 4096, 65537)).reason == "limit: key too large"
    assert judged(signed(), public_record(number | 1 << 3999, 2**32 + 1)).reason == "limit: key too large"


def test_a_long_key_record_is_never_read() -> None:
    check = judged(signed(), record(extra="n=" + "x" * 1500 + "; "))
    assert (check.result, check.reason) == ("unverifiable", "limit: key record too long")


def test_a_long_list_of_signed_names_is_a_limit() -> None:
    names = b":".join([b"from"] + [b"x"] * 300)
    check = with_field(b"v=1; a=rsa-sha256; d=sender.test; s=s1; h=" + names + b"; bh=aaaa; b=aaaa")
    assert check.reason == "limit: too many signed header fields"


def test_many_header_fields_are_a_limit() -> None:
    assert judged(b"X: y\r\n" * 1500 + signed()).reason == "limit: too many header fields"


def test_a_huge_header_is_a_limit() -> None:
    assert judged(signed().replace(b"Subject:", b"X: " + b"y" * 300_000 + b"\r\nSubject:")).reason == (
        "limit: header too large"
    )
    assert judged(signed().replace(b"Subject:", b"X: y" + b"\r\n z" * 6000 + b"\r\nSubject:")).reason == (
        "limit: header too large"
    )


@pytest.mark.parametrize(
    "head", [b" a folded line first\r\n", b"Subject : spaced\r\n", b"a line that is no field\r\n", b": nothing\r\n"]
)
def test_a_header_that_cannot_be_read_is_unverifiable(head: bytes) -> None:
    found = evaluated(head + signed(), {KEY: record()})
    checks = [each for each in found.checks if each.method == "dkim"]
    assert [(each.result, each.reason) for each in checks] in ([("unverifiable", "unparseable headers")], [])
    if not head.startswith(b" "):
        assert len(checks) == 1


@pytest.mark.parametrize(
    "tags",
    [
        b"",
        b";;;",
        b"v",
        b"v=1",
        b"v=1; v=1; a=rsa-sha256; d=sender.test; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=2; a=rsa-sha256; d=sender.test; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-md5; d=sender.test; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=a..com; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=sender.test; s=..; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=sender.test; s=s1; i=nobody; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=sender.test; s=s1; i=sender.test; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=sender.test; s=s1; l=; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=sender.test; s=s1; l=" + b"9" * 70 + b"; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=sender.test; s=s1; x=" + b"9" * 5000 + b"; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=sender.test; s=s1; t=-1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; c=odd/odd; d=sender.test; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; d=\xff\xfe; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=ed25519-sha256; d=sender.test; s=s1; h=from; bh=aaaa; b=aaaa",
        b"v=1; a=rsa-sha256; q=dns/odd; d=sender.test; s=s1; h=from; bh=aaaa; b=aaaa",
    ],
)
def test_odd_tags_are_a_permanent_error_of_that_signature(tags: bytes) -> None:
    check = with_field(tags)
    assert check.result == "permerror"
    assert check.reason


@pytest.mark.parametrize(
    "text", ["p=!", "p=AAAA", "v=DKIM1; k=odd; p=AAAA", "k=ed25519; p=AAAA", "v=DKIM2; p=AAAA", "p=" + "M" * 1400]
)
def test_odd_keys_are_a_permanent_error(text: str) -> None:
    assert judged(signed(), text).result == "permerror"


@pytest.mark.parametrize("modulus", [0, 1, 2, 2**1024])
def test_keys_that_are_no_keys_never_pass(modulus: int) -> None:
    assert judged(signed(), public_record(modulus, 3)).result in ("permerror", "fail")


def test_random_bytes_never_raise() -> None:
    chance = Random(7)
    base = signed(signed(), domain="other.test")
    for _ in range(60):
        data = bytearray(base)
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        found = evaluated(bytes(data), {KEY: record()}, hop=boundary(RECEIVED + bytes(data)))
        assert all(each.result for each in found.checks)


def test_wild_times_never_raise() -> None:
    assert judged(by_hand(PLAIN, at=0)).result == "pass"
    assert judged(by_hand(PLAIN, at=999_999_999_999)).result == "policy"


def test_a_short_or_foreign_key_does_not_stop_the_others() -> None:
    data = signed(signed(privkey=short_key()[0]), selector="s2")
    found = evaluated(data, {KEY: short_key()[1], "TXT s2._domainkey.sender.test": ed25519()[1]}, at=AT)
    assert [each.result for each in found.checks if each.method == "dkim"] == ["permerror", "policy"]


def test_more_questions_than_the_limit_are_cut_and_said() -> None:
    record_ = "v=spf1 " + " ".join(f"mx:m{number}.sender.test" for number in range(9)) + " -all"
    texts: dict[str, str | list[str]] = {"TXT sender.test": record_}
    for number in range(9):
        texts[f"MX m{number}.sender.test"] = [f"{each} h{number}-{each}.sender.test" for each in range(10)]
    data = b"Return-Path: <a@sender.test>\r\n" + RECEIVED + PLAIN
    found = evaluated(data, texts, hop=boundary(data))
    assert len(found.questions) == 60
    assert "questions" in found.limits
