"""`make test` where a company has put its own tables in place of the sample's."""

import subprocess
import sys

import pytest

from tests.models.shop.data import SHOP
from tests.support import company
from tests.support.checkout import ROOT

pytestmark = pytest.mark.slow

# Some that need the sample's tables.
OF_THE_SAMPLE = "tests/unit/tables/test_tables.py"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A checkout with the shop's tables."""
    return company.copy(tmp_path_factory.mktemp("shop") / "checkout", SHOP.folder)


def run(root, module, *arguments):
    """Run a module in a checkout; returns its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", module, "-p", "no:cacheprovider", "-q", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_both_its_own_tables_and_the_platform_are_tested(shop):
    code, printed = run(shop, "tests.run", OF_THE_SAMPLE)

    assert code == 0, printed
    first, then = printed.split("Now the platform")
    assert "[100%]" in first
    assert "[100%]" in then


def test_a_fault_of_its_own_tables_fails_the_run(shop):
    path = shop / "shared" / "tables" / "refunds.py"
    text = path.read_text()
    assert "description=" in text
    try:
        path.write_text(text.replace("description=", "describes=", 1))
        code, printed = run(shop, "tests.run", OF_THE_SAMPLE)
    finally:
        path.write_text(text)

    assert code == 1
    assert "describes" in printed
    assert "[100%]" not in printed


def test_pytest_alone_says_what_to_run(shop):
    code, printed = run(shop, "pytest", OF_THE_SAMPLE)

    assert code == pytest.ExitCode.USAGE_ERROR
    assert "Run 'make test'" in printed
    assert company.FREE in printed


def test_this_checkout_has_the_sample():
    assert company.has_sample()
    assert (ROOT / company.FREE).is_file()
