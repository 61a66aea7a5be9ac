"""Hostile mails end: each within five seconds of processor time, without an exception, with its limit named."""

import time

import pytest

from intake.message import derive

SECONDS = 5.0
HTML = b"Content-Type: text/html\n\n"
PLAIN = b"Content-Type: text/plain\n\n"
K = 1000

HEADERS = {
    "commas in To": b"To: " + b"," * 100 * K,
    "addresses in To": b"To: " + b"a@b," * 25 * K,
    "parameters of Content-Type": b"Content-Type: text/plain" + b"; a=b" * 20 * K,
    "pieces of RFC 2231": b"Content-Type: text/plain" + b"".join(b"; a*%d=x" % n for n in range(10 * K)),
    "a folded Subject of 5 MB": b"Subject: x" + b"\n x" * 1_600_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 7 * K,
    "brackets in Message-ID": b"Message-ID: " + b"<" * 100 * K,
    "brackets in To": b"To: " + b"(" * 20 * K,
    "nested comments in From": b"From: " + b"(" * 30 * K + b")" * 30 * K + b" a@b.test",
    "quotes in From": b'From: "' + b'\\"' * 30 * K,
    "colons in From": b"From: a@b" + b":" * 60 * K,
    "a million header lines": b"\n".join([b"A: b"] * 300 * K),
    "digits in Date": b"Date: " + b"1" * 60 * K,
    "high bytes in Subject": b"Subject: " + b"\x80" * 60 * K,
}
MARKUP = {
    "comments": b"<!--" * 50 * K,
    "divs": b"<div>" * 100 * K,
    "mis-nested": b"<b><i><a><p>" * 40 * K,
    "options": b"<option>" * 16 * K,
    "one tag with many attributes": b"<a " + b" ".join(b"a%d=1" % n for n in range(100 * K)) + b">",
    "brackets": b"<" * 1000 * K,
    "entities": b"&#" * 500 * K,
    "tables": b"<table><tr><td>" * 30 * K,
    "fonts before paragraphs": b"".join(b"<font size=%d>" % n for n in range(200)) + b"<p>x" * 100 * K,
    "stray ends": b"<b>" + b"<table>" * 250 + b"</b>" * 200 * K,
    "blanks in tags": b"<b> </b>" * 150 * K,
    "a selector without end": b"<style>" + b"a," * 200 * K,
    "comments in CSS": b"<style>" + b"/*" * 300 * K,
    "one long style": b'<b style="' + b";" * 1000 * K + b'">x',
    "links": b"".join(b"<a href=http://x%d.test/>x" % n for n in range(40 * K)),
    "one long link": b'<a href="http://' + b"a." * 800 * K + b'">x</a>',
    "a link with a long text": b"<a href=http://a.test/>" + b"x" * 1500 * K,
}
TEXTS = {
    "schemes": b"http://" * 30 * K,
    "labels": b"a." * 100 * K,
    "at signs": b"a@" * 100 * K,
    "closing brackets": b"http://a.test/" + b")" * 100 * K,
    "glued Chinese": "http://a.com中".encode() * 10 * K,
    "high bytes": b"\x80" * 1000 * K,
    "escapes": b"\x1b$B" * 300 * K,
    "returns": b"\r" * 2000 * K,
    "NUL": b"\x00" * 2000 * K,
}
TREES = {
    "nested multiparts": b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(1000)
    ),
    "nested messages": b"Content-Type: message/rfc822\n\n" * 3000,
    "many parts": b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 100 * K,
    "many HTML parts": b'Content-Type: multipart/mixed; boundary="b"\n\n'
    + (b"--b\nContent-Type: text/html\n\n" + b"<p>" * 20 * K + b"\n") * 50,
}
CASES = (
    {f"header: {name}": case + b"\n\nx\n" for name, case in HEADERS.items()}
    | {f"html: {name}": HTML + case for name, case in MARKUP.items()}
    | {f"text: {name}": PLAIN + case for name, case in TEXTS.items()}
    | {f"tree: {name}": case for name, case in TREES.items()}
)
LIMITS = {
    "header: commas in To": "header-value",
    "header: a million header lines": "header-fields",
    "html: divs": "html-depth",
    "html: links": "links",
    "html: one long link": "url",
    "html: brackets": "text",
    "text: high bytes": "text",
    "tree: nested multiparts": "depth",
    "tree: nested messages": "depth",
    "tree: many parts": "parts",
    "tree: many HTML parts": "text-parts",
}


@pytest.mark.parametrize("name", CASES)
def test_ends_soon(name: str) -> None:
    started = time.process_time()
    message = derive(CASES[name])
    assert time.process_time() - started < SECONDS
    assert message.size == len(CASES[name]) and len(message.text) <= 200_000 and len(message.links) <= 500
    if name in LIMITS:
        assert LIMITS[name] in message.limits


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\r", b"x", b":", b"From:", b"\xff" * 9, b"--", b"Content-Type: text/html"]
)
def test_any_bytes_are_a_message(data: bytes) -> None:
    message = derive(data)
    assert message.size == len(data) and "no-date" in message.flags
    for leaf in message.leaves:
        assert 0 <= leaf.cite.start < leaf.cite.end <= len(data)


@pytest.mark.parametrize(("count", "limited"), [(499, False), (500, False), (501, True)])
def test_500_links_are_given_and_one_more_is_a_limit(count: int, limited: bool) -> None:
    markup = b"".join(b"<a href=http://x%d.test/>x</a>" % number for number in range(count))
    message = derive(HTML + markup)
    assert len(message.links) == min(count, 500) and ("links" in message.limits) == limited


@pytest.mark.parametrize(("size", "limited"), [(8191, False), (8192, False), (8193, True)])
def test_8192_characters_of_a_url_are_read(size: int, limited: bool) -> None:
    url = b"http://a.test/".ljust(size, b"x")
    message = derive(HTML + b"<a href='" + url + b"'>x</a>")
    assert len(message.links[0].raw) == min(size, 8192) and message.links[0].host == "a.test"
    assert ("url" in message.limits) == limited


@pytest.mark.parametrize(("size", "limited"), [(199_999, False), (200_000, False), (200_001, True)])
def test_200_000_characters_of_text_are_given(size: int, limited: bool) -> None:
    for head in (PLAIN, HTML):
        message = derive(head + b"x" * size)
        assert len(message.text) == min(size, 200_000) and ("text" in message.limits) == limited


@pytest.mark.parametrize(("size", "limited"), [(1_999_999, False), (2_000_000, False), (2_000_001, True)])
def test_two_megabytes_of_html_are_read(size: int, limited: bool) -> None:
    message = derive(HTML + b"<p>seen<!--".ljust(size, b"-"))
    assert message.text == "seen" and ("html-size" in message.limits) == limited


@pytest.mark.parametrize(("depth", "limited"), [(255, False), (256, False), (257, True)])
def test_256_elements_may_be_open(depth: int, limited: bool) -> None:
    message = derive(HTML + b"<div>" * depth + b"seen" + b"</div>" * depth + b"after")
    assert message.text == "seen\nafter" and ("html-depth" in message.limits) == limited
