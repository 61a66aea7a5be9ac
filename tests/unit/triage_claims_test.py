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
)


@pytest.mark.parametrize("note", TOLD)
def test_a_loss_is_told(note: str) -> None:
    assert losses(Claims(note=note), lexicon())


@pytest.mark.parametrize("note", NOT_TOLD)
def test_no_loss_is_told(note: str) -> None:
    assert losses(Claims(note=note), lexicon()) == ()


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
