"""Assistance request: what is asked of an authority elsewhere, who approved exactly that, and what became of it.

A request never changes: a new version is a new record that names the one before. What is approved is its digest. Of
the outcomes that exclude each other (sent, withdrawn) one is kept per request, all its versions together: they share
one key, and keeping is create-only. The 38 fields are those of `referral/fields.py`.
"""

from datetime import date, datetime
from typing import Any, Literal

from intake.record import Record, Value, name_of
from referral.dossier import Pointer

FormType = Literal["information", "evidence", "enforcement", "preservation", "service", "referral", "alert"]


class Field(Value, frozen=True, kw_only=True):
    """One of the 38: `value` (text, number, or lists and objects of these), or None and the `reason` why not.

    `mark` is the handling mark of this item, in the words of TLP 2.0.
    """

    number: int
    name: str
    value: Any = None
    cites: tuple[Pointer, ...] = ()
    reason: str = ""
    mark: str = "TLP:AMBER"


class Hand(Value, frozen=True):
    """A person who wrote a version: name, and Ed25519 public key in hexadecimal ('' when they have none)."""

    person: str
    public_key: str = ""


class Exception_(Value, frozen=True):
    """Why a named person asks for help in a case outside the concrete band."""

    by: str
    reason: str


class Authority(Value, frozen=True, kw_only=True):
    """What the requesting authority says of itself: settings, the same for all its requests.

    `confidentiality` names the certifying role and the law that lets it keep a confidence; `zone` is an IANA time zone.
    """

    name: str
    country: str
    liaison: str
    liaison_address: str
    official: str
    power: str
    legal_basis: str
    certified_by: str = ""
    confidentiality: str = ""
    reciprocity: str = ""
    zone: str = "UTC"
    languages: tuple[str, ...] = ("en",)
    """Of the letter (BCP 47): the first leads, the others are added."""
    response_days: int = 30
    stage: str = "preliminary enquiry"
    tried: str = ""
    """What was tried at home and through shared lists before asking abroad."""
    demo: bool = False


class AssistanceRequest(Record, frozen=True, kw_only=True):
    """Version `version` (from 1) of the request `root`; `before` is the id of the version before.

    `contact_digest` pins the very entry of the directory that was approved. `originals` says that a person asked for
    the original messages to go out under TLP:RED.
    """

    kind = "request"
    sealed_under = ("request", "root")
    indexed = ("root", "case")

    id: str
    root: str
    version: int = 1
    before: str = ""
    case: str
    band: str
    form: FormType
    at: datetime
    hands: tuple[Hand, ...]
    contact: str
    contact_digest: str
    country: str
    """Of the requested authority; '' when none was found."""
    fields: tuple[Field, ...]
    languages: tuple[str, ...] = ("en",)
    exception: Exception_ | None = None
    originals: bool = False
    demo: bool = False

    def field(self, number: int) -> Field:
        """The field of that number, 1 to 38."""
        return self.fields[number - 1]


def first_id(case: str, contact: str, person: str, at: datetime) -> str:
    """The id of a new request; the same draft drafted twice has the same one."""
    return name_of("request", case, contact, person, at.isoformat())


def next_id(root: str, version: int) -> str:
    """The id of a later version: whoever keeps it first has written that version."""
    return name_of("request", root, str(version))


class CheckResult(Value, frozen=True):
    """What one check found; `field` is 0 when it is about the request as a whole."""

    code: str
    field: int
    passed: bool
    blocking: bool
    sentence: str


class Approval(Record, frozen=True, kw_only=True):
    """That `person` approved exactly `digest` of version `request`: an Ed25519 signature with their own key.

    Key and signature in hexadecimal; what is signed says `approval.statement`.
    """

    kind = "approval"
    sealed_under = ("request", "root")
    indexed = ("request",)

    request: str
    root: str
    digest: str
    person: str
    public_key: str
    signature: str
    at: datetime

    @property
    def key(self) -> str:
        return f"{self.request}/{self.person}"


class Seal(Record, frozen=True, kw_only=True):
    """The bundle of an approved version: SHA-256 and size of the file, digest of its tag manifest, who signed it."""

    kind = "seal"
    key_field = "request"
    sealed_under = ("request", "root")

    request: str
    root: str
    sha256: str
    size: int
    tagmanifest: str
    by: str
    at: datetime


class Outcome(Record, frozen=True, kw_only=True):
    """What became of the request `root`: sent (version, digest, bundle, address) or withdrawn (reason). Only one is."""

    kind = "outcome"
    key_field = "root"
    sealed_under = ("request", "root")

    root: str
    what: Literal["sent", "withdrawn"]
    request: str
    digest: str
    by: str
    at: datetime
    bundle: str = ""
    to: str = ""
    reason: str = ""
    attempt: str = ""
    """Tells two calls apart that say the same: only the one whose record is kept hands over a mail."""


class Delivery(Record, frozen=True, kw_only=True):
    """That a sent request left through an outbox; `place` is the file or the mail's Message-ID."""

    kind = "delivery"
    key_field = "root"
    sealed_under = ("request", "root")

    root: str
    place: str
    at: datetime


def day(value: Any) -> date | None:
    """The date that a field's text (ISO 8601) says, or None."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
