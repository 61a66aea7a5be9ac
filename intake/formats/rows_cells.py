"""The cells and shared texts of a workbook, read from its XML as it streams by; used by `rows_xlsx.py`.

openpyxl reads how a workbook is put together, but it builds objects for each cell: 100,000 rows took it longer than a
parsing child has, and a row numbered a billion would be counted up to. Here each cell is a text, as a person would type
it: a formula is its text, never its result. No document type is read, so there are no entities to expand.
Format: ECMA-376 part 1, sections 18.3.1.4 (c), 18.3.1.73 (row), 18.4.8 (si), 18.18.11 (types of cells).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import IO
from xml.parsers import expat

PIECE = 65_536
LONGEST = 40_000
"""Characters of one cell; Excel takes 32,767."""
ROWS = 1_048_576
"""Rows of a worksheet; a number above that is none."""
Line = tuple[int, list[str]]
Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


class Cells:
    """Rows of a worksheet, up to `columns` cells each; `left` cells are read."""

    def __init__(
        self, shared: Sequence[str], dates: Collection[int], epoch: datetime, columns: int, left: int
    ) -> None:  # fmt: skip
        self.left = left
        self._shared, self._dates, self._epoch, self._columns = shared, dates, epoch, columns
        self._done: list[Line] = []
        self._number, self._row, self._at = 0, list[str](), 0
        self._type = self._style = self._formula = ""
        self._said: list[str] = []
        self._into: list[str] | None = None

    def read(self, source: IO[bytes]) -> Iterator[Line]:
        """Row number and cells; expat.ExpatError where it is no XML."""
        parser = _parser(self._start, self._end, self._text)
        while self.left > 0 and (piece := source.read(PIECE)):
            parser.Parse(piece, False)
            yield from self._done
            self._done.clear()
        if self.left > 0:
            parser.Parse(b"", True)

    def _start(self, name: str, given: dict[str, str]) -> None:
        name = name if ":" not in name else name.rpartition(":")[2]
        if name == "row":
            number = given.get("r", "")
            self._number = int(number) if number.isdecimal() and len(number) < 8 else self._number + 1
            self._row, self._at = [], 0
        elif name == "c":
            self._type, self._style, self._formula, self._said = given.get("t", "n"), given.get("s", ""), "", []
            self._at = _column(given.get("r", "").rstrip("0123456789")) or self._at + 1
        elif name in ("v", "t", "f"):
            self._into = []

    def _text(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text[:LONGEST])

    def _end(self, name: str) -> None:
        name = name if ":" not in name else name.rpartition(":")[2]
        if name in ("v", "t") and self._into is not None:
            self._said += self._into
            self._into = None
        elif name == "f":
            self._formula = "=" + "".join(self._into or ())
            self._into = None
        elif name == "c":
            self._cell()
        elif name == "row" and 0 < self._number <= ROWS and self.left > 0:
            self._done.append((self._number, self._row))

    def _cell(self) -> None:
        self.left -= 1
        if 0 < self._at <= self._columns:
            self._row += [""] * (self._at - len(self._row))
            self._row[self._at - 1] = self._formula or self._value("".join(self._said)[:LONGEST])

    def _value(self, said: str) -> str:
        """The text of a cell by its type."""
        if self._type == "s":
            return self._shared[int(said)] if said.isdecimal() and int(said[:9]) < len(self._shared) else ""
        if self._type != "n" or not said:
            return said
        try:
            number = float(said)
            if self._style.isdecimal() and int(self._style[:9]) in self._dates:
                return (self._epoch + timedelta(seconds=round(number * 86_400))).isoformat()
        except (ValueError, OverflowError):
            return said
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else said


def strings(source: IO[bytes]) -> list[str]:
    """The texts that cells share, in their order; how they are said aloud is left out."""
    found: list[str] = []
    said: list[str] = []
    inside = {"t": 0, "rPh": 0}

    def start(name: str, _: dict[str, str]) -> None:
        name = name if ":" not in name else name.rpartition(":")[2]
        if name in inside:
            inside[name] += 1
        elif name == "si":
            said.clear()

    def end(name: str) -> None:
        name = name if ":" not in name else name.rpartition(":")[2]
        if name in inside:
            inside[name] -= 1
        elif name == "si":
            found.append("".join(said)[:LONGEST])

    def text(data: str) -> None:
        if inside["t"] and not inside["rPh"]:
            said.append(data)

    parser = _parser(start, end, text)
    while piece := source.read(PIECE):
        parser.Parse(piece, False)
    parser.Parse(b"", True)
    return found


def _parser(start: Start, end: End, text: End) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, _doctype
    return parser


def _doctype(*_: object) -> None:
    raise expat.ExpatError("a document type")


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    """The number of a column, 'C' as 3; 0 where it says none."""
    if not 0 < len(letters) <= 3 or not letters.isascii() or not letters.isupper():
        return 0
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
