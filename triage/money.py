"""Money in what people write: sums with their currency, with the magnitudes that many languages put behind a number.

'US$1,250.00', 'NT$ 35,000元', '20k pounds', '三萬元', '1.250,00 €'. Currencies are ISO 4217 codes, '' where none is
named; sums are whole units. A sign that several currencies share ('$') stays unnamed unless the text says whose.
"""

import re
from decimal import Decimal

from price_parser import Price

from intake.record import Value

MOST = 20
"""Most sums that are read from one text."""

_SIGNS = (
    ("TWD", ("nt$", "ntd", "twd", "新台幣", "新臺幣", "台幣", "臺幣")),
    ("HKD", ("hk$", "hkd", "港幣", "港元")),
    ("USD", ("us$", "usd", "us dollar", "美元", "美金")),
    ("CNY", ("cny", "rmb", "人民币", "人民幣")),
    ("JPY", ("jpy", "円", "yen")),
    ("EUR", ("eur", "€", "euro")),
    ("GBP", ("gbp", "£", "pound")),
    ("AUD", ("a$", "aud")),
    ("CAD", ("c$", "cad")),
    ("BRL", ("r$", "brl", "reais", "real")),
    ("CHF", ("chf", "franken")),
    ("BTC", ("btc", "bitcoin")),
)
_ANY_SIGN = "|".join(re.escape(sign) for _, signs in _SIGNS for sign in sorted(signs, key=len, reverse=True))
_DIGITS = r"\d[\d.,' ]{0,18}\d|\d|[一二兩两三四五六七八九十百千]{1,8}"
_SUM = re.compile(
    rf"(?P<before>{_ANY_SIGN}|\$|¥)?\s?(?P<number>{_DIGITS})\s?"
    rf"(?P<size>k|m|mio|million|thousand|tausend|mille|mil|千|萬|万|億|亿)?(?![a-z0-9])\s?"
    rf"(?P<after>(?:元|块|塊)?(?:{_ANY_SIGN}|\$|¥)|元|块|塊)?",
    re.IGNORECASE,
)
_SIZES = {
    "k": 1_000, "thousand": 1_000, "tausend": 1_000, "mille": 1_000, "mil": 1_000, "千": 1_000, "萬": 10_000,
    "万": 10_000,
    "m": 1_000_000, "mio": 1_000_000, "million": 1_000_000, "億": 100_000_000, "亿": 100_000_000,
}  # fmt: skip
_CHINESE = {
    "一": 1,
    "二": 2,
    "兩": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_POWERS = {"十": 10, "百": 100, "千": 1_000}


class Sum(Value, frozen=True):
    """A sum of money in whole units."""

    currency: str
    amount: int


def sums(text: str) -> tuple[Sum, ...]:
    """The sums in `text` (its first 5,000 characters) that have a currency, a sign or a magnitude, largest first."""
    found = [made for match in _SUM.finditer(text[:5_000]) if (made := _sum(match)) is not None]
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (-each.amount, each.currency)))[:MOST]


def _sum(match: re.Match[str]) -> Sum | None:
    before, size, after = match["before"] or "", match["size"] or "", match["after"] or ""
    if not (before or after):
        return None
    amount = _number(match["number"], before or after)
    if amount is None:
        return None
    whole = int(amount * _SIZES.get(size.lower(), 1))
    return Sum(currency=_currency(before + " " + after), amount=whole) if 0 < whole < 10**13 else None


def _number(written: str, sign: str) -> Decimal | None:
    if written[0] in _CHINESE or written[0] in _POWERS:
        return Decimal(_chinese(written))
    amount = Price.fromstring(f"{written} {sign if sign in '€$£' else ''}").amount
    return amount if amount is not None and amount.is_finite() else None


def _chinese(written: str) -> int:
    """三十五 is 35, 兩百 is 200."""
    total, digit = 0, 0
    for letter in written:
        if letter in _POWERS:
            total += (digit or 1) * _POWERS[letter]
            digit = 0
        else:
            digit = _CHINESE.get(letter, 0)
    return total + digit


def _currency(signs: str) -> str:
    low = signs.lower()
    return next((code for code, names in _SIGNS if any(name in low for name in names)), "")
