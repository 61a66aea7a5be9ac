"""The short form of `full_disk.py`."""

import subprocess
import sys
from pathlib import Path


def test_a_disk_that_fills_up_puts_off_and_loses_nothing():
    script = Path(__file__).with_name("full_disk.py")
    ran = subprocess.run([sys.executable, str(script), "--points", "6"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
