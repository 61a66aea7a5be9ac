"""What telling the outcome of one report costs as a feed grows: processor time per report, at the start and at the end.

.venv/bin/python tests/bench/outcomes.py --reports 100000
"""

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from intake.outcomes import Filed, Outcomes
from intake.submission import Envelope, Submission, Verdict

BLOCK, BATCH, CASES = 5000, 32, 500
AT = datetime(2026, 11, 23, tzinfo=UTC)


def block(outcomes: Outcomes, number: int) -> float:
    """Microseconds per report of a block, in batches as a worker's."""
    began = time.process_time()
    for start in range(0, BLOCK, BATCH):
        names = [f"{number}-{each}" for each in range(start, min(start + BATCH, BLOCK))]
        with outcomes.db.together():
            for name in names:
                outcomes.unpacked("a", _submission(name), [Verdict(code="report", report=f"r{name}")])
        with outcomes.db.together():
            outcomes.filed([Filed(f"r{name}", f"c{hash(name) % CASES}", AT) for name in names])
    return (time.process_time() - began) / BLOCK * 1e6


def _submission(name: str) -> Submission:
    envelope = Envelope(account="feed:a")
    return Submission(id=name, channel="api", received=AT, sha256="0" * 64, size=1, parts=(), envelope=envelope)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--reports", type=int, default=100_000)
    count = arguments.parse_args().reports // BLOCK
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Outcomes(Path(folder) / "outcomes.sqlite", b"x" * 32)
        for number in range(count):
            spent = block(outcomes, number)
            if number in (1, count // 2, count - 1):
                print(f"after {(number + 1) * BLOCK:>9,} reports: {spent:,.0f} us of processor time a report")


if __name__ == "__main__":
    main()
