"""Large mailers: domains whose names may be asked for at once, because asking tells no spammer anything.

Each is a domain whose DNS a large provider runs for its own mail and whose customers can't make a name carry a
recipient's identity and watch it being asked. Free mail, business mail, and bulk senders that sign with domains of
their own. A customer's own domain is never here, whoever runs its mail.

Kept by hand from what mail of these providers commonly carries in d= and in SPF records; the names have not been
checked one by one against each provider's documentation.
"""

_NAMES = """
    gmail.com googlemail.com google.com
    outlook.com hotmail.com live.com msn.com microsoft.com onmicrosoft.com
    yahoo.com ymail.com rocketmail.com aol.com yahoo.co.jp yahoodns.net
    icloud.com me.com mac.com apple.com
    proton.me protonmail.com protonmail.ch fastmail.com messagingengine.com zoho.com zohomail.com
    gmx.net gmx.de gmx.com web.de mail.com 1und1.de ionos.com kundenserver.de t-online.de telekom.de freenet.de
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr libero.it virgilio.it alice.it tin.it
    btinternet.com virginmedia.com sky.com talktalk.net ziggo.nl kpnmail.nl telenet.be skynet.be bluewin.ch
    comcast.net verizon.net att.net cox.net charter.net spectrum.net rogers.com shaw.ca bell.net
    terra.com.br uol.com.br bol.com.br telefonica.net
    mail.ru inbox.ru list.ru bk.ru yandex.ru yandex.net rambler.ru ukr.net seznam.cz wp.pl onet.pl o2.pl interia.pl
    qq.com 163.com 126.com yeah.net netease.com sina.com sina.cn sohu.com aliyun.com alibaba-inc.com 139.com 189.cn
    hinet.net msa.hinet.net seed.net.tw so-net.net.tw pchome.com.tw
    naver.com daum.net hanmail.net kakao.com nate.com
    docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com ocn.ne.jp so-net.ne.jp biglobe.ne.jp
    rediffmail.com bigpond.com optusnet.com.au xtra.co.nz
    amazon.com amazonses.com sendgrid.net sendgrid.com mailchimp.com mcsv.net mcdlv.net rsgsv.net mandrillapp.com
    mailgun.org mailgun.net sparkpostmail.com sparkpost.com exacttarget.com salesforce.com
    postmarkapp.com mtasv.net mailjet.com sendinblue.com brevo.com constantcontact.com ctctmail.com klaviyomail.com
    hubspot.com hubspotemail.net cmail19.com cmail20.com createsend.com
    facebookmail.com linkedin.com github.com paypal.com ebay.com
"""
LARGE_MAILERS = frozenset(_NAMES.split())


def large(name: str) -> bool:
    """Whether `name` (A-labels, lower case) is one of these domains or lies below one."""
    labels = name.split(".")
    return any(".".join(labels[start:]) in LARGE_MAILERS for start in range(len(labels)))
