"""SMTP authentication: one exchange of AUTH, from its first word to a name and a secret; pure.

RFC 4954; mechanisms PLAIN (4616) and LOGIN, which is written down nowhere but is what many programs speak.
"""

import base64
import binascii
from typing import NamedTuple

LINE = 12_288
"""Bytes of a line of the exchange (RFC 4954 section 4.5)."""
MECHANISMS = ("PLAIN", "LOGIN")


class Credentials(NamedTuple):
    """Whom the client says it is, and its proof."""

    name: str
    secret: str


class Exchange:
    """The exchange of one mechanism of MECHANISMS."""

    def __init__(self, mechanism: str) -> None:
        self._step = _plain if mechanism == "PLAIN" else self._login
        self._name: str | None = None

    def take(self, response: bytes | None) -> str | Credentials:
        """The next challenge in base64, or the credentials; ValueError when the response is malformed.

        `response` is a line without its end, None at the beginning when there was no initial response.
        """
        return self._step(None if response is None else _decoded(response))

    def _login(self, said: str | None) -> str | Credentials:
        if said is None:
            return "VXNlcm5hbWU6"
        if "\0" in said:
            raise ValueError
        if self._name is None:
            self._name = said
            return "UGFzc3dvcmQ6"
        return Credentials(self._name, said)


def _plain(said: str | None) -> str | Credentials:
    if said is None:
        return ""
    acting, name, secret = said.split("\0")
    if not name or not secret or acting not in ("", name):
        raise ValueError
    return Credentials(name, secret)


def initial(text: str) -> bytes | None:
    """The initial response of the command line: None when there is none, `=` is an empty one."""
    return None if not text else b"" if text == "=" else text.encode("utf-8", "surrogateescape")


def _decoded(response: bytes) -> str:
    try:
        return base64.b64decode(response, validate=True).decode()
    except binascii.Error as error:
        raise ValueError from error
