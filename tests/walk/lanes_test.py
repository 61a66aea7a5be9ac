"""From the mail to the person: a danger that somebody writes of over SMTP, the alarm by mail, the lane, its end; also
when the sweeper is killed before it has told anybody.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sink import Sink, sink
from tests.walker import lapwing, serving

SETTINGS = """
domain = "lapwing.example"
[receipts]
smtp_host = "127.0.0.1"
smtp_port = {port}
mail_from = "reports@lapwing.example"
[lanes]
alarm_to = "duty@agency.example"
every = 3600
[upload]
country = "TW"
"""
WORDS = b"From: rita@isp.example\r\nSubject: help\r\nMessage-ID: <%d@isp.example>\r\n\r\nHe wants to kill me.\r\n"


@pytest.fixture
def server() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def home(server: Sink, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "lapwing.toml").write_text(SETTINGS.format(port=server.port))
    return folder


def test_a_danger_reaches_a_person_and_never_the_ranking(home: Path, server: Sink) -> None:
    with serving(home) as served:
        served.mail(WORDS % 1)
        (told,) = server.wait(1)
        assert b"danger to life: 1 case waits" in told.data and b"rita" not in told.data
        row = lapwing(home, "lanes", "--json").line
        assert (row["lane"], row["waits"], row["bodies"][0]["phone"]) == ("life", True, "110")
        assert lapwing(home, "queue", "--json").lines == []
        assert lapwing(home, "status").status == 1
        assert lapwing(home, "lanes", "passed", row["case"], "--reason", "110 was told at nine").status == 0
        assert lapwing(home, "status").status == 0
        assert lapwing(home, "queue", "--json").lines == []
        assert lapwing(home, "lanes").out.strip() == "Nothing waits."


def test_an_alarm_survives_the_sweeper(home: Path, server: Sink) -> None:
    with serving(home) as served:
        sweeper = served.pids["sweeper"]
        os.kill(sweeper, signal.SIGSTOP)
        served.mail(WORDS % 2)
        os.kill(sweeper, signal.SIGKILL)
        assert server.wait(1)
