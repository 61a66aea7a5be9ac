"""Mail to measure with: a sample of a folder of real mail, or copies of the samples' messages, the same every time.

A copy in the same campaign differs from its sample as a spammer's next message does: other recipient, other
Message-ID, other queue ids. A copy in a campaign of its own has other words, names, domains, numbers too.
"""

import base64
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from intake.formats import open_submission

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
_WORD = re.compile(rb"\b(?:[A-Za-z]{4,40}|[0-9]{3,9})\b")
_SUBJECT = re.compile(rb"^Subject: .{0,500}(?:\r\n[ \t].{0,500}){0,5}", re.I | re.M)
_DOMAIN = re.compile(rb"[A-Za-z0-9-]+(?=\.(?:example|test|invalid)\b)")
_ID = re.compile(rb"^(Message-ID: <)[^@>]+", re.I | re.M)
_ADDRESSEE = re.compile(rb"^((?:To|Delivered-To): .{0,200}?)[A-Za-z0-9._-]+@", re.I | re.M)


def drawn(folder: Path, number: int, seed: int = 1) -> list[bytes]:
    """So many .eml files of that folder, drawn by lot; all of them when there are not more."""
    paths = sorted(path for path in folder.rglob("*.eml") if path.is_file())
    Random(seed).shuffle(paths)
    return [path.read_bytes() for path in paths[:number]]


def copies(number: int, seed: int = 1, alone: float = 0.5) -> Iterator[bytes]:
    """So many different messages out of the samples; the share `alone` of them in campaigns of their own."""
    for index in range(number):
        lot = Random(seed * 1_000_003 + index)
        if lot.random() < alone:
            yield reworded(another(lot.choice(_plain()), lot), lot)
        else:
            yield another(lot.choice(originals()), lot)


def like_mail(size: int, seed: int = 1) -> bytes:
    """A mail of about so many bytes, LF ends; it packs no better than phishing messages do (half): words and base64."""
    lot = Random(seed)
    words = [b"".join(lot.choices(_LETTERS, k=lot.randrange(2, 10))) for _ in range(2_000)]
    head = b"From: a@example.com\nTo: r@example.org\nSubject: " + b" ".join(lot.choices(words, k=5))
    lines, size = [head, b"MIME-Version: 1.0", b""], size - len(head) - 20
    while size > 0:
        text = size % 2 or lot.random() < 0.5
        line = b" ".join(lot.choices(words, k=11)) if text else base64.b64encode(lot.randbytes(57))
        lines.append(line[: max(size, 1)])
        size -= len(line) + 2
    return b"\n".join(lines) + b"\n"


@cache
def originals() -> tuple[bytes, ...]:
    """The reported messages of the samples."""
    found = []
    for path in sorted(SAMPLES.glob("[0-9]*")):
        data = path.read_bytes()
        opened = open_submission(data, path.name, cover=True)
        for each in opened.found:
            source = data if each.source < 0 else opened.made[each.source].data
            found.append(source[each.start : each.end])
    return tuple(found)


@cache
def _plain() -> tuple[bytes, ...]:
    """Those whose words stand there as they are."""
    return tuple(each for each in originals() if each.isascii() and b"base64" not in each.lower())


def another(data: bytes, lot: Random) -> bytes:
    """The campaign's next copy, to somebody else."""
    name = f"{lot.getrandbits(48):x}".encode()
    data, times = _ID.subn(rb"\g<1>" + name, data, count=1)
    data = _ADDRESSEE.sub(rb"\g<1>" + name + b"@", data, count=2)
    return data if times else b"Message-ID: <" + name + b"@bench.example>\r\n" + data


def reworded(data: bytes, lot: Random) -> bytes:
    """A message of the same build in a campaign of its own: other words and numbers in subject and body, other domains
    everywhere."""
    names: dict[bytes, bytes] = {}

    def name(match: re.Match[bytes]) -> bytes:
        return names.setdefault(match[0].lower(), b"d" + f"{lot.getrandbits(40):x}".encode())

    def word(match: re.Match[bytes]) -> bytes:
        if match[0].isdigit():
            return b"%0*d" % (len(match[0]), lot.randrange(10 ** len(match[0])))
        return match[0] if lot.random() < 0.5 else b"".join(lot.choices(_LETTERS, k=len(match[0])))

    head, gap, body = _DOMAIN.sub(name, data).partition(b"\r\n\r\n")
    subject = b" ".join(b"".join(lot.choices(_LETTERS, k=7)) for _ in range(5))
    return _SUBJECT.sub(b"Subject: " + subject, head, count=1) + gap + _WORD.sub(word, body)


_LETTERS = [bytes([code]) for code in b"abcdefghijklmnopqrstuvwxyz"]
