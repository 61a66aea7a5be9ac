"""Automatic mail: the marks by which a mail says that a program sent it, or that no program may answer it.

Only the mail's own header is looked at. A field that can't be read counts as a mark where it forbids an answer, so that
a doubt never sends one. Standards: RFC 3834 sections 2 and 5 (automatic answers), RFC 2369 and 2919 (lists), RFC 5321
section 6.3 (loops); Precedence and X-Auto-Response-Suppress as mail programs use them.
"""

from intake import mime
from intake.mime import Node

HOPS = 30
"""Received lines of a mail that goes in circles."""
_OLDER = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-list-administrivia")
_PRECEDENCE = frozenset({"bulk", "list", "junk", "auto_reply"})
_FETTERED = frozenset({"mailing-list", "x-mailing-list", "x-list", "x-listname", "x-loop", "feedback-id", "x-campaign"})


def submitted(content: bytes, root: Node) -> str:
    """The keyword of Auto-Submitted in lower case (RFC 3834 section 5): 'no', 'auto-replied' ..., '' without one."""
    return _keyword(mime.first(content, root, "auto-submitted"))


def _keyword(value: str) -> str:
    return value.lower().partition(";")[0].partition("(")[0].strip()


def replies(content: bytes, root: Node) -> bool:
    """Whether fields older than RFC 3834 say that this is an automatic answer."""
    older = any(mime.first(content, root, name) for name in _OLDER)
    return older or mime.first(content, root, "precedence").lower() == "auto_reply"


def unanswerable(content: bytes, root: Node) -> str:
    """Why no program may answer this mail: auto-submitted, auto-reply, list, loop or suppressed; '' when one may."""
    fields = [(each.name.lower(), each) for each in root.fields]
    names = {name for name, _ in fields}
    if any(_keyword(mime.value(content, each)) != "no" for name, each in fields if name == "auto-submitted"):
        return "auto-submitted"
    if replies(content, root):
        return "auto-reply"
    if any(name.startswith("list-") for name in names) or names & _FETTERED:
        return "list"
    if any(mime.value(content, each).strip().lower() in _PRECEDENCE for name, each in fields if name == "precedence"):
        return "list"
    if sum(name == "received" for name, _ in fields) >= HOPS:
        return "loop"
    return "suppressed" if "x-auto-response-suppress" in names else ""
