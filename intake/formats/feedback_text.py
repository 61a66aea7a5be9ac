"""Text reports by machines: SpamCop's, and those of systems that write a sentence and paste the message below it.

Promises the pasted message as a slice of the original bytes, or of the decoding of the part it stands in; a SpamCop
report without a message is a claim that stands alone. Only mails that say they were made by a machine are looked at;
what people paste is for `inline_forward.py`. Source: what SpamCop and
abuse desks send; there is no standard.
"""

import re

from intake import mime, words
from intake.formats import carried, xarf_types
from intake.formats.carried import LENGTH
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree
from intake.report import Claims

FORMAT = "feedback-text"
TEXT = 262_144
"""Bytes of text that are read for a divider."""
TRIES = 20
"""Most dividers below which a message is looked for."""
GAP = 3
"""Most empty lines between a divider and the message."""
DIVIDERS = frozenset(
    {
        "offending message", "offending mail", "offending email", "original message", "original message follows",
        "original email", "original mail", "original headers", "full headers", "full message", "message headers",
        "mail headers", "email headers", "e-mail headers", "spam headers", "headers", "header", "header follows",
        "headers follow", "message follows", "message source", "raw message", "raw email", "raw headers",
        "spam message", "spam sample", "sample", "sample message", "reported message", "evidence", "source",
        "copy of the message", "complete message", "begin message", "begin headers", "begin original message",
        "start of message", "start of original message", "the message", "the headers",
    }
)  # fmt: skip
"""Lines after which the message stands, in lower case, without the signs around them."""

_SIGNS = " \t-=*_#[]<>:~+.\r"
_FIELD = re.compile(rb">?From |[!-9;-~]{1,76}:")
_SPAMCOP = re.compile(rb"(?m)^\[ ?SpamCop V[0-9.]{1,12} ?\]")
_FROM = re.compile(r"Email from \[?([0-9A-Fa-f.:]{3,45})\]? / ([^\r\n]{6,60})")
_SITE = re.compile(r"(?m)^(?:Spamvertised web ?site: ?)(https?://[^\s]{1,2000})")
_COMMENT = re.compile(r"\[ ?Comments from recipient ?\]")
_MACHINE = re.compile(r"(?i)(?:no-?reply|do-?not-?reply|abuse|fbl|feedback|complaints?|scomp|spamcop|postmaster)")


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is such a report; if so its message, or its claim, is now a Found."""
    content, node = item.content, carried.human(tree)
    if node is None or node.name:
        return False
    text = mime.decoded(content, node, TEXT)
    spamcop = _SPAMCOP.search(text[:4000]) is not None
    # A mail that nobody sent us as a report may be shaped like one to accuse a third party.
    if not (spamcop or (item.cover and _by_machine(content, tree))):
        return False
    start = _pasted(text)
    if start < 0 and not spamcop:
        return False
    said = words.text(text[:start] if start >= 0 else text[: LENGTH * 2], node.charset)
    _take(item, node, start, _claims(said, spamcop), desk)
    return True


def _by_machine(content: bytes, tree: Tree) -> bool:
    """Whether a machine made the mail, as it says (RFC 3834 section 5), for a desk that does such things."""
    root = tree.root
    said = mime.first(content, root, "auto-submitted").lower().startswith("auto-generated")
    bulk = mime.first(content, root, "precedence").lower() in ("bulk", "list", "junk")
    report = bool(mime.first(content, root, "x-report-abuse-to") or mime.first(content, root, "feedback-id"))
    replied = bool(mime.first(content, root, "in-reply-to"))
    desk = _MACHINE.search(mime.first(content, root, "from")[-320:]) is not None
    return desk and not replied and (said or bulk or report)


def _pasted(text: bytes) -> int:
    """Where the message begins that stands below a divider, -1 where none does."""
    position, tried = 0, 0
    for line in text.split(b"\n"):
        position += len(line) + 1
        if len(line) > 80 or line.decode("latin-1").strip(_SIGNS).lower() not in DIVIDERS:
            continue
        tried += 1
        if tried > TRIES:
            break
        start = position
        for _ in range(GAP):
            if text[start : start + 2] != b"\r\n" and text[start : start + 1] != b"\n":
                break
            start = text.find(b"\n", start) + 1
        if _FIELD.match(text, start) and carried.is_delivered(text[start:]):
            return start
    return -1


def _claims(said: str, spamcop: bool) -> Claims:
    match = _FROM.search(said) if spamcop else None
    known = match is not None and xarf_types.is_address(match[1])
    comment = _COMMENT.split(said, maxsplit=1)
    return Claims(
        feedback_type="abuse" if spamcop else "",
        user_agent="SpamCop" if spamcop else "",
        source_ip=match[1] if match and known else "",
        arrival_date=match[2].strip() if match and known else "",
        reported_uri=tuple(_SITE.findall(said)[: carried.VALUES]) if spamcop else (),
        note=(comment[1] if spamcop and len(comment) > 1 else said).strip()[:LENGTH],
    )


def _take(item: Item, node: Node, start: int, claims: Claims, desk: Desk) -> None:
    claims = carried.with_cover(item, claims)
    if start < 0:
        desk.report(item, 0, 0, FORMAT, claims, carried.NOTHING)
    elif node.encoding not in mime.ENCODED:
        desk.report(item, node.body_start + start, node.end, FORMAT, claims)
    else:
        data = mime.decoded(item.content, node, desk.left + 1)
        made = desk.make(item, node.body_start, node.end, node.encoding, data)
        if made is None:
            desk.limit(item, "archive-bytes", FORMAT, "The text of the report is too large to be decoded.")
        else:
            desk.report(made, start, len(data), FORMAT, claims)
