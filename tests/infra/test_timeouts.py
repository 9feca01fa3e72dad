"""A test that hangs fails with its name and where it hung, and so does one whose fixture hangs."""

import textwrap

import pytest

from tests.infra.checked_runs import run

HANGING = """
    import time

    import pytest

    @pytest.fixture
    def hangs_at_setup():
        time.sleep(60)  # at setup

    @pytest.fixture
    def hangs_at_teardown():
        yield
        time.sleep(60)  # at teardown

    def test_one():
        time.sleep(60)  # in the test

    def test_two(hangs_at_setup):
        pass

    def test_three(hangs_at_teardown):
        assert False, "pytest-timeout ends its timeout when a test fails"
"""
DEAF = """
    import signal, time

    def test_deaf():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        time.sleep(60)
"""
PASSES = """
    import pytest

    @pytest.mark.timeout(%s)
    def test_one():
        pass
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "test_file.py"


@pytest.mark.parametrize("options", [(), ("-n1",)])
def test_a_test_or_a_fixture_that_hangs_fails_with_its_name_and_stack(file, options):
    file.write_text(textwrap.dedent(HANGING))

    code, printed = run(file, "--timeout=1", *options)

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 failed, 2 errors" in printed
    for line in (
        "test_file.py::test_one - Failed: Timeout",
        "test_file.py::test_two - Failed: Timeout",
        "test_file.py::test_three - Failed: Timeout",
        ">       time.sleep(60)  # in the test",
        ">       time.sleep(60)  # at setup",
        ">       time.sleep(60)  # at teardown",
    ):
        assert line in printed


def test_what_a_signal_cannot_interrupt_ends_the_process_and_prints_its_stack(file):
    file.write_text(textwrap.dedent(DEAF))

    code, printed = run(file, "--timeout=0.5", "-o", "faulthandler_timeout=2")

    assert code == 1
    assert f'File "{file}", line 6 in test_deaf' in printed


@pytest.mark.parametrize("own", ["0", "timeout=0", "5, func_only=True"])
def test_no_test_can_do_without_a_timeout(file, own):
    file.write_text(textwrap.dedent(PASSES % own))

    code, printed = run(file)

    assert code == pytest.ExitCode.USAGE_ERROR
    assert "::test_one or its fixtures would have no timeout" in printed


def test_the_settings_cannot_do_without_one_either(file):
    file.write_text(textwrap.dedent(PASSES % 5))

    assert run(file)[0] == pytest.ExitCode.OK
    assert run(file, "-o", "timeout=0")[0] == pytest.ExitCode.USAGE_ERROR
