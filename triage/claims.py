"""What a reporter claims of a loss: in the field for it, or in the note above the forwarded message.

These are claims, kept beside what the message shows. A sum counts only in a sentence that tells of losing; a loss
without a sum counts as a loss of unknown size, which is not zero. That it is a fraud, that one nearly fell for it, or
that others should not, tells of no loss; nor does what would have been lost, what the sender says was lost, or that a
thing was lost that is no money. This is told clause by clause.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

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
_CLAUSE = re.compile(
    r"(?<=[?？])|[，、；;:：]|,(?=\s)|結果|结果|所以|於是|于是|後來|后来|\s(?:but|aber|mais|pero|maar|mas|ma)\s"
    r"|\s(?:and|so|then|und|dann|et|y|en|e)\s(?=(?:then|i|we|they|he|she|it|my|took|stole|charged|would|could|ich|wir|sie|er|es"
    r"|mein|meine|hätte|habe|haben|je|j|nous|ils|il|on|yo|me|nos|io|mi|ho|ik|we|ze|eu)\b)",
    re.IGNORECASE,
)
_ALSO = re.compile(r"\s(?:and|plus|und|sowie|et|y|e|en)\s|和|以及|跟", re.IGNORECASE)
_ASKS = ("?", "？", "吗", "嗎", "吧")
MOST_SENTENCES = 100
SHADES = frozenset({"supposed", "condition", "unreal", "relayed", "thing", "wealth"})
"""Concepts that say how a loss is spoken of, and nothing of a message."""


class _Clause(NamedTuple):
    """A clause and the concepts that it holds."""

    text: str
    said: Mapping[str, int]


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
    """What the sentences of the note tell of losing money."""
    for sentence in _SENTENCE.split(note[:5_000])[:MOST_SENTENCES]:
        if "lost" in lexicon.concepts(Text(sentence)):
            told = _told(sentence, lexicon)
            if told:
                yield told


def _told(sentence: str, lexicon: Lexicon) -> str:
    """The sentence without the clauses that speak of losing but tell of none; '' where no other speaks of it."""
    whole = lexicon.concepts(Text(sentence))
    clauses = [_Clause(text, lexicon.concepts(Text(text))) for text in _CLAUSE.split(sentence) if text]
    if not any("lost" in clause.said for clause in clauses):
        clauses = [_Clause(sentence, whole)]
    empty = [
        "lost" in clause.said
        and (
            _denies(clause, "condition" in whole)
            or _relayed(clause, before, lexicon)
            or ("thing" in clause.said and not _besides(clause, lexicon))
        )
        for before, clause in pairwise([_Clause("", {}), *clauses])
    ]
    kept = [clause for clause, nothing in zip(clauses, empty, strict=True) if not nothing]
    return "; ".join(clause.text for clause in kept) if any("lost" in clause.said for clause in kept) else ""


def _denies(clause: _Clause, condition: bool) -> bool:
    """Whether it denies the loss, fears it, supposes it (also where the `condition` is in a clause beside), or asks."""
    supposed = "supposed" in clause.said or (condition and "unreal" in clause.said)
    return "spared" in clause.said or supposed or (_asks(clause.text) and not sums(clause.text))


def _relayed(clause: _Clause, before: _Clause, lexicon: Lexicon) -> bool:
    """Whether it is what the sender says: 'they claim that I lost', also with the comma after 'claim'."""
    if "relayed" in clause.said:
        return True
    return "relayed" not in before.said and "relayed" in lexicon.concepts(Text(f"{before.text} {clause.text}"))


def _besides(clause: _Clause, lexicon: Lexicon) -> bool:
    """Whether money was lost besides a thing: 'my phone and 300 EUR'."""
    parts = [(part, lexicon.concepts(Text(part))) for part in _ALSO.split(clause.text)]
    return any("thing" not in said and ("lost" in said or "wealth" in said or bool(sums(part))) for part, said in parts)


def _asks(clause: str) -> bool:
    return clause.rstrip(" .。").endswith(_ASKS)
