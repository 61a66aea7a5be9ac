"""A home, and what the upload door hands in there, with what a person told, for tests of additions by reference.

made = Home(folder)
first = made.send(mail(), contact="a@isp.example")      a submission, as the door keeps it; its id
made.send(of=first, adds="withdrawal")
made.work()                                             until nothing is left to do
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from deploy.line import run_dry
from deploy.sweeper import start
from deploy.wiring import now, open_house
from intake.accept import Acceptance
from intake.follower import only_one
from intake.report import Report
from intake.store import every
from intake.submission import Envelope, Told, Unpacked
from tests.walker import OFFLINE
from triage.case import Filing
from triage.fold import CaseView
from triage.stream import current

PEER = "198.51.100.20"


class Home:
    """A home, and what is handed in there as the upload door does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.house = open_house(folder, "test", OFFLINE)
        self.acceptor = self.house.acceptor(self.house.writer)

    def send(self, data: bytes = b"", peer: str = PEER, filename: str = "", **told: Any) -> str:
        return self.hand_in("upload", Envelope(peer=peer, told=Told(**told)), data, filename)

    def hand_in(self, channel: str, envelope: Envelope, data: bytes, filename: str = "") -> str:
        acceptance: Acceptance = self.acceptor.open(channel, envelope, 10**7, filename)
        if data:
            acceptance.feed(data)
        return acceptance.finish().result().submission

    def follow(self) -> None:
        """Read what was handed in, and do nothing with it yet."""
        with only_one(self.folder):
            start(self.house)

    def later(self, seconds: float) -> None:
        """From now on unpacking takes it to be that much later."""
        tools = self.house.unpacking
        self.house.__dict__["unpacking"] = replace(tools, clock=lambda: now() + timedelta(seconds=seconds))

    def state(self, reference: str) -> str:
        known = self.house.receipts.known(reference)
        return known.state if known else ""

    def work(self) -> None:
        with only_one(self.folder):
            start(self.house)
            run_dry(self.house)

    def reports(self, submission: str) -> list[Report]:
        return list(every(self.house.store, Report, {"submission": submission}))

    def verdicts(self, submission: str) -> list[str]:
        done = self.house.archive.get(Unpacked, submission)
        assert done is not None
        return [each.code for each in done.verdicts]

    def case(self, report: str) -> CaseView:
        filing = self.house.archive.get(Filing, report)
        assert filing is not None
        return current(self.house.archive, filing.case)

    def close(self) -> None:
        self.house.parser.close()
        self.house.writer.close()
        self.house.database.close()


def the_only(found: Sequence[Report]) -> Report:
    (one,) = found
    return one
