"""The vault under kill: what was acknowledged is there after SIGKILL and after a failed write or sync, always."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nacl.public import PrivateKey, PublicKey

from intake.store import Place
from intake.vault import series
from intake.vault.reader import Reader
from intake.vault.verify import verify
from intake.vault.writer import EXIT_STATUS, Writer

ROOT = Path(__file__).parents[2]
CHILD = """
import json, os, sys, threading
from pathlib import Path
sys.path.insert(0, {root!r})
from nacl.public import PublicKey
from intake.vault.writer import Writer
writer = Writer(Path({vault!r}), "test", PublicKey(bytes.fromhex({public!r})), segment_size=60_000)
journal = os.open({journal!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
guard = threading.Lock()
def session(number):
    for turn in range({turns}):
        slot = writer.new_slot()
        plain = (b"%d/%d/" % (number, turn)) * (50 + turn % 40)
        place = writer.append("part", slot, plain)
        writer.release(slot)
        writer.commit().result()
        with guard:
            os.write(journal, json.dumps([place.series, place.segment, place.offset, plain.decode()]).encode() + b"\\n")
threads = [threading.Thread(target=session, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
writer.close()
"""


def child(tmp_path, private, turns=100_000):
    return CHILD.format(
        root=str(ROOT), vault=str(tmp_path / "vault"), public=bytes(private.public_key).hex(),
        journal=str(tmp_path / "journal"), turns=turns,
    )  # fmt: skip


def judge(tmp_path, private) -> int:
    """Every acknowledged part is there with its bytes; how many."""
    reader = Reader(tmp_path / "vault", private)
    lines = (tmp_path / "journal").read_text().splitlines() if (tmp_path / "journal").exists() else []
    for line in lines:
        name, number, offset, plain = json.loads(line)
        assert reader.read(Place(series=name, segment=number, offset=offset)).plain.decode() == plain
    return len(lines)


def _journalled(tmp_path) -> int:
    path = tmp_path / "journal"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_sigkill_at_random_moments_loses_nothing_acknowledged(tmp_path):
    private, rng, acknowledged = PrivateKey.generate(), random.Random(1), 0
    for _ in range(12):
        before = acknowledged
        running = subprocess.Popen([sys.executable, "-c", child(tmp_path, private)])
        while _journalled(tmp_path) < before + 10 and running.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.6)
        running.send_signal(signal.SIGKILL)
        running.wait()
        list(series.recover_all(tmp_path / "vault"))
        acknowledged = judge(tmp_path, private)
        assert verify(Reader(tmp_path / "vault", private)).problems == []
    assert acknowledged >= 120


STRACE = shutil.which("strace")


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "write", "pwrite64", "openat", "rename"])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_after_a_failed_call_nothing_more_is_acknowledged(tmp_path, call, error):
    """The method of Tessera's fault test: let one call fail, once, at one of several moments; then judge."""
    private = PrivateKey.generate()
    Writer(tmp_path / "vault", "other", PublicKey(bytes(private.public_key))).close()
    for moment in (1, 3):
        run = traced(tmp_path, private, f"inject={call}:error={error}:when={_when(call, moment)}", call)
        list(series.recover_all(tmp_path / "vault"))
        judge(tmp_path, private)
        assert verify(Reader(tmp_path / "vault", private)).problems == []
        if call == "fdatasync":
            assert run.returncode == EXIT_STATUS, run.stderr


def traced(tmp_path, private, inject, call):
    """The child with one system call made to fail."""
    if STRACE is None:
        pytest.fail("strace is missing: apt-get install strace")
    begin = [STRACE, "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    return subprocess.run(
        [*begin, sys.executable, "-c", child(tmp_path, private, 8)], capture_output=True, text=True, timeout=120
    )


def _when(call, moment):
    return {"openat": 400 + 30 * moment, "write": 3 * moment}.get(call, moment)


def test_a_failed_sync_answers_nobody(tmp_path):
    private = PrivateKey.generate()
    run = traced(tmp_path, private, "inject=fdatasync:error=EIO:when=1", "fdatasync")
    assert run.returncode == EXIT_STATUS
    assert "cannot make evidence durable" in run.stderr
    assert not (tmp_path / "journal").exists() or (tmp_path / "journal").read_text() == ""
