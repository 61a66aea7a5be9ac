"""The promises and how they were last tried: read from `promises.toml` and from the ledger beside the checkout.

Every campaign, and its short form among the tests, writes a line of the ledger (`tests/promise.py`): one JSON object
with `promise`, `at`, `form` (short or long), `held`, `figures`. Of each promise the newest line counts, but a long try
that held stands until another long one, or any that did not hold.
"""

import tomllib
from collections.abc import Iterator
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


class Promise(NamedTuple):
    """A promise by its number, what it says, the command of its long form ('' where nothing tries it yet)."""

    number: str
    says: str
    long: str
    tried: Tried | None


def promises(ledger: Path = LEDGER) -> Iterator[Promise]:
    """All of them in order, each with its last try."""
    last = _last(ledger)
    for number, each in tomllib.loads((Path(__file__).parent / "promises.toml").read_text()).items():
        yield Promise(number, each["says"], each["long"], last.get(number))


def _last(ledger: Path) -> dict[str, Tried]:
    """Promise -> the try that counts; a line that can't be read counts for nothing."""
    last: dict[str, Tried] = {}
    for line in ledger.read_bytes().splitlines() if ledger.exists() else ():
        try:
            tried = msgspec.json.decode(line, type=Tried)
        except msgspec.MsgspecError:
            continue
        known = last.get(tried.promise)
        if known is None or tried.form == "long" or known.form == "short" or not (tried.held and known.held):
            last[tried.promise] = tried
    return last
