"""What all tests share: an environment without settings of this machine, and one platform."""

import os
from collections.abc import Iterator

import pytest

from shared.settings import described
from tests.platform.running import Platform, running

for _setting in described():
    os.environ.pop(_setting.name.upper(), None)
for _service in ("STORAGE", "PUBSUB", "BIGQUERY"):
    os.environ.pop(f"{_service}_EMULATOR_HOST", None)


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A running platform; tests leave it healthy."""
    with running() as started:
        yield started
