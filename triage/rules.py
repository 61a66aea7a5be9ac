"""The table of rules: what must be seen, what harm that means, and the sentence that says so.

A rule is present or not; it has a kind and a grade as in the rubric, the dimension it speaks of, and how sure it
is when it fires (0 to 1). Codes are for ever: a rule whose meaning changes gets a new code, any other change raises
`VERSION`. Criteria: what a person who does what the message asks would lose.
"""

from collections.abc import Callable

from intake.record import Value
from triage.signs import Signs

VERSION = 1


class Rule(Value, frozen=True):
    """One row. `sentence` may hold {borrowed}, {file}, {sender}; `cites` names where its proof stands: text, subject,
    links, parts, headers."""

    code: str
    kind: str
    dimension: str
    grade: int
    sure: float
    sentence: str
    when: Callable[[Signs], bool]
    cites: tuple[str, ...] = ("subject", "text")


def _row(
    code: str, kind: str, dimension: str, grade: int, sure: float, sentence: str, when: Callable[[Signs], bool],
    cites: tuple[str, ...] = ("subject", "text"),
) -> Rule:  # fmt: skip
    return Rule(
        code=code, kind=kind, dimension=dimension, grade=grade, sure=sure, sentence=sentence, when=when, cites=cites
    )


_LINKS = ("subject", "text", "links")
_PARTS = ("subject", "parts")
_HEADERS = ("headers",)


def _fund(s: Signs) -> bool:
    return s.has("fund") and s.has("millions", "plight", "role", "secret", "lottery")


def _plea(s: Signs) -> bool:
    return s.has("plight") and s.has("secret", "handover", "fund", "millions", "role", "romance")


def _proposal(s: Signs) -> bool:
    return s.count("secret") >= 2 or (s.has("secret") and s.has("millions", "role", "handover"))


def _lottery(s: Signs) -> bool:
    if s.has("casino") and not s.has("handover", "fund"):
        return False
    return s.count("lottery") >= 2 or (s.has("lottery") and s.has("millions", "handover", "fund", "role"))


def _answers_by_mail(s: Signs) -> bool:
    """The reader is to answer a person, not to follow a link."""
    return s.leads == 0 or s.replies_elsewhere or s.free_sender


def _loan(s: Signs) -> bool:
    return s.has("loan") and _answers_by_mail(s) and not s.has("sale")


def _lead(s: Signs) -> bool:
    """There is something to follow: a link, a page attached, a form."""
    return s.leads > 0 or bool(s.page) or s.form


def _away(s: Signs) -> bool:
    """What there is to follow does not lead to a proven sender's own house."""
    return _lead(s) and not (s.authentic and not s.foreign and not s.borrowed)


_TROUBLE = ("account", "unusual", "bank", "mailbox", "authority", "parcel")


def _verify(s: Signs) -> bool:
    if s.shop and s.has("prize", "survey"):
        return False
    return s.has("verify") and _away(s) and (s.has(*_TROUBLE) or bool(s.borrowed) or s.number_link or s.masked)


def _account(s: Signs) -> bool:
    return s.has("account") and _away(s) and (s.has("verify", "urgent", "unusual", "bank") or bool(s.borrowed))


def _borrowed(s: Signs) -> bool:
    """A borrowed name together with what such mail asks for."""
    asks = s.has(
        "verify", "account", "unusual", "parcel", "crypto", "bank", "document", "authority", "mailbox", "secrets"
    )
    return bool(s.borrowed) and not s.shop and _away(s) and asks


def _spoofed_link(s: Signs) -> bool:
    return (s.masked or s.number_link) and s.has("verify", "account", "bank", "unusual", "secrets")


def _conversational(s: Signs) -> bool:
    return s.conversation or (s.mailing_list and not _lure(s) and not s.has("click", "callus", "sale"))


def _lure(s: Signs) -> bool:
    """Anything at all that belongs to deceptive mail."""
    return s.has(
        "fund", "lottery", "secret", "hacked", "exposed", "ransom", "stock", "getrich", "drug", "body", "replica", "casino",
        "adult", "prize", "degree", "debt", "crypto", "secrets", "job", "loan",
    )  # fmt: skip


def _ordinary_bulk(s: Signs) -> bool:
    return s.authentic and (s.bulk or s.mailing_list) and not s.borrowed and not _lure(s) and not _verify(s)


RULES: tuple[Rule, ...] = (
    # advance fee: the reader is promised money and is to write back, pay or hand over data
    _row("af.fund", "advance-fee", "money", 3, 0.85, "It promises a share of a fund, an inheritance or a payment.", _fund),
    _row("af.plea", "advance-fee", "money", 3, 0.8, "It tells of a death or an illness and asks for help with money.", _plea),
    _row("af.proposal", "advance-fee", "money", 3, 0.75, "It proposes a confidential deal to a stranger.", _proposal),
    _row("af.lottery", "advance-fee", "money", 3, 0.85, "It says that the reader's address won a lottery.", _lottery),
    _row(
        "af.gift", "advance-fee", "money", 3, 0.7, "It speaks of millions that the reader is to receive.",
        lambda s: s.has("millions") and s.has("fund", "lottery", "plight", "handover") and _answers_by_mail(s),
    ),
    _row("af.loan", "advance-fee", "money", 3, 0.7, "It offers a loan by answering a mailbox.", _loan),
    _row(
        "af.romance", "advance-fee", "money", 3, 0.6, "A stranger seeks a close relationship by mail.",
        lambda s: s.has("romance") and _answers_by_mail(s),
    ),
    _row(
        "af.data", "advance-fee", "credentials", 3, 0.6, "It asks for name, address, telephone or bank details in return.",
        lambda s: s.has("handover") and s.has("fund", "lottery", "secret", "plight", "millions", "loan"),
    ),
    # phishing: the reader is to give credentials, card or bank data to somebody who pretends
    _row("ph.verify", "phishing", "credentials", 3, 0.85, "It asks to verify or update an account through a link.", _verify, _LINKS),
    _row("ph.account", "phishing", "credentials", 3, 0.85, "It threatens that an account will be closed unless one acts.", _account, _LINKS),
    _row("ph.borrowed", "phishing", "credentials", 3, 0.9, "It pretends to come from {borrowed}, and its links lead elsewhere.", _borrowed, _LINKS),
    _row("ph.masked", "phishing", "credentials", 3, 0.9, "A link about an account hides where it leads.", _spoofed_link, _LINKS),
    _row(
        "ph.parcel", "phishing", "money", 3, 0.8, "It asks for a fee or an address for a parcel through a link.",
        lambda s: s.has("parcel") and _away(s) and (s.count("parcel") > 1 or bool(s.borrowed) or s.has("urgent", "click")),
        _LINKS,
    ),
    _row(
        "ph.wallet", "phishing", "money", 3, 0.85, "It asks to connect, verify or move a cryptocurrency wallet or to claim coins.",
        lambda s: s.has("crypto") and _away(s) and (bool(s.borrowed) or s.count("crypto") > 1 or s.has("verify", "account")),
        _LINKS,
    ),
    _row(
        "ph.secrets", "phishing", "credentials", 3, 0.8, "It asks for secrets: a recovery phrase, a card number, a one-time code.",
        lambda s: s.has("secrets") and s.has("verify", "account", "bank", "urgent", "unusual") and _away(s), _LINKS,
    ),
    _row(
        "ph.mailbox", "phishing", "credentials", 3, 0.8, "It speaks as the mail administrator and wants a log-in.",
        lambda s: s.has("mailbox") and _away(s) and s.has("verify", "account", "urgent", "click"), _LINKS,
    ),
    _row(
        "ph.authority", "phishing", "money", 3, 0.75, "It speaks for an authority: a refund, a fine or a toll behind a link.",
        lambda s: s.has("authority") and _away(s) and s.has("verify", "urgent", "click", "account", "parcel"), _LINKS,
    ),
    _row(
        "ph.document", "phishing", "credentials", 3, 0.65, "A document from a stranger waits behind a link.",
        lambda s: s.has("document") and _away(s) and (bool(s.borrowed) or s.tenant_link or bool(s.page)), _LINKS,
    ),
    _row(
        "ph.callback", "phishing", "money", 3, 0.75, "A bill for something never bought, with a number to call.",
        lambda s: s.has("invoice") and s.count("sale") < 2 and (s.has("callus") or bool(s.phones) or s.free_sender),
    ),
    _row(
        "ph.page", "phishing", "credentials", 3, 0.7, "It carries a web page ({file}) for the reader to fill in.",
        lambda s: bool(s.page) and s.has("verify", "account", "document", "invoice", "bank", "attached", "mailbox"), _PARTS,
    ),
    # extortion
    _row(
        "ex.video", "extortion", "extortion", 3, 0.9, "It claims to have broken in and threatens to publish what it saw.",
        lambda s: s.has("hacked") and s.has("exposed"),
    ),
    _row(
        "ex.ransom", "extortion", "extortion", 3, 0.85, "It threatens and demands payment in cryptocurrency.",
        lambda s: s.has("ransom") and (s.has("hacked", "exposed", "harm_life") or bool(s.wallets)) and not s.has("invest"),
    ),
    _row("ex.life", "extortion", "extortion", 3, 0.7, "It threatens a life.", lambda s: s.has("harm_life") and s.has("ransom", "hacked", "exposed")),
    # malware
    _row("mw.program", "malware", "malware", 3, 0.85, "It carries a program or a document with macros: {file}.", lambda s: bool(s.program), _PARTS),
    _row(
        "mw.macro", "malware", "malware", 3, 0.7, "It asks to switch on macros or editing.",
        lambda s: s.has("macro") and (bool(s.packed) or s.has("attached")),
    ),
    _row(
        "mw.packed", "malware", "malware", 3, 0.55, "A packed file ({file}) from a stranger is said to be a bill or an order.",
        lambda s: bool(s.packed) and s.has("attached", "invoice", "document") and not s.conversation, _PARTS,
    ),
    # money mules
    _row(
        "mu.job", "job-mule", "money", 3, 0.75, "It offers work that means passing on money or parcels.",
        lambda s: s.count("job") >= 2 and not s.has("casino"),
    ),
    # probable harm
    _row("iv.stock", "investment", "money", 2, 0.85, "It promotes a share with a target price or a call to buy.", lambda s: s.count("stock") >= 2),
    _row("iv.rich", "investment", "money", 2, 0.6, "It promises an income for little work.", lambda s: s.has("getrich")),
    _row("iv.richer", "investment", "money", 2, 0.8, "It promises riches in several ways.", lambda s: s.count("getrich") >= 2),
    _row("iv.trading", "investment", "money", 2, 0.7, "It promises returns from trading or cryptocurrency.", lambda s: s.has("invest")),
    _row("he.drug", "pharma-health", "health", 2, 0.8, "It sells medicines outside a pharmacy's rules.", lambda s: s.has("drug")),
    _row("he.drugs", "pharma-health", "health", 2, 0.9, "It sells several medicines.", lambda s: s.count("drug") >= 3),
    _row("he.body", "pharma-health", "health", 2, 0.75, "It promises an effect on the body that no product has.", lambda s: s.has("body")),
    _row("co.replica", "counterfeit", "money", 2, 0.8, "It sells replicas or unlicensed copies.", lambda s: s.has("replica")),
    _row("co.replicas", "counterfeit", "money", 2, 0.9, "It names several brands or programs for copies.", lambda s: s.count("replica") >= 2),
    _row("ga.casino", "gambling-adult", "money", 2, 0.8, "It invites to gamble for money.", lambda s: s.has("casino")),
    _row("ga.adult", "gambling-adult", "people", 2, 0.7, "It offers sexual content or paid contacts.", lambda s: s.has("adult")),
    _row("sc.prize", "scam-other", "money", 2, 0.55, "It speaks of a gift or a prize for the reader.", lambda s: s.has("prize")),
    _row("sc.prizes", "scam-other", "money", 2, 0.85, "It says that the reader won or was chosen for a gift.", lambda s: s.count("prize") >= 2 or (s.has("prize") and not s.has("sale"))),
    _row(
        "sc.shop", "scam-other", "money", 2, 0.85, "It borrows the name of {borrowed} for a gift or a survey.",
        lambda s: bool(s.borrowed) and s.has("prize", "survey"), _LINKS,
    ),
    _row("sc.survey", "scam-other", "credentials", 2, 0.7, "It offers a reward for a survey.", lambda s: s.has("survey")),
    _row("sc.degree", "scam-other", "money", 2, 0.85, "It sells degrees.", lambda s: s.has("degree")),
    _row("sc.debt", "scam-other", "money", 2, 0.55, "It promises help with debts, credit or a warranty.", lambda s: s.has("debt")),
    _row("sc.trick", "scam-other", "money", 2, 0.55, "It sells by fear or by a trick.", lambda s: s.has("trick")),
    _row("sc.pillow", "scam-other", "money", 2, 0.5, "It praises a wonder product in short supply.", lambda s: s.has("pillow") and not s.authentic),
    _row(
        "sc.lend", "scam-other", "money", 2, 0.5, "It borrows the name of {borrowed}.",
        lambda s: bool(s.borrowed) and _away(s) and not s.authentic, _LINKS,
    ),
    _row(
        "un.picture", "unclear", "people", 2, 0.45, "It hides what it says in a picture.",
        lambda s: s.picture_only and not s.conversation and not s.authentic, _PARTS,
    ),
    _row(
        "un.disguised", "unclear", "people", 2, 0.5, "It spells words so that a filter can't read them.",
        lambda s: s.disguised >= 3 and not s.conversation,
    ),
    # nuisance
    _row("mk.sale", "marketing", "people", 1, 0.6, "It offers goods or services.", lambda s: s.has("sale")),
    _row("mk.sales", "marketing", "people", 1, 0.75, "It offers goods or services at length.", lambda s: s.count("sale") >= 3),
    _row("mk.bulk", "marketing", "people", 1, 0.5, "It was sent in bulk.", lambda s: s.has("unsubscribe") or s.bulk),
    # none
    _row(
        "le.talk", "legitimate", "people", 0, 0.8, "It belongs to a conversation: it answers and quotes an earlier mail.",
        _conversational, _HEADERS,
    ),
    _row(
        "le.bulk", "legitimate", "people", 0, 0.8, "Its sender {sender} is proven, it can be unsubscribed, and it asks for nothing.",
        _ordinary_bulk, _HEADERS,
    ),
    # beside the band
    _row(
        "vu.aimed", "", "vulnerable", 2, 0.6, "It aims at people who are old, ill or poor.",
        lambda s: s.has("vulnerable") and s.has("fund", "verify", "account", "authority", "debt", "drug", "body", "prize", "invest"),
    ),
)  # fmt: skip
LANES: tuple[tuple[str, str], ...] = (("harm_life", "life"), ("child_abuse", "child-abuse"))
"""Concept and the mandatory lane that it opens."""
