"""A home with receipts on, a mail server that takes them, and a recorded DNS, for tests of what reporters are written.

    with house(tmp_path, server) as made:
        made.hand_in(cover(...), "rita@isp.example")        a submission, as a door keeps it; its id
        made.acknowledge()                                  unpack and acknowledge what was handed in
        made.kept(id).result

`isp.example` may send from 192.0.2.10 (SPF), `signs.example` has the DKIM key of the samples, `hard.example` may send
from nowhere, `anybody.example` lets everybody, `silent.example` does not answer, `nothing.example` has no records.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.wiring import House, open_house
from enrichment.acknowledge import Acknowledgement, Tools, acknowledge
from enrichment.gather.authentication import sign
from enrichment.gather.resolver import Recorded
from intake import parsing
from intake.feed import Feed, FeedClass
from intake.submission import Envelope
from tests.sample_dns import public
from tests.sink import Sink
from triage import notify

KEY = (Path(__file__).parent / "samples" / "sample-dkim.pem").read_bytes()
KEY = KEY[KEY.index(b"-----BEGIN") :]
PEER = "192.0.2.10"
NOW = datetime.now(UTC)


def dns() -> dict[str, dict[str, object]]:
    def text(*answers: str) -> dict[str, object]:
        return {"status": "answer" if answers else "nodata", "answers": list(answers)}

    return {
        "TXT isp.example": text("v=spf1 ip4:192.0.2.0/24 -all"),
        "TXT soft.example": text("v=spf1 ip4:198.51.100.1 ~all"),
        "TXT hard.example": text("v=spf1 -all"),
        "TXT anybody.example": text("v=spf1 include:all.example -all"),
        "TXT all.example": text("v=spf1 +all"),
        "TXT signs.example": text("v=spf1 ip4:198.51.100.1 ~all"),
        "TXT sample._domainkey.signs.example": text(public(KEY)),
        "TXT nothing.example": text(),
        "TXT silent.example": {"status": "timeout"},
        "TXT report.lapwing.example": text("v=spf1 ip4:192.0.2.0/24 -all"),
        "TXT lapwing.example": text("v=spf1 ip4:192.0.2.0/24 -all"),
        "TXT feed.example": text("v=spf1 ip4:192.0.2.0/24 -all"),
        "TXT forwarder.example": text("v=spf1 ip4:192.0.2.0/24 -all"),
    }


def cover(
    sender: str = "rita@isp.example", tag: str = "1", fields: str = "", text: str = "", headers: bool = True
) -> bytes:
    """A mail in which somebody sends on a spam, attached; without `headers` as plain forward."""
    top = f"From: Rita <{sender}>\r\nTo: report@lapwing.example\r\nSubject: Fwd: words-of-the-spam {tag}\r\n"
    top += f"Message-ID: <cover.{tag}@client.example>\r\n{fields}MIME-Version: 1.0\r\n"
    spam = f"From: Shop <shop@spam-words.test>\r\nTo: victim-words@isp.example\r\nSubject: words-of-the-spam {tag}\r\n"
    if not headers:
        body = f"---------- Forwarded message ---------\r\n{spam}Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n"
        return f"{top}\r\n{text}\r\n\r\n{body}Buy at http://spam-link.test/{tag}\r\n".encode()
    received = "Received: from a.test ([198.51.100.7]) by mx.isp.example; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    inner = f"{received}{spam}Message-ID: <spam.{tag}@spam-words.test>\r\n\r\nBuy at http://spam-link.test/{tag}\r\n"
    parts = (
        f"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return f'{top}Content-Type: multipart/mixed; boundary="x"\r\n\r\n{parts}{inner}\r\n--x--\r\n'.encode()


def signed(data: bytes, domain: str = "signs.example") -> bytes:
    """The mail with a DKIM signature of that domain."""
    return sign(data, "sample", domain, KEY)


class Reporters:
    """The house, its mail server, and a clock that can be set."""

    def __init__(self, house: House, server: Sink) -> None:
        self.house, self.server, self.began = house, server, datetime.now(UTC)
        self.later = timedelta()
        self.house.__dict__["resolver"] = Recorded(dns())
        self._fresh: list[str] = []

    def clock(self) -> datetime:
        return self.began + self.later

    def hand_in(
        self, data: bytes, mail_from: str = "rita@isp.example", peer: str = PEER, channel: str = "smtp",
        to: str = "report@lapwing.example", **more: Any,
    ) -> str:  # fmt: skip
        """A submission as a door keeps it; its id."""
        rcpt_to, helo = ((to,), "mx.isp.example") if channel == "smtp" else ((), "")
        envelope = Envelope(mail_from=mail_from, rcpt_to=rcpt_to, peer=peer, helo=helo, **more)
        acceptance = self.house.acceptor(self.house.writer).open(channel, envelope, 10_000_000)
        acceptance.feed(data)
        receipt = acceptance.finish().result()
        self._fresh.append(receipt.submission)
        return receipt.submission

    def feed(self, name: str, class_: FeedClass = "isp", addresses: tuple[str, ...] = ()) -> None:
        """A feed that was known before anything came; its mail comes from 192.0.2.0/24."""
        senders, long_ago = ("192.0.2.0/24",), NOW - timedelta(days=30)
        feed = Feed(name=name, class_=class_, addresses=addresses, senders=senders, by="anna", at=long_ago)
        self.house.archive.keep(feed)

    def unpack(self) -> list[str]:
        """Unpack what was handed in since."""
        self.house.follower.catch_up()
        fresh, self._fresh = self._fresh, []
        self.house.steps["unpack"](fresh)
        self.house.work.done("unpack", fresh)
        return fresh

    def acknowledge(self, keys: Sequence[str] = ()) -> None:
        """The step, on these or on what was handed in since, by the clock of the test."""
        fresh = self.unpack()
        acknowledge(self.tools, keys or fresh)

    @property
    def tools(self) -> Tools:
        """What the house answers with, by the clock of the test."""
        return replace(self.house.answering, clock=self.clock)

    def file(self) -> None:
        """Examine what was unpacked and put it into cases."""
        work = self.house.work
        while reports := work.keys("enrich")[:200]:
            self.house.steps["enrich"](reports)
            self.house.steps["assess"](reports)
            work.done("enrich", reports)

    def notes(self, cases: Sequence[str]) -> None:
        """The notes about these cases, as the worker writes them; `Temporary` while one waits for another day."""
        work = self.house.work
        notify.notify(self.tools, work, cases)
        keys = work.keys("outcome")
        work.done("outcome", keys)
        notify.outcome(self.tools, keys)

    def kept(self, id_: str) -> Acknowledgement:
        found = self.house.archive.get(Acknowledgement, id_)
        assert found is not None
        return found

    def receipt(self, *handed: Any, **more: Any) -> Acknowledgement:
        """What became of the receipt for one submission."""
        id_ = self.hand_in(*handed, **more)
        self.acknowledge()
        return self.kept(id_)


SETTINGS = """
domain = "report.lapwing.example"
[smtp]
domains = ["lapwing.example"]
[dns]
mode = "off"
[receipts]
on = true
outcome = true
smtp_host = "127.0.0.1"
smtp_port = {port}
mail_from = "reports@lapwing.example"
name = "Example Agency, 通報中心"
base_url = "https://report.lapwing.example"
relays = ["203.0.113.25"]
[receipts.calls]
en = "165, day and night"
zh-Hant = "165 反詐騙專線"
[[reporters]]
address = "feed.example"
class = "isp"
"""


@contextmanager
def house(
    folder: Path, server: Sink, settings: str = SETTINGS, parser: parsing.Parser | None = None
) -> Iterator[Reporters]:
    """A house in that folder, with a parser of its own unless one is given."""
    home = folder / "home"
    home.mkdir(exist_ok=True, mode=0o700)
    (home / "lapwing.toml").write_text(settings.format(port=server.port))
    opened = open_house(home, "test", {})
    if parser is not None:
        opened.__dict__["parser"] = parser
    try:
        yield Reporters(opened, server)
    finally:
        if parser is None:
            opened.parser.close()
        opened.writer.close()
        opened.database.close()
