"""Limits how often an address may fail in a minute."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from flask import Request

_WINDOW_SECONDS = 60.0
_MOST_SOURCES = 10_000


def source_of(request: Request) -> str:
    """Return the address of a caller.

    Google's front ends append to X-Forwarded-For the address that called them: first the caller's,
    before API Gateway, then API Gateway's, before Cloud Run. What stands before these two is the
    caller's own text.
    """
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    return (hops[-2:] if hops[-1] else [request.remote_addr or ""])[0]


class Throttle:
    """Counts failures by source, in windows of a minute.

    The sources that failed longest ago make room for new ones.

    Args:
        clock: gives the seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def fail(self, source: str, most: int) -> int:
        """Count a failure.

        Returns:
            The seconds to wait if the source has failed more than `most` times; else 0.
        """
        now = self._clock()
        with self._lock:
            began, count = self._windows.pop(source, (now, 0))
            if now - began >= _WINDOW_SECONDS:
                began, count = now, 0
            self._windows[source] = began, count + 1
            if len(self._windows) > _MOST_SOURCES:
                self._windows.popitem(last=False)
        return 0 if count < most else math.ceil(_WINDOW_SECONDS - (now - began))
