"""STEP unpack: a submission becomes its reports.

The bytes are opened in a parsing child. What comes back is believed only as far as it can be checked: every slice must
lie inside bytes that we hold, and digests are taken here. Every item of a submission gets a verdict; a submission whose
child was killed gets the verdict 'not-fully-examined', and its bytes stay.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from intake.archive import Archive
from intake.errors import Refused
from intake.formats.opened import Found, Made, Opened
from intake.gate import source_of
from intake.parsing import Given, NotExamined, Parser
from intake.record import Record, Value, canonical, name_of, sha256
from intake.report import Decoding, Report, Reporter
from intake.submission import Submission, Unpacked, Verdict
from intake.work import Work

JOB = "unpack"
GROUP = 32 << 20
"""Bytes of submissions that are opened side by side, unless one is larger."""


class About(Value, frozen=True):
    """What the child is told beside the bytes."""

    filename: str
    cover: bool


class Known(Value, frozen=True):
    """A reporter whom the settings name: class and the edges of their mail service."""

    class_: str
    edges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the step needs: `secret` keys the hash of reporters' addresses, `known` is by address or by domain."""

    archive: Archive
    parser: Parser
    work: Work
    secret: bytes
    known: Mapping[str, Known]


@dataclass(slots=True)
class _Draft:
    """What will be kept of one submission."""

    submission: Submission
    verdicts: list[Verdict] = field(default_factory=list)
    decodings: list[Decoding] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)


def unpack(tools: Tools, keys: Sequence[str]) -> None:
    """Unpack these submissions; doing it again changes nothing. `Refused('erased')` when one is not kept any more."""
    archive = tools.archive
    done = archive.get_all(Unpacked, keys)
    groups = _groups(archive, [key for key in keys if key not in done])
    drafts = [draft for group in groups for draft in _drafts(tools, group)]
    people = {draft.submission.id: reporter_of(tools, draft.submission) for draft in drafts}
    for draft in drafts:
        draft.reports = [_with_reporter(report, people[draft.submission.id]) for report in draft.reports]
    archive.keep_all([*people.values()])
    kept = _keep_reports(archive, drafts)
    tools.work.put("enrich", kept)
    archive.keep_all([_unpacked(draft, kept) for draft in drafts])


def _groups(archive: Archive, keys: Sequence[str]) -> Iterator[list[Submission]]:
    """These submissions, as many at a time as may be in memory together."""
    found = archive.get_all(Submission, keys)
    group: list[Submission] = []
    for key in keys:
        if key not in found:
            raise Refused("erased", "this submission is not kept any more")
        if group and sum(each.size for each in group) + found[key].size > GROUP:
            yield group
            group = []
        group.append(found[key])
    yield group


def _drafts(tools: Tools, submissions: Sequence[Submission]) -> list[_Draft]:
    given = [
        Given(lane, tools.archive.bytes_of(each), About(filename=each.filename, cover=each.channel == "smtp"))
        for lane, each in enumerate(submissions)
    ]
    results = tools.parser.run_all(JOB, given, Opened)
    return [
        _draft(tools, submission, each.data, result)
        for submission, each, result in zip(submissions, given, results, strict=True)
    ]


def _draft(tools: Tools, submission: Submission, data: bytes, opened: Opened | NotExamined) -> _Draft:
    draft = _Draft(submission)
    try:
        if isinstance(opened, NotExamined):
            raise opened
        sources = _sources(data, opened.made)
    except NotExamined as error:
        draft.verdicts.append(_not_examined(submission, error.reason))
        return draft
    names = [name_of("decoding", submission.id, str(index)) for index in range(len(opened.made))]
    for found in opened.found:
        _take(draft, found, sources, names)
    _keep_sources(tools.archive, draft, opened.made, names)
    return draft


def _not_examined(submission: Submission, reason: str) -> Verdict:
    says = f"the parser gave up on these bytes ({reason}); they are kept and can be looked at by a person"
    return Verdict(code="not-fully-examined", says=says, sha256=submission.sha256)


def _sources(data: bytes, made: Sequence[Made]) -> dict[int, bytes]:
    """The bytes by source number; `NotExamined` when a decoding claims to come from where nothing is."""
    sources = {-1: data}
    for index, each in enumerate(made):
        if each.source >= index or not 0 <= each.start <= each.end <= len(sources.get(each.source, b"")):
            raise NotExamined("shape")
        sources[index] = each.data
    return sources


def _take(draft: _Draft, found: Found, sources: Mapping[int, bytes], names: Sequence[str]) -> None:
    """Add a report, or a verdict that says why there is none."""
    whole = sources.get(found.source)
    if whole is None or not 0 <= found.start <= found.end <= len(whole):
        draft.verdicts.append(_not_examined(draft.submission, "shape"))
        return
    digest = sha256(memoryview(whole)[found.start : found.end])
    if found.verdict == "report":
        source = Submission.kind if found.source < 0 else names[found.source]
        draft.reports.append(
            Report(
                id="", reporter="", submission=draft.submission.id, format=found.format, source=source,
                start=found.start, end=found.end, sha256=digest, claims=found.claims, missing=found.missing,
                name=found.name,
            )
        )  # fmt: skip
    verdict = Verdict(code=found.verdict, says=found.says, name=found.name, sha256=digest, format=found.format)
    draft.verdicts.append(verdict)


def _keep_sources(archive: Archive, draft: _Draft, made: Sequence[Made], names: Sequence[str]) -> None:
    """Write the decodings that reports are slices of, and those that these were made from."""
    wanted = {report.source for report in draft.reports}
    for index in range(len(made) - 1, -1, -1):
        if names[index] in wanted and made[index].source >= 0:
            wanted.add(names[made[index].source])
    for index, each in enumerate(made):
        if names[index] in wanted:
            parts = archive.write_parts((Submission.kind, draft.submission.id), each.data)
            draft.decodings.append(
                Decoding(
                    id=names[index], submission=draft.submission.id,
                    source=Submission.kind if each.source < 0 else names[each.source], start=each.start, end=each.end,
                    name=each.name, version=each.version, sha256=sha256(each.data), size=len(each.data), parts=parts,
                )
            )  # fmt: skip


def reporter_of(tools: Tools, submission: Submission) -> Reporter:
    """Who handed this in: the account, or the envelope sender; their edges as registered, or the address's domain.

    Of strangers without a name those from one network address (IPv4 /32, IPv6 /64) count as one.
    """
    envelope = submission.envelope
    peer = f"[{source_of(envelope.peer)}]" if envelope.peer else ""
    address = (envelope.account or envelope.mail_from.strip("<>") or peer).strip().lower()
    domain = address.rpartition("@")[2]
    known = tools.known.get(address) or tools.known.get(domain) or Known(class_="public", edges=())
    edges = known.edges or ((domain,) if "." in domain else ())
    id_ = "p" + name_of("reporter", hmac.digest(tools.secret, address.encode(), "sha256"))[:16]
    return Reporter(id=id_, address=address, class_=known.class_, edges=edges)


def _with_reporter(report: Report, reporter: Reporter) -> Report:
    told = (report.claims.note, report.claims.loss)
    said = canonical(report.claims) if report.start == report.end else canonical(told) if any(told) else b""
    changes: dict[str, Any] = {"reporter": reporter.id, "id": "r" + name_of(reporter.id, report.sha256, said)[:20]}
    return Report(**{name: getattr(report, name) for name in report.__struct_fields__} | changes)


def _keep_reports(archive: Archive, drafts: Sequence[_Draft]) -> dict[str, Report]:
    """Keep decodings and reports; what is now kept under each report's id."""
    records: list[Record] = []
    for draft in drafts:
        records += [*draft.decodings, *draft.reports]
    return {each.id: each for each in archive.keep_all(records) if isinstance(each, Report)}


def _unpacked(draft: _Draft, kept: Mapping[str, Report]) -> Unpacked:
    """Every verdict with its report; one that was reported before by the same reporter is a duplicate."""
    reports = iter(draft.reports)
    seen: set[str] = set()
    verdicts = []
    for verdict in draft.verdicts:
        if verdict.code != "report":
            verdicts.append(verdict)
            continue
        mine = next(reports)
        again = mine.id in seen or kept[mine.id].submission != draft.submission.id
        seen.add(mine.id)
        verdicts.append(
            Verdict(
                code="duplicate" if again else "report", report=mine.id, name=verdict.name, sha256=verdict.sha256,
                format=verdict.format, says="the same reporter handed in this message before" if again else "",
            )
        )  # fmt: skip
    return Unpacked(submission=draft.submission.id, verdicts=tuple(verdicts))
