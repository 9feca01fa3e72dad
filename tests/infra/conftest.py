"""What the tests of infra share: terraform."""

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
        pytest.skip("terraform as a library is there for Linux on x86_64 only")
    with running.terraform() as started:
        yield started
