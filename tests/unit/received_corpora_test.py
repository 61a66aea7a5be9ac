"""Received lines of real mail: how many are understood. Reads what LAPWING_CORPORA names and changes nothing."""

import re
from collections import Counter

import pytest

from enrichment.received import read
from intake.message import Header
from intake.record import Cite
from tests.corpora import pack

SHARE = 0.97
_FOLD = re.compile(r"\n(?=[ \t])")


def test_lines_with_a_from_part_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    counted: Counter[str] = Counter()
    for path in sorted(pack().rglob("*.eml")):
        head = path.read_bytes()[:300_000].replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("latin-1")
        for line in _FOLD.sub("", head).split("\n"):
            if line.lower().startswith("received: from "):
                hop = read(Header(name="Received", value=line[9:].strip(), cite=Cite(of="0" * 64)))
                counted["lines"] += 1
                counted["understood"] += hop.parsed
                counted["with an address"] += bool(hop.ip)
                counted["with a time"] += hop.time is not None
    with capsys.disabled():
        print(f"\nReceived lines with a from-part: {dict(counted)}")
    assert counted["lines"] > 10_000
    assert counted["understood"] / counted["lines"] > SHARE
    assert counted["with an address"] / counted["lines"] > 0.93
