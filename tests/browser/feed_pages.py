"""A person at a provider's desk on the page of their feed: in with the key, through every page, and out.

with filled(folder) as ours: stroll(page, ours, see)     `see(name)` is told of every page
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.feed_house import Ours, from_network, house
from tests.walker import mail

LIST = b"ip,time\n203.0.113.7,2026-11-23\nnot known,2026-11-23\n"


@contextmanager
def filled(folder: Path) -> Iterator[Ours]:
    """A house in which feed `a` has something on every page."""
    with house(folder) as ours:
        ours.hand_in(mail(tag="1"), ours.a)
        ours.hand_in(mail(tag="1"), ours.a)
        ours.hand_in(from_network("198.51.100", "own", 77), ours.a)
        ours.ask("POST", "/reports?filename=list.csv", LIST, ours.a, {"Content-Type": "text/csv"})
        ours.work()
        yield ours


def stroll(page: Page, ours: Ours, see: Callable[[str], None]) -> list[str]:
    """Every page of feed `a`; the names of the files that can be had."""
    page.goto(f"http://127.0.0.1:{ours.port}/feed")
    see("feed-login")
    for key, name in (("lapw_wrong", "feed-wrong"), (ours.a, "feed-home")):
        page.fill("#key", key)
        page.click("main button.button")
        see(name)
    got = [_had(page, "volumes.csv")]
    page.click("main a[href*='/feed/items?']")
    see("feed-items")
    got.append(_had(page, "items.csv"))
    items = ours.ask("GET", "/reports", key=ours.a).json["items"]
    page.click(f"main a[href*='{next(each['reference'] for each in items if each['verdict'] == 'rows')}']")
    see("feed-report")
    got.append(_had(page, "rows.csv"))
    page.click("main a[href*='/feed/findings?']")
    see("feed-findings")
    got.append(_had(page, "findings.json"))
    page.click("main form button.link")
    see("feed-left")
    return got


def _had(page: Page, name: str) -> str:
    """The name under which the browser keeps that file."""
    with page.expect_download() as coming:
        page.click(f"main a[href*='{name}']")
    return coming.value.suggested_filename
