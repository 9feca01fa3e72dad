"""The page and its files, served from here alone."""

from functools import cache
from pathlib import Path

from flask import Request, Response

from shared.http.page import revalidated
from shared.http.problems import Problem

_FOLDER = Path(__file__).with_name("page")
_POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
        *("img-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
        # Text that would become markup or script is refused by the browser itself.
        *("require-trusted-types-for 'script'", "trusted-types 'none'"),
    )
)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def page(request: Request) -> Response:
    """The page itself."""
    content = (_FOLDER / "index.html").read_bytes()
    answer = Response(content, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY
    return revalidated(request, answer)


def asset(request: Request, name: str) -> Response:
    """A file that the page loads.

    Raises:
        Problem: 404, it loads none of this name.
    """
    # Looked up among the names there are: what a caller sends never becomes a path.
    path = _files().get(name)
    if path is None:
        raise Problem(404, "unknown-path", "The page has no such file; see /dashboard.")
    answer = Response(path.read_bytes(), content_type=_TYPES[path.suffix])
    return revalidated(request, answer)


@cache
def _files() -> dict[str, Path]:
    return {path.name: path for path in _FOLDER.rglob("*") if path.suffix in _TYPES}
