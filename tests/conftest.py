"""What all tests share: an environment without settings of this machine, and the fixtures."""

import os
from collections.abc import Generator

import pytest

from shared.settings import described

# Before the first of them is imported: their assertions are to say what they compared.
pytest.register_assert_rewrite("tests.support")
from tests.support import secrecy  # noqa: E402

pytest_plugins = (
    "tests.support.company",
    "tests.support.markers",
    "tests.support.scheduling",
    "tests.support.skips",
    "tests.support.timeouts",
    "tests.support.telling",
    "tests.support.stand_ins",
    "tests.support.postgres",
    "tests.support.buckets",
    "tests.support.topics",
    "tests.support.warehouse",
    "tests.support.identities",
    "tests.support.apps",
    "tests.support.generated",
    "tests.support.platform",
)

for _setting in described():
    os.environ.pop(_setting.name.upper(), None)
for _service in ("STORAGE", "PUBSUB", "BIGQUERY"):
    os.environ.pop(f"{_service}_EMULATOR_HOST", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in which a function's log line held a token or a row's value."""
    report = yield
    if report.passed and (found := secrecy.in_lines(f"{report.capstdout}\n{report.capstderr}")):
        report.outcome = "failed"
        report.longrepr = "A log line holds a token or a row's value:\n" + "\n".join(found)
    return report
