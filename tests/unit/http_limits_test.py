"""The limits of the doors over HTTP, public side: each with its own code and figure, one below, at, and one beyond."""

import json
import select
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from intake.metrics import Metrics
from intake.upload_port import Limits as PortLimits
from tests.doors import FakeWriter, acceptor
from tests.upload_doors import BOUNDARY, PORT, ask, door, form

RFC822 = {"Content-Type": "message/rfc822"}
SMALL = {"Content-Type": "application/x-www-form-urlencoded"}
PATIENCE = 30.0


class Client:
    """A raw client from an address of its own; `answer` reads one whole answer."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0))
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def begin(self, size: int = 9, path: str = "/reports", **headers: str) -> "Client":
        """The head of a report of so many bytes."""
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.send(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\n{more}"
            f"Content-Length: {size}\r\n\r\n".encode()
        )
        return self

    def answer(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        """(status, headers, JSON)."""
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, json.loads(self._file.read(int(headers["content-length"])))

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing is said for so long."""
        return not select.select([self.socket], [], [], seconds)[0]

    def gone(self) -> bool:
        """Read to the end."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionError:
            pass
        return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@contextmanager
def clients() -> Iterator[Any]:
    """Makes clients, which are gone at the end."""
    with ExitStack() as stack:

        def make(port: int, source: str = "127.0.0.1") -> Client:
            made = Client(port, source)
            stack.callback(made.close)
            return made

        yield make


def counted(metrics: Metrics, door: str, limit: str) -> float:
    return metrics.value("limits_total", door=door, limit=limit)


# -- counts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "others", "code", "status"),
    [
        ({"per_source": 3}, ["127.0.0.1"] * 3, "source", 429),
        ({"per_network": 3}, ["127.0.0.2", "127.0.0.3", "127.0.0.4"], "network", 429),
    ],
)
def test_how_many_uploads_may_be_open(limits: dict[str, int], others: list[str], code: str, status: int) -> None:
    metrics = Metrics()
    with door(acceptor(FakeWriter()), metrics=metrics, **limits) as port, clients() as make:
        held = [make(port, source).begin() for source in others[:-1]]
        assert all(each.silent(0.1) for each in held)
        assert ask(port, "POST", "/reports", b"x", RFC822).status == 202
        held.append(make(port, others[-1]).begin())
        assert held[-1].silent()
        refused = make(port).begin()
        told, headers, body = refused.answer()
        assert (told, body["code"]) == (status, code)
        assert int(headers["retry-after"]) > 0 and body["says"]
        assert ask_from(port, "127.9.0.1") == 202
        assert counted(metrics, "upload", code) == 1
        held[0].send(b"123456789")
        assert held[0].answer()[0] == 202
        assert ask(port, "POST", "/reports", b"x", RFC822).status == 202


def open_(port: int) -> bool:
    return ask(port, "GET", "/", headers={"Accept": "text/html"}).status == 200


def ask_from(port: int, source: str) -> int:
    client = Client(port, source).begin(1)
    client.send(b"x")
    status: int = client.answer()[0]
    client.close()
    return status


def until(true: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_how_many_uploads_of_all_may_be_open() -> None:
    """Each has sent what it has, and waits for the disk."""
    metrics, writer = Metrics(), FakeWriter()
    with door(acceptor(writer), metrics=metrics, total=3) as port, slow_disk(writer), clients() as make:
        held = [_sent(make(port, f"127.0.{number}.1"), writer, number + 1) for number in range(2)]
        writer.manual = False
        assert ask(port, "POST", "/reports", b"x", RFC822).status == 202
        writer.manual = True
        held.append(_sent(make(port, "127.0.2.1"), writer, 3))
        refused = ask(port, "POST", "/reports", b"x", RFC822)
        assert (refused.status, refused.json["code"]) == (503, "total")
        assert int(refused.headers["Retry-After"]) > 0
        assert counted(metrics, "upload", "total") == 1
        writer.manual = False
        writer.pending[0].set_result(None)
        assert held[0].answer()[0] == 202
        assert ask(port, "POST", "/reports", b"x", RFC822).status == 202


@contextmanager
def slow_disk(writer: FakeWriter) -> Iterator[None]:
    """Inside, nothing becomes durable by itself; at the end all does."""
    writer.manual = True
    try:
        yield
    finally:
        writer.manual = False
        for each in writer.pending:
            if not each.done():
                each.set_result(None)


def _sent(client: Client, writer: FakeWriter, pending: int) -> Client:
    client.begin(1).send(b"x")
    until(lambda: len(writer.pending) == pending)
    return client


def test_how_many_connections_of_all_may_be_open() -> None:
    metrics, writer = Metrics(), FakeWriter()
    limits = PortLimits(per_source=0, per_network=0, connections=3)
    with door(acceptor(writer), port=limits, metrics=metrics) as port, slow_disk(writer), clients() as make:
        held = [_sent(make(port), writer, number + 1) for number in range(2)]
        third = make(port)
        assert third.silent()
        _sent(third, writer, 3)
        told, headers, body = make(port).answer()
        assert (told, body["code"], headers["connection"]) == (503, "connections", "close")
        assert int(headers["retry-after"]) > 0 and body["says"]
        assert counted(metrics, "http", "connections") == 1
        writer.pending[0].set_result(None)
        assert held[0].answer()[0] == 202
        assert open_(port)


@pytest.mark.parametrize(
    ("limits", "sources", "code"),
    [({"per_minute": 3}, ["127.0.0.1"] * 4, "source-rate"),
     ({"network_per_minute": 3}, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"], "network-rate")],
)  # fmt: skip
def test_how_many_reports_a_minute(limits: dict[str, int], sources: list[str], code: str) -> None:
    metrics = Metrics()
    with door(acceptor(FakeWriter()), metrics=metrics, **limits) as port, clients() as make:
        told = []
        for source in sources:
            client = make(port, source).begin(1)
            client.send(b"x")
            told.append(client.answer())
        assert [each[0] for each in told] == [202, 202, 202, 429]
        assert told[-1][2]["code"] == code and 0 < int(told[-1][1]["retry-after"]) <= 61
        assert ask_from(port, "127.9.0.1") == 202
    assert counted(metrics, "upload", code) == 1
    assert metrics.value("messages_total", door="upload", outcome="kept") == 4
    assert metrics.value("messages_total", door="upload", outcome=code) == 1


@pytest.mark.parametrize(
    ("limits", "sources", "code", "status"),
    [
        ({"per_source": 3}, ["127.0.0.1"] * 3, "connections-source", 429),
        ({"per_network": 3}, ["127.0.0.2", "127.0.0.3", "127.0.0.4"], "connections-network", 429),
    ],
)
def test_how_many_connections_of_one_may_be_open(
    limits: dict[str, int], sources: list[str], code: str, status: int
) -> None:
    metrics = Metrics()
    port_limits = PortLimits(**{"per_source": 0, "per_network": 0, "connections": 0, **limits})
    with door(acceptor(FakeWriter()), port=port_limits, metrics=metrics) as port, clients() as make:
        held = [make(port, source) for source in sources]
        until(lambda: metrics.value("sessions", door="http") == 3)
        assert all(each.silent(0.1) for each in held)
        told, headers, body = make(port).answer()
        assert (told, body["code"], headers["connection"]) == (status, code, "close")
        assert int(headers["retry-after"]) > 0 and body["says"]
        assert counted(metrics, "http", code) == 1
        held[0].close()
        until(lambda: metrics.value("sessions", door="http") == 2)
        assert ask(port, "POST", "/reports", b"x", RFC822).status == 202


# -- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "body", "code"),
    [
        ("/reports", {}, lambda more: form(*[("other", None, b"")] * (99 + more), ("file", "a", b"1")), "malformed"),
        ("/reports", {}, lambda more: form(("file", "a", b"1"), ("x", None, b"s" * (64_000 + more))), "too-big"),
        ("/reports", {}, lambda more: header(8000 + more), "malformed"),
        ("/report/what", SMALL, lambda more: (b"&".join([b"a=b"] * (40 + more)), SMALL), "malformed"),
        ("/report/what", SMALL, lambda more: (b"w=" + b"s" * (63_998 + more), SMALL), "too-big"),
    ],
    ids=["parts", "answers", "header of a part", "fields", "small form"],
)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_sizes_of_forms(path: str, headers: Mapping[str, str], body: Any, code: str, more: int) -> None:
    with door(acceptor(FakeWriter())) as port:
        data, told = body(more)
        answer = ask(port, "POST", path, data, {**told, **headers})
    good = (202,) if path == "/reports" else (200, 400)
    if more < 1:
        assert answer.status in good and b'"code"' not in answer.body, answer.body
    else:
        assert (answer.status, answer.json["code"]) == (413 if code == "too-big" else 400, code)


def header(size: int) -> tuple[bytes, dict[str, str]]:
    """A form whose part has a header of so many bytes, names and values."""
    first = b'Content-Disposition: form-data; name="file"; filename="a"'
    left = size - len(first) + 2
    fill = b"".join(b"X: " + b"v" * (each - 1) + b"\r\n" for each in (left // 2, left - left // 2))
    body = b"--%s\r\n%s\r\n%s\r\nx\r\n--%s--\r\n" % (BOUNDARY.encode(), first, fill, BOUNDARY.encode())
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.mark.parametrize(("size", "status"), [(4095, 200), (4096, 200), (4097, 431)])
def test_the_size_of_a_head(size: int, status: int) -> None:
    """What of a head may be there before it is whole."""
    metrics = Metrics()
    begun = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    with (
        door(acceptor(FakeWriter()), port=PortLimits(head_size=4096), metrics=metrics) as port,
        clients() as make,
    ):
        client = make(port)
        client.send(begun + b"y" * (size - len(begun)))
        if status == 200:
            assert client.silent()
            client.send(b"\r\n\r\n")
            assert client._file.readline().startswith(b"HTTP/1.1 200 ")
        else:
            told, _, body = client.answer()
            assert (told, body["code"]) == (431, "head-size")
    assert counted(metrics, "http", "head-size") == (status == 431)


# -- times ----------------------------------------------------------------------------------------------------------


def test_the_time_for_a_head() -> None:
    metrics = Metrics()
    with door(acceptor(FakeWriter()), port=PortLimits(head=0.8), metrics=metrics) as port, clients() as make:
        began = time.monotonic()
        silent, dripping, done = make(port), make(port), make(port)
        done.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert done.answer()[0] == 404
        while select.select([dripping.socket], [], [], 0.05)[0] == []:
            dripping.send(b"G")
        for each in (silent, dripping, done):
            status, _, body = each.answer()
            assert (status, body["code"]) == (408, "head-time")
            assert each.gone()
        assert time.monotonic() - began >= 0.8
    assert counted(metrics, "http", "head-time") == 3


@pytest.mark.parametrize(
    ("limits", "pause", "least"),
    [
        ({"grace": 0.5, "rate": 1000}, 0.02, 0.5),  # about 50 bytes a second
        ({"time": 0.7, "grace": 0.4, "rate": 1}, 0.02, 0.7),  # fast enough, but for too long
    ],
    ids=["below the rate", "for too long"],
)
def test_the_time_for_a_body(limits: dict[str, float], pause: float, least: float) -> None:
    metrics = Metrics()
    with door(acceptor(FakeWriter()), metrics=metrics, **limits) as port, clients() as make:
        began = time.monotonic()
        client = make(port).begin(100_000)
        while not select.select([client.socket], [], [], pause)[0]:
            client.send(b"y")
        status, _, body = client.answer()
        assert (status, body["code"]) == (408, "too-slow")
        assert time.monotonic() - began >= least
    assert counted(metrics, "upload", "too-slow") == 1
    assert metrics.value("messages_total", door="upload", outcome="too-slow") == 1


def test_what_the_disk_takes_is_not_the_senders_time() -> None:
    """The sender waits for us for longer than it may take itself."""
    writer = FakeWriter()
    with door(acceptor(writer), grace=1.5, time=1.5) as port, slow_disk(writer), clients() as make:
        client = make(port).begin(300_000)
        client.send(b"y" * 299_999)
        until(lambda: writer.pending)
        time.sleep(2.0)
        writer.manual = False
        writer.pending[0].set_result(None)
        client.send(b"y")
        assert client.answer()[0] == 202


def test_who_does_not_read_is_cut() -> None:
    metrics = Metrics()
    with door(acceptor(FakeWriter()), port=PortLimits(unread=0.5), metrics=metrics) as port, clients() as make:
        client = make(port)
        client.socket.settimeout(0.5)
        try:
            while True:
                client.send(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n" * 50)
        except OSError:
            pass  # our answers fill the way back until nothing of ours is read any more
        until(lambda: counted(metrics, "http", "unread") == 1)
        until(lambda: metrics.value("sessions", door="http") == 0)
        assert open_(port)


# -- giving way -----------------------------------------------------------------------------------------------------


def test_slow_bodies_give_way_to_others() -> None:
    metrics = Metrics()
    with door(acceptor(FakeWriter()), total=4, metrics=metrics) as port, clients() as make:
        slow = [make(port, f"127.1.0.{number}").begin(1000) for number in range(1, 5)]
        until(lambda: ask_from(port, "127.2.0.1") == 202)
        told = [each.answer() for each in slow if not each.silent(0.0)]
        assert [(status, body["code"]) for status, _, body in told] == [(503, "crowded")]
    assert counted(metrics, "upload", "crowded") == 1


def test_slow_heads_give_way_to_others() -> None:
    metrics = Metrics()
    limits = PortLimits(per_source=0, per_network=0, connections=4)
    with door(acceptor(FakeWriter()), port=limits, metrics=metrics) as port, clients() as make:
        slow = [make(port, f"127.1.0.{number}") for number in range(1, 5)]
        for each in slow:
            each.send(b"POST /rep")
        until(lambda: _let_in(port, "127.2.0.1"))
        told = [each.answer() for each in slow if not each.silent(0.0)]
        assert [(status, body["code"]) for status, _, body in told] == [(503, "crowded")]
    assert counted(metrics, "http", "crowded") == 1


def _let_in(port: int, source: str) -> bool:
    client = Client(port, source)
    try:
        client.send(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return client.answer()[0] == 404
    finally:
        client.close()


def test_an_answer_is_heard_while_the_body_still_comes() -> None:
    with door(acceptor(FakeWriter()), per_minute=1) as port:
        assert ask(port, "POST", "/reports", b"x", RFC822).status == 202
        for _ in range(5):
            answer = ask(port, "POST", "/reports", b"x" * 900_000, RFC822)
            assert (answer.status, answer.json["code"]) == (429, "source-rate")


# -- behind a web server --------------------------------------------------------------------------------------------


def test_a_proxy_is_not_counted_but_the_client_that_it_names() -> None:
    limits = PortLimits(per_source=2, per_network=0, connections=0)
    with (
        door(acceptor(FakeWriter()), port=limits, proxies=("127.0.0.0/30",), per_source=2) as port,
        clients() as make,
    ):
        held = [make(port).begin(X_Forwarded_For=f"203.0.113.{number // 2}") for number in range(10)]
        assert all(each.silent(0.05) for each in held)
        for named in ("203.0.113.3", "198.51.100.7, 203.0.113.3", "203.0.113.3, 127.0.0.2"):
            status, _, body = make(port).begin(X_Forwarded_For=named).answer()
            assert (status, body["code"]) == (429, "connections-source"), named
        other = make(port).begin(1, X_Forwarded_For="203.0.113.3, 203.0.113.99")
        other.send(b"x")
        assert other.answer()[0] == 202
        held[6].send(b"123456789")
        assert held[6].answer()[0] == 202
        again = make(port).begin(1, X_Forwarded_For="203.0.113.3")
        again.send(b"x")
        assert again.answer()[0] == 202


@pytest.mark.parametrize(
    ("proxies", "headers", "peer", "tls"),
    [
        (("127.0.0.1",), {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}, "203.0.113.9", "https"),
        (("127.0.0.1",), {"X-Forwarded-For": "203.0.113.8, 203.0.113.9"}, "203.0.113.9", ""),
        (("127.0.0.0/8",), {"X-Forwarded-For": "203.0.113.9, 127.0.0.9"}, "203.0.113.9", ""),
        (("127.0.0.1",), {"X-Forwarded-For": "2001:db8::9"}, "2001:db8::9", ""),
        (("127.0.0.1",), {"X-Forwarded-For": "somebody"}, "127.0.0.1", ""),
        (("127.0.0.1",), {}, "127.0.0.1", ""),
        ((), {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}, "127.0.0.1", ""),
        (("192.0.2.0/24",), {"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1", ""),
    ],
)
def test_whose_word_is_taken_for_who_the_client_is(
    tmp_path: Any, proxies: tuple[str, ...], headers: dict[str, str], peer: str, tls: str
) -> None:
    from tests.doors import Kept

    kept = Kept(tmp_path)
    with door(kept.acceptor, proxies=proxies) as port:
        assert ask(port, "POST", "/reports", b"x", RFC822 | headers).status == 202
    envelope = kept.newest()[0].envelope
    assert (envelope.peer, envelope.tls) == (peer, tls)


def test_what_is_no_request_is_told_so() -> None:
    with door(acceptor(FakeWriter())) as port, clients() as make:
        client = make(port)
        client.send(b"\x16\x03\x01 hello\r\n\r\n")
        status, _, body = client.answer()
        assert (status, body["code"]) == (400, "request")
        assert PORT.connections == 0 and open_(port)
