"""Record: the one shape of everything that Lapwing keeps.

A record is a frozen struct with a kind, a key (what it is) and a digest (what it says). The key is
deterministic, so that keeping the same thing twice keeps it once. A field that is added later has a
default and is left out of the canonical form while it has that default, so old digests stand for ever.

Canonical form: JSON in UTF-8, members sorted by name, no white space, defaults left out.
"""

import hashlib
from typing import ClassVar, Self

import msgspec

HOUSE = ("house", "")
"""The owner of records that need not be forgettable alone; slot 0 of every book."""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a record: frozen, written in the canonical form."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept: a subclass says its `kind`, which field is its key, and under whose slot it is sealed."""

    kind: ClassVar[str] = ""
    indexed: ClassVar[tuple[str, ...]] = ()
    """Names of fields (text, numbers, or several texts) that `Store.find` and `Store.count` may ask for."""

    key_field: ClassVar[str] = "id"
    """Name of the field that is the key, where one field is."""
    sealed_under: ClassVar[tuple[str, str]] = HOUSE
    """Kind of the owner whose slot seals this record, and the field that holds its key; HOUSE for the house's slot."""

    @property
    def key(self) -> str:
        """What this record is, within its kind."""
        key: str = getattr(self, self.key_field)
        return key

    @property
    def under(self) -> tuple[str, str]:
        """(kind, key) of the record whose slot seals this one; its own (kind, key) means a slot of its own."""
        kind, field = self.sealed_under
        return (kind, getattr(self, field)) if field else HOUSE

    def where(self) -> "dict[str, str | int | tuple[str, ...]]":
        """The declared keys with their values, as the store indexes them."""
        return {name: getattr(self, name) for name in self.indexed}

    @property
    def body(self) -> bytes:
        """The canonical form."""
        return canonical(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, 64 hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The record that `body` (canonical form, perhaps of a later version with more fields) says."""
        return msgspec.json.decode(body, type=cls)


class Cite(Value, frozen=True):
    """Where a sentence has its proof: bytes of a kept message, or a kept Lookup.

    For bytes: `of` is the SHA-256 (hexadecimal) of the message and `start`, `end` count its bytes from 0, end
    excluded. For a Lookup: `of` is `lookup:` and the lookup's `id` (type and name), start and end are 0.
    """

    of: str
    start: int = 0
    end: int = 0


_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: object) -> bytes:
    """The canonical JSON of a record, a value, or plain lists, dicts, text and numbers."""
    return _encoder.encode(value)


def sha256(data: bytes | memoryview) -> str:
    """SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def name_of(*parts: str | bytes) -> str:
    """A deterministic identifier: the first 26 base-32 characters of SHA-256 over the parts, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return _base32(digest.digest()[:17])[:26]


def _base32(data: bytes) -> str:
    """Crockford's alphabet in lower case: no i, l, o, u, so that a person can read it out."""
    number = int.from_bytes(data, "big")
    digits = []
    for _ in range((len(data) * 8 + 4) // 5):
        number, rest = divmod(number, 32)
        digits.append("0123456789abcdefghjkmnpqrstvwxyz"[rest])
    return "".join(reversed(digits))
