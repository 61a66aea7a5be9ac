"""A phone that walks the public pages: a real Chromium, in a language, with JavaScript or without.

with phone("zh-Hant", script=False) as page: ...     a Playwright page on a small screen
walk(page, port, message, see)                       through the whole form; `see(name)` is told of every page
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ACCEPT = {"en": "en-GB,en;q=0.8", "zh-Hant": "zh-TW,zh;q=0.8"}
SCREEN = {"width": 390, "height": 844}
MESSAGE = (
    b"Received: from a.example (a.example [198.51.100.7]) by mx.isp.example with ESMTP id 7;\r\n"
    b"\tMon, 23 Nov 2026 10:00:00 +0000\r\nFrom: Parcel Desk <desk@parcel-fee.test>\r\nTo: you@isp.example\r\n"
    b"Subject: Your parcel\r\n\r\nYour parcel is held. Pay the customs fee now: http://parcel-fee.test/pay\r\n"
)
CONTINUE = "main form button.button"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser; missing is a failure that says what to install."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def phone(browser: Browser, language: str, script: bool = True, dark: bool = False) -> Iterator[Page]:
    """A page of a small screen whose reader prefers that language."""
    context = browser.new_context(
        viewport=SCREEN, java_script_enabled=script, has_touch=True, is_mobile=True, locale=language,
        extra_http_headers={"Accept-Language": ACCEPT.get(language, language)},
        color_scheme="dark" if dark else "light",
    )  # fmt: skip
    context.set_default_timeout(20_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def choose(page: Page, *values: str) -> None:
    """Tick these choices and go on."""
    for value in values:
        page.check(f"input:not([type=hidden])[value={value}]")
    page.click(CONTINUE)


def walk(page: Page, port: int, folder: Path, see: Callable[[str], None]) -> str:
    """The whole form with every question answered, every addition, and their mistakes; the reference."""
    page.goto(f"http://127.0.0.1:{port}/")
    see("start")
    page.click("a.button")
    see("what")
    page.click(CONTINUE)
    see("what-missing")
    choose(page, "mail")
    see("how")
    choose(page, "file")
    see("harm")
    choose(page, "money", "data")
    _loss(page, see)
    _person(page, see)
    see("send")
    page.click(CONTINUE)
    see("send-missing")
    (folder / "mail.eml").write_bytes(MESSAGE)
    page.set_input_files("#file", folder / "mail.eml")
    page.click(CONTINUE)
    see("kept")
    reference = page.inner_text("code.reference").strip()
    _additions(page, folder, see)
    return reference


def _loss(page: Page, see: Callable[[str], None]) -> None:
    see("loss")
    page.fill("#amount", "a lot")
    page.click(CONTINUE)
    see("loss-wrong")
    page.fill("#amount", "30,000")
    page.select_option("#currency", "TWD")
    page.fill("#words", "I paid by card on Monday.")
    page.click(CONTINUE)


def _person(page: Page, see: Callable[[str], None]) -> None:
    see("contact")
    page.fill("#contact", "nobody")
    page.click(CONTINUE)
    see("contact-wrong")
    page.fill("#contact", "reader@isp.example")
    page.click(CONTINUE)
    see("consent")
    page.click(CONTINUE)


def _additions(page: Page, folder: Path, see: Callable[[str], None]) -> None:
    page.click("main a[href*='/reports/']")
    see("status")
    for what in ("loss", "original", "withdraw"):
        page.click(f"main a[href*='/{what}?']")
        see(f"add-{what}")
        if what != "withdraw":
            page.click(CONTINUE)
            see(f"add-{what}-missing")
        if what == "loss":
            page.fill("#words", "Another 500 EUR went on Tuesday.")
        if what == "original":
            page.set_input_files("#file", folder / "mail.eml")
        page.click(CONTINUE)
        see(f"added-{what}")
        page.click("main a[href*='/reports/']")


def others(page: Page, port: int, see: Callable[[str], None]) -> None:
    """The pages beside the walk: those of other lanes, pasted text, a picture, a wrong reference, no such page."""
    for what in ("sms", "police", "child-abuse", "life", "other"):
        page.goto(f"http://127.0.0.1:{port}/report/what")
        choose(page, what)
        see(f"body-{what}")
    for how in ("source", "text", "picture"):
        page.goto(f"http://127.0.0.1:{port}/report/what")
        choose(page, "mail")
        choose(page, how)
        page.click(CONTINUE)
        page.click(CONTINUE)
        see(f"send-{how}")
    page.goto(f"http://127.0.0.1:{port}/")
    page.fill("#reference", "abc")
    page.click(CONTINUE)
    see("find")
    page.goto(f"http://127.0.0.1:{port}/nothing")
    see("problem")
