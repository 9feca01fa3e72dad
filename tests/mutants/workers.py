"""Deals mutants to processes, each with stand-ins of its own."""

import json
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

_IMPORT_SECONDS, _SLOWER, _STOP_SECONDS = 20, 4, 60
_PASSED, _NONE_FOUND = 0, 5
# What a worker says of tests that it ended, after which it ends itself.
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
    with tempfile.TemporaryDirectory(prefix="tablegate-mutants-") as folder:
        process = None
        try:
            while mutant := todo.get():
                if process is None or process.poll() is not None:
                    process = _started()
                outcome = _tried(process, mutant, selection, Path(folder))
                if outcome.detail == TOO_LONG:
                    process.wait(_STOP_SECONDS)
                done.put((mutant, outcome))
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            done.put(error)
        finally:
            if process:
                process.stdin.close()
                process.wait(_STOP_SECONDS)


def _started() -> Any:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.mutants.worker"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _tried(process: Any, mutant: Mutant, selection: Selection, folder: Path) -> Outcome:
    text = mutant.text()
    if mutant.file.endswith(".py"):
        try:
            compile(text, mutant.file, "exec")
        except SyntaxError:
            return Outcome(killed=True, detail="cannot be compiled", seconds=0)
    while True:
        tests, seconds = selection.tests(mutant)
        if not tests:
            return Outcome(killed=False, detail="no test runs it", seconds=0)
        answer = _ask(process, mutant.file, text, tests, seconds, folder)
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
        unchanged = _ask(process, mutant.file, read(mutant.file), [killer], seconds, folder)
        selection.judge(killer, passes=unchanged["code"] == _PASSED)


def _ask(
    process: Any, file: str, text: str, tests: list[str], seconds: float, folder: Path
) -> dict[str, Any]:
    log = folder / "log"
    order = {
        "file": file,
        "text": text,
        "tests": tests,
        "limit_seconds": _IMPORT_SECONDS + _SLOWER * seconds,
        "log": str(log),
    }
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] | None = json.loads(process.stdout.readline() or "null")
    if answer is None or answer["code"] == _NONE_FOUND:
        said = log.read_text(errors="replace")
        raise RuntimeError(f"the tests of a mutant of {file} did not run:\n{said}")
    return answer
