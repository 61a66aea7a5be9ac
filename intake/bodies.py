"""Bodies: who is in charge of what we are not, by country: messages on a phone, crime at home, abuse, danger to life.

Curated public knowledge in `pages/bodies.json`, each entry with its source and the day on which it was last looked
at. It names whom to call; nothing is passed on by itself.
"""

import re
from pathlib import Path
from urllib.parse import quote

import msgspec

from intake.catalogues import nearest
from intake.record import Value

FILE = Path(__file__).parent / "pages" / "bodies.json"
_SEPARATORS = re.compile(r"[\s().-]")


class Body(Value, frozen=True, kw_only=True):
    """A public body: `lanes` that it is in charge of, its names by language tag, and how it is reached.

    `basis`: `cited` where `source` is a page that names it, `general knowledge` where it is still to be confirmed.
    """

    country: str
    lanes: tuple[str, ...]
    names: dict[str, str]
    phone: str = ""
    web: str = ""
    source: str
    basis: str
    checked: str

    def spoken(self, language: str) -> str:
        """The tag of the name that a reader of that language is shown: the nearest, else English, else the first."""
        return nearest(language, self.names) or nearest("en", self.names) or next(iter(self.names))

    def name(self, language: str) -> str:
        """Its name for a reader of that language."""
        return self.names[self.spoken(language)]

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Its numbers, each as it is written and as a telephone is told (RFC 3966, without the visual separators)."""
        numbers = (each.strip() for each in self.phone.split("/"))
        return tuple((each, quote(_SEPARATORS.sub("", each), safe="+*")) for each in numbers if each)


def directory(path: Path = FILE) -> tuple[Body, ...]:
    """All entries; msgspec's ValidationError names what is wrong in the file."""
    return msgspec.json.decode(path.read_bytes(), type=tuple[Body, ...])


BODIES = directory()


def in_charge(country: str, lane: str) -> tuple[Body, ...]:
    """Whom to turn to in that country (ISO 3166-1 alpha-2), in the order of the file; () where we don't know."""
    return tuple(each for each in BODIES if each.country == country.upper() and lane in each.lanes)
