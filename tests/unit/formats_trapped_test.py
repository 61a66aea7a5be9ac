"""What comes to a trap is what is reported, whatever it looks like."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.formats import open_submission, open_trapped
from intake.submission import Envelope
from tests.additions_house import Home, the_only

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
LOOKS = ["bounce-delayed", "auto-reply-vacation", "challenge", "inline-gmail", "attached-elsewhere", "feedback-pasted"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    (tmp_path / "home").mkdir()
    settings = '[[reporters]]\naddress = "trap@isp.example"\nclass = "trap"\n'
    (tmp_path / "home" / "lapwing.toml").write_text(settings)
    made = Home(tmp_path / "home")
    yield made
    made.close()


@pytest.mark.parametrize("name", LOOKS)
def test_what_looks_like_a_cover_is_the_message(name: str) -> None:
    data = (GOLDEN / f"{name}.eml").read_bytes()
    (found,) = open_trapped(data).found
    assert (found.verdict, found.format, found.start, found.end) == ("report", "raw", 0, len(data))
    assert [(each.format, each.start) for each in open_submission(data, cover=True).found] != [("raw", 0)]


@pytest.mark.parametrize("name", ["arf-abuse", "xarf-v4"])
def test_a_report_by_a_machine_is_read_as_such(name: str) -> None:
    data = (GOLDEN / f"{name}.eml").read_bytes()
    expected = json.loads((GOLDEN / f"{name}.json").read_text())["found"]
    assert [each.verdict for each in open_trapped(data).found] == [each["verdict"] for each in expected]
    assert open_trapped(data) == open_submission(data, cover=True)


@pytest.mark.parametrize("data", [b"", b" \r\n", b"no header at all", b"\0" * 9])
def test_something_is_said_of_any_bytes(data: bytes) -> None:
    assert len(open_trapped(data).found) == 1


def test_it_is_so_for_what_a_trap_hands_in_by_mail_alone(home: Home) -> None:
    data = (GOLDEN / "bounce-delayed.eml").read_bytes()
    trapped = home.hand_in("smtp", Envelope(mail_from="trap@isp.example"), data)
    other = home.hand_in("smtp", Envelope(mail_from="rita@isp.example"), data)
    home.work()
    assert the_only(home.reports(trapped)).format == "raw"
    assert home.verdicts(trapped) == ["report"] and "report" not in home.verdicts(other)
