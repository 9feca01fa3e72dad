"""Hostile files and bodies are refused in little memory, each measured in a process of its own."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security.child import CASES
from tests.support.checkout import ROOT

# Of the largest body there are 10 MB; what it becomes in Python is the most of all.
MOST_MEGABYTES = 256


@pytest.fixture(scope="module")
def measured():
    """What each case came to, and what it took; two processes at a time."""

    def run(name):
        ended = subprocess.run(
            [sys.executable, "-m", "tests.security.child", name],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CASES, pool.map(run, CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_memory_stays_bounded(name, measured):
    assert measured[name]["megabytes"] < MOST_MEGABYTES, measured[name]


def test_each_is_told_by_what_it_is(measured):
    told = {name: one["outcome"] for name, one in measured.items()}

    assert told["a line of a gigabyte"] == told["a gzip bomb"] == "wrong_columns"
    assert told["a hundred thousand columns"] == "header_drifted"
    assert told["a batch of empty lists"] == "too_many_rows"
    assert told["a message bomb"] == "malformed"
    assert told["an Avro bomb"] == "too_large"
    assert told["an Avro block of tiny rows"] == "bad_rows"
