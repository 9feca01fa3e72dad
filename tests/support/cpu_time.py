"""How much CPU time something takes, to compare it with something else in the same run."""

import gc
import time
from collections.abc import Callable


def least_cpu_seconds(act: Callable[[], object]) -> float:
    """The least CPU time of three calls."""
    times = []
    for _ in range(3):
        # The collector's work grows with all that the process holds, not with the input.
        gc.disable()
        started = time.process_time()
        act()
        times.append(time.process_time() - started)
        gc.enable()
    return min(times)
