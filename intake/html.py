"""HTML of a mail: the one door to turbohtml, for markup, for charsets and for languages.

No tree is built: the tokenizer's stream goes to a `View` with a bounded stack of its own, so that deep or mis-nested
markup costs no more than its length. (Rejected: a tree parser. By the standard it copies open formatting elements into
every following paragraph, so that 30 kB of markup can become millions of nodes.) Scripts never run, nothing is fetched.
Source: WHATWG HTML, section 13.2.5 (tokenization).
"""

from turbohtml import TokenType, tokenize
from turbohtml.detect import LanguageDetection, detect, detect_language

from intake.page import Page, View

SIZE = 2_000_000
"""Characters of HTML that are read."""
TAGS = 200_000
"""Most tags that are read."""

_TEXT, _START, _END, _COMMENT = TokenType.TEXT, TokenType.START_TAG, TokenType.END_TAG, TokenType.COMMENT


def read(markup: str, size: int = SIZE, most_tags: int = TAGS) -> Page:
    """What the first `size` characters and `most_tags` tags of `markup` show; never raises, linear in its length."""
    view = View()
    if len(markup) > size:
        view.limits["html-size"] = None
    _run(view, markup[:size], most_tags)
    return view.page()


def _run(view: View, markup: str, most_tags: int) -> None:
    for token in tokenize(markup):
        kind = token.type
        if kind is _TEXT:
            view.text(token.data or "")
        elif kind is _START:
            if view.tags >= most_tags:
                view.limits["html-tags"] = None
                break
            attrs = token.attrs
            view.start(token.tag or "", {name: value or "" for name, value in reversed(attrs)} if attrs else {})
        elif kind is _END:
            view.end(token.tag or "")
        elif kind is _COMMENT:
            _conditional(view, token.data or "")


def _conditional(view: View, comment: str) -> None:
    """Links in a comment that only Outlook reads."""
    if not comment.startswith("[if") or "href" not in comment:
        return
    for token in tokenize(comment.partition("]>")[2]):
        if token.type is _START and (href := token.attr("href")):
            view.add(href, "html")


def guess_charset(data: bytes) -> tuple[str, float]:
    """The WHATWG name of the charset that the first 64 kB look like, or name in a `meta`; how sure it is (0 to 1)."""
    match = detect(data[:65536])
    return match.encoding or "", match.confidence


def guess_language(text: str, among: frozenset[str]) -> tuple[str, float]:
    """The ISO 639-3 code out of `among` that the text reads like, and how sure it is (0 to 1)."""
    match = detect_language(text, LanguageDetection(allowed=among))
    return match.language or "", match.confidence
