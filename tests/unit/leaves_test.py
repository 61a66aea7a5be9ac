"""No leaf of a message is lost that the standard library's compat32 finds."""

from pathlib import Path

import pytest

from tests.corpora import pack
from tests.leaves import classes

ROOT = Path(__file__).parents[2]
OWN = [*sorted((ROOT / "tests" / "golden").rglob("*.eml")), *sorted((ROOT / "deploy" / "samples").glob("*.eml"))]
BLOCKS = "message/{}: one leaf here, its blocks of fields are parts there"
IN_THE_PACK = {
    BLOCKS.format("delivery-status"): 75, BLOCKS.format("disposition-notification"): 1,
    BLOCKS.format("external-body"): 2, BLOCKS.format("feedback-report"): 29, BLOCKS.format("partial"): 5,
    BLOCKS.format("rfc822-headers"): 1, "inside a longer leaf of ours": 11,
    "one text there, header fields and parts here": 20, "same bytes, other decoding": 13,
    "same text, a line end more or less at its end": 30,
}  # fmt: skip
"""Class -> in how many messages of the pack; each was read by eye, ours is what mail programs show."""


def test_the_mails_of_our_own_have_the_same_leaves() -> None:
    assert len(OWN) > 200
    found = classes({path.relative_to(ROOT).as_posix(): path.read_bytes() for path in OWN})
    assert found.keys() <= IN_THE_PACK.keys()
    others = {path for each, where in found.items() if not each.startswith("message/") for path in where}
    assert len(others) < len(OWN) / 10, others


def test_the_phishing_messages_of_the_pack_have_the_same_leaves() -> None:
    mails = {path.as_posix(): path.read_bytes() for kind in ("phishing", "phishing-unconfirmed") for path in
             sorted((pack() / kind).rglob("*.eml"))}  # fmt: skip
    assert len(mails) > 700 and classes(mails) == {}


def test_the_other_messages_of_the_pack_differ_only_as_known() -> None:
    folder = pack()
    found = classes({path.as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.eml"))})
    assert {each: len(set(where)) for each, where in found.items()} == IN_THE_PACK


@pytest.mark.parametrize("data", [b"Subject: a\r\n\r\ntext\r\n"])
def test_a_leaf_that_is_not_there_is_noticed(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert classes({"a": data}) == {}
    monkeypatch.setattr("intake.mime.decoded", lambda *_: b"")
    assert classes({"a": data}) != {}
