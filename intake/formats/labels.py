"""The words that mail programs put above a forwarded message, by language: data for `inline_forward.py`.

They are what Gmail, Outlook (on the web, 2013 to new), Apple Mail, Yahoo Mail, Thunderbird, GMX, QQ and Naver write.
All in lower case (case-folded), labels without their colon; `|` parts them.
"""

LABELS: dict[str, str] = {
    "from": (
        "from|od|fra|von|de|de la|da|van|från|šalje|feladó|lähettäjä|saatja|expeditorul|expeditor|от|отправитель|від|"
        "від кого|відправник|kimden|gönderen|absender|mittente|remitente|remetente|afzender|avsender|avsändare|nadawca|"
        "odesílatel|odosielateľ|expéditeur|afsender|από|αποστολέας|подател|מאת|من|المرسل|差出人|送信者|送信元|"
        "寄件者|寄件人|发件人|發件人|보낸사람|보낸 사람|발신|จาก|từ|người gửi|dari|pengirim|प्रेषक|pošiljatelj"
    ),
    "date": (
        "date|sent|datum|dato|data|fecha|päivämäärä|päiväys|dátum|dată|дата|tarih|kuupäev|gesendet|gesendet am|envoyé|"
        "envoyé le|enviado|enviado el|enviado em|enviada em|enviada a|inviato|verzonden|verzonden op|skickat|sendt|"
        "wysłano|odesláno|odoslané|elküldve|küldve|lähetetty|trimis|отправлено|надіслано|gönderildi|gönderilme tarihi|"
        "ημερομηνία|στάλθηκε|изпратено|תאריך|נשלח|التاريخ|تاريخ|日付|日時|送信日時|送信日|寄件日期|日期|傳送時間|"
        "傳送日期|发送时间|發送時間|发送日期|时间|時間|날짜|보낸날짜|보낸 날짜|วันที่|ส่ง|ngày|đã gửi|tanggal|dikirim|"
        "poslano|दिनांक"
    ),
    "to": (
        "to|komu|til|an|para|a|à|al|aan|prima|címzett|vastaanottaja|destinatarul|destinatar|către|кому|kime|alıcı|pre|"
        "do|till|saaja|empfänger|destinatario|destinatário|ontvanger|mottaker|mottagare|adresat|příjemce|príjemca|προς|"
        "до|за|אל|إلى|宛先|受信者|收件者|收件人|"
        "받는사람|받는 사람|수신|ถึง|đến|tới|người nhận|kepada|ke|prejemnik|primatelj"
    ),
    "subject": (
        "subject|předmět|emne|betreff|asunto|aihe|objet|predmet|tárgy|oggetto|onderwerp|temat|assunto|subiectul|subiect|"
        "тема|ämne|konu|teema|θέμα|относно|נושא|الموضوع|件名|主旨|主题|主題|標題|标题|제목|หัวเรื่อง|เรื่อง|chủ đề|"
        "tiêu đề|subjek|perihal|विषय|zadeva"
    ),
    "cc": (
        "cc|kopie|kopi|kopia|kopio|kópia|copie|copia|cópia|másolat|másolatot kap|dw|копия|копія|bilgi|kopija|koopia|"
        "κοιν|κοινοποίηση|עותק|نسخة|副本|抄送|참조|สำเนา|tembusan"
    ),
    "reply-to": (
        "reply-to|reply to|répondre à|antwort an|responder a|rispondi a|antwoord naar|svar til|svara till|"
        "odpověď|vastausosoite|válaszcím|odpowiedź do|ответить|返信先|回覆至|回复|답장 받는 사람"
    ),
}
"""What a label line is about -> its labels."""

SEPARATORS = (
    "forwarded message|begin forwarded message|forwarded email|forwarded mail|start of forwarded message|"
    "začátek přeposílané zprávy|přeposlaná zpráva|přeposlaný e-mail|start på videresendt besked|videresendt besked|"
    "videresendt meddelelse|anfang der weitergeleiteten nachricht|weitergeleitete nachricht|weitergeleitete e-mail|"
    "inicio del mensaje reenviado|mensaje reenviado|välitetty viesti alkaa|välitetty viesti|välitetty viesti / fwd.msg|"
    "début du message réexpédié|début du message transféré|message transféré|message réexpédié|courriel transféré|"
    "započni proslijeđenu poruku|proslijeđena poruka|továbbított levél kezdete|továbbított üzenet|továbbított levél|"
    "inizio messaggio inoltrato|messaggio inoltrato|begin doorgestuurd bericht|doorgestuurd bericht|"
    "videresendt melding|videresendt e-post|początek przekazywanej wiadomości|przekazana wiadomość|"
    "wiadomość przekazana dalej|treść przekazanej wiadomości|início da mensagem reencaminhada|"
    "início da mensagem encaminhada|mensagem encaminhada|mensagem reencaminhada|începe mesajul redirecționat|"
    "mesaj redirecționat|mesaj redirecţionat|începutul mesajului redirecționat|начало переадресованного сообщения|"
    "пересылаемое сообщение|пересланное сообщение|перенаправленное сообщение|начало пересылаемого сообщения|"
    "začiatok preposlanej správy|preposlaná správa|vidarebefordrat mejl|vidarebefordrat meddelande|"
    "vidarebefordrad mejl|vidarebefordrat brev|i̇leti başlangıcı|ileti başlangıcı|i̇letilen ileti|iletilen ileti|"
    "iletilmiş mesaj|i̇letilmiş mesaj|başlangıç iletilen ileti|yönlendirilmiş ileti|початок листа, що пересилається|"
    "переслане повідомлення|пересилане повідомлення|edastatud kiri|edastatud sõnum|προωθημένο μήνυμα|"
    "препратено съобщение|הודעה שהועברה|הודעה מועברת|رسالة معاد توجيهها|رسالة مُعاد توجيهها|"
    "転送されたメッセージ|転送メッセージ|転送されたメール|已轉寄郵件|轉寄的郵件|轉寄郵件|開始轉寄郵件|開始轉寄訊息|"
    "轉寄訊息|轉寄的訊息|以下是轉寄郵件|开始转发的邮件|"
    "转发的邮件|转发邮件|已转发邮件|被转发邮件的信息|전달된 메시지|전달된 메일|"
    "전달된 메시지 시작|ข้อความที่ส่งต่อ|thư được chuyển tiếp|pesan terusan|pesan yang diteruskan|posredovano sporočilo"
)
"""Titles that say 'forwarded': what is below was forwarded, whatever the subject."""

ORIGINAL = (
    "original message|original email|original mail|ursprüngliche nachricht|originalnachricht|mensaje original|"
    "message original|message d'origine|messaggio originale|oorspronkelijk bericht|mensagem original|"
    "oprindelig meddelelse|opprinnelig melding|ursprungligt meddelande|originalmeddelande|alkuperäinen viesti|"
    "wiadomość oryginalna|původní zpráva|pôvodná správa|eredeti üzenet|исходное сообщение|оригінальне повідомлення|"
    "özgün ileti|orijinal mesaj|"
    "原始郵件|原始郵件內容|原始訊息|原始邮件|元のメッセージ|元のメール|원본 메시지|원본 메일|"
    "ข้อความต้นฉบับ|thư gốc|pesan asli"
)
"""Titles that a reply has too: a forward only where the subject doesn't say that it is a reply."""

FORWARDED = (
    "fw|fwd|wg|wtr|tr|rv|i|pd|enc|redir|vs|vb|vl|videresend|i̇lt|ilt|doorst|fs|továbbítás|tov|пересл|转发|轉寄|转寄|"
    "轉發|転送|전달|πρθ|преп|הועבר|إعادة توجيه|reenv|reenviado|inoltra|posr|prosl"
)
"""Prefixes of the subject of a forward (VS is a reply in Finnish, a forward in Danish)."""

REPLIED = "re|aw|antw|antwort|sv|res|odp|rif|r|vá|回复|回覆|答复|答覆|返信|답장|ynt|yan|απ|отв|ответ|відп|ref"
"""Prefixes of the subject of a reply."""

BETWEEN = "időpontban|heeft|používateľ|užívateľ|użytkownik|пользователь|користувач|skrev|schrieb|wrote"
"""Words that stand between a date and a name in a line such as '(date) skrev (name):'."""
