"""The door of the SQLite binding: connections, pragmas, transactions and schema versions.

One connection per thread; writes begin IMMEDIATE and wait up to ten seconds for another writer. The databases
opened here are rebuildable from the vault and so run with `synchronous=NORMAL` on a write-ahead log (which a killed
process cannot corrupt); deleted bytes are overwritten (`secure_delete`).
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from intake.errors import Refused, Temporary

Row = tuple[Any, ...]
Schema = dict[str, tuple[str, ...]]
DRAINS = 5
"""Times that the log is tried to be emptied; each waits for readers as long as a writer does."""


class Database:
    """A database file (None: in memory, for tests); its schema has parts, each of so many steps, applied in order."""

    def __init__(self, path: Path | None, schema: Schema) -> None:
        self._path, self._schema = path, schema
        self._local = threading.local()
        self._memory: apsw.Connection | None = None if path else self._open()
        self._guard = threading.RLock()

    def _open(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path) if self._path else ":memory:")
        connection.set_busy_timeout(10_000)
        for pragma in ("journal_mode=wal", "synchronous=normal", "secure_delete=on", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")
        _migrate(connection, self._schema)
        return connection

    @property
    def _connection(self) -> apsw.Connection:
        if self._memory is not None:
            return self._memory
        if not hasattr(self._local, "connection"):
            self._local.connection, self._local.depth = self._open(), 0
        connection: apsw.Connection = self._local.connection
        return connection

    def run(self, sql: str, values: Iterable[Any] = ()) -> list[Row]:
        """All rows that a statement gives; `Temporary` when another writer holds the database too long, or the disk is
        full or fails.
        """
        with _telling():
            return list(self._connection.execute(sql, tuple(values)))

    def run_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> int:
        """One statement for many rows of values, all of them or none; how many rows of the database it changed."""
        values = list(rows)
        if not values:
            return 0
        with _telling(), self.together():
            before = self._connection.total_changes()
            self._connection.executemany(sql, values)
            return self._connection.total_changes() - before

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything inside happens or nothing does; nested uses join the outer one."""
        with self._guard if self._memory is not None else _nothing():
            connection = self._connection
            if connection.in_transaction:
                yield
                return
            self.run("begin immediate")
            try:
                yield
            except BaseException:
                if connection.in_transaction:  # SQLite has rolled back by itself where the disk is full
                    connection.execute("rollback")
                raise
            self.run("commit")

    def scrub(self) -> None:
        """Leave no deleted byte in free pages or in the log; after an erasure."""
        self.run("vacuum")
        self.drain()

    def drain(self) -> None:
        """Empty the log into the file; `Temporary` while somebody reads what stands in the log."""
        for _ in range(DRAINS):
            ((busy, _, _),) = self.run("pragma wal_checkpoint(truncate)")
            if not busy:
                return
            time.sleep(0.1)
        raise Temporary("somebody reads the database for so long that its log can't be emptied", 60.0)

    def damage(self) -> str:
        """The first thing that `quick_check` finds wrong with the file, '' when it finds nothing."""
        try:
            (first,), *_ = self.run("pragma quick_check(1)")
        except (apsw.CorruptError, apsw.NotADBError) as error:
            first = str(error)
        return "" if first == "ok" else " ".join(str(first).split())

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection


@contextmanager
def _telling() -> Iterator[None]:
    """What SQLite can't do at the moment as `Temporary`."""
    try:
        yield
    except apsw.BusyError as error:
        raise Temporary("the store is busy", 1.0) from error
    except (apsw.FullError, apsw.IOError) as error:
        raise Temporary("the store can't be read or written: the disk is full or fails", 60.0) from error


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _migrate(connection: apsw.Connection, parts: Schema) -> None:
    """Bring each part of the schema to its newest version; a newer one than we know is refused, not touched."""
    connection.execute("begin immediate")
    try:
        connection.execute("create table if not exists parts (name text primary key, version integer not null)")
        for name, steps in parts.items():
            _migrate_part(connection, name, steps)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _migrate_part(connection: apsw.Connection, name: str, steps: tuple[str, ...]) -> None:
    found = list(connection.execute("select version from parts where name = ?", (name,)))
    version = found[0][0] if found else 0
    if version > len(steps):
        raise Refused("newer-store", "this store was made by a newer Lapwing; upgrade, or rebuild the store")
    for step in steps[version:]:
        connection.execute(step)
    connection.execute("insert or replace into parts values (?, ?)", (name, len(steps)))
