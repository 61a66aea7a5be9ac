"""Address and date fields, charsets of bodies, and the flags of a message."""

from datetime import UTC, datetime

import pytest

from intake import charset
from intake.header import address_inside, bracketed, mailboxes, moment
from intake.message import derive, warm

ADDRESSES = {
    '"Bank, Inc" <a@b.test>, c@d.test (Carl (x) Y)': [("Bank, Inc", "a@b.test"), ("Carl (x) Y", "c@d.test")],
    "Friends: e@f.test, G <g@h.test>; i@j.test": [("", "e@f.test"), ("G", "g@h.test"), ("", "i@j.test")],
    "undisclosed-recipients:;": [],
    '"unclosed <a@b.test>': [("unclosed", "a@b.test")],
    "a@b.com <c@d.com>": [("a@b.com", "c@d.com")],
    '"=?utf-8?q?A=2C_B?=" <x@y.test>': [("A, B", "x@y.test")],
    "=?utf-8?q?=3Cz=40z=2Etest=3E=2C?= <x@y.test>": [("<z@z.test>,", "x@y.test")],
    "<@r.test,@q.test:a@b.test>": [("", "a@b.test")],
    "Foo a@b.test": [("Foo", "a@b.test")],
    "Foo": [("Foo", "")],
    '"a\\"b" <q@w.test>': [('a"b', "q@w.test")],
    "x@y@z.test": [("", "x@y@z.test")],
}
DATES = {
    "Mon, 23 Nov 2026 10:11:12 +0800": (datetime(2026, 11, 23, 2, 11, 12, tzinfo=UTC), True),
    "23 Nov 26 10:11 GMT": (datetime(2026, 11, 23, 10, 11, tzinfo=UTC), True),
    "Mon, 23 Nov 2026 10:11:60 -0000 (UTC)": (datetime(2026, 11, 23, 10, 11, 59, tzinfo=UTC), True),
    "Mon Nov 23 10:11:12 2026": (datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC), False),
    "2026-11-23T10:11:12Z": (datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC), True),
}
NO_DATES = ["", "x", "Mon, 32 Nov 2026 10:11:12 +0000", "Fri, 31 Dec 9999 23:59:59 -9959", "1" * 200, "24:00:00"]


@pytest.mark.parametrize("value", ADDRESSES)
def test_mailboxes(value: str) -> None:
    assert mailboxes(value) == (ADDRESSES[value], False)


@pytest.mark.parametrize("value", DATES)
def test_dates(value: str) -> None:
    assert moment(value) == DATES[value]


@pytest.mark.parametrize("value", NO_DATES)
def test_what_is_no_date(value: str) -> None:
    assert moment(value) is None


def test_500_mailboxes_are_given_and_one_more_is_a_limit() -> None:
    assert [mailboxes("a@b.test," * count)[1] for count in (499, 500, 501)] == [False, False, True]
    assert "addresses" in derive(b"To: " + b"a@b.test," * 501 + b"\n\nx").limits


def test_small_readers() -> None:
    assert bracketed(" <a @b> x") == "a@b" and bracketed("no brackets") == "no" and bracketed("") == ""
    assert address_inside("Pay <service@Pay.example>") == "pay.example" and address_inside("a@b") == ""


@pytest.mark.parametrize(
    ("text", "codec"),
    [("您的帳戶已被暫停，請立即驗證", "big5"), ("您的账户已被暂停", "gb18030"), ("お客様のアカウント", "iso2022_jp"),
     ("お客様のアカウント", "shift_jis"), ("お客様のアカウント", "euc_jp"), ("고객님의 계정이", "euc_kr"),
     ("Ваш аккаунт заблокирован", "koi8_r"), ("Ваш аккаунт заблокирован", "cp1251"), ("café déjà vu", "latin-1")],
)  # fmt: skip
@pytest.mark.parametrize("declared", ["right", "", "us-ascii", "no-such-charset"])
def test_bodies_in_the_charset_that_fits(text: str, codec: str, declared: str) -> None:
    assert charset.read(text.encode(codec), codec if declared == "right" else declared).text == text


def test_charsets_that_lie() -> None:
    assert charset.read("Grüße".encode(), "iso-8859-1") == ("Grüße", "utf-8")
    assert charset.read(b"\xef\xbb\xbfhello", "us-ascii").text == "hello"
    assert charset.read("ひらがな".encode("utf-7"), "utf-7").text == "ひらがな"
    assert charset.read(b"+2AA-", "utf-7").text.isascii()


def flags(data: bytes) -> set[str]:
    return set(derive(data).flags)


def test_line_ends() -> None:
    head = b"From: a@b.test\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <x@b.test>\r\n\r\n"
    assert flags(head + b"x\r\n") == set()
    assert flags(head + b"x\n") == {"bare-lf"} and flags(head + b"x\ry") == {"bare-cr"}
    assert flags(head.replace(b"\r", b"")) == {"lf-line-ends"} and flags(head + b"\x00") == {"nul-bytes"}


def test_a_name_that_shows_its_own_address_is_no_deviation() -> None:
    assert "from-name-is-address" not in flags(b'From: "a@b.test" <a@b.test>\n\n')
    assert "from-name-is-address" in flags(b'From: "a@bank.test" <a@b.test>\n\n')


def test_text_inside_an_attached_message_is_read_only_where_there_is_no_other() -> None:
    inner = b"--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nthe inner text\n--b--\n"
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    assert derive(head + b"--b\n\nthe outer text\n" + inner).text == "the outer text"
    assert derive(head + inner).text == "the inner text"


def test_mixed_parts_are_read_one_after_the_other() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    both = head + b"--b\n\nplain\n--b\nContent-Type: text/html\n\n<p>rich</p>\n--b--\n"
    assert derive(both).text == "plain\nrich"


def test_the_canonical_form_of_any_message_can_be_written() -> None:
    message = derive(b"Subject: \xff\xfe=?utf-8?b?7aCA?=\nContent-Type: text/plain; charset=utf-7\n\n+2AA-")
    assert message.all("SUBJECT")[0].name == "Subject" and "\ud800" not in message.subject + message.text
    message.text.encode()


def test_warm_opens_everything_that_derive_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    warm()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open_code", refuse)
    for codec in ("big5", "koi8-r", "iso-2022-jp", "no_such", "x-euc-tw"):
        mail = f"Subject: =?{codec}?b?w6Q=?=\nContent-Type: text/html; charset={codec}\n\n<a href=http://xn--a.tw/>"
        assert derive(mail.encode() + b"\xa4\xa4\xff\x80").links[0].where == "html"
