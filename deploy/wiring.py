"""The composition root: puts the parts of a home together, and says what each kind of record and each step is.

Nothing imports this but the processes and the command. A process asks for a `House` with the rights that it needs: a
door gets no private key and no store.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from deploy import alarm, feeds, post, states
from deploy.bell import ringer
from deploy.settings import Settings, read
from enrichment import acknowledge, enrich
from enrichment.acknowledge import Acknowledgement
from enrichment.answer import Turn, TurnMonth
from enrichment.examination import Examination
from enrichment.gather.authentication import sign
from enrichment.gather.resolver import Live, Off, Recorded, Resolver
from enrichment.letters import Letterhead
from intake import parsing, unpack
from intake.accept import Acceptor, reference
from intake.additions import additions_to
from intake.archive import Archive, Erasure, LegalHold
from intake.audit import Audit
from intake.errors import Refused
from intake.feed import Feed, FeedKey, FeedKeyEnd
from intake.follower import Follower, Step, Table
from intake.handin import Index
from intake.keyring import Keyring
from intake.loose import SCHEMA as LOOSE_SCHEMA
from intake.loose import Loose
from intake.outcomes import Outcomes
from intake.people import Departure, Person
from intake.receipts import Receipts
from intake.record import Record, name_of
from intake.report import ConsentEnd, Decoding, Report, Reporter, Withdrawal
from intake.sheet import Sheet
from intake.sqlite import Database
from intake.store import sqlite
from intake.store.sqlite import SqliteStore
from intake.submission import Addition, Submission, Unpacked
from intake.turned_away import TurnedAway
from intake.vault import keys
from intake.vault.reader import Reader
from intake.vault.writer import Writer
from intake.work import SCHEMA as WORK_SCHEMA
from intake.work import LeaseTable
from referral.contact import ContactPoint
from referral.disclosure import Consent
from referral.outbox import submission
from referral.request import Approval, AssistanceRequest, Delivery, Outcome, Seal
from triage import assess, join, notify
from triage.case import Case, CaseEvent, Filing, Merge, Note
from triage.notify import OutcomeNote
from triage.weigh import Weigh, in_children

KINDS: tuple[type[Record], ...] = (
    Submission, Unpacked, Decoding, Report, Reporter, Sheet, Examination, Filing, Case, CaseEvent, Merge, Note,
    ContactPoint, AssistanceRequest, Approval, Seal, Outcome, Delivery, Consent, Person, Departure, Audit, Erasure,
    LegalHold, Feed, FeedKey, FeedKeyEnd, Acknowledgement, Turn, TurnMonth, OutcomeNote, Addition, Withdrawal,
    ConsentEnd,
)  # fmt: skip
"""Every kind of record that is kept in the vault."""

LINE = (
    Step("unpack", cause="submission", cause_field="id", end="unpacked"),
    Step("enrich", cause="report", cause_field="id", end="examination", end_suffix="/1"),
    Step("assess", cause="examination", cause_field="report", end="filing"),
)
"""The steps that follow from records by themselves, in order."""
ACKNOWLEDGE = Step("acknowledge", cause="unpacked", cause_field="submission", end="acknowledgement")
"""And this one, where receipts are on."""
OUTWARD = frozenset({"acknowledge", "notify", "outcome", alarm.STEP})
"""Steps that wait for others' servers; nothing of the line waits for them."""


CHILDREN = 4
"""Parsing children of one process at most; there are not more than processors."""
QUESTIONS = 60
"""Questions to the DNS per report and turn; those of a batch are asked together."""


def now() -> datetime:
    """The clock, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class House:
    """The parts of the home in `home`, each made when it is first asked for; `role` names the writer's series."""

    home: Path
    settings: Settings
    role: str

    @property
    def vault(self) -> Path:
        return self.home / "vault"

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.vault, keys.private(self.keys))

    @cached_property
    def writer(self) -> Writer:
        return Writer(
            self.vault, self.role, keys.public(self.keys), self.reader.key_of, self.settings.segment,
            ringer(self.home, "follower"),
        )  # fmt: skip

    @cached_property
    def door(self) -> Writer:
        """A writer for a door: without the private key it can't read what it or anybody wrote before."""
        public = keys.public(self.keys)
        return Writer(self.vault, self.role, public, None, self.settings.segment, ringer(self.home, "follower"))

    @cached_property
    def database(self) -> Database:
        return Database(self.home / "store.sqlite", sqlite.SCHEMA | WORK_SCHEMA | LOOSE_SCHEMA)

    @cached_property
    def store(self) -> SqliteStore:
        return SqliteStore(self.database)

    @cached_property
    def work(self) -> LeaseTable:
        return LeaseTable(self.database, time.time, self.role)

    @cached_property
    def loose(self) -> Loose:
        return Loose(self.database, time.time)

    @cached_property
    def archive(self) -> Archive:
        return Archive(self.store, self.reader, self.writer)

    @cached_property
    def parser(self) -> parsing.Parser:
        return parsing.Parser(parsing.command("deploy.parserd"), children=min(len(os.sched_getaffinity(0)), CHILDREN))

    @cached_property
    def resolver(self) -> Resolver:
        dns = self.settings.dns
        if dns.mode == "recorded":
            return Recorded(self.home / dns.file)
        most = QUESTIONS * self.settings.batch
        return Live(dns.nameservers, now, budget=15.0, most=most) if dns.mode == "live" else Off()

    @cached_property
    def follower(self) -> Follower:
        return Follower(self.reader, self.store, self.work, self.table, self.loose)

    @property
    def table(self) -> Table:
        refills: dict[str, Callable[[Record], None]] = {"filing": self._refill}
        line = (*LINE, ACKNOWLEDGE) if self.settings.receipts.on else LINE
        return Table({kind.kind: kind for kind in KINDS}, line, refills)

    def _refill(self, record: Record) -> None:
        if isinstance(record, Filing):
            join.refill(self.store, [record])

    def secret(self, purpose: str) -> bytes:
        """A secret derived from the operator's private key."""
        return keys.secret(keys.private(self.keys), purpose)

    @cached_property
    def steps(self) -> Mapping[str, Callable[[Sequence[str]], None]]:
        """Name of a step -> what does it for these keys."""
        kept = partial(feeds.kept, self.archive)
        zones = self.settings.dns.zones
        enriching = enrich.Tools(self.archive, self.parser, self.work, self.resolver, zones, now, kept)
        weighing, joining = in_children(self.parser), self.secret("join")
        return {
            "unpack": self._unpack,
            "enrich": lambda names: enrich.enrich(enriching, names),
            "assess": lambda names: self._assess(weighing, names, joining),
        } | self._answers

    @cached_property
    def unpacking(self) -> unpack.Tools:
        """What unpacking needs."""
        known = {
            each.address.lower(): unpack.Known(class_=each.class_, edges=each.edges) for each in self.settings.reporters
        }
        return unpack.Tools(
            archive=self.archive, parser=self.parser, work=self.work, secret=self.secret("reporter"), known=known,
            feeds=partial(feeds.kept, self.archive), clock=now, pending=partial(self.work.pending, LINE[0].name),
        )  # fmt: skip

    def _unpack(self, names: Sequence[str]) -> None:
        unpack.unpack(self.unpacking, names)
        states.tell_unpacked(self.archive, self.receipts, names)
        feeds.tell_unpacked(self.archive, self.outcomes, feeds.kept(self.archive), names)
        if self.settings.receipts.on:
            self.work.put(ACKNOWLEDGE.name, names)
        self._take_back(names)

    def _take_back(self, names: Sequence[str]) -> None:
        """Count the cases anew from which these submissions take reports back."""
        added = self.archive.get_all(Addition, names).values()
        ofs = [each.of for each in added if each.what == "withdrawal"]
        if ofs:
            of_all = [*ofs, *additions_to(self.archive, ofs)]
            assess.fold_anew(self.archive, assess.concerned(self.archive, of_all))
            self.receipts.withdrawn(ofs)

    def _assess(self, weighing: Weigh, names: Sequence[str], joining: bytes) -> None:
        assess.assess(self.archive, weighing, names, now, joining)
        states.tell_filed(self.receipts, self.archive.get_all(Filing, names).values())
        feeds.tell_filed(self.archive, self.outcomes, feeds.kept(self.archive), self.secret("reporter"), names)

    @cached_property
    def outcomes(self) -> Outcomes:
        return Outcomes(self.home / "outcomes.sqlite", keys.door(self.keys))

    @cached_property
    def turned_away(self) -> TurnedAway:
        return TurnedAway(self.home / "refused.sqlite", now)

    @cached_property
    def keyring(self) -> Keyring:
        return Keyring(self.home / "keyring.sqlite", time.time)

    @cached_property
    def idempotency(self) -> Index:
        return Index(self.home / "idempotency.sqlite")

    @property
    def _answers(self) -> dict[str, Callable[[Sequence[str]], None]]:
        """The steps that write to reporters; what was put while they were on is dropped when they are off."""
        alarming = {alarm.STEP: lambda names: self._alarm()}
        if not self.settings.receipts.on:
            return dict.fromkeys(OUTWARD, lambda names: None) | alarming
        return alarming | {
            "acknowledge": lambda names: acknowledge.acknowledge(self.answering, names),
            "notify": lambda names: notify.notify(self.answering, self.work, names),
            "outcome": lambda names: notify.outcome(self.answering, names),
        }

    def _alarm(self) -> None:
        to = self.settings.lanes.alarm_to
        if to:
            alarm.send(self.store, self.mails, self.letterhead, to, now())

    @cached_property
    def mails(self) -> post.Mail:
        """The server that takes what we write to reporters and to whom an alarm goes."""
        mine = self.settings.receipts
        return post.Mail(lambda: submission(mine.smtp_host, mine.smtp_port, timeout=10.0))

    @cached_property
    def answering(self) -> acknowledge.Tools:
        """What answers to reporters need."""
        mine = self.settings.receipts
        own = (self.settings.domain, *self.settings.smtp.domains, mine.mail_from.rpartition("@")[2])
        secret = keys.door(self.keys)
        return acknowledge.Tools(
            archive=self.archive, parser=self.parser, resolver=self.resolver, post=self.mails, head=self.letterhead,
            own=own, relays=frozenset(mine.relays), secret=self.secret("reporter"), clock=now,
            token=lambda: name_of(os.urandom(16)), reference=lambda id_: reference(secret, id_),
        )  # fmt: skip

    @property
    def letterhead(self) -> Letterhead:
        """Who writes to reporters, and how that is signed."""
        mine = self.settings.receipts
        try:
            key = (self.home / mine.dkim_key).read_bytes() if mine.dkim_key else b""
        except OSError as error:
            raise Refused("settings", f"the key of receipts.dkim_key can't be read: {error.strerror}") from error
        domain = mine.mail_from.rpartition("@")[2]
        return Letterhead(
            address=mine.mail_from, name=mine.name, contact=self.settings.contact, page=mine.base_url,
            calls=mine.calls, language=mine.language,
            sign=lambda data: sign(data, mine.dkim_selector, domain, key) if key else data,
            country=self.settings.country,
        )  # fmt: skip

    @cached_property
    def receipts(self) -> Receipts:
        return Receipts(self.home / "receipts.sqlite", self.settings.receipts.outcome)

    def acceptor(self, writer: Writer) -> Acceptor:
        """What a door opens submissions with."""
        return Acceptor(
            writer, clock=now, random=os.urandom, free=lambda: shutil.disk_usage(self.home).free,
            secret=keys.door(self.keys), reserve=self.settings.reserve,
        )  # fmt: skip


def open_house(home: Path, role: str, environment: Mapping[str, str] | None = None) -> House:
    """The house in that home; makes folder and keys when there are none, so that everything works without `init`."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = read(home, os.environ if environment is None else environment)
    if not (home / "keys" / keys.PUBLIC).exists():
        if (home / "vault").exists():
            raise Refused(
                "no-key", f"there is evidence in {home} but no operator key; restore keys/ from your safe copy"
            )
        keys.make(home / "keys")
    return House(home, settings, role)
