"""Real clients at the SMTP and LMTP door: swaks, Postfix as a relay, smtplib, curl; what they hand over is kept.

Postfix must be started by root; the rest run as whoever runs the tests.
"""

import smtplib
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from intake.formats import open_submission
from intake.keyring import Account
from intake.smtp_settings import Settings
from tests.doors import Kept, find, smtp_ways
from tests.servers import Postfix, postfix
from tests.tls import certificate

ACME = Account(name="feed:acme", per_minute=0, scopes=frozenset({"report"}))
MAIL = b"From: abuse@isp.example\r\nSubject: report\r\n\r\n.first\r\n..second\r\nlast\r\n"


def check(name: str, secret: str) -> Account | None:
    return ACME if (name, secret) == ("acme", "s3cret") else None


class Door:
    """The door with all its ways in, and what it kept."""

    def __init__(self, kept: Kept, ports: dict[str, int], socket: Path) -> None:
        self.kept, self.ports, self.socket = kept, ports, socket


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("clients")
    with tempfile.TemporaryDirectory(prefix="lapwing-lmtp-") as open_:  # a folder that Postfix's user may enter
        kept, path = Kept(folder), Path(open_) / "lmtp.sock"
        path.parent.chmod(0o755)
        settings = Settings(tls=certificate(folder), tls_port=0, lmtp_port=0, lmtp_socket=str(path), plain_auth=True)
        with smtp_ways(settings, kept.acceptor, check) as ports:
            path.chmod(0o777)
            yield Door(kept, ports, path)


def ran(*command: str, given: bytes = b"") -> str:
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, input=given)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


# -- swaks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "options", "said", "account"),
    [
        ("smtp", (), "with=ESMTP", ""),
        ("smtp", ("--tls",), "with=ESMTPS", ""),
        ("smtp-tls", ("--tls-on-connect",), "with=ESMTPS", ""),
        ("smtp", ("--tls", "--auth", "PLAIN", "-au", "acme", "-ap", "s3cret"), "with=ESMTPSA", "feed:acme"),
        ("smtp-tls", ("--tlsc", "--auth", "LOGIN", "-au", "acme", "-ap", "s3cret"), "with=ESMTPSA", "feed:acme"),
        ("smtp", ("--auth", "LOGIN", "-au", "acme", "-ap", "s3cret"), "with=ESMTPA", "feed:acme"),
        ("smtp", ("--pipeline",), "with=ESMTP", ""),
        ("lmtp", ("--protocol", "LMTP"), "with=LMTP", ""),
        ("lmtp", ("--protocol", "LMTP", "--tls"), "with=LMTPS", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_swaks(door: Door, way: str, options: tuple[str, ...], said: str, account: str) -> None:
    before = len(door.kept.all())
    to = "r1@example.org,r2@example.org"
    out = ran(find("swaks", "swaks"), "-s", "127.0.0.1", "-p", str(door.ports[way]), "-f", "a@example.com", "-t", to,
              "--data", MAIL.decode().replace("\r\n", "\\n"), *options)  # fmt: skip
    assert out.count(" kept") == (2 if way == "lmtp" else 1)
    submission, content = door.kept.newest()
    assert len(door.kept.all()) == before + 1
    assert b"\r\n.first\r\n..second\r\n" in content
    assert said in submission.envelope.options
    assert submission.envelope.account == account
    assert submission.envelope.rcpt_to == ("r1@example.org", "r2@example.org")
    assert bool(submission.envelope.tls) == ("S" in said.removeprefix("with=ESMTP").removeprefix("with=LMTP"))


def test_swaks_with_a_wrong_secret(door: Door) -> None:
    before = len(door.kept.all())
    command = [find("swaks", "swaks"), "-s", "127.0.0.1", "-p", str(door.ports["smtp"]), "--tls", "-a", "PLAIN"]
    done = subprocess.run(
        [*command, "-t", "r@example.org", "-au", "acme", "-ap", "wrong"], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 28
    assert b"535 5.7.8" in done.stdout
    assert len(door.kept.all()) == before


# -- Postfix --------------------------------------------------------------------------------------------------------


def through(relay: Postfix, door: Door, count: int, recipients: list[str]) -> list[tuple[object, bytes]]:
    """Hand `count` messages to the relay, wait until its queue is empty, and give what the door has kept of them."""
    before = len(door.kept.all())
    with smtplib.SMTP("127.0.0.1", relay.port, local_hostname="client.example") as client:
        for number in range(count):
            client.sendmail("a@example.com", recipients, MAIL + b"%d\r\n" % number)
    end = time.monotonic() + 30
    while relay.waiting or len(door.kept.all()) < before + count:
        assert time.monotonic() < end, relay.log[-3000:]
        time.sleep(0.05)
    return [*door.kept.all()[before:]]


@pytest.mark.parametrize("way", ["smtp", "smtp over TLS", "lmtp", "lmtp over TLS", "lmtp over a socket"])
def test_postfix_relays_to_us(door: Door, way: str) -> None:
    with_tls = "smtp_tls_security_level = encrypt"
    settings = {
        "smtp": (f"relayhost = [127.0.0.1]:{door.ports['smtp']}",),
        "smtp over TLS": (f"relayhost = [127.0.0.1]:{door.ports['smtp']}", with_tls),
        "lmtp": (f"default_transport = lmtp:inet:127.0.0.1:{door.ports['lmtp']}",),
        "lmtp over TLS": (
            f"default_transport = lmtp:inet:127.0.0.1:{door.ports['lmtp']}",
            "lmtp_tls_security_level = encrypt",
        ),
        "lmtp over a socket": (f"default_transport = lmtp:unix:{door.socket}",),
    }[way]
    with postfix(*settings) as relay:
        found = through(relay, door, 3, ["r1@example.org", "r2@example.org"])
        log = relay.log
    assert len(found) == 3
    for submission, content in found:
        envelope = submission.envelope  # type: ignore[attr-defined]
        assert content.partition(b"\r\n\r\n")[2].startswith(b".first\r\n..second\r\nlast\r\n")
        assert envelope.rcpt_to == ("r1@example.org", "r2@example.org")
        assert envelope.mail_from == "a@example.com"
        assert f"with={'LMTP' if 'lmtp' in way else 'ESMTP'}{'S' if 'TLS' in way else ''}" in envelope.options
    assert log.count("status=sent (250 2.6.0") == 6, log
    assert "status=deferred" not in log and "status=bounced" not in log


SPAM = (
    b"Received: from a.example (a.example [198.51.100.7]) by mx.isp.example with ESMTP id 1;\r\n"
    b"\tMon, 23 Nov 2026 10:00:00 +0000\r\nFrom: Desk <desk@parcel-fee.test>\r\nTo: you@isp.example\r\n"
    b"Subject: Your parcel %d\r\n\r\nPay here: http://parcel-fee.test/%d\r\n"
)


def thunderbird(*messages: bytes) -> bytes:
    """Sent on as attachments in the way of Thunderbird."""
    mark = b"------------zQ9Xk2LmN4pR7tVw"
    parts = b"".join(
        b'--%b\r\nContent-Type: message/rfc822; charset=UTF-8; name="Your parcel %d.eml"\r\n'
        b'Content-Disposition: attachment; filename="Your parcel %d.eml"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n\r\n%b\r\n" % (mark, number, number, each)
        for number, each in enumerate(messages, 1)
    )
    return (
        b"Message-ID: <5b1b2f5e@isp.example>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        b"User-Agent: Mozilla Thunderbird\r\nTo: report@agency.example\r\nFrom: Rita <rita@isp.example>\r\n"
        b'Content-Language: en-GB\r\nSubject: Fwd: Your parcel\r\nContent-Type: multipart/mixed; boundary="%b"\r\n\r\n'
        b"This is a multi-part message in MIME format.\r\n--%b\r\n"
        b"Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n\r\n\r\n%b--%b--\r\n" % (mark, mark, parts, mark)
    )


@pytest.mark.parametrize("way", ["smtplib", "Postfix over SMTP", "Postfix over LMTP"])
def test_messages_that_thunderbird_attached_arrive_as_they_were(door: Door, way: str) -> None:
    """Their bytes are the reports, through a relay too."""
    messages = [SPAM % (number, number) for number in (1, 2)]
    before = len(door.kept.all())
    ways = {"smtp": f"relayhost = [127.0.0.1]:{door.ports['smtp']}",
            "lmtp": f"default_transport = lmtp:inet:127.0.0.1:{door.ports['lmtp']}"}  # fmt: skip
    with ExitStack() as stack:
        port = door.ports["smtp"]
        if way != "smtplib":
            port = stack.enter_context(postfix(ways["lmtp" if "LMTP" in way else "smtp"])).port
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("rita@isp.example", ["report@agency.example"], thunderbird(*messages))
        end = time.monotonic() + 30
        while len(door.kept.all()) == before:
            assert time.monotonic() < end
            time.sleep(0.05)
    _, content = door.kept.newest()
    found = [each for each in open_submission(content, cover=True).found if each.verdict == "report"]
    assert [content[each.start : each.end] for each in found] == messages
    assert {each.format for each in found} == {"attached"}


def test_postfix_tells_who_asked_for_a_notice_that_it_was_relayed(door: Door) -> None:
    """We do not announce DSN, so the notice of success is the relay's: `relayed` (RFC 3461 section 5.2.2)."""
    with postfix(f"default_transport = lmtp:inet:127.0.0.1:{door.ports['lmtp']}") as relay:
        before = len(door.kept.all())
        with smtplib.SMTP("127.0.0.1", relay.port) as client:
            client.sendmail("a@example.com", ["r@example.org"], MAIL, rcpt_options=["NOTIFY=SUCCESS"])
        end = time.monotonic() + 30
        while len(door.kept.all()) < before + 2:
            assert time.monotonic() < end, relay.log[-3000:]
            time.sleep(0.05)
    notice, content = door.kept.newest()
    assert notice.envelope.mail_from == "<>"
    assert notice.envelope.rcpt_to == ("a@example.com",)
    assert b"Action: relayed" in content


# -- smtplib and curl -----------------------------------------------------------------------------------------------


def test_smtplib_inside_tls_with_a_key(door: Door) -> None:
    trusting = ssl._create_unverified_context()
    with smtplib.SMTP_SSL("127.0.0.1", door.ports["smtp-tls"], context=trusting) as client:
        assert client.login("acme", "s3cret")[0] == 235
        assert client.sendmail("a@acme.example", ["r@example.org"], MAIL) == {}
    submission, content = door.kept.newest()
    assert content == MAIL
    assert submission.envelope.account == "feed:acme"


def test_smtplib_with_a_wrong_secret(door: Door) -> None:
    with smtplib.SMTP("127.0.0.1", door.ports["smtp"]) as client:
        client.starttls(context=ssl._create_unverified_context())
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login("acme", "wrong")
        assert caught.value.smtp_code == 535
        assert client.noop()[0] == 250


@pytest.mark.parametrize(
    ("way", "options"),
    [
        ("smtp", ()),
        ("smtp", ("--ssl-reqd",)),
        ("smtp-tls", ()),
        ("smtp", ("--ssl-reqd", "--user", "acme:s3cret")),
        ("smtp-tls", ("--user", "acme:s3cret", "--login-options", "AUTH=LOGIN")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_curl(door: Door, tmp_path: Path, way: str, options: tuple[str, ...]) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(MAIL)
    url = f"smtp{'s' if way == 'smtp-tls' else ''}://127.0.0.1:{door.ports[way]}/client.example"
    ran(find("curl", "curl"), "-sS", "--insecure", url, "--mail-from", "a@example.com", "--mail-rcpt", "r@example.org",
        "--upload-file", str(mail), *options)  # fmt: skip
    submission, content = door.kept.newest()
    assert content == MAIL
    assert submission.envelope.helo == "client.example"
    assert submission.envelope.account == ("feed:acme" if "--user" in options else "")
