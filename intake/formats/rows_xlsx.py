"""Tables as Excel workbooks: every worksheet with a heading that names something.

Promises that nothing is computed or fetched: a formula is the text that it is written as, links to other workbooks are
not opened. What would come out of the zip is added up before it is opened, and cells are counted. Format: ECMA-376
(Office Open XML), by openpyxl; the one door to it. Cells are read in `rows_cells.py`.
"""

import io
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.xml.constants import SHARED_STRINGS

from intake.formats import opened, rows, zipped
from intake.formats.opened import Desk, Item
from intake.formats.rows import Columns
from intake.formats.rows_cells import Cells, strings
from intake.sheet import Row

FORMAT = "rows_xlsx"
OUT = 60_000_000
"""Most bytes of the XML of one workbook."""
WORKSHEETS = 20
CELLS = 700_000
"""Most cells of one workbook that are read."""
BEFORE = 20
"""Rows in which the heading is sought."""


class _Book(NamedTuple):
    """What of a workbook is read: `worksheets` are title and place in the archive."""

    archive: zipfile.ZipFile
    worksheets: list[tuple[str, str]]
    shared: list[str]
    dates: Collection[int]
    """Numbers of the formats of cells that show a number as a time."""
    epoch: datetime


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a workbook; if so each worksheet has its Found."""
    content = item.content
    infos = _directory(content) if content.startswith(zipped.MAGIC) else None
    if infos is None:
        return False
    packed = sum(max(info.compress_size, 1) for info in infos)
    out = sum(info.file_size for info in infos)
    if out > min(OUT, packed * opened.RATIO) or len(infos) > opened.ENTRIES:
        desk.limit(item, "archive-bytes", FORMAT, f"More than {OUT:,} bytes would come out of this workbook.")
    else:
        _workbook(item, desk)
    return True


def recognised(content: bytes) -> bool:
    """Whether a workbook has a worksheet with a heading that names something."""
    trial = Desk(rows=1)
    read(Item(content, -1, 0, len(content)), trial)
    return any(each.verdict == "rows" for each in trial.found)


def _directory(content: bytes) -> list[zipfile.ZipInfo] | None:
    """The entries of a workbook, None where it is none."""
    try:
        archive = zipped.directory(content)
    except Exception:
        # zipfile raises many kinds on hostile bytes; the reader of archives says what is wrong.
        return None
    infos = archive.infolist() if archive else []
    return infos if any(info.filename == "xl/workbook.xml" for info in infos) else None


def _workbook(item: Item, desk: Desk) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _worksheets(item, _book(item.content), desk)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        # openpyxl raises whatever its parsers do.
        desk.verdict(item, "damaged", FORMAT, f"A workbook that can't be read ({type(error).__name__}).")


def _book(content: bytes) -> _Book:
    """The steps of openpyxl's own reading that find the parts and the formats; not those that go through the cells."""
    reader = ExcelReader(io.BytesIO(content), read_only=True, keep_links=False)
    reader.read_manifest()
    reader.read_workbook()
    apply_stylesheet(reader.archive, reader.wb)
    known = set(reader.archive.namelist())
    found = [(each.name, rel.target) for each, rel in reader.parser.find_sheets() if rel.Type.endswith("/worksheet")]
    part = reader.package.find(SHARED_STRINGS)
    shared = []
    if part is not None and part.PartName[1:] in known:
        with reader.archive.open(part.PartName[1:]) as source:
            shared = strings(source)
    worksheets = [(title, target) for title, target in found if target in known]
    return _Book(reader.archive, worksheets, shared, reader.wb._date_formats, reader.wb.epoch)


def _worksheets(item: Item, book: _Book, desk: Desk) -> None:
    """A Found for each worksheet that has such a heading; the cells of all are counted together."""
    left = CELLS
    headings: list[str] = []
    found = 0
    for title, target in book.worksheets[:WORKSHEETS]:
        cells = Cells(book.shared, book.dates, book.epoch, rows.COLUMNS, left)
        with book.archive.open(target) as source:
            lines = cells.read(source)
            first = list(islice(lines, BEFORE))
            table = _table(first)
            if table is None:
                headings = headings or next((each for _, each in first if any(each)), [])
            else:
                desk.table(item, FORMAT, _rows(chain(first[table[0] + 1 :], lines), table[1]), title)
                found += 1
        left = cells.left
    if not found:
        desk.verdict(item, "not-a-report", FORMAT, rows.unknown(headings))
    if left <= 0:
        desk.limit(item, "rows", FORMAT, f"Cells beyond the first {CELLS:,} of the workbook were not read.")
    if len(book.worksheets) > WORKSHEETS:
        desk.limit(item, "rows", FORMAT, f"Worksheets beyond the first {WORKSHEETS} were not read.")


def _table(first: Sequence[tuple[int, Sequence[str]]]) -> tuple[int, Columns] | None:
    """Place of the heading and its columns."""
    for at, (_, cells) in enumerate(first):
        known = rows.columns(cells)
        if known is not None:
            return at, known
    return None


def _rows(lines: Iterator[tuple[int, Sequence[str]]], known: Columns) -> Iterator[Row]:
    for line, cells in lines:
        found = rows.row(line, cells, known)
        if found is not None:
            yield found


def warm() -> None:
    """Read a workbook once, so that nothing is loaded later."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in _SAMPLE.items():
            archive.writestr(name, text)
    read(Item(data.getvalue(), -1, 0, len(data.getvalue())), Desk())


_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SAMPLE = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
    f'ContentType="{_TYPE}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
    f'ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": f'<worksheet {_MAIN}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>ip</t></is>'
    '</c></row><row r="2"><c r="A2" t="inlineStr"><is><t>192.0.2.1</t></is></c></row></sheetData></worksheet>',
}
"""The smallest workbook."""
