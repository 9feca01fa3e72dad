"""Make the pictures: python -m tests.pictures.

Starts a platform of its own, works on it as the README says, and writes what is seen to
docs/pages/pictures: the dashboard as PNG, and the terminal as an animated SVG. Draws the diagrams,
too.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from infra.local import postgres, processes, sign_in
from infra.local.home import Home
from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.pictures import diagrams
from tests.pictures.terminal import Recording
from tests.support.checkout import ROOT

FOLDER = ROOT / "docs" / "pages" / "pictures"
WIDTH, HEIGHT = 1280, 860
COMMANDS = (
    "./tablegate demo",
    "./tablegate drop .local/sample/jobs-example.csv --wait",
    "./tablegate rejects --table jobs --limit 1",
    "./tablegate replay {reject} --set job=Miller --set id=9005",
    "./tablegate rows jobs 9005",
    "./tablegate metrics departments_above_mean",
)
# Of a long answer, its end says most.
MOST_LINES = 18


def main() -> int:
    """Make all pictures."""
    if CHROMIUM is None:
        print("The pictures need Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    if not diagrams.draw():
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _workplace() as folder:
        recording = Recording()
        for command in COMMANDS:
            words = command.format(reject=_newest_reject(folder) if "{reject}" in command else "")
            recording.add(words, _run(words, folder).splitlines()[-MOST_LINES:])
        (FOLDER / "terminal.svg").write_text(recording.svg(), encoding="utf-8")
        home = Home.at(folder / ".local")
        url = _run("./tablegate status --json", folder).partition('"url": "')[2].partition('"')[0]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            _take(page, sign_in.link(home, url))
            browser.close()
    print(*(f"{path} {path.stat().st_size:,} bytes" for path in sorted(FOLDER.iterdir())), sep="\n")
    return 0


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder with the command in it, and a platform in its `.local` in the end."""
    # Not pytest's own folder: PostgreSQL's account could not enter that.
    folder = Path(tempfile.mkdtemp(prefix="tablegate-pictures-"))
    folder.chmod(0o711)
    (folder / "tablegate").write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} "
        f'exec {shlex.quote(sys.executable)} -m infra.cli "$@"\n'
    )
    (folder / "tablegate").chmod(0o755)
    home = Home.at(folder / ".local")
    try:
        yield folder
    finally:
        _run("./tablegate down", folder)
        processes.end(processes.of_home(home))
        postgres.remove_outside(home)
        shutil.rmtree(folder)


def _run(command: str, folder: Path) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TABLEGATE_")}
    done = subprocess.run(
        shlex.split(command), cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 2), done.stderr
    return done.stdout


def _newest_reject(folder: Path) -> str:
    listed = _run("./tablegate rejects --table jobs --limit 1 --json", folder)
    return listed.partition('"reject_id": ')[2].partition(",")[0]


def _take(page: Page, link: str) -> None:
    page.goto(link)
    page.wait_for_selector("#tiles li")
    page.wait_for_selector(".columns svg")
    page.wait_for_selector("#ledger tbody tr")
    # The page moves for a moment when it is filled.
    time.sleep(1)
    page.screenshot(path=FOLDER / "dashboard.png")
    for name in ("loads", "rejects"):
        section = page.locator(f"section#{name}")
        section.scroll_into_view_if_needed()
        section.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
