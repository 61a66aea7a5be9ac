"""Benchmark: reports per second through the whole line against mail-parser merely parsing the same messages.

    python tests/bench/line.py [--messages 300] [--rounds 3] [--folder DIR]

Ours is what `lapwing report FOLDER` does, in one process with its parsing children, DNS off: hand in (durable),
unpack, examine, file in cases, show the queue's views; every record sealed and synced in the vault. Theirs:
`mailparser.parse_from_bytes(...).mail`. The messages are drawn from the .eml files under LAPWING_CORPORA where that
is set, else made from the samples. Each pass is a fresh process whose parsing children have started and dealt with a
few messages before the clock starts; the two take turns. Prints medians, lowest and highest, CPU and peak memory, and
the ratio.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import made

from tests import corpora

SETTINGS = '[dns]\nmode = "off"\n'
FIRST = b"From: a@bench.example\r\nSubject: first\r\nMessage-ID: <%d@bench.example>\r\n\r\nA mail before the clock.\r\n"
BEFORE = 16
PASSES = ("ours", "theirs")
Figures = dict[str, float]


def used(who: int = resource.RUSAGE_SELF) -> float:
    """Seconds of CPU of this process, or of its children that have ended."""
    spent = resource.getrusage(who)
    return spent.ru_utime + spent.ru_stime


def children() -> dict[int, float]:
    """Seconds of CPU of each living child of this process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found[int(path.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def of_children() -> float:
    return used(resource.RUSAGE_CHILDREN) + sum(children().values())


def peak(process: int) -> float:
    """Highest resident size of a living process so far, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def ours(folder: Path) -> Figures:
    """One pass of the line over the files of a folder, in a home of its own beside it."""
    from deploy.commands import report
    from deploy.commands.desk import Desk
    from triage.case import Case, Filing

    with tempfile.TemporaryDirectory(dir=folder.parent) as home:
        Path(home, "lapwing.toml").write_text(SETTINGS)
        for number in range(BEFORE):
            Path(home, f"first{number}.eml").write_bytes(FIRST % number)
        desk = Desk(Path(home))
        desk.makes = True
        began = time.perf_counter()
        report.work(desk, report.hand_in(desk, sorted(Path(home).glob("*.eml")), "", quiet=True), quiet=True)
        ready = time.perf_counter() - began
        began, cpu, child_cpu = time.perf_counter(), used(), of_children()
        handed = report.hand_in(desk, [folder], "", quiet=True)
        taken = time.perf_counter() - began
        report.work(desk, handed, quiet=True)
        figures = {
            "wall": time.perf_counter() - began, "cpu": used() - cpu, "child cpu": of_children() - child_cpu,
            "hand in": taken, "start": ready, "peak": peak(os.getpid()),
            "child peak": max(peak(each) for each in children()),
            "done": sum(desk.house.store.count(Filing, {}).values()) - BEFORE,
            "cases": sum(desk.house.store.count(Case, {}).values()) - 1.0,
        }  # fmt: skip
        desk.close()
    return figures


def theirs(folder: Path) -> Figures:
    """One pass of mail-parser over the same files; what it raises is one message not done."""
    import mailparser

    mailparser.parse_from_bytes(FIRST % 0).mail
    began, cpu, done = time.perf_counter(), used(), 0
    for path in sorted(folder.iterdir()):
        try:
            done += bool(mailparser.parse_from_bytes(path.read_bytes()).mail)
        except Exception as error:
            print(f"mail-parser: {type(error).__name__}", file=sys.stderr)
    return {"wall": time.perf_counter() - began, "cpu": used() - cpu, "peak": peak(os.getpid()), "done": float(done)}


def apart(which: str, folder: Path) -> Figures:
    """A pass in a process of its own."""
    command = [sys.executable, __file__, "--pass", which, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def messages(number: int) -> tuple[str, list[bytes]]:
    """What is measured with, and its name."""
    folder = corpora.found()
    if folder is not None:
        return "real mail of LAPWING_CORPORA", made.drawn(folder, number)
    return "messages made from the samples", list(made.copies(number))


def row(name: str, passes: Sequence[Figures], number: int) -> str:
    """One line of the table."""
    rates = [number / each["wall"] for each in passes]

    def middle(field: str) -> float:
        return statistics.median(each.get(field, 0.0) for each in passes)

    cpu, child = middle("cpu") / number * 1000, middle("child cpu") / number * 1000
    return (
        f"{name:12}{statistics.median(rates):10.1f}{f'{min(rates):.1f}-{max(rates):.1f}':>15}"
        f"{cpu + child:10.2f}{cpu:10.2f}{child:10.2f}{middle('peak'):10.0f}{middle('child peak'):10.0f}"
    )


def table(number: int, rounds: int, folder: Path) -> None:
    """Measure in turn and print."""
    kind, mails = messages(number)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        inside = Path(place, "mail")
        inside.mkdir()
        for index, data in enumerate(mails):
            (inside / f"{index:06}.eml").write_bytes(data)
        passes: dict[str, list[Figures]] = {which: [] for which in PASSES}
        for _ in range(rounds):
            for which in PASSES:
                passes[which].append(apart(which, inside))
    size = sum(map(len, mails)) / len(mails) / 1000
    print(f"reports per second, {len(mails)} {kind}, mean {size:.1f} kB, median of {rounds}")
    heads = ("per s", "range", "CPU ms", "parent", "child", "peak MB", "child MB")
    print(f"{'':12}{heads[0]:>10}{heads[1]:>15}" + "".join(f"{each:>10}" for each in heads[2:]))
    for name, which in zip(("the line", "mail-parser"), PASSES, strict=True):
        print(row(name, passes[which], len(mails)))
    ratio = statistics.median(b["wall"] / a["wall"] for a, b in zip(*passes.values(), strict=True))
    last = passes["ours"][-1]
    print(f"ratio {ratio:.2f} of mail-parser's rate; {last['done']:.0f} reports in {last['cases']:.0f} cases;", end=" ")
    print(f"of the time {last['hand in'] / last['wall']:.0%} handing in; start {last['start']:.1f} s", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--messages", type=int, default=300)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    options.add_argument("--pass", dest="which", choices=PASSES, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.which:
        print(json.dumps({"ours": ours, "theirs": theirs}[given.which](given.folder)))
    else:
        table(given.messages, given.rounds, given.folder)


if __name__ == "__main__":
    main()
