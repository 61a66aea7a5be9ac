"""Withheld: what a look at a report shows without the identity of the member of the public who handed it in.

Nobody needs it to work on a case: the pseudonym stands for it. Address, name and the addresses to which the mail was
delivered are withheld in every form that `referral/identity.py` knows, unless the reporter agrees to being named; then
they are shown, because the request may name them too. Whom the settings or feeds name is no member of the public.
"""

from typing import Any

import msgspec

from deploy.commands.desk import whole
from intake.archive import Archive
from intake.report import Report, Reporter
from referral.disclosure import identifiers
from referral.evidence import agreed, item_of
from referral.identity import Identifiers, leaks

OURS = frozenset({"report", "submission", "reporter", "sha256", "format"})
"""Members that hold our own ids and codes."""
TEXT = frozenset(" @.=%/+")
"""A value without one of these is a code of ours, or a word, unless it stands in the message or the claims."""


def withheld(archive: Archive, report: Report, found: dict[str, Any]) -> dict[str, Any]:
    """What `explain` found, as far as it may be shown."""
    reporter, item = archive.get(Reporter, report.reporter), item_of(archive, report.id)
    if reporter is None or reporter.class_ != "public" or agreed(archive, item):
        return found
    known = identifiers(reporter, item.examination, report.claims).in_our_words()
    if not leaks(msgspec.json.encode(whole(found)), known):
        return found
    return {
        name: value if name in OURS else _clean(value, known, name in ("message", "claims"))
        for name, value in found.items()
    }


def _clean(value: Any, known: Identifiers, words: bool) -> Any:
    """The value with every text in it scrubbed; single words too where they can be a name."""
    if isinstance(value, str):
        return known.scrub(value) if words or TEXT & set(value) else value
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        return msgspec.structs.replace(value, **{name: _clean(getattr(value, name), known, words) for name in names})
    if isinstance(value, dict):
        return {name: _clean(each, known, words) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_clean(each, known, words) for each in value)
    return value
