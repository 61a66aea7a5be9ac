"""Report formats: which one a submission is in, and the reported messages in it.

`open_submission` asks the readers in the order of the tuples below; each is one file and one format. A reported message
is always a slice of the original bytes or of a named decoding of them, never put together anew. Everything that is
found has a verdict, and something always is. It never raises on any bytes; it needs no files once it is imported.

Order: what is recognised by its first bytes comes before mail; of mails the reports made by machines come before
those made by people, and a bare mail is what is left. XARF stands before ARF, whose type word it borrows.
"""

from collections.abc import Callable

from intake import mime
from intake.formats import arf, attached, bounce, bundle, inline_forward, outlook_msg, raw, xarf
from intake.formats.opened import Desk, Found, Item, Made, Opened
from intake.mime import Tree

__all__ = ["Found", "Made", "Opened", "open_submission"]

FILES: tuple[Callable[[Item, Desk], bool], ...] = (bundle.read, outlook_msg.read, xarf.read, raw.read_emlx)
"""Readers that know their format by its bytes."""
MAILS: tuple[Callable[[Item, Tree, Desk], bool], ...] = (
    xarf.read_mail, arf.read, bounce.read, attached.read, inline_forward.read, raw.read,
)  # fmt: skip
"""Readers of mails, over the tree of the mail."""

_KINDS = (
    (b"%PDF-", "a PDF document"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x89PNG", "a picture"),
    (b"GIF8", "a picture"),
    (b"Rar!", "a RAR archive, which isn't opened here"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive, which isn't opened here"),
    (b"BZh", "a bzip2 file, which isn't opened here"),
    (b"\xfd7zXZ", "an xz file, which isn't opened here"),
)


def open_submission(data: bytes, filename: str = "", recipient_hint: str = "", cover: bool = False) -> Opened:
    """Everything in `data`, with what became of it.

    `cover` is true where the mail itself is the reporter's (over SMTP): what it carries is reported, or, if it carries
    nothing, the mail. Without it a mail is the reported one unless it is a report by a machine or looks like a forward,
    or is addressed to `recipient_hint`, one of our own addresses. `filename` is what the sender called it.
    """
    desk = Desk()
    desk.open([Item(data, -1, 0, len(data), filename=filename, cover=cover)])
    while desk.todo:
        _open(desk.todo.pop(), desk, recipient_hint)
    return desk.opened()


def _open(item: Item, desk: Desk, recipient: str) -> None:
    content = item.content
    if not content.strip(b" \t\r\n\0"):
        desk.verdict(item, "empty", "", "There is nothing in it.")
        return
    if any(reader(item, desk) for reader in FILES):
        return
    tree = mime.split(content)
    desk.limits |= dict.fromkeys(tree.limits)
    if recipient and not item.cover and not item.level and _addressed(content, tree, recipient):
        item = _covered(item)
    if not any(reader(item, tree, desk) for reader in MAILS):
        _nothing(item, desk)


def _addressed(content: bytes, tree: Tree, recipient: str) -> bool:
    """Whether the mail was sent to one of our addresses."""
    values = (mime.first(content, tree.root, name).lower() for name in ("to", "cc", "delivered-to"))
    return any(recipient.lower() in value for value in values)


def _covered(item: Item) -> Item:
    return Item(item.data, item.source, item.start, item.end, item.name, item.filename, item.level, True, item.claims)


def _nothing(item: Item, desk: Desk) -> None:
    """The item is none of what we read."""
    head = item.content[:16]
    kind = next((says for magic, says in _KINDS if head.startswith(magic)), "")
    archive = "opened" in kind
    says = f"This is {kind}." if kind else "This is no mail: no header field that mail has."
    desk.verdict(item, "not-fully-examined" if archive else "not-a-report", "", says)
