"""The boundary of the parsing children: what goes wrong inside costs that one job and nothing else."""

import os
import sys
import time
from pathlib import Path

import pytest

from intake.parsing import Given, NoParser, NotExamined, Parser
from tests.soon import soon

CHILD = Path(__file__).parent / "hostile_child.py"
ROOT = Path(__file__).parents[2]


START = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_path({str(CHILD)!r}, run_name='__main__')"
COMMAND = (sys.executable, "-I", "-c", START)


@pytest.fixture
def parser():
    parser = Parser(COMMAND, wall_seconds=2.0)
    yield parser
    parser.close()


@pytest.fixture
def several():
    parser = Parser(COMMAND, wall_seconds=2.0, children=3)
    yield parser
    parser.close()


def test_bytes_go_in_and_a_value_comes_out(parser):
    assert parser.run("echo", b"abc", "def", bytes) == b"abcdef"


def test_more_than_a_pipe_holds_goes_both_ways(parser):
    assert parser.run("echo", bytes(5_000_000), "", bytes) == bytes(5_000_000)
    assert len(parser.run("big", b"", "", bytes)) == 3_000_000


def test_the_environment_is_empty(parser):
    assert set(parser.run("environment", b"", "", dict)) <= {"LC_CTYPE"}


@pytest.mark.parametrize("job", ["open", "socket", "run"])
def test_the_closed_in_child_reaches_nothing(parser, job, tmp_path):
    (tmp_path / "secret").write_text("secret")
    os.chmod(tmp_path / "secret", 0o644)
    parser.run("echo", b"", "", bytes)
    if parser.sandbox != "seccomp":
        pytest.fail(f"this kernel or architecture grants no seccomp filter (child says {parser.sandbox!r})")
    with pytest.raises(NotExamined, match=r"error|crash"):
        parser.run(job, b"", str(tmp_path / "secret"), object)
    assert parser.run("echo", b"alive", "", bytes) == b"alive"


def test_root_becomes_nobody(parser):
    parser.run("echo", b"", "", bytes)
    status = Path(f"/proc/{parser.pid}/status").read_text()
    wanted = 65534 if os.geteuid() == 0 else os.geteuid()
    assert f"Uid:\t{wanted}\t{wanted}\t{wanted}\t{wanted}" in status


@pytest.mark.parametrize(
    ("job", "reason"), [("hang", "time"), ("burn", "time"), ("bloat", "memory"), ("die", "crash"), ("deep", "depth"),
                        ("fail", "error ZeroDivisionError")]
)  # fmt: skip
def test_a_child_that_misbehaves_costs_one_job(parser, job, reason):
    with soon(time.monotonic), pytest.raises(NotExamined) as caught:
        parser.run(job, b"", "", object)
    assert caught.value.reason == reason
    assert parser.run("echo", b"next", "", bytes) == b"next"


def test_an_answer_of_the_wrong_shape_is_not_believed(parser):
    with pytest.raises(NotExamined, match="shape"):
        parser.run("echo", b"text", "", dict)
    with pytest.raises(NotExamined, match="shape"):
        parser.run("garbled", b"", "", str)


def test_many_jobs_are_done_side_by_side_and_answered_in_order(several):
    given = [Given(lane, b"%d" % lane, "") for lane in range(20)]
    assert several.run_all("echo", given, bytes) == [b"%d" % number for number in range(20)]
    assert several.run_all("echo", [], bytes) == []
    with soon(time.monotonic):
        found = several.run_all("hang", [Given(lane, b"", "") for lane in range(3)], bytes)
    assert [each.reason for each in found] == ["time"] * 3


def test_one_bad_job_among_many_costs_itself(several):
    bad = several.run_all("die", [Given(1, b"", "")], bytes)
    assert [each.reason for each in bad] == ["crash"]
    assert several.run_all("echo", [Given(lane, b"x", "") for lane in range(6)], bytes) == [b"x"] * 6


def test_jobs_of_one_lane_go_to_one_child(several):
    first = several.run_all("number", [Given(lane, b"", "") for lane in range(6)], int)
    assert first[:3] == first[3:] and len(set(first)) == 3
    assert several.run_all("number", [Given(4, b"", "")], int) == [first[1]]


def test_where_no_child_starts_nothing_is_said_of_the_bytes():
    parser = Parser((sys.executable, "-I", "-c", "raise SystemExit(1)"))
    with pytest.raises(NoParser):
        parser.run("echo", b"", "", bytes)
    with pytest.raises(NoParser):
        parser.run_all("echo", [Given(0, b"", "")], bytes)
    assert parser.pid == 0


def test_a_child_that_somebody_else_kills_costs_nothing(parser):
    assert parser.run("echo", b"a", "", bytes) == b"a"
    os.kill(parser.pid, 9)
    os.waitid(os.P_PID, parser.pid, os.WEXITED | os.WNOWAIT)
    assert parser.run("echo", b"b", "", bytes) == b"b"
