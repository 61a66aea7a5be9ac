"""The page of a feed in a real browser: in each language, with and without JavaScript; axe finds nothing."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.feed_pages import filled, stroll
from tests.browser.pages import ACCEPT, chromium, phone
from tests.feed_house import Ours


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ours]:
    with filled(tmp_path_factory.mktemp("feed")) as made:
        yield made


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("language", ACCEPT)
def test_in_and_through_and_out(browser: Browser, ours: Ours, language: str, script: bool) -> None:
    seen: list[str] = []
    with phone(browser, language, script) as page:

        def see(name: str) -> None:
            seen.append(name)
            assert page.get_attribute("html", "lang") == language
            wide, screen = page.locator("body").bounding_box(), page.viewport_size
            assert wide and screen and wide["width"] <= screen["width"], f"{name} is wider than the screen"
            assert ours.a not in page.content() and "lapw_" not in page.url
            held = page.context.cookies()
            assert all(each["httpOnly"] and each["sameSite"] == "Strict" for each in held), held

        got = stroll(page, ours, see)
        assert page.context.cookies() == []
    assert seen == ["feed-login", "feed-wrong", "feed-home", "feed-items", "feed-report", "feed-findings", "feed-left"]
    assert set(got) == {"volumes.csv", "items.csv", "rows.csv", "findings.json"}


@pytest.mark.parametrize(("language", "dark"), [("en", True), ("zh-Hant", False)], ids=["en dark", "zh-Hant light"])
def test_axe_finds_nothing(browser: Browser, ours: Ours, language: str, dark: bool) -> None:
    axe = Axe()
    with phone(browser, language, dark=dark) as page:

        def see(name: str) -> None:
            found = axe.run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"

        stroll(page, ours, see)
        page.set_viewport_size({"width": 1280, "height": 900})
        stroll(page, ours, see)
