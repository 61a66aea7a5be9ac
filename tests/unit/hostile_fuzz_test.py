"""Every fuzz target on a few hundred inputs, the same each time: seeds, cut, joined and changed. `tests/fuzz/run.py`
goes on from here."""

import random

import pytest

from tests.fuzz.more_targets import EVERY
from tests.fuzz.targets import checked

INPUTS = 200
LARGEST = 8000
PIECES = (
    b"", b"\r", b"\n", b"\r\n\r\n", b"\0", b'"', b"\\", b"(", b"<", b">", b";", b"=?utf-8?b?", b"?=", b"\xff", b"--",
    b"%", b"\xe4\xbd\xa0", b"0", b"999999999999999999999", b"*", b",", b"{", b"[", b"From ", b"PK\x03\x04",
)  # fmt: skip


@pytest.mark.promise("P19")
@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_raised_and_all_comes_in_time(name: str) -> None:
    target, chance = EVERY[name], random.Random(20261124)
    seeds = [seed[:LARGEST] for seed in target.seeds()[:60]]
    assert seeds
    for data in (b"", *seeds, *(changed(seeds, chance) for _ in range(INPUTS))):
        try:
            checked(target.run, data)
        except Exception as error:
            raise AssertionError(f"{name} on {data[:3000]!r}") from error


def changed(seeds: list[bytes], chance: random.Random) -> bytes:
    """A seed, or two joined, with up to twelve changes."""
    data = bytearray(chance.choice(seeds))
    if chance.random() < 0.2:
        other = chance.choice(seeds)
        data[chance.randrange(len(data) + 1) :] = other[chance.randrange(len(other) + 1) :]
    for _ in range(chance.randrange(1, 12)):
        at = chance.randrange(len(data) + 1)
        piece = chance.choice(PIECES) if chance.random() < 0.8 else chance.randbytes(chance.randrange(1, 5))
        data[at : at + chance.randrange(4)] = piece * chance.choice((1, 1, 1, 2, 50))
    return bytes(data[: 2 * LARGEST])
