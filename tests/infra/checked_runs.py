"""Runs pytest on a file of its own, with the settings of pyproject.toml."""

import os
import subprocess
import sys
from pathlib import Path

from infra.functions import ROOT
from tests.support.skips import FAIL_IF_SKIPPED

# Without the plugins of other packages, pytest starts in a quarter of the time.
QUICKLY = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}


def run(file: Path, *options: str, **environment: str) -> tuple[int, str]:
    """Run a file of tests with plugins of ours; returns the exit status and what was printed."""
    inherited = {name: text for name, text in os.environ.items() if name != FAIL_IF_SKIPPED}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")),
            *("-p", "pytest_timeout", "-p", "xdist"),
            *("-p", "tests.support.timeouts", "-p", "tests.support.skips"),
            *("--rootdir", str(file.parent), "-p", "no:cacheprovider", *options, str(file)),
        ],
        cwd=ROOT,
        env={**inherited, **QUICKLY, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
