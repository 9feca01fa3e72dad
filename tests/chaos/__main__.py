"""Run many random schedules: python -m tests.chaos [--seed N]... [--schedules N].

Plays the schedules on platforms that it starts, a few at a time, and prints a table. To repeat
schedules that were played together, pass the seeds that were printed.
"""

import argparse
import contextlib
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.chaos import extra_checks, report
from tests.chaos.findings import Findings
from tests.chaos.rounds import Arena, started

AT_ONCE = 12
# After so many rounds, a fresh platform: checks that read all rows would get slower and slower.
ROUNDS_PER_PLATFORM = 6


class Run:
    """Plays rounds until all are played, the time is up, or too many have failed."""

    def __init__(self, minutes: float, most_failures: int) -> None:
        self.findings, self.faults = Findings(), Counter[tuple[str, str]]()
        self.started = time.monotonic()
        self._until = self.started + 60 * minutes
        self._failures, self._most_failures = 0, most_failures

    def play(self, rounds: Sequence[Sequence[int]]) -> None:
        """Play rounds of seeds."""
        left = list(rounds)
        while left and not self._is_over:
            with started() as arena:
                for seeds in self._some(left):
                    if not self._play(arena, seeds):
                        break
                self.faults += arena.faults

    def _some(self, left: list[Sequence[int]]) -> Iterator[Sequence[int]]:
        for _ in range(ROUNDS_PER_PLATFORM):
            if left and not self._is_over:
                yield left.pop(0)

    @property
    def _is_over(self) -> bool:
        return time.monotonic() > self._until or self._failures >= self._most_failures

    def _play(self, arena: Arena, seeds: Sequence[int]) -> bool:
        began = time.monotonic()
        print(f"seeds {' '.join(map(str, seeds))}", end="", flush=True)
        found = arena.play(seeds)
        self.findings.add(found)
        played, seconds = self.findings.counts["schedules"], time.monotonic() - began
        print(
            f": {seconds:.1f} s, {played} schedules{', FAILED' if found.failures else ''}",
            flush=True,
        )
        for sentence in found.failures[:20]:
            print(f"    {sentence}", flush=True)
        if found.failures:
            self._failures += 1
            again = " ".join(f"--seed {seed}" for seed in seeds)
            logs = Path(tempfile.mkdtemp(prefix="tablegate-chaos-"))
            shutil.copytree(arena.platform.home.logs, logs, dirs_exist_ok=True)
            print(f"    repeat: python -m tests.chaos {again} (logs in {logs})", flush=True)
        # Later rounds on this platform would only find the same again.
        return not found.failures


def main() -> int:
    """Play what the command line asks for; returns 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="play these seeds together")
    parser.add_argument("--schedules", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--failures", type=int, default=3, help="stop after so many failed rounds")
    parser.add_argument("--fuzz-seconds", type=int, default=0, help="how long to fuzz afterwards")
    parser.add_argument("--times", type=int, default=1, help="how often the seeds are played")
    options = parser.parse_args()
    # On either signal, stop the platform too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Lost connections are expected here.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    seeds = options.seed or [random.randrange(2**32) for _ in range(options.schedules)]
    at_once = len(seeds) if options.seed else AT_ONCE
    rounds = [seeds[n : n + at_once] for n in range(0, len(seeds), at_once)] * options.times
    run = Run(options.minutes, options.failures)
    # Report what was played so far.
    with contextlib.suppress(KeyboardInterrupt):
        run.play(rounds)
    more = (
        {}
        if options.seed
        else {**extra_checks.fuzzed(options.fuzz_seconds), **extra_checks.accesses()}
    )
    print(f"\nFaults\n{report.by_part(run.faults)}")
    print(f"\nResult\n{report.table(run.findings, run.faults, time.monotonic() - run.started)}")
    if more:
        print(report.columns(more))
    failed = any(more.get(what) for what in extra_checks.MUST_BE_ZERO)
    return 1 if run.findings.failures or failed else 0


if __name__ == "__main__":
    sys.exit(main())
