"""The checkpoint: the heads of all series and the erased slots, signed, to be kept off the machine.

JSON in the canonical form (`intake/record.py`): `made` (UTC), `heads` (series -> frame number and header digest in
hexadecimal), `erased` (slots), and beside it `key` and `signature` (Ed25519, RFC 8032, over the canonical form of
the rest). Against a later vault it shows a cut tail, a vault rolled back and a segment swapped.
"""

import base64
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from intake.errors import Damaged
from intake.record import Value, canonical
from intake.store import Slot


class SeriesHead(Value, frozen=True):
    """Number and header digest (hexadecimal) of the last frame of a series."""

    number: int
    digest: str


class Checkpoint(Value, frozen=True):
    """What is signed."""

    made: datetime
    heads: dict[str, SeriesHead]
    erased: tuple[Slot, ...] = ()


class Signed(Value, frozen=True):
    """A checkpoint with its signature; key and signature in base64."""

    checkpoint: Checkpoint
    key: str
    signature: str


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """The signed checkpoint as canonical JSON."""
    signature = key.sign(canonical(checkpoint))
    public = key.public_key().public_bytes_raw()
    return canonical(Signed(
        checkpoint=checkpoint, key=base64.b64encode(public).decode(), signature=base64.b64encode(signature).decode()
    ))  # fmt: skip


def read(data: bytes) -> Checkpoint:
    """The checkpoint that was signed; `Damaged` when the signature does not fit its own key."""
    try:
        signed = msgspec.json.decode(data, type=Signed)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(signed.key))
        public.verify(base64.b64decode(signed.signature), canonical(signed.checkpoint))
    except (InvalidSignature, ValueError) as error:
        raise Damaged("checkpoint", "the signature does not fit") from error
    return signed.checkpoint
