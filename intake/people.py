"""People: who may do what. A person is a record with a public key; the private one never leaves their file.

Roles: administrator (people, erasure, holds), investigator (queue, cases, drafts), approver (signs requests).
An approver's signature is made with a key of their own that only their passphrase opens; a name that somebody typed
approves nothing.
"""

from datetime import datetime
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intake.archive import Archive
from intake.errors import Refused
from intake.record import Record

Role = Literal["administrator", "investigator", "approver"]
MAY: dict[str, frozenset[str]] = {
    "look": frozenset({"administrator", "investigator", "approver"}),
    "work": frozenset({"investigator", "administrator"}),
    "draft": frozenset({"investigator", "administrator"}),
    "approve": frozenset({"approver"}),
    "send": frozenset({"investigator", "approver", "administrator"}),
    "people": frozenset({"administrator"}),
    "feeds": frozenset({"administrator"}),
    "erase": frozenset({"administrator"}),
    "operate": frozenset({"administrator"}),
}
"""Action -> roles that may do it."""


class Person(Record, frozen=True):
    """Somebody of the agency. `public_key` is Ed25519, base64; '' for one who signs nothing."""

    kind = "person"
    sealed_under = ("person", "id")
    indexed = ("public_key",)

    id: str
    name: str
    roles: tuple[Role, ...]
    public_key: str
    added_by: str
    at: datetime


class Departure(Record, frozen=True):
    """That a person may do nothing any more; what they signed before stays valid."""

    kind = "departure"
    key_field = "person"

    person: str
    by: str
    at: datetime


def allow(archive: Archive, person: str, action: str) -> Person:
    """The person, if they may do that; `Refused('not-allowed')` otherwise."""
    found = archive.get(Person, person)
    if found is None:
        raise Refused("not-allowed", f"there is no person '{person}'; an administrator can add one: lapwing people add")
    if archive.get(Departure, person) is not None:
        raise Refused("not-allowed", f"'{person}' has left")
    if not MAY[action] & set(found.roles):
        needed = ", ".join(sorted(MAY[action]))
        raise Refused("not-allowed", f"'{person}' may not {action}; that takes one of: {needed}")
    return found


def everybody(archive: Archive) -> list[tuple[Person, bool]]:
    """All people with whether they are still there, by id."""
    people, _ = archive.store.find(Person, {}, limit=10_000)
    return [(each, archive.get(Departure, each.id) is None) for each in people]


def new_key(passphrase: bytes) -> tuple[bytes, bytes]:
    """(private key as encrypted PKCS 8 PEM, 32 public bytes) of a new person."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    return pem, private.public_key().public_bytes_raw()
