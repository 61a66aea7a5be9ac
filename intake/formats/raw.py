"""Bare mails: a message that is handed in as it is, without a report around it; the last reader to be asked.

Promises that the whole is the reported message, if it is one: something with a header field that mail has. Also
Apple Mail's .emlx, whose first line counts the bytes of the message and which a property list follows.
"""

import re

from intake.formats.opened import Desk, Item, lacks
from intake.mime import Tree

FORMAT = "raw"
FIELDS = frozenset(
    {
        "from", "to", "cc", "subject", "date", "received", "message-id", "return-path", "content-type", "mime-version",
        "delivered-to", "reply-to", "sender", "dkim-signature", "authentication-results", "x-mailer", "in-reply-to",
        "content-transfer-encoding", "references",
    }
)  # fmt: skip
_COUNT = re.compile(rb"[ \t]{0,20}(\d{1,10})[ \t]{0,20}\r?\n")


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the item is a mail; a cover always is one, because it came as mail."""
    if not (item.cover or is_mail(tree)):
        return False
    desk.report(item, 0, len(item.content), FORMAT, None, lacks(item.content, tree.root))
    return True


def is_mail(tree: Tree) -> bool:
    """Whether a field that mail has stands in the header."""
    return not FIELDS.isdisjoint(tree.root.first)


def read_emlx(item: Item, desk: Desk) -> bool:
    """Whether the item is an .emlx; if so the message in it is now a Found."""
    content = item.content
    match = _COUNT.match(content)
    if match is None or not item.filename.lower().endswith(".emlx"):
        return False
    end = match.end() + int(match[1])
    if end > len(content):
        desk.verdict(item, "damaged", FORMAT, "The file ends before its message does.")
    else:
        desk.report(item, match.end(), end, FORMAT)
    return True
