"""STEP unpack: a submission becomes its reports.

The bytes are opened in a parsing child. What comes back is believed only as far as it can be checked: every slice must
lie inside bytes that we hold, and digests are taken here. Every item of a submission gets a verdict; a submission whose
child was killed gets the verdict 'not-fully-examined', and its bytes stay. What a person told in the form goes into
the claims of every report of the submission; a loss or a lane of others is a report even where nothing else is one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from intake.additions import addition, by_public, further, lost, root_of, taken_back, withdrawal_of, withdrawn
from intake.archive import Archive
from intake.errors import Refused, Temporary
from intake.feed import ACCOUNT, Feeds
from intake.formats.opened import Found, Made, Opened
from intake.gate import source_of
from intake.parsing import Given, NotExamined, Parser
from intake.record import Record, Value, canonical, name_of, sha256
from intake.report import Claims, ConsentEnd, Decoding, Report, Reporter, pseudonym
from intake.submission import REST, Addition, Submission, Told, Unpacked, Verdict
from intake.tables import Table, keep_table
from intake.work import Work

JOB = "unpack"
COVERED = frozenset({"smtp", "mailbox"})
"""Channels whose submission is the reporter's own mail, which carries what is reported."""
ELSEWHERE = ("life", "child-abuse", "police", "sms")
"""Lanes of others' matters: what a person tells of one is a report also without a message."""
GROUP = 32 << 20
"""Bytes of submissions that are opened side by side, unless one is larger."""
PATIENCE = 3600.0
"""Seconds after which something that is added waits no more for what it adds to, which then can't be coming."""
NOT_KEPT = "what this adds to is not kept here"
NOT_PUBLIC = "nothing can be added by reference to what this names"


class About(Value, frozen=True):
    """What the child is told beside the bytes."""

    filename: str
    cover: bool
    pasted: bool = False
    """A person pasted it: if nothing in it is a report, all of it is the text of the message."""
    trapped: bool = False
    """It came to a trap, so that it is what is reported, not a cover of that."""


class Known(Value, frozen=True):
    """A reporter whom the settings name: class and the edges of their mail service."""

    class_: str
    edges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the step needs: `secret` keys the hash of reporters' addresses, `known` is by address or by domain, `feeds`
    are those that are kept now, `pending` says whether a submission is still to be unpacked and not on hold.
    """

    archive: Archive
    parser: Parser
    work: Work
    secret: bytes
    known: Mapping[str, Known]
    feeds: Callable[[], Feeds]
    clock: Callable[[], datetime]
    pending: Callable[[str], bool]


@dataclass(slots=True)
class _Draft:
    """What will be kept of one submission; `root` is the one that it adds to, or itself; `refused` is why it can't add
    to what it names."""

    submission: Submission
    root: Submission
    refused: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    decodings: list[Decoding] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    tables: dict[int, Table] = field(default_factory=dict)
    """By the place of their verdicts."""
    others: list[Record] = field(default_factory=list)


def unpack(tools: Tools, keys: Sequence[str]) -> None:
    """Unpack these submissions; doing it again changes nothing. `Refused('erased')` when one is not kept any more,
    `Temporary` while one adds to what is still coming.
    """
    archive, feeds = tools.archive, tools.feeds()
    done = archive.get_all(Unpacked, keys)
    groups = _groups(archive, [key for key in keys if key not in done])
    drafts = [draft for group in groups for draft in _drafts(tools, group, feeds)]
    people = {draft.submission.id: reporter_of(tools, draft.root, feeds) for draft in drafts}
    for draft in drafts:
        _add(archive, draft)
        draft.reports = [_with_reporter(report, people[draft.submission.id]) for report in draft.reports]
    _take_back(archive, drafts)
    archive.keep_all([*people.values()])
    for draft in drafts:
        for place, table in draft.tables.items():
            draft.verdicts[place] = keep_table(archive, table, people[draft.submission.id].id)
    kept = _keep_reports(archive, drafts)
    tools.work.put("enrich", kept)
    archive.keep_all([_unpacked(draft, kept, people[draft.submission.id]) for draft in drafts])


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


def _drafts(tools: Tools, submissions: Sequence[Submission], feeds: Feeds) -> list[_Draft]:
    drafts = [_rooted(tools, each, feeds) for each in submissions]
    given = [
        Given(lane, tools.archive.bytes_of(each), _about(each, reporter_of(tools, each, feeds).class_))
        for lane, each in enumerate(submissions)
    ]
    results = tools.parser.run_all(JOB, given, Opened)
    return [_draft(tools, *each) for each in zip(drafts, (each.data for each in given), results, strict=True)]


def _rooted(tools: Tools, submission: Submission, feeds: Feeds) -> _Draft:
    """The empty draft: of what adds to nothing, or can't, the root is itself."""
    root = root_of(tools.archive, submission)
    if root is None:
        age = (tools.clock() - submission.received).total_seconds()
        if age < PATIENCE and not lost(tools.archive, submission):
            raise Temporary("what this adds to has not been read yet", min(max(age, 2.0), 600.0))
        return _Draft(submission, submission, NOT_KEPT)
    if root is not submission and tools.pending(root.id):
        raise Temporary("what this adds to has not been opened yet", 2.0)
    if root is not submission and not _public(tools, root, feeds):
        return _Draft(submission, submission, NOT_PUBLIC)
    return _Draft(submission, root)


def _public(tools: Tools, root: Submission, feeds: Feeds) -> bool:
    unpacked = tools.archive.get(Unpacked, root.id)
    if unpacked is None:  # on hold
        return reporter_of(tools, root, feeds).class_ == "public"
    return by_public(tools.archive, unpacked)


def _about(submission: Submission, class_: str) -> About:
    pasted, cover = submission.envelope.told.how in ("source", "text"), submission.channel in COVERED
    return About(filename=submission.filename, cover=cover, pasted=pasted, trapped=cover and class_ == "trap")


def _draft(tools: Tools, draft: _Draft, data: bytes, opened: Opened | NotExamined) -> _Draft:
    submission = draft.submission
    if submission.envelope.told.adds in ("loss", "withdrawal", "no-consent"):
        return draft
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
    _tell(draft, draft.root.envelope.told)
    return draft


def _tell(draft: _Draft, told: Told) -> None:
    """Put what the person told into the claims of every report, or of one that has nothing else."""
    if told == Told():
        return
    draft.reports = [_with_told(report, told) for report in draft.reports]
    if not draft.reports and (told.loss or told.lane in ELSEWHERE):
        _claim(draft, told)


def _with_told(report: Report, told: Told) -> Report:
    claims = report.claims
    note = "\n".join(each for each in (told.note, claims.note) if each)
    more = {
        "lane": told.lane or claims.lane,
        "given": told.given,
        "consent": told.consent,
        "loss": told.loss or claims.loss,
    }
    return msgspec.structs.replace(report, claims=msgspec.structs.replace(claims, note=note, **more))


def _claim(draft: _Draft, told: Told) -> None:
    """A report of what was told alone, without a message."""
    empty = sha256(b"")
    bare = Report(
        id="", reporter="", submission=draft.submission.id, format="told", source=Submission.kind, start=0, end=0,
        sha256=empty, missing=("headers", "received", "body"),
    )  # fmt: skip
    draft.reports.append(_with_told(bare, told))
    draft.verdicts.append(Verdict(code="report", sha256=empty, format="told"))


def _add(archive: Archive, draft: _Draft) -> None:
    """Carry out what the submission adds to its root."""
    told = draft.submission.envelope.told
    if draft.refused:
        draft.verdicts.append(Verdict(code="not-a-report", says=draft.refused))
    elif told.of:
        draft.others.append(addition(draft.submission, draft.root))
        if told.adds == "withdrawal":
            draft.others += withdrawn(archive, draft.submission, draft.root)
            draft.verdicts.append(Verdict(code="withdrawal", says="the reporter takes it back"))
        elif told.adds == "no-consent":
            back = addition(draft.submission, draft.root)
            draft.others.append(ConsentEnd(submission=back.of, by=back.submission, at=back.at))
            draft.verdicts.append(Verdict(code="withdrawal", says="the reporter agrees no more to being named"))
        elif told.adds == "loss":
            _add_loss(archive, draft, told)


def _take_back(archive: Archive, drafts: Sequence[_Draft]) -> None:
    """What is withdrawn, or added to something withdrawn, is taken back, whichever is read first."""
    made = (each for draft in drafts for each in draft.others if isinstance(each, Addition))
    gone = {each.of: each for each in made if each.what == "withdrawal"}
    for draft in drafts:
        if draft.reports:
            back = gone.get(draft.root.id) or withdrawal_of(archive, draft.root.id)
            draft.others += [taken_back(each, back) for each in _first_here(archive, draft)] if back else []


def _first_here(archive: Archive, draft: _Draft) -> list[Report]:
    """Its reports but those that another submission reported first."""
    known = archive.get_all(Report, [each.id for each in draft.reports])
    return [each for each in draft.reports if known.get(each.id, each).submission == each.submission]


def _add_loss(archive: Archive, draft: _Draft, told: Told) -> None:
    draft.reports, left = further(archive, draft.root, told)
    draft.verdicts += [Verdict(code="report", sha256=each.sha256, format=each.format) for each in draft.reports]
    if left:
        draft.verdicts.append(Verdict(code="limit", says=f"{left} more messages, to which the loss was not added"))
    if not draft.reports:
        _claim(draft, told)


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
    source = Submission.kind if found.source < 0 else names[found.source]
    if found.sheets:
        draft.tables[len(draft.verdicts)] = Table(draft.submission.id, found, source, digest)
    if found.verdict == "report":
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
    """Write the decodings that reports and tables are slices of, and those that these were made from."""
    wanted = {report.source for report in draft.reports} | {table.source for table in draft.tables.values()}
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


def reporter_of(tools: Tools, submission: Submission, feeds: Feeds) -> Reporter:
    """Who handed this in: a feed, the account, or the envelope sender; their edges as registered, or the address's
    domain. Nobody is a feed by the address that they write in the envelope.

    An address typed into a form is a reporter of its own, never one of those whom we know: anybody can type it. Of
    strangers without a name those from one network address (IPv4 /32, IPv6 /64) count as one.
    """
    envelope = submission.envelope
    feed = feeds.of(envelope, submission.received)
    if feed is not None:
        return _reporter(tools, ACCOUNT + feed.name, feed.class_, feed.edges)
    if envelope.told.contact and not (envelope.account or envelope.mail_from):
        return _unverified(tools, envelope.told.contact.strip().lower())
    peer = f"[{source_of(envelope.peer)}]" if envelope.peer else ""
    address = (envelope.account or envelope.mail_from.strip("<>") or peer).strip().lower()
    if address.startswith(ACCOUNT):
        address = f"<{address}>"
    domain = address.rpartition("@")[2]
    known = tools.known.get(address) or tools.known.get(domain) or Known(class_="public", edges=())
    edges = known.edges or ((domain,) if "." in domain else ())
    return _reporter(tools, address, known.class_, edges)


def _reporter(tools: Tools, address: str, class_: str, edges: tuple[str, ...]) -> Reporter:
    return Reporter(id=pseudonym(tools.secret, address), address=address, class_=class_, edges=edges)


def _unverified(tools: Tools, address: str) -> Reporter:
    id_ = pseudonym(tools.secret, f"unverified {address}")
    edges, voice = (address.rpartition("@")[2],), pseudonym(tools.secret, address)
    return Reporter(id=id_, address=address, edges=edges, unverified=True, voice=voice)


def _with_reporter(report: Report, reporter: Reporter) -> Report:
    words = (report.claims.note, report.claims.loss)
    said = _said(report.claims) if report.start == report.end else canonical(words) if any(words) else b""
    id_ = "r" + name_of(reporter.id, report.sha256, said)[:20]
    return msgspec.structs.replace(report, reporter=reporter.id, id=id_)


def _said(claims: Claims) -> bytes:
    """What makes a claim without a message the same as another one of this reporter: what they call it, where they
    have a name for it, and what it is about; else all of it. The name alone isn't trusted to be used once."""
    if not claims.report_id:
        return canonical(claims)
    about = (claims.feedback_type, claims.source_ip, claims.reported_uri, claims.reported_domain, claims.arrival_date)
    return canonical(("report-id", claims.report_id, *about))


def _keep_reports(archive: Archive, drafts: Sequence[_Draft]) -> dict[str, Report]:
    """Keep decodings and reports; what is now kept under each report's id."""
    records: list[Record] = []
    for draft in drafts:
        records += [*draft.decodings, *draft.reports, *draft.others]
    return {each.id: each for each in archive.keep_all(records) if isinstance(each, Report)}


def _unpacked(draft: _Draft, kept: Mapping[str, Report], reporter: Reporter) -> Unpacked:
    """Every verdict with its report; one that was reported before by the same reporter is a duplicate."""
    reports = iter(draft.reports)
    seen: set[str] = set()
    verdicts = []
    for verdict in draft.verdicts:
        if verdict.code != "report":
            verdicts.append(verdict)
            continue
        mine = next(reports)
        again = mine.id in seen or kept[mine.id].submission != mine.submission
        seen.add(mine.id)
        verdicts.append(
            Verdict(
                code="duplicate" if again else "report", report=mine.id, name=verdict.name, sha256=verdict.sha256,
                format=verdict.format,
                says="the same reporter handed in this message before" if again else verdict.says,
            )
        )  # fmt: skip
    return Unpacked(
        submission=draft.submission.id, verdicts=tuple(verdicts),
        kept_as=reporter.class_ if draft.reports or draft.tables else REST,
        day=draft.submission.received.date().isoformat(), reporter=reporter.id,
    )  # fmt: skip
