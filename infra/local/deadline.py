"""How long to wait for a part: a deadline, which the part's own work can extend."""

import time

import psutil

from infra.local import processes

_CHECKS = 10
# An idle server's background processes use less than this share of a CPU.
_IDLE_SHARE = 0.01


class Deadline:
    """A time by which something must have happened.

    Args:
        seconds: how far away it is.
        pid: a process whose children renew the deadline while they work; 0 for none. A server
            that recovers does so in a child, for as long as its data needs.
    """

    def __init__(self, seconds: float, pid: int = 0) -> None:
        self.seconds = seconds
        self._pid = pid
        self._cpu_seconds: dict[psutil.Process, float] = {}
        self.renew()

    def renew(self) -> None:
        """Start again from now."""
        self._began = self._checked = time.monotonic()

    def has_passed(self) -> bool:
        """Whether the deadline has passed."""
        now = time.monotonic()
        since = now - self._checked
        # A check takes a millisecond or two, so it is skipped for a part that answers in time.
        if self._pid and since > self.seconds / _CHECKS:
            self._checked = now
            if self._children_worked(since):
                self._began = now
        return now - self._began > self.seconds

    def _children_worked(self, seconds: float) -> bool:
        before, self._cpu_seconds = self._cpu_seconds, processes.cpu_seconds_of_children(self._pid)
        # Children that are new do not count: a recovering server starts one per connection that
        # it rejects.
        known = self._cpu_seconds.keys() & before.keys()
        worked = sum(self._cpu_seconds[child] - before[child] for child in known)
        return worked > _IDLE_SHARE * seconds
