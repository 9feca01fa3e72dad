"""The dashboard's page, and what a user does with it."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

_DROP = """([name, content]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([content], name, { type: "text/csv" }));
  const zone = document.getElementById("zone");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true }));
  }
}"""

PHONE, DESKTOP = (390, 844), (1360, 900)


class Desk:
    """The page in a browser.

    Attributes:
        page: playwright's page.
    """

    def __init__(self, page: Page, gateway: str, token: str) -> None:
        self.page, self._token = page, token
        page.set_default_timeout(30_000)
        page.goto(f"{gateway}/dashboard")

    def sign_in(self, token: str = "") -> "Desk":
        """Sign in with the keyboard only."""
        expect(self.page.get_by_label("Token")).to_be_focused()
        self.page.keyboard.type(token or self._token)
        self.page.keyboard.press("Enter")
        return self

    def opened(self) -> "Desk":
        """Sign in and wait until every section has been requested."""
        self.sign_in()
        self.page.wait_for_selector("#tiles li")
        return self

    def drop(self, name: str, content: str) -> None:
        """Drop a file on the upload zone."""
        self.page.evaluate(_DROP, [name, content])

    def choose(self, *files: Path) -> None:
        """Choose files in the browser's file dialog."""
        self.page.locator("#files").set_input_files(files)

    def upload(self, name: str) -> Locator:
        """The status of a file that is being uploaded."""
        return self.page.locator("#uploads li", has_text=name)

    def load(self, name: str) -> Locator:
        """A load in the list of loads."""
        return self.page.locator("#ledger tbody tr", has_text=name)

    def reject(self, text: str) -> Locator:
        """A rejected row."""
        return self.page.locator("#rows > li", has_text=text)

    def bars(self) -> list[int]:
        """The values in the chart, by quarter."""
        found = self.page.locator("#metric-hires_by_quarter .columns rect")
        return [int(bar.get_attribute("data-count") or 0) for bar in found.all()]

    def expect_bars(self, *counts: int) -> None:
        """Wait until the chart shows these values."""
        label = ", ".join(f"Q{i}: {count}" for i, count in enumerate(counts, 1))
        chart = self.page.locator("#metric-hires_by_quarter .columns svg")
        expect(chart).to_have_attribute("aria-label", re.compile(f"{label}$"))
        assert self.bars() == list(counts)

    def expect_notice(self, text: str) -> None:
        """Wait until the page shows this notice."""
        expect(self.page.locator(".notice", has_text=text)).to_be_visible()
