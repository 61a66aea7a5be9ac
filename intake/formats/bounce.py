"""Bounces and automatic replies: mail that programs send back, recognised because it reports nothing.

Promises to speak only where the structure or at least two marks say so, because a missed bounce costs a case's quiet
and a wrong one costs a report. Only the outer mail is looked at: a bounce that a person forwards is a report.
Standards: RFC 3464 and 6522 (delivery status), RFC 8098 (disposition), RFC 3834 (automatic answers).
"""

import re

from intake import mime, words
from intake.formats.opened import Desk, Item
from intake.mime import Tree

FORMAT = "bounce"
_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_DISPOSITION = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_DAEMON = re.compile(
    r"(?i)(?:mailer-daemon(?:@|>?\s*$|\s)|\bpost[._-]?master@|mdaemon@|microsoftexchange[0-9a-f]{32}@|"
    r"^\W*mail delivery (?:sub)?system\W*$|^\W*post[ ._-]?master\W*$)"
)
_FAILED = re.compile(
    r"(?i)(?:returned mail|undeliver(?:able|ed)|"
    r"delivery (?:status notification|failure|has failed|report|error|problem)|"
    r"mail delivery (?:failed|failure|error|problem)|failure notice|could not (?:be delivered|send message)|"
    r"mail (?:system )?error|non[- ]?deliver|message delayed|warning: could not send|unzustellbar|"
    r"returned to sender|delivery notification|rejected mail|unable to deliver|mail could not be|"
    r"undelivered|não (?:entregue|é possível entregar)|non remis|no se puede entregar|nicht zugestellt|"
    r"配信不能|無法傳遞|无法投递|退信|送信できません)"
)
_AWAY = re.compile(
    r"(?i)(?:auto(?:matic)?[ :_-]*(?:reply|response)|autoreply|out of (?:the )?office|automatische antwort|"
    r"abwesenheits|réponse automatique|respuesta automática|risposta automatica|resposta automática|自動回覆|自动回复|"
    r"自動応答|vacation|i am away|afwezigheid|automatisch antwoord|autosvar)"
)
_CHALLENGE = re.compile(
    r"(?i)(?:please confirm your (?:message|mail|e-mail)|confirm you are human|message awaiting your confirmation|"
    r"your (?:message|e-?mail) (?:is|was) (?:being held|quarantined|not delivered)[^.]{0,40}(?:confirm|verif|approv)|"
    r"\[spamarrest\]|boxbe|verify your (?:message|sender address) to be delivered|sender verification required)"
)
_TEXT = re.compile(
    rb"(?i)(?:\b[45]\d\d[ -]"
    rb"(?:#?[45]\.\d{1,3}\.\d{1,3}|.{0,60}(?:user|mailbox|recipient|host|relay|unknown|quota|reject))|"
    rb"\b5\.\d{1,3}\.\d{1,3}\b|user unknown|no such user|mailbox (?:is )?(?:full|unavailable)|"
    rb"could not be delivered|not be able to deliver|wasn'?t able to deliver|was not delivered|undeliverable|"
    rb"permanent (?:fatal )?error|delivery (?:to the following|has failed|failed)|recipient.{0,40}(?:unknown|reject)|"
    rb"message that you sent|unable to deliver|hop count)"
)
_READ = 16384


def read(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether the mail is a bounce or an automatic reply; if so that is now its verdict."""
    content = item.content
    if _delivery_status(tree) or _bounces(content, tree):
        desk.verdict(item, "bounce", FORMAT, "A notice of a mail system about a mail that it could not deliver.")
    elif any(node.type in _DISPOSITION for node in _outer(tree)):
        desk.verdict(item, "auto-reply", FORMAT, "A receipt that a mail was read or deleted.")
    elif _challenge(content, tree):
        desk.verdict(item, "auto-reply", FORMAT, "A challenge that asks the sender to confirm a mail.")
    elif _auto_reply(content, tree):
        desk.verdict(item, "auto-reply", FORMAT, "An automatic answer to a mail.")
    else:
        return False
    return True


def _outer(tree: Tree) -> list[mime.Node]:
    return [node for node in tree.nodes if node.depth <= 2]


def _delivery_status(tree: Tree) -> bool:
    """The container of RFC 3464 with its machine part; a body that merely quotes one has neither."""
    kinds = {node.type for node in _outer(tree)}
    said = dict(tree.root.params).get("report-type", "").lower()
    return bool(kinds & _STATUS) and (tree.root.type == "multipart/report" or not said)


def _bounces(content: bytes, tree: Tree) -> bool:
    """Whether a mail without that container is a bounce: who sent it, and two of what it says agree.

    A daemon's name alone is worth little: false notices of a full mailbox carry it too.
    """
    root = tree.root
    path = mime.first(content, root, "return-path").strip().lower()
    null = path == "<>" or "mailer-daemon" in path
    daemon = _DAEMON.search(mime.first(content, root, "from")[:1000]) is not None
    failed = mime.first(content, root, "x-failed-recipients") != ""
    if not (null or daemon or failed):
        return False
    named = _FAILED.search(words.words(mime.first(content, root, "subject"))[:300]) is not None
    body = content[root.body_start : min(root.end, root.body_start + _READ)]
    texted = _TEXT.search(body) is not None
    if b"<html" in body[:_READ].lower() and not null:
        return False
    carries = daemon and any(node.type in mime.EMBEDDED for node in tree.nodes)
    return named + texted + failed + carries + (null and daemon) >= 2


def _auto_reply(content: bytes, tree: Tree) -> bool:
    """RFC 3834 section 5: auto-replied; or the older headers; a mail that carries another one is none."""
    if any(node.type in mime.EMBEDDED for node in tree.nodes):
        return False
    root = tree.root
    said = mime.first(content, root, "auto-submitted").lower().partition(";")[0].partition("(")[0].strip()
    if said == "auto-replied":
        return True
    older = any(mime.first(content, root, name) for name in ("x-autoreply", "x-autorespond", "x-autoreply-from"))
    older = older or mime.first(content, root, "precedence").lower() == "auto_reply"
    away = _AWAY.match(words.words(mime.first(content, root, "subject"))[:200].lstrip()) is not None
    null = mime.first(content, root, "return-path").strip() == "<>"
    answers = null or bool(mime.first(content, root, "in-reply-to")) or said == "auto-generated"
    return older or (away and answers)


def _challenge(content: bytes, tree: Tree) -> bool:
    root = tree.root
    subject = words.words(mime.first(content, root, "subject"))[:300]
    marked = any(mime.first(content, root, name) for name in ("x-tmda-fingerprint", "x-challenge", "x-sa-challenge"))
    automatic = mime.first(content, root, "auto-submitted").lower().startswith("auto-")
    answers = bool(mime.first(content, root, "in-reply-to"))
    return _CHALLENGE.search(subject) is not None and (marked or automatic or answers)
