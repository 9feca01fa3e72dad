"""The dashboard's page and its files."""

from pathlib import Path

from shared.http.page import Page

_FOLDER = Path(__file__).with_name("page")


def _files() -> dict[str, Path]:
    return {path.name: path for path in _FOLDER.rglob("*.*") if path.suffix != ".html"}


PAGE = Page(
    "/dashboard",
    _FOLDER / "index.html",
    _files,
    "img-src 'self'",
    # The browser refuses to turn text into markup or script.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
