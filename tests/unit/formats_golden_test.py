"""The golden mails of `tests/golden/formats`: each beside what it must be opened as, and why."""

import json
from pathlib import Path

import pytest

from intake import mime
from intake.formats import Opened, open_submission
from intake.formats.opened import Found

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))


def bytes_of(opened: Opened, found: Found, data: bytes) -> bytes:
    source = data if found.source < 0 else opened.made[found.source].data
    return source[found.start : found.end]


def unix(data: bytes) -> str:
    return data.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("name", CASES)
def test_is_opened_as_written_down(name: str) -> None:
    data = (GOLDEN / f"{name}.eml").read_bytes()
    case = json.loads((GOLDEN / f"{name}.json").read_text())
    opened = open_submission(data, f"{name}.eml", cover=case["cover"])
    assert [found.verdict for found in opened.found] == [want["verdict"] for want in case["found"]], case["why"]
    for found, want in zip(opened.found, case["found"], strict=True):
        assert found.format == want["format"]
        if found.verdict == "report":
            check_report(opened, found, want, data)


def check_report(opened: Opened, found: Found, want: dict, data: bytes) -> None:
    message = bytes_of(opened, found, data)
    text = unix(message)
    assert list(found.missing) == want["missing"]
    assert (opened.made[found.source].name if found.source >= 0 else None) == want.get("made")
    assert text.startswith(want.get("starts", "")) and text.rstrip("\n").endswith(want.get("ends", "").rstrip("\n"))
    assert want.get("contains", "") in text and found.name == want.get("name", "")
    assert (message == b"") == want.get("empty", False)
    root = mime.split(message).root
    for name, value in want.get("fields", {}).items():
        assert mime.first(message, root, name) == value
    for name, value in want.get("claims", {}).items():
        got = getattr(found.claims, name)
        assert json.loads(json.dumps(got)) == value
    if found.source < 0 and not want.get("empty"):
        assert message in data and data[found.start : found.end] == message


@pytest.mark.parametrize("name", CASES)
def test_line_ends_change_nothing_but_themselves(name: str) -> None:
    data = (GOLDEN / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n")
    cover = json.loads((GOLDEN / f"{name}.json").read_text())["cover"]
    lf, crlf = (open_submission(twin, cover=cover) for twin in (data, data.replace(b"\n", b"\r\n")))
    assert [(one.verdict, one.format, one.missing) for one in lf.found] == [
        (one.verdict, one.format, one.missing) for one in crlf.found
    ]
    for one, two in zip(lf.found, crlf.found, strict=True):
        twin = data.replace(b"\n", b"\r\n")
        assert bytes_of(lf, one, data).replace(b"\n", b"\r\n") == bytes_of(crlf, two, twin).replace(
            b"\r\n", b"\n"
        ).replace(b"\n", b"\r\n")
