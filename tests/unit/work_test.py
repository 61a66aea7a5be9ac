"""The lease table: nothing is lost, nothing is done twice at once, poison is held after three tries."""

import threading

import pytest

from intake.sqlite import Database
from intake.work import SCHEMA, Inline, LeaseTable


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def work(tmp_path, clock):
    return LeaseTable(Database(tmp_path / "w.sqlite", SCHEMA), clock)


def test_put_twice_is_once(work):
    work.put("unpack", ["a", "b"])
    work.put("unpack", ["a"])
    assert [item.key for item in work.take(10)] == ["a", "b"]


def test_what_is_on_hold_stays_there_whoever_puts_it(work):
    work.put("enrich", ["a"])
    (item,) = work.take(1)
    work.failed(item, "broken", for_good=True)
    work.put("enrich", ["a"])
    assert work.take(10) == [] and [each.key for each in work.held()] == ["a"]


def test_what_is_pending_and_what_is_soon(tmp_path, clock):
    work = LeaseTable(Database(tmp_path / "w.sqlite", SCHEMA), clock, "worker")
    work.put("unpack", ["a", "b"])
    later, held = work.take(10)
    work.put("acknowledge", ["a"])
    work.again(later, 60.0)
    work.failed(held, "broken", for_good=True)
    assert [work.pending("unpack", each.key) for each in (later, held)] == [True, False]
    assert work.soon(5.0) == {"acknowledge"} and work.soon(60.0) == {"acknowledge", "unpack"}
    work.take(10)
    assert work.soon(0.0) == {"acknowledge"}, "a worker has it"
    work.done("acknowledge", ["a"])
    assert not work.pending("acknowledge", "a") and work.soon(5.0) == set()


def test_what_is_taken_is_not_given_again_until_its_lease_runs_out(work, clock):
    work.put("unpack", ["a"])
    assert len(work.take(10, lease=60)) == 1
    assert work.take(10) == []
    clock.now += 61
    assert [item.attempts for item in work.take(10)] == [2]


def test_a_batch_holds_items_of_one_step_the_oldest_first(work, clock):
    work.put("enrich", ["e"])
    clock.now += 1
    work.put("unpack", ["u"])
    assert {item.step for item in work.take(10)} == {"enrich"}


def test_what_was_taken_before_comes_alone(work, clock):
    work.put("unpack", ["a", "b", "c"])
    assert len(work.take(10, lease=10)) == 3
    clock.now += 11
    work.put("unpack", ["new"])
    assert [item.key for item in work.take(10)] == ["new"]
    assert [len(work.take(10)) for _ in range(4)] == [1, 1, 1, 0]


def test_a_worker_that_starts_again_resumes_what_it_held(tmp_path, clock):
    path = tmp_path / "w.sqlite"
    first = LeaseTable(Database(path, SCHEMA), clock, "worker")
    other = LeaseTable(Database(path, SCHEMA), clock, "other")
    first.put("unpack", ["a", "b"])
    assert len(first.take(1)) == len(other.take(1)) == 1
    again = LeaseTable(Database(path, SCHEMA), clock, "worker")
    again.resume()
    assert [(item.key, item.attempts) for item in again.take(10)] == [("a", 2)]


def test_done_is_gone(work):
    work.put("unpack", ["a"])
    work.take(1)
    work.done("unpack", ["a"])
    assert work.waiting() == {} and work.held() == []


def test_three_failures_put_an_item_on_hold_with_its_reason(work, clock):
    work.put("unpack", ["a"])
    for attempt in (1, 2, 3):
        (item,) = work.take(1)
        assert item.attempts == attempt
        work.failed(item, "our fault: KeyError")
        clock.now += 60
    assert work.take(1) == []
    assert [(each.key, each.reason) for each in work.held()] == [("a", "our fault: KeyError")]
    assert work.waiting() == {}


def test_a_worker_that_dies_three_times_over_an_item_holds_it(work, clock):
    work.put("unpack", ["a"])
    for _ in range(3):
        assert len(work.take(1, lease=10)) == 1
        clock.now += 11
    assert work.take(1) == []
    assert "died" in work.held()[0].reason


def test_the_world_not_being_ready_costs_no_attempt(work, clock):
    work.put("unpack", ["a"])
    for _ in range(5):
        (item,) = work.take(1)
        work.again(item, after=30)
        assert work.take(1) == []
        clock.now += 31
    assert work.held() == []


def test_what_can_never_be_done_is_held_at_once(work):
    work.put("unpack", ["a"])
    work.failed(work.take(1)[0], "damaged", for_good=True)
    assert [each.reason for each in work.held()] == ["damaged"]


def test_a_person_takes_it_off_hold(work):
    work.put("unpack", ["a"])
    work.failed(work.take(1)[0], "damaged", for_good=True)
    assert work.retry("unpack", "a") and not work.retry("unpack", "b")
    assert [item.attempts for item in work.take(1)] == [1]


def test_two_workers_never_hold_the_same_item(tmp_path, clock):
    path = tmp_path / "w.sqlite"
    LeaseTable(Database(path, SCHEMA), clock).put("unpack", [str(n) for n in range(200)])
    taken = []

    def one():
        mine = LeaseTable(Database(path, SCHEMA), clock)
        while batch := mine.take(7):
            taken.extend(item.key for item in batch)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(n) for n in range(200)]


def test_inline_work_is_done_at_once():
    done = []
    Inline({"unpack": done.extend}).put("unpack", ["a", "b"])
    assert done == ["a", "b"]
