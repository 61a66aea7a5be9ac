"""Real mail: every .eml is derived without an exception and every cite lies in its bytes. Reads, changes nothing."""

import time

import pytest

from intake.message import Message, derive, warm
from intake.record import sha256
from tests.corpora import pack


def test_every_mail_is_derived(capsys: pytest.CaptureFixture[str]) -> None:
    folder = pack()
    warm()
    count = size = 0
    spent = 0.0
    for path in sorted(folder.rglob("*.eml")):
        data = path.read_bytes()
        started = time.process_time()
        message = derive(data)
        spent += time.process_time() - started
        count, size = count + 1, size + len(data)
        check(message, data, path.name)
    with capsys.disabled():
        print(f"\n{count} mails of {size / count / 1000:.1f} kB: {count / spent:.0f} messages/s, {spent:.1f} s")
    assert count > 5000


def check(message: Message, data: bytes, name: str) -> None:
    digest = sha256(data)
    assert (message.sha256, message.size) == (digest, len(data))
    parts = (*message.headers, *message.from_, *message.to, *message.reply_to, *message.links, *message.leaves)
    cites = [part.cite for part in parts] + [message.subject_cite, message.date_cite, message.text_cite]
    for cite in cites:
        assert cite is None or (cite.of == digest and 0 <= cite.start < cite.end <= len(data)), name
    for header in message.headers:
        assert data[header.cite.start : header.cite.end].startswith(header.name.encode()), name
