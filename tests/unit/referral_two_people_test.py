"""P36: whatever people do, in whatever order, nothing is sent that two of them did not sign for, and nothing twice."""

import contextlib
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from intake.errors import Refused, Temporary
from referral.approval import valid
from referral.contact import verify
from referral.draft import Change, Wish
from referral.evidence import all_of
from referral.outbox import Parcel
from referral.package import Bundle
from referral.refer import approve, change, contacts, draft, newest_version, package, record_seal, send, withdraw
from referral.request import Approval, AssistanceRequest, Outcome
from tests.referral_house import KEYS, NOW, checkpoint, fresh, hand, signer

PEOPLE = tuple(sorted(KEYS))
person = st.sampled_from(PEOPLE)
other_key = st.sampled_from(("", "", "", *PEOPLE))
"""Mostly one's own."""
which = st.sampled_from((-1, -1, -1, 0, 1))
"""Mostly the newest."""
seldom = st.sampled_from((False,) * 5 + (True,))


class Line:
    """A way out that sometimes fails after it has taken the parcel."""

    def __init__(self) -> None:
        self.repeatable, self.fails, self.taken = True, False, []  # type: bool, bool, list[Parcel]

    def refuses(self, size: int) -> str:
        return ""

    def deliver(self, parcel: Parcel) -> str:
        self.taken.append(parcel)
        if self.fails:
            raise Temporary("the line is down")
        return "there"


class Referral(RuleBasedStateMachine):
    """People draft, edit, approve, seal, send and withdraw one request; some share a key or leave."""

    def __init__(self) -> None:
        super().__init__()
        self.home, self.archive, self.dossier = fresh()
        self.home = self.home._replace(keys={name: KEYS[name][1].hex() for name in PEOPLE})
        self.line = Line()
        self.bundles: list[tuple[str, Bundle]] = []
        self.now: datetime = NOW
        self.requests = [draft(self.home, self.dossier, hand("ana"), NOW, Wish()).id]

    def latest(self) -> AssistanceRequest:
        return newest_version(self.archive, self.requests[0])

    @rule(who=st.sampled_from(("ana", "ana", *PEOPLE)), word=st.sampled_from(("shop", "bank")), at=which, really=seldom)
    def edit(self, who: str, word: str, at: int, really: bool) -> None:
        if not really:
            return
        with contextlib.suppress(Refused):
            old = self.requests[min(at, len(self.requests) - 1)]
            new = change(self.home, old, self.dossier, [Change(number=17, value=word)], hand(who), self.now)
            self.requests.append(new.id)

    @rule(name=person, key=other_key, at=which)
    def sign(self, name: str, key: str, at: int) -> None:
        with contextlib.suppress(Refused):
            request = self.requests[min(at, len(self.requests) - 1)]
            approve(self.home, request, name, signer(key or name), self.now)

    @rule(who=person, key=other_key, at=which, fails=st.booleans())
    def rush(self, who: str, key: str, at: int, fails: bool) -> None:
        """One person does all that they can."""
        self.sign(who, key, at)
        self.seal(who, key, at, False)
        if self.bundles:
            self.post(who, -1, fails, True, "")

    @rule(who=person, word=st.sampled_from(("shop", "bank")))
    def edit_after_approval(self, who: str, word: str) -> None:
        self.sign(who, "", -1)
        self.edit("ana", word, -1, True)
        self.seal(who, "", -1, False)
        if self.bundles:
            self.post(who, -1, False, True, "")

    @rule(who=person, key=other_key, at=which, forget=seldom)
    def seal(self, who: str, key: str, at: int, forget: bool) -> None:
        with contextlib.suppress(Refused):
            request = self.requests[min(at, len(self.requests) - 1)]
            made = package(self.home, request, self.dossier.items, who, signer(key or who), self.now, checkpoint())
            self.bundles.append((request, made))
            if not forget:
                record_seal(self.home, request, made, who, self.now)

    @precondition(lambda self: self.bundles)
    @rule(who=person, at=which, fails=st.booleans(), repeatable=st.booleans(), word=st.text(max_size=3))
    def post(self, who: str, at: int, fails: bool, repeatable: bool, word: str) -> None:
        self.line.fails, self.line.repeatable = fails, repeatable
        request, bundle = self.bundles[min(at, len(self.bundles) - 1)]
        with contextlib.suppress(Refused, Temporary):
            send(self.home, request, bundle.data, who, self.now, self.line, word)

    @rule(who=person, really=seldom)
    def recall(self, who: str, really: bool) -> None:
        with contextlib.suppress(Refused):
            withdraw(self.home, self.requests[0], who, "settled" if really else "", self.now)

    @rule(gone=st.sampled_from(("", "", *PEOPLE)), twin=seldom)
    def staff(self, gone: str, twin: bool) -> None:
        """Who may approve changes; sometimes two names hold one key."""
        keys = {name: KEYS[name][1].hex() for name in PEOPLE if name != gone}
        if twin:
            keys["ben"] = KEYS["ana"][1].hex()
        self.home = self.home._replace(keys=keys)

    @rule(hours=st.integers(-5, 9))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(really=seldom)
    def move(self, really: bool) -> None:
        """The contact gets another address."""
        if really:
            self.archive.keep(verify(contacts(self.archive)[0], "new@authority.example", "chi", self.now))

    @invariant()
    def two_people_on_one_digest(self) -> None:
        outcome = self.archive.get(Outcome, self.requests[0])
        if self.line.taken:
            assert outcome is not None and outcome.what == "sent"
        if outcome is None or outcome.what != "sent":
            return
        request = self.archive.get(AssistanceRequest, outcome.request)
        assert request is not None and request.digest == outcome.digest
        wrote = {each.person for each in request.hands} | {each.public_key for each in request.hands}
        signed = [
            each for each in all_of(self.archive, Approval, {"request": request.id}) if each.digest == request.digest
        ]
        assert any(
            each.person not in wrote and each.public_key not in wrote and valid(each, each.public_key)
            for each in signed
        )

    @invariant()
    def one_parcel(self) -> None:
        assert len({(each.outcome.digest, each.data) for each in self.line.taken}) <= 1


TestReferral = Referral.TestCase
TestReferral.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
