"""Which tests run for a mutant."""

import ast
import functools
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field

from tests.mutants.covering import RESULT
from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.mutant import read as read_text

FOLDER = ROOT / ".local" / "mutants"
_COVERAGE = FOLDER / "coverage"
# Golden files notice every change of a statement's text, and judge none.
_LEFT_OUT = ("tests/unit/test_golden.py", "tests/security/test_memory.py")
_FOLDERS = ("unit", "properties", "database", "backups", "warehouse", "security", "infra")
_KIND = "not slow and not platform and not browser"


@dataclass
class Covering:
    """Which tests run a line, and how long each takes; or tests to run whatever the line."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    everywhere: set[str] = field(default_factory=set)

    def tests(self, mutant: Mutant) -> set[str]:
        """Those that run the changed line.

        Of a line that runs at import: those of its file, or else of its package.
        """
        if self.everywhere:
            return self.everywhere
        if mutant.file.endswith(".sql"):
            return self.lines[mutant.file][0]
        if direct := self._of_calls(mutant.file).get(mutant.line):
            return direct
        package = mutant.file.rpartition("/")[0] + "/"
        of_package = [file for file in self.lines if file.startswith(package)]
        return set().union(*self._of_calls(mutant.file).values()) or set().union(
            *(tests for file in of_package for tests in self._of_calls(file).values())
        )

    def _of_calls(self, file: str) -> dict[int, set[str]]:
        """Without lines that run at import, which count for the test that happened to import."""
        if not file.endswith(".py"):
            return {}
        inside = _lines_of_functions(file)
        return {line: tests for line, tests in self.lines[file].items() if line in inside}


def measure(processes: int) -> Covering:
    """Run the tests once, and write down what they cover.

    Raises:
        SystemExit: a test fails.
    """
    shutil.rmtree(_COVERAGE, ignore_errors=True)
    _COVERAGE.mkdir(parents=True)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", str(processes), "-m", _KIND),
            *("-p", "tests.mutants.covering", "--hypothesis-seed=0", "--timeout=600"),
            *(f"--deselect={test}" for test in _LEFT_OUT),
            *(f"tests/{folder}" for folder in _FOLDERS),
        ],
        cwd=ROOT,
        env={**os.environ, RESULT: str(_COVERAGE)},
        check=False,
    )
    if ended.returncode:
        sys.exit("The tests fail without any change; mend that first.")
    return read()


def read() -> Covering:
    """What the last measurement wrote down."""
    found = Covering()
    for file in _COVERAGE.glob("*.json"):
        part = json.loads(file.read_text())
        found.seconds |= part["seconds"]
        for name, lines in part["lines"].items():
            for line, tests in lines.items():
                found.lines[name][int(line)] |= set(tests)
    return found


def of_files(files: list[str]) -> Covering:
    """All tests of some files, each as if it took a second."""
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", _KIND, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tests = {line for line in found.stdout.splitlines() if "::" in line}
    return Covering(dict.fromkeys(tests, 1.0), everywhere=tests)


class Selection:
    """Chooses tests: first what killed another mutant of the file, then the quick ones."""

    def __init__(self, covering: Covering, seconds: float) -> None:
        self._covering, self._seconds = covering, seconds
        self._killers: dict[str, list[str]] = defaultdict(list)
        self._trusted: set[str] = set()
        self._unreliable: set[str] = set()

    def seconds(self, test: str) -> float:
        """How long a test takes without a change."""
        return self._covering.seconds[test]

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests, in the order in which they are to run."""
        seconds, killers = self._covering.seconds, self._killers[mutant.file]
        covering = self._covering.tests(mutant) - self._unreliable
        first = [test for test in killers[:_KILLERS] if test in covering]
        rest = sorted(covering - set(first), key=lambda test: seconds[test])
        chosen, total = [], 0.0
        for test in (*first, *rest):
            total += seconds[test]
            if total > self._seconds and chosen and not self._covering.everywhere:
                break
            chosen.append(test)
        # Files one after the other, so that what a file's tests share is made once.
        place = {file: n for n, file in reversed(list(enumerate(map(_file, chosen))))}
        return chosen[: len(first)] + sorted(
            chosen[len(first) :], key=lambda test: (place[_file(test)], seconds[test])
        )

    def is_trusted(self, test: str) -> bool:
        """Whether it is known to pass without a change."""
        return test in self._trusted

    def judge(self, test: str, *, passes: bool) -> None:
        """Note whether a test passes without a change; one that doesn't is not run again."""
        if passes:
            self._trusted.add(test)
        else:
            print(f"  fails without a change: {test}", flush=True)
            self._unreliable.add(test)

    def killed(self, mutant: Mutant, test: str) -> None:
        """Remember the test that killed a mutant."""
        killers = self._killers[mutant.file]
        if test in killers:
            killers.remove(test)
        killers.insert(0, test)


@functools.cache
def _lines_of_functions(file: str) -> frozenset[int]:
    """The lines of a module that run when a function is called."""
    return frozenset(
        line
        for node in ast.walk(ast.parse(read_text(file)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for line in range(node.body[0].lineno, (node.end_lineno or 0) + 1)
    )


_KILLERS = 12


def _file(test: str) -> str:
    return test.partition("::")[0]
