"""A pytest plugin that writes down which tests run which lines, and how long each test takes.

Caches of functions are emptied before each test, and what makes a fixture of a whole session counts
for every test that uses it: otherwise it would look as if only the first test needed it.
"""

import functools
import gc
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutants.mutant import ROOT
from tests.mutants.mutate import PACKAGES

RESULT = "MUTANTS_COVERAGE"
Lines = dict[str, dict[str, list[str]]]


class _Recorder:
    def __init__(self, result: Path) -> None:
        self._result = result
        self._coverage = coverage.Coverage(
            data_file=None, source=[str(ROOT / "shared" / name) for name in PACKAGES]
        )
        self._seconds: dict[str, float] = {}
        self._statements: dict[str, set[str]] = defaultdict(set)
        self._tests: dict[str, set[str]] = defaultdict(set)
        self._running = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        for found in gc.get_objects():
            if isinstance(found, functools._lru_cache_wrapper) and found.__module__.startswith(
                "shared."
            ):
                found.cache_clear()
        for name in {item.nodeid, *map(_context, getattr(item, "fixturenames", ()))}:
            self._tests[name].add(item.nodeid)
        self._switch(item.nodeid)
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.perf_counter() - started
            self._coverage.switch_context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[object]:
        if fixturedef.scope == "function":
            return (yield)
        before, made = self._running, _context(fixturedef.argname)
        self._tests[made] |= self._tests[before]
        self._switch(made)
        try:
            return (yield)
        finally:
            self._switch(before)

    def _switch(self, context: str) -> None:
        self._running = context
        self._coverage.switch_context(context)

    def start(self) -> None:
        self._coverage.start()
        read = Path.read_text

        def recorded(path: Path, *args: Any, **kwargs: Any) -> str:
            if path.suffix == ".sql" and self._running:
                self._statements[str(path.relative_to(ROOT))].add(self._running)
            return read(path, *args, **kwargs)

        Path.read_text = recorded  # type: ignore[method-assign]

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        lines: Lines = {
            str(Path(file).relative_to(ROOT)): {
                str(line): self._tests_of(contexts)
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        for file, contexts in self._statements.items():
            lines[file] = {"0": self._tests_of(contexts)}
        name = os.environ.get("PYTEST_XDIST_WORKER", "only")
        self._result.joinpath(f"{name}.json").write_text(
            json.dumps({"seconds": self._seconds, "lines": lines})
        )

    def _tests_of(self, contexts: Iterable[str]) -> list[str]:
        return sorted(set().union(*(self._tests[context] for context in contexts if context)))


def _context(fixture: str) -> str:
    return f"fixture {fixture}"


def pytest_configure(config: pytest.Config) -> None:
    """Record, in the processes that run tests."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    recorder = _Recorder(Path(os.environ[RESULT]))
    config.pluginmanager.register(recorder)
    recorder.start()
