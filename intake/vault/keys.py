"""The keys of a home: the operator's pair that opens evidence, and the one that signs checkpoints.

Each stands in a file of its own, one line: a word for the kind and base64 (RFC 4648 section 4). Who only takes in
mail needs `operator.public`; who reads evidence needs `operator.private`; without that file no evidence can ever be
read again. Secrets for keyed hashes are derived from the private key (HKDF, RFC 5869), so there is nothing else to
keep.
"""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.public import PrivateKey, PublicKey

from intake.errors import Refused
from intake.vault.book import sync_folder

PRIVATE, PUBLIC, SIGNING, DOOR = "operator.private", "operator.public", "checkpoint.private", "door.secret"


def make(folder: Path) -> None:
    """Make all keys of a new home; keys that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / PRIVATE).exists():
        _write(folder / PRIVATE, bytes(PrivateKey.generate()))
    _write(folder / PUBLIC, bytes(private(folder).public_key))
    if not (folder / SIGNING).exists():
        _write(folder / SIGNING, Ed25519PrivateKey.generate().private_bytes_raw())
    if not (folder / DOOR).exists():
        _write(folder / DOOR, os.urandom(32))
    sync_folder(folder)


def _write(path: Path, key: bytes) -> None:
    fresh = path.with_suffix(f".{os.getpid()}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"lapwing-{path.name} {base64.b64encode(key).decode()}\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(fresh, path)


def _read(path: Path) -> bytes:
    try:
        word, _, text = path.read_text().strip().partition(" ")
        key = base64.b64decode(text, validate=True)
    except (OSError, ValueError) as error:
        raise Refused("no-key", f"the key file {path.name} can't be read; restore it from your safe copy") from error
    if word != f"lapwing-{path.name}" or len(key) != 32:
        raise Refused("no-key", f"{path.name} is not such a key file; restore it from your safe copy")
    return key


def public(folder: Path) -> PublicKey:
    """The operator's public key, to which books are sealed."""
    return PublicKey(_read(folder / PUBLIC))


def private(folder: Path) -> PrivateKey:
    """The operator's private key, which opens every book."""
    return PrivateKey(_read(folder / PRIVATE))


def signing(folder: Path) -> Ed25519PrivateKey:
    """The key that signs checkpoints and bundles."""
    return Ed25519PrivateKey.from_private_bytes(_read(folder / SIGNING))


def secret(private_key: PrivateKey, purpose: str) -> bytes:
    """32 bytes for one purpose, the same for ever: for keyed hashes of reporters, join keys and the like."""
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"lapwing " + purpose.encode())
    return derive.derive(bytes(private_key))


def door(folder: Path) -> bytes:
    """The secret with which doors make references, 32 bytes."""
    return _read(folder / DOOR)
