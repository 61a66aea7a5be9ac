"""What all tests share: nothing is skipped but what needs the corpora; a test of a promise
(`@pytest.mark.promise("P1")`) is noted in the ledger of promises, beside the figures that it gives with
`record_property`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests import corpora, promise


@dataclass
class Tally:
    tests: int = 0
    failed: int = 0
    figures: dict[str, promise.Figure] = field(default_factory=dict)


TALLIES: dict[str, Tally] = defaultdict(Tally)


def add(figures: dict[str, promise.Figure], more: dict[str, promise.Figure]) -> None:
    """Counts of several tests are added up; of anything else the last stands."""
    for name, figure in more.items():
        known = figures.get(name, 0)
        figures[name] = figure + known if isinstance(figure, int) and isinstance(known, int) else figure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Count a test for its promises when it has run, or has failed to start or to end."""
    report = yield
    if report.skipped and corpora.ABSENT not in str(report.longrepr):
        report.outcome, report.longrepr = "failed", f"{item.nodeid} is skipped, and not for want of the corpora"
    if report.when == "call" or report.failed:
        for marker in item.iter_markers("promise"):
            tally = TALLIES[marker.args[0]]
            tally.tests += report.when == "call"
            tally.failed += report.failed
            add(tally.figures, dict(report.user_properties))
    return report


def pytest_sessionfinish() -> None:
    for number, tally in TALLIES.items():
        figures = {"tests": tally.tests, "failed": tally.failed} | tally.figures
        promise.note(number, "short", not tally.failed, figures)
