"""SMTP replies: what an error is worth to the client, and the enhanced status code of every reply (RFC 2034, 3463)."""

from intake.accept import Full
from intake.errors import Refused, Temporary
from intake.faults import note

_FAULT = "451 4.3.0 something went wrong on our side, please try again later"
UNSOUND = "553 5.6.7 not ASCII, and SMTPUTF8 was not declared"
CLOSING = "421 4.3.2 closing down, please come back"
_TLS = "220 Ready to start TLS"
_CODES = {
    "250": "2.0.0",
    "221": "2.0.0",
    "454": "4.7.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "503": "5.5.1",
    "554": "5.7.0",
}


def coded(reply: str) -> str:
    """The reply with an enhanced status code, where aiosmtpd gave none; greetings and 354 have none by the RFC."""
    code = "2.0.0" if reply == _TLS else _CODES.get(reply[:3], "")
    if not code or (reply[4:5].isdigit() and reply[5:6] == "."):
        return reply
    return f"{reply[:3]} {code}{reply[3:]}"


def reply_to(error: Exception) -> str:
    """The reply that an error is worth; nothing of an unexpected one is told to a stranger."""
    if isinstance(error, Refused):
        return f"{'552 5.3.4' if error.code == 'too-big' else '554 5.6.0'} {error.says}"
    if isinstance(error, Full):
        return f"452 4.3.1 {error.says}"
    if isinstance(error, Temporary):
        return f"451 4.3.2 {error.says}"
    note(error, "lapwing.smtp")
    return _FAULT
