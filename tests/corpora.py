"""Where the corpora pack of real mail is: one place for all tests and benches that read it.

LAPWING_CORPORA names a folder: the unpacked pack (`manifest.csv` and a folder per kind), one that holds it, or one with
the archive `pack-dev.tar.xz`, which is unpacked once into `.lapwing/corpora` of the checkout. The pack is hostile and
not ours to publish: data only, nothing of it goes into the project, and nothing in it is ever resolved or fetched.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path

import pytest

VARIABLE = "LAPWING_CORPORA"
ARCHIVE = "pack-dev.tar.xz"
PLACE = Path(__file__).parent.parent / ".lapwing" / "corpora"
ABSENT = f"{VARIABLE} names no folder with the corpora pack, unpacked or as {ARCHIVE}"


def found() -> Path | None:
    """The folder of the pack, None where there is none."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    place = Path(named)
    archive = place if place.name == ARCHIVE else place / ARCHIVE
    return _inside(_unpacked(archive)) if archive.is_file() else _inside(place)


def pack() -> Path:
    """The folder of the pack; skips the test where there is none."""
    folder = found()
    if folder is None:
        pytest.skip(ABSENT)
    return folder


def files(folder: Path) -> Iterator[Path]:
    """Every file of the pack, in order."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def _inside(place: Path) -> Path | None:
    """The pack in `place`, or in a folder right below it."""
    below = sorted(place.iterdir()) if place.is_dir() else []
    for folder in (place, *below):
        if (folder / "manifest.csv").is_file() and (folder / "phishing").is_dir():
            return folder
    return None


def _unpacked(archive: Path) -> Path:
    """The folder into which this archive is unpacked; done once, and whole or not at all."""
    with archive.open("rb") as file:
        target = PLACE / file_digest(file, "sha256").hexdigest()[:16]
    if not target.exists():
        PLACE.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Path(tempfile.mkdtemp(dir=PLACE))
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(made, filter="data")
            made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return target
