"""Harm order and kind of the judged corpora messages, beside published orderings of the same messages.

Run: LAPWING_CORPORA=/path/to/corpora .venv/bin/python tests/bench/harm_quality.py [dev|held-out] [--errors]
The pack holds judged.csv, groups.csv, manifest.csv (see tests/corpora.py). Near-duplicate groups fall whole into one of
two halves by the digest of their name: rules are made by looking at `dev` only. Nothing is looked up: senders are
unproven here. Gain 2^harm-1, without 'unclear' and 'disputed'.
"""

import csv
import hashlib
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from enrichment.examination import Examination
from intake.message import derive
from intake.report import Claims
from tests import corpora
from triage.harm import Assessment, grade_of
from triage.judge import judge
from triage.rank import Standing, rank_key
from triage.terms import Lexicon, lexicon

PEERS = {"rspamd 3.4": 0.680, "SpamAssassin 4.0.1": 0.554, "random order": 0.485}
"""nDCG@50 over all judged messages, from the README of the collection."""


@dataclass(frozen=True)
class Judged:
    """One judged message with what we say of it."""

    id: str
    kind: str
    harm: int
    half: str
    assessment: Assessment
    place: str


def half_of(group: str) -> str:
    """Which half a near-duplicate group belongs to."""
    return "dev" if hashlib.sha256(group.encode()).digest()[0] % 2 == 0 else "held-out"


def rows(folder: Path, half: str = "") -> list[Judged]:
    """Every judged message (of that half), first in the queue first."""
    paths = {row["id"]: row["path"] for row in csv.DictReader((folder / "manifest.csv").open(encoding="utf-8"))}
    groups = {
        row["id"]: row["near_dup_group"] for row in csv.DictReader((folder / "groups.csv").open(encoding="utf-8"))
    }
    found = []
    for row in csv.DictReader((folder / "judged.csv").open(encoding="utf-8")):
        part = half_of(groups[row["id"]])
        if row["kind"] not in ("unclear", "disputed") and half in ("", part):
            data = (folder / paths[row["id"]]).read_bytes()
            found.append(judged(row, part, data, lexicon()))
    return sorted(found, key=lambda each: each.place)


def judged(row: dict[str, str], half: str, data: bytes, words: Lexicon) -> Judged:
    """One message assessed, as the only report of its case."""
    examination = Examination(
        report=row["id"], submission="", round=1, at=datetime(2026, 1, 1, tzinfo=UTC), message=derive(data)
    )
    found = judge(examination, Claims(), words)
    standing = Standing(
        case=hashlib.sha256(row["id"].encode()).hexdigest(),
        band=found.band,
        grades=found.grades,
        evidence=sum(reason.grade >= grade_of(found.band) for reason in found.reasons),
    )
    return Judged(row["id"], row["kind"], int(row["harm"]), half, found, rank_key(standing))


def ndcg(order: Sequence[int], places: int) -> float:
    """Normalised discounted cumulative gain of harm grades in this order."""
    return _gain(order, places) / _gain(sorted(order, reverse=True), places)


def _gain(order: Sequence[int], places: int) -> float:
    return sum((2**harm - 1) / math.log2(place + 2) for place, harm in enumerate(order[:places]))


def report(name: str, found: Sequence[Judged]) -> str:
    """The figures of these messages, as text."""
    order = [each.harm for each in found]
    kinds = sum(each.kind == each.assessment.kind for each in found) / len(found)
    bands = sum(each.harm == grade_of(each.assessment.band) for each in found) / len(found)
    legitimate = sum(each.kind == "legitimate" for each in found[: len(found) // 2])
    table = Counter((each.harm, grade_of(each.assessment.band)) for each in found)
    lines = [
        f"{name}: {len(found)} messages",
        f"  nDCG@50 {ndcg(order, 50):.3f}  nDCG@100 {ndcg(order, 100):.3f}",
        f"  kind right {kinds:.3f}  macro-F1 {macro_f1(found):.3f}  band right {bands:.3f}",
        f"  legitimate in the top half: {legitimate} of {sum(each.kind == 'legitimate' for each in found)}",
        "  judged harm (rows) by our grade 0 1 2 3:",
    ]
    lines += [f"    {harm}: " + " ".join(f"{table[harm, grade]:4d}" for grade in range(4)) for harm in range(4)]
    return "\n".join(lines)


def macro_f1(found: Sequence[Judged]) -> float:
    """Mean F1 over the kinds with ten examples or more."""
    scores = []
    for kind, count in Counter(each.kind for each in found).items():
        if count >= 10:
            right = sum(each.kind == kind == each.assessment.kind for each in found)
            said = sum(each.assessment.kind == kind for each in found)
            scores.append(2 * right / (count + said))
    return sum(scores) / len(scores) if scores else 0.0


def _errors(found: Sequence[Judged]) -> None:
    for each in found:
        ours = each.assessment
        if each.harm != grade_of(ours.band) or each.kind != ours.kind:
            codes = " ".join(reason.code for reason in ours.reasons)
            print(f"  {each.id} {each.kind} {each.harm} -> {ours.kind} {grade_of(ours.band)}: {codes}")


def main() -> int:
    """Print the figures."""
    folder = corpora.found()
    if folder is None:
        print(f"{corpora.ABSENT}: there is nothing to measure")
        return 2
    only = [each for each in sys.argv[1:] if not each.startswith("-")]
    start = time.perf_counter()
    found = rows(folder, only[0] if only else "")
    seconds = time.perf_counter() - start
    for half in only or ("dev", "held-out"):
        print(report(half, [each for each in found if each.half == half]))
    if not only:
        print(report("all", found))
        print("peers, nDCG@50 over all: " + ", ".join(f"{name} {value:.3f}" for name, value in PEERS.items()))
    print(f"{seconds / len(found) * 1000:.1f} ms a message, reading included")
    if "--errors" in sys.argv:
        _errors(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
