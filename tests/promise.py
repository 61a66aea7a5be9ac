"""The ledger of promises: every campaign, long or short, writes down how it went, for `lapwing selfcheck`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from deploy.promises import LEDGER, Tried

Figure = int | float | str


def note(
    promise: str, form: Literal["short", "long"], held: bool, figures: Mapping[str, Figure], ledger: Path = LEDGER,
    part: str = "",
) -> None:  # fmt: skip
    """Write one line: how a promise, or the part of it that this campaign tries, went."""
    ledger.parent.mkdir(exist_ok=True)
    tried = Tried(promise=promise, at=datetime.now(UTC), form=form, held=held, figures=dict(figures), part=part)
    with ledger.open("ab") as file:
        file.write(msgspec.json.encode(tried) + b"\n")


@dataclass(frozen=True)
class Rule:
    """When a promise is held: figures that must be zero, and those that must be so large, or nothing was tried."""

    promise: str
    zero: Collection[str]
    least: Mapping[str, int] = field(default_factory=dict)

    def broken(self, figures: Mapping[str, Figure]) -> list[str]:
        """The figures that break it."""
        few = [name for name, least in self.least.items() if float(figures[name]) < least]
        return [*(name for name in self.zero if figures[name]), *few]

    def holds(self, figures: Mapping[str, Figure], tell: Callable[[str, Figure], None]) -> bool:
        """Whether it is held by these figures of a test, which are told (`record_property`)."""
        for name, figure in figures.items():
            tell(name, figure)
        return not self.broken(figures)

    def ended(
        self, figures: Mapping[str, Figure], form: Literal["short", "long"], ledger: Path = LEDGER, part: str = ""
    ) -> bool:
        """Whether it is held by these figures, which are printed and noted."""
        held = not self.broken(figures)
        for name, figure in figures.items():
            print(f"{name:>14} {figure}")
        note(self.promise, form, held, figures, ledger, part)
        return held
