"""All benchmarks, one after the other: `python tests/bench/run.py`, as root, on an otherwise idle machine; minutes.

`accept.py`: durable SMTP accepts against Postfix. `line.py`: reports through the whole line against mail-parser. With
LAPWING_CORPORA also `harm_quality.py`: how well the queue ranks the judged messages, against published rankings.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ("accept.py", "line.py")


def main() -> None:
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    quality = ("harm_quality.py",) if os.environ.get("LAPWING_CORPORA") else ()
    ended = [
        subprocess.run(
            [sys.executable, str(HERE / name)], env=os.environ | {"PYTHONPATH": path}, check=False
        ).returncode
        for name in (*NAMES, *quality)
    ]
    sys.exit(any(ended))


if __name__ == "__main__":
    main()
