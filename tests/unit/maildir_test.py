"""Reports out of a Maildir, into which others deliver and in which others read at the same time."""

import mailbox
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from intake.errors import Temporary
from intake.mailbox import look, opened
from intake.pickup import Mailbox, Pickup
from tests.doors import Kept
from tests.unit.mailbox_test import NEVER, Picking, bytes_of, mail, until


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mailbox.Maildir(tmp_path / "Maildir")
    return tmp_path / "Maildir"


def deliver(folder: Path, name: str, data: bytes) -> Path:
    (folder / "tmp" / name).write_bytes(data)
    (folder / "tmp" / name).rename(folder / "new" / name)
    return folder / "new" / name


def turn(kept: Kept, settings: Mailbox) -> int:
    return Pickup(settings, partial(opened, settings), kept.acceptor).turn(opened(settings), NEVER)


def of(folder: Path, **more: Any) -> Mailbox:
    return Mailbox(kind="maildir", path=str(folder), **more)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def test_new_mail_is_taken_in_order_and_gets_the_flag_seen(folder: Path, kept: Kept) -> None:
    for number in (2, 1, 3):
        deliver(folder, f"{number}.a", mail(number))
    assert turn(kept, of(folder)) == 3 and turn(kept, of(folder)) == 0
    assert bytes_of(kept) == [mail(1), mail(2), mail(3)]
    assert files(folder) == ["cur/1.a:2,S", "cur/2.a:2,S", "cur/3.a:2,S"]


def test_what_another_reader_moved_to_cur_is_taken_unless_it_is_seen_or_deleted(folder: Path, kept: Kept) -> None:
    for name in ("1.a:2,", "2.a:2,F", "3.a:2,S", "4.a:2,RT", "5.a"):
        (folder / "cur" / name).write_bytes(mail(int(name[0])))
    assert turn(kept, of(folder)) == 3
    assert bytes_of(kept) == [mail(1), mail(2), mail(5)]
    assert files(folder) == ["cur/1.a:2,S", "cur/2.a:2,FS", "cur/3.a:2,S", "cur/4.a:2,RT", "cur/5.a:2,S"]


def test_done_moves_or_deletes(folder: Path, kept: Kept) -> None:
    deliver(folder, "1.a", mail(1))
    assert turn(kept, of(folder, done="move:.Done")) == 1
    assert files(folder) == [".Done/cur/1.a:2,S"]
    deliver(folder, "2.a", mail(2))
    assert turn(kept, of(folder, done="delete")) == 1
    assert files(folder) == [".Done/cur/1.a:2,S"]


def test_what_is_no_plain_file_is_left_alone_and_holds_up_nobody(folder: Path, kept: Kept, caplog: Any) -> None:
    (folder / "new" / "1.link").symlink_to(folder / "tmp")
    os.mkfifo(folder / "new" / "2.pipe")
    (folder / "new" / "3.folder").mkdir()
    deliver(folder, "4.big", mail(4, "secret words" * 1000))
    deliver(folder, "5.good", mail(5))
    (folder / "new" / ".hidden").write_bytes(b"x")
    assert turn(kept, of(folder, limit=5000)) == 1
    assert bytes_of(kept) == [mail(5)]
    assert (
        caplog.text.count("no regular file") == 2
        and caplog.text.count("is left alone") == 4
        and "secret words" not in caplog.text
    )
    assert {"new/1.link", "new/2.pipe", "new/4.big", "new/.hidden"} <= set(files(folder))


def test_killed_between_link_and_unlink_ends_with_one_file(folder: Path, kept: Kept) -> None:
    source = deliver(folder, "1.a", mail(1))
    os.link(source, folder / "cur" / "1.a:2,S")
    assert turn(kept, of(folder)) == 1
    assert files(folder) == ["cur/1.a:2,S"]


def test_a_mail_of_another_is_never_overwritten(folder: Path, kept: Kept) -> None:
    deliver(folder, "1.a", mail(1))
    (folder / "cur" / "1.a:2,S").write_bytes(mail(9))
    settings = of(folder)
    picks = Pickup(settings, partial(opened, settings), kept.acceptor, clock=iter(range(0, 10**6, 1000)).__next__)
    assert picks.turn(opened(settings), NEVER) == 0 and picks.turn(opened(settings), NEVER) == 0
    assert (folder / "cur" / "1.a:2,S").read_bytes() == mail(9) and (folder / "new" / "1.a").read_bytes() == mail(1)
    assert bytes_of(kept) == [mail(1)]


def test_no_maildir_is_said_and_waited_for(tmp_path: Path, kept: Kept) -> None:
    with pytest.raises(Temporary, match="no Maildir"):
        opened(of(tmp_path / "nowhere"))


def test_a_look_changes_nothing(folder: Path) -> None:
    deliver(folder, "1.a", mail(1))
    deliver(folder, "2.a", mail(2, "x" * 500))
    seen = look(of(folder, done="move:.Done"))
    assert (seen.messages, seen.waiting, seen.largest) == (2, 2, len(mail(2, "x" * 500)))
    assert files(folder) == ["new/1.a", "new/2.a"] and not (folder / ".Done").exists()


def test_deliveries_of_four_at_once_are_all_taken_once(folder: Path, kept: Kept, monkeypatch: Any) -> None:
    """By the standard library's deliverer, while a reader moves half of them to cur/."""
    monkeypatch.setattr("intake.maildir.EVERY", 0.1)
    many = 60

    def delivering(who: int) -> None:
        for number in range(many):
            mailbox.Maildir(folder).add(mail(who * 1000 + number))

    def reading() -> None:
        for _ in range(many):
            for path in sorted((folder / "new").iterdir())[::2]:
                try:
                    path.rename(folder / "cur" / f"{path.name}:2,")
                except FileNotFoundError:
                    continue

    settings = of(folder)
    with Picking(Pickup(settings, partial(opened, settings), kept.acceptor)):
        threads = [threading.Thread(target=delivering, args=(who,)) for who in range(4)]
        threads.append(threading.Thread(target=reading))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: len(kept.all()) >= 4 * many and look(settings).waiting == 0)
    taken = bytes_of(kept)
    assert {data.replace(b"\r\n", b"\n") for data in taken} == {
        mail(who * 1000 + number).replace(b"\r\n", b"\n") for who in range(4) for number in range(many)
    }
    assert not list((folder / "new").iterdir())
    assert len(list((folder / "cur").iterdir())) == 4 * many
