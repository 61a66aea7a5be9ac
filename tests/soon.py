"""An end in time: what is linear takes a moment on the slowest machine, what isn't takes minutes on the fastest."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 30.0


@contextmanager
def soon(clock: Callable[[], float] = time.process_time) -> Iterator[None]:
    """What stands inside ends in time; in that of this process unless another clock is named."""
    began = clock()
    yield
    assert clock() - began < SECONDS


def quickest(work: Callable[[], object], times: int = 3) -> float:
    """The least of several times that it took, in seconds of this process."""
    took = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)
