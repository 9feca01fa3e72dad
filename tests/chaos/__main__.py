"""Chaos for as long as is wished: python -m tests.chaos [--seed N]... [--schedules N].

Plays random schedules against platforms of its own, a few at once, and prints a table. A seed that
is printed plays its schedule again; several play together, as they did.
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

from tests.chaos import beside, report
from tests.chaos.findings import Findings
from tests.chaos.rounds import Arena, started

AT_ONCE = 12
# Then a fresh platform: what is checked over all rows would take longer and longer.
ROUNDS_A_PLATFORM = 6


class Run:
    """Rounds until there are enough schedules, or the time is up, or too much was wrong."""

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
        for _ in range(ROUNDS_A_PLATFORM):
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
            f": {seconds:.1f} s, {played} schedules{', WRONG' if found.wrong else ''}",
            flush=True,
        )
        for sentence in found.wrong[:20]:
            print(f"    {sentence}", flush=True)
        if found.wrong:
            self._failures += 1
            again = " ".join(f"--seed {seed}" for seed in seeds)
            kept = Path(tempfile.mkdtemp(prefix="tablegate-chaos-"))
            shutil.copytree(arena.platform.home.logs, kept, dirs_exist_ok=True)
            print(f"    again: python -m tests.chaos {again} (logs kept in {kept})", flush=True)
        # What comes after would only say the same again.
        return not found.wrong


def main() -> int:
    """Play what the command line says; 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="play these together, once")
    parser.add_argument("--schedules", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--failures", type=int, default=3, help="stop after so many")
    parser.add_argument("--fuzz-seconds", type=int, default=0, help="how long to fuzz afterwards")
    parser.add_argument("--times", type=int, default=1, help="how often the seeds are played")
    options = parser.parse_args()
    # Stopped in whatever way, it takes its platform with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Connections that were cut are no news here.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    seeds = options.seed or [random.randrange(2**32) for _ in range(options.schedules)]
    at_once = len(seeds) if options.seed else AT_ONCE
    rounds = [seeds[n : n + at_once] for n in range(0, len(seeds), at_once)] * options.times
    run = Run(options.minutes, options.failures)
    # What was played so far is told all the same.
    with contextlib.suppress(KeyboardInterrupt):
        run.play(rounds)
    more = {} if options.seed else {**beside.fuzzed(options.fuzz_seconds), **beside.accesses()}
    print(f"\nStruck\n{report.by_part(run.faults)}")
    print(f"\nChaos\n{report.table(run.findings, run.faults, time.monotonic() - run.started)}")
    if more:
        print(report.drawn(more))
    wrong = any(more.get(what) for what in beside.WRONG)
    return 1 if run.findings.wrong or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
