"""Odd mails made by chance, for the SMTP door to keep as they are (P17); a part of `hostile.py`."""

import hashlib
import random
from pathlib import Path
from typing import Any

from intake import smtp
from intake.smtp_settings import Limits, Settings
from tests.doors import Kept, Line

PIECES = (
    b"Subject: \xc4\xa7\xb0t\r\n", b"From a@example.com Tue Nov  3 09:30:00 2026\r\n", b"\r", b"\n", b"\0", b"\r\n",
    b"\r\n\r\n", b".\r\n", b"..", b"\r\n.\r", b"\n.\r\n", b"\xed\xa0\x80", b"\xff\xfe\xfd", b"y" * 1001, b"z" * 70_000,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: te", b"=?utf-8?b?////?=", b"\x1b[31m",
    b"Received: from nowhere\r\n\t\r\n \r\n", b":\r\n", b"To: ,,,,,,,,\r\n", b"\r\r\n", b"\n\r", b"<" * 500,
)  # fmt: skip


def odd_mail(dice: random.Random) -> bytes:
    """A mail made by chance."""
    return b"".join(dice.choice(PIECES) for _ in range(dice.randrange(12)))


def odd(folder: Path, cases: int, seed: int = 17) -> dict[str, Any]:
    """P17: how many odd mails came back as they were sent, by DATA and by BDAT in turn."""
    dice = random.Random(seed)
    kept = Kept(folder)
    running = smtp.serve(Settings(limits=Limits(per_source=0, per_network=0, per_minute=0, network_per_minute=0)),
                         kept.acceptor)  # fmt: skip
    sent, refused = [], []
    with Line(running.port) as line:
        for number in range(cases):
            content = odd_mail(dice)
            line.envelope()
            if number % 2:
                line.socket.sendall(b"BDAT %d LAST\r\n" % len(content) + content)
                reply = line.reply()
            else:
                content += b"\r\n" if content and not content.endswith(b"\r\n") else b""  # DATA can't carry it else
                reply = line.data((b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
            sent.append(hashlib.sha256(content).hexdigest())
            refused += [] if reply.startswith("250 2.6.0 ") else [reply]
    running.stop()
    found = [(submission.sha256, hashlib.sha256(content).hexdigest()) for submission, content in kept.all()]
    same = found == [(each, each) for each in sent]
    return {"cases": cases, "refused": refused, "identical": same, "kept": same and not refused}
