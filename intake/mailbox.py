"""Mailbox: reports out of a mailbox on a mail server, over IMAP; the one door of the IMAP library.

What waits is what doesn't carry our keyword (done = "flag"), or all there is (move, delete). Sizes are asked before
any content, content comes in pieces, and looking changes nothing (BODY.PEEK). Where the server can IDLE it tells us of
new mail; a look every `poll` seconds comes on top, because a server may tell us of a mail in the middle of another
answer, and there is all there is where it can't.
Standards: RFC 3501 (IMAP4rev1), RFC 2177 (IDLE), RFC 6851 (MOVE), RFC 4315 (UIDPLUS), RFC 2595 (STARTTLS).
"""

import logging
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from intake.errors import Temporary
from intake.maildir import Maildir
from intake.pickup import PIECE, Box, Gone, Mailbox, Odd, Seen

KEYWORD = "LapwingTaken"
SIZES = 500
"""Messages whose sizes are asked for at once."""
CONNECT, ANSWER = 20.0, 120.0
"""Seconds that a connection may take, and an answer."""
TICK = 0.5
"""Seconds after which an IDLE looks whether to stop."""
logging.getLogger("imapclient").setLevel(logging.CRITICAL)  # below that it writes every line, content and all
LOCKED = 60.0
"""Seconds after a refused password until the next try, at first: servers lock accounts that are tried too often."""


def opened(mailbox: Mailbox) -> Box:
    """The mailbox, ready to be picked up from; Temporary says why it isn't."""
    return Maildir(mailbox).prepare() if mailbox.kind == "maildir" else Imap(mailbox)


def look(mailbox: Mailbox) -> Seen:
    """What is in the mailbox; nothing in it is changed, not even what counts as recent."""
    if mailbox.kind == "maildir":
        return Maildir(mailbox).look()
    box = Imap(mailbox, look=True)
    try:
        return box.look()
    finally:
        box.close()


class Imap:
    """An open folder on an IMAP server; a letter is `UIDVALIDITY/UID`, which never names another message."""

    def __init__(self, mailbox: Mailbox, look: bool = False) -> None:
        self._mailbox = mailbox
        with _world(f"no connection to {mailbox.host}"):
            self._client = _connected(mailbox)
        try:
            self._begin(look)
        except BaseException:
            self.close()
            raise

    def _begin(self, look: bool) -> None:
        mailbox = self._mailbox
        with _world("the server did not let us in"):
            self._login()
        with _world(f"the folder {mailbox.folder} can't be opened"):
            chosen = self._client.select_folder(mailbox.folder, readonly=look)
            self._validity, self._exists = int(chosen[b"UIDVALIDITY"]), int(chosen[b"EXISTS"])
            self._can = {name for name in ("IDLE", "MOVE", "UIDPLUS") if self._client.has_capability(name)}
            if mailbox.target and not look and not self._client.folder_exists(mailbox.target):
                self._client.create_folder(mailbox.target)
        kept = {bytes(each).lower() for each in chosen.get(b"PERMANENTFLAGS", ())}
        if not look and mailbox.done == "flag" and not kept & {b"\\*", KEYWORD.lower().encode()}:
            raise Temporary('this server keeps no keywords: set done = "move:FOLDER" or "delete"', after=60.0)

    def _login(self) -> None:
        try:
            password = Path(self._mailbox.password_file).read_text("utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise Temporary("the password file can't be read", after=LOCKED) from error
        try:
            self._client.login(self._mailbox.user, password)
        except LoginError as error:
            # Without the server's words and without the chain. The library makes a lost connection a LoginError, too.
            lost = "socket" in str(error) or "EOF" in str(error)
            says = "the connection broke off" if lost else "the server refuses user and password"
            raise Temporary(says, after=1.0 if lost else LOCKED) from None

    def waiting(self) -> Iterator[str]:
        """The messages that aren't done, by their number."""
        return (f"{self._validity}/{uid}" for uid in self._search())

    def _search(self) -> list[int]:
        flag = ["UNKEYWORD", KEYWORD] if self._mailbox.done == "flag" else []
        with _world("the search failed"):
            return sorted(self._client.search(["UNDELETED", *flag]))

    def read(self, letter: str) -> Iterator[bytes]:
        """Its bytes in pieces. The size that the server tells may be wrong (Exchange): the end is where no more comes.

        Sizes are asked one by one, because one message that the server can't read makes it hang up.
        """
        uid, start = _uid(letter), 0
        size = self._fetch(uid, "RFC822.SIZE", "RFC822.SIZE")
        if not isinstance(size, int) or size > self._mailbox.limit:
            raise Odd(f"{size} bytes are more than {self._mailbox.limit}" if size else "the server tells no size")
        while True:
            piece = self._fetch(uid, f"BODY.PEEK[]<{start}.{PIECE}>", f"BODY[]<{start}>")
            if piece:
                yield piece
            elif size > start:
                raise Odd(f"the server gives {start} of {size} bytes")
            start += len(piece or b"")
            if not piece or (len(piece) < PIECE and start == size):
                return

    def _fetch(self, uid: int, asked: str, named: str) -> Any:
        with _world("the connection broke off"):
            try:
                found = self._client.fetch([uid], [asked])
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                raise Odd("the server answers with an error") from error
        if uid not in found:
            raise Gone
        if named.encode() not in found[uid]:
            raise Odd("the server gives no content")
        return found[uid][named.encode()]

    def mark(self, letter: str) -> None:
        """Done."""
        uid = _uid(letter)
        with _world("the connection broke off"):
            try:
                self._mark(uid)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                raise Odd("the server refuses to mark it as done") from error

    def _mark(self, uid: int) -> None:
        target = self._mailbox.target
        if self._mailbox.done == "flag":
            self._client.add_flags([uid], [KEYWORD, "\\Seen"], silent=True)
        elif target and "MOVE" in self._can:
            self._client.move([uid], target)
        else:
            if target:
                self._client.copy([uid], target)
            self._client.add_flags([uid], ["\\Deleted"], silent=True)
            if "UIDPLUS" in self._can:  # without it an expunge would take what others have marked, too
                self._client.uid_expunge([uid])

    def wait(self, seconds: float, stopping: threading.Event) -> None:
        """Until the server says that something came, where it can."""
        until = time.monotonic() + min(seconds, self._mailbox.poll)
        if "IDLE" not in self._can:
            stopping.wait(max(0.0, until - time.monotonic()))
            with _world("the connection broke off"):
                self._client.noop()
            return
        with _world("the connection broke off"):
            self._client.idle()
            while time.monotonic() < until and not stopping.is_set():
                began = time.monotonic()
                said = self._client.idle_check(timeout=TICK)
                silent = not said and time.monotonic() - began < TICK / 2  # the library says so of a closed connection
                if silent or any(len(each) > 1 and each[1] in (b"EXISTS", b"RECENT") for each in said):
                    break
            self._client.idle_done()

    def look(self) -> Seen:
        """What is in the folder, and what the server can."""
        uids, largest = self._search(), 0
        for start in range(0, len(uids), SIZES):
            with _world("a message's size can't be had"):
                found = self._client.fetch(uids[start : start + SIZES], ["RFC822.SIZE"])
                largest = max((largest, *(int(each[b"RFC822.SIZE"]) for each in found.values())))
        return Seen(self._exists, len(uids), largest, tuple(sorted(self._can)))

    def close(self) -> None:
        """Log out, or drop the connection where that fails."""
        with suppress(Exception):
            self._client.logout()
        with suppress(Exception):
            self._client.shutdown()


def _connected(mailbox: Mailbox) -> Any:
    tls = None if mailbox.tls == "none" else ssl.create_default_context(cafile=mailbox.ca or None)
    client = IMAPClient(
        mailbox.host, mailbox.port, ssl=mailbox.tls == "implicit", ssl_context=tls,
        timeout=SocketTimeout(connect=CONNECT, read=ANSWER),
    )  # fmt: skip
    if mailbox.tls == "starttls":
        client.starttls(tls)
    return client


def _uid(letter: str) -> int:
    return int(letter.partition("/")[2])


@contextmanager
def _world(says: str) -> Iterator[None]:
    """Whatever the server, the network or the library trips over makes the mailbox be opened anew."""
    try:
        yield
    except (IMAPClientError, OSError, ValueError, TypeError, LookupError, AssertionError, AttributeError) as error:
        raise Temporary(f"{says} ({type(error).__name__})", after=1.0) from error
