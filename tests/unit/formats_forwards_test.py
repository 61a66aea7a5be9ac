"""Forward blocks of many programs and languages: their fields come out, and what only looks like one does not."""

import pytest

from intake import mime
from intake.formats import open_submission
from intake.formats.shown import mailbox, mailboxes

DATE = "3/11/2026 08:11"
SUBJECT = "您的包裹 parcel"

BLOCKS = {
    # name: (title, labels of from, date, to and subject in the order of the program)
    "outlook-zh-hant": ("________________________________", "寄件者 寄件日期 收件者 主旨"),
    "apple-zh-hant": ("開始轉寄郵件：", "寄件人 日期 收件人 主旨"),
    "outlook-zh-hans": ("________________________________", "发件人 发送时间 收件人 主题"),
    "qq-zh-hans": ("------------------ 原始邮件 ------------------", "发件人 发送时间 收件人 主题"),
    "163-zh-hans": ("-------- 转发邮件信息 --------", "发件人 发送日期 收件人 主题"),
    "outlook-ja": ("", "差出人 送信日時 宛先 件名"),
    "k9-ja": ("-------- 元メール --------", "差出人 送信日時 宛先 件名"),
    "outlook-ko": ("", "보낸_사람 보낸_날짜 받는_사람 제목"),
    "naver-ko": ("-----Original Message-----", "From Sent To Subject"),
    "outlook-ar": ("________________________________", "من تم_الإرسال إلى الموضوع"),
    "k9-fa": ("-------- پیام نخستین --------", "از ارسال به موضوع"),
    "outlook-he": ("________________________________", "מאת נשלח אל נושא"),
    "outlook-el": ("________________________________", "Από Στάλθηκε Προς Θέμα"),
    "roundcube-el": ("-------- Αρχικό μήνυμα --------", "Αποστολέας Ημερομηνία Παραλήπτης Θέμα"),
    "outlook-th": ("________________________________", "จาก ส่ง ถึง เรื่อง"),
    "outlook-vi": ("________________________________", "Từ Đã_gửi Đến Chủ_đề"),
    "k9-hi": ("-------- पुराना मैसेज --------", "से तारीख को सबजेक्ट"),
    "gmail-hi": ("---------- Forwarded message ---------", "प्रेषक Date To Subject"),
    "outlook-bg": ("________________________________", "От Изпратено До Относно"),
    "outlook-uk": ("________________________________", "Від Надіслано Кому Тема"),
    "outlook-sr": ("________________________________", "Од Послато За Наслов"),
    "outlook-hr": ("________________________________", "Šalje Poslano Prima Predmet"),
    "outlook-lt": ("________________________________", "Nuo Išsiųsta Kam Tema"),
    "outlook-lv": ("________________________________", "No Nosūtīts Kam Temats"),
    "outlook-id": ("________________________________", "Dari Dikirim Kepada Subjek"),
    "outlook-ms": ("________________________________", "Daripada Dihantar Kepada Subjek"),
    "k9-ca": ("-------- Missatge original --------", "De Enviat Per_a Assumpte"),
    "k9-hy": ("-------- Նախորդ հաղորդագրութիւնը --------", "Ումից Ուղարկուած Ում Վերնագիր"),
    "k9-ta": ("-------- உண்மை தகவல் --------", "அனுப்புநர் அனுப்பியது பெறுநர் பொருள்"),
    "gmx-de": ("", "Gesendet:date Von:from An:to Betreff:subject"),
    "proton-en": ("------- Forwarded Message -------", "From Date To Subject"),
    "samsung-en": ("-------- Original message --------", "From Date To Subject"),
    "notes-en": ("", "To:to From:from Date:date Subject:subject"),
}
VALUES = {
    "from": "Parcel Desk <track@deals.example>",
    "date": DATE,
    "to": "ana@isp.example.net",
    "subject": SUBJECT,
}


def block(labels: str, colon: str = ": ") -> str:
    """The lines of a block; labels stand in the order from, date, to, subject unless they name what they are."""
    out = []
    for label, kind in zip(labels.split(), ("from", "date", "to", "subject"), strict=True):
        word, _, named = label.partition(":")
        out.append(f"{word.replace('_', ' ')}{colon}{VALUES[named or kind]}\n")
    return "".join(out)


def forwarded(text: str, subject: str = "Fw: x", kind: str = "text/plain") -> tuple[str, dict[str, str], str]:
    """Format, fields and note of what a cover with this text gives."""
    head = f"From: ana@isp.example.net\nSubject: {subject}\nContent-Type: {kind}; charset=utf-8\n\n"
    result = open_submission((head + text).encode(), cover=True)
    found = result.found[0]
    if found.format != "inline_forward":
        return found.format, {}, ""
    data = result.made[found.source].data
    root = mime.split(data).root
    return found.format, {name: mime.first(data, root, name) for name in VALUES}, found.claims.note


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("colon", [": ", "：", " : ", "\u202f: "])
def test_a_block_is_read_in_every_language(name: str, colon: str) -> None:
    title, labels = BLOCKS[name]
    got, fields, note = forwarded(f"Spam, please look.\n\n{title}\n{block(labels, colon)}\nPay 1.99 now\n")
    assert (got, fields) == ("inline_forward", VALUES), name
    assert note == "Spam, please look."


@pytest.mark.parametrize("name", ["outlook-ar", "outlook-he", "k9-fa"])
def test_marks_of_direction_around_a_label_do_not_hide_it(name: str) -> None:
    title, labels = BLOCKS[name]
    lines = "".join(f"\u202b\u200f{line}" for line in block(labels).splitlines(keepends=True))
    assert forwarded(f"{title}\n{lines}\nPay\n")[1] == VALUES


def test_labels_and_values_in_cells_of_a_table_are_read() -> None:
    rows = "".join(
        f"<tr><td><b>{label}:</b></td><td>{value.replace('<', '&lt;')}</td></tr>"
        for label, value in zip(("Von", "Datum", "An", "Betreff"), VALUES.values(), strict=True)
    )
    markup = f"<p>Spam!</p><p>-------- Weitergeleitete Nachricht --------</p><table>{rows}</table><p>Zahlen Sie</p>"
    assert forwarded(markup, kind="text/html")[1] == VALUES


@pytest.mark.parametrize(
    "text",
    [
        "Your ticket\nFrom: Lisbon\nTo: Porto\nDate: 3/11/2026\n\nHave a good journey\n",
        "Subject: a thing to talk about\n\nDate: tomorrow\n",
        "From: me\n\nto be or not to be\n\nsubject of the day\n",
        "No: 12\nKam: 5\nData: 1\n",
    ],
)
def test_what_only_looks_like_a_block_is_none(text: str) -> None:
    assert forwarded(text)[0] == "raw"


def test_a_report_without_headers_says_that_the_origin_is_open() -> None:
    head = b"From: ana@isp.example.net\nSubject: Fw: x\n\n"
    found = open_submission(head + block("From Date To Subject").encode() + b"\nPay\n", cover=True).found[0]
    assert found.missing == ("headers", "received")
    assert found.says.startswith("Origin not determinable: no headers.")


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("Ana <a@x.example>", "Ana <a@x.example>"),
        ("<a@x.example>", "a@x.example"),
        ('"a@x.example" <a@x.example>', "a@x.example"),
        ("\"'a@x.example'\" <a@x.example>", "a@x.example"),
        ("Gold, Ana <a@x.example>", '"Gold, Ana" <a@x.example>'),
        ("Ana [mailto:a@x.example]", "Ana <a@x.example>"),
        ("Ana<mailto:a@x.example> <a@x.example<mailto:a@x.example>>", "Ana <a@x.example>"),
        ("Ana＜a@x.example＞", "Ana <a@x.example>"),
        ("Ana Gold", "Ana Gold"),
        ("", ""),
    ],
)
def test_one_mailbox_as_shown(shown: str, written: str) -> None:
    assert mailbox(shown) == written


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("a@x.example, b@x.example", "a@x.example, b@x.example"),
        ("a@x.example; b@x.example;", "a@x.example, b@x.example"),
        ("Ana; Bert <b@x.example>", "Ana, Bert <b@x.example>"),
        ("Gold, Ana <a@x.example>; Bert <b@x.example>", '"Gold, Ana" <a@x.example>, Bert <b@x.example>'),
        ("a@x.example, Bert <b@x.example>", "a@x.example, Bert <b@x.example>"),
        ("'Gold, Ana' <a@x.example>, \"Bert\" <b@x.example>", '"Gold, Ana" <a@x.example>, Bert <b@x.example>'),
        ("Ana, Bert", "Ana, Bert"),
        ("<a@x.example>, <b@x.example>", "a@x.example, b@x.example"),
        ("", ""),
    ],
)
def test_lists_of_mailboxes_as_shown(shown: str, written: str) -> None:
    assert mailboxes(shown) == written
