"""Letters: what Lapwing writes to a reporter, in their language, out of catalogues that are files.

A language more is a file more in `wording/`. Nothing of what was reported stands in a letter, not even its subject;
of the mail that is answered only its Message-ID, and only one of harmless signs. A name in braces stands for one of
`NAMES`; any other is an error when the catalogue is read. Standards: RFC 3834 section 3, RFC 5322, RFC 2047, RFC 3282.
"""

import string
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from intake.bodies import in_charge

FOLDER = Path(__file__).parent / "wording"
NAMES = frozenset({"reference", "authority", "link", "call", "contact", "bodies"})
ASKS = ("original", "locked", "unread")
"""What a receipt may ask for: the mail as it came, where lines of its header are missing; the same without a password;
the same once more, where it could not be read."""
LANES = ("life", "child-abuse", "police", "sms")
"""What others are in charge of, in the order in which a receipt names them."""
OUTCOMES = ("finished", "helped", "elsewhere")
"""What can be said of a closed case: the work is done; the report helped; it is for another body. No more than that:
the note may reach who sent the spam."""


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pieces of the receipt: `call` only where a number is set, those of ASKS where they are asked for, `status` where
    there is a page, `elsewhere` where we know who is in charge of what we are not: by the lanes that follow it."""

    subject: str
    kept: str
    money: str
    call: str
    original: str
    locked: str
    unread: str
    next: str
    wont: str
    elsewhere: str
    life: str
    child_abuse: str
    police: str
    sms: str
    status: str
    erase: str
    end: str


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pieces of the note when a case is closed; one sentence for each of OUTCOMES."""

    subject: str
    finished: str
    helped: str
    elsewhere: str
    end: str


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One catalogue: its language (BCP 47), its version, the language tags that it serves, the pieces."""

    language: str
    version: int
    serves: tuple[str, ...]
    receipt: Receipt
    outcome: Outcome

    @property
    def template(self) -> str:
        """What is kept of how a letter was worded."""
        return f"{self.language}/{self.version}"


class Letterhead(NamedTuple):
    """Who writes: address and name, the address at which people answer, the public page ('' without one), numbers to
    call by language, how to sign; `country` (ISO 3166-1 alpha-2) whose bodies are named."""

    address: str
    name: str
    contact: str
    page: str
    calls: Mapping[str, str]
    language: str
    sign: Callable[[bytes], bytes]
    country: str = ""


class Letter(NamedTuple):
    """A letter: subject, text, and the catalogue that it is from."""

    subject: str
    text: str
    wording: Wording


@cache
def catalogues() -> dict[str, Wording]:
    """Every catalogue by its language; ValueError for one that lacks a piece or names what isn't known."""
    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        wording = msgspec.convert(tomllib.loads(path.read_text("utf-8")), type=Wording)
        for text in (*_pieces(wording.receipt), *_pieces(wording.outcome)):
            unknown = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None} - NAMES
            if unknown:
                raise ValueError(f"{path.name}: {sorted(unknown)} is no name that a letter knows")
        found[wording.language] = wording
    return found


def _pieces(group: msgspec.Struct) -> list[str]:
    return [getattr(group, name) for name in group.__struct_fields__]


def chosen(tags: Iterable[str], default: str) -> Wording:
    """The catalogue for the first of these language tags that one serves (RFC 4647 section 3.4), or the default's."""
    serving = {tag.lower(): each for each in catalogues().values() for tag in each.serves}
    for tag in tags:
        words = tag.lower().split("-")
        for end in range(len(words), 0, -1):
            if "-".join(words[:end]) in serving:
                return serving["-".join(words[:end])]
    return catalogues().get(default) or catalogues()["en"]


def receipt(wording: Wording, head: Letterhead, reference: str, asks: Collection[str]) -> Letter:
    """The receipt for a report, which asks for some of ASKS."""
    words, call = wording.receipt, head.calls.get(wording.language, "")
    pieces = [words.kept, words.money, *([words.call] if call else [])]
    pieces += [getattr(words, each) for each in ASKS if each in asks]
    bodies = _bodies(wording, head.country)
    pieces += [
        words.next,
        words.wont,
        *([words.elsewhere] if bodies else []),
        *([words.status] if head.page else []),
        words.erase,
        words.end,
    ]
    return _letter(wording, head, reference, words.subject, pieces, bodies)


def _bodies(wording: Wording, country: str) -> str:
    """A line for each lane: who is in charge of it in that country, '' where we know nobody."""
    lines = []
    for lane in LANES:
        told = [
            " ".join(filter(None, (each.name(wording.language), each.phone, each.web)))
            for each in in_charge(country, lane)
        ]
        if told:
            lines.append(f"    {getattr(wording.receipt, lane.replace('-', '_'))}\n      " + "\n      ".join(told))
    return "\n".join(lines)


def outcome(wording: Wording, head: Letterhead, reference: str, code: str) -> Letter:
    """The note that the work on a report is over, as far as it may be told."""
    words = wording.outcome
    return _letter(wording, head, reference, words.subject, [getattr(words, code), words.end])


def _letter(
    wording: Wording, head: Letterhead, reference: str, subject: str, pieces: Iterable[str], bodies: str = ""
) -> Letter:
    link = f"{head.page.rstrip('/')}/reports/{reference}" if head.page else ""
    call = head.calls.get(wording.language, "")
    named = {
        "reference": reference, "authority": head.name or head.address, "link": link, "call": call,
        "contact": head.contact, "bodies": bodies,
    }  # fmt: skip
    text = "\n\n".join(piece.strip("\n").format_map(named) for piece in pieces) + "\n"
    return Letter(subject.format_map(named), text, wording)


def mail(
    letter: Letter, head: Letterhead, to: str, at: datetime, id: str, answers: str = "", submitted: str = "auto-replied"
) -> bytes:  # fmt: skip
    """The signed mail; `id` becomes its Message-ID, `answers` is the Message-ID that it answers."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(head.name, addr_spec=head.address)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{id}@{head.address.rpartition('@')[2]}>"
    if answers:
        message["In-Reply-To"], message["References"] = answers, answers
    message["Auto-Submitted"] = submitted
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text, cte="quoted-printable" if letter.text.isascii() else "base64")
    message["Content-Language"] = letter.wording.language
    return head.sign(message.as_bytes())
