"""Hostile files and bodies are refused in little memory, measured in one process each."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security.memory_cases import CASES
from tests.support.checkout import ROOT

# The worst case is the largest body: 10 MB, which grow many times over as Python objects.
MOST_MEGABYTES = 256


@pytest.fixture(scope="module")
def measured():
    """The outcome and memory of each case; two processes run at a time."""

    def run(name):
        done = subprocess.run(
            [sys.executable, "-m", "tests.security.memory_cases", name],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CASES, pool.map(run, CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_memory_stays_bounded(name, measured):
    assert measured[name]["megabytes"] < MOST_MEGABYTES, measured[name]


def test_each_case_is_refused_for_its_own_reason(measured):
    outcomes = {name: one["outcome"] for name, one in measured.items()}

    assert outcomes["a line of a gigabyte"] == "wrong_columns"
    assert outcomes["a gzip bomb"] == "bad_ratio"
    assert outcomes["a hundred thousand columns"] == "header_drifted"
    assert outcomes["a batch of empty lists"] == "too_many_rows"
    assert outcomes["a message bomb"] == "malformed"
    assert outcomes["an Avro bomb"] == "too_large"
    assert outcomes["an Avro block of tiny rows"] == "bad_rows"
