"""The language of ordinary sentences."""

import pytest

from intake.language import _ONLY_HANS, _ONLY_HANT, language
from tests.soon import soon

SENTENCES = {
    "Your account has been suspended. Please verify your password today.": "en",
    "Dear friend, I am a banker in London.": "en",
    "Ihr Konto wurde gesperrt. Bitte bestätigen Sie Ihre Angaben bis morgen.": "de",
    "Vielen Dank für Ihre Bestellung": "de",
    "Votre compte a été suspendu. Merci de confirmer vos informations rapidement.": "fr",
    "Bonjour, votre colis est arrivé.": "fr",
    "Su cuenta ha sido suspendida. Por favor confirme sus datos hoy mismo.": "es",
    "Sua conta foi suspensa. Por favor confirme os seus dados hoje.": "pt",
    "Il tuo conto è stato sospeso. Conferma i tuoi dati entro domani.": "it",
    "Uw rekening is geblokkeerd. Bevestig uw gegevens vandaag nog.": "nl",
    "Twoje konto zostało zawieszone. Potwierdź swoje dane.": "pl",
    "Ваш аккаунт заблокирован. Пожалуйста, подтвердите свои данные.": "ru",
    "Ваш обліковий запис заблоковано. Будь ласка, підтвердіть дані": "uk",
    "您的帳戶已被暫停，請立即驗證密碼。": "zh-Hant",
    "台灣大樂透中獎通知": "zh-Hant",
    "你好の世界，這是優惠活動，請點擊領取": "zh-Hant",
    "您的账户已被暂停，请立即验证密码。": "zh-Hans",
    "恭喜您中奖了": "zh-Hans",
    "中文": "zh",
    "お客様のアカウントは一時停止されました。": "ja",
    "三井住友カードからのお知らせ": "ja",
    "고객님의 계정이 정지되었습니다.": "ko",
    "تم تعليق حسابك، يرجى التحقق": "ar",
    "บัญชีของคุณถูกระงับ": "th",
    "Ο λογαριασμός σας έχει ανασταλεί": "el",
    "優惠 Please click https://example.com/abc/the/and/you 立即領取 Gift Card": "zh-Hant",
    "": "",
    "12345 !!!": "",
    "xkcd qwfp zxcv": "",
    "https://example.com/the/and/you/your/account": "",
}


@pytest.mark.parametrize("text", SENTENCES)
def test_ordinary_sentences(text: str) -> None:
    assert language(text) == SENTENCES[text]


def test_no_character_is_in_both_tables() -> None:
    assert _ONLY_HANT.isdisjoint(_ONLY_HANS) and len(_ONLY_HANT) > 300 and len(_ONLY_HANS) > 280
    for character in _ONLY_HANS:
        character.encode("gb2312")
    for character in _ONLY_HANT:
        character.encode("big5")


@pytest.mark.parametrize("text", ["a " * 500_000, "中" * 500_000, "é" * 500_000, "x@" * 500_000, "www." * 500_000])
def test_long_text_ends_soon(text: str) -> None:
    with soon():
        assert language(text) in ("", "zh", "en")
