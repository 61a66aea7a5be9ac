"""Language: which language a text is in, as a BCP 47 tag; '' when unsure.

Script first: kana make Japanese, hangul Korean; Han without them is Chinese, and Traditional (zh-Hant) and Simplified
(zh-Hans) are told apart by counting characters that exist in only one of the two ('zh' where none occurs). Languages
in Latin and Cyrillic letters by their commonest words, because trigram models mistake short texts (measured: turbohtml
calls an English sentence of ten words Afrikaans); its model decides where no such word helps.
Source: RFC 5646 (tags), UAX 24 (scripts). The word and character tables are our own.
"""

import re
from collections import Counter

from intake.html import guess_language

SAMPLE = 2500
"""Characters of a text that are looked at."""

_LINK = re.compile(r"(?:https?://|www\.)[!-~]{1,2000}|(?<![\w.+-])[\w.+-]{1,64}@[!-~]{1,255}", re.ASCII | re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_OTHER = re.compile("[\u0370-\u03ff\u0530-\u1fff]")
"""Letters of a script that few languages share: neither Latin nor Cyrillic."""
_LETTER = re.compile(r"[^\W\d_]")

_HANT = frozenset(
    "們這國來為個時會對發說過現經樣開關應沒還問題實際點電話東車馬長門間聞頭見親覺觀讀書寫買賣貝員單證號碼認識讓請謝訊設計"
    "變邊達遠進運動務勞費質資貨幣錢銀鎖鑰鐵錄鏈鑽隱險隨雖難離雲響項順須預領願類顯風飛飯飲餘館驗體髮鬥鬧魚鳥麗麥黃齊齡"
    "龍龜壓壞壽夠夢夾奪奮婦媽學寶審將專尋導屆層屬島幫幹廠廣廢廳彈後從復徵德憂懷戰戲戶擁擇擊據擔攜敵數斷於昇暫書條極構"
    "標樓機權歡歲歷殺減測滿漢潔濟灣無煩熱燈營獎獲環產畢當疊療發盡監盤眾睏礙禮種稱穩積竊競筆節範簡簽糧糾紀約紅納純級紙細"
    "終組結絕給統絲線緊維網緣編緩練縣總績繳續罰羅習聯聲職聽肅脅腦臺與舉舊艙藍藝藥蘇處虛補裝裡製複規視覽觸訂訓記託許訴"
    "診評詐詞試詳誇誠誤誰課調談論諾講謹譯議護讚負財貢貧販貪貴貸貼貿賀賓賞賠購贈贏趕跡踐躍輕載輛輸轉辦農迴選遺郵鄉醫釋針"
)  # fmt: skip
_HANS = frozenset(
    "们这国来为个时会对发说过现经样开关应还问题实际点电话东车马长门间闻头见亲觉观读书写买卖贝员单证号码认识让请谢讯设计"
    "变边达远进运动务劳费质资货币钱银锁钥铁录链钻隐险随虽难离云响项顺须预领愿类显风飞饭饮余馆验体发斗闹鱼鸟丽麦黄齐龄"
    "龙龟压坏寿够梦夹夺奋妇妈学宝审将专寻导届层属岛帮干厂广废厅弹后从复征忧怀战戏户拥择击据担携敌数断于升暂书条极构"
    "标楼机权欢岁历杀减测满汉洁济湾无烦热灯营奖获环产毕当叠疗发尽监盘众碍礼种称稳积窃竞笔节范简签粮纠纪约红纳纯级纸细"
    "终组结绝给统丝线紧维网缘编缓练县总绩缴续罚罗习联声职听肃胁脑与举旧舱蓝艺药苏处虚补装里制复规视览触订训记托许诉"
    "诊评诈词试详夸诚误谁课调谈论诺讲谨译议护赞负财贡贫贩贪贵贷贴贸贺宾赏赔购赠赢赶迹践跃轻载辆输转办农选遗邮乡医释针"
)  # fmt: skip
_ONLY_HANT = _HANT - _HANS
_ONLY_HANS = _HANS - _HANT - frozenset("后从复征于干斗云余升里制托范板谷几面系")
"""Without those that Traditional Chinese writes too, as other words."""
_ONLY_JAPANESE = frozenset("込働円気図駅経済対応変関発売読験検査続権歳帰覧録総緑継価塩桜沢浜雑拝択払")

_COMMON = {
    "en": "the and you your to of is in for this that with have has are we our please not from be will been "
    "was by an it a i am at on as if my me or can all dear friend click here hello hi won",
    "de": "der die das und ist nicht ein eine sie ihr ihre ihren ihrem wir zu den von mit für auf haben wurde "
    "bitte bei sich im dem auch werden oder wird sind in sehr geehrter geehrte kunde",
    "fr": "le les des et est vous votre vos une pour dans que nous avec sur pas ce merci du au cette été être "
    "ou par plus veuillez je de la un en à bonjour",
    "es": "el los las y es su sus una por para que con del se no ha usted en como más este esta sido al lo le "
    "favor de la un a estimado estimada cliente",
    "pt": "o os as e é seu sua uma por para que com do da em não foi você dos das no na ao mais este esta se "
    "sr de um a",
    "it": "il lo gli e è suo sua una per che con del della di non sono nel questo questa stato si ha tuo tuoi "
    "alla dei la un in a le",
    "nl": "de het een en van is niet uw u je wij voor met op dat zijn te aan wordt heeft door deze ook bij "
    "naar of werd in",
    "sv": "och att det är du din ditt för med på av inte som en ett vi har till den om från eller kan i",
    "da": "og at det er du din dit for med på af ikke som en et vi har til den om fra eller kan jeg i",
    "fi": "ja on ei että se olet sinun teidän me voit tämä ole mutta kun tai jos kanssa hän sekä",
    "pl": "i w na z się nie do jest że twoje twój konto dla przez jak od po oraz proszę za to zostało o swoje",
    "cs": "a je se na v že pro jako nebo vaše váš s do z byl bylo prosím není jsme jsou účet",
    "hu": "a az és hogy nem egy ez kérjük van meg ön vagy is volt lesz már csak fiók",
    "ro": "și este pe cu nu la din pentru care sau contul dumneavoastră vă rugăm fost un o de că",
    "tr": "ve bir bu için ile olarak değil lütfen hesabınız da de olan çok daha sizin var gibi veya",
    "id": "dan yang di untuk dengan anda ini itu dari tidak akan ke pada adalah kami silakan akun telah atau",
    "vi": "và của là có không cho được bạn này trong một với các vui lòng tài khoản đã để người những chúng tôi",
    "ru": "и в не на что с по вы ваш ваша ваши для это как мы был от из или за пожалуйста вас его она они но "
    "так к здравствуйте уважаемый дорогой",
    "uk": "і в не на що з по ви ваш ваша для це як ми був від та або за будь ласка вас його вони але до є",
    "bg": "и в не на че с по вие ваш вашият за това как ние беше от или моля ви да се са е го той те но",
}
"""Tag -> its commonest words, and some that letters of this kind begin with."""
_LANGUAGES: dict[str, tuple[str, ...]] = {}
for _tag, _words in _COMMON.items():
    for _word in set(_words.split()):
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _tag)

_CODES = {
    "eng": "en", "deu": "de", "fra": "fr", "spa": "es", "por": "pt", "ita": "it", "nld": "nl", "swe": "sv", "dan": "da",
    "fin": "fi", "pol": "pl", "ces": "cs", "hun": "hu", "ron": "ro", "tur": "tr", "ind": "id", "vie": "vi", "rus": "ru",
    "ukr": "uk", "bul": "bg", "ara": "ar", "pes": "fa", "heb": "he", "ell": "el", "tha": "th", "hin": "hi", "ben": "bn",
    "kat": "ka", "hye": "hy", "tam": "ta",
}  # fmt: skip
_AMONG = frozenset(_CODES)


def language(text: str) -> str:
    """The BCP 47 tag of the language that most of `text` is in, '' when unsure; linear, looks at 2,500 characters."""
    sample = text[:SAMPLE]
    if sample.isascii():
        return _by_words(" ".join([word for word in sample.split() if "/" not in word and "@" not in word]))
    sample = _LINK.sub(" ", sample)
    letters = len(_LETTER.findall(sample))
    han, kana, hangul = (len(script.findall(sample)) for script in (_HAN, _KANA, _HANGUL))
    asian = han + kana + hangul
    # One Han character, or one syllable, says about as much as four letters.
    if asian * 4 < letters - asian or not letters:
        return _by_words(sample)
    if hangul > (han + kana) / 2:
        return "ko"
    if kana * 6 > han + kana or (kana and len(_ONLY_JAPANESE.intersection(sample)) > 1):
        return "ja"
    return _chinese(sample)


def _chinese(sample: str) -> str:
    traditional = sum(map(_ONLY_HANT.__contains__, sample))
    simplified = sum(map(_ONLY_HANS.__contains__, sample))
    if traditional == simplified:
        return "zh"
    return "zh-Hant" if traditional > simplified else "zh-Hans"


def _by_words(sample: str) -> str:
    """By common words: at least two, one in twelve words, and more than of any other language; else by trigrams."""
    words = Counter(_WORD.findall(sample.lower()))
    score: Counter[str] = Counter()
    for word in words.keys() & _LANGUAGES.keys():
        for tag in _LANGUAGES[word]:
            score[tag] += words[word]
    (best, hits), (_, second) = [*score.most_common(2), ("", 0), ("", 0)][:2]
    if hits >= 2 and hits > second and hits * 12 >= words.total():
        return best
    if sum(map(len, words)) < (5 if _OTHER.search(sample) else 60):
        return ""
    code, sure = guess_language(sample, _AMONG)
    return _CODES.get(code, "") if sure >= 0.9 else ""
