"""How long a part is waited for: a time that passes, or one that begins again while it works."""

import time

import psutil

from infra.local import processes

_LOOKS = 10
# What an idle server's helpers use in passing.
_IDLE_SHARE = 0.01


class Patience:
    """A time until which something must have happened.

    Args:
        seconds: how long it is.
        pid: a process whose children's work begins it again; 0 for none. A server that recovers
            works, in a child, for as long as its data needs.
    """

    def __init__(self, seconds: float, pid: int = 0) -> None:
        self.seconds = seconds
        self._pid = pid
        self._work: dict[psutil.Process, float] = {}
        self.renew()

    def renew(self) -> None:
        """Begin again."""
        self._began = self._looked = time.monotonic()

    def is_over(self) -> bool:
        """Whether the time has passed."""
        now = time.monotonic()
        since = now - self._looked
        # Looking costs a millisecond or two: not done for a part that answers.
        if self._pid and since > self.seconds / _LOOKS:
            self._looked = now
            if self._has_worked(since):
                self._began = now
        return now - self._began > self.seconds

    def _has_worked(self, seconds: float) -> bool:
        before, self._work = self._work, processes.work_of_children(self._pid)
        # Only children that were there before: those that come and go turn callers away.
        grown = (self._work[child] - before[child] for child in self._work.keys() & before.keys())
        return sum(grown) > _IDLE_SHARE * seconds
