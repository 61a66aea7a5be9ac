"""Figures of the real upload and mailbox processes, as a Prometheus asks for them, and settings that can't be used."""

import http.client
import mailbox
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port
from tests.walker import environment, mail, until

RFC822 = {"Content-Type": "message/rfc822"}


@contextmanager
def running(module: str, home: Path, **more: str) -> Iterator[None]:
    child = subprocess.Popen([sys.executable, "-m", module, str(home)], env=environment(**more))
    try:
        yield
    finally:
        child.terminate()
        assert child.wait(timeout=60) == 0


def number(path: Path) -> int:
    until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def figures(port: int) -> dict[str, float]:
    """Those that are not made by time, without their prefix."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("lapwing_intake_")]
    pairs = (line.removeprefix("lapwing_intake_").rpartition(" ") for line in lines)
    return {name: float(value) for name, _, value in pairs if "_created" not in name and "seconds" not in name}


def test_the_upload_process(tmp_path: Path) -> None:
    ports = {"LAPWING_UPLOAD_PORT": "0", "LAPWING_UPLOAD_METRICS_PORT": "0"}
    with running("deploy.uploadd", tmp_path / "home", **ports):
        port = number(tmp_path / "home" / "run" / "upload.port")
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for body, kind, status in (
            (mail(), "message/rfc822", 202),
            (b"x", "image/png", 415),
            (b"", "message/rfc822", 400),
        ):
            client.request("POST", "/reports", body, {"Content-Type": kind, "X-Forwarded-For": "203.0.113.7"})
            answer = client.getresponse()
            assert answer.status == status and answer.read()
        client.request("GET", "/api/v1/stats", headers={"Authorization": "Bearer lapw_x_y"})
        assert client.getresponse().read()
        told = figures(number(tmp_path / "home" / "run" / "upload.metrics"))
        client.close()
    assert told['messages_total{door="upload",outcome="kept"}'] == 1
    assert told['bytes_total{door="upload"}'] == len(mail())
    assert told['messages_total{door="upload",outcome="empty"}'] == 1
    assert told['logins_total{door="api",outcome="wrong"}'] == 1
    assert told['sessions{door="http"}'] == 1
    assert not [name for name in told if "203.0.113" in name or "127.0.0" in name]


def test_the_mailbox_process(tmp_path: Path) -> None:
    folder, home = tmp_path / "Maildir", tmp_path / "home"
    box = mailbox.Maildir(folder)
    box.add(mail())
    box.add(mail(text="y" * 2000))
    home.mkdir()
    (home / "lapwing.toml").write_text(
        f'[[mailbox]]\nkind = "maildir"\npath = "{folder}"\nlimit = 1000\n'
        f'[[mailbox]]\nkind = "maildir"\npath = "{tmp_path}/none"\n[pickup]\nmetrics_port = 0\n'
    )
    with running("deploy.mailboxd", home):
        port = number(home / "run" / "mailbox.metrics")
        wanted = {
            'messages_total{door="mailbox",outcome="kept"}', 'messages_total{door="mailbox",outcome="left-alone"}',
            'logins_total{door="mailbox",outcome="right"}', 'logins_total{door="mailbox",outcome="failed"}',
        }  # fmt: skip
        until(lambda: wanted <= figures(port).keys())
        told = figures(port)
    assert told['messages_total{door="mailbox",outcome="kept"}'] == 1
    assert told['messages_total{door="mailbox",outcome="left-alone"}'] >= 1
    assert told['bytes_total{door="mailbox"}'] == len(mail())


@pytest.mark.parametrize(
    ("module", "table", "line", "says"),
    [
        ("uploadd", "upload", "metrics_port = {port}", "[upload] metrics_port {port}"),
        ("mailboxd", "pickup", "metrics_port = {port}", "[pickup] metrics_port {port}"),
        ("uploadd", "upload", 'proxies = ["somebody"]', "somebody"),
        ("uploadd", "upload", 'proxies = ["192.0.2.1/24"]', "192.0.2.1/24"),
    ],
)
def test_what_can_not_be_used_is_said_in_one_line(
    tmp_path: Path, module: str, table: str, line: str, says: str
) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        (tmp_path / "lapwing.toml").write_text(f"[{table}]\n" + line.replace("{port}", str(port)) + "\n")
        ran = subprocess.run(
            [sys.executable, "-m", f"deploy.{module}", str(tmp_path)], env=environment(LAPWING_UPLOAD_PORT="0"),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ran.returncode == 78, ran.stderr
    assert says.replace("{port}", str(port)) in ran.stderr and len(ran.stderr.splitlines()) == 1


def test_a_catalogue_of_the_home_that_does_not_fit_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "xx.toml").write_text('language = "X"\n')
    ran = subprocess.run(
        [sys.executable, "-m", "deploy.uploadd", str(tmp_path)], env=environment(LAPWING_UPLOAD_PORT="0"),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (78, "lapwing: pages/xx.toml has no 'add'\n")
