"""Fuzzing: random changes of known inputs, led by what code they reach, through every parser (atheris, libFuzzer).

    python tests/fuzz/run.py --target NAME [--seconds 600]
    python tests/fuzz/run.py --all [--seconds 600]
    python tests/fuzz/run.py --again FILE --target NAME       run one saved input once

Each target runs in a process of its own with its seeds (also some mails of LAPWING_CORPORA where that is set). What a
run learns is kept beside the checkout in `.lapwing/fuzz/NAME/`, what raises or takes too long in `crash-*` there.
Exit status 1 where something was found. A crash that is mended becomes a test.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".lapwing" / "fuzz"
MODULES = ["intake", "enrichment", "authres", "dkim", "oxmsg", "compressed_rtf", "python_multipart"]
LONGEST = 20_000
DATA = 800
"""MB of data of a fuzzing process, beyond which it gets a MemoryError as a parsing child does."""
MEMORY = 2000
"""MB after which libFuzzer gives up."""


def fuzz(name: str, seconds: int) -> None:
    """Run one target in this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=MODULES):
        from intake import message
        from tests.fuzz import more_targets, targets
    message.warm()
    resource.setrlimit(resource.RLIMIT_DATA, (DATA << 20, DATA << 20))
    target = more_targets.EVERY[name]
    folder = PLACE / name
    learned = folder / "learned"
    learned.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (learned / sha256(seed).hexdigest()[:20]).write_bytes(seed[:LONGEST])
    options = [
        f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", f"-max_len={LONGEST}", f"-rss_limit_mb={MEMORY}",
        "-timeout=20", "-print_final_stats=1", "-verbosity=1", "-len_control=0",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(learned)], lambda data: targets.checked(target.run, data))
    atheris.Fuzz()


def apart(name: str, seconds: int) -> bool:
    """One target in a process of its own; a line about it, and whether nothing was found."""
    began = time.monotonic()
    command = [sys.executable, __file__, "--child", name, "--seconds", str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LAPWING_DNS_MODE": "off"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    spent, said = time.monotonic() - began, done.stdout.decode("utf-8", "replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", said) or re.search(r"Done (\d+) runs", said)
    saved = re.findall(r"written to (\S+)", said)
    print(
        f"{name:16}{spent:6.0f} s{int(runs[1]) if runs else 0:10} inputs  {'nothing found' if not saved else ''}",
        flush=True,
    )
    if done.returncode:
        lines = [line for line in said.splitlines() if line.strip()]
        at = next((number for number, line in enumerate(lines) if "Uncaught" in line), max(len(lines) - 12, 0))
        print("\n".join(f"    {line}" for line in [*lines[at : at + 25], *saved]), flush=True)
    return not done.returncode


def again(name: str, file: Path) -> None:
    from tests.fuzz import more_targets, targets

    targets.checked(more_targets.EVERY[name].run, file.read_bytes())


def names() -> list[str]:
    from tests.fuzz import more_targets

    return list(more_targets.EVERY)


def noted(bad: int, targets: int, seconds: int) -> None:
    """Into the ledger of promises."""
    from tests.promise import Rule

    rule = Rule("P19", zero=("found",), least={"targets": 31, "seconds": 600})
    rule.ended({"found": bad, "targets": targets, "seconds": seconds}, "long")


def main() -> None:
    sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--target", default="")
    options.add_argument("--all", action="store_true")
    options.add_argument("--seconds", type=int, default=600)
    options.add_argument("--again", type=Path)
    options.add_argument("--child", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        fuzz(given.child, given.seconds)
    elif given.again:
        again(given.target, given.again)
    elif given.all or given.target:
        wanted = names() if given.all else [given.target]
        bad = [name for name in wanted if not apart(name, given.seconds)]
        if given.all:
            noted(len(bad), len(wanted), given.seconds)
        sys.exit(bool(bad))
    else:
        options.error("say --target NAME, or --all; targets: " + ", ".join(names()))


if __name__ == "__main__":
    main()
