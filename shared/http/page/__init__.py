"""The page that shows the OpenAPI document, from files that are served from here alone."""

from functools import cache
from importlib.resources import files

from flask import Request, Response

from shared.http.problems import Problem

_POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
        # Swagger UI's style sheet draws its icons from data: addresses.
        *("img-src 'self' data:", "base-uri 'none'", "form-action 'none'"),
        "frame-ancestors 'none'",
    )
)
_OURS = {"start.js": "text/javascript; charset=utf-8"}
_SWAGGER = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


def page(request: Request) -> Response:
    """The page itself."""
    answer = Response(_read("index.html"), content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY
    return revalidated(request, answer)


def asset(request: Request, name: str) -> Response:
    """A file that the page loads.

    Raises:
        Problem: 404, it loads none of this name.
    """
    content_type = _OURS.get(name) or _SWAGGER.get(name)
    if content_type is None:
        raise Problem(404, "unknown-path", "The page has no such file; see /docs.")
    return revalidated(request, Response(_read(name), content_type=content_type))


def revalidated(request: Request, answer: Response) -> Response:
    """The answer with an ETag, or 304 where the caller has it already."""
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    answer.make_conditional(request)
    return answer


@cache
def _read(name: str) -> bytes:
    folder = files("flask_swagger_ui") / "dist" if name in _SWAGGER else files(__name__)
    return (folder / name).read_bytes()
