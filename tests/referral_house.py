"""A small house for the tests of referral: an archive in memory with real frames, and a case made of reserved names."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enrichment.examination import Boundary, Examination, Hop
from enrichment.facts import Lookup
from intake.message import Address, Leaf, Link, Message
from intake.people import new_key
from intake.record import Cite, Record, canonical, sha256
from intake.report import Claims, Report, Reporter
from intake.submission import Submission
from intake.vault import frame
from referral.approval import Signer
from referral.contact import ContactPoint, demo_contact
from referral.dossier import Amount, Dossier, Item, Weighed, gather
from referral.draft import Wish
from referral.evidence import item_of
from referral.package import Bundle
from referral.refer import House, approve, draft, package, record_seal
from referral.request import AssistanceRequest, Authority, Hand
from triage.technique import CaseTechnique

R = TypeVar("R", bound=Record)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PHRASE = b"correct horse battery"
KEYS = {name: new_key(PHRASE) for name in ("ana", "ben", "chi")}
ZSTD = zstandard.ZstdCompressor(level=1)
SOURCE = "192.0.2.77"


class Proved(NamedTuple):
    header: bytes
    salt: bytes


class FakeArchive:
    """Create-only, in memory; the proof of each record is a real frame of the vault."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Record] = {}
        self.messages: dict[str, bytes] = {}
        self.proofs: dict[tuple[str, str], Proved] = {}

    @property
    def store(self) -> "FakeArchive":
        return self

    def keep(self, record: R) -> R:
        assert record.under == ("house", "") or record.under == (record.kind, record.key) or record.under in self.kept
        kept = self.kept.setdefault((record.kind, record.key), record)
        return type(record).read(kept.body)

    def get(self, type_: type[R], key: str) -> R | None:
        found = self.kept.get((type_.kind, key))
        return type_.read(found.body) if found else None

    def find(
        self, type_: type[R], where: Mapping[str, Any], order: str = "", cursor: str = "", limit: int = 100
    ) -> tuple[Sequence[R], str]:
        assert set(where) <= set(type_.indexed)
        rows = [each for (kind, _), each in sorted(self.kept.items()) if kind == type_.kind]
        rows = [each for each in rows if all(each.where()[name] == value for name, value in where.items())]
        start = int(cursor or 0)
        more = str(start + limit) if len(rows) > start + limit else ""
        return [type_.read(each.body) for each in rows[start : start + limit]], more

    def message(self, report: Report) -> bytes:
        return self.messages[report.id]

    def proof(self, record: Record) -> Proved:
        name = (record.kind, record.key)
        if name not in self.proofs:
            built = frame.build(len(self.proofs) + 1, record.kind, frame.PUBLIC, None, record.body, bytes(32), ZSTD)
            header = frame.read_header(built[: frame.SIZE])
            assert header is not None
            self.proofs[name] = Proved(header.raw, frame.open_(header, built[frame.SIZE :], None)[0])
        return self.proofs[name]


def checkpoint() -> bytes:
    """A signed checkpoint as `intake/vault/checkpoint.py` writes it."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    said = {"made": "2026-11-20T09:00:00Z", "heads": {"a" * 16: {"number": 7, "digest": "b" * 64}}}
    return canonical({
        "checkpoint": said, "key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(key.sign(canonical(said))).decode(),
    })  # fmt: skip


def mail(to: str, body: str, source: str = SOURCE) -> bytes:
    """What a reader of `to` reports."""
    return (
        f"Received: from mail.shop.test (unknown [{source}]) by mx.provider.example with ESMTP id 7\r\n"
        f" for <{to}>; Wed, 18 Nov 2026 08:00:00 +0000\r\n"
        f"Delivered-To: {to}\r\nFrom: Your Bank <service@bank-login.test>\r\nTo: {to}\r\n"
        f"Subject: Your account is locked\r\nDate: Wed, 18 Nov 2026 07:59:00 +0000\r\n"
        f"List-Unsubscribe: <https://bank-login.test/u?r={to}>\r\n\r\n{body}\r\n"
    ).encode()


def add_report(
    archive: FakeArchive, number: int, address: str, data: bytes, class_: str = "public", loss: str = "", name: str = ""
) -> Item:
    """Keep submission, reporter, report and examination of one reported mail."""
    received = NOW - timedelta(days=1, minutes=-number)
    reporter = Reporter(id=f"reporter{address}".encode().hex()[:20], address=address, class_=class_)
    digest = sha256(data)
    size = len(data)
    submission = Submission(id=f"s{number}", channel="smtp", received=received, sha256=digest, size=size, parts=())
    report = Report(
        id=f"report{number}", reporter=reporter.id, submission=submission.id, format="attached", source="submission",
        start=0, end=size, sha256=digest, claims=Claims(loss=loss, rcpt_to=(address,)),
    )  # fmt: skip
    archive.messages[report.id] = data
    for record in (reporter, submission, report, examination(report, data, address, received, name)):
        archive.keep(record)
    return item_of(archive, report.id)


def examination(report: Report, data: bytes, address: str, at: datetime, name: str = "") -> Examination:
    digest = sha256(data)
    end = data.index(b"Delivered-To")
    top = Cite(of=digest, start=0, end=end)
    links = tuple(
        Link(raw=url, url=url, host=host, domain="bank-login.test", where="text", cite=Cite(of=digest, start=9, end=30))
        for url, host in (
            ("https://bank-login.test/verify/start?u=" + address, "bank-login.test"),
            (f"https://bank-login.test/{report.id}/x", "bank-login.test"),
        )
    )
    message = Message(
        sha256=digest, size=len(data), language="en", links=links, leaves=leaves(data),
        to=(Address(name=name, address=address, cite=top),),
        from_=(Address(name="Your Bank", address="service@bank-login.test", cite=top),),
    )  # fmt: skip
    hop = Hop(index=0, ip=SOURCE, helo="mail.shop.test", time=datetime(2026, 11, 18, 8, 0, tzinfo=UTC), cite=top)
    return Examination(
        report=report.id, submission=report.submission, round=1, at=at, message=message, hops=(hop,),
        boundary=Boundary(index=0, ip=SOURCE, confidence="high", cite=top),
        lookups=(
            Lookup(
                type="TXT", name="77.2.0.192.origin.asn.cymru.com", status="answer",
                answers=("64500 | 192.0.2.0/24 | NL | ripencc | 2015-01-01",), at=at, by="recording",
            ),
        ),
    )  # fmt: skip


def leaves(data: bytes) -> tuple[Leaf, ...]:
    """One attachment where the mail says so."""
    start = data.find(b"JVBERi0")
    if start < 0:
        return ()
    end = data.index(b"\r\n--", start)
    cite = Cite(of=sha256(data), start=start, end=end)
    return (Leaf(type="application/pdf", name="a.pdf", disposition="", size=9, sha256="c" * 64, cite=cite),)


def weighed(items: Sequence[Item], band: str = "concrete", **more: Any) -> Dossier:
    """The dossier of a phishing case of these reports through an open relay."""
    cite = Cite(of=items[0].sha256, start=0, end=40)
    told = {
        "case": "case1", "band": band, "kind": "phishing", "title": "Your account is locked", "reports": len(items),
        "reporters": len({each.reporter for each in items}), "isps": 0,
        "reasons": (("credentials", "The mail asks for the password of a bank account.", (cite,)),),
        "techniques": (
            CaseTechnique(
                name="open-relay", strength="moderate", sentence="Two reports came through one open relay.",
                addresses=(SOURCE,), reporters=2, reports=2, cites=(cite,),
            ),
        ),
        "losses": (Amount("1200", "EUR", items[0].report),),
    }  # fmt: skip
    return gather(Weighed(**{**told, **more}), items)


AUTHORITY = Authority(
    name="Demonstration Anti-Spam Unit", country="TW", liaison="Liaison office", liaison_address="liaison@unit.example",
    official="Head of investigations", power="Demonstration Act s. 3", legal_basis="Demonstration Act s. 12",
    certified_by="Head of unit", confidentiality="Demonstration Secrecy Act s. 1", reciprocity="We would help in turn.",
    zone="Asia/Taipei", languages=("en", "zh-Hant"), tried="Lists were looked up; no home network has this customer.",
    demo=True,
)  # fmt: skip


def signer(name: str) -> Signer:
    return Signer(KEYS[name][0], PHRASE.decode())


def hand(name: str) -> Hand:
    return Hand(name, KEYS[name][1].hex())


def house(archive: FakeArchive, contact: ContactPoint | None = None) -> House:
    """ana drafts; ben and chi may approve."""
    archive.keep(contact or demo_contact("NL", NOW - timedelta(days=9)))
    return House(archive, AUTHORITY, {name: KEYS[name][1].hex() for name in ("ben", "chi")})


def filled(archive: FakeArchive) -> Dossier:
    """Three reporters of one campaign."""
    people = ("maria.lopez+shop@mail.example", "chen@isp.example", "olga@post.example")
    items = [
        add_report(archive, number, address, mail(address, f"Dear customer, go to https://bank-login.test/?{number}"))
        for number, address in enumerate(people, 1)
    ]
    return weighed(items)


def fresh() -> tuple[House, FakeArchive, Dossier]:
    archive = FakeArchive()
    return house(archive), archive, filled(archive)


def approved(home: House, dossier: Dossier) -> tuple[AssistanceRequest, Bundle]:
    """A request that ana drafted and ben approved, with its sealed bundle."""
    request = draft(home, dossier, hand("ana"), NOW, Wish())
    approve(home, request.id, "ben", signer("ben"), NOW)
    bundle = package(home, request.id, dossier.items, "ben", signer("ben"), NOW, checkpoint())
    record_seal(home, request.id, bundle, "ben", NOW)
    return request, bundle
