"""What is handed in by the state machine of `states_machine.py`: small spams of three campaigns, and covers for them.

Every submission holds a token of its own, outside the messages that it reports: what is left of an erased submission
is looked for by it.
"""

from dataclasses import dataclass
from hashlib import sha256

CAMPAIGNS = {
    "parcel-fee.test": "Your parcel is held at the depot. Pay the customs fee here: https://parcel-fee.test/pay",
    "late-client.test": "I am the lawyer of a late client and move eleven million dollars: https://late-client.test/me",
    "coin-gain.test": "Guaranteed returns of nine percent a day on every coin that you send: https://coin-gain.test/in",
}
TAGS = 3
"""Messages of each campaign."""
MESSAGES = len(CAMPAIGNS) * TAGS


def spam(number: int) -> bytes:
    """Message `number` of MESSAGES."""
    domain, text = list(CAMPAIGNS.items())[number // TAGS]
    return (
        f"Received: from a.{domain} (a.{domain} [198.51.100.7]) by mx.isp.example with ESMTP id {number};\r\n"
        "\tMon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"From: Desk <desk@{domain}>\r\nTo: you@isp.example\r\nSubject: Number {number}\r\n"
        f"Date: Mon, 23 Nov 2026 09:59:00 +0000\r\nMessage-ID: <{number}@{domain}>\r\n\r\n{text} {number}\r\n"
    ).encode()


@dataclass(frozen=True)
class Item:
    """What a report is known by beside its reporter: SHA-256 of its message, and the loss told of it."""

    sha256: str
    loss: str = ""


NOTHING = sha256(b"").hexdigest()


def item(number: int, loss: str = "") -> Item:
    return Item(sha256(spam(number)).hexdigest(), loss)


def forward(token: str, numbers: list[int]) -> bytes:
    """Messages sent on as attachments, as mail programs do it."""
    return _parts(token, "multipart/mixed", [_attached(each) for each in numbers])


def arf(token: str, numbers: list[int]) -> bytes:
    """An abuse report (RFC 5965), each message with a feedback part of its own."""
    told = b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: T/1\r\nVersion: 1\r\n"
    text = b"Content-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n"
    pairs = [part for number in numbers for part in (told, _attached(number))]
    return _parts(token, "multipart/report; report-type=feedback-report", [text, *pairs])


def bounce(token: str) -> bytes:
    """A notice that something could not be delivered (RFC 3464): no report."""
    text = b"Content-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n"
    status = (
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.isp.example\r\n\r\n"
        b"Final-Recipient: rfc822; no@isp.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    )
    return _parts(token, "multipart/report; report-type=delivery-status", [text, status])


def rows(token: str) -> bytes:
    """A list of two addresses and of what a campaign links to."""
    return f"ip,domain,type\r\n203.0.113.5,,spam\r\n203.0.113.6,parcel-fee.test,{token}\r\n".encode()


def _attached(number: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" + spam(number)


def _parts(token: str, kind: str, parts: list[bytes]) -> bytes:
    head = (
        f"From: Somebody <somebody@isp.example>\r\nTo: report@lapwing.example\r\nSubject: Fwd: {token}\r\n"
        f"Message-ID: <{token}@client.example>\r\nMIME-Version: 1.0\r\nContent-Type: {kind}; boundary=x7\r\n\r\n"
    ).encode()
    return head + b"".join(b"--x7\r\n" + part + b"\r\n" for part in parts) + b"--x7--\r\n"
