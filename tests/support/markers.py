"""Marks each test by its folder and by the fixtures that it asks for."""

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
OF_FOLDER = {
    "unit": "unit",
    "properties": "unit",
    "platform": "platform",
    "chaos": "platform",
    "models": "platform",
    "browser": "browser",
}
OF_FIXTURE = {"stand_ins": "database", "platform": "platform"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what was collected.

    Raises:
        pytest.UsageError: a test of tests/unit asks for a running PostgreSQL or platform.
    """
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        needed = {OF_FIXTURE[name] for name in OF_FIXTURE if name in item.fixturenames}
        if OF_FOLDER.get(folder) == "unit" and needed:
            raise pytest.UsageError(f"{item.nodeid} is no unit test: {', '.join(needed)}")
        for name in {OF_FOLDER.get(folder, ""), *needed} - {""}:
            item.add_marker(name)
