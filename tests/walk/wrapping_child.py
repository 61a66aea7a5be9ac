"""A parsing child with the real jobs, each of which misbehaves on bytes that hold its marker.

Markers: `<job>-hangs`, `<job>-bloats`, `<job>-dies`, `<job>-recurses`, where the job is `unpack`, `examine` or `weigh`.
"""

import os
import time
from typing import Any

import msgspec

from deploy import parserd
from intake.parsing import serve


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
            if name + b"-" + deed in data or name + b"-" + deed in bytes(about):
                do()
        return job(data, about)

    return run


def serve_wrapped(jobs: dict[str, Any], *pipes: Any) -> None:
    serve({name: wrapped(name.encode(), job) for name, job in jobs.items()}, *pipes)


if __name__ == "__main__":
    parserd.serve = serve_wrapped
    parserd.main()
