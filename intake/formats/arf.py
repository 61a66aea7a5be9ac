"""ARF: abuse and authentication-failure reports of the feedback-report type, in all the dialects that are seen.

Promises one Found per feedback part, its message a slice of the original bytes (or of one decoding where the part is
encoded against the rules), the reporter's fields as Claims, unverified. Nothing missing makes a report noise.
Standards: RFC 5965, 6522 (container), 6591, 6692 and 9991 (further fields), all read leniently.
"""

from collections.abc import Sequence

from msgspec import structs

from intake import mime, words
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree
from intake.report import Claims

FORMAT = "arf"
ORIGINAL = ("message/rfc822", "message/global", "text/rfc822")
HEADERS_ONLY = (
    "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers",
)  # fmt: skip
VALUES = 100
"""Most values of one field, and most further fields, that a report's claims keep."""
LENGTH = 4000
"""Longest claim, in characters."""

_ONCE = {
    "feedback-type": "feedback_type",
    "source-ip": "source_ip",
    "arrival-date": "arrival_date",
    # RFC 5965 section 3.2: the historic name of Arrival-Date.
    "received-date": "arrival_date",
    "incidents": "incidents",
    "original-mail-from": "mail_from",
    "reporting-mta": "reporting_mta",
    "user-agent": "user_agent",
}
_MANY = {
    "original-rcpt-to": "rcpt_to",
    "reported-domain": "reported_domain",
    "reported-uri": "reported_uri",
    "authentication-results": "authentication_results",
}


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is a feedback report; if so each of its pairs is now a Found."""
    content = item.content
    machine = [index for index, node in enumerate(tree.nodes) if node.type == "message/feedback-report"]
    for index in machine:
        original = _original(content, tree, index, alone=len(machine) == 1)
        _found(item, tree, desk, _claims(content, tree.nodes[index], desk), original)
    if machine:
        return True
    if not _says_feedback(tree.root):
        return False
    # Exim and cPanel send the container with a sentence only.
    _found(item, tree, desk, Claims(), _best(content, tree, tree.root.children))
    return True


def _says_feedback(node: Node) -> bool:
    return node.type == "multipart/report" and dict(node.params).get("report-type", "").lower() == "feedback-report"


def _original(content: bytes, tree: Tree, index: int, alone: bool) -> Node | None:
    """The reported message that belongs to feedback part `index`: after it, up to the next such part, else before."""
    parent = tree.nodes[index].parent
    siblings = tree.nodes[parent].children if parent >= 0 else ()
    after = siblings[siblings.index(index) + 1 :] if siblings else ()
    stop = next((n for n, i in enumerate(after) if tree.nodes[i].type == tree.nodes[index].type), len(after))
    return _best(content, tree, after[:stop]) or (_best(content, tree, siblings) if alone else None)


def _best(content: bytes, tree: Tree, among: Sequence[int]) -> Node | None:
    nodes = [tree.nodes[index] for index in among]
    for types in (ORIGINAL, HEADERS_ONLY):
        found = next((node for node in nodes if node.type in types), None)
        if found:
            return found
    # The first text is for people; a later text or a file with mail in it is the original in disguise.
    later = [node for node in nodes[1:] if not node.children and node.type.startswith(("text/plain", "application/"))]
    return next((node for node in later if _is_mail(mime.decoded(content, node, mime.HEADER_BLOCK))), None)


def _is_mail(data: bytes) -> bool:
    names = mime.head(data).first.keys()
    return "from" in names and len(names & {"received", "date", "subject", "message-id", "to", "return-path"}) > 1


def _found(item: Item, tree: Tree, desk: Desk, claims: Claims, original: Node | None) -> None:
    if original is None:
        note = _sentence(item.content, tree)
        claims = structs.replace(claims, note=note)
        desk.report(item, 0, 0, FORMAT, claims, ("headers", "received", "body"))
        return
    missing = ("body",) if original.type in HEADERS_ONLY else None
    if original.encoding not in mime.ENCODED:
        desk.report(item, original.body_start, original.end, FORMAT, claims, missing)
        return
    data = mime.decoded(item.content, original, mime.DECODED)
    made = desk.make(item, original.body_start, original.end, original.encoding, data)
    if made is None:
        desk.limit(item, "archive-bytes", FORMAT, "The reported message is too large to be decoded.")
    else:
        desk.report(made, 0, len(data), FORMAT, claims, missing)


def _sentence(content: bytes, tree: Tree) -> str:
    """The part for people, which is all there is where the report has no message."""
    text = next((node for node in tree.nodes if node.type == "text/plain" and not node.children), None)
    return words.text(mime.decoded(content, text, LENGTH * 4), text.charset)[:LENGTH].strip() if text else ""


def _claims(content: bytes, node: Node, desk: Desk) -> Claims:
    """The fields of a feedback part: the first of those that may stand once, every one of the others."""
    data = mime.decoded(content, node, mime.DECODED)
    once: dict[str, str] = {}
    many: dict[str, list[str]] = {name: [] for name in _MANY.values()}
    extra: list[tuple[str, str]] = []
    for field in mime.head(data).fields:
        name, value = field.name.lower(), _value(data, field, desk)
        if name in _MANY:
            many[_MANY[name]].append(value)
        elif name in _ONCE and _ONCE[name] not in once:
            once[_ONCE[name]] = value
        else:
            extra.append((field.name, value))
    if len(extra) > VALUES or any(len(values) > VALUES for values in many.values()):
        desk.limits["claims"] = None
    lists = {name: tuple(values[:VALUES]) for name, values in many.items()}
    return Claims(**once, **lists, extra=tuple(extra[:VALUES]))  # type: ignore[arg-type]


def _value(data: bytes, field: mime.Field, desk: Desk) -> str:
    value = mime.value(data, field)
    if len(value) > LENGTH:
        desk.limits["claims"] = None
    return value[:LENGTH]
