"""The SMTP dialogue: what each command is answered with, and the envelope that comes out of it; no socket, no clock.

RFC 5321 section 4.1.1, with SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531); every reply to a command but the one to
HELO, EHLO and DATA has an enhanced code (2034). AUTH is not offered. Content is never a reason to refuse.
"""

from collections.abc import Callable
from typing import NamedTuple

from intake.smtp_settings import Settings
from intake.smtp_syntax import path, readable, sound
from intake.submission import Envelope

COMMAND = 2048
"""Bytes of a command line; RFC 5321 section 4.5.3.1.4 wants 512 and some for extensions."""
_UNSOUND = "553 5.6.7 not ASCII, and SMTPUTF8 was not declared"


class Answer(NamedTuple):
    """A reply, and what the connection does then: '' the next command, 'data', 'tls', 'quit' or 'cut'."""

    reply: str
    then: str = ""


class Dialogue:
    """One client's commands; `may_send` counts a message and gives the seconds to wait, `serves` knows our domains."""

    def __init__(self, settings: Settings, may_send: Callable[[], float], serves: Callable[[str], bool]) -> None:
        self._name, self._limits = settings.name, settings.limits
        self._may_send, self._serves = may_send, serves
        self._tls_offered = settings.tls is not None
        self._commands = 0
        self.restart()

    def restart(self) -> None:
        """As right after the greeting; also once TLS is up (RFC 3207 section 4.2)."""
        self._helo, self._extended = "", False
        self.reset()

    def tls_is_up(self) -> None:
        """What was said in the clear counts no more, and TLS is not offered twice."""
        self._tls_offered = False
        self.restart()

    def reset(self) -> None:
        """No message under way."""
        self._mail_from = ""
        self._options: list[str] = []
        self._recipients: list[str] = []

    def kept(self) -> None:
        """A message was taken: the count of commands begins anew."""
        self._commands = 0

    def envelope(self, peer: str, port: int, tls: str) -> Envelope:
        """What was said of this message; bytes of HELO that are no UTF-8 stand as backslash escapes."""
        return Envelope(
            mail_from=self._mail_from,
            rcpt_to=tuple(self._recipients),
            peer=peer,
            helo=readable(self._helo),
            tls=tls,
            options=(*self._options, f"peer-port={port}"),
        )

    def answer(self, line: bytes) -> Answer:
        """The answer to one command line, its line end included."""
        self._commands += 1
        if self._commands > self._limits.commands:
            return Answer("421 4.7.0 too many commands without a message", "cut")
        word, _, rest = line.rstrip(b"\r\n").partition(b" ")
        verb = _VERBS.get(word.upper())
        if verb is None or len(line) > COMMAND:
            return Answer("500 5.5.2 command not known, or its line too long")
        return verb(self, rest.strip().decode("utf-8", "surrogateescape"))

    def _greet(self, name: str, extensions: list[str]) -> Answer:
        if not name:
            return Answer("501 5.5.4 say who you are")
        self.restart()
        self._helo, self._extended = name, bool(extensions)
        lines = [self._name, *extensions]
        return Answer("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def _do_helo(self, name: str) -> Answer:
        return self._greet(name, [])

    def _do_ehlo(self, name: str) -> Answer:
        tls = ["STARTTLS"] if self._tls_offered else []
        size = f"SIZE {self._limits.size}"
        return self._greet(name, [size, "8BITMIME", "PIPELINING", "SMTPUTF8", "ENHANCEDSTATUSCODES", *tls])

    def _do_starttls(self, arg: str) -> Answer:
        if arg:
            return Answer("501 5.5.4 STARTTLS has no argument")
        if not self._tls_offered:
            return Answer("503 5.5.1 no TLS here, or it is on already")
        return Answer("", "tls")

    def _do_mail(self, arg: str) -> Answer:
        if not self._helo:
            return Answer("503 5.5.1 send EHLO first")
        if self._mail_from:
            return Answer("503 5.5.1 nested MAIL")
        found = path("FROM:", arg)
        if found is None:
            return Answer("501 5.1.7 say MAIL FROM:<address>")
        address, options = found
        refusal = self._refuse_options(options)
        if not refusal and not sound(address, "SMTPUTF8" in options):
            refusal = _UNSOUND
        if refusal:
            return Answer(refusal)
        wait = self._may_send()
        if wait:
            return Answer(f"450 4.7.1 too many messages this minute, come back in {int(wait) + 1} s")
        self._mail_from, self._options = address or "<>", options
        return Answer("250 2.1.0 sender ok")

    def _refuse_options(self, options: list[str]) -> str:
        """'' when every MAIL parameter is one that EHLO announced and has a value that we can keep."""
        for option in options:
            name, _, value = option.partition("=")
            if name == "SIZE" and value.isascii() and value.isdigit() and len(value) <= 20:
                if int(value) > self._limits.size:
                    return f"552 5.3.4 more than {self._limits.size} bytes"
            elif option not in ("BODY=7BIT", "BODY=8BITMIME", "SMTPUTF8") or not self._extended:
                return "555 5.5.4 parameter not known here"
        return ""

    def _do_rcpt(self, arg: str) -> Answer:
        if not self._mail_from:
            return Answer("503 5.5.1 send MAIL first")
        found = path("TO:", arg)
        if found is None or not found[0]:
            return Answer("501 5.1.3 say RCPT TO:<address>")
        address, options = found
        if options:
            return Answer("555 5.5.4 parameter not known here")
        if not sound(address, "SMTPUTF8" in self._options):
            return Answer(_UNSOUND)
        if not self._serves(address):
            return Answer("550 5.7.1 no mail for that domain here")
        if len(self._recipients) >= self._limits.recipients:
            return Answer("452 4.5.3 too many recipients")
        self._recipients.append(address)
        return Answer("250 2.1.5 recipient ok")

    def _do_data(self, arg: str) -> Answer:
        if arg:
            return Answer("501 5.5.4 DATA has no argument")
        if not self._recipients:
            return Answer("503 5.5.1 send RCPT first")
        return Answer("354 end data with <CR><LF>.<CR><LF>", "data")

    def _do_rset(self, arg: str) -> Answer:
        if arg:
            return Answer("501 5.5.4 RSET has no argument")
        self.reset()
        return Answer("250 2.0.0 OK")

    def _do_noop(self, arg: str) -> Answer:
        return Answer("250 2.0.0 OK")

    def _do_quit(self, arg: str) -> Answer:
        return Answer("501 5.5.4 QUIT has no argument") if arg else Answer("221 2.0.0 Bye", "quit")

    def _do_vrfy(self, arg: str) -> Answer:
        return Answer("252 2.1.5 send the mail and see" if arg else "501 5.5.4 VRFY whom")

    def _do_expn(self, arg: str) -> Answer:
        return Answer("502 5.5.1 no lists here")

    def _do_help(self, arg: str) -> Answer:
        return Answer("214 2.0.0 this takes in reports of spam; commands as in RFC 5321")


_VERBS: dict[bytes, Callable[[Dialogue, str], Answer]] = {
    b"HELO": Dialogue._do_helo,
    b"EHLO": Dialogue._do_ehlo,
    b"STARTTLS": Dialogue._do_starttls,
    b"MAIL": Dialogue._do_mail,
    b"RCPT": Dialogue._do_rcpt,
    b"DATA": Dialogue._do_data,
    b"RSET": Dialogue._do_rset,
    b"NOOP": Dialogue._do_noop,
    b"QUIT": Dialogue._do_quit,
    b"VRFY": Dialogue._do_vrfy,
    b"EXPN": Dialogue._do_expn,
    b"HELP": Dialogue._do_help,
}
