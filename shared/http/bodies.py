"""Bodies of calls: read within bounds, and strictly."""

import io
import json
from typing import Any, TypeVar

import msgspec
from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from shared.http.problems import Problem
from shared.validation import strict_json
from shared.validation.strict_json import NotStrictJson

_PIECE = 1 << 16
_DISCARD_BYTES = 32 << 20  # as much as Google's front end lets through over HTTP/1

Model = TypeVar("Model", bound=msgspec.Struct)


def bound(request: Request, limit_bytes: int) -> None:
    """Let no more of the body be read than `limit_bytes` and one byte that tells it is larger."""
    # werkzeug cuts a body without a length off at the maximum, in silence.
    request.max_content_length = limit_bytes + 1


def content(request: Request) -> bytes:
    """The body as it came.

    Raises:
        Problem: 413 where it is larger than MAX_BODY_BYTES, 415 where it is compressed, 400 where
            it ended early.
    """
    if request.content_encoding:
        raise Problem(
            415,
            "unsupported-encoding",
            "The body is compressed; send it without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise _too_large(request) from None
    except ClientDisconnected:
        raise Problem(400, "body-cut-off", "The body ended early; send it again.") from None
    if len(body) == request.max_content_length:
        raise _too_large(request)
    return body


def json_content(request: Request) -> bytes:
    """The body as it came, from a caller that says it is JSON.

    Raises:
        Problem: 413, 415, 400.
    """
    if request.mimetype != "application/json":
        raise Problem(
            415,
            "unsupported-media-type",
            "The body must be JSON and say so; send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )
    return content(request)


def read(request: Request, model: type[Model], *, may_be_empty: bool = False) -> Model:
    """The body as a `model`: a msgspec struct whose types are checked strictly.

    Args:
        request: whose body it is.
        model: what it must be; give it `forbid_unknown_fields=True`.
        may_be_empty: whether no body counts as `{}`.

    Raises:
        Problem: 413, 415, 400 with `pointer` where in the body the fault is.
    """
    if may_be_empty and not content(request):
        value: Any = {}
    else:
        value = decode(json_content(request))
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$")
        raise Problem(
            400,
            "invalid-body",
            f"{sentence}; see /openapi.json for what this call takes.",
            pointer=_pointer(path),
        ) from None


def decode(text: bytes) -> Any:
    """A JSON value, without doubled keys, NaN, halves of characters or bottomless depths.

    Raises:
        Problem: 400.
    """
    try:
        value = strict_json.decode(text)
        # Half a surrogate pair comes through JSON, but through no database.
        json.dumps(value if b"\\u" in text else None, ensure_ascii=False).encode()
    except NotStrictJson as error:
        raise Problem(400, error.code.replace("_", "-"), str(error)) from None
    except RecursionError:
        raise Problem(400, "too-deep", "The JSON is nested too deeply; flatten it.") from None
    except UnicodeEncodeError:
        detail = "The body holds half of a surrogate pair; send whole characters."
        raise Problem(400, "not-json", detail) from None
    return value


def discard(request: Request) -> None:
    """Read what is left of the body and throw it away, so that the answer gets through.

    The framework reads what a function has left unread: all of it, into memory.
    """
    request.max_content_length = None
    try:
        _exhaust(request.stream)
    except RequestEntityTooLarge:
        # The limit was met on the way: the stream beneath it knows its own end.
        _exhaust(request.environ["wsgi.input"])
    except (ClientDisconnected, OSError):
        pass
    request.stream = io.BytesIO()


def _too_large(request: Request) -> Problem:
    limit = (request.max_content_length or 1) - 1
    detail = f"The body is larger than {limit} bytes; split it into several calls."
    return Problem(413, "body-too-large", detail, limit_bytes=limit)


def _exhaust(stream: Any) -> None:
    left = _DISCARD_BYTES
    while left > 0 and (piece := stream.read(_PIECE)):
        left -= len(piece)


def _pointer(path: str) -> str:
    path = path.rstrip("`").replace("[...]", "/*").replace("[", "/").replace("]", "")
    return path.replace(".", "/")
