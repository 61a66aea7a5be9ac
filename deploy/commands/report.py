"""`lapwing report`: hands in files and folders, waits until their reports are in cases, and says what became of
each.
"""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from deploy.commands.desk import JSON, Desk, bar, defanged, emit, err, out
from deploy.line import run_dry
from deploy.sweeper import start
from intake.errors import Refused, Temporary
from intake.follower import only_one
from intake.submission import Envelope, Receipt, Submission, Unpacked, Verdict
from triage.case import Filing

LIMIT = 100_000_000
"""Bytes of one file; a message inside may have what the parser's limits say."""
PIECE = 1 << 20
ABREAST = 64
"""Files whose bytes may wait for the disk at the same time."""
SAID = 5
"""Bad rows that are named to people; `--json` and `lapwing rows` have more."""
GOOD = frozenset({"report", "duplicate", "rows", "bounce", "auto-reply", "not-a-report"})
"""Verdicts after which nothing needs a person."""


@dataclass
class Handed:
    """A file on its way: its path as given, the receipt to come, or why it wasn't taken."""

    path: str
    coming: "Future[Receipt] | None" = None
    submission: str = ""
    sha256: str = ""
    verdict: str = ""
    says: str = ""


def report(
    context: typer.Context,
    paths: list[Path] = typer.Argument(
        ..., help="Files (.eml, .msg, mbox, zip, tar; lists as .csv, .xlsx, .json) and folders, Maildir too."
    ),
    json: bool = JSON,
    wait: bool = typer.Option(True, "--wait/--no-wait", help="Wait until the reports are in cases, or only hand in."),
    reporter: str = typer.Option("", "--reporter", help="E-mail address of whoever reports; default: you, unnamed."),
) -> None:
    """Hand in spam: every message in these files becomes a report, and each report finds its case.

    Exit status: 0 everything was taken, 1 some was not, 2 the command was used wrongly.
    """
    desk: Desk = context.obj
    desk.makes = True
    handed = hand_in(desk, paths, reporter, quiet=json)
    if wait:
        work(desk, [each for each in handed if each.submission], quiet=json)
    bad = show(desk, handed, json, wait)
    raise typer.Exit(1 if bad else 0)


def files_in(paths: list[Path]) -> Iterator[Path]:
    """Every regular file under these paths, in order; a link is followed where it was given, not inside a folder."""
    for given in paths:
        path = given.resolve() if given.is_symlink() else given
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                yield from (Path(folder) / name for name in sorted(names) if (Path(folder) / name).is_file())
        else:
            yield path


def hand_in(desk: Desk, paths: list[Path], reporter: str, quiet: bool) -> list[Handed]:
    """Make the bytes of every file durable."""
    files = list(files_in(paths))
    handed: list[Handed] = []
    with bar(quiet) as progress:
        task = progress.add_task("handing in", total=len(files))
        for path in files:
            handed.append(_take(desk, path, reporter))
            if len(handed) >= ABREAST:
                _settle(handed[-ABREAST])
            progress.advance(task)
        for each in handed:
            _settle(each)
    return handed


def _take(desk: Desk, path: Path, reporter: str) -> Handed:
    """Start one file on its way; a file that was handed in before is only named."""
    handed = Handed(named(str(path)))
    try:
        digest = _digest(path)
        known = _known(desk, digest, reporter)
        if known:
            handed.submission, handed.sha256 = known, digest
            return handed
        handed.coming = _stream(desk, path, reporter)
    except OSError as error:
        handed.verdict, handed.says = "unreadable", error.strerror or "can't be read"
    except Refused as error:
        handed.verdict, handed.says = "limit", f"{error.says}; split the mailbox, or hand in its messages as a folder"
    except Temporary as error:
        handed.verdict, handed.says = "try-again", error.says
    return handed


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        raise OSError(2, "there is no such file" if not path.exists() else "is no regular file")
    if path.stat().st_size > LIMIT:
        raise Refused("limit", f"more than {LIMIT} bytes")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _known(desk: Desk, digest: str, reporter: str) -> str:
    """The submission of the same reporter with these bytes, '' when there is none."""
    found, _ = desk.house.store.find(Submission, {"sha256": digest, "channel": "file"}, limit=100)
    return next((each.id for each in found if each.envelope.account == reporter.lower()), "")


def _stream(desk: Desk, path: Path, reporter: str) -> "Future[Receipt]":
    envelope = Envelope(account=reporter.lower())
    acceptance = desk.acceptor.open("file", envelope, LIMIT, filename=named(path.name))
    try:
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                pause = acceptance.feed(piece)
                if pause is not None:
                    pause.result()
        return acceptance.finish()
    finally:
        acceptance.abandon()


def _settle(handed: Handed) -> None:
    if handed.coming is not None:
        receipt = handed.coming.result()
        handed.submission, handed.sha256, handed.coming = receipt.submission, receipt.sha256, None


def work(desk: Desk, handed: list[Handed], quiet: bool) -> None:
    """See to it that the reports get into cases: by ourselves, or by the running system if there is one."""
    house = desk.house
    with bar(quiet) as progress:
        task = progress.add_task("examining", total=len(handed))

        def step() -> None:
            waiting = house.work.waiting()
            left = waiting.get("unpack", 0) + (1 if waiting else 0)
            progress.update(task, completed=max(0, len(handed) - left))

        while True:
            try:
                with only_one(house.home):
                    start(house)
                    run_dry(house, step)
                return
            except Temporary as busy:
                if _filed(desk, handed):
                    return
                step()
                time.sleep(min(busy.after, 0.2))


def _filed(desk: Desk, handed: list[Handed]) -> bool:
    """Whether the running system has brought every report of these into a case, or on hold."""
    held = {(each.step, each.key) for each in desk.house.work.held()}
    return all(_done(desk, each.submission, held) for each in handed)


def _done(desk: Desk, submission: str, held: set[tuple[str, str]]) -> bool:
    unpacked = desk.house.archive.get(Unpacked, submission)
    if unpacked is None:
        return ("unpack", submission) in held
    reports = [verdict.report for verdict in unpacked.verdicts if verdict.code == "report"]
    waiting = [each for each in reports if desk.house.archive.get(Filing, each) is None]
    return all({("enrich", each), ("assess", each)} & held for each in waiting)


def show(desk: Desk, handed: list[Handed], json: bool, waited: bool) -> bool:
    """Say what became of each file; whether something needs a person."""
    table = Table("file", "verdict", "reports", box=None, header_style="bold")
    bad = False
    for each in handed:
        unpacked = desk.house.archive.get(Unpacked, each.submission) if each.submission else None
        verdicts = unpacked.verdicts if unpacked else ()
        code, says = _summary(desk, each, verdicts, waited)
        bad = bad or not {code, *(verdict.code for verdict in verdicts)} <= GOOD | {"received"}
        bad = bad or any(verdict.bad for verdict in verdicts)
        reports = [{"report": v.report, "format": v.format} for v in verdicts if v.report]
        if json:
            line = {"path": each.path, "sha256": each.sha256, "submission": each.submission, "verdict": code,
                    "reports": reports}  # fmt: skip
            emit(line | ({"says": says} if says else {}) | {"items": [_item(verdict) for verdict in verdicts]})
        else:
            table.add_row(
                *(escape(defanged(cell)) for cell in (each.path, _told(code, says, verdicts))), str(len(reports))
            )
    if not json:
        out.print(table)
        err.print(f"{len(handed)} files; see the queue with: lapwing --home {desk.home} queue")
    return bad


def _item(verdict: Verdict) -> dict[str, Any]:
    item = {"name": verdict.name, "verdict": verdict.code, "sha256": verdict.sha256, "says": verdict.says}
    table = {"rows": verdict.rows, "bad": verdict.bad, "faults": verdict.faults}
    return {**item, **table} if verdict.code == "rows" else {**item}


ORDER = (
    "report", "rows", "duplicate", "not-fully-examined", "limit", "damaged", "password-protected", "bounce",
    "auto-reply", "empty", "not-a-report",
)  # fmt: skip
"""Which verdict stands for a file with several items: the first of these that one of them has."""


def named(path: str) -> str:
    """A file name as text: bytes that are no UTF-8 are written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _told(code: str, says: str, verdicts: tuple[Verdict, ...]) -> str:
    """The verdict for people; with how many items had another one that needs a person."""
    others = Counter(verdict.code for verdict in verdicts if verdict.code not in GOOD | {code})
    more = "".join(f"; {count} {other}" for other, count in sorted(others.items()))
    faults = [fault for verdict in verdicts for fault in verdict.faults][:SAID]
    named = "".join(
        f"; line {each.line}{', ' + each.column if each.column else ''}: {each.says}" for each in faults
    )  # fmt: skip
    return (f"{code}: {says}" if says else code) + named + more


def _summary(desk: Desk, handed: Handed, verdicts: tuple[Verdict, ...], waited: bool) -> tuple[str, str]:
    """The file's verdict and a sentence."""
    if handed.verdict:
        return handed.verdict, handed.says
    if not verdicts:
        return ("received", "") if not waited else ("on-hold", "it could not be opened; see `lapwing hold list`")
    reports = [verdict.report for verdict in verdicts if verdict.code == "report"]
    if waited and any(desk.house.archive.get(Filing, report) is None for report in reports):
        return "on-hold", "a report could not be filed; see `lapwing hold list`"
    best = min(verdicts, key=lambda each: ORDER.index(each.code) if each.code in ORDER else len(ORDER))
    return best.code, best.says
