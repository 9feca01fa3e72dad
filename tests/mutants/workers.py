"""Deals mutants to processes, each with stand-ins of its own."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

from tests.mutants.mutant import ROOT, Mutant, read
from tests.mutants.results import Outcome
from tests.mutants.selection import Selection

_IMPORT_SECONDS, _TEST_SECONDS, _SLOWER, _STOP_SECONDS = 20, 4, 5, 60
_PASSED, _NONE_FOUND = 0, 5
# Tests that use no stand-ins.
_ALONE = ("tests/unit/", "tests/properties/")
TOO_LONG = "took too long"


def run(
    mutants: list[Mutant], selection: Selection, processes: int
) -> Iterator[tuple[Mutant, Outcome]]:
    """Run the tests of each mutant; gives the outcomes in the order in which they come.

    Raises:
        RuntimeError: the tests of an unchanged file fail, or a process ended.
    """
    todo: Queue[Mutant | None] = Queue()
    done: Queue[tuple[Mutant, Outcome] | BaseException] = Queue()
    for mutant in (*mutants, *[None] * processes):
        todo.put(mutant)
    for _ in range(processes):
        threading.Thread(target=_work, args=(todo, done, selection), daemon=True).start()
    for _ in mutants:
        found = done.get()
        if isinstance(found, BaseException):
            raise found
        yield found


def _work(
    todo: "Queue[Mutant | None]",
    done: "Queue[tuple[Mutant, Outcome] | BaseException]",
    selection: Selection,
) -> None:
    with _Worker() as worker:
        try:
            while mutant := todo.get():
                done.put((mutant, _tried(worker, mutant, selection)))
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            done.put(error)


def _tried(worker: "_Worker", mutant: Mutant, selection: Selection) -> Outcome:
    text = mutant.text()
    if mutant.file.endswith(".py"):
        try:
            compile(text, mutant.file, "exec")
        except SyntaxError:
            return Outcome(killed=True, detail="cannot be compiled", seconds=0)
    while True:
        tests = selection.tests(mutant)
        if not tests:
            return Outcome(killed=False, detail="no test runs it", seconds=0)
        answer = worker.ask(mutant.file, text, tests, selection)
        killer = answer["failed"]
        if answer["code"] == _PASSED:
            return Outcome(killed=False, detail=f"{len(tests)} tests", seconds=answer["seconds"])
        if answer["code"] is None:
            return Outcome(killed=True, detail=TOO_LONG, seconds=answer["seconds"])
        if killer not in tests:
            return Outcome(killed=True, detail="cannot be imported", seconds=answer["seconds"])
        if selection.is_trusted(killer):
            selection.killed(mutant, killer)
            return Outcome(killed=True, detail=killer, seconds=answer["seconds"])
        unchanged = worker.ask(mutant.file, read(mutant.file), [killer], selection)
        selection.judge(killer, passes=unchanged["code"] == _PASSED)


class _Worker:
    """A process that runs tests; another one once it has ended."""

    def __enter__(self) -> "_Worker":
        self._log = Path(tempfile.mkstemp(prefix="tablegate-mutant-")[1])
        self._process: Any = None
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._log.unlink()

    def ask(self, file: str, text: str, tests: list[str], selection: Selection) -> dict[str, Any]:
        """Run tests with a file's text changed; gives what `worker.py` answers.

        Raises:
            RuntimeError: pytest found none of the tests, or the process ended.
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.mutants.worker"],
                cwd=ROOT,
                # Each child imports the checkout, which takes far longer if it must be compiled.
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        order = {
            "file": file,
            "text": text,
            "tests": {test: _TEST_SECONDS + _SLOWER * selection.seconds(test) for test in tests},
            "alone": all(test.startswith(_ALONE) for test in tests),
            "limit_seconds": _IMPORT_SECONDS + _SLOWER * sum(map(selection.seconds, tests)),
            "log": str(self._log),
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] | None = json.loads(self._process.stdout.readline() or "null")
        if answer is None or answer["code"] == _NONE_FOUND:
            said = self._log.read_text(errors="replace")
            raise RuntimeError(f"the tests of a mutant of {file} did not run:\n{said}")
        if answer["ends"]:
            self._end()
        return answer

    def _end(self) -> None:
        if self._process:
            self._process.stdin.close()
            self._process.wait(_STOP_SECONDS)
            self._process = None
