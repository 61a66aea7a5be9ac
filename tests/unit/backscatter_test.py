"""P28 in its short form: strangers hand in what nobody should answer, and nobody is answered who must not be."""

from pathlib import Path
from typing import Any

import pytest

from tests.backscatter import INJECTIONS, PEOPLE, RULE, run
from tests.reporters_house import house
from tests.sink import sink


@pytest.mark.promise("P28")
def test_nobody_innocent_is_written_to(tmp_path: Path, record_property: Any) -> None:
    with sink() as server, house(tmp_path, server) as made:
        result = run(made, INJECTIONS + 300, seed=7)
    assert RULE.holds(result.figures, record_property), result.wrong
    assert result.additions == 2 * 40
    assert len(result.handed) == 16 and result.handed["injection"] == INJECTIONS
    assert 10 <= result.receipts <= 2 * len(PEOPLE) + INJECTIONS + 40 and result.notes >= 10
    for reason in (
        "fail",
        "null-sender",
        "role",
        "own",
        "list",
        "auto-submitted",
        "loop",
        "bounce",
        "none",
        "one-a-day",
        "feed",
    ):
        assert result.reasons[f"not-sent {reason}"] > 0, reason
