"""Contact point: whom an authority elsewhere wants to be asked through, and how far we trust that entry.

`read_directory` reads `contacts/jurisdictions.csv`: public knowledge, nothing in it is an address between agencies.
Its column `verified` says that the *source* was checked; so every imported contact starts unverified and has no request
address, and `blocked` says why a request to it may not go out. A contact never changes: `verify` makes a new version.
"""

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import msgspec

from intake.errors import Refused
from intake.record import Record, name_of

DIRECTORY = Path(__file__).parent / "contacts" / "jurisdictions.csv"
"""The table that comes with Lapwing; sources and limits are in its own columns."""
_RESERVED = (".example", ".test", ".invalid", "example.com", "example.net", "example.org")
"""Ends of names that nobody can own (RFC 2606): the only ones that a demo contact may have."""


class ContactPoint(Record, frozen=True, kw_only=True):
    """Version `version` (from 1) of one entry of the directory.

    `country` is ISO 3166-1 alpha-2. `public_channel` is where the public reports spam: never used to ask for
    assistance. `request_address` is '' when unknown. `source_checked` repeats the table's own column; `verified` says
    that a person of ours, `verified_by`, confirmed address and remit with the agency. A `demo` contact is our own.
    """

    kind = "contact"
    indexed = ("id", "country")

    id: str
    version: int = 1
    country: str
    agency: str
    agency_kind: str
    """telecom, consumer, data-protection, cert, police or other."""
    law: str = ""
    regime: str = "unknown"
    """opt-in, opt-out, mixed, none, pending, n/a (not the spam regulator) or unknown."""
    public_channel: str = ""
    request_address: str = ""
    languages: tuple[str, ...] = ()
    source_url: str = ""
    source_checked: str = ""
    verified: bool = False
    verified_by: str = ""
    verified_at: datetime | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    demo: bool = False

    @property
    def key(self) -> str:
        return f"{self.id}/{self.version}"


def read_directory(text: str) -> tuple[ContactPoint, ...]:
    """One unverified contact per row of the table `text` (CSV, UTF-8); `Refused` when a column is missing."""
    try:
        return tuple(_contact(row) for row in csv.DictReader(io.StringIO(text)))
    except KeyError as error:
        raise Refused("directory", f"the directory has no column {error}") from error


def _contact(row: dict[str, str]) -> ContactPoint:
    return ContactPoint(
        id=name_of("contact", row["country_iso2"], row["agency"]),
        country=row["country_iso2"],
        agency=row["agency"],
        agency_kind=row["agency_kind"],
        law=row["law"],
        regime=row["regime"],
        public_channel=row["spam_report_channel"],
        source_url=row["source_url"],
        source_checked=row["verified"],
    )


def verify(
    contact: ContactPoint, request_address: str, by: str, at: datetime, valid_until: date | None = None
) -> ContactPoint:
    """The next version, in which person `by` confirms where requests go; `Refused` for the public's channel."""
    address = request_address.strip()
    if not address or "@" not in address or any(character.isspace() for character in address):
        raise Refused("contact-address", "a request address is one e-mail address")
    if address.casefold() in contact.public_channel.casefold():
        raise Refused("contact-address", "that is the address for reports of the public, not for requests")
    if not by.strip():
        raise Refused("contact-verifier", "a named person verifies a contact")
    return msgspec.structs.replace(
        contact,
        version=contact.version + 1,
        request_address=address,
        verified=True,
        verified_by=by,
        verified_at=at,
        valid_from=at.date(),
        valid_until=valid_until,
    )


def demo_contact(country: str, at: datetime) -> ContactPoint:
    """A contact point of our own for the demonstration, at a reserved name that no mail reaches."""
    return ContactPoint(
        id=name_of("contact", "demo", country),
        country=country,
        agency=f"Demonstration Authority {country}",
        agency_kind="telecom",
        law=f"Demonstration Spam Act of {country}",
        regime="opt-in",
        request_address=f"requests.{country.lower()}@authority.example",
        languages=("en",),
        source_url="https://authority.example/",
        source_checked="demo",
        verified=True,
        verified_by="demonstration",
        verified_at=at,
        valid_from=at.date(),
        demo=True,
    )


def blocked(contact: ContactPoint | None, today: date, demo: bool) -> tuple[tuple[str, str], ...]:
    """(code, sentence) for each reason why no request may go to `contact` today; () when it may.

    `demo` says that this is the demonstration, the only place where a demo contact can be used.
    """
    if contact is None:
        return (("contact-none", "No contact point was found for this request."),)
    reasons = []
    if not contact.verified:
        reasons.append(("contact-unverified", f"Nobody has verified the contact point {contact.agency} yet."))
    if not contact.request_address:
        reasons.append(("contact-address", f"No address for requests to {contact.agency} is known."))
    if not _in_force(contact, today):
        reasons.append(("contact-not-in-force", f"The entry for {contact.agency} is not in force today."))
    if contact.demo and not demo:
        reasons.append(("contact-demo", "This contact point exists for the demonstration only."))
    if contact.demo and not contact.request_address.endswith(_RESERVED):
        reasons.append(("contact-demo", "A demonstration contact must have a reserved address."))
    return tuple(reasons)


def _in_force(contact: ContactPoint, today: date) -> bool:
    begun = contact.valid_from is None or contact.valid_from <= today
    return begun and (contact.valid_until is None or today <= contact.valid_until)


def newest(contacts: Iterable[ContactPoint]) -> tuple[ContactPoint, ...]:
    """The latest version of each contact, by country and agency."""
    latest: dict[str, ContactPoint] = {}
    for contact in contacts:
        if contact.id not in latest or latest[contact.id].version < contact.version:
            latest[contact.id] = contact
    return tuple(sorted(latest.values(), key=lambda each: (each.country, each.agency, each.id)))
