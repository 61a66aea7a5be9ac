"""The SMTP dialogue: what each command is answered with, and the envelope that comes out of it; no socket, no clock.

RFC 5321 section 4.1.1 and LMTP (2033), with SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531), CHUNKING and BINARYMIME
(3030), AUTH (4954); every reply to a command but the one to HELO, EHLO, LHLO, DATA and the challenges of AUTH has an
enhanced code (2034). Content is never a reason to refuse.
"""

from collections.abc import Callable
from typing import NamedTuple

from intake import smtp_parameters as parameters
from intake.keyring import Account
from intake.smtp_replies import over
from intake.smtp_sasl import LINE, MECHANISMS, Credentials, Exchange, initial
from intake.smtp_settings import Settings
from intake.smtp_syntax import chunk, path, readable, sound
from intake.submission import Envelope

COMMAND = 2048
"""Bytes of a command line; RFC 5321 section 4.5.3.1.4 wants 512 and some for extensions."""
_HTTP = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT"})
"""First words of a browser that a web page has sent here; what comes after them could be commands."""
_UNSOUND = "553 5.6.7 not ASCII, and SMTPUTF8 was not declared"
_EXTENSIONS = ("8BITMIME", "PIPELINING", "CHUNKING", "BINARYMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


class Answer(NamedTuple):
    """A reply, what the connection does then, and the name of the limit that was hit, if one was.

    `then`: '' the next command, 'data', 'chunk' (octets follow), 'tls', 'check' (credentials), 'quit' or 'cut'.
    """

    reply: str
    then: str = ""
    limit: str = ""


class Client(NamedTuple):
    """What the dialogue must know of its client; `may_send` counts a message for an account or the client's address
    and gives the limit that is in the way with the seconds to wait; `serves` knows our domains.
    """

    may_send: Callable[[Account | None], tuple[str, float]]
    serves: Callable[[str], bool]
    lmtp: bool = False
    auth: bool = False
    """Somebody can say who an account is, and the client may say so even without TLS if `plain_auth`."""
    plain_auth: bool = False


class Dialogue:
    """One client's commands."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._name, self._limits, self._client = settings.name, settings.limits, client
        self._tls_offered, self._secure = settings.tls is not None, False
        self._commands = self._errors = self._messages = 0
        self.account: Account | None = None
        self.credentials = Credentials("", "")
        self.chunk = (0, False)
        self._exchange: Exchange | None = None
        self.restart()

    def restart(self) -> None:
        """As right after the greeting."""
        self._helo, self._extended = "", False
        self.reset()

    def tls_is_up(self) -> None:
        """What was said in the clear counts no more, and TLS is not offered twice (RFC 3207 section 4.2)."""
        self._tls_offered, self._secure = False, True
        self.account = None
        self.restart()

    def reset(self) -> None:
        """No message under way."""
        self._mail_from = ""
        self._options: list[str] = []
        self._recipients: list[str] = []
        self._chunks = False

    def kept(self) -> None:
        """A message was taken: the counts of commands and errors begin anew."""
        self._commands = self._errors = 0

    @property
    def replies(self) -> int:
        """How many replies the end of a message is worth: one for each recipient in LMTP (RFC 2033 section 4.2)."""
        return max(1, len(self._recipients)) if self._client.lmtp else 1

    @property
    def chunking(self) -> bool:
        """A message in chunks is under way."""
        return self._chunks

    def envelope(self, peer: str, port: int, tls: str, via: str = "") -> Envelope:
        """What was said of this message; bytes of HELO that are no UTF-8 stand as backslash escapes.

        `via` is the load balancer that spoke of the peer.
        """
        return Envelope(
            mail_from=self._mail_from,
            rcpt_to=tuple(self._recipients),
            peer=peer,
            helo=readable(self._helo),
            tls=tls,
            account=self.account.name if self.account else "",
            options=(*self._options, f"peer-port={port}", f"with={self._with(tls)}", *self._asides(via)),
        )

    def _asides(self, via: str) -> list[str]:
        """What is known beside the protocol: the key that was shown, the load balancer."""
        key = self.account.key if self.account else ""
        return [f"{name}={value}" for name, value in (("key", key), ("via", via)) if value]

    def _with(self, tls: str) -> str:
        """The protocol by its name of RFC 3848."""
        name = "LMTP" if self._client.lmtp else "ESMTP" if self._extended else "SMTP"
        return name + ("S" if tls else "") + ("A" if self.account else "")

    def answer(self, line: bytes) -> Answer:
        """The answer to one line, its end included."""
        said = self._respond(line) if self._exchange is not None else self._command(line)
        if said.reply[:1] == "5" and said.then != "check":
            self._errors += 1
            if self._limits.errors and self._errors > self._limits.errors and said.then != "chunk":
                return self._over("errors", "cut")
        return said

    def _over(self, limit: str, then: str = "", figure: int = 0) -> Answer:
        return Answer(over(limit, self._limits, figure), then, limit)

    def _command(self, line: bytes) -> Answer:
        self._commands += 1
        if self._limits.commands and self._commands > self._limits.commands:
            return self._over("commands", "cut")
        word, _, rest = line.rstrip(b"\r\n").partition(b" ")
        verb = _VERBS.get(word.upper())
        if verb is None:
            http = word.upper() in _HTTP or word.upper().startswith(b"HOST:")
            return self._over("http", "cut") if http else Answer("500 5.5.2 command not known")
        most = LINE if verb is Dialogue._do_auth else COMMAND
        if len(line) > most:
            return self._over("command-line", "", most)
        return verb(self, rest.strip().decode("utf-8", "surrogateescape"))

    # -- the session --------------------------------------------------------------------------------------------

    def _greet(self, name: str, extensions: list[str]) -> Answer:
        if not name:
            return Answer("501 5.5.4 say who you are")
        self.restart()
        self._helo, self._extended = name, bool(extensions)
        lines = [self._name, *extensions]
        return Answer("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def _do_helo(self, name: str) -> Answer:
        return Answer("500 5.5.1 this is LMTP, say LHLO") if self._client.lmtp else self._greet(name, [])

    def _do_ehlo(self, name: str) -> Answer:
        return Answer("500 5.5.1 this is LMTP, say LHLO") if self._client.lmtp else self._greet(name, self._offers())

    def _do_lhlo(self, name: str) -> Answer:
        return self._greet(name, self._offers()) if self._client.lmtp else Answer("500 5.5.1 this is SMTP, say EHLO")

    def _offers(self) -> list[str]:
        tls = ["STARTTLS"] if self._tls_offered else []
        auth = [f"AUTH {' '.join(MECHANISMS)}"] if self._offers_auth else []
        return [f"SIZE {self._limits.size}", *_EXTENSIONS, *tls, *auth]

    @property
    def _offers_auth(self) -> bool:
        return self._client.auth and (self._secure or self._client.plain_auth)

    def _do_starttls(self, arg: str) -> Answer:
        if arg:
            return Answer("501 5.5.4 STARTTLS has no argument")
        if not self._tls_offered:
            return Answer("503 5.5.1 no TLS here, or it is on already")
        return Answer("", "tls")

    def _do_auth(self, arg: str) -> Answer:
        mechanism, _, first = arg.partition(" ")
        if not self._client.auth:
            return Answer("502 5.5.1 no AUTH here")
        if not self._offers_auth:
            return Answer("538 5.7.11 AUTH only inside TLS")
        if self.account or self._mail_from or not self._extended:
            return Answer("503 5.5.1 not now: AUTH comes once, after EHLO and before MAIL")
        if mechanism.upper() not in MECHANISMS:
            return Answer("504 5.5.4 that mechanism is not offered")
        self._exchange = Exchange(mechanism.upper())
        return self._step(initial(first.strip()))

    def _respond(self, line: bytes) -> Answer:
        response = line.rstrip(b"\r\n")
        if response == b"*":
            self._exchange = None
            return Answer("501 5.7.0 cancelled")
        if len(line) > LINE:
            self._exchange = None
            return self._over("auth-line", "", LINE)
        return self._step(response)

    def _step(self, response: bytes | None) -> Answer:
        assert self._exchange is not None
        try:
            said = self._exchange.take(response)
        except ValueError:
            self._exchange = None
            return Answer("501 5.5.2 that is no response of this mechanism")
        if isinstance(said, str):
            return Answer(f"334 {said}")
        self._exchange, self.credentials = None, said
        return Answer("", "check")

    def checked(self, account: Account | None) -> Answer:
        """The answer to the credentials, whose owner is `account` or nobody."""
        self.credentials = Credentials("", "")
        if account is None:
            self._errors += 1
            return Answer("535 5.7.8 name or secret is wrong")
        if "report" not in account.scopes:
            return Answer("535 5.7.1 that account may not hand in reports")
        self.account = account
        return Answer("235 2.7.0 welcome")

    # -- the envelope -------------------------------------------------------------------------------------------

    def _do_mail(self, arg: str) -> Answer:
        if not self._helo:
            return Answer(f"503 5.5.1 send {'LHLO' if self._client.lmtp else 'EHLO'} first")
        if self._mail_from:
            return Answer("503 5.5.1 nested MAIL")
        found = path("FROM:", arg)
        if found is None:
            return Answer("501 5.1.7 say MAIL FROM:<address>")
        address, given = found
        options, refusal = parameters.of_mail(given, self._limits, self._extended, self._offers_auth)
        if not refusal and not sound(address, "SMTPUTF8" in options):
            refusal = _UNSOUND
        if refusal:
            return Answer(refusal, "", "size" if refusal.startswith("552") else "")
        if self._limits.messages and self._messages >= self._limits.messages:
            return self._over("messages", "cut")
        limit, wait = self._client.may_send(self.account)
        if limit:
            return self._over(limit, "", int(wait) + 1)
        self._messages += 1
        self._mail_from, self._options = address or "<>", options
        return Answer("250 2.1.0 sender ok")

    def _do_rcpt(self, arg: str) -> Answer:
        if not self._mail_from or self._chunks:
            return Answer("503 5.5.1 not now: RCPT comes after MAIL and before the message")
        found = path("TO:", arg)
        if found is None or not found[0]:
            return Answer("501 5.1.3 say RCPT TO:<address>")
        address, given = found
        options, refusal = parameters.of_rcpt(given, self._extended)
        if refusal:
            return Answer(refusal)
        if not sound(address, "SMTPUTF8" in self._options):
            return Answer(_UNSOUND)
        if not self._client.serves(address):
            return Answer("550 5.7.1 no mail for that domain here")
        if len(self._recipients) >= self._limits.recipients:
            return self._over("recipients")
        self._recipients.append(address)
        self._options += [f"rcpt-{len(self._recipients)}:{each}" for each in options]
        return Answer("250 2.1.5 recipient ok")

    def _do_data(self, arg: str) -> Answer:
        if arg:
            return Answer("501 5.5.4 DATA has no argument")
        if not self._recipients:
            return Answer("503 5.5.1 send RCPT first")
        if self._chunks or "BODY=BINARYMIME" in self._options:
            return Answer("503 5.5.1 go on with BDAT")
        return Answer("354 end data with <CR><LF>.<CR><LF>", "data")

    def _do_bdat(self, arg: str) -> Answer:
        """Octets follow whatever the reply is; where it isn't clear how many, nothing can be understood any more."""
        found = chunk(arg)
        if found is None:
            return Answer("501 5.5.4 say BDAT octets [LAST]", "cut")
        self.chunk = found
        if not self._recipients:
            return Answer("503 5.5.1 send RCPT first", "chunk")
        self._chunks = True
        return Answer("", "chunk")

    # -- all the rest -------------------------------------------------------------------------------------------

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
    b"LHLO": Dialogue._do_lhlo,
    b"STARTTLS": Dialogue._do_starttls,
    b"AUTH": Dialogue._do_auth,
    b"MAIL": Dialogue._do_mail,
    b"RCPT": Dialogue._do_rcpt,
    b"DATA": Dialogue._do_data,
    b"BDAT": Dialogue._do_bdat,
    b"RSET": Dialogue._do_rset,
    b"NOOP": Dialogue._do_noop,
    b"QUIT": Dialogue._do_quit,
    b"VRFY": Dialogue._do_vrfy,
    b"EXPN": Dialogue._do_expn,
    b"HELP": Dialogue._do_help,
}
