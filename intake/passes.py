"""Pass: what a browser holds once a feed's key was shown on the feed's page, for an hour and no longer than the key.

It is `KEY.TIME.NONCE.MAC`, with the key's id and the second at which it was made. Nothing of it is kept, so that every
process on the port knows each; which feed it opens, and whether it still does, the keyring says each time it is shown.
Who leaves ends it in the process that served them, beside the cookie.
"""

import base64
import hmac
from collections.abc import Callable

LIFE = 3600
"""Seconds for which a pass is good."""
LEFT = 10_000
"""Passes that were ended by hand and are remembered, at most."""
LONGEST = 200


class Passes:
    """Makes and reads passes; `door` is the house's door secret, `clock` gives seconds since 1970."""

    def __init__(self, door: bytes, clock: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._secret = hmac.digest(door, b"page of feeds", "sha256")
        self._clock, self._random = clock, random
        self._left: dict[str, float] = {}

    def make(self, key: str) -> str:
        """A pass of who showed the key of that id."""
        said = f"{key}.{int(self._clock())}.{_text(self._random(16))}"
        return f"{said}.{self._mac('pass', said)}"

    def key_of(self, text: str) -> str:
        """The id of the key that this pass was made for; '' where it is none, over or ended."""
        said, _, mac = text.rpartition(".")
        if len(text) > LONGEST or not text.isascii() or not hmac.compare_digest(self._mac("pass", said), mac):
            return ""
        key, made, _ = said.split(".")
        over = self._clock() - int(made)
        return key if -60 <= over < LIFE and text not in self._left else ""

    def word(self, text: str) -> str:
        """What a form on a page of this pass carries, which nobody else can know."""
        return self._mac("form", text)

    def end(self, text: str) -> None:
        """This pass is good no longer."""
        now = self._clock()
        self._left = {each: until for each, until in self._left.items() if until > now}
        if len(self._left) < LEFT:
            self._left[text] = now + LIFE

    def _mac(self, use: str, said: str) -> str:
        return _text(hmac.digest(self._secret, f"{use} {said}".encode(), "sha256"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
