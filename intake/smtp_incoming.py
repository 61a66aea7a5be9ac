"""The message that a session is handing over: where its octets end, where they go, what went wrong and how fast it is.

DATA ends by its dot (RFC 5321 section 4.5.2), a chunk of BDAT by its count (RFC 3030 section 2), whose octets are kept
as they are. Whatever goes wrong, the message or chunk is read to its end, lest its rest be taken for commands.
"""

import math
from concurrent.futures import Future

from intake.accept import Acceptance
from intake.smtp_settings import Limits
from intake.smtp_syntax import Dots
from intake.submission import Receipt

FLOOD = 250_000
"""Bytes beyond twice the size of a message after which a sender that doesn't stop is cut."""


class Incoming:
    """One message on its way in; `chunk` is for BDAT, without it the message ends by a dot.

    Without `acceptance` its octets are only got out of the way, because of `trouble`, or because this chunk came out
    of order, to which the reply is `refusal`. `why` is what trouble was answered with.
    """

    def __init__(
        self,
        acceptance: Acceptance | None,
        limits: Limits,
        began: float,
        chunks: bool,
        trouble: Exception | None = None,
        refusal: str = "",
    ) -> None:
        self._acceptance, self._limits, self.trouble, self.refusal = acceptance, limits, trouble, refusal
        self.why = ""
        self.began, self.got, self.chunks = began, 0, chunks
        self._dots = Dots()
        self._left = self.chunk = 0
        self.last = not chunks

    def expect(self, size: int, last: bool) -> None:
        """A chunk of so many octets comes now."""
        self._left = self.chunk = size
        self.last = last

    @property
    def complete(self) -> bool:
        """The message, or the chunk, is at its end."""
        return self._left == 0 if self.chunks else self._dots.ended

    @property
    def flooding(self) -> bool:
        """So much came, or was announced, that waiting for its end is no use."""
        return self.got + self._left > 2 * self._limits.size + FLOOD

    def take(self, data: bytes) -> "tuple[bytes, Future[None] | None]":
        """(what follows the end, a future to wait for before more is taken)."""
        self.got += len(data)
        if not self.chunks:
            piece, rest = self._dots.take(data)
        else:
            piece, rest = data[: self._left], data[self._left :]
            self._left -= len(piece)
        self.got -= len(rest)
        return rest, self._keep(piece)

    def _keep(self, piece: bytes) -> "Future[None] | None":
        if self._acceptance is None:
            return None
        try:
            return self._acceptance.feed(piece)
        except Exception as error:
            self.fail(error)
            return None

    def finish(self) -> "Future[Receipt] | None":
        """Close the submission; None when there was or is trouble."""
        if self._acceptance is None:
            return None
        try:
            return self._acceptance.finish()
        except Exception as error:
            self.fail(error)
            return None

    def fail(self, error: Exception) -> None:
        """It will not be kept; the first trouble is what counts."""
        self.trouble = self.trouble or error
        self.abandon()

    def abandon(self) -> None:
        """Let go of what was kept so far; harmless at its end."""
        if self._acceptance is not None:
            self._acceptance.abandon()
            self._acceptance = None

    def late(self, now: float) -> tuple[str, float]:
        """('', seconds until it is looked at again), or which limit it is over: 'slow' or 'message-time'."""
        elapsed = now - self.began
        if elapsed >= self._limits.message_time:
            return "message-time", 0.0
        if elapsed >= self._limits.grace and self.enough_until < now:
            return "slow", 0.0
        return "", min(self._limits.message_time - elapsed, max(1.0, self._limits.grace / 4))

    @property
    def enough_until(self) -> float:
        """Until when what came is enough for the rate, in seconds of the loop."""
        return self.began + self.got / self._limits.rate if self._limits.rate else math.inf
