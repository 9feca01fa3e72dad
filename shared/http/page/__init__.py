"""Pages and the files that they load; next to this file, the page of the OpenAPI document."""

from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.resources.abc import Traversable

from flask import Request, Response

from shared.http.problems import Problem
from shared.http.responses import revalidated

_POLICY = (
    *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
    *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


class Page:
    """A page that loads nothing from elsewhere and runs no inline script.

    Args:
        path: where it is served, for messages.
        index: its HTML file.
        find_files: the files that it may load, by name; called once.
        directives: what its Content-Security-Policy allows or forbids besides the usual.
    """

    def __init__(
        self,
        path: str,
        index: Traversable,
        find_files: Callable[[], Mapping[str, Traversable]],
        *directives: str,
    ) -> None:
        self._path, self._index, self._find_files = path, index, find_files
        self._policy = "; ".join((*_POLICY, *directives))

    def show(self, request: Request) -> Response:
        """Answer with the page itself."""
        response = _served(self._index)
        response.headers["Content-Security-Policy"] = self._policy
        return revalidated(request, response)

    def asset(self, request: Request, name: str) -> Response:
        """Answer with a file that the page loads.

        Raises:
            Problem: 404, the page does not load a file of this name.
        """
        # Looked up by name, so that what a caller sends never becomes a path.
        file = self._files.get(name)
        if file is None:
            raise Problem(404, "unknown-path", f"The page has no such file; see {self._path}.")
        return revalidated(request, _served(file))

    @cached_property
    def _files(self) -> Mapping[str, Traversable]:
        return self._find_files()


def _served(file: Traversable) -> Response:
    _, dot, ending = file.name.rpartition(".")
    return Response(file.read_bytes(), content_type=_TYPES[f"{dot}{ending}"])
