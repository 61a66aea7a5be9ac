"""Stamps: the time that a Received line or a Date field says, as aware UTC.

Read are the forms that mail servers write: RFC 5322 section 3.3 with its obsolete zones, the same without a weekday
(qmail) or with hyphens, the C library's asctime, and ISO 8601. A time without a zone is no time: it gives None.
"""

import re
from datetime import UTC, datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420,
    "mdt": -360, "pst": -480, "pdt": -420, "bst": 60, "cet": 60, "cest": 120, "eet": 120, "eest": 180, "jst": 540,
    "hkt": 480, "kst": 540,
}  # fmt: skip
"""Minutes east of Greenwich: RFC 5322 section 4.3, and names that have one meaning in mail."""

_CLOCK = r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2}))?(?:\.\d{1,9})?"
_ZONE = r"(?P<zone>[+-]\d{2}:?\d{2}|[A-Za-z]{1,4})\b"
_NAME = "(?P<month>" + "|".join(_MONTHS) + ")[a-z]{0,6}"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"\b(?P<day>\d{{1,2}})[ -]{_NAME}[ -](?P<year>\d{{4}}|\d{{2}})[ ,]{{1,3}}{_CLOCK} ?(?P<half>[ap]m)? ?{_ZONE}",
        rf"\b{_NAME} {{1,2}}(?P<day>\d{{1,2}}),? {_CLOCK} (?:{_ZONE} )?(?P<year>\d{{4}})\b",
        rf"\b(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[T ]{_CLOCK} ?{_ZONE}",
    )
)


def moment(text: str) -> datetime | None:
    """The first time with a zone that `text` (at most 4 kB are read) says, in UTC; None where there is none."""
    for form in _FORMS:
        if found := form.search(text[:4096]):
            return _moment(found.groupdict())
    return None


def _moment(part: dict[str, str | None]) -> datetime | None:
    east = _minutes(part["zone"] or "")
    if east is None:
        return None
    try:
        local = datetime(
            _year(part["year"] or ""),
            _month(part["month"] or ""),
            int(part["day"] or 0),
            _hour(int(part["h"] or 0), part.get("half") or ""),
            int(part["m"] or 0),
            min(int(part["s"] or 0), 59),
            tzinfo=UTC,
        )
        return local - timedelta(minutes=east)
    except (ValueError, OverflowError):
        return None


def _minutes(zone: str) -> int | None:
    """Minutes east of Greenwich, at most a day; None for a zone that nobody can place."""
    if zone[:1] in ("+", "-"):
        digits = zone[1:].replace(":", "")
        east = int(digits[:2]) * 60 + int(digits[2:])
        return None if east >= 24 * 60 else east if zone[0] == "+" else -east
    return _ZONES.get(zone.lower())


def _year(text: str) -> int:
    """RFC 5322 section 4.3: two digits below 50 are of this century."""
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 50 else 1900)


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3].lower()) + 1


def _hour(hour: int, half: str) -> int:
    return hour if not half else hour % 12 + (12 if half.lower() == "pm" else 0)
