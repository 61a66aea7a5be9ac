"""The boundary of the parsing children: what goes wrong inside costs that one job and nothing else."""

import os
import sys
import time
from pathlib import Path

import pytest

from intake.parsing import NotExamined, Parser

CHILD = Path(__file__).parent / "hostile_child.py"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def parser():
    start = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_path({str(CHILD)!r}, run_name='__main__')"
    parser = Parser((sys.executable, "-I", "-c", start), wall_seconds=2.0)
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
    began = time.monotonic()
    with pytest.raises(NotExamined) as caught:
        parser.run(job, b"", "", object)
    assert caught.value.reason == reason
    assert time.monotonic() - began < 10
    assert parser.run("echo", b"next", "", bytes) == b"next"


def test_an_answer_of_the_wrong_shape_is_not_believed(parser):
    with pytest.raises(NotExamined, match="shape"):
        parser.run("echo", b"text", "", dict)


def test_a_child_that_somebody_else_kills_costs_nothing(parser):
    assert parser.run("echo", b"a", "", bytes) == b"a"
    os.kill(parser.pid, 9)
    time.sleep(0.1)
    assert parser.run("echo", b"b", "", bytes) == b"b"
