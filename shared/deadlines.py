"""The time by which a call must have its answer, for whatever it waits for on its way.

A call over HTTP has one; a load, a backup or a restore takes as long as it needs.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Nothing can be asked for in less.
_LEAST_SECONDS = 0.05

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Give what is done inside that many seconds, or no limit with None."""
    before = _ends_at.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(before)


def left() -> float | None:
    """Return the seconds that are left, or None if there is no limit; never 0 or less."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(ends_at - time.monotonic(), _LEAST_SECONDS)


def at_most(seconds: float) -> float:
    """Return the seconds that are left, but no more than these."""
    remaining = left()
    return seconds if remaining is None else min(seconds, remaining)
