"""Deals the tests to the processes of pytest-xdist: whole files, and what takes long first.

All files that use the one platform are dealt together, so that one process alone starts it.
"""

from collections import Counter
from typing import Any

import pytest

ON_THE_PLATFORM = (
    "tests/backups/test_warehouse.py",
    "tests/browser/",
    "tests/cli/test_elsewhere.py",
    "tests/cli/test_files.py",
    "tests/cli/test_verbs.py",
    "tests/docs/test_drop.py",
    "tests/infra/test_smoke.py",
    "tests/platform/test_batches.py",
    "tests/platform/test_bigquery.py",
    "tests/platform/test_gateway.py",
    "tests/platform/test_ingest.py",
    "tests/platform/test_lifecycle.py",
    "tests/platform/test_memory.py",
    "tests/platform/test_slow_callers.py",
    "tests/platform/test_storage.py",
    "tests/platform/test_supervision.py",
    "tests/platform/test_uploads.py",
    "tests/security/test_gateway.py",
    "tests/security/test_logs.py",
    "tests/security/test_pushes.py",
)
# Of the rest, what takes long comes first, so that all processes end at about the same time.
_FIRST = (
    "tests/platform/",
    "tests/models/",
    "tests/chaos/",
    "tests/warehouse/",
    "tests/infra/",
    "tests/database/",
)
_LAST = "tests/unit/"


def group(nodeid: str) -> str:
    """The tests that one process runs one after another: those of a file, or of the platform."""
    file = nodeid.partition("::")[0]
    return "the platform" if file.startswith(ON_THE_PLATFORM) else file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests of a process of pytest-xdist.

    Raises:
        pytest.UsageError: a file uses the platform and is not in ON_THE_PLATFORM, or two tests have
            the same id, of which pytest-xdist would run only one.
    """
    for item in items:
        if type(item).__name__ == "SchemathesisFunction":
            # pytest 9.2 leaves out the operation, which only its name has.
            item._id = item.parent.id.child(item.name)
    repeated = [name for name, times in Counter(item.nodeid for item in items).items() if times > 1]
    if repeated:
        raise pytest.UsageError(f"several tests have the same id: {', '.join(repeated)}")
    for item in items:
        if "platform" in item.fixturenames and group(item.nodeid) != "the platform":
            raise pytest.UsageError(f"{item.nodeid} uses the platform: add it to ON_THE_PLATFORM")
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(group(item.nodeid)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name packed bytes by their parameter: they hold the time, and every process must find the
    same names."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What deals the tests."""
    from xdist.scheduler import LoadScopeScheduling

    class Dealer(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    config.option.loadscopereorder = False
    return Dealer(config, log)


def _rank(name: str) -> int:
    for place, start in enumerate(("the platform", *_FIRST)):
        if name.startswith(start):
            return place
    return len(_FIRST) + 1 + name.startswith(_LAST)
