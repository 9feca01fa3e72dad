"""Fuzz every target for a while: python -m tests.fuzz --seconds 60.

Starts from the corpus in the repository. Inputs that fail a check are written to tests/fuzz/found;
fix the bug and move the input to the corpus. The last line is JSON with executions and crashes.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOUND = HERE / "found"
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")
_MOST_MEGABYTES = 2048
_LONGEST_INPUT = 16_384
_SECONDS_AN_INPUT = 20


@dataclass(frozen=True)
class Run:
    """The result of fuzzing one target: executions, covered edges, and whether it crashed."""

    executions: int
    covered: int
    crashed: bool


def fuzz(name: str, seconds: int) -> Run:
    """Fuzz one target in a separate process, because a hostile input may crash it."""
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tablegate-fuzz-") as new:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.one", name, new, str(HERE / "corpus" / name)),
                *(f"-max_total_time={seconds}", f"-max_len={_LONGEST_INPUT}"),
                *(f"-rss_limit_mb={_MOST_MEGABYTES}", f"-timeout={_SECONDS_AN_INPUT}"),
                *("-print_final_stats=1", f"-artifact_prefix={FOUND}/{name}-"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 120,
            check=False,
        )
    executed, covered = _EXECUTED.search(ended.stderr), _COVERED.findall(ended.stderr)
    crashed = ended.returncode != 0 or executed is None
    if crashed:
        sys.stdout.write(f"{ended.stdout[-3000:]}{ended.stderr[-3000:]}\n")
    return Run(int(executed[1]) if executed else 0, int(covered[-1]) if covered else 0, crashed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz and print a summary; returns how many targets crashed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=60, help="total time, divided among the targets"
    )
    seconds = parser.parse_args(arguments).seconds
    runs = {}
    for name in TARGETS:
        runs[name] = fuzz(name, max(seconds // len(TARGETS), 1))
        state = "CRASHED" if runs[name].crashed else "passed"
        sys.stdout.write(
            f"{name:8} {runs[name].executions:>9,} executions {runs[name].covered:>6,} edges  "
            f"{state}\n"
        )
        sys.stdout.flush()
    crashes = sum(run.crashed for run in runs.values())
    summary = {
        "executions": sum(run.executions for run in runs.values()),
        "targets": {name: run.executions for name, run in runs.items()},
        "crashes": crashes,
    }
    sys.stdout.write(json.dumps(summary) + "\n")
    return crashes


if __name__ == "__main__":
    sys.exit(main())
