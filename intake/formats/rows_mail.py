"""Tables attached to a mail: what a feed sends by mail, next to or in place of attached messages.

Promises that only a mail handed in by a reporter is looked at, and that a person's report isn't lost: an attachment
counts only if it is a table that names something, by its content. A file that calls itself a table and names nothing
gets a Found that says so, and the mail goes on to the next reader. Reported mails beside tables are lifted out as ever.
"""

from collections.abc import Callable
from dataclasses import replace

from intake import mime
from intake.formats import attached, cover, inline_forward, rows_csv, rows_json, rows_xlsx, zipped
from intake.formats.opened import Desk, Item, inside
from intake.mime import Node, Tree

MOST = 50
"""Most tables of one mail."""
_TYPES = {"text/csv": ".csv", "text/tab-separated-values": ".tsv", "application/json": ".json"}
_BOOKS = (".xlsx", ".xlsm")


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail brings tables; if so they are on their way to be opened, and mails beside them too."""
    if not item.cover:
        return False
    carried = [(node, name) for node in cover.own(tree) if not node.children and (name := _name(node))]
    tables = [entry for node, name in carried[:MOST] if (entry := _table(item, node, name, desk)) is not None]
    if not tables:
        return False
    desk.open(tables)
    if len(carried) > MOST:
        desk.limit(item, "parts", rows_csv.FORMAT, f"{len(carried) - MOST} attached tables more were not opened.")
    if not attached.read(item, tree, desk):
        inline_forward.read(item, tree, desk)
    return True


def _name(node: Node) -> str:
    """What a part that may be a table is called, '' for any other."""
    name = node.name.lower()
    endings = (*rows_csv.NAMES, ".json", ".jsonl", ".ndjson", ".stix", ".zip", *_BOOKS)
    return name if name.endswith(endings) else name + _TYPES[node.type] if node.type in _TYPES else ""


def _table(item: Item, node: Node, name: str, desk: Desk) -> Item | None:
    """The part as an item to be opened; None where it is no table."""
    data = mime.decoded(item.content, node, desk.left + 1)
    if not _holds_table(name, data):
        _say(item, node, name, data, desk)
        return None
    named = replace(item, name=inside(item, node.name), filename=name, cover=False)
    if node.encoding not in mime.ENCODED:
        return replace(named, start=item.start + node.body_start, end=item.start + node.end)
    made = desk.make(named, node.body_start, node.end, node.encoding, data)
    if made is None:
        desk.limit(named, "archive-bytes", rows_csv.FORMAT, "The attached table is too large to be decoded.")
    return made


def _say(item: Item, node: Node, name: str, data: bytes, desk: Desk) -> None:
    """A Found for what calls itself a table and names nothing."""
    trial = Desk()
    rows_csv.read(Item(data, -1, 0, len(data), filename=name), trial)
    for found in trial.found:
        part = replace(
            item, start=item.start + node.body_start, end=item.start + node.end, name=inside(item, node.name)
        )
        desk.verdict(part, found.verdict, found.format, found.says)


def _holds_table(name: str, data: bytes) -> bool:
    if name.endswith(_BOOKS):
        return rows_xlsx.recognised(data)
    if name.endswith(".zip"):
        return _zipped(data)
    if name.endswith((".json", ".jsonl", ".ndjson", ".stix")):
        return _opens(rows_json.read, data)
    return rows_csv.recognised(data[: rows_csv.HEAD]) is not None


def _opens(reader: Callable[[Item, Desk], bool], data: bytes) -> bool:
    trial = Desk()
    return reader(Item(data, -1, 0, len(data)), trial) and trial.found[0].verdict in ("rows", "limit")


def _zipped(data: bytes) -> bool:
    """Whether the first table by name in a zip is one."""
    try:
        archive = zipped.directory(data)
        infos = archive.infolist() if archive else []
        info = next((info for info in infos if info.filename.lower().endswith(rows_csv.NAMES)), None)
        if archive is None or info is None:
            return False
        with archive.open(info) as stream:
            return rows_csv.recognised(stream.read(rows_csv.HEAD)) is not None
    except Exception:
        # zipfile raises many kinds on hostile bytes; what can't be read is no table.
        return False
