"""The short form of `full_disk.py`."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.promise("P5")
def test_a_disk_that_fills_up_puts_off_and_loses_nothing(record_property):
    script = Path(__file__).with_name("full_disk.py")
    ran = subprocess.run([sys.executable, str(script), "--points", "6"], capture_output=True, text=True)
    for line in ran.stdout.splitlines():
        name, _, figure = line.strip().rpartition(" ")
        record_property(name.strip(), int(figure))
    assert ran.returncode == 0, ran.stdout + ran.stderr
