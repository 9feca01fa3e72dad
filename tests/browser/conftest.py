"""A browser, and an operator who works the page with it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.desk import DESKTOP, Desk
from tests.support.operator import Operator
from tests.support.platform import Platform

CHROMIUM = shutil.which("chromium")
# As root there is no sandbox to be had; the others keep it from calling anybody.
OPTIONS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

Open = Callable[..., Desk]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for one module: playwright's event loop must end before others begin."""
    if CHROMIUM is None:
        pytest.skip("the browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def operator(browser: Browser, platform: Platform) -> Iterator[Operator]:
    """Somebody who looks behind the page, on a platform without any rows."""
    assert browser.is_connected(), "without one there is nothing to prepare for"
    made = Operator(platform)
    made.clear()
    yield made
    made.close()


@pytest.fixture
def open_desk(browser: Browser, platform: Platform) -> Iterator[Open]:
    """Opens the page as often as one likes; whatever a page complains of fails the test."""
    with ExitStack() as stack:

        def make(*, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Desk:
            page = stack.enter_context(_page(browser, size, scheme))
            return Desk(page, platform.gateway, platform.token)

        yield make


@contextmanager
def _page(browser: Browser, size: tuple[int, int], scheme: str) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # A call that is answered with a fault is for the page to tell; all else is a fault of its own.
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    yield page
    context.close()
    assert not complaints
