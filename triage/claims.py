"""What a reporter claims of a loss: in the field for it, or in the note above the forwarded message.

These are claims, kept beside what the message shows. A sum counts only beside words of losing; a loss without a sum
counts as a loss of unknown size, which is not zero.
"""

from intake.report import Claims
from triage.harm import Loss
from triage.money import sums
from triage.terms import Lexicon, Text

_NO = (
    "no",
    "none",
    "nothing",
    "0",
    "n/a",
    "nein",
    "keine",
    "non",
    "aucune",
    "ninguna",
    "無",
    "无",
    "没有",
    "沒有",
    "なし",
)
_NOTHING = frozenset(" ".join(Text(word).words) for word in _NO)


def losses(claims: Claims, lexicon: Lexicon) -> tuple[Loss, ...]:
    """The losses that the reporter tells of, largest first, one per currency; () where none is told."""
    told = claims.loss.strip() or _sentences_of_loss(claims.note, lexicon)
    if not told or " ".join(Text(told).words) in _NOTHING:
        return ()
    largest: dict[str, int] = {}
    for each in sums(told):
        largest.setdefault(each.currency, each.amount)
    if not largest:
        return (Loss(currency="", amount=0),)
    return tuple(Loss(currency=currency, amount=amount) for currency, amount in largest.items())


def _sentences_of_loss(note: str, lexicon: Lexicon) -> str:
    """The lines of the note that speak of losing money."""
    lines = note[:5_000].replace("。", ".\n").replace(". ", ".\n").splitlines()[:100]
    return "\n".join(line for line in lines if "lost" in lexicon.concepts(Text(line)))
