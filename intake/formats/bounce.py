"""Bounces, automatic replies and aggregate reports: mail that programs send, recognised because it reports no mail.

Promises to speak only where the structure or at least two marks say so, because a missed bounce costs a case's quiet
and a wrong one costs a report. Only the outer mail is looked at: a bounce that a person forwards is a report, and a
report that a program sends back is none.
Standards: RFC 3464 and 6522 (delivery status), RFC 8098 (disposition), RFC 3834 (automatic answers), RFC 8460 (TLS),
RFC 9990 (DMARC aggregates).
"""

import re

from intake import automatic, mime, words
from intake.formats import carried
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
    r"\[spamarrest\]|boxbe|antispam uol|sender address verification|(?:anti-?spam|sender) (?:challenge|confirmation)|"
    r"(?:please )?(?:verify|authenticate|validate) your (?:e-?mail|message|address) to|"
    r"verify your (?:message|sender address) to be delivered|sender verification required)"
)
_MARKS = ("x-tmda-fingerprint", "x-tmda-confirm-done", "x-challenge", "x-sa-challenge", "x-ca-challenge")
_TEXT = re.compile(
    rb"(?i)(?:\b[45]\d\d[ -]"
    rb"(?:#?[45]\.\d{1,3}\.\d{1,3}|.{0,60}(?:user|mailbox|recipient|host|relay|unknown|quota|reject))|"
    rb"\b5\.\d{1,3}\.\d{1,3}\b|user unknown|no such user|mailbox (?:is )?(?:full|unavailable)|"
    rb"could not be delivered|not be able to deliver|wasn'?t able to deliver|was not delivered|undeliverable|"
    rb"permanent (?:fatal )?error|delivery (?:to the following|has failed|failed)|recipient.{0,40}(?:unknown|reject)|"
    rb"message that you sent|unable to deliver|hop count)"
)
_AGGREGATE = re.compile(
    r"[^!\s]{1,255}![^!\s]{1,255}!\d{1,12}!\d{1,12}(?:![^!\s]{1,100})?\.(?:xml|json)?(?:\.?gz|\.?zip)?"
)
"""The file name of RFC 9990 section 4.4 and RFC 8460 section 5.1."""
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
    elif _aggregate(tree):
        desk.verdict(item, "not-a-report", FORMAT, "An aggregate report about a domain: counts, no reported mail.")
    else:
        return False
    return True


def _outer(tree: Tree) -> list[mime.Node]:
    return [tree.nodes[index] for index in carried.own(tree) if tree.nodes[index].depth <= 2]


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
    answers = daemon and mime.first(content, root, "in-reply-to") != ""
    return named + texted + failed + carries + (null and daemon) + (answers and texted) >= 2


def _auto_reply(content: bytes, tree: Tree) -> bool:
    """RFC 3834 section 5: auto-replied; or the older headers; or a subject that says so and a mark of an answer.

    Of the last kind one that carries a mail is none: people forward their absence notes too.
    """
    root = tree.root
    said = automatic.submitted(content, root)
    if said == "auto-replied":
        return True
    away = _AWAY.match(words.words(mime.first(content, root, "subject"))[:200].lstrip()) is not None
    null = mime.first(content, root, "return-path").strip() == "<>"
    carries = any(node.type in mime.EMBEDDED for node in tree.nodes)
    answers = null or (not carries and (bool(mime.first(content, root, "in-reply-to")) or said == "auto-generated"))
    return automatic.replies(content, root) or (away and answers)


def _aggregate(tree: Tree) -> bool:
    """Whether the mail is a DMARC or TLS aggregate report: its container says so, or its only file's name does."""
    if dict(tree.root.params).get("report-type", "").lower() == "tlsrpt":
        return True
    files = [node for node in _outer(tree) if not node.children and not node.type.startswith(("text/", "multipart/"))]
    return len(files) == 1 and _AGGREGATE.fullmatch(files[0].name.lower()) is not None


def _challenge(content: bytes, tree: Tree) -> bool:
    root = tree.root
    subject = words.words(mime.first(content, root, "subject"))[:300]
    marked = any(mime.first(content, root, name) for name in _MARKS)
    by_program = automatic.submitted(content, root).startswith("auto-")
    answers = bool(mime.first(content, root, "in-reply-to"))
    return _CHALLENGE.search(subject) is not None and (marked or by_program or answers)
