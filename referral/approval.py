"""Approval: the signature by which a second person says yes to exactly one digest.

Keys are Ed25519 (RFC 8032), kept by each person as PKCS #8 in PEM under a passphrase (RFC 5958); what is signed begins
with a word of its own, so that a signature for one purpose never serves another. Nobody approves what they wrote, and
one key under two names is one person.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from intake.errors import Refused
from referral.request import Approval, AssistanceRequest

_REQUEST = b"lapwing request approval 1\n"
_BUNDLE = b"lapwing bundle 1\n"


def statement(request: str, digest: str, person: str) -> bytes:
    """What an approval signs: request id, digest and person, each on its line."""
    return _REQUEST + f"{request}\n{digest}\n{person}\n".encode()


def bundle_statement(tagmanifest: str, person: str) -> bytes:
    """What the seal of a bundle signs: SHA-256 of its tag manifest, and the person."""
    return _BUNDLE + f"{tagmanifest}\n{person}\n".encode()


class Signer:
    """An opened key: signs, and knows its public key. `Refused` for a wrong passphrase or another kind of key."""

    def __init__(self, key_pem: bytes, passphrase: str) -> None:
        if not passphrase:
            raise Refused("passphrase", "a key without a passphrase is not a person's own")
        try:
            key = serialization.load_pem_private_key(key_pem, passphrase.encode())
        except (ValueError, TypeError) as error:
            raise Refused("passphrase", "the key does not open with this passphrase") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Refused("key", "approvals are signed with Ed25519 keys")
        self._key = key
        self.public_key = key.public_key().public_bytes_raw().hex()

    def sign(self, data: bytes) -> str:
        """The signature in hexadecimal, 128 digits."""
        return self._key.sign(data).hex()


def signed(data: bytes, signature: str, public_key: str) -> bool:
    """Whether that is a signature of `data` by the holder of the key; False for anything malformed."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def approval(request: AssistanceRequest, person: str, signer: Signer, at: datetime) -> Approval:
    """The person's approval of this version; `Refused` when they, or their key, wrote any of it."""
    if _wrote(request, person, signer.public_key):
        raise Refused(
            "own-draft", f"{person} wrote this request or holds the key of one who did, and may not approve it"
        )
    return Approval(
        request=request.id, root=request.root, digest=request.digest, person=person, public_key=signer.public_key,
        signature=signer.sign(statement(request.id, request.digest, person)), at=at,
    )  # fmt: skip


def _wrote(request: AssistanceRequest, person: str, public_key: str) -> bool:
    return any(_same(person, hand.person) or hand.public_key == public_key for hand in request.hands)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def valid(approval: Approval, public_key: str) -> bool:
    """Whether the approval is signed with that key, over exactly what it says."""
    data = statement(approval.request, approval.digest, approval.person)
    return approval.public_key == public_key and signed(data, approval.signature, public_key)


def counting(
    request: AssistanceRequest, approvals: Iterable[Approval], keys: Mapping[str, str]
) -> tuple[Approval, ...]:
    """The approvals that count today, one per key, by person.

    `keys`: person -> public key, of those who may approve now; a person or key taken off that list does not count.
    """
    found: dict[str, Approval] = {}
    for each in sorted(approvals, key=lambda one: one.person):
        exact = each.request == request.id and each.digest == request.digest
        if exact and not _wrote(request, each.person, each.public_key) and valid(each, keys.get(each.person, "")):
            found.setdefault(each.public_key, each)
    return tuple(found.values())
