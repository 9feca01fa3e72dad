"""What the tests of infra/gcp share: a copy that terraform may work in, and its plan."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import functions
from tests.infra.terraform import reading, rules, running


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of infra/gcp, and of everything that it reads."""
    return running.copy(tmp_path_factory.mktemp("gcp"))


@pytest.fixture(scope="session")
def plan(terraform: running.Terraform, files: Path) -> rules.Planned:
    """The plan for an empty project."""
    return rules.Planned(terraform.plan(files))


@pytest.fixture(scope="session")
def needed() -> Mapping[str, set[str]]:
    """The variables that each function's code reads."""
    return reading.needed(functions.read())
