"""The message that a machine's report carries: which of the report's own parts it is, and where its bytes stand.

Promises slices of the original bytes, or of one decoding where a part is encoded (against RFC 2046 section 5.2.1, but
frequent). Only the report's own parts are looked at: what a carried message has in it was chosen by whoever wrote that
message, perhaps to accuse a third party.
"""

from collections.abc import Sequence

from msgspec import structs

from intake import mime, transfer, words
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree
from intake.report import Claims

ORIGINAL = (*sorted(mime.EMBEDDED), "text/rfc822")
HEADERS_ONLY = (
    "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers",
)  # fmt: skip
NOTHING = ("headers", "received", "body")
"""What is missing where a claim has no message at all."""
MOST = 200
"""Most messages that one report gives."""
VALUES = 100
"""Most values of one field, and most further fields, that a report's claims keep."""
HEAD = 65536
"""Bytes of a part in which its kind must show."""
LENGTH = 4000
"""Longest claim, in characters."""

_COMPANY = frozenset({"received", "date", "subject", "message-id", "to", "return-path"})
_TRACE = frozenset({"received", "return-path", "delivered-to"})


def own(tree: Tree) -> list[int]:
    """Indexes of the parts of the report itself, in order, without those of a message inside it."""
    foreign: set[int] = set()
    out = []
    for index, node in enumerate(tree.nodes):
        if node.parent in foreign:
            foreign.add(index)
            continue
        if node.type in mime.EMBEDDED:
            foreign.add(index)
        out.append(index)
    return out


def beginning(content: bytes, node: Node) -> bytes:
    """The first bytes of a part, decoded, as many as tell what it is."""
    return transfer.decode(content[node.body_start : min(node.end, node.body_start + 2 * HEAD)], node.encoding, HEAD)


def is_mail(data: bytes) -> bool:
    """Whether a header block with a sender and two fields more stands at the beginning."""
    names = mime.head(data[: mime.HEADER_BLOCK]).first.keys()
    return "from" in names and len(names & _COMPANY) > 1


def is_delivered(data: bytes) -> bool:
    """Whether it is a mail, and has a line that a mail server wrote."""
    names = mime.head(data[: mime.HEADER_BLOCK]).first.keys()
    return "from" in names and bool(names & _TRACE) and len(names & _COMPANY) > 1


def messages(content: bytes, tree: Tree, among: Sequence[int]) -> list[Node]:
    """The reported messages among these parts: whole ones, else headers, else the first file with a mail in it."""
    nodes = [tree.nodes[index] for index in among]
    for types in (ORIGINAL, HEADERS_ONLY):
        found = [node for node in nodes if node.type in types]
        if found:
            return found
    people = human(tree)
    leaves = [node for node in nodes if not node.children and node is not people]
    files = (node for node in leaves if node.type.startswith(("text/plain", "application/")))
    return [node for node in files if is_mail(beginning(content, node))][:1]


def human(tree: Tree) -> Node | None:
    """The part for people: the first own text."""
    nodes = (tree.nodes[index] for index in own(tree))
    return next((node for node in nodes if node.type == "text/plain" and not node.children), None)


def sentence(content: bytes, tree: Tree) -> str:
    """What the part for people says, at most LENGTH characters."""
    node = human(tree)
    return words.text(mime.decoded(content, node, LENGTH * 4), node.charset)[:LENGTH].strip() if node else ""


def take(item: Item, nodes: Sequence[Node], format: str, claims: Claims, desk: Desk) -> None:
    """Each of these parts is a reported message; where there is none, the claims stand alone."""
    claims = with_cover(item, claims)
    if not nodes:
        desk.report(item, 0, 0, format, claims, NOTHING)
    if len(nodes) > MOST:
        desk.limit(item, "parts", format, f"{len(nodes) - MOST} messages more were not opened.")
    for node in nodes[:MOST]:
        _take(item, node, format, claims, desk)


def with_cover(item: Item, claims: Claims) -> Claims:
    """The claims with what the person wrote who handed the report in, where the report itself has no note."""
    told = item.claims
    return structs.replace(claims, note=claims.note or told.note, loss=claims.loss or told.loss)


def _take(item: Item, node: Node, format: str, claims: Claims, desk: Desk) -> None:
    missing = ("body",) if node.type in HEADERS_ONLY else None
    if node.encoding not in mime.ENCODED:
        desk.report(item, node.body_start, node.end, format, claims, missing)
        return
    data = mime.decoded(item.content, node, desk.left + 1)
    made = desk.make(item, node.body_start, node.end, node.encoding, data)
    if made is None:
        desk.limit(item, "archive-bytes", format, "The reported message is too large to be decoded.")
    else:
        desk.report(made, 0, len(data), format, claims, missing)
