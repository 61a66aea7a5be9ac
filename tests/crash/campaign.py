"""SIGKILL at random moments under SMTP load, and the judge of what is left: `python tests/crash/campaign.py --kills
50`.

Four clients send messages by SMTP and two over the API, with idempotency keys, to the running system and journal every
250 and 202 (synced) before they go on; whatever gets none is sent again, as a mail server does. Meanwhile a random
process of the house, or a parsing child, is killed. In the end everything acknowledged must be there byte for byte,
once, in one case.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import smtplib
import sys
import tempfile
import threading
import time
from pathlib import Path

from deploy.commands.operate import port, running
from deploy.wiring import House, open_house
from intake.report import Report
from intake.store import every
from intake.submission import Submission
from tests import promise
from tests.crash.power_loss import names
from tests.feed_house import add_feed, add_key
from triage.case import Filing
from triage.fold import CaseView

NAMES = ("sweeper", "worker", "smtpd", "uploadd")
SMTP_CLIENTS, CLIENTS = 4, 6


class Load:
    """The clients; `journal` gets a line for every message that was acknowledged."""

    def __init__(self, home: Path, seed: int, key: str) -> None:
        self._home, self._seed, self._key = home, seed, key
        self._stop = threading.Event()
        self._journal = os.open(home.parent / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.sent: set[str] = set()
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        os.close(self._journal)

    def _client(self, number: int) -> None:
        rng, turn = random.Random(self._seed * 100 + number), 0
        while not self._stop.is_set():
            data = message(rng, number, turn)
            turn += 1
            self.sent.add(hashlib.sha256(data).hexdigest())
            while not self._stop.is_set() and not self._deliver(data, number, turn):
                time.sleep(0.1)

    def _deliver(self, data: bytes, number: int, turn: int) -> bool:
        """One attempt; True once it is acknowledged and journalled."""
        try:
            submission = self._mail(data, number) if number < SMTP_CLIENTS else self._post(data, f"{number}/{turn}")
        except (OSError, ValueError, smtplib.SMTPException, http.client.HTTPException):
            return False
        if submission:
            line = {"sha256": hashlib.sha256(data).hexdigest(), "submission": submission}
            os.write(self._journal, json.dumps(line).encode() + b"\n")
            os.fsync(self._journal)
        return bool(submission)

    def _mail(self, data: bytes, number: int) -> str:
        """The submission's id by SMTP, '' when it wasn't taken."""
        with smtplib.SMTP("127.0.0.1", port(self._home, "smtp"), timeout=10) as client:
            client.ehlo("client.example")
            client.mail(f"client{number}@isp{number}.example")
            client.rcpt("report@lapwing.example")
            code, said = client.data(data)
        return said.decode().split()[-2].partition("-")[0] if code == 250 else ""

    def _post(self, data: bytes, idempotency_key: str) -> str:
        """The same over the API."""
        told = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": idempotency_key}
        client = http.client.HTTPConnection("127.0.0.1", port(self._home, "upload"), timeout=10)
        with contextlib.closing(client):
            client.request("POST", "/api/v1/reports", data, {"Content-Type": "message/rfc822", **told})
            answer = client.getresponse()
            said = json.loads(answer.read())
        return said["reference"].partition("-")[0] if answer.status == 202 else ""


WORDS = ["claim", "your", "parcel", "fee", "now", "before", "the", "account", "closes", "urgent", "bank", "verify"]


def message(rng: random.Random, number: int, turn: int) -> bytes:
    """A small spam of its own, some 2 kB, now and then up to 400 kB."""
    words = " ".join(rng.choice(WORDS) for _ in range(rng.choice((200, 200, 200, 60_000))))
    head = (
        f"Received: from x{number}.example ([198.51.100.{number + 1}]) by mx.isp{number}.example; "
        f"Mon, 23 Nov 2026 10:00:{turn % 60:02} +0000\r\nFrom: a{number}@spam{turn % 5}.example\r\n"
        f"To: you@isp{number}.example\r\nSubject: parcel {number}-{turn}\r\n"
        f"Message-ID: <{number}.{turn}@spam.example>\r\n"
    )
    body = "\r\n".join(words[start : start + 900] for start in range(0, len(words), 900))
    return (head + "\r\n" + body + f"\r\nhttp://pay{turn % 5}.example/{number}/{turn}\r\n").encode()


def children_of(pid: int) -> list[int]:
    """The parsing children of a worker."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(each) for each in " ".join(lists).split()]


def kill_some(processes: running, rng: random.Random) -> str:
    """Kill one of the house's processes, or the parsing child."""
    pids = processes.pids
    target = rng.choice((*sorted(pids), "child"))
    victims = children_of(pids["worker"]) if target == "child" else [pids[target]]
    for pid in victims[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return target


def campaign(folder: Path, kills: int, seed: int = 1) -> dict[str, int]:
    """Run it in an empty folder; the figures."""
    home = folder / "home"
    home.mkdir()
    settings = '[smtp]\nport = 0\nper_minute = 0\nprocesses = 2\n[upload]\nport = 0\n[dns]\nmode = "off"\n'
    (home / "lapwing.toml").write_text('domain = "lapwing.example"\nsegment = 2000000\n' + settings)
    rng = random.Random(seed)
    house = open_house(home, "judge")
    add_feed(house, "acme", per_minute=0)
    key = add_key(house, "acme")
    with running(home, NAMES, several={"smtpd": 2}) as processes:
        load = Load(home, seed, key)
        for _ in range(kills):
            time.sleep(0.4 + rng.random() * 0.8)
            kill_some(processes, rng)
            processes.revive()
            time.sleep(1.1)
            processes.revive()
        load.stop()
        settle(processes, house)
    return {"kills": kills, **judge(house, folder / "journal", load.sent)}


def settle(processes: running, house: House) -> None:
    """Wait until all is done, or nothing more is for STUCK seconds."""
    done, since = -1, time.monotonic()
    while not settled(house) and time.monotonic() - since < STUCK:
        processes.revive()
        time.sleep(0.5)
        now = sum(house.store.count(kind, {}).get("", 0) for kind in (Submission, Report, Filing))
        if now != done:
            done, since = now, time.monotonic()


def settled(house: House) -> bool:
    """Whether nothing is left to do and every submission is in."""
    return not house.work.waiting() and not house.follower.behind


def judge(house: House, journal: Path, sent: set[str]) -> dict[str, int]:
    """Compare the journal with archive and store."""
    archive = house.archive
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    known = {name: each for each in every(archive.store, Submission, {}) for name in names(each)}
    lost = altered = 0
    for line in lines:
        submission = known.get(line["submission"])
        if submission is None:
            lost += 1
        elif hashlib.sha256(archive.bytes_of(submission)).hexdigest() != line["sha256"]:
            altered += 1
    reports = list(every(archive.store, Report, {}))
    filings = list(every(archive.store, Filing, {}))
    views = [view for view in every(archive.store, CaseView, {}) if view.state != "merged"]
    return {
        "sent": len(sent),
        "acknowledged": len(lines),
        "lost": lost,
        "altered": altered,
        "reports": len(reports),
        "doubled": len(reports) - len({(each.reporter, each.sha256) for each in reports}),
        "unsent": len({each.sha256 for each in reports} - sent),
        "missing": len({line["sha256"] for line in lines} - {each.sha256 for each in reports}),
        "unfiled": len(reports) - len(filings),
        "miscounted": abs(sum(view.reports for view in views) - len(filings)),
        "held": len(house.work.held()),
    }


BAD = ("lost", "altered", "doubled", "unsent", "missing", "unfiled", "miscounted", "held")
RULE = promise.Rule("P1", zero=BAD, least={"acknowledged": 51})
STUCK = 240.0
"""Seconds without any progress after which the house is judged as it is."""
PROMISED = 200
"""Kills of the long form."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = campaign(Path(folder), chosen.kills, chosen.seed)
    sys.exit(not RULE.ended(figures, "long" if chosen.kills >= PROMISED else "short"))


if __name__ == "__main__":
    main()
