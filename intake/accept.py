"""Accept: the one durable moment of a submission; bytes and envelope in, a Receipt out.

A door opens an Acceptance, feeds it the bytes as they come, and finishes it. The Receipt exists only once every byte
and the closing Submission record are durable. Nothing is parsed, nobody is asked and no store is touched here, so
nothing in the content can be a reason to refuse. No message sits in memory whole: pieces go to the vault as they fill.
What is abandoned halfway leaves part frames that no Submission closes; they count for nothing.

A reference is what a stranger holds: the submission's id and a short keyed digest of it, so that a true reference is
known as one before anybody has worked on it, and a guessed one is not.
"""

import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from intake.errors import Refused, Temporary
from intake.store import Place, Slot
from intake.submission import Envelope, Part, Receipt, Submission, Told

PART = 262_144
"""Bytes of one part frame: few enough that 200 sessions at once hold 50 MB."""
PART_KIND = "part"
_ID = 26
_OWN = 18
"""Letters of an id before the tag of its owner, where it has one."""
_MAC = 8
_LETTERS = b"0123456789abcdefghjkmnpqrstvwxyz" * 8
_AS_READ_OUT = str.maketrans("oil", "011")

T = TypeVar("T")


class Full(Temporary):
    """There is no room on the disk for one more submission."""

    def __init__(self) -> None:
        super().__init__("there is not enough room here at the moment", after=300.0, code="disk")


class Writer(Protocol):
    """What accept needs of the vault's writer; see `intake.vault.writer`."""

    unlisted: bool

    def new_slot(self) -> Slot: ...
    def release(self, slot: Slot) -> None: ...
    def append(self, kind: str, slot: Slot, plain: bytes) -> Place: ...
    def commit(self) -> "Future[Any]": ...


def reference(secret: bytes, submission: str) -> str:
    """The reference of a submission: 26 characters of id, a hyphen, 8 of keyed BLAKE2b (`secret`: 16 to 64 bytes)."""
    mac = hashlib.blake2b(submission.encode(), key=secret, digest_size=_MAC)
    return f"{submission}-{_letters(mac.digest())}"


def _letters(data: bytes) -> str:
    """A letter of the alphabet of `record.name_of` for the low five bits of each byte."""
    return data.translate(_LETTERS).decode()


def submission_of(secret: bytes, text: str) -> str | None:
    """The id that a reference, perhaps typed in by a person, stands for; None when it is not one of ours."""
    if len(text) > 2 * (_ID + _MAC):
        return None
    plain = "".join(text.lower().split()).replace("-", "").translate(_AS_READ_OUT)
    if len(plain) != _ID + _MAC or not plain.isascii():
        return None
    true = reference(secret, plain[:_ID]).replace("-", "")
    return plain[:_ID] if hmac.compare_digest(true, plain) else None


class Acceptor:
    """Opens acceptances on one writer.

    `clock` gives UTC with zone, `random` so many random bytes, `free` the bytes free where the vault is, `secret` is
    the key of references, `reserve` the bytes that must stay free whatever comes.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        free: Callable[[], int],
        secret: bytes,
        reserve: int = 0,
    ) -> None:
        self.writer, self.clock = writer, clock
        self._random, self._free, self._secret, self._reserve = random, free, secret, reserve

    def open(self, channel: str, envelope: Envelope, limit: int, filename: str = "", owner: str = "") -> "Acceptance":
        """A new acceptance of at most `limit` bytes; `Full` when the disk is low. `owner` can be told by the id."""
        self.check_room(limit)
        return Acceptance(self, self.new_id(owner), channel, envelope, limit, filename)

    def new_id(self, owner: str = "", key: str = "") -> str:
        """A fresh id of 26 letters, or with `key` the same one for ever; one with an `owner` ends in their tag."""
        if not owner:
            return _letters(self._random(_ID))
        head = self._random(_OWN) if not key else self._keyed(_OWN, "key", owner, key)
        return _letters(head) + self._tag(_letters(head), owner)

    def owned(self, submission: str, owner: str) -> bool:
        """Whether the id was made for that owner."""
        return hmac.compare_digest(submission[_OWN:], self._tag(submission[:_OWN], owner))

    def _tag(self, head: str, owner: str) -> str:
        return _letters(self._keyed(_ID - _OWN, "owner", owner, head))

    def _keyed(self, size: int, *parts: str) -> bytes:
        said = b"".join(len(each.encode()).to_bytes(4, "big") + each.encode() for each in parts)
        return hashlib.blake2b(said, key=self._secret, digest_size=size, person=b"lapwing ids").digest()

    def check_room(self, limit: int) -> None:
        """`Full` while less than one and a half times `limit`, or less than the reserve, is free."""
        if self._free() < max(limit + limit // 2, self._reserve):
            raise Full

    def reference(self, submission: str) -> str:
        """What the sender of that submission (its id) is given to ask with."""
        return reference(self._secret, submission)

    def submission_of(self, text: str) -> str | None:
        """The submission's id when `text` is a true reference, else None."""
        return submission_of(self._secret, text)


class Acceptance:
    """One submission on its way in; used by one session, from one thread."""

    def __init__(
        self, acceptor: Acceptor, id: str, channel: str, envelope: Envelope, limit: int, filename: str
    ) -> None:
        self.id = id
        self._acceptor, self._writer = acceptor, acceptor.writer
        self._channel, self._envelope, self._limit, self._filename = channel, envelope, limit, filename
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._parts: list[Part] = []
        self._slot: Slot | None = None
        self._over = False
        self.size = 0

    def feed(self, chunk: bytes) -> "Future[None] | None":
        """Take the next bytes.

        Answers None, or a future to wait for before feeding more, so that a slow disk slows the sender down and
        memory stays bounded. Raises `Refused('too-big')` beyond the limit, `Full` when the disk runs low.
        """
        self.size += len(chunk)
        if self.size > self._limit:
            raise Refused("too-big", f"more than {self._limit} bytes")
        self._digest.update(chunk)
        self._buffer += chunk
        if len(self._buffer) < PART:
            return None
        self._acceptor.check_room(self._limit)
        while len(self._buffer) >= PART:
            self._part(PART)
        return _after(self._commit(), None)

    def tell(self, told: Told) -> None:
        """What the person said beside the bytes; to be said before `finish`."""
        self._envelope = msgspec.structs.replace(self._envelope, told=told)

    def call(self, filename: str, options: tuple[str, ...]) -> None:
        """What its sender calls it, and further options of its envelope; to be said before `finish`."""
        self._filename = filename
        self._envelope = msgspec.structs.replace(self._envelope, options=self._envelope.options + options)

    def finish(self) -> "Future[Receipt]":
        """Close the submission; the future gives the Receipt when all of it is durable, and cannot be cancelled."""
        if self._buffer:
            self._part(len(self._buffer))
        receipt = Receipt(submission=self.id, sha256=self._digest.hexdigest(), size=self.size)
        self._append(Submission.kind, self._submission(receipt).body)
        self._writer.unlisted = True
        done = _after(self._commit(), receipt)
        self.abandon()
        return done

    def abandon(self) -> None:
        """Let go of what this holds; to be called on every way out, harmless after `finish`."""
        self._buffer.clear()
        if self._slot is not None and not self._over:
            self._writer.release(self._slot)
        self._over = True

    def _submission(self, receipt: Receipt) -> Submission:
        return Submission(
            id=self.id,
            channel=self._channel,
            received=self._acceptor.clock(),
            sha256=receipt.sha256,
            size=receipt.size,
            parts=tuple(self._parts),
            envelope=self._envelope,
            filename=self._filename,
        )

    def _part(self, size: int) -> None:
        place = self._append(PART_KIND, bytes(self._buffer[:size]))
        del self._buffer[:size]
        self._parts.append(Part(series=place.series, segment=place.segment, offset=place.offset, size=size))

    def _append(self, kind: str, plain: bytes) -> Place:
        try:
            if self._slot is None:
                self._slot = self._writer.new_slot()
            return self._writer.append(kind, self._slot, plain)
        except OSError as error:
            raise Full from error

    def _commit(self) -> "Future[None]":
        try:
            return self._writer.commit()
        except OSError as error:
            raise Full from error


def _after(commit: "Future[None]", answer: T) -> "Future[T]":
    """`answer` once `commit` resolves: a future of our own, because the committer's may not be cancelled."""
    ours: Future[T] = Future()
    ours.set_running_or_notify_cancel()

    def pass_on(done: "Future[None]") -> None:
        error = done.exception()
        if error is None:
            ours.set_result(answer)
        else:
            ours.set_exception(error)

    commit.add_done_callback(pass_on)
    return ours
