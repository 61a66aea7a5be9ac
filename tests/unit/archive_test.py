"""The archive: keep is create-only and final, unfinished rows are finished, erasure leaves nothing, rebuild loses
nothing.
"""

import threading
from datetime import UTC, datetime

import pytest
from nacl.public import PrivateKey

from intake.archive import Archive, Erasure, LegalHold
from intake.errors import Refused
from intake.follower import Follower, Step, Table
from intake.record import Record, name_of
from intake.sqlite import Database
from intake.store import row_of, sqlite
from intake.store.sqlite import SqliteStore
from intake.submission import Envelope, Submission
from intake.vault import segment
from intake.vault.reader import Reader
from intake.vault.writer import Writer
from intake.work import SCHEMA as WORK_SCHEMA
from intake.work import LeaseTable
from tests.doors import acceptor

PRIVATE = PrivateKey.generate()
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Owner(Record, frozen=True):
    kind = "owner"
    key_field = "name"
    sealed_under = ("owner", "name")
    indexed = ("colour",)
    name: str
    colour: str = "red"


class Derived(Record, frozen=True):
    kind = "derived"
    key_field = "owner"
    sealed_under = ("owner", "owner")
    owner: str
    says: str = ""


class House(Record, frozen=True):
    kind = "plain"
    key_field = "name"
    name: str
    says: str = ""


TABLE = Table(
    {each.kind: each for each in (Owner, Derived, House, Erasure, LegalHold)},
    (Step("derive", cause="owner", cause_field="name", end="derived"),),
)


class Home:
    def __init__(self, folder, role="test", store="store"):
        self.folder = folder
        self.database = Database(folder / f"{store}.sqlite", sqlite.SCHEMA | WORK_SCHEMA)
        self.store = SqliteStore(self.database)
        self.work = LeaseTable(self.database, lambda: 1000.0)
        self.reader = Reader(folder / "vault", PRIVATE)
        self.writer = Writer(folder / "vault", role, PRIVATE.public_key, self.reader.key_of)
        self.archive = Archive(self.store, self.reader, self.writer)
        self.follower = Follower(self.reader, self.store, self.work, TABLE)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_keep_returns_what_was_there_first(home):
    assert home.archive.keep(House(name="a", says="first")).says == "first"
    assert home.archive.keep(House(name="a", says="second")).says == "first"
    assert home.archive.get(House, "a").says == "first"


def test_of_two_equal_keys_in_one_batch_the_first_is_kept(home):
    kept = home.archive.keep_all([House(name="a", says="first"), House(name="a", says="second"), House(name="b")])
    assert [each.says for each in kept] == ["first", "first", ""]


def test_racing_keepers_agree(tmp_path):
    homes = [Home(tmp_path, role=f"worker-{number}") for number in range(4)]
    results = []

    def keep(number):
        for turn in range(10):
            results.append((turn, homes[number].archive.keep(House(name=f"k{turn}", says=str(number))).says))

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40
    assert all(len({says for turn, says in results if turn == each}) == 1 for each in range(10))


def test_whoever_meets_an_unfinished_row_finishes_that_record(tmp_path):
    first, second = Home(tmp_path, "one"), Home(tmp_path, "two")
    began = House(name="a", says="of the one that died")
    first.store.begin([row_of(began, first.writer.house)])
    assert second.archive.get(House, "a") is None
    assert second.archive.keep(House(name="a", says="of the second")).says == "of the one that died"
    assert second.archive.get(House, "a").says == "of the one that died"
    place = second.store.rows([("plain", "a")])["plain", "a"].place
    assert House.read(second.reader.read(place).plain) == began


def test_a_record_is_visible_only_when_durable(home, monkeypatch):
    seen = []
    commit = home.writer.commit

    def spying():
        seen.append(home.archive.get(House, "a"))
        return commit()

    monkeypatch.setattr(home.writer, "commit", spying)
    home.archive.keep(House(name="a"))
    assert seen == [None] and home.archive.get(House, "a") is not None


def test_derived_records_are_sealed_under_their_owners_slot(home):
    home.archive.keep_all([Owner(name="o"), Derived(owner="o", says="x"), House(name="h")])
    rows = home.store.rows([("owner", "o"), ("derived", "o"), ("plain", "h")])
    assert rows["owner", "o"].slot == rows["derived", "o"].slot != rows["plain", "h"].slot
    header = home.reader.read(rows["derived", "o"].place).header
    assert header.slot == rows["owner", "o"].slot and header.kind == "derived"


def test_nothing_is_kept_for_an_owner_that_is_not_kept(home):
    with pytest.raises(Refused, match="not kept"):
        home.archive.keep(Derived(owner="nobody"))


def test_a_proof_binds_the_record_to_its_frame(home):
    import hashlib

    kept = home.archive.keep(Owner(name="o"))
    proof = home.archive.proof(kept)
    assert hashlib.sha256(proof.salt + kept.body).digest() in proof.header


def erase(home, *owners):
    return home.archive.erase(owners, {"id": name_of(*owners[0]), "reason": "asked for", "by": "anna", "at": NOW})


def test_erasure_leaves_nothing_readable_and_the_chain_whole(home):
    from intake.vault.verify import unexplained, verify

    home.archive.keep_all([Owner(name="o"), Derived(owner="o", says="secret"), Owner(name="other")])
    place = home.store.rows([("derived", "o")])["derived", "o"].place
    erasure = erase(home, ("owner", "o"))
    assert home.archive.get(Owner, "o") is None and home.archive.get(Derived, "o") is None
    assert home.archive.get(Owner, "other") is not None
    assert home.reader.read(place) is None
    with pytest.raises(Refused, match="not kept"):
        home.archive.keep(Derived(owner="o", says="late"))
    home.writer.seal()
    result = verify(Reader(home.reader.folder, PRIVATE))
    assert result.problems == [] and unexplained(result, set(erasure.slots)) == []


def test_a_legal_hold_blocks_erasure_until_it_is_lifted(home):
    home.archive.keep(Owner(name="o"))
    home.archive.keep(LegalHold(id="h1", owner="owner o", reason="court", by="anna", at=NOW))
    with pytest.raises(Refused, match="legal hold"):
        erase(home, ("owner", "o"))
    assert home.archive.get(Owner, "o") is not None
    home.archive.keep(LegalHold(id="h2", owner="owner o", reason="over", by="anna", at=NOW, lifted="h1"))
    erase(home, ("owner", "o"))
    assert home.archive.get(Owner, "o") is None


def test_rebuild_gives_the_same_records_by_key_and_digest(tmp_path):
    home = Home(tmp_path)
    for number in range(30):
        home.archive.keep_all([Owner(name=f"o{number}"), House(name=f"h{number}")])
        if number % 2:
            home.archive.keep(Derived(owner=f"o{number}"))
    erase(home, ("owner", "o3"))
    home.writer.seal()
    again = Home(tmp_path, role="again", store="again")
    again.follower.catch_up()
    again.follower.settle()
    names = [(kind, f"{letter}{n}") for n in range(30) for kind, letter in (("owner", "o"), ("plain", "h"))]
    names += [("derived", f"o{n}") for n in range(30)]
    old, new = home.store.rows(names), again.store.rows(names)
    assert {name: (row.digest, row.place, row.slot) for name, row in old.items()} == {
        name: (row.digest, row.place, row.slot) for name, row in new.items()
    }
    assert ("owner", "o3") not in new and ("derived", "o3") not in new
    assert again.work.waiting() == {"derive": 15}


def test_the_follower_puts_work_for_what_doors_took(tmp_path):
    home = Home(tmp_path)
    door = Writer(tmp_path / "vault", "door", PRIVATE.public_key)
    slot = door.new_slot()
    door.append("owner", slot, Owner(name="from-a-door").body)
    assert home.follower.catch_up() == 0
    door.commit().result()
    home.follower.catch_up()
    assert home.archive.get(Owner, "from-a-door") is not None
    assert home.work.waiting() == {"derive": 1}
    home.archive.keep(Derived(owner="from-a-door"))
    again = Home(tmp_path, role="again", store="again")
    again.follower.catch_up()
    again.follower.settle()
    assert again.work.waiting() == {}


def test_the_follower_does_not_read_what_this_process_kept_itself(home):
    home.archive.keep_all([Owner(name="o"), Derived(owner="o")])
    assert home.follower.catch_up() == 0
    assert home.follower.catch_up() == 0


def test_a_series_that_was_behind_is_read_before_it_is_skipped(tmp_path):
    door = Writer(tmp_path / "vault", "test", PRIVATE.public_key)
    door.append("owner", door.new_slot(), Owner(name="early").body)
    door.close()
    home = Home(tmp_path)
    home.archive.keep(House(name="late"))
    home.follower.catch_up()
    assert home.archive.get(Owner, "early") is not None


def test_what_a_door_took_on_the_same_writer_is_read_though_records_are_kept_after_it(home):
    home.archive.keep(House(name="before"))
    taken = acceptor(home.writer).open("upload", Envelope(), 1000)
    taken.feed(b"report")
    submission = taken.finish().result().submission
    home.archive.keep(House(name="after"))
    follower = Follower(home.reader, home.store, home.work, Table({Submission.kind: Submission, House.kind: House}, ()))
    follower.catch_up()
    assert home.archive.get(Submission, submission) is not None


def test_damage_below_the_mark_stops_that_series_there_and_no_other(home):
    home.archive.keep_all([House(name=f"h{n}") for n in range(5)])
    other = Home(home.folder, role="other", store="other")
    other.archive.keep(House(name="beside"))
    other.writer.close()
    home.writer.seal()
    path = next((home.reader.folder / home.writer.series).glob("*.segment"))
    data = bytearray(path.read_bytes())
    offsets = [offset for offset, _, _ in segment.walk(path)]
    data[offsets[3] + 200] ^= 1
    path.write_bytes(data)
    again = Home(home.folder, role="again", store="again")
    again.follower.catch_up()
    assert "synced frame" in again.follower.damaged[path.parent.name] and len(again.follower.damaged) == 1
    kept = {name for name in ("h0", "h1", "h2", "h3", "h4", "beside") if again.archive.get(House, name)}
    assert "beside" in kept and "h4" not in kept
