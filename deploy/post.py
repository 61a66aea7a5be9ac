"""The post: the mail server that takes what Lapwing writes to reporters; always with a null return path.

A server that can't be had is left in peace for a while, longer each time, so that a batch of receipts doesn't wait for
it one by one. Standards: RFC 5321, RFC 3834 section 3.3 (the null return path).
"""

import smtplib
import time
from collections.abc import Callable

from intake.errors import Temporary

SHORTEST, LONGEST = 30.0, 600.0
"""Seconds that a server which could not be had is left in peace."""


class Mail:
    """A mail server, opened anew for each letter by `connect`; `now` gives seconds that never go back."""

    def __init__(self, connect: Callable[[], smtplib.SMTP], now: Callable[[], float] = time.monotonic) -> None:
        self._connect, self._now = connect, now
        self._until, self._pause = 0.0, SHORTEST

    def deliver(self, recipient: str, data: bytes, begin: Callable[[], bool]) -> str:
        """See `enrichment.answer.Post`."""
        if self._now() < self._until:
            raise Temporary("the mail server can't be had", after=self._until - self._now())
        try:
            server = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            self._until = self._now() + self._pause
            after, self._pause = self._pause, min(2 * self._pause, LONGEST)
            raise Temporary("the mail server can't be had", after=after) from error
        self._pause = SHORTEST
        try:
            return self._enveloped(server, recipient) or self._written(server, data, begin)
        finally:
            server.close()

    def _enveloped(self, server: smtplib.SMTP, recipient: str) -> str:
        """'' when the server takes mail for the recipient, 'refused' when it never will; else Temporary."""
        try:
            server.ehlo_or_helo_if_needed()
            for code, _ in (server.mail(""), server.rcpt(recipient)):
                if code >= 500:
                    return "refused"
                if code >= 400:
                    raise Temporary("the mail server doesn't take mail now", after=SHORTEST)
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary("the mail server hung up", after=SHORTEST) from error
        return ""

    def _written(self, server: smtplib.SMTP, data: bytes, begin: Callable[[], bool]) -> str:
        if not begin():
            return "stopped"
        try:
            code, _ = server.data(data)
        except smtplib.SMTPDataError:
            return "refused"
        except (smtplib.SMTPException, OSError):
            return "interrupted"
        try:
            server.quit()
        except (smtplib.SMTPException, OSError):
            pass
        return "sent" if code < 300 else "refused"
