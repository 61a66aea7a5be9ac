"""The public pages of the upload door: plain HTML that works on a phone, without JavaScript, in the reader's language.

A further language is one more entry in WORDS. Nothing of a report is ever shown; what is put into a page is escaped.
"""

import base64
import hashlib
from html import escape

STYLE = """
body{font:1.125rem/1.5 system-ui,sans-serif;margin:0;color:#0b0c0c;background:#fff}
main{max-width:40rem;margin:0 auto;padding:1.5rem}
label{display:block;font-weight:700;margin-top:1.5rem}
p.hint{margin:.25rem 0;color:#505a5f}
textarea,input[type=file]{box-sizing:border-box;width:100%;font:inherit;padding:.5rem;border:2px solid #0b0c0c}
button{font:inherit;font-weight:700;margin-top:1.5rem;padding:.75rem 1.5rem;min-height:44px;border:0;
background:#00703c;color:#fff}
:focus{outline:3px solid #fd0;outline-offset:0;box-shadow:0 0 0 5px #0b0c0c}
code{font-size:1.25rem;font-weight:700;overflow-wrap:anywhere}
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Report spam or a fraud message",
        "intro": "Send us the message that you received. You need no account, and you need not find any headers.",
        "file": "The message as a file",
        "file hint": "Save or download the message and choose that file here (.eml, .msg, or a .zip of several).",
        "source": "Or its source, pasted",
        "source hint": "In many mail programs: More, Show original; then copy everything.",
        "send": "Send the report",
        "lost": "If you have lost money, call your bank first and then the police. Do not wait for us.",
        "privacy": "We keep what you send as evidence. The sender of the message will not learn who you are.",
        "kept": "We have your report",
        "reference": "Your reference",
        "next": "We look at every report, group those that belong together, and pass the most harmful cases on. "
        "We will not ask you for money or for a password, and we can not recover losses.",
        "look": "See what became of it",
        "status": "The state of your report",
        "state": "State",
        "state received": "received, waiting to be looked at",
        "state unpacked": "opened and sorted",
        "state filed": "filed in a case",
        "problem": "That did not work",
        "again": "Go back and try again",
        "problem too-big": "The file is too big.",
        "problem too-slow": "It came too slowly. Please try again.",
        "problem empty": "There was neither a file nor a pasted message.",
        "problem one-at-a-time": "Please send one file or one pasted message at a time.",
        "problem unknown-reference": "There is no report with that reference. Please check the letters.",
        "problem not-found": "There is no such page.",
        "problem busy": "We can't take it at the moment. Please try again in a few minutes.",
        "problem fault": "Something went wrong on our side. Please try again later.",
    },
    "zh-Hant": {
        "title": "舉報垃圾或詐騙訊息",
        "intro": "請把您收到的訊息傳給我們。不需要帳號，也不必自己尋找郵件標頭。",
        "file": "訊息檔案",
        "file hint": "把訊息另存或下載成檔案，然後在這裡選擇（.eml、.msg，或含多封的 .zip）。",
        "source": "或貼上原始內容",
        "source hint": "多數郵件程式：更多、顯示原始郵件，然後全部複製。",
        "send": "送出舉報",
        "lost": "如果您已經損失金錢，請先聯絡銀行，再報警。不要等我們回覆。",
        "privacy": "您送來的內容會作為證據保存。發送該訊息的人不會知道您是誰。",
        "kept": "我們已收到您的舉報",
        "reference": "您的編號",
        "next": "我們會查看每一件舉報，把相關的歸在一起，並將危害最大的案件轉交處理。"
        "我們不會向您收費或索取密碼，也無法代為追回損失。",
        "look": "查看處理情形",
        "status": "您的舉報目前的狀態",
        "state": "狀態",
        "state received": "已收到，等待處理",
        "state unpacked": "已開啟並分類",
        "state filed": "已歸入案件",
        "problem": "沒有成功",
        "again": "返回並再試一次",
        "problem too-big": "檔案太大。",
        "problem too-slow": "傳送太慢，請再試一次。",
        "problem empty": "沒有檔案，也沒有貼上的內容。",
        "problem one-at-a-time": "請一次只送一個檔案或一段內容。",
        "problem unknown-reference": "查無此編號，請檢查是否輸入正確。",
        "problem not-found": "沒有這個頁面。",
        "problem busy": "目前無法接收，請過幾分鐘再試。",
        "problem fault": "我們這邊發生問題，請稍後再試。",
    },
}


def language(preferences: str) -> str:
    """The best of our languages for an Accept-Language header (RFC 9110 section 12.5.4); English when none fits."""
    ranked = []
    for index, item in enumerate(preferences.split(",")[:20]):
        tag, _, weight = item.partition(";q=")
        ranked.append((-_weight(weight), index, tag.strip().lower()))
    for _, _, tag in sorted(ranked):
        if tag == "zh" or tag.startswith("zh-"):
            return "zh-Hant"
        if tag == "en" or tag.startswith("en-"):
            return "en"
    return "en"


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def form(language: str) -> str:
    """The form: one file or one pasted source."""
    say = WORDS[language]
    return _page(
        language,
        say["title"],
        f"""<p>{say["intro"]}</p>
<p><strong>{say["lost"]}</strong></p>
<form action="/reports" method="post" enctype="multipart/form-data">
<label for="file">{say["file"]}</label>
<p class="hint" id="file-hint">{say["file hint"]}</p>
<input type="file" id="file" name="file" aria-describedby="file-hint">
<label for="source">{say["source"]}</label>
<p class="hint" id="source-hint">{say["source hint"]}</p>
<textarea id="source" name="source" rows="8" spellcheck="false" aria-describedby="source-hint"></textarea>
<button type="submit">{say["send"]}</button>
</form>
<p>{say["privacy"]}</p>""",
    )


def kept(language: str, reference: str, link: str) -> str:
    """The receipt: the reference, what happens next and what won't."""
    say = WORDS[language]
    return _page(
        language,
        say["kept"],
        f"""<p>{say["reference"]}: <code>{escape(reference)}</code></p>
<p>{say["next"]}</p>
<p><strong>{say["lost"]}</strong></p>
<p><a href="{escape(link)}">{say["look"]}</a></p>""",
    )


def status(language: str, reference: str, state: str) -> str:
    """What became of a report; a state without words of its own is shown as it is."""
    say = WORDS[language]
    return _page(
        language,
        say["status"],
        f"""<p>{say["reference"]}: <code>{escape(reference)}</code></p>
<p>{say["state"]}: <strong>{escape(say.get(f"state {state}", state))}</strong></p>""",
    )


def problem(language: str, code: str, says: str) -> str:
    """What went wrong, in the reader's language where that code has words, else as it was said."""
    say = WORDS[language]
    return _page(
        language,
        say["problem"],
        f"""<p>{escape(say.get(f"problem {code}", says))}</p>
<p><a href="/">{say["again"]}</a></p>""",
    )


def _page(language: str, title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
