"""The parsing child: the jobs that are done on hostile bytes, in a process that can reach nothing.

Started by `intake/parsing.py` with two pipes and an empty environment; never by hand.
"""

import sys

import msgspec

from enrichment.enrich import JOB as EXAMINE
from enrichment.enrich import Context, Examined
from enrichment.examine import examine, warm
from intake import formats, message
from intake.formats.opened import Opened
from intake.parsing import serve
from intake.unpack import JOB as UNPACK
from intake.unpack import About


def _unpack(data: bytes, about: msgspec.Raw) -> Opened:
    told = msgspec.msgpack.decode(about, type=About)
    return formats.open_submission(data, told.filename, cover=told.cover)


def _examine(data: bytes, about: msgspec.Raw) -> Examined:
    return examine(data, msgspec.msgpack.decode(about, type=Context))


def main() -> None:
    """Load everything that parsing may need, then close in and serve."""
    message.warm()
    warm()
    serve({UNPACK: _unpack, EXAMINE: _examine}, sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
