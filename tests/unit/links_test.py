"""Links in plain text, and where a link leads."""

import time

import pytest

from intake.domains import listed, registered
from intake.links import in_text, target, unwrapped

TEXTS = {
    "see http://example.com/abc.": ["http://example.com/abc"],
    "(http://example.com/a_(b)), <http://a.test>": ["http://example.com/a_(b)", "http://a.test"],
    "www.example.com/x) WWW.EXAMPLE.ORG": ["www.example.com/x", "WWW.EXAMPLE.ORG"],
    "請點http://example.com請點擊": ["http://example.com"],
    "網址：http://example.com。謝謝": ["http://example.com"],
    "http://example。com/a www。example．com": ["http://example。com/a", "www。example．com"],
    "http://例子.中国请点击": ["http://例子.中国"],
    "http://example.comです、example.comです": ["http://example.com", "example.com"],
    "加LINE:line.me/ti/p/abc謝謝": ["line.me/ti/p/abc"],
    "http://example.com/路徑": ["http://example.com/"],
    "http://раypal.com/login": ["http://раypal.com/login"],
    "a.b@example.com mailto:x@y.org tel:+886-2-5550-0100": [
        "a.b@example.com",
        "mailto:x@y.org",
        "tel:+886-2-5550-0100",
    ],
    "visit example.com or invoice.pdf and setup.zip": ["example.com"],
    "hello.This is. U.S.A e.g. node.js 3.50 1.2.3.4 foo@bar": [],
    "hxxp://evil.test and example[.]com": [],
    "http://192.0.2.1:8080/x?y=1#z http://[2001:db8::1]/": ["http://192.0.2.1:8080/x?y=1#z", "http://[2001:db8::1]/"],
}
TARGETS = {
    "http://0x7f.1/": ("http://127.0.0.1/", "127.0.0.1", "", ("numeric-host", "obscured-host")),
    "http:\\\\evil.test\\a": ("http://evil.test/a", "evil.test", "evil.test", ()),
    "ht\ntp://e.test\t/": ("http://e.test/", "e.test", "e.test", ()),
    "www.x.test/b": ("http://www.x.test/b", "www.x.test", "x.test", ("guessed-scheme",)),
    "example.com:8080/x": ("http://example.com:8080/x", "example.com", "example.com", ("guessed-scheme", "port")),
    "win@prize.example": ("mailto:win@prize.example", "prize.example", "prize.example", ()),
    "rel.html": ("", "", "", ("relative",)),
    "http://a b/": ("", "", "", ("unparsable",)),
    "http://xn--a.test/": ("", "", "", ("invalid-idn",)),
    "http://faß.de/": ("http://xn--fa-hia.de/", "xn--fa-hia.de", "xn--fa-hia.de", ("idn",)),
    "data:text/html,hi": ("data:text/html,hi", "", "", ("active",)),
}


@pytest.mark.parametrize("text", TEXTS)
def test_links_in_text(text: str) -> None:
    assert list(in_text(text)) == TEXTS[text]


@pytest.mark.parametrize("raw", TARGETS)
def test_where_it_leads(raw: str) -> None:
    found = target(raw)
    assert (found.url, found.host, found.domain, found.flags) == TARGETS[raw]


def test_a_registrar_and_an_owner_of_a_name_are_two() -> None:
    found = target("http://shop.github.io/")
    assert (found.domain, found.registered) == ("shop.github.io", "github.io")
    assert registered("a.example.co.uk") == "example.co.uk" and registered("192.0.2.1") == registered("") == ""
    assert listed("example.com") and not listed("example.invalid")


def test_relative_links_and_their_base() -> None:
    assert target("../y", "http://b.test/x/z").url == "http://b.test/y"
    assert target("y", "no base").flags == ("relative",)


def test_wrappers() -> None:
    safe = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fevil.test%2Fa%3Fb&data=05"
    assert unwrapped(safe) == ("https://evil.test/a?b", "safelinks")
    assert unwrapped("https://www.google.co.uk/url?q=http://e.test/") == ("http://e.test/", "google")
    assert unwrapped("https://urldefense.com/v3/__https://e.test/a__;!!x") == ("https://e.test/a", "proofpoint")
    assert unwrapped("https://urldefense.proofpoint.com/v1/url?u=http://e.test/&k=") == ("http://e.test/", "proofpoint")
    assert unwrapped("http://google.com.evil.test/url?q=http://x") is None


@pytest.mark.parametrize(
    "text",
    ["http://" * 30_000, "a." * 100_000, "a@" * 100_000, "-" * 200_000, "http://a/" + ")" * 200_000, "1." * 100_000,
     "http://" + "a中" * 100_000, "中." * 100_000, ("http://" + "éa" * 200 + " ") * 400, "mailto:" * 30_000],
)  # fmt: skip
def test_hostile_text_ends_soon(text: str) -> None:
    started = time.process_time()
    assert all(len(found) <= 9000 for found in in_text(text))
    assert time.process_time() - started < 5.0
