"""SMTP replies: what an error is worth to the client, with its enhanced status code (RFC 3463)."""

from intake.accept import Full
from intake.errors import Refused, Temporary
from intake.faults import note

_FAULT = "451 4.3.0 something went wrong on our side, please try again later"
CLOSING = "421 4.3.2 closing down, please come back"


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
