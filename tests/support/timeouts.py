"""Every test, with its fixtures, has a timeout: pytest-timeout's, and one for its teardown.

An example of a property test has none of its own: the first one may import a library.
"""

from collections.abc import Generator

import hypothesis
import pytest
from pytest_timeout import Settings

hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check that every collected test has a timeout.

    Raises:
        pytest.UsageError: pyproject.toml has none, or a test's own leaves something out.
    """
    if not float(config.getini("timeout") or 0) > 0:
        raise pytest.UsageError("pyproject.toml sets no timeout for tests")
    for item in items:
        for marker in item.iter_markers("timeout"):
            seconds = marker.args[0] if marker.args else marker.kwargs.get("timeout", 1)
            if not seconds > 0 or marker.kwargs.get("func_only"):
                raise pytest.UsageError(f"{item.nodeid} or its fixtures would have no timeout")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Start the timeout anew, because pytest-timeout ends it as soon as a test fails."""
    if not item.config.getoption("usepdb"):
        option = item.config.getoption("timeout")
        seconds = float(item.config.getini("timeout") if option is None else option)
        if seconds > 0:
            settings = Settings(seconds, "signal", False, False)
            item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
    try:
        return (yield)
    finally:
        item.ihook.pytest_timeout_cancel_timer(item=item)
