"""The table of `formats_recall.py` over the corpora pack, held file by file: a file that changes sides is noticed."""

import pytest

from tests.corpora import pack
from tests.walk.formats_recall import Row, table

RIGHT: dict[str, list[str]] = {"missed": [], "extra": [], "wrong": []}
KNOWN = {
    "arf": RIGHT,
    "auth-failure": RIGHT,
    "xarf": RIGHT,
    "x-arf": RIGHT,
    "feedback-text": RIGHT,
    "aggregate": RIGHT,
    # Boundaries with a blank in them, unquoted: compat32 finds no part, read by eye ours are right.
    "attached": {**RIGHT, "extra": ["d01007", "d02453"]},
    # Missed: two answers of a mailing list server that look like any mail of the list. Extra: a delivery status with
    # a broken header, of which compat32 sees no part.
    "bounce": {**RIGHT, "missed": ["d00247", "d00248"], "extra": ["d05640"]},
}
EXPECTED = {"arf": 25, "auth-failure": 5, "xarf": 176, "x-arf": 9, "attached": 38, "bounce": 143}
"""Files of the pack that are of this format, so that an empty folder doesn't pass for a right one."""


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return table(pack())


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_files_that_are_read_wrongly_are_these(rows: dict[str, Row], name: str) -> None:
    print(rows[name].line(name))
    assert rows[name].known() == KNOWN[name], rows[name].wrong
    assert len(rows[name].expected) >= EXPECTED.get(name, 0)
