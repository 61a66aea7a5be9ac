"""Checkpoints of a home: signed and written to `checkpoints/`, from where the operator sends them off the machine."""

from collections.abc import Iterator
from pathlib import Path

from deploy.wiring import House, now
from intake.archive import Erasure
from intake.errors import Damaged
from intake.store import Slot, every
from intake.vault import checkpoint, keys, series
from intake.vault.checkpoint import Checkpoint, SeriesHead
from intake.vault.reader import Reader


def sign_checkpoint(house: House) -> bytes:
    """A checkpoint of all that is synced now, signed; a series that is damaged is not in it, earlier ones name it."""
    heads = {name: head for name in series.all_series(house.vault) if (head := _sound_head(house.reader, name))}
    made = Checkpoint(made=now(), heads=heads, erased=tuple(sorted(erased(house), key=str)))
    return checkpoint.sign(made, keys.signing(house.keys))


def _sound_head(reader: Reader, name: str) -> SeriesHead | None:
    try:
        return head_of(reader, name)
    except Damaged:
        return None


def head_of(reader: Reader, name: str) -> SeriesHead | None:
    """The last synced frame of a series, None for an empty one."""
    mark = series.synced(reader.folder, name)
    last = None
    for _, header, _ in reader.follow(name, max(1, mark.segment - 1), 0):
        last = SeriesHead(number=header.number, digest=header.digest.hex())
    return last


def erasures(house: House) -> Iterator[Erasure]:
    """Every kept Erasure."""
    return every(house.store, Erasure, {})


def erased(house: House) -> set[Slot]:
    """The slots that kept Erasures name."""
    return {slot for each in erasures(house) for slot in each.slots}


def write_checkpoint(house: House) -> Path:
    """Sign one and put it into the folder; its path."""
    folder = house.home / "checkpoints"
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / f"{now():%Y%m%dT%H%M%S%f}Z.json"
    path.write_bytes(sign_checkpoint(house))
    return path


def age(house: House) -> float:
    """Seconds since the newest checkpoint of this home was written; without one, since its vault was made."""
    times = [path.stat().st_mtime for path in (house.home / "checkpoints").glob("*.json")]
    return now().timestamp() - max(times, default=(house.keys / keys.PUBLIC).stat().st_mtime)


def all_checkpoints(house: House) -> list[Checkpoint]:
    """Those in the home's folder, oldest first; `Damaged` when one's signature does not fit."""
    return [checkpoint.read(path.read_bytes()) for path in sorted((house.home / "checkpoints").glob("*.json"))]
