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

from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.results import Outcome
from tests.mutants.selection import Selection

_IMPORT_SECONDS, _SLOWER = 20, 4
_SURVIVED, _FAILED = 0, 1


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
    for number in range(processes):
        threading.Thread(target=_work, args=(number, todo, done, selection), daemon=True).start()
    for _ in mutants:
        found = done.get()
        if isinstance(found, BaseException):
            raise found
        yield found


def _work(
    number: int,
    todo: "Queue[Mutant | None]",
    done: "Queue[tuple[Mutant, Outcome] | BaseException]",
    selection: Selection,
) -> None:
    with tempfile.TemporaryDirectory(prefix="tablegate-mutants-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            while mutant := todo.get():
                done.put((mutant, _tried(process, mutant, selection, Path(folder))))
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            done.put(error)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(60)


def _tried(process: Any, mutant: Mutant, selection: Selection, folder: Path) -> Outcome:
    tests, seconds = selection.tests(mutant)
    if not tests:
        return Outcome(killed=False, detail="no test runs it", seconds=0)
    text = mutant.text()
    if mutant.file.endswith(".py"):
        try:
            compile(text, mutant.file, "exec")
        except SyntaxError:
            return Outcome(killed=True, detail="cannot be compiled", seconds=0)
    log = folder / "log"
    order = {
        "file": mutant.file,
        "text": text,
        "tests": tests,
        "limit_seconds": _IMPORT_SECONDS + _SLOWER * seconds,
        "log": str(log),
    }
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline() or "null")
    if answer is None:
        raise RuntimeError("a process that runs the tests of mutants ended")
    if answer["code"] not in (_SURVIVED, _FAILED, None) and not log.read_text(errors="replace"):
        raise RuntimeError(f"pytest ended with {answer['code']} and said nothing")
    killed = answer["code"] != _SURVIVED
    if killed and answer["failed"] in tests:
        selection.killed(mutant, answer["failed"])
    detail = answer["failed"] or "cannot be imported" if killed else f"{len(tests)} tests"
    return Outcome(killed, detail, answer["seconds"])
