"""A disk that fills up in the middle of a message: `python tests/crash/full_disk.py`.

Both doors keep their home on a small ext4 image of their own. At each of the points a message is begun, then the
disk is filled to the last byte, or the last inode, or nearly, then the message is ended. It may be put off (452, 451,
421; 503 over HTTP), never refused for good; what was acknowledged is there; once there is room again the doors go on,
after a restart where a write had failed. Then a third home on a full disk is looked at: people still see the
queue, and each look is noted in the audit. Mounting the image takes root.
"""

import argparse
import errno
import os
import random
import re
import smtplib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from deploy.wiring import open_house
from intake.audit import Audit
from intake.store import every
from intake.vault import keys
from intake.vault.reader import Reader
from tests import promise
from tests.crash.power_loss import judge
from tests.crash.traced import Door, make_home
from tests.walker import SAMPLES, lapwing

SIZE = 256 << 20
"""Bytes; the upload door wants one and a half times its largest message free before it begins."""
LEFT = (0, 1, 4096, 20_000, 60_000, 300_000)
"""Bytes that are left free at a point; 1 stands for no inode left."""


@contextmanager
def image(folder: Path) -> Iterator[Path]:
    """A folder on an ext4 file system of its own."""
    place, file = folder / "disk", folder / "image"
    place.mkdir()
    with open(file, "wb") as new:
        new.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-N", "400", str(file)], check=True)
    subprocess.run(["mount", "-o", "loop", str(file), str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, left: int) -> None:
    """Leave so many bytes free, or no inode."""
    folder = place / "filling"
    folder.mkdir(exist_ok=True)
    try:
        if left == 1:
            for number in range(10_000):
                (folder / str(number)).touch()
        with open(folder / "bytes", "wb", buffering=0) as file:
            os.posix_fallocate(file.fileno(), 0, max(1, room(place) - left - (1 << 20)))
            while (rest := room(place) - left) > 0:
                file.seek(0, os.SEEK_END)
                file.write(bytes(min(rest, 1 << 16)))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def room(place: Path) -> int:
    """Bytes that are free for everybody."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def clear(place: Path) -> None:
    """Room again."""
    for path in (place / "filling").iterdir():
        path.unlink()
    (place / "filling").rmdir()


Act = Callable[[], None]


def by_mail(port: int, data: bytes, between: Act) -> tuple[int, str]:
    """The reply to a message during which `between` happens."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            client.ehlo("client.example")
            for code, said in (client.mail("a@isp.example"), client.rcpt("r@lapwing.example"), client.docmd("DATA")):
                if code >= 400:
                    return code, said.decode()
            between()
            client.send(data + b".\r\n")
            code, said = client.getreply()
            return code, said.decode()
    except (OSError, smtplib.SMTPException):
        return 0, ""


def by_web(port: int, data: bytes, between: Act) -> tuple[int, str]:
    """The status and reference of an upload during which `between` happens."""

    def body() -> Iterator[bytes]:
        yield data[:100]
        between()
        yield data[100:]

    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/reports", data=body(), method="POST", headers={"Content-Type": "message/rfc822"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers["Location"].rpartition("/")[2]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except OSError:
        return 0, ""


DOORS = {"deploy.smtpd": by_mail, "deploy.uploadd": by_web}
PUT_OFF = frozenset({421, 450, 451, 452, 503, 507})
"""What a door may say of a full disk. A connection that breaks off is taken for that too, but only where a write that
had begun has failed: the process ends then.
"""


def campaign(folder: Path, count: int, seed: int) -> dict[str, int]:
    """So many points at each door; the figures, all but the first four wanted 0."""
    figures = dict.fromkeys(("points", "put off", "broken off", "kept", "resumed", "slowest ms", *BAD), 0)
    for module, hand_in in DOORS.items():
        (folder / module).mkdir()
        with image(folder / module) as place:
            _at(place, module, hand_in, random.Random(seed), count, figures)
    (folder / "look").mkdir()
    with image(folder / "look") as place:
        figures["blind"] = _look(place / "home")
    return figures


LOOKS = 3


def _look(home: Path) -> int:
    """How many looks at a home on a full disk failed or were not noted in the audit."""
    lapwing(home, "report", str(SAMPLES / "01-isp-bank.eml"))
    house = open_house(home, "judge", {})
    fill(home.parent, 0)
    seen = [lapwing(home, "queue") for _ in range(LOOKS)]
    noted = sum(each.action == "look at the queue" for each in every(house.store, Audit, {}))
    house.database.close()
    return sum(each.status != 0 for each in seen) + abs(LOOKS - noted)


def _at(
    place: Path,
    module: str,
    hand_in: Callable[[int, bytes, Act], tuple[int, str]],
    rng: random.Random,
    count: int,
    figures: dict[str, int],
) -> None:
    house, digests = make_home(place, segment=500_000), dict[str, str]()
    door = Door(house.home, module=module)

    def take(size: int, between: Act) -> int:
        data = b"Subject: x\r\n\r\n" + bytes(rng.choices(b"abcdefgh", k=60)) + b"\r\n" + b"a line of text\r\n" * size
        code, said = hand_in(door.port, data, between)
        found = KEPT.search(said)
        if code in (202, 250) and found:
            digests[found[1]] = sha256(data).hexdigest()
        return code

    for number in range(count):
        left = LEFT[number % len(LEFT)]
        code = take(rng.choice((2, 20_000, 40_000)), lambda: fill(place, left))
        figures["points"] += 1
        figures["put off"] += code in PUT_OFF
        figures["broken off"] += code == 0
        figures["refused"] += code not in PUT_OFF | {0, 202, 250}
        clear(place)
        began = time.monotonic()
        if not door.alive:
            door.end()
            door = Door(house.home, module=module)
        code = take(3, lambda: None)
        figures["slowest ms"] = max(figures["slowest ms"], int((time.monotonic() - began) * 1000))
        figures["resumed"] += code in (202, 250)
        figures["stuck"] += code not in (202, 250)
    door.end()
    found = judge(house.vault, Reader(house.vault, keys.private(house.keys)), set(digests), digests)
    figures["kept"] += len(digests)
    for name, figure in found.items():
        figures[name] += figure


KEPT = re.compile(r"([0-9a-z]{26})-[0-9a-z]{8}")
BAD = ("refused", "stuck", "blind", "lost", "altered", "problems")
PROMISED = 20
"""Points of the long form, at each door."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--points", type=int, default=20, help="at each door")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = campaign(Path(folder), chosen.points, chosen.seed)
    count = chosen.points
    rule = promise.Rule("P5", zero=BAD, least={"put off": count // 2, "resumed": 2 * count, "kept": 2})
    sys.exit(not rule.ended(figures, "long" if count >= PROMISED else "short"))


if __name__ == "__main__":
    main()
