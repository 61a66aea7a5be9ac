"""Every file of the corpora pack is opened without an exception; labelled ones as their labels say.

The pack is not ours to publish: its folder is named by LAPWING_CORPORA, and without that these tests are skipped.
"""

import base64
import json
from collections import Counter
from pathlib import Path

import pytest

from intake import mime
from intake.formats import Found, Opened, open_submission, outlook_msg
from intake.header import mailboxes
from tests.corpora import files, pack


@pytest.fixture
def root() -> Path:
    return pack()


def test_every_file_has_at_least_one_outcome(root: Path) -> None:
    count: Counter[str] = Counter()
    for path in files(root):
        data = path.read_bytes()
        opened = open_submission(data, path.name)
        assert opened.found, path
        for found in opened.found:
            size = len(data) if found.source < 0 else len(opened.made[found.source].data)
            assert 0 <= found.start <= found.end <= size, path
            count[found.verdict] += 1
    print(dict(count))
    assert count["report"] > 5000


def test_reports_of_the_pack_are_read_as_feedback(root: Path) -> None:
    folders = ("report-abuse", "report-auth-failure", "report-opt-out", "report-untyped")
    mails = [path for folder in folders for path in sorted((root / folder).rglob("*.eml"))]
    read = [open_submission(path.read_bytes(), path.name, cover=True) for path in mails]
    arf = [opened for opened in read if opened.found[0].format == "arf"]
    print(f"{len(arf)} of {len(mails)} feedback reports read as ARF")
    assert len(arf) == len(mails) > 25
    assert sum(opened.found[0].end > opened.found[0].start for opened in arf) >= len(arf) - 1


def test_bounces_of_the_pack_are_bounces(root: Path) -> None:
    mails = sorted((root / "bounce").rglob("*.eml"))
    codes = Counter(open_submission(path.read_bytes(), path.name).found[0].verdict for path in mails)
    print(f"{codes['bounce'] + codes['auto-reply']} of {len(mails)} bounces recognised")
    assert codes["bounce"] + codes["auto-reply"] >= len(mails) - 8


def test_spam_and_ham_of_the_pack_are_not_called_bounces(root: Path) -> None:
    folders = ("phishing", "phishing-unconfirmed", "scam-lure", "advance-fee", "ham", "pharma", "spam-unspecified")
    mails = [path for folder in folders for path in sorted((root / folder).rglob("*.eml"))]
    wrong = [path for path in mails if open_submission(path.read_bytes()).found[0].verdict in ("bounce", "auto-reply")]
    assert wrong == []


def forwarded(case: dict, text: str) -> tuple[bytes, Opened]:
    """The fixture's text as the body of a cover mail with the fixture's subject."""
    head = f"From: r@example.org\nSubject: {case.get('subject_text') or ''}\nContent-Type: text/plain; charset=utf-8\n"
    data = (head + "Content-Transfer-Encoding: base64\n\n").encode() + base64.encodebytes(text.encode())
    return data, open_submission(data, cover=True)


def compared(case: dict, opened: Opened, found: Found) -> dict[str, bool]:
    data = opened.made[found.source].data
    root = mime.split(data).root
    sender = mailboxes(mime.first(data, root, "from"))[0]
    name, address = (sender[0].name, sender[0].address) if sender else ("", "")
    out = {
        "from": (name, address) == (case["from"]["name"] or "", case["from"]["address"]),
        "subject": mime.first(data, root, "subject") == case["subject"],
    }
    if "body" in case:
        out["body"] = data[root.body_start : root.end].decode().strip() == case["body"].strip()
    if "message" in case:
        out["note"] = found.claims.note == (case["message"] or "").strip()
    return out


def test_inline_forwards_of_the_fixtures_are_reproduced(root: Path) -> None:
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for path in sorted((root / "format-fixture" / "crisp-fwd").glob("*.expected.json")):
        case = json.loads(path.read_text())
        text = path.with_name(path.name.replace(".expected.json", ".txt")).read_text(encoding="utf-8")
        _, opened = forwarded(case, text)
        found = opened.found[0]
        results = {"recognised": (found.format == "inline_forward") == case["forwarded"]}
        if found.format == "inline_forward" and case["forwarded"]:
            results |= compared(case, opened, found)
        asked.update(results.keys())
        right.update(name for name, good in results.items() if good)
    print(", ".join(f"{name} {right[name]} of {asked[name]}" for name in asked))
    floors = {"recognised": 113, "from": 108, "subject": 108, "body": 99, "note": 96}
    assert all(right[name] >= floor for name, floor in floors.items())


def test_outlook_items_of_the_pack_are_reports_with_a_text(root: Path) -> None:
    items = [path for path in files(root) if path.read_bytes()[:8] == outlook_msg.MAGIC]
    without = 0
    for path in items:
        opened = open_submission(path.read_bytes(), path.name)
        assert {found.verdict for found in opened.found} == {"report"}, path
        for found in opened.found:
            data = opened.made[found.source].data
            assert any(node.type.startswith("text/") for node in mime.split(data).nodes), path
            without += "headers" in found.missing
    print(f"{len(items)} Outlook items, {without} of them without transport headers")
    assert len(items) >= 20
