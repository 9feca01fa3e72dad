"""Keeps a part that hangs from taking every thread of a process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

_PATIENCE_SECONDS = 1.0


class Full(Exception):
    """Every place is taken, and one of those who have a place has been waiting for too long."""


class Bulkhead:
    """Limits how many threads wait for a part at once.

    Who finds no place waits for one, unless the part hangs: then all others would hang as well,
    until no thread were left for calls that do not need this part.

    Source: Nygard, "Release It!", the pattern of this name.

    Args:
        places: how many threads may wait for the part.
        patience_seconds: how long one may wait for the part before the part counts as hung.
    """

    def __init__(self, places: int, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._places, self._patience = places, patience_seconds
        self._since: dict[object, float] = {}
        self._changed = Condition()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for the time of the context.

        Raises:
            Full: no place will be free in time.
        """
        mine = object()
        with self._changed:
            while len(self._since) >= self._places:
                self._wait()
            self._since[mine] = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._since[mine]
                self._changed.notify()

    def _wait(self) -> None:
        patience = self._patience - (time.monotonic() - min(self._since.values()))
        if patience <= 0:
            raise Full
        self._changed.wait(patience)
