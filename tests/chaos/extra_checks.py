"""What `make chaos` runs after its schedules: the fuzzers, and the tests of access."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.support.checkout import ROOT

_FUZZERS = ROOT / ".venv-fuzz" / "bin" / "python"
_ACCESS_TESTS = ("tests/security/test_access.py", "tests/security/test_pushes.py")
MUST_BE_ZERO = ("fuzz crashes", "fuzzers without a summary", "failed tests of access")
_PASSED, _FAILED = re.compile(r"(\d+) passed"), re.compile(r"(\d+) (?:failed|error)")


def fuzzed(seconds: int) -> dict[str, int]:
    """Run the fuzzers: executions, and targets that crashed; empty if they are not installed."""
    if not (seconds and _FUZZERS.exists() and (ROOT / "tests" / "fuzz").exists()):
        return {}
    printed = _run(_FUZZERS, "-m", "tests.fuzz", "--seconds", str(seconds)).strip()
    try:
        summary = json.loads(printed.splitlines()[-1])
    except (IndexError, ValueError):
        return {"fuzzers without a summary": 1}
    return {"fuzz executions": summary["executions"], "fuzz crashes": summary["crashes"]}


def accesses() -> dict[str, int]:
    """Run the tests of access, which try each route with every token that must not open it."""
    files = [path for path in _ACCESS_TESTS if (ROOT / path).exists()]
    if not files:
        return {}
    printed = _run(Path(sys.executable), "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    passed, failed = _PASSED.search(printed), _FAILED.search(printed)
    return {
        "passed tests of access": int(passed[1]) if passed else 0,
        "failed tests of access": int(failed[1]) if failed else int(passed is None),
    }


def _run(program: Path, *words: str) -> str:
    ended = subprocess.run(
        [str(program), *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(ended.stdout[-1500:], flush=True)
    return ended.stdout
