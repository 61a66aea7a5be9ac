"""What must hold after every rule of `states_machine.py`: vault, store, receipts and work against the model; once all
work is done, also reports, cases and the people that these count.
"""

from hashlib import sha256
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition

from intake.archive import Erasure
from intake.report import Report, Reporter, Withdrawal
from intake.store import every
from intake.submission import Submission, Unpacked
from tests.contract.states_house import StatesHouse, Truth, all_of
from tests.contract.states_mail import Item
from tests.contract.states_model import RANKS, Handed, Known, Model
from triage.case import Case, Filing
from triage.stream import current


class Judged(RuleBasedStateMachine):
    """A machine that is judged; `calm` while all work is done, `steps` counts the rules of all machines."""

    house: StatesHouse
    model: Model
    calm: bool
    steps: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        Judged.steps += 1

    @invariant()
    def every_acknowledged_byte_is_kept_or_erased_with_a_record(self) -> None:
        Judged.steps += 1
        truth = self.house.truth()
        kept = {each.id: each for each in all_of(truth, Submission)}
        assert set(kept) == set(self.model.handed), set(kept) ^ set(self.model.handed)
        for id_, handed in self.model.handed.items():
            data = truth.bytes_of(kept[id_])
            assert data is not None and sha256(data).hexdigest() == handed.sha256, handed
        named = {name for each in all_of(truth, Erasure) for kind, name in each.owners if kind == "submission"}
        assert named >= set(self.model.erased)
        self._reports_are_what_they_may_be(truth)

    def _reports_are_what_they_may_be(self, truth: Truth) -> None:
        """No report twice, and none that nobody made; the store has what the vault has, and not more."""
        known = self._known(all_of(truth, Report), all_of(truth, Reporter))
        assert len(known) == len(set(known)), known
        assert set(known) <= self.model.may_be_reported(), set(known) - self.model.may_be_reported()
        stored = self.house.in_store()
        assert {name: sha256(truth.records[name]).hexdigest() for name in stored} == stored

    def _known(self, reports: list[Report], people: list[Reporter]) -> list[Known]:
        who = {each.id: each.address for each in people}
        return [(who[each.reporter], Item(each.sha256, each.claims.loss)) for each in reports]

    @invariant()
    def receipts_go_forward_and_say_no_more_than_is_so(self) -> None:
        archive, receipts = self.house.house.archive, self.house.house.receipts
        withdrawn = {each.submission for each in every(archive.store, Withdrawal, {})}
        for handed in self.model.handed.values():
            known = receipts.known(handed.ref)
            state = known.state if known else ""
            if state == RANKS[-1] and handed.ref in {each.ref for each in self.model.erased.values()}:
                state = ""  # of what came under its reference before
            forward = self.model.told(handed.ref, state)
            assert forward or self._withdrawn_in_vain(handed), (handed, state)
            filed = list(every(archive.store, Filing, {"submission": handed.id}))
            assert state != "filed" or filed
            assert not state or archive.get(Unpacked, handed.id) is not None
            if self.calm and not self.house.house.work.held():
                assert state, handed
                assert (state == "filed") == (bool(filed) and state != "withdrawn"), (handed, state)
                assert handed.of or handed.id not in withdrawn or state == "withdrawn", handed
        for handed in self.model.erased.values():
            known = receipts.known(handed.ref)
            assert handed.ref in {each.ref for each in self.model.handed.values()} or (
                known and known.state == RANKS[-1]
            )

    def _withdrawn_in_vain(self, handed: Handed) -> bool:
        """Whether it held no report, and what took it back was erased: nothing tells of that any more."""
        back = {each.of for each in self.model.erased.values() if each.adds == "withdrawal"}
        reported = list(every(self.house.house.store, Report, {"submission": handed.id}))
        return bool(back & {handed.id, *self.model.below(handed.id)}) and not reported

    @invariant()
    def what_was_erased_is_nowhere(self) -> None:
        whole = self.house.everything()
        alive = {each.token for each in self.model.handed.values()}
        for handed in self.model.erased.values():
            assert handed.token in alive or handed.token.encode() not in whole, handed
        left = {who for each in self.model.handed.values() for who in (each.who, each.alone)}
        for who in self.model.forgotten - left:
            assert who.encode() not in whole.replace(f"web-{who}".encode(), b""), who

    @invariant()
    def work_has_a_cause_and_what_is_unfinished_has_work(self) -> None:
        house = self.house.house
        gone = {each for each in self.model.erased if each not in self.model.handed}
        assert not gone & set(house.work.keys("unpack"))
        reports = {each.id for each in every(house.store, Report, {})}
        for step in ("enrich", "assess"):
            assert set(house.work.keys(step)) <= reports, step
        if self.calm:
            on_hold = {(each.step, each.key) for each in house.work.held()}
            for id_ in self.model.handed:
                assert house.archive.get(Unpacked, id_) is not None or ("unpack", id_) in on_hold, id_
            filed = {each.report for each in every(house.store, Filing, {})}
            held = {key for step, key in on_hold if step in ("enrich", "assess")}
            assert reports == filed | held

    @precondition(lambda self: self.calm)
    @invariant()
    def once_all_is_done_cases_count_people(self) -> None:
        archive = self.house.house.archive
        reports = {each.id: each for each in every(archive.store, Report, {})}
        who = {each.id: each.address for each in every(archive.store, Reporter, {})}
        back = {each.report for each in every(archive.store, Withdrawal, {})}
        cases: dict[str, set[str]] = {}
        for filing in every(archive.store, Filing, {}):
            if filing.report not in back:
                cases.setdefault(current(archive, filing.case).id, set()).add(filing.report)
        for case in every(archive.store, Case, {}):
            view = current(archive, case.id)
            inside = cases.get(view.id, set())
            people = {who[reports[each].reporter] for each in inside}
            assert (view.reports, view.reporters) == (len(inside), len(people)), view.id
        missing = self._missing(list(reports.values()), list(every(archive.store, Reporter, {})))
        assert not missing or self.model.erased or self.house.house.work.held(), missing

    def _missing(self, reports: list[Report], people: list[Reporter]) -> set[Known]:
        opened = {each.submission for each in every(self.house.house.store, Unpacked, {})}
        return self.model.must_be_reported(opened) - set(self._known(reports, people))
