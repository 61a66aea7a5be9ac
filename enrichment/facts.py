"""Facts: what is known of one report, and Lookup: a question that we asked, with its answer.

A Lookup is kept for good, with the time and the resolver that answered: a conclusion of years ago can be recomputed
from it. `timeout`, `servfail` and `refused` are not answers: they neither clear nor condemn.
"""

from datetime import datetime

from intake.record import Value

ANSWERED = frozenset({"answer", "nxdomain", "nodata"})
"""Statuses that say something about the world; all others leave the question open."""


class Question(Value, frozen=True):
    """One question to the resolver: DNS type in capitals, and the name in lower case A-labels without final dot."""

    type: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.type} {self.name}"


class Lookup(Value, frozen=True):
    """A question with its answer.

    `status`: answer, nxdomain, nodata, timeout, servfail, refused (the server's no), or withheld (asking could warn the
    sender: the house plan, section 6). `answers`: presentation form of each record's data, TXT strings joined and
    undecorated, sorted. `at` is our clock; `by` names the resolver or the recording.
    """

    type: str
    name: str
    status: str
    answers: tuple[str, ...] = ()
    at: datetime | None = None
    by: str = ""

    @property
    def id(self) -> str:
        return f"{self.type} {self.name}"

    @property
    def known(self) -> bool:
        """Whether this says something about the world."""
        return self.status in ANSWERED
