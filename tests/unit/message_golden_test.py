"""The golden mails of `tests/golden/message`: each beside what must be read out of it, and why."""

import json
from pathlib import Path

import pytest

from intake.message import Message, derive
from intake.record import Cite, sha256

GOLDEN = Path(__file__).parents[1] / "golden" / "message"
CASES = sorted(path.name.removesuffix(".expected.json") for path in GOLDEN.glob("*.expected.json"))


def test_every_mail_has_its_expectation() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.eml")) == CASES
    assert len(CASES) >= 15


@pytest.mark.parametrize("name", CASES)
def test_is_read_as_written_down(name: str) -> None:
    data = (GOLDEN / f"{name}.eml").read_bytes()
    want = json.loads((GOLDEN / f"{name}.expected.json").read_text())
    message = derive(data)
    check_fields(message, want)
    check_text(message, want)
    check_links(message, want, data)
    assert sorted(message.flags) == want["flags"], want["why"]
    assert sorted(message.limits) == want["limits"]


def check_fields(message: Message, want: dict) -> None:
    for name in ("subject", "return_path", "message_id", "language"):
        assert getattr(message, name) == want.get(name, getattr(message, name)), want["why"]
    if "from_" in want:
        assert [[each.name, each.address] for each in message.from_] == want["from_"]
    if "date" in want:
        assert (message.date.isoformat() if message.date else None) == want["date"]
    for leaf, (kind, name, disposition, digest) in zip(message.leaves, want.get("leaves", []), strict=False):
        assert (leaf.type, leaf.name, leaf.disposition) == (kind, name, disposition)
        assert not digest or leaf.sha256 == digest


def check_text(message: Message, want: dict) -> None:
    assert all(piece in message.text for piece in want.get("text_has", [])), message.text
    assert not any(piece in message.text for piece in want.get("text_lacks", [])), message.text
    assert message.hidden == want.get("hidden", "")


def check_links(message: Message, want: dict, data: bytes) -> None:
    links = message.links
    assert [[link.where, link.url, link.domain, link.text] for link in links] == want["links"], want["why"]
    if "link_flags" in want:
        assert [list(link.flags) for link in links] == want["link_flags"]
    cited = [data[link.cite.start : link.cite.end].decode("latin-1") for link in links]
    assert all(exact in cited for exact in want.get("exact", [])), cited


@pytest.mark.parametrize("name", CASES)
def test_cites_lie_inside_the_mail(name: str) -> None:
    data = (GOLDEN / f"{name}.eml").read_bytes()
    message = derive(data)
    digest = sha256(data)
    for cite in cites(message):
        assert cite.of == digest and 0 <= cite.start < cite.end <= len(data)
    for header in message.headers:
        assert data[header.cite.start : header.cite.end].startswith(header.name.encode())


def cites(message: Message) -> list[Cite]:
    parts = (*message.headers, *message.from_, *message.to, *message.reply_to, *message.links, *message.leaves)
    single = (message.subject_cite, message.date_cite, message.text_cite)
    return [part.cite for part in parts] + [cite for cite in single if cite]
