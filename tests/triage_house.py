"""An archive in memory for triage tests: the real embedded store, and a vault that is always at once durable.

`reported` keeps a report with its examination, as intake and enrichment would.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from enrichment.examination import Boundary, Check, Examination
from enrichment.finding import Finding
from intake.message import derive
from intake.record import Record, name_of, sha256
from intake.report import Claims, Report
from intake.store import Place, row_of
from intake.store.sqlite import open_store
from triage.assess import assess
from triage.case import CaseEvent, Filing
from triage.fold import CaseView
from triage.scales import weigh
from triage.stream import current
from triage.weigh import Weighed, Weighing

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = b"s" * 32


def weigh_all(wanted: Sequence[Weighing]) -> list[Weighed]:
    """As the parsing children do it, in this process."""
    return [weigh(each) for each in wanted]


class House:
    """What triage needs of an archive: `store`, `get`, `keep` and their bulk forms. `kept`: in order."""

    def __init__(self) -> None:
        self.store = open_store(None)
        self.kept: list[Record] = []
        self.days = 0

    def get(self, type_: Any, key: str) -> Any:
        return self.store.get(type_, key)

    def get_all(self, type_: Any, keys: Iterable[str]) -> dict[str, Any]:
        return self.store.get_all(type_, keys)

    def keep(self, record: Any) -> Any:
        return self.keep_all([record])[0]

    def keep_all(self, records: Sequence[Any]) -> list[Any]:
        standing = self.store.begin([row_of(each) for each in records])
        new = [mine for mine, row in zip(records, standing, strict=True) if row.place is None and row.body == mine.body]
        self.kept += [each for each in new if (each.kind, each.key) not in {(k.kind, k.key) for k in self.kept}]
        place = Place(series="test", segment=0, offset=len(self.kept))
        self.store.finish({(row.kind, row.key): place for row in standing if row.place is None})
        return [type(mine).read(row.body) for mine, row in zip(records, standing, strict=True)]

    def clock(self) -> datetime:
        return AT + timedelta(days=self.days)

    def assess(self, *reports: str) -> None:
        assess(self, weigh_all, list(reports), self.clock, SECRET)  # type: ignore[arg-type]

    def case_of(self, report: str) -> CaseView:
        """The case that now holds the report."""
        filing = self.get(Filing, report)
        assert filing is not None, f"{report} is not filed"
        return current(self, filing.case)  # type: ignore[arg-type]

    def events(self, case: str) -> list[CaseEvent]:
        found = [self.get(CaseEvent, f"{case}/{n}") for n in range(1, 200)]
        return [each for each in found if each is not None]

    def partition(self, reports: Sequence[str]) -> set[frozenset[str]]:
        groups: dict[str, set[str]] = {}
        for report in reports:
            groups.setdefault(self.case_of(report).id, set()).add(report)
        return {frozenset(group) for group in groups.values()}


def mail(
    text: str,
    subject: str = "Hello",
    sender: str = "Shop <news@shop.test>",
    to: str = "Kim <kim@isp.test>",
    more: str = "",
) -> bytes:
    """A plain mail."""
    lines = f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n{more}"
    kind = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
    return (lines + kind + "\n" + text + "\n").replace("\n", "\r\n").encode()


def examined(
    data: bytes, report: str = "r", checks: Sequence[Check] = (), findings: Sequence[Finding] = (), ip: str = ""
) -> Examination:
    """The examination of these bytes."""
    boundary = Boundary(index=0, ip=ip, confidence="high") if ip else Boundary()
    return Examination(
        report=report, submission="s-" + report, round=1, at=AT, message=derive(data), boundary=boundary,
        checks=tuple(checks), findings=tuple(findings),
    )  # fmt: skip


def reported(
    house: House, data: bytes, reporter: str = "one", claims: Claims = Claims(), **more: Any
) -> str:  # fmt: skip
    """Keep a report and its examination; the report's id."""
    id_ = name_of("report", reporter, data, claims.note)
    report = Report(
        id=id_, reporter=reporter, submission="s-" + id_, format="raw", source="submission", start=0, end=len(data),
        sha256=sha256(data), claims=claims,
    )  # fmt: skip
    house.keep_all([report, examined(data, id_, **more)])
    return id_
