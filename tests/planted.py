"""Planted values, and the search that must find them before an erasure and must not find them after.

Everything is searched that somebody with the home, its master key and the machine's logs could read: every file as it
is (free pages, write-ahead logs and journals too), every frame of the vault that still opens, unsealed and
decompressed, and what is named besides, such as logs and exports. Each value is looked for as it is, in any case, and
as base64 at each of its three alignments, UTF-16, hex and quoted-printable; identities also as plain digests, because
from one of these a mail address or a network address is guessed in a moment.

    found = search(home, values, identities, more)      value -> the places in which it stands
"""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from intake.vault import keys, series
from intake.vault.reader import Reader

DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b")


def encoded(value: str) -> Iterator[bytes]:
    """The value in small letters and in the forms in which mail, text and programs hide it."""
    plain = value.encode()
    yield plain.lower()
    yield plain.hex().encode()
    yield "".join(f"={byte:02x}" for byte in plain).encode()
    yield value.lower().encode("utf-16-le")
    yield value.lower().encode("utf-16-be")


def exact(value: str) -> Iterator[bytes]:
    """The forms in which the case of letters counts: base64 at its three alignments, without what its neighbours
    change."""
    for text in {value, value.lower()}:
        for ahead in range(3):
            code = base64.b64encode(bytes(ahead) + text.encode()).rstrip(b"=")
            start = (ahead * 8 + 5) // 6
            yield code[start : (ahead + len(text.encode())) * 8 // 6]


def digested(value: str) -> Iterator[bytes]:
    """Unkeyed digests of an identity, as bytes, hex and base64."""
    for text in {value, value.lower(), f"<{value}>", f"[{value}]"}:
        for name in DIGESTS:
            raw = hashlib.new(name, text.encode()).digest()
            yield from (raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"="))


def opened(home: Path) -> Iterator[bytes]:
    """What the seals of all frames hold that the master key still opens."""
    reader = Reader(home / "vault", keys.private(home / "keys"))
    for name in series.all_series(home / "vault"):
        for _, header, stored in reader.follow(name, 0, 0):
            found = reader.open(header, stored)
            if found is not None:
                yield found.plain


def places(home: Path, more: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """(place, all its bytes): the frames that open, each file of the home and of what is named besides."""
    yield "frames", b"\n".join(opened(home))
    for top in (home, *more):
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in (each for each in files if each.is_file()):
            yield path.name if top == home else f"{top.name}: {path.name}", path.read_bytes()


def search(
    home: Path, values: Sequence[str], identities: Sequence[str] = (), more: Iterable[Path] = ()
) -> Mapping[str, set[str]]:
    """Value -> where it stands in one of its forms; `identities` are also looked for by their digests."""
    found: dict[str, set[str]] = defaultdict(set)
    for place, data in places(home, more):
        small = data.lower()
        for value in dict.fromkeys((*values, *identities)):
            sharp = [*exact(value), *(digested(value) if value in identities else ())]
            if any(each in small for each in encoded(value)) or any(each in data for each in sharp):
                found[value].add(place)
    return dict(found)
