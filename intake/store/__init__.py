"""The Store port: an index over what the vault holds, which can be thrown away and filled again.

Seven verbs, and the bulk forms that the archive and the follower need of them. `sqlite.py` is the embedded store; a
second one joins by passing `tests/contract/store_contract_test.py`. Rows that `find` and `count` see are only those
whose frame is durable in the vault.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import msgspec

from intake.record import Record, Value, sha256

R = TypeVar("R", bound=Record)
V = TypeVar("V", bound="View")
Where = Mapping[str, str | int | tuple[int | str | None, int | str | None]]
"""Declared key -> exact value, or (lowest, highest) with None for open; both ends belong to the range. A key with
several values matches when one of them does."""


class View(Record, frozen=True):
    """A derived state that is replaced, never kept in the vault: the one with the greater `version` stands."""

    version: int

    @property
    def text(self) -> str:
        """What people may search for; '' for a view that is not searched."""
        return ""


class Slot(Value, frozen=True):
    """A key slot: book `book` of series `series`, number `number` in it."""

    series: str
    book: int
    number: int


class Place(Value, frozen=True):
    """Where a record's frame stands in the vault."""

    series: str
    segment: int
    offset: int


class Row(Value, frozen=True):
    """What the store holds of one record: body, digest, owner, key slot, declared keys, and its place once durable."""

    kind: str
    key: str
    digest: str
    body: bytes
    owner: tuple[str, str]
    slot: Slot | None = None
    place: Place | None = None
    where: dict[str, str | int | tuple[str, ...]] = msgspec.field(default_factory=dict)


def row_of(record: Record, slot: Slot | None = None, place: Place | None = None) -> Row:
    """The row of a record."""
    body = record.body
    return Row(
        kind=record.kind, key=record.key, digest=sha256(body), body=body, owner=record.under, slot=slot, place=place,
        where=record.where(),
    )  # fmt: skip


class Finder(Protocol):
    """The verb `find` alone."""

    def find(
        self, type_: type[R], where: Where, order: str = "", cursor: str = "", limit: int = 100
    ) -> tuple[Sequence[R], str]: ...


def every(store: Finder, type_: type[R], where: Where, order: str = "") -> Iterator[R]:
    """All rows that `find` gives, page by page."""
    cursor = ""
    while True:
        page, cursor = store.find(type_, where, order, cursor, 500)
        yield from page
        if not cursor:
            return


class Store(Protocol):
    """See the module; `type_` is always the record's class, which declares kind and keys."""

    def add(self, record: R) -> R:
        """Create-only, for rows that need no frame (claims, distinct reporters): what now stands under the key."""

    def add_all(self, records: Sequence[R]) -> list[R]:
        """Bulk form of `add`, for records of one kind: for each what now stands under its key."""

    def get(self, type_: type[R], key: str) -> R | None:
        """Exact and current; None when there is none."""

    def get_all(self, type_: type[R], keys: Iterable[str]) -> dict[str, R]:
        """Bulk form of `get`: by key those that there are."""

    def find(
        self, type_: type[R], where: Where, order: str = "", cursor: str = "", limit: int = 100
    ) -> tuple[Sequence[R], str]:
        """Up to `limit` rows in the order of declared key `order` ('-name' descending, '' by key), and the cursor
        of the next page ('' at the end)."""

    def count(self, type_: type[R], where: Where, by: str = "") -> dict[str | int, int]:
        """How many rows per value of declared key `by` ({'': n} without)."""

    def show(self, views: Iterable[View]) -> None:
        """Replace each view unless an equal or newer version of it stands."""

    def search(self, type_: type[V], query: str, limit: int = 50) -> Sequence[V]:
        """Views whose text holds every word or phrase of `query`, for people; may lag."""

    def forget(self, owners: Iterable[tuple[str, str]]) -> int:
        """Erasure: every row sealed under one of these owners is gone from table, text index, free pages and log;
        how many rows went."""

    def rows(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row]:
        """Bulk form of `get` for the archive: the rows of these (kind, key), unfinished ones (no place) too."""

    def under(self, kind: str, slots: Iterable[Slot]) -> set[Slot]:
        """Those of these slots under which a record of that kind stands; the cost is that of all of that kind."""

    def begin(self, rows: Sequence[Row]) -> list[Row]:
        """Bulk form of `add` for the archive: create-only; for each the row that now stands."""

    def finish(self, places: Mapping[tuple[str, str], Place]) -> None:
        """The frames of these rows are durable: from now on everybody sees them."""

    def position(self, series: str) -> tuple[int, int]:
        """How far the follower has read a series: (segment, offset), (0, 0) at first."""

    def advance(self, series: str, segment: int, offset: int) -> None:
        """Remember how far it has read."""

    def together(self) -> AbstractContextManager[None]:
        """What is inside happens as one where the store can do that, else in the order written."""
