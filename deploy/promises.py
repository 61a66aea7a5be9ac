"""The promises and how they were last tried: read from `promises.toml` and from the ledger beside the checkout.

Every campaign, and its short form among the tests, writes a line of the ledger (`tests/promise.py`): one JSON object
with `promise`, `at`, `form` (short or long), `held`, `figures`, and `part` where several campaigns try one promise. Of
each part the newest line counts, but a long try that held stands until another long one, or any that did not hold. A
promise is held when no part of it is broken.
"""

import tomllib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

ROOT = Path(__file__).parents[1]
LEDGER = ROOT / ".lapwing" / "promises.jsonl"


class Tried(msgspec.Struct, frozen=True):
    """One try of a promise."""

    promise: str
    at: datetime
    form: Literal["short", "long"]
    held: bool
    figures: dict[str, int | float | str]
    part: str = ""


class Promise(NamedTuple):
    """A promise by its number, what it says, the commands of its long form (none where nothing tries it yet)."""

    number: str
    says: str
    long: tuple[str, ...]
    tried: Tried | None


def promises(ledger: Path = LEDGER) -> Iterator[Promise]:
    """All of them in order, each with its last try."""
    last = _last(ledger)
    for number, each in tomllib.loads((Path(__file__).parent / "promises.toml").read_text()).items():
        parts = [tried for (promise, _), tried in last.items() if promise == number]
        yield Promise(number, each["says"], tuple(each["long"]), _together(parts) if parts else None)


def _together(parts: Sequence[Tried]) -> Tried:
    """One try of them: of those that were broken, else of the long ones, else of all."""
    broken, long = [each for each in parts if not each.held], [each for each in parts if each.form == "long"]
    told = broken or long or parts
    figures = {f"{each.part} {name}".strip(): figure for each in told for name, figure in each.figures.items()}
    newest = max(told, key=lambda each: each.at)
    return msgspec.structs.replace(newest, figures=figures, part=", ".join(each.part for each in told if each.part))


def _last(ledger: Path) -> dict[tuple[str, str], Tried]:
    """Promise and part -> the try that counts; a line that can't be read counts for nothing."""
    last: dict[tuple[str, str], Tried] = {}
    for line in ledger.read_bytes().splitlines() if ledger.exists() else ():
        try:
            tried = msgspec.json.decode(line, type=Tried)
        except msgspec.MsgspecError:
            continue
        known = last.get((tried.promise, tried.part))
        if known is None or tried.form == "long" or known.form == "short" or not (tried.held and known.held):
            last[tried.promise, tried.part] = tried
    return last
