"""The embedded store: one SQLite file that holds rows, their declared keys, views and a text index.

Everything in it can be refilled from the vault. Table `rows` holds records and views alike (a view has a version
and no place); `keys` holds one line per declared key; `texts` is a trigram index, which finds Chinese words
of three characters and more, shorter ones by LIKE.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from intake.record import Record
from intake.sqlite import Database, Schema
from intake.store import Place, Row, Slot, View, Where, row_of

R = TypeVar("R", bound=Record)
V = TypeVar("V", bound=View)

SCHEMA: Schema = {
    "store": (
        """
    create table rows (
        id integer primary key, kind text not null, key text not null, digest text not null, body blob not null,
        owner text not null, slot text, place text, version integer,
        unique (kind, key));
    create index owners on rows (owner);
    create table keys (
        kind text not null, field text not null, value, key text not null,
        primary key (kind, field, value, key)) without rowid;
    create index keys_of on keys (kind, key);
    create table positions (series text primary key, segment integer not null, offset integer not null);
    create virtual table texts using fts5 (text, kind unindexed, key unindexed, tokenize='trigram');
    """,
    )
}
_STORE_ONLY = "store"
_COLUMNS = "kind, key, digest, body, owner, slot, place"


class SqliteStore:
    """The Store port on one file; `path` None keeps it in memory."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, record: R) -> R:
        kept: R = self.add_all([record])[0]
        return kept

    def add_all(self, records: Sequence[R]) -> list[R]:
        if not records:
            return []
        rows = [row_of(record) for record in records]
        with self.together():
            new = self._insert([(row, _STORE_ONLY) for row in rows])
            found = {} if new else dict(self._bodies(rows[0].kind, [row.key for row in rows]))
            self._keys(row for row in rows if new or found.get(row.key) == row.body)
        standing = zip(records, rows, strict=True)
        return [
            record if found.get(row.key, row.body) == row.body else type(record).read(found[row.key])
            for record, row in standing
        ]

    def get(self, type_: type[R], key: str) -> R | None:
        found = self._db.run(
            "select body from rows where kind = ? and key = ? and place is not null", (type_.kind, key)
        )
        return type_.read(found[0][0]) if found else None

    def get_all(self, type_: type[R], keys: Iterable[str]) -> dict[str, R]:
        return {key: type_.read(body) for key, body in self._bodies(type_.kind, keys)}

    def _bodies(self, kind: str, keys: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        return self._db.run(
            "select key, body from rows where kind = ? and key in (select value from json_each(?))"
            " and place is not null",
            (kind, _listed(keys)),
        )

    def find(
        self, type_: type[R], where: Where, order: str = "", cursor: str = "", limit: int = 100
    ) -> tuple[Sequence[R], str]:
        values: list[Any] = []
        sql = _driven(type_.kind, where, order, values) + _after(order, cursor, values)
        sql += {"": " order by r.key", "-": " order by o.value desc, r.key"}.get(order[:1], " order by o.value, r.key")
        found = self._db.run(sql + " limit ?", [*values, limit + 1])
        last = found[limit - 1] if len(found) > limit else None
        following = msgspec.json.encode([last[2], last[1]]).decode() if last else ""
        return [type_.read(row[0]) for row in found[:limit]], following

    def count(self, type_: type[R], where: Where, by: str = "") -> dict[str | int, int]:
        values: list[Any] = []
        inner = _driven(type_.kind, where, by, values)
        sql = f"select value, count(*) from ({inner}) group by value"  # noqa: S608
        return {value if by else "": number for value, number in self._db.run(sql, values)}

    def show(self, views: Iterable[View]) -> None:
        with self.together():
            for view in views:
                self._show(view)

    def _show(self, view: View) -> None:
        row = row_of(view)
        changed = self._db.run(
            f"insert into rows ({_COLUMNS}, version) values (?, ?, ?, ?, ?, null, 'view', ?)"  # noqa: S608
            " on conflict (kind, key) do update set digest = excluded.digest, body = excluded.body,"
            " version = excluded.version where excluded.version > rows.version returning id",
            (row.kind, row.key, row.digest, row.body, _owner(row.owner), view.version),
        )
        if not changed:
            return
        self._db.run("delete from keys where kind = ? and key = ?", (row.kind, row.key))
        self._keys([row])
        self._searched(changed[0][0], row, view.text)

    def _searched(self, number: int, row: Row, text: str) -> None:
        """Index the text of a view; one that stands already is left, because it costs more than all the rest."""
        standing = self._db.run("select text from texts where rowid = ?", (number,))
        if [(text,)] == standing:
            return
        if standing:
            self._db.run("delete from texts where rowid = ?", (number,))
        if text:
            self._db.run(
                "insert into texts (rowid, text, kind, key) values (?, ?, ?, ?)", (number, text, row.kind, row.key)
            )

    def search(self, type_: type[V], query: str, limit: int = 50) -> Sequence[V]:
        words = query.split()
        long = " ".join('"' + word.replace('"', '""') + '"' for word in words if len(word) >= 3)
        sql = "select r.body from texts t join rows r on r.id = t.rowid where t.kind = ?"
        values: list[Any] = [type_.kind]
        if long:
            sql += " and texts match ?"
            values.append(long)
        for word in (each for each in words if len(each) < 3):
            sql += " and instr(lower(t.text), ?) > 0"
            values.append(word.lower())
        return [type_.read(row[0]) for row in self._db.run(sql + " limit ?", [*values, limit])]

    def forget(self, owners: Iterable[tuple[str, str]]) -> int:
        gone = 0
        with self.together():
            for owner in owners:
                for number, kind, key in self._db.run(
                    "select id, kind, key from rows where owner = ?", (_owner(owner),)
                ):
                    self._db.run("delete from keys where kind = ? and key = ?", (kind, key))
                    self._db.run("delete from texts where rowid = ?", (number,))
                    self._db.run("delete from rows where id = ?", (number,))
                    gone += 1
            self._db.run("insert into texts (texts) values ('optimize')")
        self._db.scrub()
        return gone

    def rows(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row]:
        by_kind: dict[str, list[str]] = {}
        for kind, key in names:
            by_kind.setdefault(kind, []).append(key)
        found = [
            _row(line)
            for kind, keys in by_kind.items()
            for line in self._db.run(
                f"select {_COLUMNS} from rows where kind = ? and key in (select value from json_each(?))",  # noqa: S608
                (kind, _listed(keys)),
            )
        ]
        return {(row.kind, row.key): row for row in found}

    def under(self, kind: str, slots: Iterable[Slot]) -> set[Slot]:
        named = {_slot(each): each for each in slots}
        found = self._db.run(
            "select slot from rows where kind = ? and slot in (select value from json_each(?))",
            (kind, _listed(name for name in named if name)),
        )
        return {named[text] for (text,) in found}

    def begin(self, rows: Sequence[Row]) -> list[Row]:
        with self.together():
            new = self._insert([(row, _place(row.place)) for row in rows])
            if new and all(row.place is None for row in rows):
                self._keys(rows)
                return list(rows)
            present = self.rows((row.kind, row.key) for row in rows)
            self._keys(row for row in rows if present[row.kind, row.key].digest == row.digest)
        return [present[row.kind, row.key] for row in rows]

    def _insert(self, rows: Sequence[tuple[Row, str | None]]) -> bool:
        """Insert what is not there yet; whether that was all of it."""
        changed = self._db.run_many(
            f"insert into rows ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
            " on conflict (kind, key) do update set place = excluded.place"
            " where rows.place is null and excluded.place is not null and rows.digest = excluded.digest",
            [
                (row.kind, row.key, row.digest, row.body, _owner(row.owner), _slot(row.slot), place)
                for row, place in rows
            ],
        )
        return changed == len(rows)

    def _keys(self, rows: Iterable[Row]) -> None:
        """Index these rows, in the order of the index: so each page of it is written once however many values there
        are."""
        lines = (
            (row.kind, field, value, row.key)
            for row in rows
            for field, values in row.where.items()
            for value in (values if isinstance(values, tuple) else (values,))
        )
        self._db.run_many("insert or ignore into keys (kind, field, value, key) values (?, ?, ?, ?)", sorted(lines))

    def finish(self, places: Mapping[tuple[str, str], Place]) -> None:
        with self.together():
            self._db.run_many(
                "update rows set place = ? where kind = ? and key = ? and place is null",
                [(_place(place), kind, key) for (kind, key), place in places.items()],
            )

    def position(self, series: str) -> tuple[int, int]:
        found = self._db.run("select segment, offset from positions where series = ?", (series,))
        return (found[0][0], found[0][1]) if found else (0, 0)

    def advance(self, series: str, segment: int, offset: int) -> None:
        self._db.run(
            "insert into positions values (?, ?, ?) on conflict (series) do update"
            " set segment = excluded.segment, offset = excluded.offset",
            (series, segment, offset),
        )

    def together(self) -> AbstractContextManager[None]:
        return self._db.together()


def open_store(path: Path | None) -> SqliteStore:
    """The store in that file (None: in memory), made or brought to the newest schema."""
    return SqliteStore(Database(path, SCHEMA))


def _listed(keys: Iterable[str]) -> str:
    """Keys as one value of a statement."""
    return msgspec.json.encode(list(keys)).decode()


def _owner(owner: tuple[str, str]) -> str:
    return f"{owner[0]} {owner[1]}"


def _slot(slot: Slot | None) -> str | None:
    return f"{slot.series}/{slot.book}/{slot.number}" if slot else None


def _place(place: Place | None) -> str | None:
    return f"{place.series}/{place.segment}/{place.offset}" if place else None


def _row(line: tuple[Any, ...]) -> Row:
    kind, key, digest, body, owner, slot, place = line
    owner_kind, _, owner_key = owner.partition(" ")
    slot_parts, place_parts = (slot or "").split("/"), (place or "").split("/")
    return Row(
        kind=kind, key=key, digest=digest, body=body, owner=(owner_kind, owner_key),
        slot=Slot(series=slot_parts[0], book=int(slot_parts[1]), number=int(slot_parts[2])) if slot else None,
        place=Place(series=place_parts[0], segment=int(place_parts[1]), offset=int(place_parts[2]))
        if len(place_parts) == 3 else None,
    )  # fmt: skip


def _driven(kind: str, where: Where, order: str, values: list[Any]) -> str:
    """A select of body, key and value of the order field, driven by the first condition so that it reads no more rows
    than match it; fields and values go in as parameters."""
    field = order.lstrip("-")
    conditions = sorted(where.items(), key=lambda item: item[0] != field)
    sql = f"select r.body, r.key, {'o.value' if field else 'null'} as value from "  # noqa: S608
    if field and (not conditions or conditions[0][0] == field):
        sql += "keys o cross join rows r on r.kind = o.kind and r.key = o.key where o.kind = ? and o.field = ?"
        values += [kind, field]
        if conditions:
            sql += _bounds("o", conditions.pop(0)[1], values)
    elif conditions:
        first, wanted = conditions.pop(0)
        sql += "keys d cross join rows r on r.kind = d.kind and r.key = d.key"
        if field:
            sql += " join keys o on o.kind = r.kind and o.key = r.key and o.field = ?"
            values.append(field)
        sql += " where d.kind = ? and d.field = ?"
        values += [kind, first]
        sql += _bounds("d", wanted, values)
    else:
        sql += "rows r where r.kind = ?"
        values.append(kind)
    for name, wanted in conditions:
        sql += " and exists (select 1 from keys k where k.kind = r.kind and k.key = r.key and k.field = ?"
        values.append(name)
        sql += _bounds("k", wanted, values) + ")"
    return sql + " and r.place is not null"


def _bounds(table: str, wanted: Any, values: list[Any]) -> str:
    if not isinstance(wanted, tuple):
        values.append(wanted)
        return f" and {table}.value = ?"
    sql = ""
    for sign, bound in ((">=", wanted[0]), ("<=", wanted[1])):
        if bound is not None:
            sql += f" and {table}.value {sign} ?"
            values.append(bound)
    return sql


def _after(order: str, cursor: str, values: list[Any]) -> str:
    if not cursor:
        return ""
    value, key = msgspec.json.decode(cursor)
    if not order:
        values.append(key)
        return " and r.key > ?"
    values.extend((value, value, key))
    return f" and (o.value {'<' if order[0] == '-' else '>'} ? or (o.value = ? and r.key > ?))"
