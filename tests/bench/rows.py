"""Benchmark: rows per second of a feed's list, end to end, against the standard library merely reading the same file.

    python tests/bench/rows.py [--rows 100000] [--rounds 3] [--folder DIR]

Ours is what `lapwing report LIST.csv` does after its parsing children have started: hand in (durable), recognise, read
each row as a claim, keep the sheets sealed and indexed by what they name. Theirs: `csv.DictReader` over the file and
`ipaddress.ip_address` of one cell, nothing kept. Each pass hands in `rounds` lists of as many rows one after the other
into one home: that the last costs what the first did is the growth. The two take turns. Then what it costs to say for
a case what these lists say of the things that it names.
"""

import argparse
import csv
import ipaddress
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from line import BEFORE, FIRST, SETTINGS, children, of_children, peak, used

HEADINGS = ("timestamp", "ip", "domain", "type", "count")


def listed(number: int, seed: int) -> Iterator[tuple[str, ...]]:
    """So many rows: an address each, and every fourth one a domain, one in a thousand bad."""
    lot = Random(seed)
    for index in range(number):
        address = str(ipaddress.IPv4Address(lot.randrange(0x01000000, 0x09FFFFFF)))
        when = f"2026-11-{1 + index % 28:02}T{index % 24:02}:00:00Z"
        domain = f"d{lot.getrandbits(32):x}.bench.example" if index % 4 == 0 else ""
        yield when, "none of these" if index % 1000 == 999 else address, domain, "spam", str(1 + index % 9)


def written(path: Path, number: int, seed: int) -> Path:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADINGS)
        out.writerows(listed(number, seed))
    return path


def theirs(path: Path) -> float:
    """Seconds of reading the file."""
    began, good = time.perf_counter(), 0
    with path.open(newline="") as file:
        for each in csv.DictReader(file):
            try:
                ipaddress.ip_address(each["ip"])
            except ValueError:
                continue
            good += 1
    print(f"{'':18}{good} read by the standard library" if good == 0 else "", end="")
    return time.perf_counter() - began


def measured(home: Path, number: int, rounds: int) -> None:
    """Hand in list after list; a line of the table for each."""
    from deploy.commands import report
    from deploy.commands.desk import Desk
    from intake.sheet import Sheet
    from intake.submission import Unpacked

    (home / "lapwing.toml").write_text(SETTINGS)
    desk = Desk(home, makes=True)
    warm = home / "first"
    warm.mkdir()
    for index in range(BEFORE):
        (warm / f"{index}.eml").write_bytes(FIRST % index)
    report.work(desk, report.hand_in(desk, [warm], "", quiet=True), quiet=True)
    heads = ("stored", "per s", "CPU s", "child CPU", "peer per s", "ratio", "store MB", "peak MB", "child MB")
    print("".join(f"{each:>11}" for each in heads))
    ratios = []
    for index in range(rounds):
        path = written(home / f"{index}.csv", number, index)
        peer = theirs(path)
        began, cpu, child = time.perf_counter(), used(), of_children()
        handed = report.hand_in(desk, [path], "feed@bench.example", quiet=True)
        report.work(desk, handed, quiet=True)
        wall, spent, spent_child = time.perf_counter() - began, used() - cpu, of_children() - child
        unpacked = desk.house.archive.get(Unpacked, handed[0].submission)
        assert unpacked is not None and unpacked.verdicts[0].rows + unpacked.verdicts[0].bad == number
        ratios.append(peer / wall)
        size = (home / "store.sqlite").stat().st_size / 1e6
        figures = (
            index * number,
            number / wall,
            spent,
            spent_child,
            number / peer,
            ratios[-1],
            size,
            peak(os.getpid()),
        )
        print("".join(f"{each:>11.4g}" for each in (*figures, max(peak(each) for each in children()))), flush=True)
    print(f"ratio {statistics.median(ratios):.2f} of the standard library's rate;", end=" ")
    asked(desk, sum(desk.house.store.count(Sheet, {}).values()))
    desk.close()


def asked(desk, sheets: int) -> None:  # type: ignore[no-untyped-def]
    """What it costs to look for a hundred things that lists name."""
    from datetime import UTC, datetime

    from triage.case import Filing
    from triage.harm import Assessment
    from triage.support import support

    addresses = [row[1] for row in listed(1000, 0)][:100]
    filings = [
        Filing(
            report=f"r{at}", submission="s", case="c", reporter="p", round=1, at=datetime.now(UTC),
            assessment=Assessment(band="none", kind="unclear", rules=1, sender=address),
        )
        for at, address in enumerate(addresses)
    ]  # fmt: skip
    began = time.perf_counter()
    found = support(desk.house.store, filings)
    took = time.perf_counter() - began
    print(f"{len(found.said)} of {len(addresses)} senders found in {sheets} sheets in {took * 1000:.0f} ms", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        measured(Path(home), given.rows, given.rounds)


if __name__ == "__main__":
    main()
