"""The hostile submissions of `hostile_mail.py`, each run through the real parsing child: its costs and its verdict.

    python tests/fuzz/hostile.py [--only WORDS]      a table: case, size, seconds of CPU, peak memory, verdict

Each case is unpacked, what is found in it is examined, and that is weighed, as in the running system. It must end in
10 seconds of CPU and 512 MB of memory with a typed verdict, and where it goes beyond a limit the verdict must say so.
Exit status 1 where one does not.
"""

import argparse
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from enrichment.enrich import JOB as EXAMINE
from enrichment.enrich import Context, Examined
from enrichment.examination import Examination
from enrichment.facts import Lookup
from intake.formats.opened import Found, Opened
from intake.parsing import NotExamined, Parser, command
from intake.unpack import JOB as UNPACK
from intake.unpack import About
from tests.fuzz.hostile_mail import CASES, HEAD, Case
from tests.promise import Rule
from triage.weigh import JOB as WEIGH
from triage.weigh import Weighed, Weighing

SECONDS = 10.0
MEMORY = 512.0
MB = 1_000_000
AT = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    """How a case ended: seconds of CPU and peak memory (MB) of the child, and the verdict in words."""

    seconds: float
    memory: float
    verdict: str
    jobs: int


class Line:
    """The three jobs of a parsing child on one submission, with what they cost."""

    def __init__(self) -> None:
        self.parser = Parser(command("deploy.parserd"), wall_seconds=60.0)
        self._seconds = 0.0
        self._peak = 0.0
        self._jobs = 0

    def run(self, case: Case) -> Ended:
        """The submission unpacked, the first and last message in it examined and weighed."""
        self._seconds, self._peak, self._jobs = 0.0, 0.0, 0
        data = case.make()
        words: dict[str, None] = {}
        try:
            opened = self.job(UNPACK, data, About(filename=case.filename, cover=case.cover), Opened)
            words |= dict.fromkeys((*(each.verdict for each in opened.found), *opened.limits))
            for found in chosen(opened):
                words |= dict.fromkeys(self.examined(content(data, opened, found), found))
        except NotExamined as error:
            words[f"not-fully-examined ({error.reason})"] = None
        return Ended(self._seconds, self._peak, ", ".join(words), self._jobs)

    def examined(self, message: bytes, found: Found) -> Iterator[str]:
        """The words of both looks at a message, and of its weighing."""
        told = Context(claims=found.claims, edges=("example.net",), received=AT, zones=())
        first = self.job(EXAMINE, message, told, Examined)
        answers = {each.id: Lookup(type=each.type, name=each.name, status="withheld") for each in first.questions}
        last = self.job(EXAMINE, message, msgspec.structs.replace(told, answers=answers, last=True), Examined)
        yield from last.limits
        examination = Examination(
            report="hostile", submission="hostile", round=1, at=AT, message=last.message, hops=last.hops,
            boundary=last.boundary, checks=last.checks, findings=last.findings, limits=last.limits,
        )  # fmt: skip
        self.job(WEIGH, b"", Weighing(examination=examination, claims=found.claims), Weighed)

    def job(self, name: str, data: bytes, about: object, type_: type) -> object:
        """One job, with its cost added up; a child that died has used all that it ever used."""
        self.parser.run(UNPACK, HEAD, About(filename="", cover=True), Opened)
        pid, before, dead = self.parser.pid, used(self.parser.pid), of_dead()
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._jobs += 1
        try:
            return self.parser.run(name, data, about, type_)
        finally:
            alive = self.parser.pid == pid
            self._seconds += (used(pid) if alive else of_dead() - dead) - before
            self._peak = max(self._peak, peak(pid) if alive else MEMORY)


def chosen(opened: Opened) -> list[Found]:
    """The first, and the last, of the reported messages."""
    found = [each for each in opened.found if each.verdict == "report" and each.end > each.start]
    return list(dict.fromkeys((found[0], found[-1]))) if found else []


def content(data: bytes, opened: Opened, found: Found) -> bytes:
    whole = data if found.source < 0 else opened.made[found.source].data
    return whole[found.start : found.end]


def used(pid: int) -> float:
    """Seconds of CPU of a living process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def of_dead() -> float:
    """Seconds of CPU of all our children that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def peak(pid: int) -> float:
    """Highest resident size since it was last reset, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / MB for line in lines if line.startswith("VmHWM"))


def wrong(case: Case, ended: Ended) -> str:
    """What the promise is broken by, '' where it holds."""
    if ended.seconds > SECONDS:
        return "too long"
    if ended.memory > MEMORY:
        return "too much memory"
    words = {each.split(" ")[0] for each in ended.verdict.split(", ")}
    if not ended.verdict or (case.says and not words & {*case.says, "not-fully-examined"}):
        return "no word of the limit"
    return ""


RULE = Rule("P18", zero=("wrong",), least={"cases": 20})


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--only", default="", help="cases with this in their name")
    given = options.parse_args()
    line, bad = Line(), 0
    print(f"{'case':48}{'MB':>7}{'CPU s':>8}{'peak MB':>9}  verdict", flush=True)
    for name, case in CASES.items():
        if given.only in name:
            ended = line.run(case)
            fault = wrong(case, ended)
            bad += bool(fault)
            size = len(case.make()) / MB
            row = f"{name:48}{size:7.1f}{ended.seconds:8.2f}{ended.memory:9.0f}  {ended.verdict[:120]}"
            print(row + (f"  WRONG: {fault}" if fault else ""), flush=True)
    line.parser.close()
    if given.only:
        print(f"{bad} wrong")
    else:
        RULE.ended({"wrong": bad, "cases": len(CASES)}, "long")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
