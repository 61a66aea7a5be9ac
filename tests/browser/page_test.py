"""The public pages in a real browser: the whole form on a phone, with and without JavaScript, in each language."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from deploy.uploadd import words_of
from intake.accept import submission_of
from intake.upload import Site
from intake.upload_pages import CATALOGUES
from tests.browser.pages import ACCEPT, CONTINUE, MESSAGE, choose, chromium, others, phone, walk
from tests.doors import SECRET, Kept
from tests.unit.upload_catalogue_test import made_up
from tests.upload_doors import door


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def port(kept: Kept) -> Iterator[int]:
    with door(kept.acceptor, site=Site(country="TW"), size=2_000_000) as number:
        yield number


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("language", ACCEPT)
def test_the_whole_form_on_a_phone(
    browser: Browser, kept: Kept, port: int, tmp_path: Path, language: str, script: bool
) -> None:
    seen: list[str] = []
    with phone(browser, language, script) as page:

        def see(name: str) -> None:
            seen.append(name)
            assert page.get_attribute("html", "lang") == language
            wide, screen = page.locator("body").bounding_box(), page.viewport_size
            assert wide and screen and wide["width"] <= screen["width"], f"{name} is wider than the screen"

        reference = walk(page, port, tmp_path, see)
    assert {"what-missing", "loss-wrong", "contact-wrong", "send-missing", "kept", "added-withdraw"} <= set(seen)
    first = submission_of(SECRET, reference)
    mine = [(each, data) for each, data in kept.all() if first in (each.id, each.envelope.told.of)]
    (sent, data), *added = mine
    told = sent.envelope.told
    assert (data, sent.filename, told.language, told.how) == (MESSAGE, "mail.eml", language, "file")
    assert (told.loss, told.given, told.contact) == (
        "TWD 30,000\nI paid by card on Monday.",
        True,
        "reader@isp.example",
    )
    assert told.consent is False
    assert [each.envelope.told.adds for each, _ in added] == ["loss", "original", "withdrawal"]
    assert added[1][1] == MESSAGE


@pytest.mark.parametrize(("language", "dark"), [("en", False), ("zh-Hant", True)], ids=["en light", "zh-Hant dark"])
def test_axe_finds_nothing(browser: Browser, port: int, tmp_path: Path, language: str, dark: bool) -> None:
    axe, seen = Axe(), []
    with phone(browser, language, dark=dark) as page:

        def see(name: str) -> None:
            found = axe.run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
            seen.append(name)

        walk(page, port, tmp_path, see)
        others(page, port, see)
    assert len(seen) == len(set(seen)) >= 30


def test_the_page_asks_nobody_else_for_anything(browser: Browser, port: int, tmp_path: Path) -> None:
    asked: set[str] = set()
    broken: list[str] = []
    with phone(browser, "en") as page:
        page.on("request", lambda request: asked.add(request.url.partition("//")[2].partition("/")[0]))
        page.on("console", lambda message: broken.append(message.text) if "Content Security" in message.text else None)
        walk(page, port, tmp_path, lambda name: None)
        assert page.context.cookies() == []
    assert asked == {f"127.0.0.1:{port}"} and broken == []


def test_the_language_changes_in_the_middle_and_nothing_is_lost(browser: Browser, port: int) -> None:
    with phone(browser, "en", script=False) as page:
        page.goto(f"http://127.0.0.1:{port}/report/what")
        choose(page, "mail")
        choose(page, "text")
        choose(page, "money")
        page.fill("#amount", "12")
        page.select_option("#currency", "EUR")
        page.click(CONTINUE)
        page.click("nav [lang=zh-Hant]")
        assert page.get_attribute("html", "lang") == "zh-Hant"
        assert page.inner_text("h1") == CATALOGUES["zh-Hant"]["contact-title"]
        page.click(CONTINUE)
        assert "EUR 12" in page.inner_text("dl.answers")
        assert CATALOGUES["zh-Hant"]["what-mail"] in page.inner_text("dl.answers")


def test_an_answer_can_be_changed_from_the_last_page(browser: Browser, port: int) -> None:
    with phone(browser, "en", script=False) as page:
        page.goto(f"http://127.0.0.1:{port}/report/what")
        choose(page, "sms")
        page.click(CONTINUE)
        choose(page, "text")
        page.click(CONTINUE)
        page.click(CONTINUE)
        page.click("button[formaction^='/report/how?']")
        assert page.is_checked("[type=radio][value=text]")
        choose(page, "picture")
        page.click(".back")
        assert page.is_checked("[type=radio][value=picture]")


def test_an_error_leads_to_its_field(browser: Browser, port: int) -> None:
    with phone(browser, "en") as page:
        page.goto(f"http://127.0.0.1:{port}/report/what")
        page.click(CONTINUE)
        assert page.title().startswith("Error:")
        page.click(".summary a")
        assert page.evaluate("document.activeElement.id") == "what"


def test_a_file_that_is_too_big_gets_its_answer(browser: Browser, port: int, tmp_path: Path) -> None:
    (tmp_path / "big.zip").write_bytes(b"z" * 9_000_000)
    with phone(browser, "en", script=False) as page:
        page.goto(f"http://127.0.0.1:{port}/report/what")
        choose(page, "mail")
        choose(page, "file")
        page.click(CONTINUE)
        page.click(CONTINUE)
        page.set_input_files("#file", tmp_path / "big.zip")
        page.click(CONTINUE)
        assert "too big" in page.inner_text("main")


def test_keys_alone_are_enough(browser: Browser, port: int) -> None:
    def to(page: Page, selector: str) -> None:
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no way to {selector} by the Tab key")

    with phone(browser, "en") as page:
        page.goto(f"http://127.0.0.1:{port}/report/what")
        to(page, "input[name=what]")
        page.keyboard.press("Space")
        to(page, CONTINUE)
        page.keyboard.press("Enter")
        page.wait_for_selector("input[name=how]")


def test_from_right_to_left(browser: Browser, kept: Kept, tmp_path: Path) -> None:
    """A catalogue in the home whose language is written so: nothing hangs over, a number keeps its order."""
    made_up(tmp_path / "pages" / "ar.toml", language="العربية")
    with (
        door(kept.acceptor, site=Site(country="GB", words=words_of(tmp_path))) as port,
        phone(browser, "ar", script=True) as page,
    ):
        for path, choice in (("/", ""), ("/report/what", ""), ("/report/what", "police")):
            page.goto(f"http://127.0.0.1:{port}{path}")
            if choice:
                choose(page, choice)
            assert page.get_attribute("html", "dir") == "rtl"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        number = page.locator("a[href='tel:03001232040']")
        assert number.evaluate("each => getComputedStyle(each).direction") == "ltr"
        name = page.locator(".bodies strong").first.bounding_box()
        assert name and page.viewport_size and name["x"] + name["width"] > page.viewport_size["width"] / 2


def test_after_a_message_that_was_too_big_the_answers_are_still_there(browser: Browser, port: int) -> None:
    """The page says so; a person goes back and takes a smaller file, or pastes less."""
    with phone(browser, "en") as page:
        page.goto(f"http://127.0.0.1:{port}/report/what")
        for value in ("mail", "source", "money"):
            choose(page, value)
        page.fill("#amount", "NT$ 30,000")
        page.select_option("#currency", "TWD")
        page.click(CONTINUE)
        page.click(CONTINUE)
        page.fill("main textarea", "From: a\n" + "x" * 2_100_000)
        page.click(CONTINUE)
        assert "too big" in page.inner_text("main") and "go back in your browser" in page.inner_text("main")
        page.go_back()
        assert "TWD 30,000" in page.inner_text("main")
        page.fill("main textarea", MESSAGE.decode())
        page.click(CONTINUE)
        assert page.inner_text("code.reference")
