"""Shows a waiting user what is being done, and for how long.

Uses only the standard library.
"""

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

_TERMINAL_SECONDS, _PLAIN_SECONDS = 0.1, 5.0


class Progress:
    """The progress of a task.

    On a terminal it is one line that changes; elsewhere it is a line at the start, one every five
    seconds and one at the end.
    """

    def __init__(
        self, task: str, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._task, self._out, self._clock = task, out or sys.stdout, clock
        self._started = clock()
        self._is_terminal = self._out.isatty()
        self._period = _TERMINAL_SECONDS if self._is_terminal else _PLAIN_SECONDS
        self._next = self._started + self._period
        if not self._is_terminal:
            self._write(f"{task} ...\n")

    def show(self, *details: str) -> None:
        """Show the time taken so far, with details, unless it was shown just before."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + self._period
        words = ", ".join((f"{now - self._started:.0f} s", *details))
        self._say(words, "" if self._is_terminal else "\n")

    def end(self, outcome: str = "done") -> None:
        """Show the outcome."""
        self._say(f"{outcome} in {self._clock() - self._started:.1f} s", "\n")

    def _say(self, words: str, end: str) -> None:
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r{f'{self._task}: {words}'[:width]}\x1b[K{end}")
        else:
            self._write(f"  {words}{end}")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
