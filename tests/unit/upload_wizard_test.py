"""The form of the public page over HTTP: one question a page, nothing kept before the end, every answer kept then."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from intake import questionnaire as form
from intake.accept import PART
from intake.questionnaire import Answers, Wrong
from intake.submission import Told
from intake.upload import Site
from tests.doors import FakeWriter, Kept, acceptor
from tests.upload_doors import Answer, ask, door
from tests.upload_doors import form as multipart
from triage.claims import losses
from triage.terms import lexicon

PAGE = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
MESSAGE = b"From: a@example.com\r\nSubject: x\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("wizard"))


@pytest.fixture(scope="module")
def port(kept: Kept) -> Iterator[int]:
    with door(kept.acceptor, site=Site(country="TW")) as number:
        yield number


class Shown(HTMLParser):
    """A page: its title, the fields of its main form, the errors."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.action = self.title = ""
        self.errors: list[str] = []
        self._in = ""
        self.feed(answer.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._in = tag
        if tag == "form" and given.get("id") != "elsewhere":
            self.action, self.fields = given["action"] or "", []
        if tag == "input" and given["type"] == "hidden":
            self.fields.append((given["name"] or "", given["value"] or ""))
        if (given.get("id") or "").endswith("-error"):
            self.errors.append(given["id"] or "")

    def handle_data(self, data: str) -> None:
        if self._in == "h1":
            self.title = data.strip()
        self._in = ""


def post(port: int, path: str, *fields: tuple[str, str], lang: str = "en", show: bool = False) -> Answer:
    query = f"?lang={lang}" + ("&show=1" if show else "")
    return ask(port, "POST", path + query, urlencode(fields), PAGE)


def test_each_answer_leads_to_the_next_question_and_is_carried_on(port: int) -> None:
    steps: tuple[tuple[tuple[str, str], ...], ...] = (
        (("what", "sms"),), (), (("how", "text"),), (("harm", "money"), ("harm", "data")),
        (("amount", "30,000"), ("currency", "TWD"), ("words", "on <Monday>\r\nby card")),
        (("contact", "a@isp.example"),), (("consent", "yes"),),
    )  # fmt: skip
    page, said = Shown(ask(port, "GET", "/report/what")), []
    for answers in steps:
        answer = ask(port, "POST", page.action, urlencode([*page.fields, *answers]), PAGE)
        assert answer.status == 200
        page = Shown(answer)
        said += answers
        assert {name for name, _ in page.fields} == {name for name, _ in said}
    assert page.action == "/reports?lang=en"
    assert ("words", "on <Monday>\nby card") in page.fields


def test_the_last_page_keeps_message_and_answers_together(kept: Kept, port: int) -> None:
    fields = [("what", "life"), ("how", "source"), ("harm", "money"), ("amount", "500"), ("currency", "EUR"),
              ("words", "gone"), ("contact", "A@isp.example"), ("consent", "yes")]  # fmt: skip
    for after in (False, True):
        parts = [(name, None, value.encode()) for name, value in fields]
        message: Any = ("source", None, MESSAGE)
        body, headers = multipart(*([message, *parts] if after else [*parts, message]))
        answer = ask(port, "POST", "/reports?lang=zh-Hant", body, {**headers, "Accept": "text/html"})
        assert answer.status == 202 and "165" in answer.body.decode()
        submission, data = kept.all()[-1]
        assert data == MESSAGE
        assert submission.envelope.told == Told(
            how="source", lane="life", loss="EUR 500\ngone", contact="A@isp.example", consent=True, language="zh-Hant"
        )


def test_a_program_tells_nothing_and_nothing_is_made_up(kept: Kept, port: int) -> None:
    body, headers = multipart(("contact", None, b"x@isp.example"), ("file", "a.eml", MESSAGE))
    assert ask(port, "POST", "/reports", body, headers).status == 202
    assert kept.all()[-1][0].envelope.told == Told()


@pytest.mark.parametrize(
    ("step", "fields", "errors"),
    [
        ("what", (), ["what-error"]),
        ("what", (("what", "nonsense"),), ["what-error"]),
        ("how", (("what", "mail"),), ["how-error"]),
        ("loss", (("what", "mail"), ("how", "file"), ("harm", "money"), ("amount", "lots")), ["amount-error"]),
        ("loss", (("what", "mail"), ("how", "file"), ("harm", "money"), ("amount", "1")), ["currency-error"]),
        ("loss", (("what", "mail"), ("how", "file"), ("harm", "data"), ("words", "x" * 4001)), ["words-error"]),
        ("contact", (("what", "mail"), ("how", "file"), ("contact", "me")), ["contact-error"]),
        ("contact", (("what", "mail"), ("how", "file"), ("contact", "a@b")), ["contact-error"]),
        ("contact", (("what", "mail"), ("how", "file"), ("contact", "a" * 65 + "@b.example")), ["contact-error"]),
        ("contact", (("what", "mail"), ("how", "file"), ("contact", "a@b.example\nBcc: x@y.example")),
         ["contact-error"]),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_shown_at_its_field(port: int, step: str, fields: Any, errors: list[str]) -> None:
    answer = post(port, f"/report/{step}", *fields)
    assert answer.status == 400
    page = Shown(answer)
    assert page.errors == errors and page.action == f"/report/{step}?lang=en"
    field = errors[0].removesuffix("-error")
    assert f'href="#{field}"' in answer.body.decode() and f'id="{field}"' in answer.body.decode()


def test_nobody_gets_past_a_question_that_must_be_answered(port: int) -> None:
    first = Shown(ask(port, "GET", "/report/what")).title
    for step in form.STEPS:
        assert Shown(ask(port, "GET", f"/report/{step}")).title == first
        assert Shown(post(port, f"/report/{step}", show=True)).title == first
    body, headers = multipart(("what", None, b"mail"), ("how", None, b""), ("file", "a", MESSAGE))
    answer = ask(port, "POST", "/reports", body, headers)
    assert (answer.status, answer.json["code"]) == (400, "answers")


def test_a_question_is_shown_again_with_its_answer_in_another_language(port: int) -> None:
    answer = post(port, "/report/how", ("what", "mail"), ("how", "text"), lang="zh-Hant", show=True)
    assert answer.status == 200 and '<html lang="zh-Hant" dir="ltr">' in answer.body.decode()
    assert 'value="text" checked' in answer.body.decode()


@pytest.mark.parametrize("parts", [[], [("file", "", b"")], [("file", "a", b"1"), ("file", "b", b"2")]])
def test_without_one_message_the_last_page_comes_again(port: int, parts: list[Any]) -> None:
    body, headers = multipart(("what", None, b"mail"), ("how", None, b"file"), ("words", None, b"kept words"), *parts)
    answer = ask(port, "POST", "/reports?lang=en", body, {**headers, "Accept": "text/html"})
    assert answer.status == 400
    page = Shown(answer)
    assert page.errors == ["file-error"] and ("words", "kept words") in page.fields


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "code"),
    [
        ("/report/what", b"x=" + b"y" * 64_000, PAGE["Content-Type"], 413, "too-big"),
        ("/report/what", b"&".join(b"x%d=1" % n for n in range(50)), PAGE["Content-Type"], 400, "malformed"),
        ("/report/what", b"\xff", PAGE["Content-Type"], 400, "malformed"),
        ("/report/what", b"{}", "application/json", 415, "type"),
        ("/report/nothing", b"", PAGE["Content-Type"], 404, "not-found"),
    ],
)
def test_refusals(port: int, path: str, body: bytes, kind: str, status: int, code: str) -> None:
    answer = ask(port, "POST", path, body, {"Content-Type": kind})
    assert (answer.status, answer.json["code"]) == (status, code)


def test_the_answers_beside_a_report_have_a_limit() -> None:
    writer = FakeWriter()
    with door(acceptor(writer)) as port:
        for size, status in ((64_000, 202), (64_001, 413)):
            body, headers = multipart(("other", None, b"x" * size), ("file", "a", b"1"))
            assert ask(port, "POST", "/reports", body, headers).status == status
    assert writer.held == []


def test_low_disk_and_our_own_faults_are_said_on_a_page() -> None:
    fields = [("what", None, b"mail"), ("how", None, b"file"), ("file", "a", MESSAGE)]
    body, headers = multipart(*fields)
    with door(acceptor(FakeWriter(), free=lambda: 1)) as port:
        answer = ask(port, "POST", "/reports?lang=en", body, {**headers, "Accept": "text/html"})
    assert answer.status == 503 and answer.headers["Retry-After"] == "301"
    assert "try again in a few minutes" in answer.body.decode()


def test_nothing_is_kept_before_the_last_page() -> None:
    writer = FakeWriter()
    with door(acceptor(writer)) as port:
        post(port, "/report/contact", ("what", "mail"), ("how", "file"), ("contact", "a@isp.example"))
        ask(port, "GET", "/status?reference=x")
    assert writer.frames == [] and writer.held == []


def test_a_pasted_text_is_streamed_like_a_file() -> None:
    writer = FakeWriter()
    text = "垃".encode() * PART
    with door(acceptor(writer)) as port:
        body, headers = multipart(("what", None, b"mail"), ("how", None, b"text"), ("source", None, text))
        assert ask(port, "POST", "/reports", body, headers).status == 202
    assert [len(plain) for kind, plain in writer.frames if kind == "part"] == [PART, PART, PART]


# -- the answers themselves ------------------------------------------------------------------------------------------


def test_who_is_asked_what() -> None:
    assert form.steps(Answers(what="mail", how="file")) == ("what", "how", "harm", "contact", "send")
    assert form.steps(Answers(what="life", how="file", harm=("data",), contact="x")) == form.STEPS
    assert [form.before(step, Answers(what="mail")) for step in ("what", "how", "send")] == ["", "what", "contact"]
    assert form.after("harm", Answers(what="mail")) == "contact"
    assert form.wrong("how", Answers()) == (Wrong("how", "how-missing"),)


def test_consent_without_an_address_is_none() -> None:
    assert form.told(Answers(what="mail", how="file", consent="yes"), "en").consent is False


def test_data_given_away_is_no_loss_of_money() -> None:
    told = form.told(Answers(what="mail", how="file", harm=("data",), words="my password"), "en")
    assert (told.loss, told.note, told.given) == ("", "my password", True)


@pytest.mark.parametrize("currency", form.CURRENCIES)
@pytest.mark.parametrize(
    "amount",
    ["30,000", "30 000", "30000", "３０，０００", "30.000", "NT$ 30,000", "＄30000", "30’000 CHF", "€30.000", "3萬元"],
)
def test_every_currency_and_amount_is_read_by_triage(currency: str, amount: str) -> None:
    from intake.report import Claims

    fields = {"what": ["mail"], "how": ["file"], "harm": ["money"], "amount": [amount], "currency": [currency],
              "words": ["They called me twice."]}  # fmt: skip
    answers = form.read(fields)
    assert form.wrong("loss", answers) == ()
    (lost,) = losses(Claims(loss=form.told(answers, "en").loss), lexicon())
    assert (lost.currency, lost.amount) == (currency, 30_000)


@pytest.mark.parametrize(
    "amount", ["a lot", "TWD", "$", "元", "-5", "30 or 40", "3" * 60, "1e5", "30 000 EUR and a phone"]
)
def test_what_is_no_sum_is_asked_again_as_it_was_typed(amount: str) -> None:
    answers = form.read({"amount": [amount], "currency": ["TWD"]})
    assert [each.code for each in form.wrong("loss", answers)] == ["amount-form"]
    assert answers.amount == amount[:21]


def test_a_loss_without_sum_or_words_is_still_a_loss() -> None:
    from intake.report import Claims

    (lost,) = losses(Claims(loss=form.told(Answers(what="mail", how="file", harm=("money",)), "en").loss), lexicon())
    assert (lost.currency, lost.amount) == ("", 0)
