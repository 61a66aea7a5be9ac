"""Every limit of the SMTP door just below it, at it and just beyond it: its own reply, its own figure, else neither.

A row is one limit at one border. A limit without a row, or whose word isn't told to providers, is a failure.
"""

import dataclasses
import functools
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from intake.keyring import Account
from intake.smtp_dialogue import COMMAND
from intake.smtp_incoming import FLOOD
from intake.smtp_port import IDLE
from intake.smtp_replies import LIMITS
from intake.smtp_sasl import LINE
from intake.smtp_settings import Limits, Settings
from tests import limit_clients as does
from tests.doors import loopback6
from tests.still import Door, still_door
from tests.tls import certificate

ROOT = Path(__file__).parents[2]
ANY = Settings()
BEHIND = Settings(proxies=("127.0.0.1/32",))
ONE = {"total": 1, "pressed": 2}
AUTH = Settings(plain_auth=True)
SILENT = {"handshake", "proxy-header"}
"""Limits whose client can't be told anything yet."""
ACME = Account(name="feed:acme", per_minute=3, scopes=frozenset({"report"}))


def check(name: str, secret: str) -> Account | None:
    return ACME if (name, secret) == ("acme", "right") else None


@dataclass(frozen=True)
class Row:
    """A limit `n` of one word, of `field` of Limits where it stands there; beyond it is `over`."""

    word: str
    field: str
    n: int
    act: does.Act
    over: Callable[[int, int], bool] = lambda count, n: count > n
    more: dict[str, Any] = field(default_factory=dict)
    settings: Settings = ANY
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.word}-{self.field or self.n}"


def reached(count: int, n: int) -> bool:
    """A limit of time is over when it is reached."""
    return count >= n


def below(count: int, n: int) -> bool:
    return count < n


part = functools.partial
ROWS = [
    Row("source", "per_source", 3, does.connections(lambda _: "127.0.0.1")),
    *([Row("source", "per_source", 3, does.connections(lambda _: "::1"), settings=Settings(host="::1"))]
      if loopback6() else []),
    Row("source", "per_source", 3, does.balanced(lambda number: f"2001:db8:0:1:{number}::1"), settings=BEHIND),
    Row("network", "per_network", 3, does.connections(lambda number: f"127.0.0.{number + 1}")),
    Row("network", "per_network", 3, does.balanced(lambda number: f"2001:db8:0:{number}::1"), settings=BEHIND),
    Row("total", "total", 3, does.connections(lambda number: f"127.0.{number}.1")),
    Row("pressed", "pressed", 2 * IDLE[0], part(does.idle_beside_a_newcomer, "127.0.0.1"), reached, ONE),
    Row("pressed", "pressed", 2 * IDLE[1], part(does.idle_beside_a_newcomer, "127.0.1.1"), reached, ONE),
    Row("pressed", "pressed", 2 * IDLE[1], does.message_beside_a_newcomer, reached, ONE | {"grace": 100}),
    Row("pressed", "pressed", 2 * IDLE[2], does.two_beside_a_newcomer, reached, {"total": 2}),
    Row("idle", "idle", 300, does.silent, reached),
    Row("fruitless", "fruitless", 900, does.silent, reached, {"idle": 1000}),
    Row("slow", "grace", 30, part(does.in_a_message, 10), reached),
    Row("slow", "rate", 100, lambda client, rate: does.bytes_in_ten_seconds(client, rate * 10), below,
        {"grace": 10}),
    Row("slow", "", 1000, does.bytes_in_ten_seconds, below, {"grace": 10, "rate": 100}),
    Row("message-time", "message_time", 300, part(does.in_a_message, 10_000), reached, {"rate": 1}),
    Row("handshake", "handshake", 30, part(does.shaken, "implicit"), reached, tls=True),
    Row("handshake", "handshake", 30, part(does.shaken, "starttls"), reached, tls=True),
    Row("handshake", "handshake", 30, part(does.shaken, "proxy"), reached, settings=BEHIND),
    Row("commands", "commands", 5, does.said("NOOP")),
    Row("errors", "errors", 5, does.said("FOO")),
    Row("messages", "messages", 3, does.messages_of_one_connection),
    Row("recipients", "recipients", 3, does.recipients),
    Row("command-line", "", COMMAND, part(does.long_command, b"NOOP")),
    Row("command-line", "", LINE, part(does.long_command, b"AUTH PLAIN"), settings=AUTH),
    Row("endless-line", "", LINE, does.no_end),
    Row("http", "", 0, does.said("POST / HTTP/1.1")),
    Row("auth-line", "", LINE, does.long_response, settings=AUTH),
    Row("auth-slow", "auth_slow", 2, does.wrong_logins, settings=AUTH),
    Row("auth-failures", "auth_failures", 3, does.wrong_logins, settings=AUTH),
    Row("source-rate", "per_minute", 3, does.messages(lambda _: "127.0.0.1")),
    Row("network-rate", "network_per_minute", 3, does.messages(lambda number: f"127.0.0.{number + 1}")),
    Row("account-rate", "", ACME.per_minute, does.messages(lambda _: "127.0.0.1", login=True), settings=AUTH),
    Row("size", "size", 1000, does.data),
    Row("size", "size", 1000, does.chunk),
    Row("size", "size", 1000, does.announced),
    Row("flood", "", 2000 + FLOOD, does.endless, more={"size": 1000}),
    Row("flood", "", 2000 + FLOOD, does.chunk, more={"size": 1000}),
    Row("disk", "", 1500, does.low, below, {"size": 1000}),
    Row("proxy-header", "", 107, part(does.padded, 1), settings=BEHIND),
    Row("proxy-header", "", 4096, part(does.padded, 2), settings=BEHIND),
]  # fmt: skip


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certificate(tmp_path_factory.mktemp("tls"))


def figure(door: Door, limit: str) -> float:
    return door.metrics.value("limits_total", door="smtp", limit=limit)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_limit_at_its_border(row: Row, tls: ssl.SSLContext) -> None:
    settings = dataclasses.replace(row.settings, tls=tls, tls_port=0) if row.tls else row.settings
    limits = ({row.field: row.n} if row.field else {}) | row.more
    for count in range(max(0, row.n - 1), row.n + 2):
        over = row.over(count, row.n)
        with still_door(settings, check, **limits) as door, ExitStack() as open_:
            line, reply = row.act(does.Client(door, open_), count)
            if not over:
                assert reply and f"[{row.word}]" not in reply, (count, reply)
            elif row.word in SILENT:
                assert reply == "", count
            else:
                assert reply.startswith(f"{LIMITS[row.word][0]} [{row.word}] "), (count, reply)
                assert not reply.startswith("421") or line.reply() == ""
            assert figure(door, row.word) == over, count


@pytest.mark.parametrize(("seconds", "reply"), [(6, "nothing yet"), (7, "535 5.7.8"), (8, "535 5.7.8")])
def test_how_long_a_wrong_login_waits(seconds: int, reply: str) -> None:
    with still_door(AUTH, check, auth_slow=1, auth_delay=7.0) as door, ExitStack() as open_:
        assert does.wrong_logins(does.Client(door, open_), 2, seconds)[1].startswith(reply)


def test_every_limit_has_a_row() -> None:
    limits = {each.name for each in dataclasses.fields(Limits)}
    assert {row.field for row in ROWS} | {"auth_delay"} == limits | {""}
    assert {row.word for row in ROWS} == LIMITS.keys() | SILENT


def test_every_word_is_told_to_providers() -> None:
    page = (ROOT / "docs" / "isp.md").read_text()
    assert [word for word, (codes, _) in LIMITS.items() if f"| `{codes}` | `[{word}]` |" not in page] == []
