"""Asks: what a message wants of its reader, as predicates over its signs. Combinations that several rules use, or that
need more than a line; each is true or false of one message.
"""

from triage.signs import Signs


def fund_story(s: Signs) -> bool:
    """It promises a share of somebody's money."""
    told = s.has("millions", "plight", "role", "secret", "lottery") or s.count("fund") >= 2
    return s.has("fund") and (told or (answers_by_mail(s) and s.leads == 0 and not s.has("sale")))


def plea(s: Signs) -> bool:
    """A death or an illness, and money or help."""
    return s.has("plight") and s.has("secret", "handover", "fund", "millions", "role", "romance")


def proposal(s: Signs) -> bool:
    """A deal that must stay between two strangers."""
    return s.count("secret") >= 2 or (s.has("secret") and s.has("millions", "role", "handover"))


def lottery_win(s: Signs) -> bool:
    """The address itself has won; an offer to play is another thing."""
    if s.has("casino") and not s.has("handover", "fund"):
        return False
    return s.count("lottery") >= 2 or (s.has("lottery") and s.has("millions", "handover", "fund", "role"))


def answers_by_mail(s: Signs) -> bool:
    """The reader is to answer a person, not to follow a link."""
    return s.leads == 0 or s.replies_elsewhere or s.free_sender


def lends(s: Signs) -> bool:
    """A loan from a mailbox."""
    return s.has("loan") and answers_by_mail(s) and not s.has("sale")


def leads_on(s: Signs) -> bool:
    """There is something to follow: a link, a page attached, a form."""
    return s.leads > 0 or bool(s.page) or s.form


def leads_away(s: Signs) -> bool:
    """What there is to follow does not lead to a proven sender's own house."""
    return leads_on(s) and not (s.authentic and not s.foreign and not s.borrowed)


TROUBLE = ("account", "unusual", "bank", "mailbox", "authority", "parcel")


def asks_to_verify(s: Signs) -> bool:
    """It wants an account verified, for a reason that phishing gives."""
    if s.shop and s.has("prize", "survey"):
        return False
    return s.has("verify") and leads_away(s) and (s.has(*TROUBLE) or bool(s.borrowed) or s.number_link or s.masked)


def threatens_account(s: Signs) -> bool:
    """The reader's account is said to be closed or limited; that of a payee who changed banks is another one."""
    if s.has("payee") and s.count("account") < 2:
        return False
    return s.has("account") and leads_away(s) and (s.has("verify", "urgent", "unusual", "bank") or bool(s.borrowed))


def borrows(s: Signs) -> bool:
    """A borrowed name together with what such mail asks for."""
    asks = s.has(
        "verify", "account", "unusual", "parcel", "crypto", "bank", "document", "authority", "mailbox", "secrets"
    )
    return bool(s.borrowed) and not s.shop and leads_away(s) and asks


def hides_link(s: Signs) -> bool:
    """A link that hides or has no name, about an account."""
    return (s.masked or s.number_link) and not s.shop and s.has("verify", "account", "bank", "unusual", "secrets")


def talks(s: Signs) -> bool:
    """It belongs to a conversation or to a list's ordinary traffic."""
    return s.conversation or (s.mailing_list and not s.picture_only and not lures(s) and not s.has("click", "sale"))


def lures(s: Signs) -> bool:
    """Anything at all that belongs to deceptive mail."""
    return s.has(
        "fund", "lottery", "secret", "hacked", "exposed", "ransom", "stock", "getrich", "drug", "body", "replica",
        "casino", "adult", "prize", "degree", "debt", "crypto", "secrets", "job", "loan",
    )  # fmt: skip


def ordinary_bulk(s: Signs) -> bool:
    """A proven sender's newsletter that asks for nothing of the kind."""
    return s.authentic and (s.bulk or s.mailing_list) and not s.borrowed and not lures(s) and not asks_to_verify(s)
