"""Intake in any order of events: a state machine of Hypothesis on a whole house, with a small model beside it (P22).

Rules hand in, repeat, add, withdraw, work, fail and die in the middle, hold, erase, end retention, restart, rebuild.
After every rule the vault, the store, the receipts and the list of work are held against the model; once all work is
done, so are reports, cases and the people that these count.
"""

import itertools
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from intake.archive import Erasure, LegalHold
from intake.feed import ACCOUNT
from intake.outcomes import reference_of
from intake.parsing import Parser
from intake.record import name_of
from intake.report import Report, Reporter
from intake.store import every
from intake.submission import REST, Envelope, Submission, Told, Unpacked
from tests.contract import states_mail as mails
from tests.contract.states_house import FEED, FEED_ADDRESS, Death, StatesHouse, all_of
from tests.contract.states_judge import Judged
from tests.contract.states_mail import Item, item
from tests.contract.states_model import Handed, Model
from triage.case import Case, Filing
from triage.fold import CaseView
from triage.stream import current

PEOPLE = ("rita@mail.example", "omar@web.example", "lee@home.example")
PEER = "198.51.100.20"
NETWORK = f"[{PEER}]"
LOSSES = ("300 EUR", "TWD 20,000")
WORKING = ("archive.keep_all", "writer.commit", "work.put", "work.done", "receipts.unpacked", "receipts.filed")
ERASING = ("archive.keep_all", "archive.carry_out", "store.forget", "work.done", "receipts.erased", "outcomes.forget",
           "idempotency.forget", "store.add", "reader.drop_keys")  # fmt: skip
numbers = st.integers(0, mails.MESSAGES - 1)
some = st.lists(numbers, min_size=1, max_size=3, unique=True)
people = st.sampled_from(PEOPLE)
any_ = st.integers(0, 1 << 20)
calls = st.integers(1, 6)


def has(what: str) -> Any:
    """The rule needs something of that to be in the model."""
    return precondition(lambda self: bool(getattr(self.model, what)))


class States(Judged):
    """See the module; `parser` is shared by all machines, `deaths` counts those of all."""

    parser: ClassVar[Parser]
    deaths: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.house = StatesHouse(Path(self._folder.name), self.parser)
        self.model, self.calm = Model(), False
        self._tokens = (f"planted{number:05}token" for number in itertools.count())

    def teardown(self) -> None:
        try:
            self.settle()
            self.rebuild()
            assert self.house.problems() == []
        finally:
            self.house.end()
            self._folder.cleanup()

    # -- what comes in

    def _came(self, id_: str, data: bytes, who: str, public: bool, token: str, **more: Any) -> None:
        more.setdefault("ref", id_)
        digest = sha256(data).hexdigest()
        self.model.take(Handed(id_, sha256=digest, who=who, public=public, token=token, day=self._day(), **more))
        self.calm = False

    def _day(self) -> Any:
        return self.house.moment.date()

    def _mailed(self, who: str, data: bytes, token: str, **more: Any) -> None:
        envelope = Envelope(mail_from=who, rcpt_to=("report@lapwing.example",), peer=PEER)
        self._came(self.house.hand_in("smtp", envelope, data), data, who, True, token, **more)

    def _typed(self, contact: str, data: bytes, token: str, told: Told, **more: Any) -> str:
        id_ = self.house.hand_in("upload", Envelope(peer=PEER, told=told), data, f"{token}.eml" if data else token)
        self._came(id_, data, contact or NETWORK, True, token, **more)
        return id_

    @rule(who=people, which=some)
    def forward(self, who: str, which: list[int]) -> None:
        token = next(self._tokens)
        self._mailed(who, mails.forward(token, which), token, items=tuple(map(item, which)))

    @rule(which=some)
    def arf(self, which: list[int]) -> None:
        token = next(self._tokens)
        data = mails.arf(token, which)
        envelope = Envelope(mail_from="abuse@isp.example", rcpt_to=(FEED_ADDRESS,), peer=PEER)
        id_ = self.house.hand_in("smtp", envelope, data)
        self._came(id_, data, ACCOUNT + FEED, False, token, items=tuple(map(item, which)))

    @rule(who=people)
    def bounce(self, who: str) -> None:
        token = next(self._tokens)
        self._mailed(who, mails.bounce(token), token)

    @rule(who=people, number=numbers, loss=st.sampled_from(("", *LOSSES)))
    def file(self, who: str, number: int, loss: str) -> None:
        told = Told(how="file", contact=f"web-{who}", loss=loss)
        self._typed(told.contact, mails.spam(number), next(self._tokens), told, items=(item(number, loss),))

    @rule(who=st.sampled_from(("", *PEOPLE)), loss=st.sampled_from(LOSSES))
    def words_only(self, who: str, loss: str) -> None:
        told = Told(how="text", contact=who and f"web-{who}", loss=loss)
        self._typed(told.contact, b"", next(self._tokens), told, items=(Item(mails.NOTHING, loss),))

    @rule(key=st.sampled_from("abc"), content=st.sampled_from("rs"))
    def by_key(self, key: str, content: str) -> None:
        """The API of feeds, with an idempotency key: the same again is not kept again, other bytes are refused."""
        token = f"planted{key}{content}token"
        data = mails.rows(token) if content == "r" else mails.arf(token, [0, 1])
        known = self.model.keys.get(key)
        repeated, failure = self.house.hand_in_by_key(key, data, f"{token}.csv" if content == "r" else f"{token}.eml")
        if known:
            assert repeated == (known[1] == sha256(data).hexdigest()) == (failure is None), (known, failure)
            return
        assert not repeated and failure is None, failure
        new = [each for each in all_of(self.house.truth(), Submission) if each.id not in self.model.handed]
        (submission,) = [each for each in new if each.id not in self.model.erased]
        items = () if content == "r" else (item(0), item(1))
        self._came(submission.id, data, ACCOUNT + FEED, False, token, ref=reference_of(submission), items=items,
                   rows=content == "r")  # fmt: skip
        self.model.keys[key] = (submission.id, submission.sha256)

    @has("handed")
    @rule(
        at=any_, adds=st.sampled_from(("loss", "original", "withdrawal")), number=numbers, loss=st.sampled_from(LOSSES)
    )
    def add(self, at: int, adds: str, number: int, loss: str) -> None:
        """By the reference of anything that was handed in, also by feeds, and of additions."""
        of = self._pick(list(self.model.handed), at)
        data = mails.spam(number) if adds == "original" else b""
        told = Told(of=of, adds=adds, loss=loss if adds == "loss" else "")  # type: ignore[arg-type]
        items = {"original": (item(number),), "loss": (Item(mails.NOTHING, loss),), "withdrawal": ()}[adds]
        root = self.model.root(self.model.handed[of])
        who = root.who if root and root.public else NETWORK
        id_ = self._typed("", data, next(self._tokens), told, items=items, of=of, adds=adds, alone=NETWORK)
        self.model.handed[id_].who = who

    def _pick(self, names: list[str], at: int) -> str:
        return names[at % len(names)]

    # -- what is done with it

    @rule(turns=st.integers(1, 4))
    def work(self, turns: int) -> None:
        self.calm = False
        for _ in range(turns):
            self.house.work()

    @rule()
    def settle(self) -> None:
        self.house.settle()
        self.calm = True

    @rule(what=st.sampled_from(WORKING), call=calls, after=st.booleans(), times=st.integers(1, 8))
    def fail(self, what: str, call: int, after: bool, times: int) -> None:
        """A step fails, perhaps until it is put on hold."""
        self.calm = False
        for _ in range(times):
            self.house.follow()
            if what != "work.done":  # of the line itself, which then dies
                with self.house.breaking(what, call, RuntimeError(), after):
                    self.house.turn()
            self.house.move(10.0)

    @rule(what=st.sampled_from(WORKING), call=calls, after=st.booleans())
    def die(self, what: str, call: int, after: bool) -> None:
        self.calm = False
        with self.house.breaking(what, call, Death(), after):
            for _ in range(10):
                self.house.work()
        self._after_death()

    def _after_death(self) -> None:
        if self.house.dead:
            States.deaths += 1
            self.house.reopen()

    @rule()
    def retry(self) -> None:
        for each in self.house.house.work.held():
            assert self.house.house.work.retry(each.step, each.key)
            self.calm = False

    @rule(seconds=st.sampled_from((1.0, 400.0, 4000.0, 86_400.0 * 4)))
    def wait(self, seconds: float) -> None:
        self.house.move(seconds)

    @rule()
    def reopen(self) -> None:
        self.house.reopen()
        self.calm = False

    @rule()
    def rebuild(self) -> None:
        """An empty store is filled with the same records, and the cases are the same."""
        calm = self.calm and not self.house.house.work.held()
        before, views = self.house.in_store(), self._views()
        self.house.rebuild()
        after = self.house.in_store()
        assert before.items() <= after.items()
        if calm:
            assert after == before and self._views() == views
            assert not self.house.house.work.waiting()
        self.calm = calm

    def _views(self) -> dict[str, tuple[Any, ...]]:
        views = every(self.house.house.store, CaseView, {})
        return {each.id: (each.reports, each.reporters, each.members, each.merged_into, each.state) for each in views}

    # -- what may not go, and what goes

    @has("handed")
    @rule(kind=st.sampled_from(("submission", "reporter", "case")), at=any_)
    def hold(self, kind: str, at: int) -> None:
        type_ = {"submission": Submission, "reporter": Reporter, "case": Case}[kind]
        known = {each.key for each in every(self.house.house.store, type_, {})}
        names = [each for each in self.model.handed if each in known] if kind == "submission" else sorted(known)
        if names:
            owner = (kind, self._pick(names, at))
            made = LegalHold(id=name_of("hold", str(self.steps)), owner=" ".join(owner), reason="court", by="test",
                             at=self.house.moment)  # fmt: skip
            self.house.house.archive.keep(made)
            self.model.holds[made.id] = owner

    @has("holds")
    @rule(at=any_)
    def lift(self, at: int) -> None:
        id_ = self._pick(list(self.model.holds), at)
        kind, name = self.model.holds.pop(id_)
        end = LegalHold(id=name_of("lift", id_), owner=f"{kind} {name}", reason="over", by="test",
                        at=self.house.moment, lifted=id_)  # fmt: skip
        self.house.house.archive.keep(end)

    @has("handed")
    @rule(at=any_, what=st.sampled_from((*ERASING, "")), call=st.integers(1, 3), after=st.booleans())
    def erase_submission(self, at: int, what: str, call: int, after: bool) -> None:
        known = {each.id for each in every(self.house.house.store, Submission, {})}
        names = [each for each in self.model.handed if each in known]
        if names:
            id_ = self._pick(names, at)
            self._erase("submission", id_, {id_} | self._added(id_), (what, call, after))

    def _added(self, id_: str) -> set[str]:
        """What is known to add to it."""
        return {each for each in self.model.handed if self._adds_to(each, id_)}

    def _adds_to(self, id_: str, root: str) -> bool:
        from intake.submission import Addition

        made = self.house.house.archive.get(Addition, id_)
        return made is not None and made.of == root

    @rule(at=any_, what=st.sampled_from((*ERASING, "")), call=st.integers(1, 3), after=st.booleans())
    def erase_reporter(self, at: int, what: str, call: int, after: bool) -> None:
        people = sorted((each.address, each.id) for each in every(self.house.house.store, Reporter, {}))
        if people:
            who, id_ = people[at % len(people)]
            theirs = {each.submission for each in every(self.house.house.store, Unpacked, {"reporter": id_})}
            self._erase("reporter", id_, theirs, (what, call, after))
            if id_ not in {each.id for each in every(self.house.house.store, Reporter, {})}:
                self.model.forget({who})

    def _erase(self, kind: str, name: str, gone: set[str], broken: tuple[str, int, bool]) -> None:
        """Erase it, perhaps dying in the middle; all of `gone` went, or none and a hold stood in the way."""
        what, call, after = broken
        more = self._theirs(gone, self.house.house.archive.get(Reporter, name) if kind == "reporter" else None)
        must, may = self._held(kind, name, gone), self._held(kind, name, more)
        done = False
        if what:
            with self.house.breaking(what, call, Death(), after):
                done = self.house.erase(kind, name)
        else:
            done = self.house.erase(kind, name)
        died = self.house.dead
        self._after_death()
        erased = self._note_erased()
        assert not erased or gone <= erased <= more, (erased, gone, more)
        assert gone <= erased or not done
        assert not (must and erased) and (may or died or done)
        self.calm = self.calm and not died

    def _theirs(self, gone: set[str], reporter: Reporter | None) -> set[str]:
        """What may go with it: what was added to it, and all that the reporter handed in."""
        theirs = {id_ for id_, each in self.model.handed.items() if reporter and each.who == reporter.address}
        return (gone | theirs).union(*(self.model.below(each) for each in gone | theirs))

    def _note_erased(self) -> set[str]:
        """The model learns what is gone by the kept records of it."""
        found = all_of(self.house.truth(), Erasure)
        named = {name for each in found for kind, name in each.owners if kind == "submission"}
        new = named & set(self.model.handed)
        for each in new:
            self.model.erase(each)
        return new

    def _held(self, kind: str, name: str, gone: set[str]) -> bool:
        """Whether a hold stands on it, on a submission of it, on who handed one in, or on a case of one."""
        model, archive = self.model, self.house.house.archive
        if model.held(kind, name) or any(model.held("submission", each) for each in gone):
            return True
        reports = [one for each in gone for one in every(archive.store, Report, {"submission": each})]
        unpacked = archive.get_all(Unpacked, gone).values()
        if any(model.held("reporter", each.reporter) for each in (*reports, *unpacked)):
            return True
        cases = {each.case for each in archive.get_all(Filing, [one.id for one in reports]).values()}
        return any(model.held("case", each) for case in cases for each in (case, current(archive, case).id))

    @precondition(lambda self: self.calm)
    @rule()
    def end_retention(self) -> None:
        """What is due goes, but for what is held; nothing else goes."""
        archive, today = self.house.house.archive, self._day()
        kept_as = {id_: self._class(id_) for id_ in self.model.handed}
        due = self.model.due(today, kept_as)
        held = {each for each in due if self._held("submission", each, {each})}
        self.house.end_retention()
        gone = self._note_erased()
        assert gone >= due - held and gone <= due, (due, held, gone)
        assert all(self._held("submission", each, {each}) for each in due - gone)
        left = {each.address for each in every(archive.store, Reporter, {})}
        self.model.forget({each.who for each in self.model.erased.values()} - left)

    def _class(self, id_: str) -> str:
        handed = self.model.handed[id_]
        unpacked = self.house.house.archive.get(Unpacked, id_)
        if unpacked is not None:
            carried = any(each.report or each.code == "rows" for each in unpacked.verdicts)
            assert carried or unpacked.kept_as in (REST, "public", "isp")
            return unpacked.kept_as
        return "public" if handed.public else "isp"
