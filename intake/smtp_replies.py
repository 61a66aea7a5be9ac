"""SMTP replies: what an error or a limit is worth to the client, with its enhanced status code (RFC 3463, 5248).

A limit that was hit says which one by a word of its own in square brackets, right after the codes, for programs to
read: `421 4.7.0 [source] 20 connections from your address are open`. The word stays the same for ever, and is the name
of the limit in the metrics.
"""

from intake.accept import Full
from intake.errors import Refused, Temporary
from intake.faults import note
from intake.smtp_settings import Limits

LIMITS = {
    "source": ("421 4.7.0", "{0.per_source} connections from your address are open"),
    "network": ("421 4.7.0", "{0.per_network} connections from your network are open"),
    "total": ("421 4.3.2", "too many connections are open, please come back"),
    "pressed": ("421 4.3.2", "others wait for your place, please come back"),
    "idle": ("421 4.4.2", "silent for {0.idle:g} s"),
    "fruitless": ("421 4.4.2", "{0.fruitless:g} s without a message"),
    "slow": ("421 4.4.2", "fewer than {0.rate} bytes a second"),
    "message-time": ("421 4.4.2", "{0.message_time:g} s for one message"),
    "commands": ("421 4.7.0", "more than {0.commands} commands without a message"),
    "errors": ("421 4.7.0", "more than {0.errors} errors without a message"),
    "messages": ("421 4.7.0", "{0.messages} messages on one connection, please come back"),
    "http": ("421 4.7.0", "this is no web server"),
    "auth-failures": ("421 4.7.0", "{0.auth_failures} logins from your address failed"),
    "auth-slow": ("535 5.7.8", "name or secret is wrong; it takes longer each time"),
    "auth-line": ("500 5.5.6", "more than {1} bytes in one line"),
    "command-line": ("500 5.5.2", "more than {1} bytes in one command"),
    "endless-line": ("500 5.5.2", "more than {1} bytes and no end of the line"),
    "source-rate": ("450 4.7.1", "too many messages this minute from your address, come back in {1} s"),
    "network-rate": ("450 4.7.1", "too many messages this minute from your network, come back in {1} s"),
    "account-rate": ("450 4.7.1", "too many messages this minute of your account, come back in {1} s"),
    "recipients": ("452 4.5.3", "more than {0.recipients} recipients"),
    "disk": ("452 4.3.1", "there is not enough room here at the moment"),
    "size": ("552 5.3.4", "more than {0.size} bytes"),
    "flood": ("552 5.3.4", "more than twice {0.size} bytes"),
}
"""By the limit's word: the codes, and what is said of the Limits and a figure more. (Who doesn't come to an end of its
PROXY header or of the handshake of TLS can't be told anything.)
"""
CLOSING = "421 4.3.2 closing down, please come back"
UNCHECKED = "454 4.7.0 that can't be checked at the moment, please try again later"
_FAULT = "451 4.3.0 something went wrong on our side, please try again later"
_WORDS = {"too-big": "size", "full": "disk"}


def over(limit: str, limits: Limits, figure: int = 0) -> str:
    """What a client is told that is over that limit."""
    codes, says = LIMITS[limit]
    return f"{codes} [{limit}] {says.format(limits, figure)}"


def limit_of(error: Exception) -> str:
    """The limit that an error is about, or ''."""
    return _WORDS.get(outcome(error), "")


def reply_to(error: Exception, limits: Limits) -> str:
    """The reply that an error is worth; nothing of an unexpected one is told to a stranger."""
    if limit := limit_of(error):
        return over(limit, limits)
    if isinstance(error, Refused):
        return f"554 5.6.0 {error.says}"
    if isinstance(error, Temporary):
        return f"451 4.3.2 {error.says}"
    note(error, "lapwing.smtp")
    return _FAULT


def outcome(error: Exception) -> str:
    """The same for the metrics: the code of a refusal, `full`, `temporary` or `fault`."""
    if isinstance(error, Refused):
        return error.code
    return "full" if isinstance(error, Full) else "temporary" if isinstance(error, Temporary) else "fault"
