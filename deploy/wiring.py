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
from functools import cached_property
from pathlib import Path

from deploy.bell import ringer
from deploy.settings import Settings, read
from enrichment import enrich
from enrichment.examination import Examination
from enrichment.gather.resolver import Live, Off, Recorded, Resolver
from intake import parsing, unpack
from intake.accept import Acceptor
from intake.archive import Archive, Erasure, LegalHold
from intake.audit import Audit
from intake.errors import Refused
from intake.follower import Follower, Step, Table
from intake.people import Departure, Person
from intake.receipts import Receipts
from intake.record import Record
from intake.report import Decoding, Report, Reporter
from intake.sqlite import Database
from intake.store import sqlite
from intake.store.sqlite import SqliteStore
from intake.submission import Submission, Unpacked
from intake.vault import keys
from intake.vault.reader import Reader
from intake.vault.writer import Writer
from intake.work import SCHEMA as WORK_SCHEMA
from intake.work import LeaseTable
from referral.contact import ContactPoint
from referral.disclosure import Consent
from referral.request import Approval, AssistanceRequest, Delivery, Outcome, Seal
from triage import assess, join
from triage.case import Case, CaseEvent, Filing, Merge, Note
from triage.weigh import in_children

KINDS: tuple[type[Record], ...] = (
    Submission, Unpacked, Decoding, Report, Reporter, Examination, Filing, Case, CaseEvent, Merge, Note,
    ContactPoint, AssistanceRequest, Approval, Seal, Outcome, Delivery, Consent, Person, Departure, Audit, Erasure,
    LegalHold,
)  # fmt: skip
"""Every kind of record that is kept in the vault."""

LINE = (
    Step("unpack", cause="submission", cause_field="id", end="unpacked"),
    Step("enrich", cause="report", cause_field="id", end="examination", end_suffix="/1"),
    Step("assess", cause="examination", cause_field="report", end="filing"),
)
"""The steps that follow from records by themselves, in order."""


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
        return Database(self.home / "store.sqlite", sqlite.SCHEMA | WORK_SCHEMA)

    @cached_property
    def store(self) -> SqliteStore:
        return SqliteStore(self.database)

    @cached_property
    def work(self) -> LeaseTable:
        return LeaseTable(self.database, time.time, self.role)

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
        return Follower(self.reader, self.store, self.work, self.table)

    @property
    def table(self) -> Table:
        refills: dict[str, Callable[[Record], None]] = {"filing": self._refill}
        return Table({kind.kind: kind for kind in KINDS}, LINE, refills)

    def _refill(self, record: Record) -> None:
        if isinstance(record, Filing):
            join.refill(self.store, [record])

    def secret(self, purpose: str) -> bytes:
        """A secret derived from the operator's private key."""
        return keys.secret(keys.private(self.keys), purpose)

    @cached_property
    def steps(self) -> Mapping[str, Callable[[Sequence[str]], None]]:
        """Name of a step -> what does it for these keys."""
        known = {
            each.address.lower(): unpack.Known(class_=each.class_, edges=each.edges) for each in self.settings.reporters
        }
        unpacking = unpack.Tools(self.archive, self.parser, self.work, self.secret("reporter"), known)
        enriching = enrich.Tools(self.archive, self.parser, self.work, self.resolver, self.settings.dns.zones, now)
        weighing, joining = in_children(self.parser), self.secret("join")
        return {
            "unpack": lambda names: self._unpack(unpacking, names),
            "enrich": lambda names: enrich.enrich(enriching, names),
            "assess": lambda names: assess.assess(self.archive, weighing, names, now, joining),
        }

    def _unpack(self, tools: unpack.Tools, names: Sequence[str]) -> None:
        unpack.unpack(tools, names)
        self.receipts.unpacked(self.archive.get_all(Unpacked, names).values())

    @cached_property
    def receipts(self) -> Receipts:
        return Receipts(self.home / "receipts.sqlite")

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
