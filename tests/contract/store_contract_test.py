"""What every store must do: the contract that SQLite passes and a second store joins by adding itself to STORES."""

from collections.abc import Callable
from pathlib import Path

import pytest

from intake.record import Record
from intake.store import Place, Slot, Store, View, row_of
from intake.store.sqlite import open_store


class Thing(Record, frozen=True):
    kind = "thing"
    key_field = "name"
    sealed_under = ("thing", "name")
    indexed = ("colour", "size")
    name: str
    colour: str = "red"
    size: int = 1
    says: str = ""


class Board(View, frozen=True):
    kind = "board"
    key_field = "name"
    indexed = ("state",)
    name: str
    state: str = "open"
    words: str = ""

    @property
    def text(self) -> str:
        return self.words


STORES: dict[str, Callable[[Path], Store]] = {
    "sqlite-memory": lambda folder: open_store(None),
    "sqlite-file": lambda folder: open_store(folder / "store.sqlite"),
}
PLACE = Place(series="ab" * 8, segment=1, offset=57)


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    return STORES[request.param](tmp_path)


def keep(store, *things):
    store.begin([row_of(each, Slot(series="ab" * 8, book=1, number=1)) for each in things])
    store.finish({("thing", each.name): PLACE for each in things})


def test_add_is_create_only(store):
    first = store.add(Thing(name="a", colour="red"))
    second = store.add(Thing(name="a", colour="blue"))
    assert first.colour == "red" and second.colour == "red"


def test_what_stands_under_a_slot_is_found_by_kind(store):
    keep(store, Thing(name="a"))
    mine, other = Slot(series="ab" * 8, book=1, number=1), Slot(series="ab" * 8, book=1, number=2)
    assert store.under("thing", [mine, other]) == {mine}
    assert store.under("board", [mine]) == set() == store.under("thing", [])


def test_many_are_added_as_one_and_each_is_create_only(store):
    store.add(Thing(name="b", says="first"))
    mine = [Thing(name="a", colour="blue"), Thing(name="b", colour="green", says="later"), Thing(name="c")]
    assert [each.says for each in store.add_all([*mine, Thing(name="a", says="twice")])] == ["", "first", "", ""]
    assert store.add_all(mine) == [mine[0], Thing(name="b", says="first"), mine[2]]
    assert store.count(Thing, {}, by="colour") == {"blue": 1, "red": 2}
    assert store.add_all([]) == []


def test_many_are_got_as_one_and_only_what_is_durable(store):
    keep(store, *[Thing(name=f"t{n}", size=n) for n in range(40)])
    store.begin([row_of(Thing(name="unfinished"))])
    names = [f"t{n}" for n in range(35, 45)] + ["unfinished", 'no"such', "t1"]
    found = store.get_all(Thing, names)
    assert found == {f"t{n}": Thing(name=f"t{n}", size=n) for n in (1, 35, 36, 37, 38, 39)}
    assert store.get_all(Board, names) == {} and store.get_all(Thing, []) == {}


def test_keys_are_those_of_the_row_that_stands(store):
    store.begin([row_of(Thing(name="a", colour="red"), Slot(series="ab" * 8, book=1, number=1))])
    keep(store, Thing(name="a", colour="blue"), Thing(name="b", colour="blue"))
    assert store.find(Thing, {"colour": "red"})[0] == [Thing(name="a")]
    assert store.find(Thing, {"colour": "blue"})[0] == [Thing(name="b", colour="blue")]


def test_a_row_is_seen_only_once_its_frame_is_durable(store):
    thing = Thing(name="a")
    store.begin([row_of(thing)])
    assert store.get(Thing, "a") is None
    assert store.find(Thing, {"colour": "red"})[0] == []
    assert store.rows([("thing", "a")])["thing", "a"].place is None
    store.finish({("thing", "a"): PLACE})
    assert store.get(Thing, "a") == thing
    assert store.find(Thing, {"colour": "red"})[0] == [thing]
    assert store.rows([("thing", "a")])["thing", "a"].place == PLACE


def test_whoever_begins_second_gets_the_first_row(store):
    store.begin([row_of(Thing(name="a", says="first"))])
    standing = store.begin([row_of(Thing(name="a", says="second")), row_of(Thing(name="b"))])
    assert [Thing.read(row.body).says for row in standing] == ["first", ""]


def test_a_placed_row_finishes_an_unfinished_one_of_equal_digest_only(store):
    store.begin([row_of(Thing(name="a", says="first"))])
    store.begin([row_of(Thing(name="a", says="other"), place=PLACE)])
    assert store.get(Thing, "a") is None
    store.begin([row_of(Thing(name="a", says="first"), place=PLACE)])
    assert store.get(Thing, "a").says == "first"


def test_find_by_exact_value_and_range_in_pages(store):
    keep(store, *[Thing(name=f"t{n:02}", size=n, colour="red" if n % 2 else "blue") for n in range(10)])
    names, cursor = [], ""
    while True:
        page, cursor = store.find(Thing, {"colour": "red"}, order="size", cursor=cursor, limit=2)
        names += [each.name for each in page]
        if not cursor:
            break
    assert names == ["t01", "t03", "t05", "t07", "t09"]
    found, _ = store.find(Thing, {"size": (3, 6)}, order="-size")
    assert [each.size for each in found] == [6, 5, 4, 3]
    found, _ = store.find(Thing, {"size": (None, 3), "colour": "blue"})
    assert [each.size for each in found] == [0, 2]
    assert store.find(Thing, {}, limit=4)[1] != ""


def test_pages_without_order_and_backwards_lose_nothing(store):
    keep(store, *[Thing(name=f"t{n:02}", size=n // 3) for n in range(10)])
    for order in ("", "size", "-size"):
        seen, cursor = [], ""
        while True:
            page, cursor = store.find(Thing, {}, order=order, cursor=cursor, limit=3)
            seen += [each.name for each in page]
            if not cursor:
                break
        assert sorted(seen) == [f"t{n:02}" for n in range(10)], order
        assert len(seen) == 10


def test_count_by_declared_key(store):
    keep(store, Thing(name="a"), Thing(name="b", colour="blue"), Thing(name="c", colour="blue", size=5))
    assert store.count(Thing, {}, by="colour") == {"red": 1, "blue": 2}
    assert store.count(Thing, {"size": (2, None)}) == {"": 1}
    assert store.count(Thing, {"colour": "blue"}, by="size") == {1: 1, 5: 1}


def test_a_newer_view_stands_whatever_comes_later(store):
    store.show([Board(name="x", version=2, state="closed")])
    store.show([Board(name="x", version=1, state="open")])
    assert store.get(Board, "x").state == "closed"
    assert store.count(Board, {}, by="state") == {"closed": 1}
    store.show([Board(name="x", version=3, state="open")])
    assert store.find(Board, {"state": "closed"})[0] == []


def test_search_finds_words_phrases_and_chinese(store):
    store.show([Board(name="x", version=1, words="Your parcel is waiting 您的帳戶已被暫停")])
    store.show([Board(name="y", version=1, words="an invoice of March")])
    assert [each.name for each in store.search(Board, "parcel waiting")] == ["x"]
    assert [each.name for each in store.search(Board, "帳戶已")] == ["x"]
    assert [each.name for each in store.search(Board, "帳戶")] == ["x"]
    assert store.search(Board, 'parcel" or "invoice') == []
    store.show([Board(name="x", version=2, words="quite different")])
    assert store.search(Board, "parcel") == []
    store.show([Board(name="x", version=3, words="quite different", state="closed")])
    assert [each.state for each in store.search(Board, "quite different")] == ["closed"]
    store.show([Board(name="x", version=4)])
    assert store.search(Board, "different") == []


def test_forget_removes_every_row_of_an_owner(store):
    keep(store, Thing(name="a", says="secret"), Thing(name="b"))
    assert store.forget([("thing", "a")]) == 1
    assert store.get(Thing, "a") is None and store.get(Thing, "b") is not None
    assert store.find(Thing, {"colour": "red"})[0] == [Thing(name="b")]


def test_forgotten_bytes_are_gone_from_the_file(tmp_path):
    store = open_store(tmp_path / "s.sqlite")
    keep(store, Thing(name="a", says="a-very-secret-word"))
    store.show([Board(name="x", version=1, words="another-secret-word")])
    store.forget([("thing", "a"), ("house", "")])
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"a-very-secret-word" not in left and b"another-secret-word" not in left


def test_positions_are_remembered(store):
    assert store.position("s") == (0, 0)
    store.advance("s", 1, 57)
    store.advance("s", 2, 99)
    assert store.position("s") == (2, 99)


def test_together_happens_wholly_or_not_at_all(store):
    with pytest.raises(RuntimeError), store.together():
        store.advance("s", 1, 1)
        keep(store, Thing(name="a"))
        raise RuntimeError
    assert store.position("s") == (0, 0) and store.get(Thing, "a") is None


def test_a_store_of_a_newer_lapwing_is_refused(tmp_path):
    from intake.errors import Refused
    from intake.sqlite import Database

    Database(tmp_path / "n.sqlite", {"p": ("create table a (x)", "create table b (x)")}).run("select 1")
    with pytest.raises(Refused, match="newer"):
        Database(tmp_path / "n.sqlite", {"p": ("create table a (x)",)}).run("select 1")


class List(Record, frozen=True):
    kind = "list"
    key_field = "name"
    sealed_under = ("thing", "owner")
    indexed = ("owner", "words")
    name: str
    owner: str = ""
    words: tuple[str, ...] = ()


def test_a_key_with_several_values_matches_by_each_of_them(store):
    lists = [
        List(name="a", owner="o", words=("one", "two", "two")),
        List(name="b", owner="p", words=("two",)),
        List(name="c"),
    ]
    store.begin([row_of(each, Slot(series="ab" * 8, book=1, number=1)) for each in lists])
    store.finish({("list", each.name): PLACE for each in lists})
    assert [each.name for each in store.find(List, {"words": "two"})[0]] == ["a", "b"]
    assert [each.name for each in store.find(List, {"words": "one", "owner": "o"})[0]] == ["a"]
    assert store.find(List, {"words": "on"})[0] == []
    assert store.count(List, {}, by="words") == {"one": 1, "two": 2}
    store.forget([("thing", "o")])
    assert [each.name for each in store.find(List, {"words": "two"})[0]] == ["b"]
    assert store.find(List, {"words": "one"})[0] == []
