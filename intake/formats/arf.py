"""ARF: abuse and authentication-failure reports of the feedback-report type, in all the dialects that are seen.

Promises for every feedback part a Found per message that belongs to it, or one Found without a message; the reporter's
fields as Claims, unverified. Nothing missing and nothing unknown makes a report noise: each departure is a word in the
claims' flags. A part of the feedback type inside the reported message is that message's own affair.
Standards: RFC 5965, 6522 (container), 6591, 6692 and 9991 (further fields), all read leniently.
"""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

from msgspec import structs

from intake import mime
from intake.formats import carried
from intake.formats.carried import LENGTH, VALUES
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree
from intake.report import Claims

FORMAT = "arf"
TYPES = frozenset({"abuse", "auth-failure", "fraud", "not-spam", "other", "virus"})
"""The registered feedback types; any other word is treated as 'other', and kept."""
INCIDENTS = 10_000
"""Most incidents that one report may claim: the number is the reporter's own choice."""
BLOCKS = 5
"""Most blocks of fields that are read of one feedback part; empty lines have no business between them."""

_ONCE = {
    "feedback-type": "feedback_type",
    "version": "version",
    "source-ip": "source_ip",
    "source-port": "source_port",
    "arrival-date": "arrival_date",
    # RFC 5965 section 3.2: the historic name of Arrival-Date.
    "received-date": "arrival_date",
    "incidents": "incidents",
    "original-mail-from": "mail_from",
    "original-envelope-id": "envelope_id",
    "reporting-mta": "reporting_mta",
    "user-agent": "user_agent",
    "auth-failure": "auth_failure",
    "delivery-result": "delivery_result",
    "identity-alignment": "identity_alignment",
    "dkim-domain": "dkim_domain",
    "dkim-identity": "dkim_identity",
    "dkim-selector": "dkim_selector",
}
_MANY = {
    "original-rcpt-to": "rcpt_to",
    "reported-domain": "reported_domain",
    "reported-uri": "reported_uri",
    "authentication-results": "authentication_results",
}
_DNS = frozenset({"spf-dns", "dkim-selector-dns", "dkim-adsp-dns"})
_ALONE = frozenset({"dkim-canonicalized-header", "dkim-canonicalized-body"})
"""Fields that may stand once and are kept among the further ones."""
_NEEDED = ("feedback_type", "user_agent", "version")
_PLAIN = ("text/plain", "application/octet-stream")
_SENTENCE = re.compile(r"received from (?:IP(?: address)? )?\[?([0-9A-Fa-f.:]{3,45}?)\]? on (.{6,60}?)(?:\. |\.?$)")


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is a feedback report; if so each of its pairs is now a Found."""
    content, own = item.content, carried.own(tree)
    container = any(_says_feedback(tree.nodes[index]) for index in own)
    machine = [index for index in own if tree.nodes[index].type == "message/feedback-report"]
    machine = machine or [index for index in own if _disguised(content, tree.nodes[index], container)]
    if machine:
        _pairs(item, tree, machine, desk)
    elif container:
        # Exim and cPanel send the container with a sentence only.
        note = carried.sentence(content, tree)
        claims = _from_sentence(Claims(note=note, flags=("no-feedback-part",)), note)
        carried.take(item, carried.messages(content, tree, own), FORMAT, claims, desk)
    return bool(machine) or container


def _says_feedback(node: Node) -> bool:
    return node.type == "multipart/report" and dict(node.params).get("report-type", "").lower() == "feedback-report"


def _disguised(content: bytes, node: Node, container: bool) -> bool:
    """Whether a gateway gave the feedback part another type; outside the container it must say more of itself."""
    if node.children or node.type not in _PLAIN:
        return False
    names = mime.head(carried.beginning(content, node)).first.keys()
    return "feedback-type" in names and (container or {"user-agent", "version"} <= names)


def _pairs(item: Item, tree: Tree, machine: list[int], desk: Desk) -> None:
    """Every feedback part with the messages after it, up to the next one; those of a lone one may stand before it."""
    content, own = item.content, carried.own(tree)
    said = carried.sentence(content, tree)
    for index, stop in zip(machine, [*machine[1:], len(tree.nodes)], strict=True):
        claims = _from_sentence(_claims(content, tree.nodes[index], desk), said if len(machine) == 1 else "")
        found = carried.messages(content, tree, [each for each in own if index < each < stop])
        if not found and len(machine) == 1:
            found = carried.messages(content, tree, [each for each in own if each < index])
        claims = _flagged(claims, "several-reports" if len(machine) > 1 else "")
        claims = _flagged(claims, "several-messages" if len(found) > 1 else "")
        if claims.feedback_type == "not-spam":
            desk.verdict(item, "not-a-report", FORMAT, "The reporter says that this mail is no spam.")
        else:
            claims = claims if found else structs.replace(claims, note=said)
            carried.take(item, found, FORMAT, claims, desk)


def _flagged(claims: Claims, flag: str) -> Claims:
    return structs.replace(claims, flags=(*claims.flags, flag)) if flag else claims


def _from_sentence(claims: Claims, said: str) -> Claims:
    """The claims with address and date of the part for people where there are none: its sentence is the last source."""
    match = _SENTENCE.search(" ".join(said[:2000].split()))
    if match is None or claims.source_ip or not _is_address(match[1]):
        return claims
    date = claims.arrival_date or match[2]
    return _flagged(structs.replace(claims, source_ip=match[1], arrival_date=date), "from-sentence")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class _Fields:
    """The fields of one feedback part while they are sorted."""

    once: dict[str, str] = field(default_factory=dict)
    many: dict[str, list[str]] = field(default_factory=dict)
    dns: list[tuple[str, str]] = field(default_factory=list)
    extra: list[tuple[str, str]] = field(default_factory=list)
    flags: dict[str, None] = field(default_factory=dict)

    def add(self, written: str, value: str) -> None:
        name = written.lower()
        if name == "removal-recipient":
            # Whom the report must not betray, like the others that are hidden before anything leaves.
            self.many.setdefault("rcpt_to", []).append(value)
        if name in _MANY:
            self.many.setdefault(_MANY[name], []).append(value)
        elif name in _DNS:
            self.dns.append((written, value))
        elif name in _ONCE and _ONCE[name] not in self.once:
            self.once[_ONCE[name]] = value
        else:
            if name in _ONCE or (name in _ALONE and any(each.lower() == name for each, _ in self.extra)):
                self.flags["duplicate-field"] = None
            self.extra.append((written, value))


def _claims(content: bytes, node: Node, desk: Desk) -> Claims:
    """The fields of a feedback part: the first of those that may stand once, every one of the others."""
    data = mime.decoded(content, node, mime.DECODED)
    fields = _Fields()
    for _ in range(BLOCKS):
        head = mime.head(data)
        for each in head.fields:
            fields.add(each.name, _value(data, each, desk))
        data = data[head.body_start :] if head.fields else b""
    _needed(fields)
    _type(fields)
    _incidents(fields)
    lengths = (len(fields.extra), len(fields.dns), *map(len, fields.many.values()))
    if max(lengths) > VALUES:
        desk.limits["claims"] = None
    lists = {name: tuple(values[:VALUES]) for name, values in fields.many.items()}
    kept = Claims(dns=tuple(fields.dns[:VALUES]), extra=tuple(fields.extra[:VALUES]), flags=tuple(fields.flags))
    return structs.replace(kept, **fields.once, **lists)


def _needed(fields: _Fields) -> None:
    """Say what the standards require and is not there (RFC 5965 section 3.1, RFC 6591 section 3.1)."""
    failure = fields.once.get("feedback_type", "").lower() == "auth-failure"
    needed = (*_NEEDED, "auth_failure") if failure else _NEEDED
    for name in needed:
        if not fields.once.get(name):
            fields.flags[f"no-{name.replace('_', '-')}"] = None
    if failure and not fields.many.get("authentication_results"):
        fields.flags["no-authentication-results"] = None
    if "dmarc" in fields.once.get("auth_failure", "").lower() and not fields.once.get("identity_alignment"):
        fields.flags["no-identity-alignment"] = None


def _type(fields: _Fields) -> None:
    said = fields.once.get("feedback_type", "")
    word = said.partition("(")[0].strip(' "').lower()
    if word and word not in TYPES:
        fields.flags["unknown-feedback-type"] = None
        fields.extra.insert(0, ("Feedback-Type", said))
    if said:
        fields.once["feedback_type"] = word if word in TYPES else "other"


def _incidents(fields: _Fields) -> None:
    """A count above INCIDENTS becomes that, a count that is none goes; both stay among the further fields."""
    said = fields.once.get("incidents", "")
    counted = said.isascii() and said.isdecimal()
    if not said or (counted and len(said) < 9 and int(said) <= INCIDENTS):
        return
    fields.flags["incidents-capped" if counted else "bad-incidents"] = None
    fields.extra.insert(0, ("Incidents", said))
    fields.once["incidents"] = str(INCIDENTS) if counted else ""


def _value(data: bytes, each: mime.Field, desk: Desk) -> str:
    value = mime.value(data, each)
    if len(value) > LENGTH:
        desk.limits["claims"] = None
    return value[:LENGTH]
