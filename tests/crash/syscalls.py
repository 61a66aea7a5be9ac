"""Every system call of intake made to fail, one after the other: `python tests/crash/syscalls.py`.

The method of Tessera's fault test: a real door takes in reports under strace, and each call in which it touches its
home is found, by file. Then it is run anew for every such call, which fails with EIO, fails with ENOSPC, or kills the
process. Whatever was acknowledged must be there byte for byte, nobody may be told that the fault is theirs, nothing may
be acknowledged after a failed sync, and the next start must take reports again.

`--failed-sync 50` tries so many syncs alone, each failing once: the process ends with its own status and says why. The
scenes are in `scenes.py`. In the first of them files have no names yet that could be told beforehand, so a call is
found by its number in its thread, and is not always met.
"""

import argparse
import random
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from intake.vault import keys
from intake.vault.reader import Reader
from intake.vault.writer import EXIT_STATUS
from tests import promise
from tests.crash.power_loss import judge
from tests.crash.scenes import SCENES, Said, copied
from tests.crash.traced import RECORDED, Door

FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
TOUCHING = f"{RECORDED},read,pread64,flock,close"
"""Calls that are made to fail; `close` and `flock` too, because Tessera's test has them."""
SYNCS = ("fsync", "fdatasync")
ATTEMPTS = 3
"""Runs of a point that missed: how many writes a group commit makes depends on the moment."""
_CALL = re.compile(r"(\d+) +(\w+)\(")
_QUOTED = re.compile(r'<(/[^>]*)>|"(/[^"]*)"')


class Point(NamedTuple):
    """The `nth` call of that name in a scene that is about `path` (in the home; '' any), and how it fails."""

    scene: str
    call: str
    path: str
    nth: int
    fault: str


def points(folder: Path, scene: str) -> list[Point]:
    """Every point of a scene, whose home is left in `folder`/home for the runs to be copied from."""
    prepared = SCENES[scene].prepare(folder).home
    (folder / "tried").mkdir()
    home = copied(prepared, folder / "tried").home
    log = folder / "log"
    door = Door(home, "-y", "-s", "300", "-e", f"trace={TOUCHING}", "-o", str(log), module=SCENES[scene].module)
    SCENES[scene].hand_in(door, home)
    door.end()
    found = _by_number(log, str(home)) if scene == "first" else _by_path(log, str(home))
    return [Point(scene, *each, fault) for each in sorted(found) for fault in FAULTS]


def _by_number(log: Path, home: str) -> set[tuple[str, str, int]]:
    """(name, '', number among its kind in its thread) of the calls that change the home."""
    counts: Counter[tuple[str, str]] = Counter()
    found = set()
    for thread, call, path in _calls(log, home):
        counts[thread, call] += 1
        if path and call not in ("read", "pread64", "close"):
            found.add((call, "", counts[thread, call]))
    return found


def _by_path(log: Path, home: str) -> set[tuple[str, str, int]]:
    """(name, path in the home, number among its kind in its thread) of the calls that touch the home."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for thread, call, path in _calls(log, home):
        if path:
            counts[thread, call, path] += 1
    return {(call, path, nth + 1) for (_, call, path), most in counts.items() for nth in range(most)}


def _calls(log: Path, home: str) -> Iterator[tuple[str, str, str]]:
    """(thread, name, path in the home or '') of every call."""
    for line in log.read_text(errors="replace").splitlines():
        if match := _CALL.match(line):
            paths = [one or other for one, other in _QUOTED.findall(line)]
            inside = (path.removeprefix(home + "/") for path in paths if path.startswith(home + "/"))
            yield match[1], match[2], next(inside, "")


def run(folder: Path, prepared: Path, point: Point) -> dict[str, int]:
    """Hand in with that fault, start again, hand in, judge: the figures."""
    scene, house, log = SCENES[point.scene], copied(prepared, folder), folder / "injected"
    where = ["-P", str(house.home / point.path)] if point.path else []
    inject = f"inject={point.call}:{point.fault}:when={point.nth}"
    traced = ["-y", "-s", "0", "-ttt", "-o", str(log), *where, "-e", f"trace={point.call}", "-e", inject]
    door = Door(house.home, *traced, module=scene.module)
    answers = scene.hand_in(door, house.home)
    status, said = door.end()
    hits = [line for line in log.read_text(errors="replace").splitlines() if _hit(line, str(house.home))]
    again = Door(house.home, module=scene.module)
    resumed = scene.hand_in(again, house.home)
    again.end(signal.SIGKILL)
    killed = point.fault == "signal=KILL"
    failed_sync = point.call in SYNCS and not killed and any("/vault/" in line for line in hits)
    stopped = status == EXIT_STATUS and "cannot make evidence durable" in said
    digests = {each.submission: each.sha256 for each in (*answers, *resumed) if each.kept}
    return {
        "hit": int(status != 0 if killed else bool(hits)),
        "acknowledged": sum(each.kept for each in answers),
        "blamed": sum(each.code in scene.refusals for each in answers),
        "unsafe": int(failed_sync and not stopped),
        "late": _late(hits, answers) if failed_sync else 0,
        "dead": int(not all(each.kept for each in resumed)),
        **judge(house.vault, Reader(house.vault, keys.private(house.keys)), set(digests), digests),
    }


def _hit(line: str, home: str) -> bool:
    return "INJECTED" in line and home in line


def _late(hits: Sequence[str], answers: Sequence[Said]) -> int:
    """What was acknowledged after a sync of evidence had failed; hits are lines of strace, with their time."""
    failed = [float(line.split()[1]) for line in hits if ".segment" in line]
    return sum(each.kept and each.at > failed[0] for each in answers) if failed else 0


BAD = ("missed", "blamed", "unsafe", "late", "dead", "lost", "altered", "problems")
RULE = promise.Rule("P2", zero=BAD, least={"hit": 1, "acknowledged": 1})
SYNC_RULE = promise.Rule("P4", zero=BAD, least={"hit": 1, "acknowledged": 1})
"""Of the figures that must be 0, `missed`: points that were never met; `blamed`: answers that the fault is the
sender's; `unsafe`: a process that went on, or said nothing, after a failed sync; `late`: what was acknowledged after
one; `dead`: a start that did not take everything.
"""


def campaign(folder: Path, chosen: Sequence[Point]) -> dict[str, int]:
    """Run these points, each in a copy of its scene's home; the sums, and a line to standard error for each bad one."""
    figures = dict.fromkeys(("points", "hit", "acknowledged", *BAD), 0)
    for number, point in enumerate(chosen):
        for attempt in range(ATTEMPTS):
            place = folder / f"{number}-{attempt}"
            place.mkdir()
            found = run(place, folder / point.scene / "home", point)
            shutil.rmtree(place)
            if found["hit"]:
                break
        found["missed"] = int(bool(point.path) and not found["hit"])
        figures["points"] += 1
        for name, figure in found.items():
            figures[name] += figure
        if any(found[name] for name in BAD):
            print("BAD", point, found, file=sys.stderr)
    return figures


def all_points(folder: Path, scenes: Sequence[str]) -> list[Point]:
    """The points of these scenes, whose homes are left in folders of their names."""
    found: list[Point] = []
    for scene in scenes:
        (folder / scene).mkdir()
        found += points(folder / scene, scene)
    return found


def sample(every: Sequence[Point], count: int, seed: int) -> list[Point]:
    """So many of the points, all of them when there are not more, drawn with that seed."""
    return list(every) if len(every) <= count else random.Random(seed).sample(list(every), count)


def failed_syncs(every: Sequence[Point], count: int) -> list[Point]:
    """So many points at which a sync fails, all of them in turn, over again when there are not so many."""
    evidence = [each for each in every if not each.path or each.path.startswith("vault")]
    found = [each for each in evidence if each.call in SYNCS and each.fault != "signal=KILL"]
    return [found[number % len(found)] for number in range(count)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--points", type=int, default=10_000, help="at most so many, drawn at random")
    options.add_argument("--failed-sync", type=int, default=0, help="so many failing syncs instead")
    options.add_argument("--scenes", default=",".join(SCENES), help="with commas between")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        every = all_points(Path(folder), chosen.scenes.split(","))
        print(f"{len(every)} points", Counter(each.scene for each in every), file=sys.stderr)
        syncs = failed_syncs(every, chosen.failed_sync)
        figures = campaign(Path(folder), syncs or sample(every, chosen.points, chosen.seed))
    rule, full = (SYNC_RULE, chosen.failed_sync >= 50) if syncs else (RULE, chosen.points >= len(every))
    sys.exit(not rule.ended(figures, "long" if full else "short"))


if __name__ == "__main__":
    main()
