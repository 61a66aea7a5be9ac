"""Report formats: which one a submission is in, and the reported messages in it.

`open_submission` asks the readers in the order of the tuples below; each is one file and one format. A reported message
is always a slice of the original bytes or of a named decoding of them, never put together anew. Everything that is
found has a verdict, and something always is. It never raises on any bytes; after `warm` it needs no files.

Order: what is recognised by its first bytes comes before mail; of mails the reports made by machines come before
those made by people, what shows more of the message before what shows less, and a bare mail is what is left. XARF
stands before ARF, whose type word it borrows; both before bounces, because a feed may answer automatically. Text
reports by machines come after bounces, which look like them. Workbooks stand before the archives that they are; tables
as text are sought last, because they have no mark.
"""

from collections.abc import Callable

from intake import mime
from intake.formats import (
    arf,
    attached,
    bounce,
    bundle,
    feedback_text,
    inline_forward,
    outlook_msg,
    pasted,
    raw,
    rows_csv,
    rows_json,
    rows_mail,
    rows_xlsx,
    screenshot,
    sealed,
    winmail,
    xarf,
    xarf_lines,
)  # fmt: skip
from intake.formats.opened import Desk, Found, Item, Made, Opened
from intake.mime import Tree

__all__ = ["Found", "Made", "Opened", "open_submission", "open_trapped", "warm"]

FILES: tuple[Callable[[Item, Desk], bool], ...] = (
    rows_xlsx.read, bundle.read, outlook_msg.read, winmail.read, xarf.read, raw.read_emlx, screenshot.read,
    sealed.read, rows_json.read, rows_csv.read,
)  # fmt: skip
"""Readers that know their format by its bytes."""
MAILS: tuple[Callable[[Item, Tree, Desk], bool], ...] = (
    xarf.read_mail, xarf_lines.read_mail, arf.read, bounce.read, feedback_text.read, rows_mail.read, attached.read,
    winmail.read_mail, sealed.read_mail, pasted.read, inline_forward.read, screenshot.read_mail, winmail.notice,
    raw.read,
)  # fmt: skip
"""Readers of mails, over the tree of the mail."""
TRAPPED = (xarf.read_mail, xarf_lines.read_mail, arf.read, raw.read)
"""Readers of what came to a trap: spam may look like a bounce, an answer or a forward, or carry a mail."""

_KINDS = ((b"%PDF-", "a PDF document"), (b"MSCF", "a cabinet, which isn't opened here: send a zip"))


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


def open_trapped(data: bytes) -> Opened:
    """What came by mail to a trap: the message itself, or what is in a report by a machine about one."""
    desk, tree = Desk(), mime.split(data)
    desk.limits |= dict.fromkeys(tree.limits)
    item = Item(data, -1, 0, len(data), cover=True)
    if not data.strip(b" \t\r\n\0"):
        desk.verdict(item, "empty", "", "There is nothing in it.")
    else:
        any(reader(item, tree, desk) for reader in TRAPPED)
    while desk.todo:
        _open(desk.todo.pop(), desk, "")
    return desk.opened()


def warm() -> None:
    """Read tables of every kind once, so that nothing is loaded later."""
    for text, encoding in (
        ("ip,time\n192.0.2.1,Mon, 23 Nov 2026 10:00:00 +0000\n", "utf-8-sig"),
        ("a.example\n", "utf-16"),
    ):
        open_submission(text.encode(encoding), "a.csv")
    open_submission("ip\n192.0.2.1\n".encode("utf-16-le"))
    open_submission(b'[{"email": "a@b.example", "time": "Mon, 23 Nov 2026 10:00:00 +0000"}]')
    rows_xlsx.warm()


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
    says = f"This is {kind}." if kind else "This is no mail: no header field that mail has."
    desk.verdict(item, "not-fully-examined" if "opened" in kind else "not-a-report", "", says)
