"""Domains that many unrelated senders share: they say nothing about who belongs together.

Five kept lists: large services, hosting where strangers stand side by side, link shorteners, mailers, and
free mail. A domain on any of them is never a join key by itself; on hosting and shorteners the path names the tenant.
Compiled by hand from the services' own documentation; the registrable domain in lower case stands for all below it.
"""


def _listed(names: str) -> frozenset[str]:
    return frozenset(names.split())


SHORTENERS = _listed(
    """
    bit.ly bitly.com buff.ly cutt.ly dlvr.it goo.gl is.gd j.mp lihi.cc lihi1.com lnkd.in ow.ly page.link pse.is
    rb.gy rebrand.ly reurl.cc s.id shorturl.at short.gy snip.ly t.co t.cn t.ly t.me tiny.cc tinyurl.com u.to url.cn
    v.gd x.gd xrl.us youtu.be suo.im dwz.cn qrco.de shorte.st adf.ly bl.ink clck.ru urlz.fr wa.me line.me lin.ee
    """
)
HOSTING = _listed(
    """
    amazonaws.com appspot.com azurewebsites.net azureedge.net blob.core.windows.net web.core.windows.net windows.net
    blogspot.com cloudflare-ipfs.com cloudfront.net digitaloceanspaces.com dropbox.com dropboxusercontent.com
    evernote.com
    firebaseapp.com web.app github.io githubusercontent.com glitch.me docs.google.com
    drive.google.com forms.gle googleapis.com
    googleusercontent.com herokuapp.com ipfs.io netlify.app notion.site ngrok.io ngrok-free.app pages.dev workers.dev
    r2.dev r2.cloudflarestorage.com onedrive.com sharepoint.com sites.google.com square.site tripod.com geocities.com
    vercel.app webflow.io weebly.com wixsite.com wordpress.com yolasite.com canva.com typeform.com jotform.com
    imgur.com gyazo.com zupimages.net goopics.net postimg.cc ibb.co imgbb.com flickr.com wikimedia.org
    trycloudflare.com mystrikingly.com telegra.ph supereva.it angelfire.com
    """
)
MAILERS = _listed(
    """
    mailchimp.com list-manage.com mailchimpapp.net mcsv.net mcusercontent.com rsgsv.net mandrillapp.com sendgrid.net
    sendgrid.com mailgun.org mailgun.net amazonses.com sparkpostmail.com sparkpost.com mailjet.com mjt.lu mailersend.net
    mlsend.com mailerlite.com hubspot.com hubspotlinks.com hubspotemail.net hs-sites.com constantcontact.com rs6.net
    ccsend.com exacttarget.com salesforce.com pardot.com marketo.com mktoweb.com eloqua.com sendinblue.com brevo.com
    sibautomation.com getresponse.com aweber.com campaignmonitor.com createsend.com cmail19.com cmail20.com klaviyo.com
    klclick.com convertkit.com kit.com activehosted.com activecampaign.com drip.com customeriomail.com customer.io
    intercom-mail.com iterable.com braze.com postmarkapp.com pstmrk.it mtasv.net substack.com beehiiv.com zendesk.com
    freshdesk.com emsecure.net emarsys.net cheetahmail.com responsys.net bluehornet.com icontact.com
    benchmarkemail.com surveymonkey.com eventbrite.com meetup.com webversion.net elasticemail.com smtp2go.com
    zohomail.com zoho.com onmicrosoft.com gappssmtp.com sf.net sourceforge.net
    yahoogroups.com groups.io googlegroups.com
    feedburner.com inxmail.com cleverreach.com rapidmail.com mailup.com doubleclick.net edm.com.tw
    """
)
FREEMAIL = _listed(
    """
    gmail.com googlemail.com yahoo.com yahoo.com.tw yahoo.co.jp yahoo.co.uk yahoo.fr yahoo.de ymail.com rocketmail.com
    hotmail.com hotmail.fr hotmail.co.uk outlook.com live.com msn.com aol.com aim.com icloud.com me.com mac.com gmx.de
    gmx.net gmx.com web.de t-online.de freenet.de mail.com mail.ru yandex.ru yandex.com bk.ru list.ru inbox.ru
    rambler.ru proton.me protonmail.com tutanota.com tuta.io zohomail.eu qq.com 163.com 126.com sina.com sohu.com
    foxmail.com naver.com daum.net hanmail.net orange.fr wanadoo.fr laposte.net free.fr libero.it virgilio.it
    terra.com.br uol.com.br bol.com.br seznam.cz wp.pl o2.pl onet.pl interia.pl rediffmail.com hinet.net msa.hinet.net
    pchome.com.tw netscape.net excite.com lycos.com juno.com bigpond.com shaw.ca comcast.net verizon.net att.net
    bellsouth.net sbcglobal.net cox.net earthlink.net btinternet.com sky.com virginmedia.com docomo.ne.jp ezweb.ne.jp
    softbank.ne.jp rogers.com
    """
)
SERVICES = _listed(
    """
    facebook.com facebookmail.com fbcdn.net fb.com instagram.com twitter.com x.com linkedin.com licdn.com youtube.com
    ytimg.com tiktok.com whatsapp.com telegram.org line.me weibo.com wechat.com pinterest.com reddit.com vimeo.com
    vimeocdn.com snapchat.com discord.com google.com gstatic.com googletagmanager.com google-analytics.com
    googleadservices.com microsoft.com office.com office365.com live.com bing.com msn.com windows.com skype.com
    apple.com icloud.com amazon.com amazon.de amazon.fr amazon.co.uk amazon.co.jp ebay.com ebay.de paypal.com yahoo.com
    adobe.com netflix.com spotify.com w3.org schema.org mozilla.org wikipedia.org archive.org apache.org github.com
    gitlab.com akamai.net akamaihd.net cloudflare.com jsdelivr.net fontawesome.com bootstrapcdn.com jquery.com
    unpkg.com gravatar.com avast.com avcdn.net mcafee.com norton.com symantec.com trustpilot.com booking.com
    dhl.com dhl.de fedex.com ups.com usps.com dpd.com postnl.nl correios.com.br gov.uk europa.eu bbc.co.uk cnn.com
    nytimes.com theguardian.com cbsnews.com debian.org python.org perl.org r-project.org redhat.com thinkgeek.com
    twimg.com yimg.com aol.com atdmt.com 2mdn.net pool.ntp.org play.google.com gov.tw gov.hk post.gov.tw
    """
)
ALL = SHORTENERS | HOSTING | MAILERS | FREEMAIL | SERVICES


def within(host: str, domains: frozenset[str]) -> bool:
    """Whether `host` (A-labels, lower case) is one of `domains` or stands below one."""
    labels = host.rstrip(".").split(".")[-8:]
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))
