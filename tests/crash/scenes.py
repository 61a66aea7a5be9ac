"""Scenes for the campaign of failing system calls: a home, the door that is opened in it, what is handed in there.

`first`: SMTP in an empty home. `again`: SMTP in a home that took mail before. `torn`: SMTP where the last writer was
killed and left half a frame behind, which has to be brought into order. `web`: the upload door and the API with an
idempotency key, and a withdrawal, which is a submission without bytes.
"""

import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from deploy.wiring import House, open_house
from intake.vault import segment, series
from tests.crash.traced import Door, make_home
from tests.feed_house import add_feed, add_key

MESSAGES = [b"Subject: %d\r\n\r\n" % size + b"a line\r\n" * size for size in (1, 60_000, 20)]


class Said(NamedTuple):
    """An answer: its code, whether it acknowledges, when it came (seconds since 1970); where it does, the
    submission's id and the SHA-256 of its bytes.
    """

    code: int
    kept: bool
    at: float
    submission: str = ""
    sha256: str = ""


class Scene(NamedTuple):
    """`prepare` leaves a home behind; `hand_in` gives what the door answered to everything that was handed in;
    `refusals` are codes that say that the fault is the sender's, which none here is.
    """

    module: str
    prepare: Callable[[Path], House]
    hand_in: Callable[[Door, Path], list[Said]]
    refusals: range


def _mail(door: Door, message: bytes) -> Said:
    code, said = door.send(message)
    if code != 250:
        return Said(code, False, time.time())
    return Said(code, True, time.time(), said.split()[-2].split("-")[0], sha256(message).hexdigest())


def _mails(door: Door, home: Path) -> list[Said]:
    return [_mail(door, message) for message in MESSAGES]


def _before(folder: Path, ending: int) -> House:
    """A home in which the SMTP door took mail, and ended."""
    house = make_home(folder)
    door = Door(house.home)
    assert all(each.kept for each in _mails(door, house.home))
    door.end(ending)
    return house


def _again(folder: Path) -> House:
    return _before(folder, signal.SIGTERM)


def _torn(folder: Path) -> House:
    house = _before(folder, signal.SIGKILL)
    (name,) = series.all_series(house.vault)
    last = max(segment.numbers(house.vault, name))
    with open(segment.path_of(house.vault, name, last), "ab") as file:
        file.write(os.urandom(700))
    return house


def _web_home(folder: Path) -> House:
    """A home with a feed, whose key stands in `key`."""
    house = make_home(folder)
    home = house.home
    add_feed(house, "acme")
    (home / "key").write_text(add_key(house, "acme"))
    house.writer.close()
    house.database.close()
    door = Door(home, module="deploy.uploadd")
    assert all(each.kept for each in _web(door, home))
    door.end(signal.SIGTERM)
    return open_house(home, "judge", {})


def _web(door: Door, home: Path) -> list[Said]:
    key = (home / "key").read_text()
    upload = [_post(door, "/reports", message, "message/rfc822") for message in MESSAGES]
    named = {"Authorization": f"Bearer {key}", "Idempotency-Key": os.urandom(8).hex()}
    asked = [_post(door, "/api/v1/reports", message, "message/rfc822", named) for message in MESSAGES[:1]]
    first = next((each for each in upload if each.kept), None)
    if first is None:
        return upload + asked
    back = _post(door, f"/reports/{first.submission}/withdraw", b"", "application/x-www-form-urlencoded")
    empty = back._replace(sha256=sha256(b"").hexdigest())
    return [each._replace(submission=each.submission.partition("-")[0]) for each in (*upload, *asked, empty)]


def _post(door: Door, path: str, data: bytes, type_: str, more: dict[str, str] | None = None) -> Said:
    """The answer; its `submission` is the whole reference."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{door.port}{path}",
        data,
        {"Content-Type": type_, "Accept": "application/json"} | (more or {}),
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            told = json.loads(answer.read())
            return Said(answer.status, answer.status == 202, time.time(), told["reference"], sha256(data).hexdigest())
    except urllib.error.HTTPError as error:
        with error:
            return Said(error.code, False, time.time())
    except (OSError, ValueError):
        return Said(0, False, time.time())


SCENES = {
    "first": Scene("deploy.smtpd", make_home, _mails, range(500, 600)),
    "again": Scene("deploy.smtpd", _again, _mails, range(500, 600)),
    "torn": Scene("deploy.smtpd", _torn, _mails, range(500, 600)),
    "web": Scene("deploy.uploadd", _web_home, _web, range(400, 500)),
}


def copied(home: Path, folder: Path) -> House:
    """That home as it stands, in another folder."""
    shutil.copytree(home, folder / "home", symlinks=True)
    return open_house(folder / "home", "judge", {})
