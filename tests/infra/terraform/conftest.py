"""What the tests of infra/gcp share: terraform, and a copy that it may work in."""

import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infra.local import specifications
from tests.infra.terraform import house, reading, running

HAS_TERRAFORM = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.fixture(scope="session")
def terraform() -> Iterator[running.Terraform]:
    """The real terraform."""
    if not HAS_TERRAFORM:
        pytest.skip("terraform as a library is there for Linux on x86_64 only")
    with running.terraform() as started:
        yield started


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of infra/gcp, and of everything that it reads."""
    return running.copy(tmp_path_factory.mktemp("gcp"))


@pytest.fixture(scope="session")
def plan(terraform: running.Terraform, files: Path) -> house.Planned:
    """The plan for an empty project."""
    return house.Planned(terraform.plan(files))


@pytest.fixture(scope="session")
def needed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """The variables that each function's code reads."""
    return reading.needed(specifications.functions(), tmp_path_factory.mktemp("read"))
