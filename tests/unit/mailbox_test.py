"""Reports out of an IMAP mailbox, from a real Dovecot: taken once, marked once durable, odd ones left alone."""

import base64
import logging
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.settings import read
from intake import mailbox as imap
from intake.errors import Refused, Temporary
from intake.mailbox import KEYWORD, Imap, look, opened
from intake.pickup import PIECE, UNPROVEN, Mailbox, Pickup, envelope
from tests.doors import ROOM, Kept
from tests.imap_server import PASSWORD, Dovecot, dovecot

NEVER = threading.Event()


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    with dovecot() as server:
        yield server


@pytest.fixture
def server(running: Dovecot) -> Dovecot:
    """The server with an empty mailbox."""
    for path in (path for pattern in ("new/*", "cur/*", ".*/new/*", ".*/cur/*") for path in running.mail.glob(pattern)):
        path.unlink()
    return running


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.writer.close()


def mail(number: int = 1, text: str = "hello", top: str = "") -> bytes:
    return (
        top + f"From: a@example.com\r\nSubject: {number}\r\nMessage-ID: <{number}@example.com>\r\n\r\n{text}\r\n"
    ).encode()


def pickup(kept: Kept, mailbox: Mailbox) -> Pickup:
    return Pickup(mailbox, partial(opened, mailbox), kept.acceptor)


def turn(kept: Kept, mailbox: Mailbox) -> int:
    """One look at the mailbox."""
    box = opened(mailbox)
    try:
        return pickup(kept, mailbox).turn(box, NEVER)
    finally:
        box.close()


class Picking:
    """A pick-up in a thread, as the process has it."""

    def __init__(self, picks: Pickup) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=picks.run, args=(self._stopping,), daemon=True)

    def __enter__(self) -> "Picking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()


def until(wanted: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := wanted()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return found


def bytes_of(kept: Kept) -> list[bytes]:
    return [data for _, data in kept.all()]


def test_every_mail_is_taken_once_byte_for_byte_and_then_flagged(server: Dovecot, kept: Kept) -> None:
    sent = [mail(number) for number in range(5)]
    for each in sent:
        server.deliver(each)
    assert turn(kept, server.mailbox()) == 5
    assert bytes_of(kept) == sent
    assert {each.channel for each, _ in kept.all()} == {"mailbox"}
    assert turn(kept, server.mailbox()) == 0
    assert len(kept.all()) == 5 and all(name.partition(":2,")[2].startswith("S") for name in server.names())


def test_done_moves_or_deletes(server: Dovecot, kept: Kept) -> None:
    server.deliver(mail(1))
    assert turn(kept, server.mailbox(done="move:Done")) == 1
    assert (len(server.names()), len(server.names(".Done"))) == (0, 1)
    server.deliver(mail(2))
    assert turn(kept, server.mailbox(done="delete")) == 1
    assert server.names() == [] and len(kept.all()) == 2


def test_a_server_without_move_and_uidplus_serves_too(server: Dovecot, kept: Kept, monkeypatch: Any) -> None:
    server.deliver(mail(1))
    known = Imap._begin

    def begin(self: Imap, looks: bool) -> None:
        known(self, looks)
        self._can.clear()

    monkeypatch.setattr(Imap, "_begin", begin)
    mailbox = server.mailbox(done="move:Done")
    assert turn(kept, mailbox) == 1
    assert len(server.names(".Done")) == 1
    assert turn(kept, mailbox) == 0 and len(kept.all()) == 1
    with Picking(pickup(kept, mailbox)):
        until(lambda: len(kept.all()) == 1)
        server.deliver(mail(2))
        until(lambda: len(kept.all()) == 2)


@pytest.mark.parametrize("size", [0, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_mail_comes_in_pieces_and_is_whole(server: Dovecot, kept: Kept, size: int) -> None:
    head = mail(1, "")
    data = head + b"x" * (size - len(head) - 2) + b"\r\n" if size else b"\r\n"
    server.deliver(data)
    assert turn(kept, server.mailbox()) == 1
    assert bytes_of(kept) == [data]


def test_over_tls_and_starttls_and_never_with_a_certificate_of_nobody(server: Dovecot, kept: Kept) -> None:
    server.deliver(mail(1))
    assert turn(kept, server.mailbox(host="localhost", port=server.tls, tls="implicit", ca=server.ca)) == 1
    server.deliver(mail(2))
    assert turn(kept, server.mailbox(host="localhost", tls="starttls", ca=server.ca)) == 1
    for settings in ({"port": server.tls, "tls": "implicit"}, {"tls": "starttls"}):
        with pytest.raises(Temporary, match="no connection"):
            opened(server.mailbox(host="localhost", **settings))


def test_the_sender_is_the_topmost_return_path_and_unproven(server: Dovecot, kept: Kept) -> None:
    below = "Received: from x by y; Mon, 23 Nov 2026 10:00:00 +0000\r\nReturn-Path: <b@example.com>\r\n"
    for number, top in enumerate(("Return-Path: <a@example.com>\r\n", below, "Return-Path: <>\r\n", "")):
        server.deliver(mail(number, top=top))
    turn(kept, server.mailbox())
    assert [each.envelope.mail_from for each, _ in kept.all()] == ["a@example.com", "", "<>", ""]
    assert all(each.envelope.options == (UNPROVEN,) and not each.envelope.peer for each, _ in kept.all())


@pytest.mark.parametrize(
    ("head", "sender"),
    [
        (b"RETURN-PATH:\r\n <a@example.com>\r\n", "a@example.com"),
        (b"Return-Path: <a@example.com>, <b@example.com>\r\n", ""),
        (b"Return-Path: <a b@example.com>\r\n", ""),
        (b"Return-Path: <" + b"a" * 400 + b"@example.com>\r\n", ""),
        (b"Return-Path: a@example.com\r\n", ""),
        (b"\r\nReturn-Path: <a@example.com>\r\n", ""),
        (b"Return-Path: <a\xff@example.com>\r\n", ""),
    ],
)  # fmt: skip
def test_a_return_path_that_is_none_gives_no_sender(head: bytes, sender: str) -> None:
    assert envelope(head).mail_from == sender


def test_new_mail_is_told_by_idle(server: Dovecot, kept: Kept) -> None:
    with Picking(pickup(kept, server.mailbox(poll=3600.0))):
        time.sleep(1.0)
        server.deliver(mail(1))
        until(lambda: len(kept.all()) == 1)


def test_without_idle_the_mailbox_is_looked_at_again(server: Dovecot, kept: Kept, monkeypatch: Any) -> None:
    monkeypatch.setattr(imap.IMAPClient, "has_capability", lambda self, name: False)
    with Picking(pickup(kept, server.mailbox(poll=0.2))):
        for number in range(3):
            server.deliver(mail(number))
            until(lambda number=number: len(kept.all()) == number + 1)


def test_a_server_that_restarts_is_found_again(server: Dovecot, kept: Kept) -> None:
    with Picking(pickup(kept, server.mailbox())):
        server.deliver(mail(1))
        until(lambda: len(kept.all()) == 1)
        server.end()
        server.deliver(mail(2))
        server.begin()
        until(lambda: len(kept.all()) == 2)
    assert bytes_of(kept) == [mail(1), mail(2)]


def test_another_uidvalidity_takes_nothing_twice_while_the_flags_stand(server: Dovecot, kept: Kept) -> None:
    with Picking(pickup(kept, server.mailbox())):
        server.deliver(mail(1))
        until(lambda: len(kept.all()) == 1)
        before = look(server.mailbox())
        server.forget_uids()
        server.deliver(mail(2))
        until(lambda: len(kept.all()) == 2)
        until(lambda: look(server.mailbox()).waiting == 0)
    assert before.messages == 1 and look(server.mailbox()).messages == 2
    assert bytes_of(kept) == [mail(1), mail(2)]


def test_too_big_is_left_alone_and_holds_up_nobody(server: Dovecot, kept: Kept, caplog: Any) -> None:
    secret = "words of the big one"
    server.deliver(mail(1, secret * 400))
    server.deliver(mail(2))
    assert turn(kept, server.mailbox(limit=5000)) == 1
    assert bytes_of(kept) == [mail(2)]
    said = caplog.text
    assert "is left alone: " in said and "more than 5000" in said
    assert secret not in said and "example.com" not in said and PASSWORD not in said
    assert len(server.names()) == 2 and sum(":2,S" in name for name in server.names()) == 1


def test_what_was_left_alone_is_tried_again_later_and_later(server: Dovecot, kept: Kept) -> None:
    now = [0.0]
    mailbox = server.mailbox(limit=100)
    picks = Pickup(mailbox, partial(opened, mailbox), kept.acceptor, clock=lambda: now[0])
    server.deliver(mail(1, "x" * 200))
    box = opened(mailbox)
    tried: list[float] = []
    known = picks._keep
    picks._keep = lambda *each: (tried.append(now[0]), known(*each))[1]  # type: ignore[method-assign,func-returns-value]
    for now[0] in (0.0, 4.0, 6.0, 15.0, 17.0, 30.0, 40.0):
        picks.turn(box, NEVER)
    box.close()
    assert tried == [0.0, 6.0, 17.0, 40.0] and kept.all() == []


def test_a_server_that_hangs_up_at_one_message_gives_the_others(server: Dovecot, kept: Kept, monkeypatch: Any) -> None:
    """The first message makes the connection break whenever it is read."""
    for number in (1, 2, 3):
        server.deliver(mail(number))
    known = Imap._fetch

    def fetch(self: Imap, uid: int, *asked: str) -> Any:
        if uid == poison:
            self._client.shutdown()
        return known(self, uid, *asked)

    box = opened(server.mailbox())
    poison = int(next(box.waiting()).partition("/")[2])
    box.close()
    monkeypatch.setattr(Imap, "_fetch", fetch)
    with Picking(pickup(kept, server.mailbox())):
        until(lambda: len(kept.all()) == 2)
    assert bytes_of(kept) == [mail(2), mail(3)]


def test_a_file_that_the_server_cannot_read_is_left_alone(server: Dovecot, kept: Kept) -> None:
    bad = server.deliver(mail(1))
    server.deliver(mail(2))
    opened(server.mailbox()).close()
    found = next(server.mail.glob(f"cur/{bad.name}*"))
    found.chmod(0)
    with Picking(pickup(kept, server.mailbox())):
        until(lambda: len(kept.all()) == 1)
        assert bytes_of(kept) == [mail(2)]
        found.chmod(0o600)
        until(lambda: len(kept.all()) == 2)
    assert bytes_of(kept) == [mail(2), mail(1)]


def test_a_mark_that_is_refused_takes_nothing_twice(server: Dovecot, kept: Kept, monkeypatch: Any, caplog: Any) -> None:
    server.deliver(mail(1))
    now = [0.0]
    mailbox = server.mailbox()
    picks = Pickup(mailbox, partial(opened, mailbox), kept.acceptor, clock=lambda: now[0])
    box = opened(mailbox)
    with monkeypatch.context() as patched:
        patched.setattr(imap, "KEYWORD", "no ( keyword")
        assert picks.turn(box, NEVER) == 0
    box.close()
    assert "refuses to mark" in caplog.text and len(kept.all()) == 1
    now[0] = 3600.0
    box = opened(mailbox)
    assert picks.turn(box, NEVER) == 1 and picks.turn(box, NEVER) == 0
    box.close()
    assert len(kept.all()) == 1


def test_a_low_disk_leaves_the_mail_where_it_is_until_there_is_room(server: Dovecot, tmp_path: Path) -> None:
    free = [0]
    kept = Kept(tmp_path, free=lambda: free[0])
    server.deliver(mail(1))
    imap_pause, pickups = 0.05, pickup(kept, server.mailbox())
    patched = pytest.MonkeyPatch()
    patched.setattr("intake.pickup.FULL_PAUSE", imap_pause)
    with patched.context(), Picking(pickups):
        time.sleep(0.5)
        assert kept.all() == [] and look(server.mailbox()).waiting == 1
        free[0] = ROOM
        until(lambda: look(server.mailbox()).waiting == 0)
    patched.undo()
    assert bytes_of(kept) == [mail(1)]
    kept.writer.close()


def test_a_wrong_password_is_said_without_it_and_not_tried_at_once_again(server: Dovecot, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("not the password\n")
    with pytest.raises(Temporary, match="refuses user and password") as told:
        opened(server.mailbox(password_file=str(tmp_path / "wrong")))
    assert told.value.after >= 60.0 and "not the password" not in str(told.value)
    with pytest.raises(Temporary, match="password file"):
        opened(server.mailbox(password_file=str(tmp_path / "none")))


def test_the_log_has_neither_password_nor_content(server: Dovecot, kept: Kept, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    server.deliver(mail(1, "a sentence of the report"))
    turn(kept, server.mailbox())
    assert len(kept.all()) == 1
    assert PASSWORD not in caplog.text and "a sentence of the report" not in caplog.text


def test_a_look_changes_nothing(server: Dovecot) -> None:
    server.deliver(mail(1))
    before = server.names()
    seen = look(server.mailbox())
    assert (seen.messages, seen.waiting, seen.largest) == (1, 1, len(mail(1))) and "IDLE" in seen.can
    assert server.names() == before


def test_what_a_mail_program_of_a_person_read_is_taken_all_the_same(server: Dovecot, kept: Kept) -> None:
    server.deliver(mail(1))
    box = opened(server.mailbox())
    assert isinstance(box, Imap)
    box._client.add_flags(box._client.search("ALL"), ["\\Seen", "\\Flagged"])
    box.close()
    assert turn(kept, server.mailbox()) == 1 and bytes_of(kept) == [mail(1)]
    assert KEYWORD.isascii()


def test_a_big_mail_is_never_in_memory_whole(server: Dovecot, kept: Kept) -> None:
    """25 MB, in which base64 of random bytes stands as in a mail with a picture."""
    size = 25_000_000
    server.deliver(mail(1, base64.encodebytes(os.urandom(size * 3 // 4)).decode()))
    box, picks = opened(server.mailbox()), pickup(kept, server.mailbox())
    tracemalloc.start()
    try:
        assert picks.turn(box, NEVER) == 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        box.close()
    assert kept.all()[0][0].size > size and peak < 10_000_000


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('kind = "imap"\nhost = "h"\nuser = "u"', "password_file"),
        ('kind = "maildir"', "path"),
        ('kind = "maildir"\npath = "/x"\ndone = "move:"', "names no folder"),
        ('kind = "maildir"\npath = "/x"\ndone = "keep"', "move:FOLDER"),
        ('host = "mail.example"\nuser = "u"\npassword_file = "p"\ntls = "none"', "on this machine only"),
        ('kind = "pop3"', "kind"),
        ('kind = "maildir"\npath = "/x"\npassword = "secret words"', "password"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "lapwing.toml").write_text(f"[[mailbox]]\n{table}\n")
    with pytest.raises(Refused, match=says) as told:
        read(tmp_path, {})
    assert "secret words" not in told.value.says
