"""The words that mail programs put above a forwarded message, by language: data for `inline_forward.py`.

They are what Gmail, Outlook (on the web, 2013 to new), Apple Mail, Yahoo Mail, Thunderbird, K-9, Roundcube, GMX, QQ
and Naver write, each in the languages that it speaks. In lower case, labels without their colon, nothing invisible in
them; `|` parts them. `folded` is how a word is looked up.
"""

import unicodedata

LABELS: dict[str, str] = {
    "from": (
        "from|od|fra|von|de|de la|da|van|från|šalje|feladó|lähettäjä|saatja|expeditorul|expeditor|от|отправитель|від|"
        "від кого|відправник|kimden|gönderen|absender|mittente|remitente|remetente|afzender|avsender|avsändare|"
        "nadawca|odesílatel|odosielateľ|expéditeur|afsender|από|αποστολέας|подател|מאת|من|المرسل|差出人|送信者|"
        "送信元|寄件者|寄件人|发件人|發件人|보낸사람|보낸 사람|발신|จาก|từ|người gửi|dari|pengirim|प्रेषक|"
        "pošiljatelj|مِن|ад|থেকে|a-berzh|oddi wrth|kellelt|nork|از|fan|dende|से|ումից|frá|ვისგან|sɣur|nuo|പ്രേഷിതാവ്|"
        "frå|nga|од|அனுப்புநர்|المُرسِل|kimdən|göndərən|адпраўнік|প্রেরক|eus|kaser|pošiljalac|remitent|anfonwr|"
        "sender|sendanto|sendinto|igorlea|ارسال کننده|فرستنده|sendari|stjoerder|seolaí|seoltóir|השולח|भेजने वाला|"
        "ուղարկող|sendandi|発信者|გამგზავნი|გამგზავნელი|អ្នកផ្ញើ|ಇಂದ|보내는 사람|şander|لە|نێردەر|vun|geschéckt vun|"
        "siuntėjas|siuntikas|sūtītājs|праќач|പ്രേഷിതന്|അയചയാള്|хэнээс|илгээгч|daripada|avsendar|استوونکی|වෙතින්|"
        "යවන්නා|dërguesi|пошиљалац|அனுப்புனர்|ผู้ส่ง|ካብ|ልኣኺ(ት)|gönderici|دىن|ئەۋەتكۈچى|بھیجنے والا|kimdan|"
        "jo`natuvchi|gửi từ|no|द्वारा|ठाउँबाट|寄信人|寄件人地址|보낸이|发信人|發信人|送信者名|差出人名|שולח|مرسل|"
        "ارسالکننده|wysłane przez|발신인|പ്രേഷകൻ|อีเมลผู้ส่ง|gửi bởi|mula kay|mula sa|kutoka"
    ),
    "date": (
        "date|sent|datum|dato|data|fecha|päivämäärä|päiväys|dátum|dată|дата|tarih|kuupäev|gesendet|gesendet am|"
        "envoyé|envoyé le|enviado|enviado el|enviado em|enviada em|enviada a|inviato|verzonden|verzonden op|skickat|"
        "sendt|wysłano|odesláno|odoslané|elküldve|küldve|lähetetty|trimis|отправлено|надіслано|gönderildi|"
        "gönderilme tarihi|ημερομηνία|στάλθηκε|изпратено|תאריך|נשלח|التاريخ|تاريخ|日付|日時|送信日時|送信日|寄件日期|"
        "日期|傳送時間|傳送日期|发送时间|發送時間|发送日期|时间|時間|날짜|보낸날짜|보낸 날짜|วันที่|ส่ง|ngày|đã gửi|"
        "tanggal|dikirim|poslano|दिनांक|المُرسل|адпраўлена|изпрати до|পাঠানো হয়েছে|kaset|enviat|mandatu|anfonwyd|"
        "αποστολή|sendita je|saadetud|bidalita|ارسال|ferstjoerd|seolta|air a chur|तारीख|ուղարկուած|terkirim|"
        "inviato il|გაიგზავნა|yettwazen|išsiųsta|nosūtīts|അയച്ചു|wysłane|dërguar më|послато|அனுப்பியது|gönderilme|"
        "寄送日期|tarix|তারিখ|deiz|dyddiad|تاریخ|tann|dáta|ամսաթիվ|dagsetning|თარიღი|កាលបរិច្ឆេត|ದಿನಾಂಕ|dîrok|بەروار|"
        "datums|датум|തീയതി|огноо|tarikh|तारिख|نېټه|දිනය|datë|தேதி|ዕለት|چېسلا|sana|sent on|date sent|sent date|"
        "sent at|date/time|发件时间|寄件时间|寄件時間|傳送|已傳送|已发送|发送|寄送時間|寄出時間|發送|發送日期|"
        "보낸 시간|보낸시간|발신일|일시|전송 날짜|작성일|ส่งเมื่อ|วันที่ส่ง|วัน|ngày gửi|gửi lúc|thời gian|"
        "đã gửi lúc|ngày giờ|भेजा गया|भेजी गई|प्रेषित|ημ/νία|ημερομηνία αποστολής|εστάλη|дата на изпращане|изпратен|"
        "дата отправки|дата надсилання|תאריך שליחה|تم الإرسال|أُرسلت|تاريخ الإرسال|أرسلت|ارسال شده|تاریخ ارسال|"
        "dihantar|dikirim pada|išsiųsta|poslato|datum slanja|poslano dana|enviat el|data d'enviament|dat|ipinadala|"
        "ipinadala noong|tarehe|imetumwa"
    ),
    "to": (
        "to|komu|til|an|para|a|à|al|aan|prima|címzett|vastaanottaja|destinatarul|destinatar|către|кому|kime|alıcı|"
        "pre|do|till|saaja|empfänger|destinatario|destinatário|ontvanger|mottaker|mottagare|adresat|příjemce|"
        "príjemca|προς|до|за|אל|إلى|宛先|受信者|收件者|收件人|받는사람|받는 사람|수신|ถึง|đến|tới|người nhận|kepada|"
        "ke|prejemnik|primatelj|каму|প্রতি|za|kellele|nori|به|oan|chuig|को|ում|ვის|kam|സ്വീകർത്താവ്|për|பெறுநர்|"
        "المستقبل|kimə|প্রাপক|destinatari|adresát|derbyniwr|modtager|παραλήπτης|ricevanto|ګيرينده|पाने वाला|ստացող|"
        "penerima|អ្នកទទួល|ಗೆ|بۆ|gavėjas|примач|സ്വീകര്ത്താവ്|хэнд|प्रती|प्रापक|ترلاسه کوونکی|වෙත|பெறுனர்|ผู้รับ|ናብ|"
        "غا|kimga|adressaat|per a|至|收信人|收件人地址|送信先|宛て先|받는이|수신인|수신자|ถึงผู้รับ|gửi đến|gửi tới|"
        "प्रति|सेवा में|получател|נמענים|נמען|لـ|المستلم|گیرنده|untuk|primalac|kome|adresatas|saņēmējs|hartzailea|"
        "kay|kwa"
    ),
    "subject": (
        "subject|předmět|emne|betreff|asunto|aihe|objet|predmet|tárgy|oggetto|onderwerp|temat|assunto|subiectul|"
        "subiect|тема|ämne|konu|teema|θέμα|относно|נושא|الموضوع|件名|主旨|主题|主題|標題|标题|제목|หัวเรื่อง|เรื่อง|"
        "chủ đề|tiêu đề|subjek|perihal|विषय|zadeva|тэма|বিষয়|danvez|tema|assumpte|sughjettu|pwnc|temo|gaia|موضوع|"
        "underwerp|ábhar|cuspair|सबजेक्ट|վերնագիր|viðfangsefni|საგანი|asentel|temats|വിഷയം|subjekt|பொருள்|asuntu|"
        "mövzu|заглавие|sujed|naslov|pealkiri|مضمون|evni|ûnderwerp|ábhair|विशय|subjecto|judul|titill|სათაური|ចំណងជើង|"
        "ವಿಷಯ|mijar|ناونیشان|sujet|наслов|гарчиг|මාතෘකාව|தலைப்பு|หัวจดหมาย|ዋኒን|mavzu|tēma|題名|タイトル|หัวข้อ|"
        "ชื่อเรื่อง|θεμα|العنوان|subyek|perkara|paksa|mada|somo"
    ),
    "cc": (
        "cc|kopie|kopi|kopia|kopio|kópia|copie|copia|cópia|másolat|másolatot kap|dw|копия|копія|bilgi|kopija|koopia|"
        "κοιν|κοινοποίηση|עותק|نسخة|副本|抄送|참조|สำเนา|tembusan|نسخة كربونية|копие|সিসি|رونوشت به|सीसी|afrit|ასლი|"
        "kp|копија|நகல்|نسخة إلي|nüsxə|копие до|অনুলিপির ঠিকানা|copi|kopie (cc)|تکثیر|رونوشت|לידיעה|कार्बन|lampiran|"
        "写し(cc)|копирај|प्रत|kopi til|बोधार्थ|لمېسل|copie (cc)|цц|คัดลอก|ካኮ|kopya|قۇشۇمچە|nusxasi|đồng kính gửi|"
        "副本抄送|抄送人|cc 수신|참조인|同报|抄报|抄送給|cópia para|sao|đồng gửi|प्रतिलिपि|प्रति. कॉपी|κοινοπ|kk|sk|"
        "kop|kópiu|kopiją|העתק|نسخة إلى|salinan|salinan karbon"
    ),
    "reply-to": (
        "reply-to|reply to|répondre à|antwort an|responder a|rispondi a|antwoord naar|svar til|svara till|odpověď|"
        "vastausosoite|válaszcím|odpowiedź do|ответить|返信先|回覆至|回复|답장 받는 사람|الرد إلى|contestar a|"
        "cavabla|адказаць-на|отговор до|উত্তর পাঠানোর ঠিকানা|respont-da|reply-to adresa|respon a|odpověď na|ateb-i|"
        "απάντηση στο|respondu-al|vastus aadressile|erantzun honi|جواب نامه|پاسخ-به|vastaus osoitteeseen|svara-til|"
        "antwurd oan|freagair go|כתובת למענה|जवाब यहाँ|odgovori|balas kepada|პასუხი|ឆ្លើយតបទៅកាន់|회신 주소|"
        "bersivê bide|وەڵامدانەوە-بۆ|äntwert un|atsakymą gaus|atbildēt-uz|препрати на|хариулах-хэнд|यास उत्तर द्या|"
        "balasan kepada|लाई-जवाफ|antwoorden aan|antwoord-aan|ځوابول|responder para|răspunde la|පිළිතුරු සඳහා|"
        "odpovedať na|odgovor na|përgjigjuni-te|одговори|svar till|பதிலளி|ตอบกลับ|ተመላሲ ናብ|yanıt adresi|"
        "غا جاۋاپ قايتۇرۇش|зворотня адреса|javob berish|trả lời cho|回复至|回信地址|返信|ตอบกลับถึง|antwortadresse"
    ),
}
"""What a label line is about -> its labels."""

SEPARATORS = (
    "forwarded message|begin forwarded message|forwarded email|forwarded mail|start of forwarded message|"
    "začátek přeposílané zprávy|přeposlaná zpráva|přeposlaný e-mail|start på videresendt besked|videresendt besked|"
    "videresendt meddelelse|anfang der weitergeleiteten nachricht|weitergeleitete nachricht|weitergeleitete e-mail|"
    "inicio del mensaje reenviado|mensaje reenviado|välitetty viesti alkaa|välitetty viesti|"
    "välitetty viesti / fwd.msg|début du message réexpédié|début du message transféré|message transféré|"
    "message réexpédié|courriel transféré|započni proslijeđenu poruku|proslijeđena poruka|továbbított levél kezdete|"
    "továbbított üzenet|továbbított levél|inizio messaggio inoltrato|messaggio inoltrato|begin doorgestuurd bericht|"
    "doorgestuurd bericht|videresendt melding|videresendt e-post|początek przekazywanej wiadomości|"
    "przekazana wiadomość|wiadomość przekazana dalej|treść przekazanej wiadomości|início da mensagem reencaminhada|"
    "início da mensagem encaminhada|mensagem encaminhada|mensagem reencaminhada|începe mesajul redirecționat|"
    "mesaj redirecționat|mesaj redirecţionat|începutul mesajului redirecționat|начало переадресованного сообщения|"
    "пересылаемое сообщение|пересланное сообщение|перенаправленное сообщение|начало пересылаемого сообщения|"
    "začiatok preposlanej správy|preposlaná správa|vidarebefordrat mejl|vidarebefordrat meddelande|"
    "vidarebefordrad mejl|vidarebefordrat brev|i̇leti başlangıcı|ileti başlangıcı|i̇letilen ileti|iletilen ileti|"
    "iletilmiş mesaj|başlangıç iletilen ileti|yönlendirilmiş ileti|початок листа, що пересилається|"
    "переслане повідомлення|пересилане повідомлення|edastatud kiri|edastatud sõnum|προωθημένο μήνυμα|"
    "препратено съобщение|הודעה שהועברה|הודעה מועברת|رسالة معاد توجيهها|رسالة مُعاد توجيهها|転送されたメッセージ|"
    "転送メッセージ|転送されたメール|已轉寄郵件|轉寄的郵件|轉寄郵件|開始轉寄郵件|開始轉寄訊息|轉寄訊息|轉寄的訊息|"
    "以下是轉寄郵件|开始转发的邮件|转发的邮件|转发邮件|已转发邮件|被转发邮件的信息|전달된 메시지|전달된 메일|"
    "전달된 메시지 시작|ข้อความที่ส่งต่อ|thư được chuyển tiếp|pesan terusan|pesan yang diteruskan|"
    "posredovano sporočilo|转发邮件信息|转发的信息|转发的原始邮件|轉寄郵件內容|轉發郵件|轉發的郵件|転送元メッセージ|"
    "転送されたメッセージの開始|전달 메시지|전달된 메일 시작|전달된 이메일|ข้อความที่ถูกส่งต่อ|ข้อความส่งต่อ|"
    "เริ่มต้นข้อความที่ส่งต่อ|tin nhắn được chuyển tiếp|thư đã chuyển tiếp|bắt đầu thư được chuyển tiếp|chuyển tiếp|"
    "अग्रेषित संदेश|फ़ॉरवर्ड किया गया संदेश|अग्रेषित किया गया संदेश|αρχή προωθημένου μηνύματος|"
    "начало на препратено съобщение|препратено писмо|תחילת ההודעה שהועברה|بداية الرسالة المُعاد توجيهها|"
    "بداية الرسالة المعاد توجيهها|الرسالة المعاد توجيهها|رسالة محولة|رسالة موجهة|پیام هدایت شده|پیام ارسال شده|"
    "پیغام ارجاع شده|awal pesan yang diteruskan|pesan diteruskan|mesej yang dimajukan|mesej dimajukan|"
    "persiunčiamas laiškas|persiųstas laiškas|pārsūtītā ziņa|pārsūtīts ziņojums|edastatud e-kiri|prosleđena poruka|"
    "прослеђена порука|започета прослеђена порука|proslijeđeni mail|začetek posredovanega sporočila|"
    "missatge reenviat|inici del missatge reenviat|mensaxe reenviada|birzalitako mezua|framsent skeyti|"
    "přeposlaný mail|ipinasang mensahe|naka-forward na mensahe|ujumbe uliotumwa|перасланае паведамленне|"
    "препратена порака|forwarded message from|forwarded conversation|fwd message"
)
"""Titles that say 'forwarded': what is below was forwarded, whatever the subject."""

ORIGINAL = (
    "original message|original email|original mail|ursprüngliche nachricht|originalnachricht|mensaje original|"
    "message original|message d'origine|messaggio originale|oorspronkelijk bericht|mensagem original|"
    "oprindelig meddelelse|opprinnelig melding|ursprungligt meddelande|originalmeddelande|alkuperäinen viesti|"
    "wiadomość oryginalna|původní zpráva|pôvodná správa|eredeti üzenet|исходное сообщение|оригінальне повідомлення|"
    "özgün ileti|orijinal mesaj|原始郵件|原始郵件內容|原始訊息|原始邮件|元のメッセージ|元のメール|원본 메시지|"
    "원본 메일|ข้อความต้นฉบับ|thư gốc|pesan asli|الرسالة الأصلية|зыходны ліст|оригинално писмо|kemennadenn orin|"
    "originalna poruka|missatge original|messaghju d’origine|neges wreiddiol|original besked|πρωτότυπο μήνυμα|"
    "originala mesaĝo|correo original|algne kiri|jatorrizko mezua|پیام نخستین|courriel initial|orizjineel berjocht|"
    "bunteachtaireacht|an teachdaireachd thùsail|mensaxe orixianl|पुराना मैसेज|նախորդ հաղորդագրութիւնը|"
    "pesan orisinal|upprunaleg skilaboð|הודעה מקורית|元メール|საწყისი მესიჯი|originalus tekstas|sākotnējā ziņa|"
    "യഥാർത്ഥ സന്ദേശം|original melding|origineel bericht|opphavleg melding|mesaj original|izvirno sporočilo|"
    "mesazhi origjinal|оригинална порука|உண்மை தகவல்|özgün i̇leti|الرسالة الأساسية|mensaxe orixinal|orijinal məktub|"
    "арыгінальнае паведамленне|αρχικό μήνυμα|esialgne kiri|پیام اصلی|uppruna boð|courriel original|"
    "oarspronklik berjocht|an teachtaireacht bhunaidh|izvorna poruka|առաջին հաղորդագրությունը|ორიგინალი შეტყობინება|"
    "សារដើម|ಮೂಲ ಸಂದೇಶ|peyama orîjînal|originalus laiškas|sākotnējā vēstule|оригинална порака|യഥാര്ഥ സന്ദേശം|"
    "खरा संदेश|mesej asal|orgineel bericht|oorspronkelijke bericht|izvorno sporočilo|ข้อความเดิม|ئەسلىي خەت|asl xat|"
    "原始信息|原邮件|原信件|原始信件|原郵件|原邮件内容|원본 이메일|원본메일|원본 메세지|tin nhắn gốc|thư ban đầu|"
    "मूल संदेश|मूल मेसेज|оригинално съобщение|הודעה המקורית|رسالة أصلية|pesan asal|originali žinutė|pradinis laiškas|"
    "oriģinālā ziņa|algne sõnum|orihinal na mensahe|ujumbe asili|元のメッセージ内容"
)
"""Titles that a reply has too: a forward only where the subject doesn't say that it is a reply."""

FORWARDED = (
    "fw|fwd|wg|wtr|tr|rv|i|pd|enc|redir|vs|vb|vl|videresend|i̇lt|ilt|doorst|fs|továbbítás|tov|пересл|转发|轉寄|转寄|"
    "轉發|転送|전달|ส่งต่อ|chuyển tiếp|trs|пер|edasi|πρθ|преп|הועבר|إعادة توجيه|reenv|reenviado|inoltra|posr|prosl"
)
"""Prefixes of the subject of a forward (VS is a reply in Finnish, a forward in Danish)."""

REPLIED = "re|aw|antw|antwort|sv|res|odp|rif|r|vá|回复|回覆|答复|答覆|返信|답장|ynt|yan|απ|отв|ответ|відп|ref"
"""Prefixes of the subject of a reply."""

BETWEEN = "időpontban|heeft|používateľ|užívateľ|użytkownik|пользователь|користувач|skrev|schrieb|wrote"
"""Words that stand between a date and a name in a line such as '(date) skrev (name):'."""

_INVISIBLE = dict.fromkeys((0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF))


def folded(word: str) -> str:
    """A word as it is compared: composed, without case, marks of direction or joiners."""
    return unicodedata.normalize("NFC", word.translate(_INVISIBLE)).strip().casefold()


def table(words: str) -> frozenset[str]:
    """The words of one of the lists above."""
    return frozenset(folded(word) for word in words.split("|"))
