"""The pages of the upload door: readable, labelled, escaped, in the reader's language, with strict headers."""

import hashlib
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from intake import upload_pages
from tests.doors import Kept
from tests.upload_doors import ask, door, form


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with door(Kept(tmp_path_factory.mktemp("upload")).acceptor) as number:
        yield number


class Page(HTMLParser):
    """The ids, labels, scripts and links of a page, and whether every tag was closed."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize(
    ("preferences", "language"),
    [
        ("", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-TW,zh;q=0.9,en;q=0.5", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("fr, zh-TW;q=0.5, en;q=0.7", "en"),
        ("fr;q=0.9, zh;q=0.8", "zh-Hant"),
        ("de;q=x, ,;;;", "en"),
    ],
)
def test_the_page_speaks_the_readers_language(port: int, preferences: str, language: str) -> None:
    answer = ask(port, "GET", "/", headers={"Accept-Language": preferences, "Accept": "text/html"})
    page = Page(answer.body)
    assert page.all("html") == [{"lang": language}]
    assert upload_pages.WORDS[language]["title"] in answer.body.decode()
    assert page.open == []


def test_the_form_is_labelled_and_needs_no_script(port: int) -> None:
    answer = ask(port, "GET", "/", headers={"Accept": "text/html"})
    page = Page(answer.body)
    fields = page.all("input") + page.all("textarea")
    assert {field["name"] for field in fields} == {"file", "source"}
    assert {field["id"] for field in fields} == {label["for"] for label in page.all("label")}
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert all(field["aria-describedby"] in ids for field in fields)
    assert not page.all("script") and not page.all("link") and not page.all("img")
    assert "width=device-width" in answer.body.decode()


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


@pytest.mark.parametrize("path", ["/", "/reports/x", "/x"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_security_headers_are_on_every_answer(port: int, path: str, accept: str) -> None:
    headers = ask(port, "GET", path, headers={"Accept": accept}).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert headers["Cache-Control"] == "no-store"


def test_the_style_is_the_one_that_the_policy_allows(port: int) -> None:
    page = ask(port, "GET", "/", headers={"Accept": "text/html"})
    style = page.body.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = upload_pages.base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["Content-Security-Policy"]


def test_every_language_has_every_word() -> None:
    english = set(upload_pages.WORDS["en"])
    assert all(set(words) == english and all(words.values()) for words in upload_pages.WORDS.values())


def test_what_is_put_into_a_page_is_escaped() -> None:
    hostile = "<script>alert(1)</script>\"'"
    pages = [upload_pages.status("en", hostile, hostile), upload_pages.problem("en", "x", hostile)]
    assert all("<script>" not in page for page in [*pages, upload_pages.kept("en", hostile, hostile)])
