"""Answers: what a person has said on the way through the form, which question comes next, and what is wrong.

One question a page; what was said before travels in hidden fields of the next page, so nothing is kept half-way, on
our side or in a cookie. The message itself comes last, because a browser can't carry a file from page to page. Pure:
fields in, answers and errors out. Every value is capped; a choice that nobody offers is none.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from intake.record import Value
from intake.submission import Told

WHAT = ("mail", "sms", "police", "child-abuse", "life", "other")
"""What is reported; all but the first lead to a page that names who is in charge."""
HOW = ("file", "source", "text", "picture")
HARM = ("money", "data")
CURRENCIES = ("TWD", "HKD", "CNY", "JPY", "USD", "EUR", "GBP", "AUD", "CAD", "CHF", "BRL", "BTC")
"""Those that `triage/money.py` reads; another one is told in words."""
WORDS = 4000
"""Characters of what a person tells in their own words."""
CONTACT = 254
"""Characters of a mail address (RFC 5321 section 4.5.3.1.3)."""
AMOUNT = 20
_AMOUNT = re.compile(r"\d[\d.,' ]{0,18}[\d萬万億亿]?")
_SIGN = r"(?:[A-Za-z]{0,3}[$€£¥]|[A-Za-z]{3}|元|圓|円)?"
_SIGNED = re.compile(_SIGN + r" ?(\d[^A-Za-z$€£¥元圓円]*?) ?" + _SIGN)
_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\x00-\x20]{1,64}@(?:[^\s@<>(),;:\"\\.]{1,63}\.){1,8}[^\s@<>(),;:\"\\.]{2,63}")


class Wrong(NamedTuple):
    """An answer that can't be taken: the field it belongs to, and the code of the sentence that says why."""

    field: str
    code: str


class Answers(Value, frozen=True):
    """All that was said so far; '' and () where nothing was."""

    what: str = ""
    how: str = ""
    harm: tuple[str, ...] = ()
    words: str = ""
    amount: str = ""
    currency: str = ""
    contact: str = ""
    consent: str = ""

    def hidden(self) -> list[tuple[str, str]]:
        """Name and value of the hidden fields that carry this to the next page."""
        plain = [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "harm"]
        return [(name, value) for name, value in plain if value] + [("harm", each) for each in self.harm]


def read(fields: Mapping[str, Sequence[str]]) -> Answers:
    """The answers in the fields of a form."""

    def text(name: str, most: int) -> str:
        """One character more than there may be is kept, so that it is seen to be too long."""
        return next(iter(fields.get(name, ())), "").replace("\r\n", "\n").strip()[: most + 1]

    return Answers(
        what=_one_of(text("what", 20), WHAT),
        how=_one_of(text("how", 20), HOW),
        harm=tuple(each for each in HARM if each in fields.get("harm", ())),
        words=text("words", WORDS),
        amount=_sum(text("amount", AMOUNT + 10)),
        currency=_one_of(text("currency", 20), CURRENCIES),
        contact=text("contact", CONTACT),
        consent=_one_of(text("consent", 20), ("yes", "no")),
    )


def _sum(typed: str) -> str:
    """A sum as it was typed, in plain digits, and without the sign or code of a currency, which is asked for apart."""
    plain = unicodedata.normalize("NFKC", typed).replace("’", "'")
    signed = _SIGNED.fullmatch(plain)
    return (signed[1] if signed else plain)[: AMOUNT + 1]


def _one_of(value: str, known: Sequence[str]) -> str:
    return value if value in known else ""


def steps(answers: Answers) -> tuple[str, ...]:
    """The questions, in their order, that somebody with these answers is asked."""
    asked = {
        "what": True,
        "body": answers.what != "mail",
        "how": True,
        "harm": True,
        "loss": bool(answers.harm),
        "contact": True,
        "consent": bool(answers.contact),
        "send": True,
    }
    return tuple(name for name, wanted in asked.items() if wanted)


STEPS = ("what", "body", "how", "harm", "loss", "contact", "consent", "send")


def after(step: str, answers: Answers) -> str:
    """The question that follows this one."""
    later = STEPS[STEPS.index(step) + 1 :]
    return next(name for name in steps(answers) if name in later or name == "send")


def before(step: str, answers: Answers) -> str:
    """The question before this one, '' for the first."""
    earlier = STEPS[: STEPS.index(step)]
    return next((name for name in reversed(steps(answers)) if name in earlier), "")


def wrong(step: str, answers: Answers) -> tuple[Wrong, ...]:
    """What is wrong with the answer to this question."""
    match step:
        case "what" | "how" if not getattr(answers, step):
            return (Wrong(step, f"{step}-missing"),)
        case "loss":
            return wrong_loss(answers)
        case "contact" if answers.contact and not _is_address(answers.contact):
            return (Wrong("contact", "contact-form"),)
    return ()


def wrong_loss(answers: Answers) -> tuple[Wrong, ...]:
    """What is wrong with the sum and the words of a loss."""
    found = []
    if answers.amount and not _AMOUNT.fullmatch(answers.amount):
        found.append(Wrong("amount", "amount-form"))
    elif answers.amount and not answers.currency:
        found.append(Wrong("currency", "currency-missing"))
    if len(answers.words) > WORDS:
        found.append(Wrong("words", "words-long"))
    return tuple(found)


def _is_address(text: str) -> bool:
    return len(text) <= CONTACT and _ADDRESS.fullmatch(text) is not None


def unanswered(answers: Answers) -> str:
    """The first question whose answer can't be taken, '' when all can."""
    return next((step for step in steps(answers) if wrong(step, answers)), "")


def told(answers: Answers, language: str) -> Told:
    """The answers as they are kept with the submission."""
    money = "money" in answers.harm
    return Told(
        how=answers.how,
        lane="" if answers.what == "mail" else answers.what,
        note="" if money or not answers.harm else answers.words,
        loss=loss(answers) if money else "",
        given="data" in answers.harm,
        contact=answers.contact,
        consent=answers.consent == "yes" and bool(answers.contact),
        language=language,
    )


def loss(answers: Answers) -> str:
    """Sum and words of a loss as one text; that there was one is said even where nothing more is."""
    amount = f"{answers.currency} {answers.amount}".strip() if answers.amount else ""
    return "\n".join(each for each in (amount, answers.words) if each) or "yes"
