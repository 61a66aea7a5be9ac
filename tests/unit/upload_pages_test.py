"""The pages of the upload door: readable, labelled, escaped, in the reader's language, with strict headers."""

import base64
import hashlib
from collections.abc import Iterator
from html.parser import HTMLParser

import msgspec
import pytest

from intake import questionnaire as form_
from intake import upload_pages
from intake.bodies import in_charge
from intake.questionnaire import Answers, Wrong
from intake.receipts import Known
from intake.upload_pages import CATALOGUES, Site
from tests.doors import Kept
from tests.upload_doors import ask, door, form

SITE = Site(country="TW", contact="help@agency.example")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with door(Kept(tmp_path_factory.mktemp("upload")).acceptor) as number:
        yield number


class Page(HTMLParser):
    """The ids, labels, scripts and links of a page, and whether every tag was closed."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def every_page(language: str, text: str = "x") -> Iterator[tuple[str, str]]:
    """Name and text of each page there is, with `text` wherever something that was typed in is shown."""
    full = Answers(what="sms", how="text", harm=form_.HARM, words=text, amount=text, contact=text, consent="yes")
    wrong = [Wrong(each, f"{each}-missing") for each in ("what", "how", "currency")]
    bodies = in_charge("TW", "sms")
    for step in form_.STEPS:
        yield step, upload_pages.step(step, full, language, SITE, bodies, wrong)
    for lane in form_.WHAT[1:]:
        yield lane, upload_pages.step("body", Answers(what=lane), language, SITE, (), ())
    for how in form_.HOW:
        answers = msgspec.structs.replace(full, how=how)
        yield how, upload_pages.step("send", answers, language, SITE, (), [Wrong("file", "empty")])
    for what in ("loss", "original", "withdraw"):
        yield f"add-{what}", upload_pages.addition(what, text, full, language, SITE)
        yield f"added-{what}", upload_pages.added(what, text, language, SITE, bodies)
    for state in ("received", "unpacked", "filed", "closed", "withdrawn", "erased", text):
        known = Known(state, adds=state != "erased", outcome=text)
        yield f"status-{state}", upload_pages.status(language, text, known, SITE)
    yield "start", upload_pages.start(language, SITE)
    yield "kept", upload_pages.kept(language, text, SITE, True, bodies)
    yield "find", upload_pages.find(language, SITE, text)
    yield "problem", upload_pages.problem(language, "x", text, SITE)


@pytest.mark.parametrize(
    ("preferences", "language"),
    [
        ("", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-TW,zh;q=0.9,en;q=0.5", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("fr, zh-TW;q=0.5, en;q=0.7", "en"),
        ("fr;q=0.9, zh;q=0.8", "zh-Hant"),
        ("zh;q=0, en;q=0.1", "en"),
        ("de;q=x, ,;;;", "en"),
    ],
)
def test_the_page_speaks_the_readers_language(port: int, preferences: str, language: str) -> None:
    answer = ask(port, "GET", "/", headers={"Accept-Language": preferences, "Accept": "text/html"})
    page = Page(answer.body.decode())
    assert page.all("html") == [{"lang": language, "dir": "ltr"}]
    assert CATALOGUES[language]["start-title"] in answer.body.decode()
    chosen = ask(port, "GET", "/?lang=zh-Hant", headers={"Accept-Language": preferences})
    assert Page(chosen.body.decode()).all("html") == [{"lang": "zh-Hant", "dir": "ltr"}]


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_page_is_whole_labelled_and_needs_no_script(language: str) -> None:
    for name, text in every_page(language):
        page = Page(text)
        assert page.open == [], name
        shown = [each for each in page.all("input") if each["type"] != "hidden"]
        fields = [*shown, *page.all("textarea"), *page.all("select")]
        assert {each["id"] for each in fields} == {label["for"] for label in page.all("label")}, name
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), name
        for _, attributes in page.tags:
            assert set((attributes.get("aria-describedby") or "").split()) <= set(ids), name
        assert not page.all("script") and not page.all("link") and not page.all("img"), name
        assert len(page.all("h1")) == 1 and "width=device-width" in text, name
        assert all(key[:2] != "on" and key != "style" for _, attributes in page.tags for key in attributes), name


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_page_leads_to_itself_in_the_other_languages(language: str) -> None:
    for name, text in every_page(language):
        offered = {each["lang"] for tag, each in Page(text).tags if tag in ("a", "button") and "lang" in each}
        assert offered == set(CATALOGUES) - {language}, name


def test_a_browser_gets_a_page_with_its_reference(port: int) -> None:
    body, headers = form(("source", None, b"From: a@example.com\r\n\r\nHello\r\n"))
    browser = {**headers, "Accept": "text/html,application/xhtml+xml", "Accept-Language": "zh-TW"}
    answer = ask(port, "POST", "/reports", body, browser)
    assert answer.status == 202
    assert answer.headers["Location"].rpartition("/")[2] in answer.body.decode()
    assert "我們已收到您的舉報" in answer.body.decode()
    refused = ask(port, "POST", "/reports", form(("file", "", b""))[0], browser)
    assert refused.status == 400
    assert "沒有檔案" in refused.body.decode()


@pytest.mark.parametrize("path", ["/", "/reports/x", "/x", "/report/what", "/status?reference=x", "/reports/x/loss"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_security_headers_are_on_every_answer(port: int, path: str, accept: str) -> None:
    headers = ask(port, "GET", path, headers={"Accept": accept}).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert headers["Cache-Control"] == ("private, no-cache" if path == "/report/what" else "no-store")
    assert "Set-Cookie" not in headers


def test_the_style_is_the_one_that_the_policy_allows(port: int) -> None:
    page = ask(port, "GET", "/", headers={"Accept": "text/html"})
    style = page.body.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("language", CATALOGUES)
def test_what_is_put_into_a_page_is_escaped(language: str) -> None:
    hostile = "</textarea><script>alert(1)</script>\"'{{ 7*7 }}"
    for name, text in every_page(language, hostile):
        assert "<script" not in text and "\"'{" not in text and "49" not in text.partition("</style>")[2], name


@pytest.mark.parametrize("language", CATALOGUES)
def test_who_wants_to_be_erased_is_told_where_to_write_or_nothing(language: str) -> None:
    for contact in ("help@agency.example", ""):
        site = Site(contact=contact)
        back = upload_pages.addition("withdraw", "x", Answers(), language, site)
        for page in (back, upload_pages.kept(language, "x", site, False, ())):
            assert (CATALOGUES[language]["erase"].format(contact=contact) in page) is bool(contact)
            assert CATALOGUES[language]["erase"].partition("{")[0] not in page or contact


def test_the_agencys_name_stands_on_its_pages() -> None:
    page = upload_pages.start("en", Site(name="Agency <of> Example"))
    assert "Agency &lt;of&gt; Example" in page
