"""Pick-up: mail that lies in a mailbox becomes submissions, one by one; what all kinds of mailbox share.

A message is marked as done in its mailbox only after it is durable here. What happens between the two, a kill too,
makes it be taken again: the same message from the same reporter, which `unpack` says is a duplicate. (No submission's
id is derived from mailbox and UID: two submissions under one id would leave the second one's bytes out of the reach
of an erasure.) A message that is too big, can't be read or makes the server fail is left alone and said in the log by
its number, never by its content; it is tried again later and later, and holds up no other.

The envelope's sender is the Return-Path, if that is the topmost field, where the delivering server writes it (RFC 5321
section 4.4). Nobody has proved it to us: the option 'unproven-sender' says so.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Literal, NamedTuple, Protocol

import msgspec

from intake.accept import Acceptor, Full
from intake.errors import Refused, Temporary
from intake.metrics import Door, Metrics
from intake.submission import Envelope

CHANNEL = "mailbox"
UNPROVEN = "unproven-sender"
PIECE = 262_144
"""Bytes that are read at once."""
LONGEST_PAUSE = 600.0
FULL_PAUSE = 10.0
LEFT_FIRST, LEFT_LONGEST = 5.0, 86_400.0
"""Seconds until a message that was left alone is tried again: at first, and at most."""
_RETURN_PATH = re.compile(rb"return-path:[ \t]*(?:\r?\n[ \t]+)?<([!-;=?-~]{0,320})>[ \t]*\r?\n", re.IGNORECASE)

log = logging.getLogger("lapwing.mailbox")


class Mailbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mailbox to pick up from, as the settings say; ValueError says what doesn't fit together."""

    kind: Literal["imap", "maildir"] = "imap"
    path: str = ""
    """Of the Maildir."""
    host: str = ""
    port: int = 993
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca: str = ""
    """PEM file of the authority that signed the server's certificate; '' those of the machine."""
    user: str = ""
    password_file: str = ""
    folder: str = "INBOX"
    done: str = "flag"
    """flag, move:FOLDER or delete."""
    limit: int = 100_000_000
    """Bytes of one message."""
    poll: float = 60.0
    """Seconds between two looks where nobody says that something came."""

    def __post_init__(self) -> None:
        if self.done not in ("flag", "delete") and not self.done.removeprefix("move:").strip() != self.done:
            raise ValueError('`done` is "flag", "delete" or "move:FOLDER"')
        if self.done == "move:" or self.poll <= 0 or self.limit <= 0:
            raise ValueError("`done` names no folder, or `poll` or `limit` is not above 0")
        if self.kind == "maildir" and not self.path:
            raise ValueError("a mailbox of kind maildir needs its `path`")
        if self.kind == "imap" and not (self.host and self.user and self.password_file):
            raise ValueError("a mailbox of kind imap needs `host`, `user` and `password_file`")
        if self.tls == "none" and self.kind == "imap" and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError('`tls` may be "none" on this machine only: the password would be read on the way')

    @property
    def target(self) -> str:
        """The folder that done messages go to, '' where they stay or are deleted."""
        return self.done.partition(":")[2]

    @property
    def label(self) -> str:
        """What the log calls it."""
        return self.path if self.kind == "maildir" else f"{self.user}@{self.host}/{self.folder}"


class Odd(Exception):
    """This message can't be had; the others can. `says` holds nothing of its content."""

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


class Gone(Exception):
    """Somebody else took it away meanwhile."""


class Box(Protocol):
    """An open mailbox; a letter is what a message is called in it, and no other ever.

    Every method raises Temporary when the mailbox is out of reach and must be opened again.
    """

    def waiting(self) -> Iterator[str]:
        """The messages that aren't done, oldest first."""

    def read(self, letter: str) -> Iterator[bytes]:
        """Its bytes in pieces, at most `PIECE` each. Odd (also when it is over the limit), Gone."""

    def mark(self, letter: str) -> None:
        """It is done. Odd, Gone."""

    def wait(self, seconds: float, stopping: threading.Event) -> None:
        """Return when something new may be there, after so many seconds, or when the event is set."""

    def close(self) -> None:
        """Let go of it; never raises."""


class Seen(NamedTuple):
    """What a look at a mailbox showed: messages, those not done, the largest of those in bytes, what the server can."""

    messages: int
    waiting: int
    largest: int
    can: Sequence[str]


class Pickup:
    """Takes what waits in one mailbox; `clock` gives seconds that never go back.

    `figures` count the messages that were kept, `left-alone`, `gone` or a `fault`, the limit `disk` when there is no
    room, and as logins how often the mailbox was opened (`right`) or broke off (`failed`).
    """

    def __init__(
        self, mailbox: Mailbox, opened: Callable[[], Box], acceptor: Acceptor,
        clock: Callable[[], float] = time.monotonic, figures: Door | None = None,
    ) -> None:  # fmt: skip
        self._mailbox, self._opened, self._acceptor, self._clock = mailbox, opened, acceptor, clock
        self._figures = figures or Metrics().door(CHANNEL)
        self._taken: set[str] = set()
        """Durable, but the mark did not succeed: not to be taken again by this process."""
        self._left: dict[str, tuple[float, int]] = {}
        """Left alone: when it is due again, and how often it was tried."""
        self._said = ""

    def run(self, stopping: threading.Event) -> None:
        """Pick up until the event is set; a mailbox out of reach is opened again, later and later."""
        failures = 0
        while not stopping.is_set():
            try:
                with closing(self._opened()) as box:
                    self._figures.login("right")
                    while not stopping.is_set():
                        if not self.turn(box, stopping):
                            failures, self._said = 0, ""
                            box.wait(self._pause(), stopping)
            except Full as error:
                self._figures.limited(error.code)
                self._say(error.says)
                stopping.wait(FULL_PAUSE)
            except Temporary as error:
                failures += 1
                self._figures.login("failed")
                self._say(error.says)
                stopping.wait(min(error.after * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE))
            except Exception as error:
                failures += 1
                self._figures.login("failed")
                self._say(f"our fault: {type(error).__name__}")
                stopping.wait(min(2.0 ** min(failures, 20), LONGEST_PAUSE))

    def turn(self, box: Box, stopping: threading.Event) -> int:
        """Take what waits now; how many messages that was."""
        count, there = 0, set()
        for letter in box.waiting():
            there.add(letter)
            if stopping.is_set():
                return count
            if self._left.get(letter, (0.0, 0))[0] <= self._clock():
                count += self._one(box, letter)
        self._taken &= there
        self._left = {id_: each for id_, each in self._left.items() if id_ in there}
        return count

    def _one(self, box: Box, letter: str) -> int:
        try:
            if letter not in self._taken:
                self._keep(box, letter)
                self._taken.add(letter)
            box.mark(letter)
        except Gone:
            self._figures.message("gone")
            return 0
        except Full:
            raise
        except Odd as odd:
            self._leave(letter, odd.says, "left-alone")
            return 0
        except Temporary:
            # Perhaps it is this very message that makes the server hang up: the others go first the next time.
            self._leave(letter, "the connection broke off", "left-alone")
            raise
        except Exception as error:
            self._leave(letter, f"our fault: {type(error).__name__}", "fault")
            return 0
        self._taken.discard(letter)
        self._left.pop(letter, None)
        return 1

    def _keep(self, box: Box, letter: str) -> None:
        """Make it durable; back when it is."""
        pieces = box.read(letter)
        first = next(pieces, b"")
        acceptance = self._acceptor.open(CHANNEL, envelope(first), self._mailbox.limit)
        try:
            for piece in chain([first], pieces):
                pause = acceptance.feed(piece)
                if pause is not None:
                    pause.result()
            began = self._clock()
            receipt = acceptance.finish().result()
            self._figures.kept(receipt.size, self._clock() - began)
        except Refused as error:
            raise Odd(error.says) from error
        finally:
            acceptance.abandon()

    def _leave(self, letter: str, says: str, outcome: str) -> None:
        self._figures.message(outcome)
        tries = self._left.get(letter, (0.0, 0))[1]
        pause = min(LEFT_FIRST * 2.0 ** min(tries, 20), LEFT_LONGEST)
        self._left[letter] = (self._clock() + pause, tries + 1)
        log.warning("%s: message %r is left alone: %s", self._mailbox.label, letter, says)

    def _pause(self) -> float:
        """Seconds until the next look is due in any case."""
        due = min((each[0] for each in self._left.values()), default=float("inf"))
        return max(0.0, min(self._mailbox.poll, due - self._clock()))

    def _say(self, says: str) -> None:
        """Into the log, once while it stays the same."""
        if says != self._said:
            log.warning("%s: %s; trying again", self._mailbox.label, says)
        self._said = says


def envelope(head: bytes) -> Envelope:
    """Envelope of a message that begins so: its sender, where the topmost field is a Return-Path."""
    found = _RETURN_PATH.match(head)
    sender = found.group(1).decode("ascii") or "<>" if found else ""
    return Envelope(mail_from=sender, options=(UNPROVEN,))
