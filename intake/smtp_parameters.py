"""SMTP parameters: what MAIL and RCPT may say after the address; pure.

SIZE (RFC 1870), BODY (6152, 3030), SMTPUTF8 (6531), AUTH (4954) where AUTH was offered, and those of DSN (3461): RET,
ENVID, NOTIFY, ORCPT. DSN is not announced, because we would promise a notice of success that nobody gets from us: the
server before us then says 'relayed' to a sender who asked (section 5.2.2). Whoever sends its parameters anyway is
understood, and they are kept with the envelope.
"""

import re

from intake.smtp_replies import over
from intake.smtp_settings import Limits

_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"
_ENVID = re.compile(_XTEXT + "{1,100}")
_ORCPT = re.compile(r"[A-Za-z0-9-]{1,40};" + _XTEXT + "{1,500}")
_AUTH = re.compile(_XTEXT + r"{1,500}")
_BODIES = ("7BIT", "8BITMIME", "BINARYMIME")
_OF_AUTH = "AUTH"
UNKNOWN = "555 5.5.4 parameter not known here"
REPEATED = "501 5.5.4 a parameter is there twice"


def of_mail(given: list[str], limits: Limits, extended: bool, auth: bool) -> tuple[list[str], str]:
    """(parameters as kept, '' or why not) of MAIL; `extended` when EHLO or LHLO was said, `auth` when AUTH was offered.

    Names and values without case are in upper case; ENVID and AUTH are as they came.
    """
    kept: dict[str, str] = {}
    for each in given:
        name, _, value = each.partition("=")
        name = name.upper()
        refusal = REPEATED if name in kept else _refuse_of_mail(name, value, limits, auth) if extended else UNKNOWN
        if refusal:
            return [], refusal
        kept[name] = each if name in ("ENVID", _OF_AUTH) else each.upper()
    return list(kept.values()), ""


def _refuse_of_mail(name: str, value: str, limits: Limits, auth: bool) -> str:
    if name == "SIZE" and value.isascii() and value.isdigit() and len(value) <= 20:
        return over("size", limits) if int(value) > limits.size else ""
    if name == "SMTPUTF8" and not value:
        return ""
    known = (
        (name == "BODY" and value.upper() in _BODIES)
        or (name == "RET" and value.upper() in ("FULL", "HDRS"))
        or (name == "ENVID" and _ENVID.fullmatch(value))
        or (name == _OF_AUTH and auth and (value == "<>" or _AUTH.fullmatch(value)))
    )
    return "" if known else _refusal(name in ("RET", "ENVID") or (name == _OF_AUTH and auth))


def of_rcpt(given: list[str], extended: bool) -> tuple[list[str], str]:
    """(parameters as kept, '' or why not) of RCPT."""
    kept: dict[str, str] = {}
    for each in given:
        name, _, value = each.partition("=")
        name = name.upper()
        if name in kept:
            return [], REPEATED
        if not extended or name not in ("NOTIFY", "ORCPT"):
            return [], UNKNOWN
        if not (_notify(value.upper()) if name == "NOTIFY" else _ORCPT.fullmatch(value)):
            return [], _refusal(True)
        kept[name] = each.upper() if name == "NOTIFY" else each
    return list(kept.values()), ""


def _notify(value: str) -> bool:
    """NEVER alone, or some of the others, each once."""
    words = value.split(",")
    return value == "NEVER" or (len(set(words)) == len(words) and set(words) <= {"SUCCESS", "FAILURE", "DELAY"})


def _refusal(known: bool) -> str:
    return "501 5.5.4 the value of a parameter is malformed" if known else UNKNOWN
