"""In CI, a skipped test fails the run and is named with its reason."""

import textwrap

import pytest
import yaml

from infra.functions import ROOT
from tests.infra.checked_runs import run
from tests.support.skips import FAIL_IF_SKIPPED

SKIPPED = """
    import pytest

    @pytest.fixture(scope="session")
    def browser():
        pytest.skip("no browser")

    @pytest.mark.skipif(True, reason="no clock")
    def test_marked():
        pass

    def test_of_a_fixture(browser):
        pass

    @pytest.mark.parametrize("number", [])
    def test_without_a_case(number):
        pass

    @pytest.mark.xfail(reason="a known fault", strict=True)
    def test_known():
        assert False

    def test_passing():
        pass
"""
SKIPPED_WHOLLY = """
    import pytest

    pytest.skip("no library", allow_module_level=True)
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "test_file.py"


def test_skipped_tests_pass_elsewhere(file):
    file.write_text(textwrap.dedent(SKIPPED))

    code, printed = run(file)

    assert code == pytest.ExitCode.OK
    assert "1 passed, 3 skipped, 1 xfailed" in printed


@pytest.mark.parametrize("options", [(), ("-n1",)])
def test_every_skipped_test_fails_and_is_named_with_its_reason(file, options):
    file.write_text(textwrap.dedent(SKIPPED))

    code, printed = run(file, *options, **{FAIL_IF_SKIPPED: "yes"})

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 1 xfailed, 3 errors" in printed
    for name, reason in (
        ("test_marked", "no clock"),
        ("test_of_a_fixture", "no browser"),
        ("test_without_a_case[NOTSET]", "got empty parameter set"),
    ):
        assert f"test_file.py::{name} - Skipped: {reason}" in printed


@pytest.mark.parametrize("options", [(), ("-n1",)])
def test_a_file_that_is_skipped_as_a_whole_fails_too(file, options):
    file.write_text(textwrap.dedent(SKIPPED_WHOLLY))

    code, printed = run(file, *options, **{FAIL_IF_SKIPPED: "yes"})

    assert code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    assert "test_file.py - Skipped: no library" in printed


def test_ci_asks_for_it():
    commands = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    steps = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text("utf-8"))["steps"]

    assert commands[-1] == f"{FAIL_IF_SKIPPED}=yes make test"
    assert [step["script"] for step in steps if step["id"] == "test"] == [".ci/run"]
