"""Sheet: up to 500 rows of a table that a feed sent, each a claim about an address, domain, link or the like.

A row is no report: it has no message, counts as no person, opens no case and grades no harm. It may support a case
that names the same thing (`triage/support.py`). Its own verdict is `claim`, or says why it is none.

Why sheets: a record for each row would cost a frame, a seal and a row of the store each, 100,000 times; one record for
a table would be larger than a frame. A sheet is one frame under its submission's slot, so it is verified, rebuilt and
erased as every other record. Finding the sheets that name a thing is a declared key of theirs with many values
(`named`). Rejected, because it was measured to cost ten times as much: a row of the store for each thing named.
The key is not hashed as join keys are: it goes with its sheet when that is erased, and hides nothing beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from intake.record import Record, Value
from intake.submission import Fault

ROWS = 500
"""Most rows of one sheet."""
FAULTS = 20
"""Bad rows of a table that are named where it is told of; its sheets have them all."""
CLAIM = "claim"
NAMED = frozenset({"address", "network", "domain", "mailbox", "hash", "wallet"})
"""Kinds of values by which sheets are found."""


class Row(Value, frozen=True):
    """One row: what it names, and what its sender says of that.

    `line` counts from 1: the line of a text, the row of a worksheet, the place in a list. `values` are kind and
    canonical form; kinds are address, network, domain, host, url, mailbox, hash, wallet, and a host or link brings its
    registrable domain. `time` is ISO 8601 in UTC, and has no final Z where the sender named no zone, so that UTC is an
    assumption; '' is not said. `count` 0 is not said. `word` is the sender's own word for what kind of abuse it is.
    """

    line: int
    values: tuple[tuple[str, str], ...] = ()
    time: str = ""
    count: int = 0
    word: str = ""
    verdict: str = CLAIM
    """claim, or why it is none: no-value, bad-value, bad-time, bad-count, pattern, unreadable."""
    column: str = ""
    """Heading of the cell at fault."""
    says: str = ""
    found: str = ""
    """The cell as it was found, where that is not its canonical form."""


class Sheet(Record, frozen=True):
    """Rows of one table, numbered from 1 within it.

    The table is bytes `start` to `end` of `source` ('submission' or a Decoding's id) with SHA-256 `sha256`; `part` is
    the worksheet where it has several. `reporter` is the keyed hash of who sent it. The id comes from reporter, bytes
    and part, so the same table from the same sender is one.
    """

    kind = "sheet"
    sealed_under = ("submission", "submission")
    indexed = ("submission", "reporter", "named")

    id: str
    submission: str
    reporter: str
    format: str
    source: str
    start: int
    end: int
    sha256: str
    rows: tuple[Row, ...]
    name: str = ""
    part: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """What its claims name, as `kind:value`, each once."""
        claims = (row for row in self.rows if row.verdict == CLAIM)
        return tuple(dict.fromkeys(f"{kind}:{value}" for row in claims for kind, value in row.values if kind in NAMED))


@dataclass(slots=True)
class Tally:
    """How many rows of a table are claims and how many are not, and the first of these."""

    good: int = 0
    bad: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.good += row.verdict == CLAIM
            self.bad += row.verdict != CLAIM
            if row.verdict != CLAIM and len(self.faults) < FAULTS:
                self.faults.append(Fault(line=row.line, column=row.column, says=row.says))

    @property
    def told(self) -> str:
        """The sentence of its verdict."""
        named = f"; of the others the first {FAULTS} are named" if self.bad > FAULTS else ""
        return f"{self.good:,} of {self.good + self.bad:,} rows are claims{named}"
