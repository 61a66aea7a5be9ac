"""The hook process: posts the events of feeds to their webhooks; it holds no private key and no store.

A webhook that is dead or slow holds up its own feed's events and nothing else.
"""

import logging
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from deploy.process import run
from deploy.wiring import House, open_house
from intake import accept, hook
from intake.errors import Refused, Temporary
from intake.feed import hook_secret
from intake.inquiry import Inquiry
from intake.keyring import Hook
from intake.notice import Sender
from intake.postbox import Postbox
from intake.vault import keys

log = logging.getLogger("lapwing.hook")
BATCH = 100
"""Events of one post."""
ABREAST = 8
"""Webhooks that are posted to at the same time."""


class Postman:
    """Posts what is due, each webhook at most once at a time."""

    def __init__(self, house: House) -> None:
        secret = keys.door(house.keys)
        self._secret, self._private = secret, house.settings.hooks.private
        self._keyring, self._postbox = house.keyring, Postbox(house.outcomes)
        self._inquiry = Inquiry(house.outcomes, lambda ref: accept.reference(secret, ref), Sender("", "", ""))
        self._pool = ThreadPoolExecutor(ABREAST, "hook")
        self._out: dict[str, Future[bool]] = {}

    def turn(self) -> None:
        """Begin what is due and not on its way."""
        self._out = {feed: future for feed, future in self._out.items() if not future.done()}
        for each in self._keyring.hooks():
            if each.feed not in self._out and self._postbox.state(each.feed).due <= time.time():
                self._out[each.feed] = self._pool.submit(self.deliver, each)

    def deliver(self, to: Hook) -> bool:
        """Post the next events of a feed; whether there were some and they were taken."""
        before = self._postbox.state(to.feed)
        events = self._inquiry.events(to.feed, before.n, BATCH)
        if not events.events:
            return False
        said = self._post(to, msgspec.json.encode(events))
        if said:
            log.info("the webhook of %s did not take its events: %s", to.feed, said)
            self._postbox.failed(to.feed, time.time(), said)
        else:
            self._postbox.taken(to.feed, before.n, events.events[-1].n)
        return not said

    def _post(self, to: Hook, body: bytes) -> str:
        """'' when they were taken, else why not."""
        now = int(time.time())
        signature = hook.sign(hook_secret(self._secret, to.feed, to.round), now, body)
        headers = {"Lapwing-Feed": to.feed, "Lapwing-Timestamp": str(now), "Lapwing-Signature": signature}
        try:
            status = hook.post(to.url, headers, body, self._private)
        except (Refused, Temporary) as error:
            return error.says
        except Exception as error:
            return f"our fault: {type(error).__name__}"
        return "" if 200 <= status < 300 else f"status {status}"

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def main(home: Path) -> None:
    """Post until the process is told to stop."""
    postman = Postman(open_house(home, "hook"))
    with run() as stopping:
        while not stopping.wait(0.5):
            postman.turn()
    postman.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
