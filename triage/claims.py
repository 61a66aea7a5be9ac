"""What a reporter claims of a loss: in the field for it, or in the note above the forwarded message.

These are claims, kept beside what the message shows. A sum counts only in a sentence that tells of losing; a loss
without a sum counts as a loss of unknown size, which is not zero. That it is a fraud, that one nearly fell for it, or
that others should not, tells of no loss.
"""

import re
from collections.abc import Iterator

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
_SENTENCE = re.compile(r"(?<=[。！？!?])|(?<=\.)\s|\n")
_CLAUSE = re.compile(r"(?<=[?？])|[，、；;:：]|,(?=\s)|\s(?:but|aber|mais|pero|maar|mas|ma)\s")
_ASKS = ("?", "？", "吗", "嗎", "吧")
MOST_SENTENCES = 100


def losses(claims: Claims, lexicon: Lexicon) -> tuple[Loss, ...]:
    """The losses that the reporter tells of, largest first, one per currency; () where none is told."""
    field = claims.loss.strip()
    told = [field] if field and not _denied(field, lexicon) else list(_telling(claims.note, lexicon))
    if not told:
        return ()
    largest: dict[str, int] = {}
    for each in sums("\n".join(told)):
        largest.setdefault(each.currency, each.amount)
    if not largest:
        return (Loss(currency="", amount=0),)
    return tuple(Loss(currency=currency, amount=amount) for currency, amount in largest.items())


def _denied(field: str, lexicon: Lexicon) -> bool:
    """Whether the field for a loss says that there was none."""
    return " ".join(Text(field).words) in _NOTHING or (not sums(field) and "spared" in lexicon.concepts(Text(field)))


def _telling(note: str, lexicon: Lexicon) -> Iterator[str]:
    """The sentences of the note that tell of losing money."""
    for sentence in _SENTENCE.split(note[:5_000])[:MOST_SENTENCES]:
        if "lost" in lexicon.concepts(Text(sentence)) and not _spared(sentence, lexicon):
            yield sentence


def _spared(sentence: str, lexicon: Lexicon) -> bool:
    """Whether each clause of it that speaks of losing denies it, fears it, or only asks."""
    clauses = [(clause, lexicon.concepts(Text(clause))) for clause in _CLAUSE.split(sentence) if clause]
    speaking = [each for each in clauses if "lost" in each[1]] or [(sentence, lexicon.concepts(Text(sentence)))]
    return all("spared" in said or (_asks(clause) and not sums(clause)) for clause, said in speaking)


def _asks(clause: str) -> bool:
    return clause.rstrip(" .。").endswith(_ASKS)
