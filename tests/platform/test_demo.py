"""The demo prints what the README shows, and ends with the next steps."""

import re
import textwrap

import pytest

from infra.local.home import Home
from infra.local.layout import Layout
from tests.support.checkout import ROOT
from tests.support.platform import launch, new_home


@pytest.fixture(scope="module")
def demo():
    """A home on which the demo ran, and what it printed."""
    with new_home() as home:
        process = launch("demo", "--home", str(home.path))
        printed, _ = process.communicate()
        assert process.returncode == 0, printed
        yield home, printed


def test_the_readme_shows_what_the_demo_prints(demo: tuple[Home, str]) -> None:
    _, printed = demo
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.search(
        r"^    Loads\n(?:    .*\n|\n)+?(?=    The platform has stopped)", readme, re.M
    )
    # The README leaves out one of the two metrics.
    without = re.sub(r"hires_by_quarter (?:.+\n)+\n", "", printed)

    assert shown is not None
    assert textwrap.dedent(shown[0]) in without


def test_the_demo_ends_with_the_dashboard_the_token_and_what_to_try(demo: tuple[Home, str]) -> None:
    home, printed = demo
    end = printed.partition("The platform has stopped.")[2]
    layout = Layout.read(home)

    assert f" `make up HOME_DIR={home.path}` starts it again, with this data.\n" in end
    assert f"  dashboard  {layout.url('gateway')}/dashboard\n" in end
    assert f"  token      in {home.token_file}\n" in end
    assert f'  curl -H "X-Token: $(cat {home.token_file})" "{layout.url("gateway")}/' in end
