"""What every process of the house has in common: plain log lines to standard error, an orderly end on SIGTERM, figures
on a port of this machine, and one line, with the status REFUSED, when it can't begin.
"""

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intake.errors import Refused
from intake.metrics import Metrics

REFUSED = 78
"""Status of a process that said why it can't begin (EX_CONFIG of sysexits.h)."""
_MMAP_THRESHOLD, _PAGES = -3, 65_536
"""M_MMAP_THRESHOLD of malloc.h, and the bytes from which on memory is asked of the system, and given back to it."""


def lean() -> None:
    """Give large pieces of memory back at once; without this, glibc keeps more the larger they were."""
    set_ = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_ is not None:
        set_(_MMAP_THRESHOLD, _PAGES)


@contextmanager
def run() -> Iterator[threading.Event]:
    """Log and wait for the end: the event is set on SIGTERM or SIGINT."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=_orphaned, args=(os.getppid(), stopping), daemon=True).start()
    yield stopping


@contextmanager
def served(table: str, metrics: Metrics, port: int, told: Path) -> Iterator[None]:
    """Answer a Prometheus on that port (-1: none; 0: a free one) and write it into the file `told`; `table` of the
    settings names it.
    """
    told.parent.mkdir(exist_ok=True)
    with had(table, f"metrics_port {port}"):
        figures = None if port < 0 else metrics.serve(port)
    if figures is not None:
        told.write_text(f"{figures.port}\n")
    try:
        yield
    finally:
        if figures is not None:
            figures.close()


def _orphaned(parent: int, stopping: threading.Event) -> None:
    """Stop when the `serve` that started us is gone, so that another one can start."""
    while not stopping.wait(0.5):
        if os.getppid() != parent:
            stopping.set()


@contextmanager
def had(table: str, what: str = "") -> Iterator[None]:
    """What the settings name in that table, a port or a file, can't be had: then `Refused('settings')` says what."""
    try:
        yield
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None) or 0
        says = os.strerror(number) if number > 0 else getattr(error, "strerror", error)
        raise Refused("settings", f"[{table}] {what or getattr(error, 'filename', '')}: {says}") from error


@contextmanager
def beginning() -> Iterator[None]:
    """Around a process: what it refuses is said in one line."""
    try:
        yield
    except Refused as error:
        print(f"lapwing: {error.says}", file=sys.stderr)
        sys.exit(REFUSED)
