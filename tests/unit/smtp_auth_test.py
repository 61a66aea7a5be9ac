"""AUTH (RFC 4954, 4616): offered inside TLS alone, exact in its exchange, slow and then silent to whoever guesses."""

import base64
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from intake import smtp
from intake.keyring import Account
from intake.metrics import Metrics
from intake.smtp_port import Port
from intake.smtp_settings import Settings
from tests.doors import FREE, FakeWriter, Kept, Line, acceptor, smtp_ways
from tests.tls import certificate

ACME = Account(name="feed:acme", per_minute=3, scopes=frozenset({"report"}))
READER = Account(name="feed:reader", per_minute=0, scopes=frozenset({"outcome"}))
SECRET = "pass\u00f6rd"


def check(name: str, secret: str) -> Account | None:
    if name == "broken":
        raise RuntimeError("secret words")
    return {("acme", SECRET): ACME, ("reader", "r"): READER}.get((name, secret))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


RIGHT = b64(f"\0acme\0{SECRET}")
PLAIN = Settings(plain_auth=True)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def line(metrics: Metrics) -> Iterator[Line]:
    limits = {"auth_failures": 5, "auth_slow": 3, "auth_delay": 0.2}
    with smtp_ways(PLAIN, acceptor(FakeWriter()), check, metrics, **limits) as ports, Line(ports["smtp"]) as line:
        assert "250 AUTH PLAIN LOGIN" in line.say("EHLO c.example")
        yield line


def test_where_it_is_offered(tmp_path: Path) -> None:
    settings = Settings(tls=certificate(tmp_path), tls_port=0, lmtp_port=0)
    with smtp_ways(settings, acceptor(FakeWriter()), check) as ports:
        with Line(ports["smtp"]) as line:
            assert "AUTH" not in line.say("EHLO c.example")
            assert line.say(f"AUTH PLAIN {RIGHT}").startswith("538 5.7.11")
            assert line.say("MAIL FROM:<a@example.com> AUTH=<>").startswith("555 5.5.4")
            line.say("STARTTLS")
            line.wrap()
            assert "AUTH PLAIN LOGIN" in line.say("EHLO c.example")
            assert line.say(f"AUTH PLAIN {RIGHT}").startswith("235 2.7.0")
        with Line(ports["smtp-tls"], greet=False) as line:
            line.wrap()
            assert line.reply().startswith("220 ")
            assert "AUTH PLAIN LOGIN" in line.say("EHLO c.example")
        with Line(ports["lmtp"]) as line:
            assert "AUTH" not in line.say("LHLO c.example")
    with smtp_ways(PLAIN, acceptor(FakeWriter())) as ports, Line(ports["smtp"]) as line:
        assert "AUTH" not in line.say("EHLO c.example")
        assert line.say(f"AUTH PLAIN {RIGHT}").startswith("502 5.5.1")


def test_plain_with_and_without_an_initial_response(line: Line) -> None:
    assert line.say("AUTH PLAIN") == "334 "
    assert line.say("*").startswith("501 5.7.0")
    assert line.say("auth plain") == "334 "
    assert line.say(RIGHT).startswith("235 2.7.0")


def test_login(line: Line) -> None:
    assert line.say("AUTH LOGIN") == "334 VXNlcm5hbWU6"
    assert line.say(b64("acme")) == "334 UGFzc3dvcmQ6"
    assert line.say(b64(SECRET)).startswith("235 2.7.0")


def test_login_with_an_initial_response(line: Line) -> None:
    assert line.say(f"AUTH LOGIN {b64('acme')}") == "334 UGFzc3dvcmQ6"
    assert line.say("*").startswith("501 5.7.0")
    assert line.say("NOOP") == "250 2.0.0 OK"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("AUTH", "504 5.5.4"),
        ("AUTH CRAM-MD5", "504 5.5.4"),
        ("AUTH PLAIN =", "501 5.5.2"),
        ("AUTH PLAIN !!!", "501 5.5.2"),
        ("AUTH PLAIN YQ", "501 5.5.2"),
        ("AUTH PLAIN /w==", "501 5.5.2"),
        (f"AUTH PLAIN {b64('no separators')}", "501 5.5.2"),
        (f"AUTH PLAIN {b64('a' + chr(0) + 'b' + chr(0) + 'c' + chr(0))}", "501 5.5.2"),
        (f"AUTH PLAIN {b64(chr(0) + 'acme' + chr(0))}", "501 5.5.2"),
        (f"AUTH PLAIN {b64(f'other{chr(0)}acme{chr(0)}{SECRET}')}", "501 5.5.2"),
        (f"AUTH PLAIN {b64(f'acme{chr(0)}acme{chr(0)}{SECRET}')}", "235 2.7.0"),
        (f"AUTH PLAIN {b64(chr(0) + 'acme' + chr(0) + 'wrong')}", "535 5.7.8"),
        (f"AUTH PLAIN {b64(chr(0) + 'reader' + chr(0) + 'r')}", "535 5.7.1"),
        (f"AUTH PLAIN {b64(chr(0) + 'broken' + chr(0) + 'r')}", "454 4.7.0"),
        (f"AUTH LOGIN {b64('a' + chr(0))}", "501 5.5.2"),
    ],
)
def test_a_reply_to_one_exchange(line: Line, command: str, reply: str) -> None:
    answer = line.say(command)
    assert answer.startswith(reply)
    assert "secret words" not in answer
    assert line.say("NOOP") == "250 2.0.0 OK"


@pytest.mark.parametrize(("size", "reply"), [(12_287, "535 5.7.8"), (12_288, "535 5.7.8"), (12_289, "500 5.5.6")])
def test_the_longest_line(line: Line, size: int, reply: str) -> None:
    response = b64("\0acme\0" + "x" * 9205)[: (size - 2) // 4 * 4].encode()
    assert line.say("AUTH PLAIN") == "334 "
    line.socket.sendall(response.ljust(size - 1, b"\r") + b"\n")
    assert line.reply().startswith(reply)
    assert line.say("NOOP") == "250 2.0.0 OK"


def test_the_longest_command(line: Line) -> None:
    head, secret = "AUTH PLAIN ", b64("\0acme\0" + "x" * 9192)
    assert len(head + secret) + 2 <= 12_288
    assert line.say(head + secret).startswith("535 5.7.8")
    assert line.say((head + secret).ljust(12_286)).startswith("535 5.7.8")
    assert line.say((head + secret).ljust(12_287)).startswith("500 5.5.2")


def test_a_response_that_never_ends_is_cut(line: Line) -> None:
    line.say("AUTH PLAIN")
    assert line.until_told(b"A" * 8000).startswith("500 5.5.2")
    assert line.reply() == ""


def test_it_comes_once_and_not_in_a_transaction(line: Line) -> None:
    line.say("MAIL FROM:<a@example.com>")
    assert line.say(f"AUTH PLAIN {RIGHT}").startswith("503 5.5.1")
    line.say("RSET")
    assert line.say(f"AUTH PLAIN {RIGHT}").startswith("235 2.7.0")
    assert line.say(f"AUTH PLAIN {RIGHT}").startswith("503 5.5.1")
    line.say("EHLO c.example")
    assert line.say(f"AUTH PLAIN {RIGHT}").startswith("503 5.5.1")


@pytest.mark.parametrize(
    ("value", "reply"),
    [("<>", "250"), ("a@example.com", "250"), ("a+2Bb@example.com", "250"), ("a+b", "501"), ("", "501")],
)
def test_auth_of_mail(line: Line, value: str, reply: str) -> None:
    assert line.say(f"MAIL FROM:<a@example.com> AUTH={value}").startswith(reply)


def test_the_account_is_in_the_envelope_and_has_a_rate_of_its_own(tmp_path: Path) -> None:
    kept, metrics = Kept(tmp_path), Metrics()
    trusting = ssl._create_unverified_context()
    with smtp_ways(
        Settings(tls=certificate(tmp_path), tls_port=0), kept.acceptor, check, metrics, per_minute=1
    ) as ports:
        with smtplib.SMTP_SSL("127.0.0.1", ports["smtp-tls"], context=trusting) as client:
            client.ehlo()
            client.docmd("AUTH", f"PLAIN {RIGHT}")
            for _ in range(3):
                client.sendmail("a@acme.example", ["r@example.org"], b"Subject: x\r\n\r\nx\r\n")
            with pytest.raises(smtplib.SMTPSenderRefused) as caught:
                client.sendmail("a@acme.example", ["r@example.org"], b"Subject: x\r\n\r\nx\r\n")
        assert caught.value.smtp_code == 450
        assert b"of your account" in caught.value.smtp_error
        assert metrics.value("limits_total", door="smtp", limit="account-rate") == 1
        assert metrics.value("logins_total", door="smtp", outcome="right") == 1
    envelope = kept.newest()[0].envelope
    assert envelope.account == "feed:acme"
    assert envelope.tls.startswith("TLSv1.3 ")
    assert "with=ESMTPSA" in envelope.options


def test_who_guesses_waits_and_is_then_not_answered(line: Line, metrics: Metrics) -> None:
    wrong = f"AUTH PLAIN {b64(chr(0) + 'acme' + chr(0) + 'wrong')}"
    took = []
    for _ in range(5):
        began = time.monotonic()
        assert line.say(wrong).startswith("535 5.7.8")
        took.append(time.monotonic() - began)
    assert took[3] >= 0.2 and took[4] >= 0.4
    assert metrics.value("limits_total", door="smtp", limit="auth-slow") == 2
    assert line.say(f"AUTH PLAIN {RIGHT}").startswith("421 4.7.0 [auth-failures] ")
    assert line.reply() == ""
    assert metrics.value("limits_total", door="smtp", limit="auth-failures") == 1
    assert metrics.value("logins_total", door="smtp", outcome="wrong") == 5


def test_failures_count_by_source_and_not_by_connection() -> None:
    wrong = f"AUTH PLAIN {b64(chr(0) + 'acme' + chr(0) + 'wrong')}"
    with smtp_ways(PLAIN, acceptor(FakeWriter()), check, auth_failures=2) as ports:
        for _ in range(2):
            with Line(ports["smtp"]) as line:
                line.say("EHLO c.example")
                assert line.say(wrong).startswith("535")
        with Line(ports["smtp"]) as line:
            line.say("EHLO c.example")
            assert line.say(f"AUTH PLAIN {RIGHT}").startswith("421 4.7.0")
        with Line(ports["smtp"], source="127.0.0.2") as line:
            line.say("EHLO c.example")
            assert line.say(f"AUTH PLAIN {RIGHT}").startswith("235")


def test_a_slow_check_costs_nothing_to_others() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(name: str, secret: str) -> Account | None:
        asked.set()
        go_on.wait(10)
        return ACME

    with (
        smtp_ways(PLAIN, acceptor(FakeWriter()), slow) as ports,
        Line(ports["smtp"]) as waiting,
        Line(ports["smtp"]) as other,
    ):
        waiting.say("EHLO c.example")
        waiting.socket.sendall(f"AUTH PLAIN {RIGHT}\r\nNOOP\r\n".encode())
        assert asked.wait(10)
        assert other.say("NOOP") == "250 2.0.0 OK"
        go_on.set()
        assert [waiting.reply()[:9], waiting.reply()] == ["235 2.7.0", "250 2.0.0 OK"]


def test_a_client_that_goes_while_it_is_checked_is_forgotten() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(name: str, secret: str) -> Account | None:
        asked.set()
        go_on.wait(10)
        return ACME

    with smtp_ways(PLAIN, acceptor(FakeWriter()), slow, total=1) as ports:
        with Line(ports["smtp"]) as line:
            line.say("EHLO c.example")
            line.socket.sendall(f"AUTH PLAIN {RIGHT}\r\n".encode())
            assert asked.wait(10)
        time.sleep(0.05)
        go_on.set()
        with Line(ports["smtp"]) as line:
            assert line.say("NOOP") == "250 2.0.0 OK"


def test_what_is_refused_to_a_feed_is_counted_for_it_and_nothing_of_strangers() -> None:
    counted: list[tuple[str, str]] = []
    limits = replace(FREE, size=2000)
    running = smtp.serve(
        replace(PLAIN, name="mx.example.org", limits=limits), acceptor(FakeWriter()), check, None,
        lambda account, code: counted.append((account, code)),
    )  # fmt: skip
    try:
        assert isinstance(running.server, Port)
        for login in ("", f"AUTH PLAIN {RIGHT}"):
            with Line(running.server.ports["smtp"]) as line:
                line.say("EHLO c.example")
                assert not login or line.say(login).startswith("235")
                assert line.say("MAIL FROM:<a@example.com> SIZE=9000").startswith("552")
                line.say("MAIL FROM:<a@example.com>")
                line.say("RCPT TO:<x@agency.example>")
                assert line.say("DATA").startswith("354")
                assert line.say(b"x\r\n" * 1000 + b".").startswith("552")
                codes = [line.say("MAIL FROM:<a@example.com>")[:3] for _ in range(1)]
                line.say("RSET")
                codes += [
                    line.say(each)[:3] for each in ("MAIL FROM:<a@example.com>", "RSET", "MAIL FROM:<a@example.com>")
                ]
                assert codes[-1] == ("450" if login else "250")
    finally:
        running.stop(grace=2.0)
    assert counted == [("feed:acme", "size"), ("feed:acme", "too-big"), ("feed:acme", "account-rate")]
