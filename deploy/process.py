"""What every process of the house has in common: plain log lines to standard error, and an orderly end on SIGTERM."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def run() -> Iterator[threading.Event]:
    """Log and wait for the end: the event is set on SIGTERM or SIGINT."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=_orphaned, args=(os.getppid(), stopping), daemon=True).start()
    yield stopping


def _orphaned(parent: int, stopping: threading.Event) -> None:
    """Stop when the `serve` that started us is gone, so that another one can start."""
    while not stopping.wait(0.5):
        if os.getppid() != parent:
            stopping.set()
