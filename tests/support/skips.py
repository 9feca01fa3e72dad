"""Skipped tests fail the run if TESTS_FAIL_IF_SKIPPED is set, as it is in CI.

Elsewhere a test that needs what is not installed is skipped. In CI all of it is installed, and a
skipped test would go unnoticed.
"""

import os
from collections.abc import Generator

import pytest

FAIL_IF_SKIPPED = "TESTS_FAIL_IF_SKIPPED"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a file that is skipped as a whole."""
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and os.environ.get(FAIL_IF_SKIPPED):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        report.longrepr = f"{reason} ({FAIL_IF_SKIPPED} is set)"
