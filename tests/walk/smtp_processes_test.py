"""Several SMTP processes on one port, as `serve` starts them: what any of them took in is kept, and one may die."""

import errno
import os
import signal
import smtplib
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from deploy.commands.operate import port, running
from deploy.process import REFUSED
from intake.vault import series
from tests.tls import certificate
from tests.walker import OFFLINE, Ran, lapwing, run

NO_PEM = "that is no certificate in PEM with its private key, or the key is under a passphrase"
IN_USE = os.strerror(errno.EADDRINUSE)
MAIL = b"From: a@example.com\r\nSubject: report %d\r\n\r\nx\r\n"


def send(at: int, count: int) -> list[bytes]:
    """Hand in so many, each on a connection of its own; the replies."""
    replies = []
    for number in range(count):
        with smtplib.SMTP("127.0.0.1", at, timeout=20) as client:
            client.ehlo()
            client.mail("a@example.com")
            client.rcpt("r@example.org")
            replies.append(client.data(MAIL % number)[1])
    return replies


def roles(home: Path) -> set[str]:
    return {(home / "vault" / name / "role").read_text().strip() for name in series.all_series(home / "vault")}


def figure(home: Path, name: str) -> float:
    at = int((home / "run" / f"{name}.metrics").read_text())
    with urllib.request.urlopen(f"http://127.0.0.1:{at}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    wanted = 'lapwing_intake_messages_total{door="smtp",outcome="kept"} '
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def test_two_processes_share_the_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    certificate(tmp_path)
    (home / "lapwing.toml").write_text(
        "[smtp]\nport = 0\ntls_port = 0\nlmtp_port = 0\nprocesses = 2\nper_minute = 0\nmetrics_port = 0\n"
        f'certificate = "{tmp_path / "tls.pem"}"\nlmtp_socket = "{home / "lmtp.sock"}"\n[upload]\nport = 0\n'
    )
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    with running(home, several={"smtpd": 2}) as processes:
        assert {"smtpd", "smtpd-2"} <= set(processes.pids)
        for way in ("smtp", "smtp-tls", "lmtp"):
            assert port(home, way) == port(home, f"{way}-2") > 0
        replies = send(port(home, "smtp"), 40)
        assert all(reply.endswith(b" kept") for reply in replies)
        taken = [figure(home, name) for name in ("smtp", "smtp-2")]
        assert sum(taken) == 40 and min(taken) > 0
        assert {"smtp", "smtp-2"} <= roles(home)

        at = str(port(home, "smtp"))
        stranger = begin(tmp_path / "other", SMTP_PORT=at, SMTP_PROCESSES="2")
        assert (stranger.status, stranger.err) == (REFUSED, f"lapwing: [smtp] port {at} of 127.0.0.1: {IN_USE}\n")

        os.kill(processes.pids["smtpd"], signal.SIGKILL)
        time.sleep(0.2)
        assert len(send(port(home, "smtp"), 10)) == 10
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            processes.revive()
            time.sleep(0.2)
            try:
                if figure(home, "smtp") == 0:
                    break
            except OSError:
                continue
        assert port(home, "smtp") == int(at)
        assert len(send(int(at), 20)) == 20
        with smtplib.LMTP(str(home / "lmtp.sock")) as client:
            assert client.sendmail("a@example.com", ["r@example.org"], MAIL % 99) == {}
    found = lapwing(home, "verify", "--json").line
    assert found["problems"] == []


def begin(home: Path, module: str = "smtpd", **settings: str) -> Ran:
    """What becomes of a process that can't begin with these settings."""
    home.mkdir(exist_ok=True)
    more = {"LAPWING_SMTP_PORT": "0"} | {f"LAPWING_{name}": value for name, value in settings.items()}
    return run([sys.executable, "-m", f"deploy.{module}", str(home)], 60.0, more)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"TLS_PORT": "0"}, "a port for TLS needs a certificate"),
        ({"PORT": "65536"}, "a port is at most 65535"),
        ({"PROXIES": "['nonsense']"}, "'nonsense' does not appear to be an IPv4 or IPv6 network"),
        ({"CERTIFICATE": "HERE/missing"}, "HERE/missing: No such file or directory"),
        ({"CERTIFICATE": "HERE/tls.pem", "KEY": "HERE/missing"}, "HERE/missing: No such file or directory"),
        ({"CERTIFICATE": "HERE/bad"}, f"HERE/bad: {NO_PEM}"),
        ({"CERTIFICATE": "HERE/tls.pem", "KEY": "HERE/locked"}, f"HERE/tls.pem and HERE/locked: {NO_PEM}"),
        ({"HOST": "192.0.2.1", "PORT": "2525"}, "port 2525 of 192.0.2.1: Cannot assign requested address"),
        ({"LMTP_SOCKET": "HERE/none/socket"}, "HERE/none/socket: No such file or directory"),
        ({"METRICS_PORT": "TAKEN"}, f"metrics_port TAKEN: {IN_USE}"),
    ],
)
def test_a_setting_with_which_it_cannot_begin_is_named_in_one_line(
    tmp_path: Path, given: dict[str, str], says: str
) -> None:
    certificate(tmp_path)
    (tmp_path / "bad").write_text("no certificate\n")
    locked = serialization.BestAvailableEncryption(b"secret words")
    key = serialization.load_pem_private_key((tmp_path / "tls.pem").read_bytes(), None)
    (tmp_path / "locked").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = str(taken.getsockname()[1])

        def true(text: str) -> str:
            return text.replace("HERE", str(tmp_path)).replace("TAKEN", at)

        ran = begin(tmp_path / "home", **{f"SMTP_{name}": true(value) for name, value in given.items()})
    assert (ran.status, ran.out, ran.err) == (REFUSED, "", f"lapwing: [smtp] {true(says)}\n")


@pytest.mark.parametrize("door", ["smtp", "upload"])
def test_a_port_that_is_taken_ends_serve_with_one_line(tmp_path: Path, door: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = str(taken.getsockname()[1])
        ports = {"LAPWING_SMTP_PORT": "0", "LAPWING_UPLOAD_PORT": "0", f"LAPWING_{door.upper()}_PORT": at}
        ran = lapwing(tmp_path / "home", "serve", **ports)
    said = [line for line in ran.err.splitlines() if not line.startswith("doubtful ")]
    assert (ran.status, ran.out, said) == (1, "", [f"lapwing: [{door}] port {at} of 127.0.0.1: {IN_USE}"])
