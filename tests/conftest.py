"""What all tests share: an environment without settings of this machine, and one platform."""

import os
from collections.abc import Generator, Iterator

import pytest

from shared.settings import described
from tests.support import secrecy
from tests.support.platform import Platform, running

for _setting in described():
    os.environ.pop(_setting.name.upper(), None)
for _service in ("STORAGE", "PUBSUB", "BIGQUERY"):
    os.environ.pop(f"{_service}_EMULATOR_HOST", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in which a door's log line held a token or a row's value."""
    report = yield
    if report.passed and (found := secrecy.in_lines(f"{report.capstdout}\n{report.capstderr}")):
        report.outcome = "failed"
        report.longrepr = "A log line holds what none may hold:\n" + "\n".join(found)
    return report


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A running platform; tests leave it healthy."""
    with running() as started:
        yield started
