"""The vault: formats, recovery after a torn tail, group commit, verify that names every changed byte, erasure."""

import os
import random
import threading
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.public import PrivateKey

from intake.errors import Damaged, Refused
from intake.vault import book, frame, segment, series
from intake.vault.checkpoint import Checkpoint, SeriesHead, read, sign
from intake.vault.reader import Reader
from intake.vault.verify import unexplained, verify
from intake.vault.writer import Writer

PRIVATE = PrivateKey.generate()


@pytest.fixture
def vault(tmp_path):
    return tmp_path / "vault"


def write(vault, count=10, size=2000, role="test", **more):
    """Write so many submissions of one part each and close; [(place of the part, plain)]."""
    writer = Writer(vault, role, PRIVATE.public_key, **more)
    placed = []
    for number in range(count):
        slot = writer.new_slot()
        plain = bytes([number % 256]) * size
        placed.append((writer.append("part", slot, plain), plain))
        writer.append("submission", slot, b'{"id":"%d"}' % number)
        writer.release(slot)
        writer.commit().result()
    writer.close()
    return placed


def only_segment(vault):
    return sorted(vault.glob("*/*.segment"))[-1]


def test_what_is_written_reads_back(vault):
    placed = write(vault)
    reader = Reader(vault, PRIVATE)
    assert [reader.read(place).plain for place, _ in placed] == [plain for _, plain in placed]


def test_without_the_private_key_only_headers_are_read(vault):
    place, _ = write(vault)[0]
    assert Reader(vault, None).read(place) is None


def test_nothing_plain_stands_on_the_disk(vault):
    writer = Writer(vault, "test", PRIVATE.public_key)
    writer.append("part", writer.new_slot(), b"a very particular sentence " * 3)
    writer.close()
    assert not any(b"particular" in path.read_bytes() for path in vault.rglob("*") if path.is_file())


def test_frames_above_the_limit_are_refused_and_at_the_limit_taken(vault):
    writer = Writer(vault, "test", PRIVATE.public_key)
    slot = writer.new_slot()
    for size in (frame.MAX_PLAIN - 1, frame.MAX_PLAIN):
        writer.append("part", slot, bytes(size))
    with pytest.raises(ValueError, match="more than one frame"):
        writer.append("part", slot, bytes(frame.MAX_PLAIN + 1))
    writer.close()


def test_segments_rotate_and_chain(vault):
    placed = write(vault, count=50, size=5000, segment_size=20_000)
    assert len(list(vault.glob("*/*.segment"))) > 1
    reader = Reader(vault, PRIVATE)
    assert all(reader.read(place).plain == plain for place, plain in placed)
    assert verify(reader).problems == []


def test_a_restart_goes_on_in_the_same_series_with_a_new_book(vault):
    write(vault)
    write(vault)
    assert len(series.all_series(vault)) == 1
    assert len(list(vault.glob("*/*.book"))) == 2
    result = verify(Reader(vault, PRIVATE))
    assert result.problems == [] and result.frames == 2 * (1 + 20)


def test_a_writer_that_can_open_old_books_makes_none_for_the_house(vault):
    reader = Reader(vault, PRIVATE)
    places = []
    for number in range(3):
        writer = Writer(vault, "command", PRIVATE.public_key, reader.key_of)
        places.append(writer.append("audit", writer.house, b"entry %d" % number))
        writer.close()
    assert len(list(vault.glob("*/*.book"))) == 1
    assert [Reader(vault, PRIVATE).read(place).plain for place in places] == [b"entry 0", b"entry 1", b"entry 2"]
    assert verify(Reader(vault, PRIVATE)).problems == []


def test_two_writers_of_a_role_own_two_series(vault):
    first = Writer(vault, "smtp", PRIVATE.public_key)
    second = Writer(vault, "smtp", PRIVATE.public_key)
    assert first.series != second.series
    first.close()
    second.close()


def test_a_book_that_is_full_is_followed_by_another(vault):
    writer = Writer(vault, "test", PRIVATE.public_key)
    slots = [writer.new_slot() for _ in range(book.SLOTS + 5)]
    assert len(set(slots)) == len(slots)
    place = writer.append("part", slots[0], b"held although its book is full")
    writer.close()
    assert Reader(vault, PRIVATE).read(place).plain.startswith(b"held")


def test_many_threads_are_made_durable_together(vault):
    writer = Writer(vault, "test", PRIVATE.public_key)
    places = {}

    def one(number):
        places[number] = writer.append("part", writer.new_slot(), b"%d" % number)
        writer.commit().result()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert series.synced(vault, writer.series).number == 51
    writer.close()
    reader = Reader(vault, PRIVATE)
    assert all(reader.read(place).plain == b"%d" % number for number, place in places.items())


def cut(vault, path, size):
    """The series as after a power cut: only `size` bytes of the last segment, and a mark that says so or less."""
    with open(path, "r+b") as file:
        file.truncate(size)
    (path.parent / "synced").unlink()


def test_a_tail_torn_at_any_byte_recovers_to_the_last_whole_frame(vault):
    write(vault, count=2, size=60)
    path = only_segment(vault)
    whole = path.read_bytes()
    ends = [offset + frame.SIZE + header.length for offset, header, _ in segment.walk(path)]
    first_of_interest = ends[0] - 3
    for size in range(first_of_interest, len(whole), 7):
        path.write_bytes(whole)
        cut(vault, path, size)
        assert list(series.recover_all(vault)) == [path.parent.name]
        sound = sum(end <= size for end in ends)
        assert series.synced(vault, path.parent.name).number == sound
        assert verify(Reader(vault, PRIVATE)).problems == []


def test_a_segment_cut_inside_its_head_counts_as_never_begun(vault):
    write(vault, count=3)
    write(vault, count=3)
    path = only_segment(vault)
    cut(vault, path, 20)
    assert list(series.recover_all(vault)) == [path.parent.name]
    assert not path.exists()
    assert verify(Reader(vault, PRIVATE)).problems == []


def test_a_synced_frame_that_is_gone_is_damage_not_a_torn_tail(vault):
    write(vault)
    path = only_segment(vault)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    (before,) = series.all_series(vault)
    assert list(series.recover_all(vault)) == []
    assert path.read_bytes() == data[: len(data) // 2]
    write(vault)
    assert len(series.all_series(vault)) == 2
    assert series.synced(vault, before).offset == len(data)
    assert any("were synced and are missing" in line for line in verify(Reader(vault, PRIVATE)).problems)


def test_after_recovery_the_old_file_was_replaced_not_trusted(vault):
    write(vault)
    path = only_segment(vault)
    before = path.stat().st_ino
    cut(vault, path, path.stat().st_size - 10)
    list(series.recover_all(vault))
    assert path.stat().st_ino != before


def test_every_flipped_bit_is_found_and_placed(vault):
    write(vault, count=8, size=300)
    rng = random.Random(7)
    files = [path for path in sorted(vault.rglob("*")) if path.suffix in {".segment", ".book"}]
    for _ in range(150):
        path = rng.choice(files)
        whole = bytearray(path.read_bytes())
        at = rng.randrange(len(whole))
        whole[at] ^= 1 << rng.randrange(8)
        kept = path.read_bytes()
        path.write_bytes(whole)
        problems = verify(Reader(vault, PRIVATE)).problems
        assert problems, f"byte {at} of {path.name}"
        if path.suffix == ".segment":
            spans = [line.split(": ")[0].rsplit("/", 1)[-1].split("-") for line in problems]
            assert any(int(start) <= at < int(end) for start, end in spans), (at, problems)
        path.write_bytes(kept)
    assert verify(Reader(vault, PRIVATE)).problems == []


def test_a_changed_mark_is_named(vault):
    write(vault, count=2)
    mark = next(vault.glob("*/synced"))
    raw = bytearray(mark.read_bytes())
    raw[3] ^= 1
    mark.write_bytes(raw)
    assert any("the mark is not as it was written" in line for line in verify(Reader(vault, PRIVATE)).problems)


def test_frames_swapped_or_dropped_are_found(vault):
    write(vault, count=4, size=300)
    path = only_segment(vault)
    data = path.read_bytes()
    offsets = [offset for offset, _, _ in segment.walk(path)]
    path.write_bytes(data[: offsets[2]] + data[offsets[3] :])
    assert any("continue the chain" in line for line in verify(Reader(vault, PRIVATE)).problems)


def test_a_checkpoint_shows_a_vault_rolled_back(vault):
    write(vault)
    result = verify(Reader(vault, PRIVATE))
    heads = {name: SeriesHead(number=number, digest=digest) for name, (number, digest) in result.heads.items()}
    key = Ed25519PrivateKey.generate()
    signed = sign(Checkpoint(made=datetime(2026, 11, 23, tzinfo=UTC), heads=heads), key)
    assert verify(Reader(vault, PRIVATE), [read(signed)]).problems == []
    path = only_segment(vault)
    ends = [offset for offset, _, _ in segment.walk(path)]
    cut(vault, path, ends[-2])
    list(series.recover_all(vault))
    assert any("checkpoint" in line for line in verify(Reader(vault, PRIVATE), [read(signed)]).problems)


def test_a_changed_checkpoint_is_refused():
    signed = sign(Checkpoint(made=datetime(2026, 11, 23, tzinfo=UTC), heads={}), Ed25519PrivateKey.generate())
    with pytest.raises(Damaged, match="signature"):
        read(signed.replace(b"2026", b"2027"))


def test_a_blanked_slot_makes_its_frames_unreadable_and_breaks_no_chain(vault):
    placed = write(vault)
    reader = Reader(vault, PRIVATE)
    slot = reader.read(placed[3][0]).header.slot
    book.blank(vault, slot)
    fresh = Reader(vault, PRIVATE)
    assert fresh.read(placed[3][0]) is None
    assert fresh.read(placed[4][0]).plain == placed[4][1]
    result = verify(fresh)
    assert result.problems == [] and result.erased == 2
    assert len(unexplained(result, set())) == 1
    assert unexplained(result, {slot}) == []


def test_a_blanked_slot_is_on_the_disk_when_that_returns(vault, monkeypatch):
    writer = Writer(vault, "test", PRIVATE.public_key)
    slot = writer.new_slot()
    writer.close()
    synced = []
    real = os.fsync

    def fsync(handle):
        synced.append(book.open_slot(vault, slot, PRIVATE))
        real(handle)

    monkeypatch.setattr(book.os, "fsync", fsync)
    assert book.open_slot(vault, slot, PRIVATE) is not None
    book.blank(vault, slot)
    assert synced == [None], "what was synced last is the blank"


def test_nothing_is_sealed_under_a_blanked_slot(vault):
    placed = write(vault)
    reader = Reader(vault, PRIVATE)
    slot = reader.read(placed[0][0]).header.slot
    book.blank(vault, slot)
    writer = Writer(vault, "other", PRIVATE.public_key, Reader(vault, PRIVATE).key_of)
    with pytest.raises(Refused, match="erased"):
        writer.append("report", slot, b"{}")
    writer.close()


def test_another_operators_key_opens_nothing(vault):
    place, _ = write(vault)[0]
    with pytest.raises(Damaged, match="does not open"):
        Reader(vault, PrivateKey.generate()).read(place)


def test_files_are_for_the_owner_alone(vault):
    write(vault)
    assert all(os.stat(path).st_mode & 0o077 == 0 for path in vault.glob("*/*.segment"))
