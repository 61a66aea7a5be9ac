"""Feeds with the real command, the real processes and curl: who may make them, what a kill leaves, what is posted."""

import http.server
import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.walker import Served, lapwing, mail, run, serving, several, until

SECRET = {"LAPWING_PASSPHRASE": "a long passphrase"}


def curl(house: Served, path: str, key: str, *words: str) -> dict[str, Any]:
    """What the API answers to curl."""
    program = shutil.which("curl")
    assert program, "curl is not installed; on Debian: apt-get install curl"
    url = f"http://127.0.0.1:{house.upload}/api/v1{path}"
    ran = run([program, "-sS", "-H", f"Authorization: Bearer {key}", *words, url], 60.0, {})
    assert ran.status == 0, ran.err
    return dict(json.loads(ran.out))


def hand_in(house: Served, key: str, data: bytes, name: str = "") -> dict[str, Any]:
    file = house.home.parent / "mail.eml"
    file.write_bytes(data)
    named = ["-H", f"Idempotency-Key: {name}"] if name else []
    return curl(house, "/reports", key, "-H", "Content-Type: message/rfc822", *named, "--data-binary", f"@{file}")


def outcome(house: Served, key: str, reference: str) -> dict[str, Any]:
    """The outcome, once it is triaged."""

    def asked() -> dict[str, Any] | None:
        told = curl(house, f"/reports/{reference}", key)
        return told if told["state"] == "triaged" else None

    found: dict[str, Any] = until(asked)
    return found


def test_only_an_administrator_makes_feeds_and_all_is_noted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    people = [("people", "add", "dana", "--role", "administrator"), ("people", "add", "ivo", "--role", "investigator")]
    assert lapwing(home, *people[0], **SECRET).status == 0
    assert [each.status for each in several(home, people[1:], "dana", **SECRET)] == [0]
    asked = [("feed", "add", "acme"), ("feed", "key", "acme"), ("feed", "revoke", "acme"), ("feed", "replay", "acme")]
    assert lapwing(home, "--as", "ivo", "feed", "add", "acme").status == 1
    made = several(home, [*asked[:1], ("feed", "list", "--json"), ("feed", "key", "acme", "--json")], "dana")
    assert [each.status for each in made] == [0, 0, 0]
    assert made[1].line["health"]["says"] == "it has not reported yet"
    assert [each.status for each in several(home, asked[1:], "ivo")] == [1, 1, 1]
    listed = several(home, [("feed", "list", "--json"), ("feed", "show", "acme", "--json")], "ivo")
    assert [each.status for each in listed] == [0, 0]
    secret = made[2].line["key"].split("_")[2]
    assert secret not in listed[1].out
    wrong = [
        ("feed", "add", "acme"), ("feed", "add", "Acme"), ("feed", "add", "b", "--class", "x"),
        ("feed", "add", "b", "--network", "x"), ("feed", "add", "b", "--webhook", "http://isp.example/"),
        ("feed", "key", "acme", "--scope", "all"), ("feed", "show", "nobody"),
        ("feed", "revoke", "acme", "--key", "x"),
    ]  # fmt: skip
    assert [each.status for each in several(home, wrong, "dana")] == [1] * len(wrong)


def test_a_rotated_key_is_good_for_what_the_old_one_was_and_a_webhook_gets_a_new_secret(tmp_path: Path) -> None:
    home = tmp_path / "home"
    steps = [
        ("feed", "add", "acme", "--per-minute", "7", "--webhook", "https://isp.example/", "--json"),
        ("feed", "key", "acme", "--scope", "status", "--json"), ("feed", "rotate", "acme", "--grace", "3", "--json"),
        ("feed", "key", "acme", "--scope", "report", "--json"), ("feed", "rotate", "acme"),
        ("feed", "rotate", "acme", "--key", "x"), ("feed", "change", "acme", "--new-webhook-secret", "--json"),
        ("feed", "show", "acme", "--json"),
    ]  # fmt: skip
    made = [lapwing(home, *steps[0]), *several(home, steps[1:])]
    first, second, other = (made[n].line for n in (1, 2, 3))
    assert (first["scopes"], second["scopes"], other["scopes"]) == (["status"], ["status"], ["report"])
    assert [made[n].status for n in (4, 5)] == [1, 1] and "different things" in made[4].err
    assert f"key {first['id']} is good until" in made[2].err
    secrets = {made[n].line["webhook_secret"] for n in (0, 6)}
    assert len(secrets) == 2 and all(each.startswith("whsec_") for each in secrets)
    assert made[6].line["per_minute"] == 7
    keys = {each["id"]: each for each in made[7].line["keys"]}
    assert keys[first["id"]]["good"] and keys[first["id"]]["until"] < keys[second["id"]]["until"]
    assert len(keys) == 3


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(address, bodies that came) of a feed's own server."""
    got: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_feed_from_nothing_with_kills_and_a_hook(tmp_path: Path, endpoint: tuple[str, list[dict[str, Any]]]) -> None:
    home, (url, got) = tmp_path / "home", endpoint
    private = {"LAPWING_HOOKS_PRIVATE": "true"}
    with serving(home, **private) as house:
        added = lapwing(home, "feed", "add", "acme", "--edge", "mx.isp.example", "--webhook", url, "--json", **private)
        assert added.line["webhook_secret"].startswith("whsec_")
        key = lapwing(home, "feed", "key", "acme").out.strip()
        one = hand_in(house, key, mail(tag="1"), "first")
        old = house.pids["uploadd"]
        os.kill(old, signal.SIGKILL)
        until(lambda: house.pids.get("uploadd", old) != old)
        house = until(lambda: _restarted(house))  # noqa: PLW2901
        again = hand_in(house, key, mail(tag="1"), "first")
        assert again == one | {"repeated": True}
        told = outcome(house, key, one["reference"])
        assert [item["verdict"] for item in told["items"]] == ["report"]
        until(lambda: any(e["type"] == "report.triaged" for post in got for e in post["events"]))
        assert [e["n"] for post in got for e in post["events"]][:2] == [1, 2]
        new = lapwing(home, "feed", "rotate", "acme", "--grace", "0").out.strip()
        assert curl(house, "/stats", key)["code"] == "key"
        assert curl(house, "/stats", new)["total"]["accepted"] == 1
        lapwing(home, "feed", "replay", "acme", "--from", "2")
        until(lambda: [e["n"] for post in got for e in post["events"]].count(2) == 2)
        lapwing(home, "feed", "revoke", "acme")
        assert curl(house, "/stats", new)["code"] == "key"
    assert lapwing(home, "verify").status == 0


def _restarted(house: Served) -> Served | None:
    """The house with the port on which its upload door listens now, once it does."""
    now = Served(house.process, house.home, house.smtp, int((house.home / "run" / "upload.port").read_text() or 0))
    try:
        socket.create_connection(("127.0.0.1", now.upload), timeout=5).close()
    except OSError:
        return None
    return now
