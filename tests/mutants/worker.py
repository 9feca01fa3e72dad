"""Runs the tests of one mutant after another, each in a forked child.

`python -m tests.mutants.worker` reads orders from standard input and writes an outcome for each to
standard output, as lines of JSON. The stand-ins are started once, when a test first needs them;
libraries are imported once, and each child imports this checkout anew, with one place changed.
"""

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from tests.mutants.mutant import ROOT
from tests.support.platform import new_home
from tests.support.stand_ins import KEPT, KeptStandIns, StandIns

_OURS = ("shared", "functions", "infra", "tests")
_LIBRARIES = (
    *(
        "hypothesis",
        "_hypothesis_pytestplugin",
        "pytest_timeout",
        "flask",
        "functions_framework",
        "httpx",
    ),
    *("sqlalchemy.dialects.postgresql.pg8000", "pg8000.native", "alembic.command", "fastavro"),
    *("google.cloud.storage", "google.cloud.bigquery", "google.cloud.pubsub_v1", "marshmallow"),
    "sqlglot",
)
# Loading all that are installed takes longer than most tests.
_PLUGINS = (
    *("--disable-plugin-autoload", "-p", "_hypothesis_pytestplugin", "-p", "pytest_timeout"),
    *("-p", "no:cacheprovider", "-p", "no:unraisableexception"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
_FAILED = 1
_POLL_SECONDS = 0.01


class _Changed(importlib.machinery.SourceFileLoader):
    """Loads a module from other text than its file holds."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._changed = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._changed, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the one changed module."""

    def __init__(self, file: str, text: str) -> None:
        self._name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self._path, self._text = str(ROOT / file), text

    def find_spec(
        self, fullname: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=_Changed(fullname, self._path, self._text)
        )


class _Selected:
    """A pytest plugin: runs some tests in a given order, and remembers which failed."""

    def __init__(self, tests: dict[str, float]) -> None:
        self._seconds = tests
        self._place = {test: place for place, test in enumerate(tests)}
        self.failed = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._place),
            key=lambda item: self._place[item.nodeid],
        )
        for item in items:
            item.add_marker(pytest.mark.timeout(self._seconds[item.nodeid]), append=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def main() -> None:
    """Do what standard input says, until it ends."""
    outcomes = os.fdopen(os.dup(1), "w", buffering=1)
    sys.path.insert(0, str(ROOT))
    for name in _LIBRARIES:
        importlib.import_module(name)
    # Whoever ends this process means its stand-ins, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with new_home() as home:
        kept = StandIns(home)
        for line in sys.stdin:
            order = json.loads(line)
            if not order["alone"] and KEPT not in os.environ:
                os.environ[KEPT] = KeptStandIns.addresses(kept)
            outcome = _outcome(order)
            # Tests that were killed leave databases and roles that the next ones would meet.
            outcome["ends"] = outcome["code"] is None and not order["alone"]
            outcomes.write(json.dumps(outcome) + "\n")
            if outcome["ends"]:
                break
        kept.stop()


def _outcome(order: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        _run(order, writing)
    os.close(writing)
    code = _waited(child, order["limit_seconds"])
    with os.fdopen(reading) as pipe:
        failed = pipe.read() if code is not None else ""
    if code == _FAILED and not failed:
        code = None
    # What a test started and didn't end, because it was cut short.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return {"code": code, "failed": failed, "seconds": time.monotonic() - started}


def _waited(child: int, limit_seconds: float) -> int | None:
    limit = time.monotonic() + limit_seconds
    while time.monotonic() < limit:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_POLL_SECONDS)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _run(order: dict[str, Any], writing: int) -> None:
    """Run the tests in this child, and end it with pytest's exit code."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for name in list(sys.modules):
        if name.partition(".")[0] in _OURS:
            del sys.modules[name]
    _change(order["file"], order["text"])
    selected = _Selected(order["tests"])
    files = list(dict.fromkeys(test.partition("::")[0] for test in order["tests"]))
    code: int = 3
    try:
        # A change that makes a loop endless costs seconds, because the child ends by itself. Not by
        # an exception, which hypothesis would take for a failure and try to reproduce.
        options = ["-x", "-q", "--hypothesis-seed=0", "--timeout-method=thread", *_PLUGINS]
        code = int(pytest.main([*options, *files], plugins=[selected]))
    except BaseException:  # noqa: BLE001 - the child ends here
        traceback.print_exc()
    finally:
        os.write(writing, selected.failed.encode()[:4000])
        sys.stdout.flush()
        os._exit(code)


def _change(file: str, text: str) -> None:
    if file.endswith(".py"):
        sys.meta_path.insert(0, _Finder(file, text))
        return
    read, changed = Path.read_text, ROOT / file

    def instead(path: Path, *args: Any, **kwargs: Any) -> str:
        return text if path == changed else read(path, *args, **kwargs)

    Path.read_text = instead  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
