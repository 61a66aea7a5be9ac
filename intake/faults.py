"""Faults: how a door writes its own errors into the log: where it happened and of which kind, never what it said.

The text of an exception may hold a reporter's words or address, and the log is read by more people than the vault.
"""

import logging
import traceback

from intake.errors import Damaged


def note(error: Exception, door: str) -> None:
    """One entry in the log named `door`; damaged evidence is critical, all else an error."""
    level = logging.CRITICAL if isinstance(error, Damaged) else logging.ERROR
    trace = "".join(traceback.format_tb(error.__traceback__))
    logging.getLogger(door).log(level, "%s\n%s", type(error).__name__, trace)
