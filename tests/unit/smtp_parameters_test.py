"""MAIL and RCPT parameters: those of SIZE, BODY, SMTPUTF8, AUTH and DSN, exact at their borders, kept as they came."""

from pathlib import Path

import pytest

from intake.smtp_parameters import of_mail, of_rcpt
from intake.smtp_sasl import Credentials, Exchange, initial
from intake.smtp_settings import Limits
from tests.doors import Kept, Line, smtp_door

LIMITS = Limits(size=1000)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", []),
        ("size=7 body=8bitmime smtputf8", ["SIZE=7", "BODY=8BITMIME", "SMTPUTF8"]),
        ("BODY=BinaryMime", ["BODY=BINARYMIME"]),
        ("RET=hdrs ENVID=aB+2B", ["RET=HDRS", "ENVID=aB+2B"]),
        ("ENVID=" + "x" * 100, ["ENVID=" + "x" * 100]),
        ("SIZE=1000", ["SIZE=1000"]),
    ],
)
def test_what_mail_may_say(given: str, kept: list[str]) -> None:
    assert of_mail(given.split(), LIMITS, extended=True, auth=False) == (kept, "")


@pytest.mark.parametrize(
    ("given", "reply"),
    [
        ("SIZE=1001", "552 5.3.4"),
        ("SIZE=", "555 5.5.4"),
        ("SIZE=+1", "555 5.5.4"),
        ("SIZE=" + "0" * 21, "555 5.5.4"),
        ("SIZE=1 SIZE=1", "501 5.5.4"),
        ("SMTPUTF8=yes", "555 5.5.4"),
        ("BODY=9BIT", "555 5.5.4"),
        ("RET=SOME", "501 5.5.4"),
        ("RET", "501 5.5.4"),
        ("ENVID=", "501 5.5.4"),
        ("ENVID=a=b", "501 5.5.4"),
        ("ENVID=a+2b", "501 5.5.4"),
        ("ENVID=" + "x" * 101, "501 5.5.4"),
        ("ENVID=\u00fc", "501 5.5.4"),
        ("AUTH=<>", "555 5.5.4"),
        ("NOTIFY=NEVER", "555 5.5.4"),
        ("FOO=1", "555 5.5.4"),
    ],
)
def test_what_mail_may_not_say(given: str, reply: str) -> None:
    kept, refusal = of_mail(given.split(), LIMITS, extended=True, auth=False)
    assert (kept, refusal[:9]) == ([], reply)


def test_parameters_only_after_ehlo() -> None:
    assert of_mail(["SIZE=1"], LIMITS, extended=False, auth=False)[1].startswith("555")
    assert of_rcpt(["NOTIFY=NEVER"], extended=False)[1].startswith("555")
    assert of_mail([], LIMITS, extended=False, auth=False) == of_rcpt([], extended=False) == ([], "")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("NOTIFY=never", ["NOTIFY=NEVER"]),
        ("NOTIFY=SUCCESS,failure,DELAY", ["NOTIFY=SUCCESS,FAILURE,DELAY"]),
        ("ORCPT=rfc822;Ann+2Bx@example.org", ["ORCPT=rfc822;Ann+2Bx@example.org"]),
        ("orcpt=x;" + "y" * 500, ["orcpt=x;" + "y" * 500]),
    ],
)
def test_what_rcpt_may_say(given: str, kept: list[str]) -> None:
    assert of_rcpt(given.split(), extended=True) == (kept, "")


@pytest.mark.parametrize(
    ("given", "reply"),
    [
        ("NOTIFY=", "501"),
        ("NOTIFY=NEVER,SUCCESS", "501"),
        ("NOTIFY=SUCCESS,SUCCESS", "501"),
        ("NOTIFY=SUCCESS,", "501"),
        ("NOTIFY=DELAY NOTIFY=DELAY", "501"),
        ("ORCPT=a@example.org", "501"),
        ("ORCPT=rfc822;", "501"),
        ("ORCPT=rfc822;a=b", "501"),
        ("ORCPT=x;" + "y" * 501, "501"),
        ("RET=FULL", "555"),
        ("FOO", "555"),
    ],
)
def test_what_rcpt_may_not_say(given: str, reply: str) -> None:
    kept, refusal = of_rcpt(given.split(), extended=True)
    assert (kept, refusal[:3]) == ([], reply)


def test_they_are_kept_in_the_envelope_with_the_recipient_they_belong_to(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with smtp_door(kept.acceptor) as port, Line(port) as line:
        assert "DSN" not in line.say("EHLO c.example")
        line.say("MAIL FROM:<a@example.com> RET=HDRS ENVID=QQ314159 BODY=8BITMIME")
        line.say("RCPT TO:<r1@example.org>")
        assert line.say("RCPT TO:<r2@example.org> NOTIFY=SUCCESS ORCPT=rfc822;R2@Example.org").startswith("250")
        assert line.say("RCPT TO:<r3@example.org> NOTIFY=SOMETIMES").startswith("501 5.5.4")
        assert line.data(b"Subject: x\r\n\r\nx\r\n.\r\n").startswith("250")
    envelope = kept.newest()[0].envelope
    assert envelope.rcpt_to == ("r1@example.org", "r2@example.org")
    assert envelope.options[:5] == (
        "RET=HDRS", "ENVID=QQ314159", "BODY=8BITMIME", "rcpt-2:NOTIFY=SUCCESS", "rcpt-2:ORCPT=rfc822;R2@Example.org",
    )  # fmt: skip
    assert "with=ESMTP" in envelope.options


def test_an_exchange() -> None:
    assert Exchange("PLAIN").take(None) == ""
    assert Exchange("PLAIN").take(initial("AGEAYg==")) == Credentials("a", "b")
    login = Exchange("LOGIN")
    assert [login.take(each) for each in (None, b"YQ==", b"Yg==")] == [
        "VXNlcm5hbWU6",
        "UGFzc3dvcmQ6",
        Credentials("a", "b"),
    ]
    assert (initial(""), initial("="), initial("YQ==")) == (None, b"", b"YQ==")
    for wrong in (b"", b"%", b"AA==", b"\xff"):
        with pytest.raises(ValueError):
            Exchange("PLAIN").take(wrong)
