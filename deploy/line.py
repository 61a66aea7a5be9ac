"""The line: takes due work on a lease and does it, step after step; the body of a worker and of `lapwing report`.

Items of one step are done together. When that fails, each is done alone, so that one bad item costs no other;
what fails three times is held with a reason, which names the fault and never the content.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence

from deploy.wiring import OUTWARD, House
from intake.errors import Damaged, Refused, Temporary
from intake.work import Item

log = logging.getLogger("lapwing.line")
SOON = 5.0
"""Seconds until something is due that a command still waits for."""


def turn(house: House) -> int:
    """Do one batch of due work; how many items were taken."""
    items = house.work.take(house.settings.batch)
    if items and (len(items) == 1 or not _all(house, items)):
        for item in items:
            _one(house, item)
    return len(items)


def _all(house: House, items: Sequence[Item]) -> bool:
    """Do items of one step together; whether that went well."""
    try:
        house.steps[items[0].step]([item.key for item in items])
    except Exception as error:
        log.info("a batch of %s failed (%s); doing each alone", items[0].step, type(error).__name__)
        return False
    house.work.done(items[0].step, [item.key for item in items])
    return True


def _one(house: House, item: Item) -> None:
    try:
        house.steps[item.step]([item.key])
    except Temporary as error:
        house.work.again(item, error.after)
    except Refused as error:
        house.work.failed(item, error.says)
    except Damaged as error:
        log.critical("ALARM: evidence is damaged: %s %s (%s)", item.step, item.key, error.says)
        house.work.failed(item, f"damaged: {error.says}", for_good=True)
    except Exception as error:
        reason = f"our fault: {fault(error)}"
        log.warning("%s %s failed: %s", item.step, item.key, reason, exc_info="LAPWING_TRACE" in os.environ)
        house.work.failed(item, reason)
    else:
        house.work.done(item.step, [item.key])


def fault(error: BaseException) -> str:
    """Class and place of an error, without its text, which may hold content."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace else ""
    return type(error).__name__ + where


def run_dry(house: House, step: Callable[[], None] = lambda: None, patience: float = 0.05) -> None:
    """Follow and work until nothing is left to do but what is on hold, or waits for something that is not there: a
    mail server, the DNS, what an addition adds to. The caller holds the follower's lock.
    """
    house.work.resume()
    while True:
        followed = house.follower.catch_up()
        done = turn(house)
        step()
        if not followed and not done:
            if not house.work.soon(SOON) - OUTWARD:
                return
            time.sleep(patience)
