"""The model of `states_machine.py`: what was handed in, by whom, and what must have become of it. Pure.

A report is known by its reporter, its message and the loss told of it; it belongs to the submission that was opened
first, which the model is told by `opened`, and goes when that goes.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from tests.contract.states_mail import NOTHING, Item

RANKS = ("", "unpacked", "filed", "withdrawn", "erased")
"""What the page of a receipt may say, in the order in which it may change; '' is received."""
PERIODS = {"public": 30, "isp": 20, "rest": 5}
Known = tuple[str, Item]
"""The reporter (their address as it is kept) and the item."""


@dataclass
class Handed:
    """One submission; `who` is its reporter, `public` their class, `ref` what its reference is made from."""

    id: str
    ref: str
    token: str
    sha256: str
    who: str
    public: bool
    day: date
    items: tuple[Item, ...] = ()
    rows: bool = False
    of: str = ""
    adds: str = ""
    alone: str = ""
    """Whose it is when it can't be added to anything."""


@dataclass
class Model:
    handed: dict[str, Handed] = field(default_factory=dict)
    erased: dict[str, Handed] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    """Reporters of whom nothing may be left."""
    holds: dict[str, tuple[str, str]] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Idempotency key -> (submission, SHA-256)."""
    ranks: dict[str, int] = field(default_factory=dict)
    """The highest that was said under a reference."""

    def take(self, handed: Handed) -> None:
        self.handed[handed.id] = handed
        self.forgotten.discard(handed.who)

    def forget(self, people: set[str]) -> None:
        """Nothing may be left of these, unless something of theirs is still coming."""
        self.forgotten |= people - {who for each in self.handed.values() for who in (each.who, each.alone)}

    def erase(self, id_: str) -> None:
        gone = self.handed.pop(id_)
        self.ranks.pop(gone.ref, None)
        self.erased[id_] = gone
        self.keys = {key: kept for key, kept in self.keys.items() if kept[0] != id_}

    def root(self, handed: Handed) -> Handed | None:
        """What it adds to in the end, itself when it adds to nothing, None when that is not here."""
        while handed.of:
            if handed.of not in self.handed:
                return None
            handed = self.handed[handed.of]
        return handed

    def below(self, id_: str) -> set[str]:
        """What was added to that, and to what was added."""
        found = {each.id for each in self.handed.values() if each.of == id_}
        return found.union(*(self.below(each) for each in found))

    def told(self, ref: str, state: str) -> bool:
        """Whether a reference may say this after what it said before."""
        rank = RANKS.index(state)
        before, self.ranks[ref] = self.ranks.get(ref, 0), rank
        return rank >= before

    def may_be_reported(self) -> set[Known]:
        """Every report that anything of what was handed in, erased things too, may have made; what is added carries the
        loss that was told of what it adds to."""
        every = [*self.handed.values(), *self.erased.values()]
        plain = {(who, item) for each in every for who in (each.who, each.alone) if who for item in each.items}
        losses = {(who, item.loss) for who, item in plain}
        return plain | {(who, Item(item.sha256, loss)) for who, item in plain for one, loss in losses if one == who}

    def must_be_reported(self, opened: set[str]) -> set[Known]:
        """What those that were opened, and add to nothing, must have made; nothing of it may be missing unless the
        submission that it belonged to was erased since."""
        found = [self.handed[id_] for id_ in opened if id_ in self.handed and not self.handed[id_].of]
        return {(each.who, item) for each in found for item in each.items}

    def held(self, kind: str, name: str) -> bool:
        return (kind, name) in self.holds.values()

    def due(self, today: date, class_of: dict[str, str]) -> set[str]:
        """What is kept longer than its class allows; `class_of` says what each is kept as."""
        return {id_ for id_, each in self.handed.items() if each.day <= today - timedelta(days=PERIODS[class_of[id_]])}

    def without_message(self, known: Known) -> bool:
        return known[1].sha256 == NOTHING
