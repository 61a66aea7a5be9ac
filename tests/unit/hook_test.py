"""Webhooks against a real HTTP server: signed, in order, at least once, and to nowhere else."""

import hmac
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.hookd import Postman
from deploy.wiring import open_house
from intake import hook
from intake.errors import Refused, Temporary
from intake.feed import hook_secret
from intake.postbox import Postbox
from intake.vault import keys
from tests.feed_house import OFF, Ours, add_feed, house
from tests.walker import mail


class Endpoint(http.server.ThreadingHTTPServer):
    """A feed's own server: answers with `status`, keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.got = 200, list[tuple[dict[str, str], bytes]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?x=1"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Ours]:
    with house(tmp_path) as made:
        yield made


def postman(ours: Ours) -> Postman:
    return Postman(open_house(ours.house.home, "hook", OFF))


def test_events_come_signed_in_order_and_once_more_when_asked(ours: Ours, endpoint: Endpoint) -> None:
    add_feed(ours.house, "a", version=2, webhook=endpoint.url)
    kept = ours.hand_in(mail(tag="hooked"), ours.a)
    ours.hand_in(mail(tag="of another"), ours.b)
    ours.work()
    posts = postman(ours)
    (to,) = ours.house.keyring.hooks()
    endpoint.status = 503
    assert not posts.deliver(to)
    state = Postbox(ours.house.outcomes).state("a")
    assert (state.n, state.attempts, state.said) == (0, 1, "status 503")
    assert state.due > time.time()
    for endpoint.status in (302, 404):
        assert not posts.deliver(to)
    assert len(endpoint.got) == 3
    endpoint.status = 204
    assert posts.deliver(to)
    assert not posts.deliver(to)
    headers, body = endpoint.got[-1]
    told = json.loads(body)
    assert told["feed"] == headers["Lapwing-Feed"] == "a"
    assert [each["n"] for each in told["events"]] == [1, 2]
    assert {each["data"]["reference"] for each in told["events"]} == {kept["reference"]}
    secret = hook_secret(keys.door(ours.house.keys), "a", 1)
    signed = headers["Lapwing-Timestamp"].encode() + b"." + body
    assert headers["Lapwing-Signature"] == "v1=" + hmac.digest(secret.encode(), signed, "sha256").hex()
    assert ours.ask("GET", "/events", key=ours.a).json["events"] == told["events"]
    Postbox(ours.house.outcomes).replay("a", 2)
    assert posts.deliver(to)
    assert [each["n"] for each in json.loads(endpoint.got[-1][1])["events"]] == [2]
    posts.close()


def test_the_feed_has_events_posted_again_and_a_new_secret_signs_from_then_on(ours: Ours, endpoint: Endpoint) -> None:
    add_feed(ours.house, "a", version=2, webhook=endpoint.url)
    ours.hand_in(mail(tag="again"), ours.a)
    ours.work()
    posts = postman(ours)
    assert posts.deliver(ours.house.keyring.hooks()[0])
    add_feed(ours.house, "a", version=3, webhook=endpoint.url, webhook_round=2)
    assert not posts.deliver(ours.house.keyring.hooks()[0])
    assert ours.ask("POST", "/events/replay", key=ours.a).json == {"after": 0}
    assert posts.deliver(ours.house.keyring.hooks()[0])
    (old, first), (new, again) = endpoint.got
    assert first == again
    for headers, round_ in ((old, 1), (new, 2)):
        secret = hook_secret(keys.door(ours.house.keys), "a", round_)
        assert headers["Lapwing-Signature"] == hook.sign(secret, int(headers["Lapwing-Timestamp"]), first)
    posts.close()


def test_a_dead_webhook_holds_up_nobody_else(ours: Ours, endpoint: Endpoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        add_feed(ours.house, "a", version=2, webhook=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        add_feed(ours.house, "b", version=2, webhook=endpoint.url)
        ours.hand_in(mail(tag="1"), ours.a)
        ours.hand_in(mail(tag="2"), ours.b)
        ours.work()
        posts = postman(ours)
        posts.turn()
        end = time.monotonic() + 8
        while not endpoint.got:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert not posts._out["a"].done()
        posts.turn()
        posts.close()
    assert json.loads(endpoint.got[0][1])["feed"] == "b"


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            client, _ = server.accept()
            with client:
                while not stop.wait(0.05):
                    try:
                        client.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(Temporary):
            hook.post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}", private=True)
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "url",
    ["http://isp.example/", "ftp://isp.example/", "https:///x", "https://u:p@isp.example/", "https://isp.example:99999/",
     "https://isp.example/#x", "https://isp.example/\r\nX: y", "file:///etc/passwd", "https://[::1", "isp.example"],
)  # fmt: skip
def test_addresses_that_are_not_taken(url: str) -> None:
    with pytest.raises(Refused) as refused:
        hook.checked_url(url, private=False)
    assert refused.value.code == "webhook"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "192.168.1.1", "[::1]", "[fd00::1]", "[::ffff:127.0.0.1]",
     "0.0.0.0", "100.64.0.1", "[2002:7f00:1::]", "224.0.0.1", "0x7f.1", "2130706433"],
)  # fmt: skip
def test_no_post_to_what_is_not_public(host: str) -> None:
    with pytest.raises((Refused, Temporary)) as refused:
        hook.post(f"https://{host}:1/", {}, b"{}", private=False)
    assert isinstance(refused.value, Refused) or "gaierror" in refused.value.says


def test_a_certificate_that_nobody_signed_is_not_trusted(tmp_path: Path) -> None:
    from tests.tls import certificate

    context = certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake() -> None:
            client, _ = server.accept()
            with client:
                try:
                    context.wrap_socket(client, server_side=True).close()
                except OSError:
                    return

        thread = threading.Thread(target=shake, daemon=True)
        thread.start()
        with pytest.raises(Temporary) as failed:
            hook.post(f"https://localhost:{server.getsockname()[1]}/", {}, b"{}", private=True)
        thread.join()
    assert "SSLCertVerificationError" in failed.value.says
