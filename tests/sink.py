"""A real mail server that takes what Lapwing writes to reporters, for tests: aiosmtpd on 127.0.0.1.

with sink() as server:
    server.port, server.mails           [Mail(sender, recipients, data)] in the order in which they came
    server.replies["RCPT"] = "451 later"    what it says instead, until told otherwise
"""

import email.policy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any, NamedTuple, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers import free_port


class Mail(NamedTuple):
    """A mail as it was taken."""

    sender: str
    recipients: list[str]
    data: bytes

    @property
    def read(self) -> EmailMessage:
        return cast(EmailMessage, message_from_bytes(self.data, policy=email.policy.default))

    @property
    def text(self) -> str:
        return str(self.read.get_content())


@dataclass
class Sink:
    """What came, and what the server is to say; `hang_up` cuts the connection after the data."""

    port: int
    mails: list[Mail] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if "RCPT" in self.replies:
            return self.replies["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.replies:
            return self.replies["DATA"]
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(Mail(str(envelope.mail_from), list(envelope.rcpt_tos), content))
        if self.hang_up and server.transport is not None:
            server.transport.abort()
        return "250 taken"

    def wait(self, count: int, seconds: float = 60.0) -> list[Mail]:
        """The mails, once there are so many."""
        deadline = time.monotonic() + seconds
        while len(self.mails) < count:
            assert time.monotonic() < deadline, f"{len(self.mails)} mails came, {count} were expected"
            time.sleep(0.05)
        return self.mails


@contextmanager
def sink() -> Iterator[Sink]:
    """A running server."""
    made = Sink(free_port())
    controller = Controller(made, hostname="127.0.0.1", port=made.port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
