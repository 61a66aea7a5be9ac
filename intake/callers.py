"""Callers: who shows the key of a feed at a door over HTTP, and how often a source shows a wrong one.

One counter for the API and the page, so that who guesses gains nothing by going from one to the other. A right key is
good however many wrong ones came from the same source: many may stand behind one address. RFC 6750.
"""

import time
from collections.abc import Callable

from intake.errors import Refused, Temporary
from intake.gate import Gate
from intake.keyring import Account, Keyring
from intake.metrics import Door

STRANGERS = 30
"""Wrong keys within a minute that one source may show."""


class Callers:
    """The keys of a keyring, as they are shown; `clock` gives seconds that never go back."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float] = time.monotonic) -> None:
        self.keyring = keyring
        self._wrong = Gate(clock, 0, 0, STRANGERS)

    def known(self, source: str, key: str, scope: str, figures: Door) -> Account:
        """Whose key that is; raises `Refused` with 'key' or 'scope', `Temporary('wrong-keys')` after too many."""
        account = self.keyring.check("", key) if key else None
        if account is None:
            figures.login("wrong")
            wait = self._wrong.message(source)
            if wait:
                raise Temporary("too many wrong keys", wait, "wrong-keys")
            raise Refused("key", "show a key that is good: Authorization: Bearer lapw_...")
        if scope not in account.scopes:
            figures.login("no-scope")
            raise Refused("scope", f"this key is not good for '{scope}'")
        figures.login("right")
        return account
