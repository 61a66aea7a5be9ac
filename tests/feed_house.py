"""A house with two feeds and the API door in front of it, for tests: a real uvicorn, real vault, real parsing children.

with house(tmp_path) as ours:
    answer = ours.ask("POST", "/reports", MAIL, ours.a, {"Content-Type": "message/rfc822"})
    ours.work()        follow and work until nothing is left to do
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import feeds
from deploy.line import run_dry
from deploy.sweeper import start
from deploy.uploadd import routes_of
from deploy.wiring import House, now, open_house
from intake.api import Limits
from intake.feed import SCOPES, Feed, FeedKey, new_secret
from intake.follower import only_one
from intake.metrics import Metrics
from tests.upload_doors import Answer, ask, door
from tests.walker import mail

OFF = {"LAPWING_DNS_MODE": "off", "LAPWING_HOOKS_PRIVATE": "true"}
RFC822 = {"Content-Type": "message/rfc822"}


@dataclass
class Ours:
    """The house, its port, and a key with all scopes of each of the feeds `a` and `b`."""

    house: House
    port: int
    a: str
    b: str

    def ask(
        self, method: str, path: str, body: Any = None, key: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        told = {"Authorization": f"Bearer {key}"} if key else {}
        return ask(self.port, method, "/api/v1" + path, body, told | dict(headers or {}))

    def hand_in(self, data: bytes, key: str, **headers: str) -> dict[str, Any]:
        answer = self.ask("POST", "/reports", data, key, RFC822 | headers)
        assert answer.status == 202, answer.body
        return answer.json

    def work(self) -> None:
        with only_one(self.house.home):
            start(self.house)
            run_dry(self.house)
            feeds.Reconciler(self.house.archive, self.house.outcomes, now).turn()


def add_feed(house: House, name: str, **fields: Any) -> Feed:
    feed = house.archive.keep(Feed(name=name, by="test", at=now(), **fields))
    feeds.fill_keyring(house.archive, house.keyring)
    return feed


def add_key(house: House, name: str, *scopes: str, **fields: Any) -> str:
    text, id_, hash_ = new_secret(os.urandom(64))
    key = FeedKey(id=id_, feed=name, hash=hash_, scopes=scopes or SCOPES, by="test", at=now(), **fields)
    house.archive.keep(key)
    feeds.fill_keyring(house.archive, house.keyring)
    return text


@contextmanager
def house(folder: Path, limits: Limits | None = None, metrics: Metrics | None = None, **fields: Any) -> Iterator[Ours]:
    """Feed `a` is responsible for 198.51.100.0/24, feed `b` for 203.0.113.0/24; edges of both are at isp.example."""
    ours = open_house(folder / "home", "command", OFF)
    front = open_house(folder / "home", "upload", OFF)
    add_feed(ours, "a", networks=("198.51.100.0/24",), edges=("mx.isp.example",), **fields)
    add_feed(ours, "b", networks=("203.0.113.0/24",), edges=("mx.isp.example",), **fields)
    acceptor = front.acceptor(front.door)
    with door(acceptor, more=routes_of(front, acceptor, metrics, limits), metrics=metrics) as port:
        yield Ours(ours, port, add_key(ours, "a"), add_key(ours, "b"))
    for each in (ours, front):
        each.parser.close()
    ours.writer.close()
    front.door.close()


def from_network(network: str, tag: str, host: int = 7) -> bytes:
    return mail(tag=tag).replace(b"198.51.100.7", f"{network}.{host}".encode())
