"""Receipts: the only database that the public side reads: what became of a submission, by its id, and no content.

Workers write it after each step; it can be lost and is then silent until the next step. Counts are by verdict code.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from intake.sqlite import Database
from intake.submission import Unpacked

SCHEMA: dict[str, tuple[str, ...]] = {
    "receipts": ("create table receipts (submission text primary key, state text not null, items text not null)",)
}


class Receipts:
    """The receipts in a file; a door opens it to read, a worker to write."""

    def __init__(self, path: Path) -> None:
        self._db = Database(path, SCHEMA)

    def unpacked(self, records: Iterable[Unpacked]) -> None:
        """These submissions were opened; what was in them."""
        rows = [(each.submission, "unpacked", msgspec.json.encode(_counts(each)).decode()) for each in records]
        self._db.run_many("insert or ignore into receipts values (?, ?, ?)", rows)

    def forget(self, submissions: Iterable[str]) -> None:
        """These were erased."""
        self._db.run_many("delete from receipts where submission = ?", [(each,) for each in submissions])
        self._db.scrub()

    def status(self, submission: str) -> dict[str, Any] | None:
        """State and counts of a submission, None while no worker has seen it."""
        found = self._db.run("select state, items from receipts where submission = ?", (submission,))
        return {"state": found[0][0], "items": msgspec.json.decode(found[0][1])} if found else None


def _counts(unpacked: Unpacked) -> dict[str, int]:
    return dict(Counter(verdict.code for verdict in unpacked.verdicts))
