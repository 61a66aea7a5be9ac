"""Attached mails: a cover that carries the reported messages as files, whatever type they are given.

Promises one Found per message that is attached: message/rfc822 as a slice of the original bytes, an encoded one
(against RFC 2046 section 5.2.1, but frequent) as a slice of its decoding, an .eml sent as any other type likewise;
Outlook items, mailboxes and archives that hold mail are opened in turn. Of messages inside each other the outermost
counts: what a message carries may be there to accuse a third party.
"""

from dataclasses import replace

from intake import mime
from intake.formats import bundle, cover, outlook_msg
from intake.formats.cover import BRIEF, NOTE, Cover
from intake.formats.opened import Desk, Item, inside
from intake.mime import Node, Tree
from intake.report import Claims

FORMAT = "attached"
EML = (".eml", ".mht", ".mhtml", ".emlx")
MOST = 200
"""Most attached messages that one cover gives."""
_MICROSOFT = "x-hmxmroriginalrecipient"


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is a cover for attached ones; if so each is now a Found or on its way to be one."""
    nodes = [node for node in cover.own(tree) if node.parent >= 0 and not _is_branch(node)]
    carried = [node for node in nodes if _carries(item.content, node)]
    if not carried:
        return False
    mail = cover.read(item.content, tree)
    if not (item.cover or _looks_like_cover(mail, nodes, carried, tree)):
        return False
    claims = Claims(note=mail.text.strip()[:NOTE])
    if len(carried) > MOST:
        desk.limit(item, "parts", FORMAT, f"{len(carried) - MOST} attached messages more were not opened.")
    for node in carried[:MOST]:
        _take(item, node, claims, desk)
    return True


def _is_branch(node: Node) -> bool:
    return node.type.startswith("multipart/")


def _carries(content: bytes, node: Node) -> bool:
    """Whether a part is a mail, or holds some."""
    name = node.name.lower()
    if node.type in mime.EMBEDDED or node.type == "text/rfc822":
        return True
    if node.children or node.type.startswith(("image/", "multipart/")):
        return False
    head = mime.decoded(content, node, 64)
    if head.startswith(outlook_msg.MAGIC):
        return name.endswith(".msg") or node.type in outlook_msg.TYPES
    if name.endswith(EML):
        return True
    return bundle.holds_mail(name, lambda: mime.decoded(content, node))


def _looks_like_cover(mail: Cover, nodes: list[Node], carried: list[Node], tree: Tree) -> bool:
    """Whether a mail that nobody addressed to us as a cover is one all the same."""
    if tree.root.type == "multipart/digest" or not any(node.type in mime.EMBEDDED for node in carried):
        return False
    if cover.forwarded(mail.subject):
        return True
    places = {node.header_start for node in carried}
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
        desk.report(made, 0, len(content), FORMAT, _microsoft(content, claims))
    else:
        desk.open([replace(made, cover=False, filename=node.name, level=item.level, claims=claims)])


def _is_mail(node: Node, content: bytes) -> bool:
    if node.name.lower().endswith(".emlx") or content.startswith(outlook_msg.MAGIC):
        return False
    return node.type in mime.EMBEDDED or node.type == "text/rfc822" or node.name.lower().endswith(EML)


def _microsoft(content: bytes, claims: Claims) -> Claims:
    """Outlook.com's complaint feed names the complainant in the attached mail instead of in a feedback part."""
    root = mime.head(content[: mime.HEADER_BLOCK])
    recipient = mime.first(content, root, _MICROSOFT)
    return Claims(note=claims.note, rcpt_to=(recipient[:320],)) if recipient else claims
