"""What each function imports before it can answer, and how long that takes: a cold start.

    python -m tests.benchmarks.start

Medians of several rounds of `python -X importtime`. The share of functions-framework, which every
function needs, is printed separately.
"""

import re
import statistics
import subprocess
import sys

from infra import functions

ROUNDS = 5
# Libraries that take long to import, by their top module.
HEAVY = (
    "alembic",
    "apispec",
    "fastavro",
    "google.cloud.bigquery",
    "google.cloud.pubsub_v1",
    "google.cloud.sql.connector",
    "google.cloud.storage",
    "marshmallow",
    "msgspec",
    "numpy",
    "pg8000",
    "sqlalchemy",
)
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (.*)")


def main() -> None:
    """Measure and print."""
    print(f"{'':<24}{'ms':>6}{'of ours':>9}  imported at the start")
    framework, _ = measured("import functions_framework")
    print(f"{'functions-framework':<24}{framework:>6.0f}")
    for name in (one.name for one in functions.read()):
        program = (
            "import functions_framework, runpy; "
            f"runpy.run_path('functions/{name}/main.py', run_name='main')"
        )
        took, modules = measured(program)
        heavy = ", ".join(one for one in HEAVY if one in modules)
        print(f"{name:<24}{took:>6.0f}{took - framework:>9.0f}  {heavy}")


def measured(program: str) -> tuple[float, set[str]]:
    """The milliseconds that all imports take, and the modules."""
    runs = [_run(program) for _ in range(ROUNDS)]
    return statistics.median(took for took, _ in runs), runs[0][1]


def _run(program: str) -> tuple[float, set[str]]:
    words = [sys.executable, "-X", "importtime", "-c", program]
    printed = subprocess.run(
        words, check=True, capture_output=True, text=True, cwd=functions.ROOT
    ).stderr
    lines = [found for found in map(_LINE.match, printed.splitlines()) if found]
    # The time of each module itself, so that nothing counts twice.
    return sum(int(line[1]) for line in lines) / 1000, {line[3].strip() for line in lines}


if __name__ == "__main__":
    main()
