"""Meant: whom or what somebody means who asks to erase: an address, a pseudonym, a submission, a report, a reference.

An address, an account or a network address is turned into pseudonyms here and goes no further: neither audit nor log
nor any record learns it. Everybody who is known under it is meant: as sender of mail or account, and as the contact
that was typed into a form.
"""

import ipaddress
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from deploy.wiring import LINE, House
from intake.accept import submission_of
from intake.additions import additions_to, root_of
from intake.errors import Refused
from intake.gate import source_of
from intake.outcomes import reference_of
from intake.report import Report, Reporter, pseudonym
from intake.store import every
from intake.submission import Submission, Unpacked
from intake.unpack import reporter_of
from intake.vault import keys

Name = tuple[str, str]
UNKNOWN = "nothing here goes by that: name an address, or the id of a reporter, submission or report, or a reference"


class Meant(NamedTuple):
    """What is meant, as kind and ids, never as an address: these reporters, or these submissions."""

    kind: str
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} {' '.join(self.ids)}"


def meant(house: House, text: str) -> Meant:
    """What that text means; `Refused('unknown')`, which doesn't repeat it, when it is nothing that is kept."""
    archive, words = house.archive, text.strip()
    if archive.get(Submission, words) is not None:
        return Meant(Submission.kind, (words,))
    report = archive.get(Report, words)
    if report is not None:
        return Meant(Submission.kind, (report.submission,))
    submissions = _referred(house, words)
    if submissions:
        return Meant(Submission.kind, submissions)
    coming = {each.reporter.id for each in not_unpacked(house)}
    names = dict.fromkeys((words, *_pseudonyms(house, words)))
    people = tuple(each for each in names if each in coming or archive.get(Reporter, each) is not None)
    if not people:
        raise Refused("unknown", UNKNOWN)
    return Meant(Reporter.kind, people)


def _pseudonyms(house: House, words: str) -> Iterator[str]:
    """Under which an address, an account or a network address is known."""
    secret, address = house.secret("reporter"), words.strip("<>").strip()
    yield pseudonym(secret, address)
    yield pseudonym(secret, f"unverified {address.lower()}")
    try:
        network = source_of(str(ipaddress.ip_address(address.strip("[]"))))
    except ValueError:
        return
    yield pseudonym(secret, f"[{network}]")


def _referred(house: House, words: str) -> tuple[str, ...]:
    """The submissions with that public reference: several where a key was sent again after a door died."""
    ref = submission_of(keys.door(house.keys), words)
    if ref is None:
        return ()
    if house.archive.get(Submission, ref) is not None:
        return (ref,)
    first = house.archive.get(Submission, house.receipts.submission_of(ref))
    if first is None:
        return ()
    same = every(house.store, Submission, {"sha256": first.sha256})
    return tuple(sorted(each.id for each in same if reference_of(each) == ref))


def owners_of(house: House, what: Meant) -> list[Name]:
    """What has to go: submissions with what was added to them, or reporters with all that they handed in.

    A member of the public of whom nothing is left goes with the last of it.
    """
    people = what.ids if what.kind == Reporter.kind else ()
    submissions = set(what.ids) if what.kind == Submission.kind else set()
    for each in people:
        submissions |= {one.submission for one in every(house.store, Report, {"reporter": each})}
        submissions |= {one.submission for one in every(house.store, Unpacked, {"reporter": each})}
    waiting = list(not_unpacked(house))
    submissions |= {each.submission.id for each in waiting if each.reporter.id in people}
    submissions |= set(additions_to(house.archive, sorted(submissions)))
    submissions |= {each.submission.id for each in waiting if each.root in submissions}
    last = left_alone(house, submissions) - set(people)
    return [*((Reporter.kind, each) for each in (*people, *sorted(last))),
            *((Submission.kind, each) for each in sorted(submissions))]  # fmt: skip


class Waiting(NamedTuple):
    """A submission that is not unpacked yet, what it adds to in the end (itself, when to nothing), its reporter."""

    submission: Submission
    root: str
    reporter: Reporter


def not_unpacked(house: House) -> Iterator[Waiting]:
    """Those that wait to be unpacked or are on hold there."""
    waiting = house.archive.get_all(Submission, house.work.keys(LINE[0].name))
    done, feeds = house.archive.get_all(Unpacked, waiting), house.unpacking.feeds()
    for id_, each in sorted(waiting.items()):
        if id_ not in done:
            root = root_of(house.archive, each) or each
            yield Waiting(each, root.id, reporter_of(house.unpacking, root, feeds))


def left_alone(house: House, submissions: set[str]) -> set[str]:
    """The members of the public of whom nothing is kept but these submissions; a feed goes on reporting."""
    found = house.archive.get_all(Unpacked, submissions).values()
    people = house.archive.get_all(Reporter, {each.reporter for each in found})
    return {name for name, each in people.items() if each.class_ == "public" and _no_more(house, name, submissions)}


def _no_more(house: House, reporter: str, submissions: set[str]) -> bool:
    unpacked = (each.submission for each in every(house.store, Unpacked, {"reporter": reporter}))
    reports = (each.submission for each in every(house.store, Report, {"reporter": reporter}))
    return all(each in submissions for each in chain(unpacked, reports))
