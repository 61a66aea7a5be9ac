"""Accept: what a receipt promises, how parts are cut, what a full disk does, what a reference proves."""

import hashlib
from concurrent.futures import Future
from pathlib import Path

import pytest

from intake.accept import PART, Acceptor, Full, reference, submission_of
from intake.errors import Refused
from intake.submission import Envelope, Receipt, Submission
from tests.doors import SECRET, WHEN, FakeWriter, Kept, acceptor, full_disk

LIMIT = 25_000_000


def open_on(writer: FakeWriter, limit: int = LIMIT, **more: object) -> tuple[Acceptor, object]:
    ours = acceptor(writer, **more)
    return ours, ours.open("smtp", Envelope(mail_from="a@example.com"), limit, "x.eml")


def test_the_record_closes_exactly_what_was_fed(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    content = bytes(range(256)) * 4_000  # 1,024,000 bytes: four parts
    acceptance = kept.acceptor.open("smtp", Envelope(mail_from="a@example.com", peer="192.0.2.1"), LIMIT, "x.eml")
    for start in range(0, len(content), 70_001):
        waits = acceptance.feed(content[start : start + 70_001])
        if waits is not None:
            waits.result(timeout=5)
    receipt = acceptance.finish().result(timeout=5)
    ((submission, bytes_kept),) = kept.all()
    assert bytes_kept == content
    assert receipt == Receipt(submission=acceptance.id, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    assert (submission.id, submission.sha256, submission.size) == (receipt.submission, receipt.sha256, receipt.size)
    assert (submission.channel, submission.filename, submission.received) == ("smtp", "x.eml", WHEN)
    assert submission.envelope == Envelope(mail_from="a@example.com", peer="192.0.2.1")
    assert [part.size for part in submission.parts] == [PART, PART, PART, len(content) - 3 * PART]


def test_parts_go_under_the_slot_of_their_submission() -> None:
    writer = FakeWriter()
    _, acceptance = open_on(writer)
    acceptance.feed(b"x" * (PART + 1))
    assert len(writer.held) == 1
    acceptance.finish().result()
    assert [kind for kind, _ in writer.frames] == ["part", "part", "submission"]
    assert writer.held == []


@pytest.mark.parametrize(("size", "parts"), [(0, 0), (1, 1), (PART - 1, 1), (PART, 1), (PART + 1, 2), (3 * PART, 3)])
def test_the_border_of_a_part(size: int, parts: int) -> None:
    writer = FakeWriter()
    _, acceptance = open_on(writer)
    acceptance.feed(b"y" * size)
    acceptance.finish().result()
    assert [kind for kind, _ in writer.frames] == ["part"] * parts + ["submission"]
    assert b"".join(plain for kind, plain in writer.frames if kind == "part") == b"y" * size


def test_a_full_part_asks_the_sender_to_wait_for_the_disk() -> None:
    writer = FakeWriter()
    writer.manual = True
    _, acceptance = open_on(writer)
    assert acceptance.feed(b"z" * (PART - 1)) is None
    waits = acceptance.feed(b"z")
    assert isinstance(waits, Future)
    assert not waits.done()
    writer.pending[0].set_result(None)
    assert waits.done()


def test_no_receipt_before_the_commit_and_no_cancelling_it() -> None:
    writer = FakeWriter()
    writer.manual = True
    _, acceptance = open_on(writer)
    acceptance.feed(b"content")
    done = acceptance.finish()
    assert not done.done()
    assert not done.cancel()
    writer.pending[0].set_result(None)
    assert done.result().size == 7


@pytest.mark.parametrize(("size", "taken"), [(99, True), (100, True), (101, False)])
def test_the_size_limit(size: int, taken: bool) -> None:
    _, acceptance = open_on(FakeWriter(), limit=100)
    acceptance.feed(b"a" * 50)
    if taken:
        acceptance.feed(b"a" * (size - 50))
        assert acceptance.finish().result().size == size
    else:
        with pytest.raises(Refused) as raised:
            acceptance.feed(b"a" * (size - 50))
        assert raised.value.code == "too-big"


def test_an_abandoned_submission_leaves_parts_and_no_record() -> None:
    writer = FakeWriter()
    _, acceptance = open_on(writer)
    acceptance.feed(b"b" * (2 * PART))
    acceptance.abandon()
    acceptance.abandon()
    assert [kind for kind, _ in writer.frames] == ["part", "part"]
    assert writer.held == []


@pytest.mark.parametrize(
    ("free", "limit", "reserve", "room"),
    [(149, 100, 0, False), (150, 100, 0, True), (151, 100, 0, True), (999, 100, 1000, False), (1000, 100, 1000, True)],
)
def test_a_low_disk_opens_nothing(free: int, limit: int, reserve: int, room: bool) -> None:
    ours = acceptor(FakeWriter(), free=lambda: free, reserve=reserve)
    if room:
        assert ours.open("smtp", Envelope(), limit).size == 0
    else:
        with pytest.raises(Full):
            ours.open("smtp", Envelope(), limit)


def test_a_disk_that_runs_low_meanwhile_stops_the_submission() -> None:
    free = [10**9]
    writer = FakeWriter()
    _, acceptance = open_on(writer, free=lambda: free[0])
    acceptance.feed(b"c" * PART)
    free[0] = 1
    with pytest.raises(Full):
        acceptance.feed(b"c" * PART)


@pytest.mark.parametrize("at", [1, 2])
def test_no_space_is_temporary_and_gives_no_receipt(at: int) -> None:
    writer = FakeWriter(fails=full_disk(), at=at)
    _, acceptance = open_on(writer)
    acceptance.feed(b"content")
    with pytest.raises(Full):
        acceptance.finish()
    acceptance.abandon()
    assert writer.held == []
    assert Submission.kind not in [kind for kind, _ in writer.frames]


def test_a_failed_commit_gives_no_receipt() -> None:
    _, acceptance = open_on(FakeWriter(fails=RuntimeError("bug"), at=0))
    acceptance.feed(b"content")
    with pytest.raises(RuntimeError):
        acceptance.finish().result()


def test_ids_are_random_and_of_the_house_alphabet() -> None:
    ids = {open_on(FakeWriter())[1].id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 26 and set(each) <= set("0123456789abcdefghjkmnpqrstvwxyz") for each in ids)


def test_a_reference_is_known_however_it_is_read_out() -> None:
    true = reference(SECRET, "0123456789abcdefghjkmnpqr1")
    assert len(true) == 35
    for text in (true, true.upper(), f" {true} ", true.replace("-", ""), true.replace("0", "O").replace("1", "l")):
        assert submission_of(SECRET, text) == "0123456789abcdefghjkmnpqr1"


def test_a_wrong_reference_is_none() -> None:
    true = reference(SECRET, "0123456789abcdefghjkmnpqrs")
    other = "1" if true[-1] == "0" else "0"
    for wrong in (true[:-1], true + "0", true[:-1] + other, "1" + true[1:], "", "é" * 35, true * 1000):
        assert submission_of(SECRET, wrong) is None, wrong


def test_a_reference_of_another_house_is_none() -> None:
    assert submission_of(SECRET, reference(b"another secret", "0123456789abcdefghjkmnpqrs")) is None
