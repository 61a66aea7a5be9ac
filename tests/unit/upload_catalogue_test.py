"""The languages of the public pages: one file each, all with the same keys, none too many; and the public bodies."""

import json
import re
from pathlib import Path

import pytest

from deploy.uploadd import words_of
from enrichment.letters import OUTCOMES
from intake import questionnaire
from intake.bodies import BODIES, Body, in_charge
from intake.catalogues import FOLDER, direction
from intake.errors import Refused
from intake.notice import KINDS
from intake.outcomes import STATES as CASES
from intake.upload_pages import CATALOGUES, STYLE, Site
from intake.web import STATUS
from tests.doors import Kept
from tests.upload_doors import ask, door

CODE = [*FOLDER.glob("*.html"), *FOLDER.parent.glob("upload*.py"), *(FOLDER.parent / f"{each}.py" for each in (
    "questionnaire", "wizard", "web", "feed_page",
))]  # fmt: skip
STATES = ("received", "unpacked", "filed", "closed", "withdrawn", "erased")
FAMILIES = {
    "what-": questionnaire.WHAT, "how-": questionnaire.HOW, "harm-": questionnaire.HARM, "consent-": ("yes", "no"),
    "message-": questionnaire.HOW, "body-": questionnaire.WHAT[1:], "state-": STATES,
    "closed-": OUTCOMES,
    "row-": (*questionnaire.STEPS, "none"),
    "problem-": (*STATUS, "empty", "one-at-a-time", "malformed", "answers", "busy", "fault"),
    "feed-verdict-": ("report", "duplicate", "rows"), "feed-state-": ("waiting", "triaged", "none"),
    "feed-case-": tuple(CASES.values()), "feed-kind-": tuple(KINDS),
    "wrong-": ("empty", "one-at-a-time", "what-missing", "how-missing"),
}  # fmt: skip
"""What code puts a word together from: a beginning, and what can follow; a hint, title or meaning may follow that."""


def test_every_language_has_every_word_and_none_is_empty_but_hints() -> None:
    english = CATALOGUES["en"]
    for words in CATALOGUES.values():
        assert set(words) == set(english)
        assert {key for key, text in words.items() if not text} == {key for key, text in english.items() if not text}
    assert all(key.endswith("-hint") for key, text in english.items() if not text)


def test_no_word_is_left_over() -> None:
    text = "\n".join(path.read_text("utf-8") for path in CODE)
    literal = set(re.findall(r"[\"']([a-z]+(?:-[a-z]+)*)[\"']", text))
    codes = {f"wrong-{each}" for each in literal}
    made = {
        f"{begin}{each}{more}" for begin, all_ in FAMILIES.items() for each in all_
        for more in ("", "-hint", "-title", "-means")
    }  # fmt: skip
    titles = {f"{each}-title" for each in questionnaire.STEPS} | {
        f"{what}-{each}" for what in ("add", "added") for each in ("loss", "original", "withdraw", "consent")
    } | {f"add-{each}-title" for each in ("loss", "original", "withdraw")}  # fmt: skip
    assert set(CATALOGUES["en"]) - literal - codes - made - titles == set()


def test_every_refusal_has_words_of_its_own() -> None:
    for code in ("too-big", "too-slow", "empty", "one-at-a-time", "unknown-reference", "not-found", "malformed",
                 "answers", "busy", "fault", "erased", "no-additions"):  # fmt: skip
        assert all(words[f"problem-{code}"] for words in CATALOGUES.values())


def made_up(path: Path, **changed: str) -> Path:
    """A catalogue in a language that nobody speaks, with these words changed; '' leaves one out."""
    words = {key: text and f"{text} bork" for key, text in CATALOGUES["en"].items()} | changed
    path.parent.mkdir(exist_ok=True)
    lines = [f"{key} = {json.dumps(text)}" for key, text in words.items() if text or key.endswith("-hint")]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_file_in_the_home_is_one_more_language_from_right_to_left(tmp_path: Path) -> None:
    made_up(tmp_path / "pages" / "ar-EG.toml", language="Bork")
    site = Site(words=words_of(tmp_path), country="TW")
    with door(Kept(tmp_path / "kept").acceptor, site=site) as port:
        page = ask(port, "GET", "/report/what", headers={"Accept-Language": "ar", "Accept": "text/html"})
        other = ask(port, "GET", "/?lang=zh-Hant", headers={"Accept": "text/html"})
        body = ask(port, "POST", "/report/what?lang=ar-EG", b"what=life",
                   {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert '<html lang="ar-EG" dir="rtl">' in page.body.decode() and "An e-mail bork" in page.body.decode()
    assert '<html lang="zh-Hant" dir="ltr">' in other.body.decode()
    assert 'hreflang="ar-EG">Bork<' in other.body.decode()
    assert '<strong lang="en" dir="auto">Police</strong>' in body.body.decode()


def test_the_homes_words_take_the_place_of_ours(tmp_path: Path) -> None:
    made_up(tmp_path / "pages" / "en.toml")
    assert words_of(tmp_path)["en"]["start"] == "Start now bork"
    assert words_of(tmp_path / "none") == CATALOGUES


@pytest.mark.parametrize(
    ("name", "changed", "says"),
    [
        ("xx.toml", {"add": ""}, "xx.toml has no 'add'"),
        ("xx.toml", {"bork": "x"}, "xx.toml has 'bork', which is no word of the pages"),
        ("xx.toml", {"message-picture-hint": "{most}"}, "xx.toml: 'message-picture-hint' has other blanks"),
        ("xx.toml", {"message-picture-hint": "without"}, "xx.toml: 'message-picture-hint' has other blanks"),
        ("xx.toml", {"message-picture-hint": "{size:>99999999}"}, "'message-picture-hint' has other blanks"),
        ("xx.toml", {"message-picture-hint": "{size.real}"}, "'message-picture-hint' has other blanks"),
        ("xx.toml", {"add": "{size}"}, "xx.toml: 'add' has other blanks"),
        ("xx.toml", {"add": "{"}, "xx.toml: 'add' has a brace that stands alone"),
        ("xx.toml", {"add": " "}, "xx.toml: 'add' is no text, or empty"),
        ("a b.toml", {}, "a b.toml is not named by a language tag"),
    ],
)
def test_a_catalogue_that_does_not_fit_is_named_with_its_word(
    tmp_path: Path, name: str, changed: dict[str, str], says: str
) -> None:
    made_up(tmp_path / "pages" / name, **changed)
    with pytest.raises(Refused, match=re.escape(says)):
        words_of(tmp_path)


@pytest.mark.parametrize("text", ["language =", 'language = "\\ud800"', "add = 7"])
def test_what_is_no_catalogue_is_named(tmp_path: Path, text: str) -> None:
    made_up(tmp_path / "pages" / "xx.toml", add="" if text.startswith("add") else "x")
    with (tmp_path / "pages" / "xx.toml").open("a") as file:
        file.write(f"\n{text}\n")
    with pytest.raises(Refused, match=r"pages/xx\.toml"):
        words_of(tmp_path)


@pytest.mark.parametrize(
    ("tag", "way"),
    [("en", "ltr"), ("zh-Hant", "ltr"), ("ar", "rtl"), ("fa-IR", "rtl"), ("HE", "rtl"), ("ur-Latn", "ltr"),
     ("pa-Arab-PK", "rtl"), ("ku", "ltr"), ("ckb", "rtl"), ("arn", "ltr"), ("yi", "rtl"), ("uz-Arab", "rtl")],
)  # fmt: skip
def test_which_way_a_language_is_written(tag: str, way: str) -> None:
    assert direction(tag) == way


def test_the_style_knows_no_left_and_right() -> None:
    assert not re.search(r"(?:^|[;{-])(?:left|right)\b|text-align:(?:left|right)", STYLE)


def test_every_public_body_has_a_source_a_date_and_a_name() -> None:
    for body in BODIES:
        assert re.fullmatch(r"[A-Z]{2}", body.country) and body.lanes
        assert set(body.lanes) <= {*questionnaire.WHAT[1:], "loss"} - {"other"}
        assert body.names and all(body.names.values())
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", body.checked)
        assert body.basis == ("cited" if body.source.startswith("http") else "general knowledge")


@pytest.mark.parametrize(
    ("names", "language", "name"),
    [({"en": "E", "zh-Hant": "Z"}, "zh-Hant", "Z"), ({"en": "E", "zh-Hant": "Z"}, "zh-Hans", "Z"),
     ({"en": "E", "zh-Hant": "Z"}, "fr", "E"), ({"de": "D", "fr": "F"}, "zh-Hant", "D"), ({"en-GB": "E"}, "fr", "E")],
)  # fmt: skip
def test_a_body_has_a_name_for_every_reader(names: dict[str, str], language: str, name: str) -> None:
    body = Body(country="TW", lanes=("sms",), names=names, source="", basis="", checked="")
    assert body.name(language) == name


def test_every_number_can_be_called_and_every_site_be_opened(tmp_path: Path) -> None:
    """Numbers and hosts of all countries stand in the pages as links, and the policy doesn't forbid them."""
    for body in BODIES:
        assert all(re.fullmatch(r"\+?[\d*]+|%23\d+", told) for _, told in body.calls), body
        assert " / ".join(number for number, _ in body.calls) == body.phone
        assert not body.web or re.fullmatch(r"[a-z0-9.-]+\.[a-z]{2,}(?:/[a-z]+)*", body.web)
    with door(Kept(tmp_path).acceptor, site=Site(country="GB")) as port:
        answer = ask(port, "POST", "/report/what", b"what=police",
                     {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    page = answer.body.decode()
    assert '<a class="link" dir="ltr" href="tel:03001232040">0300 123 2040</a>' in page
    assert 'href="https://www.actionfraud.police.uk" target="_blank" rel="noopener noreferrer"' in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    jp = next(each for each in BODIES if each.phone == "#9110")
    assert jp.calls == (("#9110", "%239110"),)


@pytest.mark.parametrize("country", sorted({each.country for each in BODIES}))
@pytest.mark.parametrize("lane", ["police", "child-abuse", "life", "loss"])
def test_a_country_in_the_list_has_somebody_for_what_can_not_wait(country: str, lane: str) -> None:
    assert in_charge(country, lane)
    assert in_charge(country.lower(), lane) == in_charge(country, lane)


def test_a_country_that_is_not_in_the_list_has_nobody() -> None:
    assert in_charge("", "sms") == in_charge("ZZ", "sms") == ()
