"""What `make chaos` runs beside its schedules: the fuzzers, and every access with a wrong token."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.support.checkout import ROOT

_FUZZERS = ROOT / ".venv-fuzz" / "bin" / "python"
_ACCESSES = ("tests/security/test_access.py", "tests/security/test_pushes.py")
# What must be 0.
WRONG = ("fuzz crashes", "fuzzers that told nothing", "routes with a wrong access")
_PASSED, _FAILED = re.compile(r"(\d+) passed"), re.compile(r"(\d+) (?:failed|error)")


def fuzzed(seconds: int) -> dict[str, int]:
    """Executions of the fuzzers, and how many targets crashed; nothing where they are not there."""
    if not (seconds and _FUZZERS.exists() and (ROOT / "tests" / "fuzz").exists()):
        return {}
    told = _run(_FUZZERS, "-m", "tests.fuzz", "--seconds", str(seconds)).strip().splitlines()
    try:
        summary = json.loads(told[-1])
    except (IndexError, ValueError):
        return {"fuzzers that told nothing": 1}
    return {"fuzz executions": summary["executions"], "fuzz crashes": summary["crashes"]}


def accesses() -> dict[str, int]:
    """How many tests of accesses held; each tries a route with every token not meant for it."""
    there = [path for path in _ACCESSES if (ROOT / path).exists()]
    if not there:
        return {}
    told = _run(Path(sys.executable), "-m", "pytest", "-q", "-p", "no:cacheprovider", *there)
    held, not_held = _PASSED.search(told), _FAILED.search(told)
    return {
        "routes whose accesses held": int(held[1]) if held else 0,
        "routes with a wrong access": int(not_held[1]) if not_held else int(held is None),
    }


def _run(program: Path, *words: str) -> str:
    ended = subprocess.run(
        [str(program), *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(ended.stdout[-1500:], flush=True)
    return ended.stdout
