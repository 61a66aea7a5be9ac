"""The hostile set through the real parsing child, its short form; `tests/fuzz/hostile.py` prints all of it."""

from collections.abc import Iterator

import pytest

from intake.formats.opened import Opened
from intake.unpack import JOB, About
from tests.fuzz.hostile import Line, wrong
from tests.fuzz.hostile_mail import CASES, HEAD

LONG = ("25 MB", "0,000 mails", "12 HTML parts", "of 1 GB", "1 MB of nothing", "300,000 lines", "2,000 fields each")
SHORT = tuple(name for name in CASES if not any(each in name for each in LONG))


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.parser.close()


@pytest.mark.promise("P18")
@pytest.mark.parametrize("name", SHORT)
def test_ends_in_time_with_a_typed_verdict_that_names_its_limit(line: Line, name: str) -> None:
    ended = line.run(CASES[name])
    assert not wrong(CASES[name], ended), ended
    assert line.parser.run(JOB, HEAD, About(filename="", cover=True), Opened).found[0].verdict == "report"
