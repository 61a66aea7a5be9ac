"""Who gives way when all places of a door over HTTP are taken: at a clock that the test sets."""

import pytest

from intake.errors import Temporary
from intake.gate import Gate
from intake.places import BEHIND, DECENT, Place, Places

CODES = {each: (f"my-{each}", "says") for each in ("source", "network", "total")}


class Room:
    """Places for `total`, and a list of those who had to leave."""

    def __init__(self, total: int, per_source: int = 0) -> None:
        self.now, self.left = 100.0, list[str]()
        gate = Gate(lambda: self.now, per_source, total, 0)
        self.places = Places(lambda: self.now, gate, CODES)

    def enter(self, source: str, waited_for: bool = True) -> Place:
        place = self.places.enter(source)
        if waited_for:
            place.wait(lambda: self.left.append(source))
        else:
            place.work()
        return place

    def full_for(self, source: str) -> bool:
        try:
            self.enter(source)
        except Temporary as error:
            assert error.code == "my-total"
            return True
        return False


def test_a_source_has_so_many_and_no_more() -> None:
    room = Room(0, per_source=2)
    first = room.enter("192.0.2.1")
    room.enter("192.0.2.1")
    with pytest.raises(Temporary) as told:
        room.enter("192.0.2.1")
    assert told.value.code == "my-source"
    room.places.leave(first)
    room.enter("192.0.2.1")


def test_the_idle_one_of_the_largest_network_gives_way() -> None:
    room = Room(4)
    for source in ("198.51.100.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"):
        room.now += 1.0
        room.enter(source)
    assert not room.full_for("203.0.113.1")
    assert room.left == ["192.0.2.1"]


def test_who_comes_again_and_again_drives_out_its_own_kind() -> None:
    room = Room(3)
    for source in ("198.51.100.1", "192.0.2.1", "192.0.2.2"):
        room.enter(source)
        room.now += 1.0
    for number in range(3, 9):
        assert not room.full_for(f"192.0.2.{number}")
        room.now += 1.0
    assert room.left == [f"192.0.2.{number}" for number in range(1, 7)]


@pytest.mark.parametrize(("rate", "gives_way"), [(0, True), (500, True), (DECENT - 1000, True), (DECENT, False)])
def test_nobody_gives_way_who_sends_at_a_decent_rate(rate: int, gives_way: bool) -> None:
    room = Room(2)
    senders = [room.enter("192.0.2.1"), room.enter("192.0.2.2")]
    for _ in range(100):
        room.now += 0.5
        for each in senders:
            each.sent(rate // 2)
    assert room.full_for("198.51.100.1") is not gives_way


def test_of_two_senders_the_slower_one_gives_way() -> None:
    room = Room(2)
    fast, slow = room.enter("192.0.2.1"), room.enter("192.0.2.2")
    for _ in range(10):
        room.now += 1.0
        fast.sent(5000)
        slow.sent(500)
    assert not room.full_for("198.51.100.1")
    assert room.left == ["192.0.2.2"]


def test_who_was_told_all_goes_first_and_at_once() -> None:
    room = Room(3)
    for source in ("192.0.2.1", "192.0.2.2"):
        room.enter(source)
    told = room.enter("203.0.113.1")
    told.over(lambda: room.left.append("203.0.113.1"))
    assert not room.full_for("198.51.100.1")
    assert room.left == ["203.0.113.1"]


def test_who_waits_for_us_never_gives_way() -> None:
    room = Room(2)
    room.enter("192.0.2.1", waited_for=False)
    reading = room.enter("192.0.2.2")
    with reading.ours():
        room.now += 1000.0
        assert room.full_for("198.51.100.1")
    reading.sent(1)
    assert room.full_for("198.51.100.1")  # what it waited for us is none of its time
    room.now += 1.0
    assert not room.full_for("198.51.100.1")
    assert room.left == ["192.0.2.2"]


def test_nothing_is_owed_for_ever() -> None:
    """Who was silent for an hour, and is decent from then on, has made it good after a while."""
    room = Room(2)
    late = room.enter("192.0.2.1")
    room.enter("192.0.2.2", waited_for=False)
    room.now += 3600.0
    for _ in range(int(BEHIND) + 1):
        room.now += 1.0
        late.sent(2 * DECENT)
    assert room.full_for("198.51.100.1")


def test_a_place_that_was_taken_away_counts_no_more_whatever_is_done_with_it() -> None:
    room = Room(1)
    gone = room.enter("192.0.2.1")
    room.now += 1.0
    assert not room.full_for("198.51.100.1")
    room.places.move(gone, "203.0.113.1")
    room.places.leave(gone)
    next(iter(room.places._taken)).work()
    assert room.full_for("203.0.113.1")


def test_a_place_that_moves_counts_for_the_other_source() -> None:
    room = Room(0, per_source=1)
    proxy = room.places.enter("192.0.2.1", counted=False)
    room.places.enter("192.0.2.1", counted=False)
    room.places.move(proxy, "198.51.100.1")
    with pytest.raises(Temporary):
        room.enter("198.51.100.1")
    room.places.move(proxy, "192.0.2.1", counted=False)
    room.enter("198.51.100.1")
