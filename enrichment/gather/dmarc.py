"""DMARC: whether an authenticated domain belongs to the domain in From, by two rules that are both kept.

RFC 9989 finds the organisation by walking up the DNS tree, RFC 7489 by the public suffix list. Receivers in the field
run either, and a request must not say 'the owner asks to reject' from one alone; where both agree there is one Check.
Nothing is verified here: the result rests on the SPF and DKIM results that are passed in, and says so.
"""

from typing import NamedTuple

from enrichment.examination import Check
from enrichment.facts import Lookup
from enrichment.gather.asked import Asked, cite, why_open
from enrichment.gather.keys import tags
from intake.domains import registrable
from intake.record import Cite

POLICIES = ("none", "quarantine", "reject")
_LONGEST_WALK = 8


class Identity(NamedTuple):
    """A domain with the result of SPF or DKIM for it; domain '' where it is not known whose it would be."""

    method: str
    domain: str
    result: str


class _Record(NamedTuple):
    """The policy record of `name`: its tags, None where there is none; `open_` says why that is not known."""

    name: str
    tags: dict[str, str] | None
    open_: str = ""
    lookup: Lookup | None = None


class _View(NamedTuple):
    """What one rule found: the records asked in order, the one that applies, and how to compare domains."""

    rule: str
    start: str
    seen: tuple[_Record, ...]
    applies: _Record | None
    own_open: str


def dmarc(domain: str, identities: tuple[Identity, ...], asked: Asked, cites: tuple[Cite, ...]) -> tuple[Check, ...]:
    """The Checks for mail whose From names `domain` (A-labels): one, or two where the rules differ, 9989 first."""
    tree, says = _judge(_tree_view(domain, asked), identities, asked, cites)
    suffix, also = _judge(_suffix_view(domain, asked), identities, asked, cites)
    same = (tree.result, tree.aligned, says) == (suffix.result, suffix.aligned, also)
    return (tree,) if same else (tree, suffix)


def walk(domain: str) -> list[str]:
    """The names that the tree walk visits, `domain` first and the top level last (RFC 9989 section 4.10)."""
    labels = domain.split(".")
    rest = labels[1:] if len(labels) < _LONGEST_WALK else labels[1 - _LONGEST_WALK :]
    return [domain] + [".".join(rest[start:]) for start in range(len(rest))]


def _record(name: str, asked: Asked) -> _Record:
    """The one valid record of `name`; several make none (RFC 9989 section 4.10)."""
    lookup = asked.get("TXT", f"_dmarc.{name}")
    why = why_open(lookup)
    if lookup is None or why:
        return _Record(name, None, why)
    valid = [each for each in lookup.answers if each.partition(";")[0].replace(" ", "") == "v=DMARC1"]
    return _Record(name, tags(valid[0][:4096]) if len(valid) == 1 else None, "", lookup)


def _tree_view(domain: str, asked: Asked) -> _View:
    seen = _climb(domain, asked)
    organisation = _organisation(domain, seen)
    found = {each.name: each for each in seen if each.tags is not None}
    public = next((each for each in seen[1:] if each.tags and each.tags.get("psd") == "y"), None)
    applies = found.get(domain) or found.get(organisation) or public
    return _View("RFC 9989 tree walk", domain, seen, applies, seen[0].open_)


def _climb(domain: str, asked: Asked) -> tuple[_Record, ...]:
    """The records up to the first with psd=n or psd=y; a name that is not answered does not end the walk."""
    seen: list[_Record] = []
    for name in walk(domain):
        seen.append(_record(name, asked))
        if (seen[-1].tags or {}).get("psd") in ("n", "y"):
            break
    return tuple(seen)


def _organisation(domain: str, seen: tuple[_Record, ...]) -> str:
    """The organisational domain (RFC 9989 section 4.10.2)."""
    last = seen[-1]
    psd = (last.tags or {}).get("psd")
    if psd == "n":
        return last.name
    if psd == "y" and last.name != domain:
        return ".".join(domain.split(".")[-last.name.count(".") - 2 :])
    return next((each.name for each in reversed(seen) if each.tags is not None), domain)


def _suffix_view(domain: str, asked: Asked) -> _View:
    names = dict.fromkeys((domain, registrable(domain) or domain))
    seen = tuple(_record(name, asked) for name in names)
    applies = next((each for each in seen if each.tags is not None), None)
    return _View("RFC 7489 suffix rule", domain, seen, applies, seen[0].open_)


def _judge(view: _View, identities: tuple[Identity, ...], asked: Asked, cites: tuple[Cite, ...]) -> tuple[Check, str]:
    """The Check that one rule comes to, and the policy that it found to apply, in words."""
    gaps = sorted({f"{each.open_}: _dmarc.{each.name}" for each in view.seen if each.open_ and "." in each.name})
    proofs = cites + tuple(proof for each in view.seen for proof in cite(each.lookup))
    if view.applies is None or view.applies.tags is None:
        result, says = ("unverifiable", "; ".join(gaps)) if gaps else ("none", "no policy published")
        return _check(view, result, says, None, proofs), ""
    result, aligned, why = _result(view, view.applies.tags, identities, asked)
    policy = _policy(view, view.applies, asked)
    says = "; ".join(part for part in (policy, why, *gaps) if part)
    return _check(view, result, says, aligned, proofs), policy


def _check(view: _View, result: str, says: str, aligned: bool | None, proofs: tuple[Cite, ...]) -> Check:
    return Check(
        method="dmarc",
        result=result,
        domain=view.start,
        reason=f"{view.rule}: {says}",
        basis="not-possible" if result == "unverifiable" else "recomputed",
        aligned=aligned,
        cites=proofs,
    )


def _result(
    view: _View, policy: dict[str, str], identities: tuple[Identity, ...], asked: Asked
) -> tuple[str, bool | None, str]:
    """(result, aligned, why). An identity that is open, or may be aligned, keeps the question open."""
    sure = maybe = False
    why = ""
    for each in identities:
        fits = _aligned(view, each, policy.get(f"a{each.method}", "r") == "s", asked)
        if each.result == "pass" and fits:
            sure, why = True, f"aligned {each.method} pass of {each.domain}"
            break
        if fits is not False and each.result in ("pass", "unverifiable", "temperror"):
            maybe = True
            why = f"{each.method} of {each.domain or 'the sender'} {each.result}"
    if sure:
        return "pass", True, why
    return ("unverifiable", None, why) if maybe else ("fail", False, "no aligned pass")


def _aligned(view: _View, identity: Identity, strict: bool, asked: Asked) -> bool | None:
    """Whether the identity belongs to the domain in From; None where that can't be said from what was answered."""
    if not identity.domain:
        return None
    if identity.domain == view.start:
        return True
    related = registrable(identity.domain) == registrable(view.start) != ""
    if strict:
        return False
    if view.rule.startswith("RFC 7489"):
        fits = related
    elif identity.domain.split(".")[-2:] != view.start.split(".")[-2:]:
        return False
    else:
        other = _climb(identity.domain, asked)
        if any(each.open_ and "." in each.name for each in (*view.seen, *other)):
            return None if related else False
        fits = _organisation(view.start, view.seen) == _organisation(identity.domain, other)
    return None if fits and view.own_open else fits  # a record of its own could ask for strict alignment


def _policy(view: _View, record: _Record, asked: Asked) -> str:
    """The policy that applies, in a few words; `p` missing or unknown counts as none (RFC 9989 section 4.7)."""
    found = record.tags or {}
    names = ["p"]
    if record.name != view.start:
        names = ["np", "sp", "p"] if asked.missing(view.start) else ["sp", "p"]
    tag = next((each for each in names if found.get(each, "").lower() in POLICIES), "")
    says = f"{tag}={found[tag].lower()} of {record.name}" if tag else f"p missing at {record.name}, read as none"
    return says + (", in testing (t=y)" if found.get("t") == "y" else "")
