"""A real nginx before the upload door, set up as docs/operator.md says: TLS, nothing on its disk, its clients count."""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from intake.metrics import Metrics
from intake.upload_port import Limits
from tests.doors import Kept
from tests.servers import free_port, nginx
from tests.tls import certificate
from tests.unit.http_limits_test import Client, until
from tests.upload_doors import door

ROOT = Path(__file__).parents[2]
RANDOM = bytes(range(256)) * 4096


@dataclass
class Front:
    """nginx on `port`, and what the door behind it kept."""

    port: int
    kept: Kept

    def client(self, source: str) -> "Inside":
        return Inside(self.port, source)


class Inside(Client):
    """A raw client inside TLS."""

    def __init__(self, port: int, source: str) -> None:
        super().__init__(port, source)
        self._file.close()
        context = ssl._create_unverified_context()
        self.socket = context.wrap_socket(self.socket)
        self._file = self.socket.makefile("rb")


def shown(port: int, folder: Path, behind: int) -> str:
    """The server block that the page shows, on other ports and with another certificate."""
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "operator.md").read_text(), re.DOTALL)
    for there, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("127.0.0.1:8025", f"127.0.0.1:{behind}"),
        ("/etc/ssl/report.agency.example.pem", f"{folder}/tls.pem"),
        ("/etc/ssl/report.agency.example.key", f"{folder}/tls.pem"),
    ):  # fmt: skip
        assert block.count(there) == 1, there
        block = block.replace(there, here)
    return block


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    kept, port, metrics = Kept(tmp_path), free_port(), Metrics()
    certificate(tmp_path)
    limits = Limits(per_source=2, per_network=0, connections=0)
    with (
        door(kept.acceptor, port=limits, proxies=("127.0.0.1",), metrics=metrics, per_source=2) as behind,
        nginx(shown(port, tmp_path, behind), port),
    ):
        yield Front(port, kept)


def test_a_report_is_streamed_through_and_says_who_sent_it(front: Front) -> None:
    """Parts of it are in the vault while its end is still to come, so that nothing can lie on nginx's disk."""
    client = front.client("127.0.0.7").begin(len(RANDOM), X_Forwarded_For="203.0.113.9")
    client.send(RANDOM[:-1])
    until(lambda: len([kind for _, kind, _ in front.kept.frames() if kind == "part"]) == len(RANDOM) // 262_144 - 1)
    client.send(RANDOM[-1:])
    assert client.answer()[0] == 202
    submission, data = front.kept.newest()
    assert (submission.envelope.peer, submission.envelope.tls) == ("127.0.0.7", "https")
    assert data == RANDOM
    client.close()


def test_a_body_without_a_length_is_streamed_too(front: Front) -> None:
    client = front.client("127.0.0.7")
    client.send(
        b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    client.send(b"%x\r\n" % (len(RANDOM) - 1) + RANDOM[:-1] + b"\r\n")
    until(lambda: len([kind for _, kind, _ in front.kept.frames() if kind == "part"]) == len(RANDOM) // 262_144 - 1)
    client.send(b"1\r\n" + RANDOM[-1:] + b"\r\n0\r\n\r\n")
    assert client.answer()[0] == 202
    assert front.kept.newest()[1] == RANDOM
    client.close()


def test_its_clients_are_counted_and_it_is_not(front: Front) -> None:
    held = [front.client(f"127.0.0.{7 + number // 2}").begin(100) for number in range(6)]
    assert all(each.silent(0.1) for each in held)
    refused = front.client("127.0.0.8").begin(100)
    status, headers, body = refused.answer()
    assert (status, body["code"]) == (429, "connections-source") and int(headers["retry-after"]) > 0
    other = front.client("127.0.0.20").begin(1)
    other.send(b"x")
    assert other.answer()[0] == 202
    for each in (*held, refused, other):
        each.close()


def test_what_is_too_big_is_said_by_us(front: Front) -> None:
    client = front.client("127.0.0.7").begin(101_000_001)
    status, _, body = client.answer()
    assert (status, body["code"]) == (413, "too-big")
    client.close()
    with socket.create_connection(("127.0.0.1", front.port)):
        pass
