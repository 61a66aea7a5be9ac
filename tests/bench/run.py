"""All benchmarks, one after the other: `python tests/bench/run.py [--long]`, as root, on an otherwise idle machine.

`accept.py`: durable SMTP accepts against Postfix; `paced.py`: how long a sender waits for its 250, beside Postfix.
`line.py`: reports through the whole line against mail-parser; `rows.py`: rows of a feed's list against reading them
with the standard library. With LAPWING_CORPORA also `parse.py`: the splitter against mail-parser, and
`harm_quality.py`: how well the queue ranks the judged messages, against published rankings. The short form takes some
three minutes; the long one has more messages and rounds, and `growth.py`: what a report costs when many are stored.
Exit status 1 when one of them could not be run.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHORT = {
    "accept.py": ["--messages", "800"],
    "paced.py": ["--seconds", "5"],
    "line.py": ["--messages", "300"],
    "rows.py": ["--rounds", "2"],
}
LONG = {
    "accept.py": ["--messages", "3000", "--runs", "5"],
    "paced.py": ["--seconds", "30"],
    "line.py": ["--messages", "2000", "--rounds", "5"],
    "rows.py": ["--rounds", "5"],
    "growth.py": ["--thousands", "9"],
}
QUALITY: dict[str, list[str]] = {"parse.py": [], "harm_quality.py": []}


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--long", action="store_true", help="more messages and rounds, and growth.py")
    given = options.parse_args()
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    chosen = (LONG if given.long else SHORT) | (QUALITY if os.environ.get("LAPWING_CORPORA") else {})
    ended = []
    for name, arguments in chosen.items():
        command = [sys.executable, str(HERE / name), *arguments]
        ended.append(subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False).returncode)
        print(flush=True)
    sys.exit(any(ended))


if __name__ == "__main__":
    main()
