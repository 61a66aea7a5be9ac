"""A parsing child with the real jobs, each of which misbehaves on bytes that hold its marker.

Markers: `<job>-hangs`, `<job>-bloats`, `<job>-dies`, `<job>-recurses`, where the job is `unpack` or `examine`.
"""

import os
import sys
import time
from typing import Any

import msgspec

from deploy.parserd import Jobs, warm
from enrichment.enrich import JOB as EXAMINE
from intake.parsing import serve
from intake.unpack import JOB as UNPACK


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


def hang() -> None:
    while True:
        time.sleep(0.01)


DEEDS = {
    b"hangs": hang,
    b"bloats": lambda: len(bytearray(4 << 30)),
    b"dies": lambda: os._exit(3),
    b"recurses": recurse,
}


def wrapped(name: bytes, job: Any) -> Any:
    """The job, after what the marker asks for."""

    def run(data: bytes, about: msgspec.Raw) -> Any:
        for deed, do in DEEDS.items():
            if name + b"-" + deed in data:
                do()
        return job(data, about)

    return run


if __name__ == "__main__":
    jobs = Jobs()
    warm(jobs)
    both = {UNPACK: wrapped(b"unpack", jobs.unpack), EXAMINE: wrapped(b"examine", jobs.examine)}
    serve(both, sys.stdin.buffer, sys.stdout.buffer)
