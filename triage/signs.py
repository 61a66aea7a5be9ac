"""Signs: what one examined report shows that harm can be judged by, in one flat record.

What the text says (concepts of the lexicons, with how many phrases of each), who it pretends to be, where its links
lead, what it carries, whether its sender is proven, and how it travelled. Nothing here weighs anything.
"""

import re
from collections.abc import Sequence

from enrichment.examination import Check, Examination
from intake.domains import registrable
from intake.message import Leaf, Link, Message
from intake.record import Value
from intake.wallet import wallets
from triage import shared
from triage.brands import OWNERS, SHOPS, owns
from triage.claims import SHADES
from triage.phone import phones
from triage.terms import Lexicon, Text

TRUSTED = frozenset({"verified-now", "recomputed", "asserted-trusted"})
PROGRAMS = frozenset(
    ["exe", "scr", "pif", "com", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "hta", "jar", "msi", "ps1", "lnk",
     "cpl", "iso", "img", "vhd", "ace", "reg", "chm", "docm", "xlsm", "pptm", "xlam", "xll", "one"]
)  # fmt: skip
PAGES = frozenset(["htm", "html", "shtml", "xhtml", "svg", "mht"])
PACKED = frozenset(["zip", "rar", "7z", "gz", "cab", "arj", "z", "uue"])
PICTURE = 3_000
"""Bytes from which a picture can carry a message."""
OPENING = 14
"""First words of the text in which a name counts as the sender's."""

_SPELLED = tuple((name, " ".join(Text(name).words), domains) for name, domains in OWNERS.items())
_HOST = re.compile(r"^\s{0,20}(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,12})(?:[/?:\s]|$)", re.IGNORECASE)
_NUMBER_HOST = re.compile(r"^(?:\d{1,3}\.){3}\d{1,3}$|^\[")
_QUOTED = re.compile(r"(?m)^ {0,3}[>|]")
_REPLY = re.compile(r"^(?:\[[^\]]{1,40}\] ?)?(?:re|aw|sv|rv|antw|回复|回覆|返信) ?[:：]", re.IGNORECASE)


class Signs(Value, frozen=True):
    """See the module. `said`: concept -> number of phrases; `borrowed`: the name it pretends to come from."""

    said: dict[str, int]
    words: int = 0
    disguised: int = 0
    """Words written so that a machine should not read them."""
    borrowed: str = ""
    shop: bool = False
    """The borrowed name is one that lures for prizes like."""
    sender: str = ""
    free_sender: bool = False
    replies_elsewhere: bool = False
    leads: int = 0
    foreign: bool = False
    """Some link leads to a house that is not the sender's."""
    number_link: bool = False
    tenant_link: bool = False
    masked: bool = False
    """A link shows one house and leads to another."""
    form: bool = False
    program: str = ""
    page: str = ""
    packed: str = ""
    pictures: int = 0
    picture_only: bool = False
    wallets: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    conversation: bool = False
    mailing_list: bool = False
    bulk: bool = False
    authentic: bool = False
    spoofed: bool = False
    undisclosed: bool = False
    """It is addressed to nobody in particular."""

    def count(self, *concepts: str) -> int:
        """How many phrases of these concepts it holds."""
        return sum(self.said.get(concept, 0) for concept in concepts)

    def has(self, *concepts: str) -> bool:
        """Whether it says any of these."""
        return any(concept in self.said for concept in concepts)


def signs(examination: Examination, lexicon: Lexicon) -> Signs:
    """The signs of an examined report."""
    message = examination.message
    text = Text(f"{message.subject[:500]}\n{message.text}")
    sender = registrable(_sender(message).rpartition("@")[2]) or _sender(message).rpartition("@")[2]
    borrowed = _borrowed(message, sender, text)
    leads = [link for link in message.links if link.where != "image" and link.host][:500]
    said = lexicon.concepts(text)
    return Signs(
        said=said,
        words=len(text.words),
        disguised=text.disguised,
        borrowed=borrowed,
        shop=borrowed in SHOPS,
        sender=sender,
        free_sender=shared.within(sender, shared.FREEMAIL),
        replies_elsewhere=_replies_elsewhere(message, sender),
        leads=len(leads),
        foreign=any(link.domain != sender for link in leads),
        number_link=any(_NUMBER_HOST.match(link.host) for link in leads),
        tenant_link=any(shared.within(link.host, shared.HOSTING | shared.SHORTENERS) for link in leads),
        masked=any(_masked(link) for link in leads),
        form=any(link.where == "form" for link in message.links),
        program=_named(message.leaves, PROGRAMS),
        page=_named(message.leaves, PAGES),
        packed=_named(message.leaves, PACKED),
        pictures=_pictures(message),
        picture_only=_picture_only(message, said, len(text.words)),
        wallets=wallets(message.text[:20_000]),
        phones=phones(message.text[:20_000]),
        undisclosed=not message.to or "undisclosed" in message.to[0].address.lower(),
        **_travel(message, examination.checks, sender),
    )


def _travel(message: Message, checks: Sequence[Check], sender: str) -> dict[str, bool]:
    """How it came: as part of a conversation, over a list, in bulk, with a proven or a refuted sender."""
    quoted = _QUOTED.search(message.text[:20_000]) is not None
    answers = bool(message.all("In-Reply-To") or message.all("References"))
    precedence = " ".join(header.value.lower() for header in message.all("Precedence")[:2])
    return {
        "conversation": answers and (quoted or _REPLY.match(message.subject) is not None),
        "mailing_list": bool(message.all("List-Post") or message.all("List-Id")) or "list" in precedence,
        "bulk": bool(message.all("List-Unsubscribe")),
        "authentic": _authentic(checks, sender),
        "spoofed": any(each.method == "dmarc" and each.result == "fail" and each.basis in TRUSTED for each in checks),
    }


def _authentic(checks: Sequence[Check], sender: str) -> bool:
    """Whether the domain in From is proven: DMARC passed, or a signature of that domain holds."""
    for check in checks:
        if check.result != "pass" or check.basis not in TRUSTED:
            continue
        if check.method == "dmarc" or (check.method == "dkim" and registrable(check.domain) == sender):
            return True
    return False


def _sender(message: Message) -> str:
    return message.from_[0].address.lower() if message.from_ else ""


def _replies_elsewhere(message: Message, sender: str) -> bool:
    """Answers go to a free mailbox of another house."""
    houses = {each.address.rpartition("@")[2].lower() for each in message.reply_to[:5]}
    return any(house != sender and shared.within(house, shared.FREEMAIL) for house in houses)


def _borrowed(message: Message, sender: str, text: Text) -> str:
    """The first name that From, the subject or the opening words show, unless the mail is truly from there."""
    shown = [message.from_[0].name if message.from_ else "", message.from_[0].address if message.from_ else ""]
    spoken = " ".join(Text(" ".join([*shown, message.subject[:200]])).words + text.words[:OPENING])
    padded = f" {spoken} "
    for name, spelled, domains in _SPELLED:
        if f" {spelled} " not in padded or owns(name, sender):
            continue
        if not any(link.domain in domains for link in message.links[:20]) or _leads_away(message, domains):
            return name
    return _own_name_leads_away(message, sender, padded)


def _own_name_leads_away(message: Message, sender: str, padded: str) -> str:
    """A From of the true house whose links lead to a number or only to other houses: the From is forged."""
    for name, spelled, domains in _SPELLED:
        if f" {spelled} " in padded and owns(name, sender) and _leads_away(message, domains):
            return name
    return ""


def _leads_away(message: Message, domains: Sequence[str]) -> bool:
    leads = [link for link in message.links[:60] if link.where in ("html", "form", "text") and link.host]
    return any(
        _NUMBER_HOST.match(link.host) or (link.domain not in domains and not shared.within(link.host, shared.SERVICES))
        for link in leads
    )


def _masked(link: Link) -> bool:
    """The text of the link is a host name of another house than the link's."""
    shown = _HOST.match(link.text[:300])
    if shown is None:
        return False
    house = registrable(shown.group(1))
    return bool(house) and house != link.domain and not shared.within(link.host, shared.MAILERS)


def _named(leaves: Sequence[Leaf], endings: frozenset[str]) -> str:
    """The name of the first attachment with one of these endings."""
    for leaf in leaves[:200]:
        ending = leaf.name.lower().rstrip(". ").rpartition(".")[2]
        if "." in leaf.name and ending in endings and leaf.disposition != "inline":
            return leaf.name[:120]
    return ""


def _pictures(message: Message) -> int:
    """Pictures that come with the message, or that it loads from elsewhere."""
    carried = sum(leaf.type.startswith("image/") and leaf.size >= PICTURE for leaf in message.leaves)
    return carried + sum(link.where == "image" for link in message.links[:200])


def _picture_only(message: Message, said: dict[str, int], words: int) -> bool:
    """A picture with hardly any text, or one that is carried under text in which no concept is recognised."""
    furniture = {"unsubscribe", "click", "wrote", "urgent", "callus", "spared"} | SHADES
    carried = any(leaf.type.startswith("image/") and leaf.size >= PICTURE for leaf in message.leaves)
    return (words < 25 and _pictures(message) > 0) or (carried and not said.keys() - furniture)
