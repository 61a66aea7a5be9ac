"""Benchmark: what a report costs when many have been stored: `python tests/bench/growth.py [--thousands 3]`.

Two homes: one takes copies of the samples, so that six cases grow, the other messages in campaigns of their own, so
that ever more cases stand beside each other. A thousand reports go in, then so many thousand more; each thousand is
measured alone. CPU of parent and children tells most, because other work on the machine disturbs it least.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import made
from line import BEFORE, FIRST, SETTINGS, of_children, used

KINDS = {"grow": ("reports of the same campaigns", 0.0), "many": ("reports in campaigns of their own", 1.0)}
BATCH = 1000


def measured(home: Path, alone: float, thousands: int) -> Iterator[str]:
    """A line of the table for each thousand."""
    from deploy.commands import report
    from deploy.commands.desk import Desk
    from triage.case import Case

    (home / "lapwing.toml").write_text(SETTINGS)
    desk = Desk(home, makes=True)

    def take(name: str, mails: Iterator[bytes]) -> None:
        folder = home / name
        folder.mkdir()
        for index, data in enumerate(mails):
            (folder / f"{index}.eml").write_bytes(data)
        report.work(desk, report.hand_in(desk, [folder], "", quiet=True), quiet=True)

    take("first", (FIRST % number for number in range(BEFORE)))
    for number in range(thousands + 1):
        mails = list(made.copies(BATCH, seed=number + 1, alone=alone))
        began, cpu = time.perf_counter(), used() + of_children()
        take(str(number), iter(mails))
        cost, wall = used() + of_children() - cpu, time.perf_counter() - began
        cases, size = sum(desk.house.store.count(Case, {}).values()), (home / "store.sqlite").stat().st_size
        yield f"{number * BATCH:>10}{BATCH / wall:>12.1f}{cost:>12.2f}{cases:>10}{size / 1e6:>12.1f}"
    desk.close()


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--thousands", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    options.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    given = options.parse_args()
    if not given.kind:
        for kind in KINDS:
            arguments = ["--kind", kind, "--thousands", str(given.thousands), "--folder", str(given.folder)]
            subprocess.run([sys.executable, __file__, *arguments], check=True)
        return
    name, alone = KINDS[given.kind]
    print(f"{name}\n{'stored':>10}{'per s':>12}{'CPU ms':>12}{'cases':>10}{'store MB':>12}", flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        for line in measured(Path(home), alone, given.thousands):
            print(line, flush=True)


if __name__ == "__main__":
    main()
