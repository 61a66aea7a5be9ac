"""Audit: who looked at, changed or exported what, and why; kept before it happens.

An entry holds ids and codes, never text out of a message. Entries stand in the vault's chain like all evidence.
"""

from datetime import datetime

from intake.archive import Archive
from intake.record import Record
from intake.store import every


class Audit(Record, frozen=True):
    """One entry: `person` does `action` to the `subject` (kind and key); `id` is fresh for each."""

    kind = "audit"
    indexed = ("subject", "person")

    id: str
    at: datetime
    person: str
    action: str
    subject: str = ""
    reason: str = ""


def note(archive: Archive, entry: Audit) -> None:
    """Keep an entry; only after this returns may the thing be done."""
    archive.keep(entry)


def about(archive: Archive, subject: str) -> list[Audit]:
    """All entries about a subject, oldest first."""
    found = every(archive.store, Audit, {"subject": subject})
    return sorted(found, key=lambda each: (each.at, each.id))
