"""The frame: one sealed record or part in a segment, and the only place that knows its bytes.

Header, big-endian, 151 bytes, then `length` stored bytes:

    magic 'LWfr'  version 1  number in the series from 1  kind (ASCII, padded with NUL to 16)
    slot: series 8, book 4, number 2   length 4   plain digest 32   digest of the header before 32   |
    stored digest 32   check 8

`plain digest` is SHA-256 of salt (16 bytes) and plain bytes; the salt is inside the seal, so an erased address
can't be guessed, and disclosing the salt proves the bytes. All before `|` is authenticated by the seal. `check` is
the start of SHA-256 over the header before it, so that a damaged header is known without any key. Stored: nonce 24,
then XChaCha20-Poly1305 of the zstd frame of salt and plain; with the public slot (all zero) just the zstd frame.
"""

import hashlib
import os
import struct
from dataclasses import dataclass

import zstandard
from nacl import bindings
from nacl.exceptions import CryptoError

from intake.errors import Damaged
from intake.store import Slot

MAX_PLAIN = 1_000_000
"""Bytes of one frame before sealing; more goes into several part frames."""
SIZE = 151
_HEADER = struct.Struct(">4sBQ16s8sIHI32s32s32s8s")
_SEALED_HEAD = 111
_MAGIC = b"LWfr"
_SALT = 16
_NONCE = 24
_TAG = 16
PUBLIC = Slot(series="0" * 16, book=0, number=0)
"""The slot of frames that are not sealed: books."""


@dataclass(frozen=True, slots=True)
class Header:
    """A frame's header as read; `raw` are its 151 bytes."""

    number: int
    kind: str
    slot: Slot
    length: int
    plain: bytes
    before: bytes
    stored: bytes
    raw: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the header: what the next frame's `before` repeats."""
        return hashlib.sha256(self.raw).digest()


def compressor() -> zstandard.ZstdCompressor:
    """What a writer compresses with; to be used by one thread at a time."""
    return zstandard.ZstdCompressor(level=1)


def build(
    number: int, kind: str, slot: Slot, key: bytes | None, plain: bytes, before: bytes, zstd: zstandard.ZstdCompressor
) -> bytes:
    """Header and stored bytes of a new frame; `key` is the slot's 32 bytes, None for the public slot."""
    if len(plain) > MAX_PLAIN:
        raise ValueError(f"{len(plain)} bytes are more than one frame holds")
    salted = os.urandom(_SALT) + plain
    packed = zstd.compress(salted)
    length = len(packed) if key is None else _NONCE + len(packed) + _TAG
    open_part = _HEADER.pack(
        _MAGIC, 1, number, kind.encode(), bytes.fromhex(slot.series), slot.book, slot.number, length,
        hashlib.sha256(salted).digest(), before, b"", b"",
    )[:_SEALED_HEAD]  # fmt: skip
    stored = packed if key is None else _seal(packed, open_part, key)
    head = open_part + hashlib.sha256(stored).digest()
    return head + hashlib.sha256(head).digest()[:8] + stored


def _seal(packed: bytes, open_part: bytes, key: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(packed, open_part, nonce, key)


def read_header(raw: bytes) -> Header | None:
    """The header that these 151 bytes are, or None when they are no sound header."""
    if len(raw) != SIZE or hashlib.sha256(raw[:-8]).digest()[:8] != raw[-8:]:
        return None
    magic, version, number, kind, series, book, slot, length, plain, before, stored, _ = _HEADER.unpack(raw)
    if magic != _MAGIC or version != 1:
        return None
    return Header(
        number, kind.rstrip(b"\0").decode("ascii"), Slot(series=series.hex(), book=book, number=slot),
        length, plain, before, stored, raw,
    )  # fmt: skip


def sound(header: Header, stored: bytes) -> bool:
    """Whether the stored bytes are the ones that the header was made with; needs no key."""
    return len(stored) == header.length and hashlib.sha256(stored).digest() == header.stored


def open_(header: Header, stored: bytes, key: bytes | None) -> tuple[bytes, bytes]:
    """(salt, plain) of a frame; `Damaged` when digest, seal or plain digest does not match."""
    if not sound(header, stored):
        raise Damaged(header.stored.hex(), "stored bytes do not match their digest")
    try:
        packed = stored if key is None else _unseal(header, stored, key)
        salted = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_PLAIN + _SALT)
    except (zstandard.ZstdError, CryptoError) as error:
        raise Damaged(header.stored.hex(), "the seal does not open") from error
    if hashlib.sha256(salted).digest() != header.plain:
        raise Damaged(header.plain.hex(), "plain bytes do not match their digest")
    return salted[:_SALT], salted[_SALT:]


def _unseal(header: Header, stored: bytes, key: bytes) -> bytes:
    open_part = header.raw[:_SEALED_HEAD]
    nonce, sealed = stored[:_NONCE], stored[_NONCE:]
    return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, open_part, nonce, key)


def header_digest(data: bytes) -> bytes:
    """SHA-256 of the header at the start of a frame's bytes."""
    return hashlib.sha256(data[:SIZE]).digest()
