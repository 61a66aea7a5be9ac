"""Claims of loss: what tells of one and what only suspects, denies, fears or asks, in several languages; no text of
a reporter gets into a reason.
"""

import pytest

from intake.report import Claims
from tests.triage_house import examined, mail
from triage.claims import losses
from triage.harm import recognised
from triage.judge import judge
from triage.terms import lexicon

TOLD = (
    "我照信裡的步驟，把 NT$ 35,000 換成虛擬貨幣轉過去，結果錢被騙走了。",
    "我的信用卡被盜刷 8,000 元",
    "請問我被騙走的 5000 元能不能追回？",
    "我被骗了5000元",
    "騙されて5万円を振り込みました",
    "I was scammed out of $300.",
    "I lost 500 dollars and would like it back.",
    "I paid 50 USD, can I get it back?",
    "Wir haben 3.000 EUR überwiesen, das Geld ist weg.",
    "Je me suis fait arnaquer de 200 euros",
    "Me estafaron 300 euros",
    "Ho perso 400 euro",
    "Caí no golpe e perdi 900 reais",
    "Ik heb 100 euro betaald",
    "I lost 900 EUR to this.",
    "I lost 1.234,56 EUR",
    "My mother paid 500 dollars and it is gone",
    "My husband lost 300 EUR because of them",
    "They took 300 EUR from my account",
    "They claim that I won a prize and took 300 EUR from my account",
    "They say that I am a winner, I lost 300 EUR",
    "If you need it: I lost 200 EUR",
    "I lost 300 EUR and would have lost more if my bank had not called.",
    "I lost 500 dollars and would be glad to have them back.",
    "I lost my job and 300 EUR.",
    "I lost my phone, and then they took 300 EUR from my account.",
    "I lost bitcoin worth 800 USD.",
    "My mother says that she lost 300 EUR.",
    "Mein Mann hat wegen ihnen 300 EUR verloren.",
    "The scammer told me that my parcel was held and charged 300 EUR to my card.",
    "Falls ich Anzeige erstatten soll: mir wurden 300 Euro vom Konto gestohlen.",
    "Meine Mutter wurde angerufen und hat 300 Euro bezahlt, wenn ich das gewusst hätte.",
    "如果我被騙的 5000 元能追回，請告訴我。",
    "Falls Sie es brauchen: Ich habe 200 EUR verloren.",
    "Wenn Sie Fragen haben: ich hatte 300 EUR überwiesen.",
    "Nachdem ich 300 EUR überwiesen hatte, war niemand mehr da.",
    "Vorher hatte ich schon 300 EUR verloren.",
    "Ich habe mein Handy und 300 EUR verloren.",
    "Ich habe über mein Handy 300 EUR verloren.",
    "Sie behaupten, dass ich gewonnen habe, und ich habe 300 EUR überwiesen.",
    "Ich habe 300 EUR verloren und hätte fast noch mehr überwiesen.",
    "我先生因為他們損失了 300 歐元。",
    "如果需要的話：我損失了 200 歐元。",
    "對方說我中獎，結果我損失了 5000 元。",
    "對方說要保證金，我就匯了 5000 元。",
    "一天就損失了 5000 元。",
    "我用手機操作，損失了 5000 元。",
    "我弄丟了工作和 5000 元，都是被騙的。",
    "我丟了手機，後來被騙了 5000 元。",
    "如果需要的话：我损失了 200 欧元。",
    "Si besoin : j'ai perdu 200 euros.",
    "Por si sirve: perdí 200 euros.",
)
NOT_TOLD = (
    "這是詐騙信吧？我最近根本沒有網購，請幫忙查一下。",
    "差點被騙。",
    "希望不要再有人受騙。",
    "他叫我匯款給他 5000 元",
    "懷疑被詐騙",
    "这是诈骗邮件",
    "これは詐欺ですか？",
    "騙されそうになりました",
    "I sent you this mail because it looks like fraud.",
    "Is this a scam? I have not paid anything.",
    "I almost lost my savings.",
    "Did I lose money?",
    "We forward this fraud so that nobody loses money.",
    "He wants me to pay 42 USD",
    "Das ist Betrug, ich habe nichts überwiesen.",
    "C'est une arnaque, je n'ai rien payé.",
    "Esto es una estafa",
    "Questa è una truffa",
    "Isso é golpe",
    "If I had paid I would have lost USD 700.",
    "If I had paid, I would have lost USD 700.",
    "Had I paid them, USD 700 would be gone.",
    "I'd have lost 700 USD.",
    "If I paid USD 700, they would send the parcel.",
    "They claim that I lost 300 EUR because I did not sign up.",
    "Invoice says I was charged 399 USD, I never bought it.",
    "The mail says: I lost 300 EUR.",
    "He says that I lost 300 EUR.",
    "According to the mail I lost 300 EUR.",
    "Allegedly I paid 300 EUR.",
    "Please reply, I lost my phone, worth 800 USD, last week. Unrelated.",
    "I lost my mobile phone worth 800 USD.",
    "I lost my password.",
    "I lost my job last year.",
    "I lost a lot of time with this, and my patience.",
    "Wenn ich bezahlt hätte, hätte ich 700 EUR verloren.",
    "Ich hätte 700 EUR verloren, wenn ich bezahlt hätte.",
    "Wenn ich bezahlt hätte, wären 700 EUR weg.",
    "Sie behaupten, dass ich 300 EUR verloren habe, weil ich mich nicht angemeldet habe.",
    "Sie behaupten, ich hätte 300 EUR verloren.",
    "In der Mail steht, dass ich 300 EUR bezahlt habe.",
    "Hätte ich bezahlt, hätte ich 700 EUR verloren.",
    "Hätte meine Mutter das gelesen, hätte sie 500 EUR bezahlt.",
    "Fast hätte ich 500 Euro überwiesen.",
    "Laut der E-Mail habe ich 399 Euro bezahlt.",
    "In dieser E-Mail wird behauptet, ich hätte 399 Euro bezahlt.",
    "Angeblich habe ich 300 EUR überwiesen.",
    "Ich habe letzte Woche mein Handy verloren, Wert 800 EUR.",
    "Ich habe mein Passwort verloren und brauche mein Konto.",
    "Ich habe mit diesem Konto viel Zeit verloren.",
    "如果我付了錢，就會損失 5000 元。",
    "要是當初我匯了 5000 元，錢就沒了。",
    "他們聲稱我因為沒有註冊而損失了 300 歐元。",
    "信中說，我損失了 5000 元。",
    "對方說我的信用卡被盜刷 8,000 元。",
    "我上週損失了一支手機，價值 8000 元，與此無關。",
    "信件內容說我被盜刷 5000 元。",
    "假如我真的匯款了，就損失 3 萬元了。",
    "還好沒有匯款，不然就損失 3 萬元了。",
    "我損失了很多時間。",
    "如果我付了钱，就会损失 5000 元。",
    "信中说我损失了 5000 元。",
    "我损失了很多时间。",
    "もし振り込んでいたら、5万円を騙されていました。",
    "携帯電話を失いました、8万円のものです。",
    "Si j'avais payé, j'aurais perdu 700 euros.",
    "Ils prétendent que j'ai perdu 300 euros.",
    "J'ai perdu mon téléphone, d'une valeur de 800 euros.",
    "Si hubiera pagado, habría perdido 700 euros.",
    "Dicen que he perdido 300 euros.",
    "Perdí mi móvil, vale 800 euros.",
    "Se avessi pagato avrei perso 700 euro.",
    "Als ik had betaald, had ik 700 euro verloren.",
)


@pytest.mark.parametrize("note", TOLD)
def test_a_loss_is_told(note: str) -> None:
    assert losses(Claims(note=note), lexicon())


@pytest.mark.parametrize("note", NOT_TOLD)
def test_no_loss_is_told(note: str) -> None:
    assert losses(Claims(note=note), lexicon()) == ()


@pytest.mark.parametrize(
    ("note", "sums"),
    [
        ("I lost 1.234,56 EUR", [("EUR", 1234)]),
        ("They took 300 EUR from my account, without my bank I would have lost 2,000 EUR.", [("EUR", 300)]),
        ("They claim that I lost 900 USD, but I lost 300 EUR.", [("EUR", 300)]),
        ("信中說我損失了 9000 元，其實我被騙了 5000 元台幣。", [("TWD", 5000)]),
    ],
)
def test_only_the_clauses_that_tell_of_a_loss_give_its_sum(note: str, sums: list[tuple[str, int]]) -> None:
    assert [(loss.currency, loss.amount) for loss in losses(Claims(note=note), lexicon())] == sums


@pytest.mark.parametrize("field", ["none", "沒有損失", "no money lost", "I did not pay"])
def test_the_field_may_deny_a_loss(field: str) -> None:
    assert losses(Claims(loss=field), lexicon()) == ()


def test_the_reason_names_the_sum_and_repeats_nothing() -> None:
    claims = Claims(note="I, Olga Testperson of 1 Sample Road, lost 900 EUR. My father paid Ivan Otherperson 20 GBP.")
    found = judge(examined(mail("Claim your prize: http://x.test/")), claims, lexicon())
    (reason,) = [each for each in found.reasons if each.code == "cl.loss"]
    assert reason.sentence == "The reporter says that money was lost: EUR 900, GBP 20."


def test_a_loss_without_a_sum_says_so() -> None:
    found = judge(examined(mail("Claim your prize: http://x.test/")), Claims(loss="yes"), lexicon())
    assert [each.sentence for each in found.reasons if each.code == "cl.loss"] == [
        "The reporter says that money was lost: how much is not said."
    ]


def test_one_report_that_nobody_recognises_says_nothing_of_a_recognised_case() -> None:
    assert recognised(["ph.verify", "un.known"]) == ["ph.verify"]
    assert recognised(["cl.loss", "un.known"]) == ["cl.loss", "un.known"]
