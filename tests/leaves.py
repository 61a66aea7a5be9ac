"""Leaves of a message beside those that the standard library's compat32 finds, so that none is lost without a word.

A leaf is compared by the SHA-256 of its decoded content. One of compat32 that isn't among ours belongs to a class that
says how the two readings differ, or is LOST.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from email import message_from_bytes, policy
from email.message import Message as Mail

from intake import mime
from intake.record import sha256

UNSPLIT = "all of a message"


def contents(part: "Mail[str, str]") -> bytes:
    """A leaf of compat32 without its transfer encoding."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def missing(data: bytes) -> list[str]:
    """The class of each leaf that compat32 finds and we don't have exactly so."""
    tree = mime.split(data)
    mine = [node for node in tree.nodes if not node.children]
    have = Counter(sha256(mime.decoded(data, node)) for node in mine)
    found = []
    for part, above in leaves(message_from_bytes(data, policy=policy.compat32)):
        digest = sha256(contents(part))
        if have[digest]:
            have[digest] -= 1
        else:
            found.append(explained(part, above, data, mine))
    return found


def leaves(part: "Mail[str, str]", above: str = UNSPLIT) -> Iterable[tuple["Mail[str, str]", str]]:
    """Each leaf of compat32, with UNSPLIT where it is all of a message, else the type of the `message/*` around it."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        above = UNSPLIT
    elif kind.startswith("message/"):
        above = kind
    elif part.is_multipart():
        above = ""
    if not part.is_multipart():
        yield part, above
    else:
        for below in part.get_payload():
            if isinstance(below, Mail):
                yield from leaves(below, above)


def explained(part: "Mail[str, str]", above: str, data: bytes, mine: list[mime.Node]) -> str:
    """Why a leaf of compat32 is none of ours; LOST where nothing explains it."""
    payload = vars(part)["_payload"]
    raw = payload.encode("ascii", "surrogateescape") if isinstance(payload, str) else b""
    bodies = [data[node.body_start : node.end] for node in mine]
    if above.startswith("message/") and any(raw.strip() in body for body in bodies):
        return f"{above}: one leaf here, its blocks of fields are parts there"
    if raw in bodies:
        return "same bytes, other decoding"
    if any(raw.strip() == body.strip() for body in bodies):
        return "same text, a line end more or less at its end"
    if any(raw in body for body in bodies):
        return "inside a longer leaf of ours"
    return "one text there, header fields and parts here" if above == UNSPLIT else "LOST"


def classes(mails: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Class -> the names of the messages in which a leaf of compat32 is none of ours for that cause."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, data in mails.items():
        for each in missing(data):
            found[each].append(name)
    return found
