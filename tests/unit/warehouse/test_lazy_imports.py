"""A function of the warehouse imports its heavy libraries at its first call."""

import subprocess
import sys

import pytest

from tests.support.checkout import ROOT

NAMES = ["sync_warehouse", "hires_by_quarter", "departments_above_mean", "freshness"]


@pytest.mark.parametrize("name", NAMES)
def test_a_function_starts_without_its_heavy_libraries(name):
    heavy = (
        *("sqlalchemy", "pg8000", "google.cloud.bigquery", "google.cloud.storage"),
        *("fastavro", "numpy", "isal", "cramjam"),
    )
    probe = (
        "import importlib.util as u, sys;"
        f"s = u.spec_from_file_location('main', 'functions/{name}/main.py');"
        "m = u.module_from_spec(s); s.loader.exec_module(m);"
        f"print([x for x in {heavy!r} if x in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
