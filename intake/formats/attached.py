"""Attached mails: a cover that carries the reported messages as files, whatever type they are given.

Promises one Found per message that is attached: message/rfc822 as a slice of the original bytes, an encoded one
(against RFC 2046 section 5.2.1, but frequent) as a slice of its decoding, an .eml sent as any other type likewise;
Outlook items, mailboxes and archives that hold mail are opened in turn. Of messages inside each other the outermost
counts: what a message carries may be there to accuse a third party; one that is shaped as a report gets a flag.
Outlook.com's complaint feed (JMRP) is such a cover: its claims stand in the subject and in the attached mail.
"""

import re
from dataclasses import replace

from msgspec import structs

from intake import mime
from intake.formats import bundle, carried, cover, outlook_msg, xarf_types
from intake.formats.cover import BRIEF, NOTE, Cover
from intake.formats.opened import Desk, Item, inside
from intake.mime import Node, Tree
from intake.report import Claims

FORMAT = "attached"
EML = (".eml", ".mht", ".mhtml", ".emlx")
MOST = 200
"""Most attached messages that one cover gives."""
_MICROSOFT = "x-hmxmroriginalrecipient"
_COMPLAINT = re.compile(r"(?i)complaint about message from \[?([0-9a-f.:]{3,45})\]?")
_ELSEWHERE = frozenset({"message/partial", "message/external-body"})
"""What is neither put together nor fetched; the mail that has it is reported as it is."""
_DISGUISES = ("text/plain", "application/")


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is a cover for attached ones; if so each is now a Found or on its way to be one."""
    nodes = [node for node in cover.own(tree) if node.parent >= 0 and not _is_branch(node)]
    found = [node for node in nodes if _carries(item.content, node)]
    if not found:
        if item.cover and any(node.type in _ELSEWHERE for node in nodes):
            desk.verdict(item, "not-fully-examined", FORMAT, "A piece of a mail, or a mail that is kept elsewhere.")
        return False
    mail = cover.read(item.content, tree)
    if not (item.cover or _looks_like_cover(mail, nodes, found, tree)):
        return False
    claims = _told(mail)
    if len(found) > MOST:
        desk.limit(item, "parts", FORMAT, f"{len(found) - MOST} attached messages more were not opened.")
    for node in found[:MOST]:
        _take(item, node, claims, desk)
    return True


def _is_branch(node: Node) -> bool:
    return node.type.startswith("multipart/")


def _carries(content: bytes, node: Node) -> bool:
    """Whether a part is a mail, or holds some."""
    name = node.name.lower()
    if node.type in (*carried.ORIGINAL, *carried.HEADERS_ONLY):
        return True
    if node.children or node.type.startswith(("image/", "multipart/")):
        return False
    head = mime.decoded(content, node, 64)
    if head.startswith(outlook_msg.MAGIC):
        return name.endswith(".msg") or node.type in outlook_msg.TYPES
    if name.endswith(EML):
        return True
    return _disguised(content, node) or bundle.holds_mail(name, lambda: mime.decoded(content, node))


def _disguised(content: bytes, node: Node) -> bool:
    """Whether a file of another type is a mail that a server delivered; the text of a mail is no file."""
    text = node.type.startswith("text/") and node.disposition != "attachment" and not node.name
    return (
        node.type.startswith(_DISGUISES)
        and not text
        and not node.name.lower().endswith(".emlx")
        and carried.is_delivered(carried.beginning(content, node))
    )


def _looks_like_cover(mail: Cover, nodes: list[Node], found: list[Node], tree: Tree) -> bool:
    """Whether a mail that nobody addressed to us as a cover is one all the same."""
    if tree.root.type == "multipart/digest" or not any(node.type in mime.EMBEDDED for node in found):
        return False
    if cover.forwarded(mail.subject):
        return True
    places = {node.header_start for node in found}
    others = any(node.header_start not in places and not node.type.startswith("text/") for node in nodes)
    return not others and len(mail.text.strip()) <= BRIEF


def _take(item: Item, node: Node, claims: Claims, desk: Desk) -> None:
    named = replace(item, name=inside(item, node.name))
    if node.encoding in mime.ENCODED:
        data = mime.decoded(item.content, node, desk.left + 1)
        made = desk.make(named, node.body_start, node.end, node.encoding, data)
        if made is None:
            desk.limit(named, "archive-bytes", FORMAT, "The attached file is too large to be decoded.")
            return
    else:
        made = replace(named, start=item.start + node.body_start, end=item.start + node.end)
    content = made.content
    if _is_mail(node, content):
        missing = ("body",) if node.type in carried.HEADERS_ONLY else None
        desk.report(made, 0, len(content), FORMAT, _claims(content, claims), missing)
    else:
        desk.open([replace(made, cover=False, filename=node.name, level=item.level, claims=claims)])


def _is_mail(node: Node, content: bytes) -> bool:
    if node.name.lower().endswith(".emlx") or content.startswith(outlook_msg.MAGIC):
        return False
    if node.type in (*carried.ORIGINAL, *carried.HEADERS_ONLY) or node.name.lower().endswith(EML):
        return True
    bundled = content.startswith(b"From ") or bundle.holds_mail(node.name.lower(), lambda: content)
    return not bundled and carried.is_delivered(content)


def _told(mail: Cover) -> Claims:
    """What the cover says: the person's note, or the address that Outlook.com's complaint feed names."""
    claims = Claims(note=mail.text.strip()[:NOTE])
    match = _COMPLAINT.match(mail.subject)
    if match is None or not xarf_types.is_address(match[1]):
        return claims
    return structs.replace(claims, feedback_type="abuse", source_ip=match[1])


def _claims(content: bytes, claims: Claims) -> Claims:
    """The claims with the complainant, whom that feed names in the attached mail; a word where a report is in it."""
    root = mime.head(content[: mime.HEADER_BLOCK])
    recipient = mime.first(content, root, _MICROSOFT)
    if recipient:
        claims = structs.replace(claims, feedback_type="abuse", rcpt_to=(recipient[:320],))
    if dict(root.params).get("report-type", "").lower() == "feedback-report":
        claims = structs.replace(claims, flags=("carries-a-report",))
    return claims
