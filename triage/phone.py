"""Telephone numbers in a text: only those written internationally, because the reader's country is unknown.

E.164 form; a number must exist in the numbering plan of its country.
"""

import re

import phonenumbers

MOST = 10
"""Most numbers that are taken from one text."""

# What a number begins with stands before the look behind it, because the search for a fixed beginning is fast.
_WRITTEN = re.compile(r"[+0](?<![\w+].)(?:(?<=\+)|0)[1-9][0-9 ().\-]{6,22}[0-9]")


def phones(text: str) -> tuple[str, ...]:
    """The numbers in `text` as '+' and digits, each once, at most `MOST`."""
    found: dict[str, None] = {}
    for match in _WRITTEN.finditer(text):
        written = match.group()
        number = _read("+" + written[2:] if written.startswith("00") else written)
        if number:
            found[number] = None
        if len(found) == MOST:
            break
    return tuple(found)


def warm() -> None:
    """Load the numbering plans of all countries; afterwards no file is opened."""
    phonenumbers.PhoneMetadata.load_all()


def _read(written: str) -> str:
    try:
        number = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
