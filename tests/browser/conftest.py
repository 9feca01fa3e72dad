"""A browser with the dashboard's page, and an operator of the platform behind it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.desk import DESKTOP, Desk
from tests.support.operator import Operator
from tests.support.platform import Platform

CHROMIUM = shutil.which("chromium")
# Chromium has no sandbox as root; the other options keep it from calling other servers.
OPTIONS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

Open = Callable[..., Desk]

# A busy machine takes its time; what comes sooner ends the wait.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for one module: playwright's event loop must end before another starts."""
    if CHROMIUM is None:
        pytest.skip("the browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def operator(browser: Browser, platform: Platform) -> Iterator[Operator]:
    """An operator of a platform without rows, with access to its API and database."""
    assert browser.is_connected(), "without a browser, no preparation is needed"
    made = Operator(platform)
    made.clear()
    yield made
    made.close()


@pytest.fixture
def open_desk(browser: Browser, platform: Platform) -> Iterator[Open]:
    """Opens the page; any error on its console fails the test."""
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
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # The page itself reports error responses of calls; everything else is an error of the page.
    page.on(
        "console",
        lambda message: (
            errors.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    yield page
    context.close()
    assert not errors
