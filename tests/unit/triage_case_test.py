"""Cases: joining does not depend on order, nothing is counted twice, streams end and go on, people decide."""

import random
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrichment.examination import Examination
from intake.errors import Refused, Temporary
from intake.report import Claims, Report
from tests.triage_house import AT, SECRET, House, mail, reported
from triage import decide
from triage.assess import concerned, fold_anew, refill, refold
from triage.case import Case, CaseEvent, Claim, DistinctReporter, Filing, Merge
from triage.fold import CaseView
from triage.join import join
from triage.key import JoinKey
from triage.stream import append, catch_up, current, view_of

PARCEL = "Your parcel waits at customs. Please pay the fee of 1.99 EUR through the link below within 24 hours: "
BULB = "Our bulbs are the best of the country, and this week the price of ten bulbs is that of eight only: "


def keys(*names: str) -> list[JoinKey]:
    return [JoinKey(family="domain", hash=name) for name in names]


def test_a_second_report_of_a_campaign_joins_the_first() -> None:
    house = House()
    first = reported(house, mail(PARCEL + "http://post.pay-fee.test/1"), "one")
    second = reported(house, mail(PARCEL + "http://post.pay-fee.test/2"), "two")
    other = reported(house, mail(BULB + "http://bulbs.test/"), "three")
    house.assess(first, second, other)
    assert house.partition([first, second, other]) == {frozenset({first, second}), frozenset({other})}
    view = house.case_of(first)
    assert (view.reports, view.reporters) == (2, 2)
    assert house.get(Case, view.id).first_report == first
    assert "pay-fee.test" in dict(house.get(Filing, second).says).values()


def test_fifty_reports_of_one_person_are_one_reporter() -> None:
    house = House()
    found = [reported(house, mail(PARCEL + f"http://pay-fee.test/{n}", f"Notice {n}"), "one") for n in range(50)]
    house.assess(*found)
    view = house.case_of(found[0])
    assert (view.reports, view.reporters) == (50, 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sets(st.integers(0, 14), min_size=1, max_size=3), min_size=2, max_size=14),
    st.integers(0, 2**32),
    st.data(),
)
def test_the_partition_does_not_depend_on_the_order(sets: list[set[int]], seed: int, data: st.DataObject) -> None:
    reports = [(f"r{at}", keys(*(f"k{each}" for each in sorted(found)))) for at, found in enumerate(sets)]
    wanted = _components(dict(zip((name for name, _ in reports), sets, strict=True)))
    shuffled = list(reports)
    random.Random(seed).shuffle(shuffled)
    house = House()
    batch = data.draw(st.integers(1, len(shuffled)))
    for at in range(0, len(shuffled), batch):
        join(house, shuffled[at : at + batch], AT)  # type: ignore[arg-type]
    for placed in (join(house, shuffled, AT),):  # type: ignore[arg-type]
        groups: dict[str, set[str]] = {}
        for each in placed:
            groups.setdefault(each.case, set()).add(each.report)
        assert {frozenset(group) for group in groups.values()} == wanted


def _components(sets: dict[str, set[int]]) -> set[frozenset[str]]:
    groups: list[tuple[set[str], set[int]]] = []
    for name, found in sets.items():
        touching = [each for each in groups if each[1] & found]
        groups = [each for each in groups if not each[1] & found]
        names, all_keys = {name}, set(found)
        for other_names, other_keys in touching:
            names |= other_names
            all_keys |= other_keys
        groups.append((names, all_keys))
    return {frozenset(names) for names, _ in groups}


def test_a_report_that_meets_two_cases_makes_them_one() -> None:
    house = House()
    one = reported(house, mail("Buy now at http://alpha-shop.test/ this week"), "one")
    two = reported(house, mail("Look at http://beta-shop.test/ for more of it"), "two")
    house.assess(one)
    house.assess(two)
    assert house.case_of(one).id != house.case_of(two).id
    bridge = reported(house, mail("See http://alpha-shop.test/ and http://beta-shop.test/ today"), "three")
    house.assess(bridge)
    view = house.case_of(bridge)
    assert house.case_of(one).id == house.case_of(two).id == view.id
    assert (view.reports, view.reporters, len(view.members)) == (3, 3, 1)
    [merge] = [each for each in house.kept if isinstance(each, Merge)]
    assert merge.into < merge.id and merge.report == bridge
    gone = view_of(house, merge.id)  # type: ignore[arg-type]
    assert gone.state == "merged" and gone.merged_into == view.id


def test_a_reporter_of_both_cases_counts_once_after_the_merge() -> None:
    house = House()
    one = reported(house, mail("Buy now at http://alpha-shop.test/ this week"), "same")
    two = reported(house, mail("Look at http://beta-shop.test/ for more of it"), "same")
    bridge = reported(house, mail("See http://alpha-shop.test/ and http://beta-shop.test/ today"), "same")
    for each in (one, two, bridge):
        house.assess(each)
    view = house.case_of(bridge)
    assert (view.reports, view.reporters) == (3, 1)


def test_assessing_again_changes_nothing() -> None:
    house = House()
    found = [reported(house, mail(PARCEL + f"http://pay-fee.test/{n}", f"Notice {n}"), f"p{n % 3}") for n in range(6)]
    house.assess(*found)
    before, view = [each.digest for each in house.kept], house.case_of(found[0])
    house.assess(*found)
    house.assess(*reversed(found))
    assert [each.digest for each in house.kept if each.kind != "report"] == [
        digest for digest, each in zip(before, house.kept, strict=True) if each.kind != "report"
    ]
    assert house.case_of(found[0]) == view


@pytest.mark.parametrize("dies_at", range(1, 7))
def test_a_death_between_any_two_writes_loses_and_doubles_nothing(dies_at: int) -> None:
    """The report that merges two cases is run, dies before a keep or a show, and is run again."""
    house = House()
    one = reported(house, mail("Buy now at http://alpha-shop.test/ this week"), "one")
    two = reported(house, mail("Look at http://beta-shop.test/ for more of it"), "two")
    house.assess(one)
    house.assess(two)
    bridge = reported(house, mail("See http://alpha-shop.test/ and http://beta-shop.test/ today"), "three")
    keep_all, show, calls = house.keep_all, house.store.show, count(1)

    def dying(what):  # type: ignore[no-untyped-def]
        def call(*args):  # type: ignore[no-untyped-def]
            if next(calls) == dies_at:
                raise ConnectionAbortedError
            return what(*args)

        return call

    house.keep_all, house.store.show = dying(keep_all), dying(show)  # type: ignore[method-assign]
    try:
        house.assess(bridge)
    except ConnectionAbortedError:
        pass
    house.keep_all, house.store.show = keep_all, show  # type: ignore[method-assign]
    house.assess(bridge)
    view = house.case_of(bridge)
    assert house.case_of(one).id == house.case_of(two).id == view.id
    assert (view.reports, view.reporters) == (3, 3)
    assert sum(each.what == "filed" for each in house.kept if isinstance(each, CaseEvent)) == 3


def test_an_event_behind_the_end_of_a_stream_is_void_and_goes_on() -> None:
    """Somebody ended the stream while we tried several numbers at once: what we wrote behind the end does not count."""
    house = House()
    late = [CaseEvent(case="c2", n=0, cause=f"person-{n}", what="claimed", by=f"p{n}", at=AT) for n in range(2)]
    keep_all = house.keep_all

    def first_ended(records):  # type: ignore[no-untyped-def]
        house.keep_all = keep_all  # type: ignore[method-assign]
        end = CaseEvent(case="c2", n=1, cause="c2/c1", what="merged", codes=(("into", "c1"),), at=AT)
        keep_all([end])
        return keep_all(records)

    house.keep_all = first_ended  # type: ignore[method-assign,assignment]
    kept = append(house, late)  # type: ignore[arg-type]
    assert {each.case for each in kept} == {"c1"}
    assert append(house, late) == kept  # type: ignore[arg-type]
    assert [each.what for each in house.events("c1")] == ["claimed", "claimed"]


def test_a_view_waits_for_a_filing_that_is_still_being_kept() -> None:
    house = House()
    found = reported(house, mail(PARCEL + "http://pay-fee.test/"), "one")
    house.keep_all([CaseEvent(case="c1", n=1, cause=found, what="filed", at=AT)])
    assert catch_up(house, ["c1"])["c1"].version == 0  # type: ignore[arg-type]
    house.keep_all([CaseEvent(case="c3", n=1, cause="erased-since", what="filed", at=AT)])
    view = catch_up(house, ["c3"])["c3"]  # type: ignore[arg-type]
    assert (view.version, view.reports) == (1, 0)


def test_a_rebuilt_store_has_the_same_partition_and_views() -> None:
    house = House()
    found = [reported(house, mail(PARCEL + f"http://pay-fee.test/{n}", f"Notice {n}"), f"p{n}") for n in range(3)]
    found.append(reported(house, mail(BULB + "http://bulbs.test/"), "p9"))
    for each in found:
        house.assess(each)
    again = House()
    again.keep_all(house.kept)
    refill(again.store, [each for each in house.kept if isinstance(each, Filing)])
    refold(again)  # type: ignore[arg-type]
    assert again.partition(found) == house.partition(found)
    assert again.case_of(found[0]) == house.case_of(found[0])
    later = reported(again, mail(PARCEL + "http://pay-fee.test/new"), "p7")
    again.assess(later)
    assert again.case_of(later).id == house.case_of(found[0]).id


def test_claims_are_won_once() -> None:
    house = House()
    [first] = join(house, [("r1", keys("k"))], AT)  # type: ignore[arg-type]
    [second] = join(house, [("r2", keys("k", "m"))], AT)  # type: ignore[arg-type]
    assert first.won == ("domain:k",) and second.met == (("domain:k", first.case),)
    assert house.get(Claim, "domain:m").case == first.case
    assert second.case == first.case


def test_a_reporter_without_keys_stands_alone() -> None:
    house = House()
    one, two = reported(house, mail("hi"), "one"), reported(house, mail("hi"), "two")
    house.assess(one, two)
    assert house.case_of(one).id != house.case_of(two).id


def test_people_claim_release_close_reopen_and_override() -> None:
    house = House()
    report = reported(house, mail(BULB + "http://bulbs.test/"), "one")
    house.assess(report)
    case = house.case_of(report).id
    assert decide.claim(house, case, "mei", AT).state == "claimed"  # type: ignore[arg-type]
    with pytest.raises(Refused, match="claimed"):
        decide.claim(house, case, "kim", AT)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="claimed"):
        decide.release(house, case, "kim", AT)  # type: ignore[arg-type]
    assert decide.release(house, case, "mei", AT).claimed_by == ""  # type: ignore[arg-type]
    with pytest.raises(Refused, match="reason"):
        decide.close(house, case, "mei", " ", AT)  # type: ignore[arg-type]
    assert decide.close(house, case, "mei", "a shop", AT).state == "closed"  # type: ignore[arg-type]
    with pytest.raises(Refused, match="closed"):
        decide.close(house, case, "mei", "again", AT)  # type: ignore[arg-type]
    later = reported(house, mail(BULB + "http://bulbs.test/now"), "two")
    house.assess(later)
    assert (house.case_of(later).state, house.case_of(later).since_closed) == ("closed", 1)
    assert decide.reopen(house, case, "mei", "goes on", AT).state == "open"  # type: ignore[arg-type]
    view = decide.override(house, case, "mei", "concrete", "people lost money", AT)  # type: ignore[arg-type]
    assert view.band == "concrete" and view.rank_key.startswith("01-")
    assert decide.override(house, case, "mei", "", "no more", AT).band == "nuisance"  # type: ignore[arg-type]
    with pytest.raises(Refused, match="band"):
        decide.override(house, case, "mei", "terrible", "why", AT)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="no-such-case"):
        decide.claim(house, "cnone", "mei", AT)  # type: ignore[arg-type]


def test_the_same_request_twice_is_one_event() -> None:
    house = House()
    report = reported(house, mail(BULB + "http://bulbs.test/"), "one")
    house.assess(report)
    case = house.case_of(report).id
    decide.claim(house, case, "mei", AT, cause="request-1")  # type: ignore[arg-type]
    decide.claim(house, case, "mei", AT, cause="request-1")  # type: ignore[arg-type]
    assert [each.what for each in house.events(case)] == ["filed", "claimed"]


def test_two_who_claim_at_once_one_gets_it() -> None:
    house = House()
    report = reported(house, mail(BULB + "http://bulbs.test/"), "one")
    house.assess(report)
    case = house.case_of(report).id
    both = [CaseEvent(case=case, n=0, cause=each, what="claimed", by=each, at=AT) for each in ("mei", "kim")]
    append(house, both)  # type: ignore[arg-type]
    assert catch_up(house, [case])[case].claimed_by == "mei"  # type: ignore[arg-type]
    with pytest.raises(Refused, match="claimed"):
        decide.claim(house, case, "kim", AT, cause="kim")  # type: ignore[arg-type]


def test_events_hold_no_text_of_the_mail_or_of_people() -> None:
    house = House()
    report = reported(
        house, mail(PARCEL + "http://pay-fee.test/", "Secretive subject"), "one", Claims(note="I lost $500")
    )
    house.assess(report)
    case = house.case_of(report).id
    decide.close(house, case, "mei", "Peculiar wording", AT)  # type: ignore[arg-type]
    for each in house.kept:
        if isinstance(each, CaseEvent | Merge | Case):
            assert not any(word in each.body for word in (b"parcel", b"Secretive", b"Peculiar", b"pay-fee", b"500"))


def test_a_case_costs_the_same_however_large_it_is() -> None:
    """Reads and writes of the store for one more report, at the 10th and at the 200th."""
    house = House()
    costs = []
    for at in range(200):
        report = reported(house, mail(PARCEL + f"http://pay-fee.test/{at}", f"Notice {at}"), f"p{at}")
        calls = _counted(house)
        house.assess(report)
        costs.append(calls())
    assert house.case_of(report).reports == 200
    assert costs[199] <= costs[9] + 3


def _counted(house: House):  # type: ignore[no-untyped-def]
    database = house.store._db
    run, number = type(database).run, [0]

    def counting(sql, values=()):  # type: ignore[no-untyped-def]
        number[0] += 1
        return run(database, sql, values)

    database.run = counting  # type: ignore[method-assign]
    return lambda: number[0]


def test_a_known_reporter_who_tells_of_a_loss_later_is_heard_once() -> None:
    house = House()
    one = reported(house, mail(PARCEL + "http://pay-fee.test/1"), "kim")
    two = reported(house, mail(PARCEL + "http://pay-fee.test/2"), "kim", Claims(loss="NT$ 35,000"))
    three = reported(house, mail(PARCEL + "http://pay-fee.test/3"), "kim", Claims(loss="NT$ 35,000"))
    house.assess(one, two, three)
    view = house.case_of(one)
    assert (view.loss_reports, view.losses, view.reporters) == (1, {"TWD": 35_000}, 1)
    rows, _ = house.store.find(DistinctReporter, {"case": view.id})
    assert {row.reporter for row in rows} == {"kim", "kim/loss"}


def test_after_an_erasure_the_case_is_folded_anew_without_the_report() -> None:
    house = House()
    one = reported(house, mail("Buy now at http://alpha-shop.test/ this week"), "one", Claims(loss="500 EUR"))
    two = reported(house, mail("Look at http://beta-shop.test/ for more of it"), "two")
    bridge = reported(house, mail("See http://alpha-shop.test/ and http://beta-shop.test/ today"), "one")
    for each in (one, two, bridge):
        house.assess(each)
    before = house.case_of(bridge)
    cases = concerned(house, ["s-" + one])  # type: ignore[arg-type]
    house.store.forget([("submission", "s-" + one)])
    fold_anew(house, cases)  # type: ignore[arg-type]
    after = house.case_of(bridge)
    assert (before.reports, before.reporters, before.loss_reports) == (3, 2, 1)
    assert (after.reports, after.reporters, after.loss_reports, after.losses) == (2, 2, 0, {})
    assert after.version == before.version and after.id == before.id


def test_a_secret_of_another_house_gives_other_claims() -> None:
    house = House()
    reported_id = reported(house, mail(PARCEL + "http://pay-fee.test/1"), "kim")
    house.assess(reported_id)
    won = house.get(Filing, reported_id).won
    assert won and not any("pay-fee" in key for key in won) and SECRET.hex() not in "".join(won)
    assert isinstance(current(house, house.get(Filing, reported_id).case), CaseView)  # type: ignore[arg-type]


def test_a_report_that_is_not_examined_yet_waits_and_one_that_was_erased_does_not() -> None:
    house = House()
    report = reported(house, mail(PARCEL), "one")
    house.store.forget([house.get(Examination, f"{report}/1").under])
    kept = Report(id="r2", reporter="p", submission="s2", format="raw", source="submission", start=0, end=1, sha256="")
    house.keep(kept)
    with pytest.raises(Temporary):
        house.assess("r2")
    house.assess(report)
    assert house.get(Filing, report) is None
