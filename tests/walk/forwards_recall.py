"""How well inline forwards of the corpora's fixtures are read: recall and precision by field and by mail program.

Run it with LAPWING_CORPORA set: `.venv/bin/python tests/walk/forwards_recall.py`. Each fixture is the text of a cover
mail, the expected fields stand beside it. Recall is of the fields that are expected, precision of those that were
given; whatever is wrong is listed by the fixture's number. `forwards_recall_test.py` holds the list.
"""

import base64
import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from intake import mime  # noqa: E402
from intake.formats import Found, Opened, open_submission  # noqa: E402
from intake.header import mailboxes  # noqa: E402
from tests import corpora  # noqa: E402

FOLDER = Path("format-fixture") / "crisp-fwd"
FIELDS = ("recognised", "from", "subject", "date", "to", "cc", "body", "note")
_VARIANT = re.compile(r"(_[a-z]{2})?(_[a-z]{2})?_body.*|_body.*")
_MEANT_DATE = re.compile(r"\d{4}|\d{1,2}[.:/-]\d{1,2}")


class Outcome(NamedTuple):
    """One field of one fixture: `asked` and `given` say whether it was expected, and whether we gave one."""

    fixture: str
    client: str
    field: str
    asked: bool
    given: bool
    right: bool


def outcomes(pack: Path) -> Iterator[Outcome]:
    """Every field of every fixture of the pack."""
    programs = clients(pack)
    for path in sorted((pack / FOLDER).glob("*.expected.json")):
        number = path.name.partition(".")[0]
        case = json.loads(path.read_text())
        text = path.with_name(f"{number}.txt").read_text(encoding="utf-8")
        for field, (want, got) in compared(case, opened(case, text)).items():
            yield Outcome(number, programs.get(number, "?"), field, want is not None, got is not None, want == got)


def clients(pack: Path) -> dict[str, str]:
    """Fixture's number -> mail program and language, as the source's file name has them."""
    with (pack / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith(FOLDER.as_posix())]
    return {Path(row["path"]).stem: _VARIANT.sub("", Path(row["source_path"]).stem) for row in rows}


def opened(case: dict[str, Any], text: str) -> Opened:
    """The fixture's text as the body of a cover mail with the fixture's subject."""
    head = f"From: r@example.org\nSubject: {case.get('subject_text') or ''}\nContent-Type: text/plain; charset=utf-8\n"
    data = (head + "Content-Transfer-Encoding: base64\n\n").encode() + base64.encodebytes(text.encode())
    return open_submission(data, cover=True)


def compared(case: dict[str, Any], result: Opened) -> dict[str, tuple[Any, Any]]:
    """Field -> (what is expected, what we gave); None for nothing."""
    found = result.found[0]
    forward = found.format == "inline_forward"
    out: dict[str, tuple[Any, Any]] = {"recognised": (case["forwarded"] or None, forward or None)}
    if not (forward and case["forwarded"]):
        return out | {field: (case[field], None) for field in ("from", "subject", "body") if case.get(field)}
    got = given(result, found)
    sender = case["from"]
    out["from"] = ([(sender["name"] or "", sender["address"])], got["from"])
    out["subject"] = (case["subject"] or None, got["subject"])
    out["date"] = (True if case["date_nonempty"] else None, bool(_MEANT_DATE.search(got["date"] or "")) or None)
    for field in ("to", "cc"):
        out |= {field: (want, got[field]) for want in [people(case, field)] if want is not None}
    if case.get("to_addresses"):
        out["to"] = (case["to_addresses"], [address for _, address in got["to"] or []])
    if "to_0" in case:
        out["to"] = (people({"to": [case["to_0"]]}, "to"), (got["to"] or [None])[:1])
    if "body" in case:
        out["body"] = (case["body"].strip() or None, got["body"])
    if "message" in case:
        out["note"] = ((case["message"] or "").strip() or None, got["note"])
    return out


def people(case: dict[str, Any], field: str) -> list[tuple[str, str]] | None:
    """Names and addresses that are expected; None where the fixture says nothing."""
    if not case.get(field):
        return None
    return [(one["name"] or "", one["address"] or "") for one in case[field]]


def given(result: Opened, found: Found) -> dict[str, Any]:
    data = result.made[found.source].data
    tree = mime.split(data)
    value = {name: mime.first(data, tree.root, name) or None for name in ("from", "to", "cc", "date", "subject")}
    both = {
        name: [(one.name, one.address) for one in mailboxes(value[name] or "")[0]] or None
        for name in ("from", "to", "cc")
    }
    body = data[tree.root.body_start : tree.root.end].decode().strip()
    return value | both | {"body": body or None, "note": found.claims.note or None}


def wrong(all_of: list[Outcome]) -> dict[str, list[str]]:
    """Fixture's number -> the fields that are wrong there."""
    out: dict[str, list[str]] = {}
    for one in all_of:
        if not one.right:
            out.setdefault(one.fixture, []).append(one.field)
    return out


def _line(name: str, some: list[Outcome]) -> str:
    asked, given_, right = (Counter[bool](values) for values in (
        (one.asked for one in some), (one.given for one in some), (one.right and one.asked for one in some)
    ))  # fmt: skip
    recall, precision = right[True] / max(asked[True], 1), right[True] / max(given_[True], 1)
    return f"{name:<24} {asked[True]:>5} {given_[True]:>5} {right[True]:>5} {recall:>7.3f} {precision:>9.3f}"


def main() -> None:
    pack = corpora.found()
    if pack is None:
        sys.exit(corpora.ABSENT)
    all_of = list(outcomes(pack))
    print(f"{'':<24} {'asked':>5} {'given':>5} {'right':>5} {'recall':>7} {'precision':>9}")
    for field in FIELDS:
        print(_line(field, [one for one in all_of if one.field == field]))
    print()
    for client in sorted({one.client for one in all_of}):
        print(_line(client, [one for one in all_of if one.client == client]))
    print("\nwrong:")
    for number, fields in wrong(all_of).items():
        print(f"  {number}: {', '.join(fields)}")


if __name__ == "__main__":
    main()
