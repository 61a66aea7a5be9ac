"""Both interfaces for programs under schemathesis: whatever a client sends, made from the OpenAPI document and against
it, no answer is a 5xx but 503, and every answer is one that the document names.

    .venv/bin/python tests/contract/api_campaign.py --requests 50000 [--door feeds|public]

Prints what schemathesis says, and the number of requests that came, at one door or, each as many, at both; notes it for
promise P22. The short form is `api_contract_test.py`.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests import promise
from tests.feed_house import Ours, add_feed, add_key, house
from tests.walker import mail

OPERATIONS = {"feeds": 8, "public": 5}
PROMISED = 50_000
"""Requests of the long form, at each door."""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


class Went(NamedTuple):
    """How a run went: its status, how many requests were made, what was printed."""

    status: int
    requests: int
    printed: str


def campaign(folder: Path, requests: int, seed: int = 1, door: str = "feeds") -> Went:
    """One run with about so many requests at least."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    with house(folder) as ours:
        url, more = _feeds(ours) if door == "feeds" else (f"http://127.0.0.1:{ours.port}", [])
        ran = subprocess.run(
            [program, "run", f"{url}/openapi.json", "--url", url, *more,
             "--checks", CHECKS, "--phases", "fuzzing", "--max-examples", str(max(1, requests // OPERATIONS[door])),
             "--seed", str(seed), "--generation-database", "none", "--no-color", "--continue-on-failure",
             "--suppress-health-check", "all"],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        ours.work()
    printed = ran.stdout + ran.stderr
    made = [int(number) for number in re.findall(r"(\d+) generated", printed)]
    return Went(ran.returncode, sum(made), printed)


def _feeds(ours: Ours) -> tuple[str, list[str]]:
    """Where the API is, and how to show a key that has no limit of its own."""
    add_feed(ours.house, "c", per_minute=0)
    key = add_key(ours.house, "c")
    ours.hand_in(mail(tag="1"), key)
    ours.work()
    return f"http://127.0.0.1:{ours.port}/api/v1", ["-H", f"Authorization: Bearer {key}"]


def main() -> None:
    """The long form."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=PROMISED, help="at each door")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--door", choices=sorted(OPERATIONS), help="only this one")
    given = arguments.parse_args()
    status = 0
    for door in [given.door] if given.door else sorted(OPERATIONS):
        with tempfile.TemporaryDirectory() as folder:
            went = campaign(Path(folder), given.requests, given.seed, door)
        print(went.printed)
        print(f"{door}: {went.requests} requests, status {went.status}")
        status = status or went.status
        note(door, went)
    sys.exit(status)


def note(door: str, went: Went) -> None:
    """Write down for the promise how it went at that door."""
    held = went.status == 0 and went.requests > 0
    form = "long" if went.requests >= PROMISED else "short"
    promise.note("P22", form, held, {"requests": went.requests, "status": went.status}, part=f"api {door}")


if __name__ == "__main__":
    main()
