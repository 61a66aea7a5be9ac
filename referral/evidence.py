"""Evidence: which reports of a case go with a request, in which form, and what referral needs of the archive.

An exhibit is described when the request is drafted, so that the people who approve it approve exactly these bytes; they
are made again when the bundle is sealed and must have the same digest. Each exhibit carries a commitment, SHA-256 of
salt and record as it stands in the header of the vault's frame: it binds us to the original without telling it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from enrichment.examination import Examination
from intake.errors import Damaged, Refused
from intake.record import Record, Value, sha256
from intake.report import ConsentEnd, Report, Reporter, Withdrawal
from intake.store import Finder, Where, every
from intake.submission import Addition, Submission
from referral.disclosure import Consent, Copy, Cut, identifiers, redacted
from referral.dossier import Dossier, Item, Pointer
from referral.identity import Identifiers, leaks

R = TypeVar("R", bound=Record)
MOST_EXHIBITS = 25
"""Messages in one bundle; the request says how many more there are."""
_ORIGIN = {"public": "a member of the public", "isp": "an Internet provider", "partner": "a partner", "trap": "a trap"}


class Proof(Protocol):
    """Header of a kept record's frame, and the salt that its plain digest was made with."""

    @property
    def header(self) -> bytes: ...
    @property
    def salt(self) -> bytes: ...


class Archive(Protocol):
    """What referral needs of the archive (`intake/archive.py`)."""

    @property
    def store(self) -> Finder: ...
    def keep(self, record: R) -> R: ...
    def get(self, type_: type[R], key: str) -> R | None: ...
    def message(self, report: Report) -> bytes: ...
    def proof(self, record: Record) -> Proof: ...


def all_of(archive: Archive, type_: type[R], where: Where) -> list[R]:
    """Every kept record of that type with these declared keys."""
    return list(every(archive.store, type_, where))


def item_of(archive: Archive, report_id: str) -> Item:
    """The report with its latest examination; `Refused` when one of its records is missing or erased."""
    report = archive.get(Report, report_id)
    submission = archive.get(Submission, report.submission) if report else None
    rounds = all_of(archive, Examination, {"report": report_id})
    if report is None or submission is None or not rounds:
        raise Refused("no-evidence", f"report {report_id} is not examined, or not kept any more")
    reporter = archive.get(Reporter, report.reporter)
    return Item(
        report=report.id, reporter=report.reporter, reporter_class=reporter.class_ if reporter else "erased",
        sha256=report.sha256, received=submission.received, format=report.format,
        examination=max(rounds, key=lambda each: each.round), claims=report.claims,
    )  # fmt: skip


class Exhibit(Value, frozen=True, kw_only=True):
    """One report as it leaves: `sha256` and `size` are of the bytes that leave, '' and 0 if only `commitment` goes."""

    report: str
    form: Literal["original", "redacted", "withheld"]
    mark: str
    origin: str
    received: datetime
    format: str
    commitment: str
    sha256: str = ""
    size: int = 0
    reason: str = ""
    cuts: tuple[Cut, ...] = ()


class Prepared(Value, frozen=True, kw_only=True):
    """An exhibit with its bytes, b'' when they are withheld."""

    exhibit: Exhibit
    data: bytes


def commitment(archive: Archive, record: Record) -> str:
    """SHA-256 of salt and record, 64 hexadecimal digits; `Damaged` when the frame's header does not hold it."""
    proof = archive.proof(record)
    digest = hashlib.sha256(proof.salt + record.body).digest()
    if digest not in proof.header:
        raise Damaged(record.digest, "the frame's header does not prove the record")
    return digest.hex()


def agreed(archive: Archive, item: Item) -> bool:
    """Whether the reporter agrees to being named abroad with this report: as they said with it, or once for all of
    theirs, and unless they took the report or that back."""
    report = archive.get(Report, item.report)
    said = item.claims.consent or archive.get(Consent, item.reporter) is not None
    return said and report is not None and not _unnamed(archive, report)


def _unnamed(archive: Archive, report: Report) -> bool:
    added = archive.get(Addition, report.submission)
    root = added.of if added is not None else report.submission
    return archive.get(Withdrawal, report.id) is not None or archive.get(ConsentEnd, root) is not None


def known_of(archive: Archive, items: Iterable[Item]) -> Identifiers:
    """The identifiers of all reporters of these reports who don't agree to be named abroad."""
    known = [_known(archive, item) for item in items if not agreed(archive, item)]
    addresses = dict.fromkeys(address for each in known for address in each.addresses)
    return Identifiers(addresses, dict.fromkeys(name for each in known for name in each.names))


def _known(archive: Archive, item: Item, data: bytes = b"") -> Identifiers:
    reporter = archive.get(Reporter, item.reporter)
    if reporter is None:
        raise Refused("erased", "this reporter is not kept any more")
    return identifiers(reporter, item.examination, item.claims, data)


def prepare(archive: Archive, dossier: Dossier, originals: bool) -> tuple[Prepared, ...]:
    """The exhibits of a case, at most MOST_EXHIBITS: first those that its reasons point at, then the earliest."""
    return make(archive, _chosen(dossier), dossier.items, originals)


def make(archive: Archive, items: Sequence[Item], case: Sequence[Item], originals: bool) -> tuple[Prepared, ...]:
    """These reports as exhibits; `case` are all that are read of the case, whose reporters are searched for."""
    others = known_of(archive, kept_items(archive, case))
    return tuple(_prepared(archive, item, case, others, originals) for item in items)


def kept_items(archive: Archive, items: Iterable[Item]) -> tuple[Item, ...]:
    """Those whose reporter was not erased."""
    return tuple(item for item in items if archive.get(Reporter, item.reporter) is not None)


def _chosen(dossier: Dossier) -> list[Item]:
    pointers: list[Pointer] = [each for technique in dossier.techniques for each in technique.cites]
    pointers += [each for said in (*dossier.reasons, *dossier.vulnerable) for each in said.cites]
    first = dict.fromkeys([each.evidence for each in pointers] + [each.report for each in dossier.losses])
    order: Mapping[str, int] = {report: number for number, report in enumerate(first)}
    ranked = sorted(dossier.items, key=lambda item: (order.get(item.report, len(order)), item.received, item.report))
    return sorted(ranked[:MOST_EXHIBITS], key=lambda item: (item.received, item.report))


def _prepared(archive: Archive, item: Item, case: Sequence[Item], others: Identifiers, originals: bool) -> Prepared:
    report = archive.get(Report, item.report)
    if report is None:
        raise Refused("erased", f"report {item.report} is not kept any more")
    bound = commitment(archive, report)
    data = archive.message(report)
    if originals or (_agreed(archive, item, case) and not leaks(data, others)):
        mark = "TLP:RED" if originals else "TLP:AMBER+STRICT"
        return Prepared(exhibit=_exhibit(item, bound, "original", mark, data), data=data)
    copy = _copy(archive, item, data, others)
    form: Literal["redacted", "withheld"] = "withheld" if copy.reason else "redacted"
    return Prepared(exhibit=_exhibit(item, bound, form, "TLP:AMBER", copy.data, copy.reason, copy.cuts), data=copy.data)


def _agreed(archive: Archive, item: Item, case: Sequence[Item]) -> bool:
    """Whether every reporter who sent these bytes agrees."""
    same = [each for each in case if each.sha256 == item.sha256]
    return all(agreed(archive, each) for each in same)


def _copy(archive: Archive, item: Item, data: bytes, others: Identifiers) -> Copy:
    """Redacted of its own reporter in every form, and of the others in those that cannot be words."""
    if archive.get(Reporter, item.reporter) is None:
        return Copy(reason="the reporter is not kept any more, so their identity can't be searched for")
    return redacted(data, item.examination, _known(archive, item, data), others.certain())


def _exhibit(
    item: Item,
    bound: str,
    form: Literal["original", "redacted", "withheld"],
    mark: str,
    data: bytes,
    reason: str = "",
    cuts: tuple[Cut, ...] = (),
) -> Exhibit:
    who = _ORIGIN.get(item.reporter_class, item.reporter_class)
    return Exhibit(
        report=item.report, form=form, mark=mark, origin=f"reported by {who}", received=item.received,
        format=item.format, commitment=bound, sha256=sha256(data) if data else "", size=len(data), reason=reason,
        cuts=cuts,
    )  # fmt: skip
