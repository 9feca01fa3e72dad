"""Reads bodies of calls, strictly and within limits, and the headers that affect them."""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from shared import strict_json
from shared.http import slow_bodies
from shared.http.problems import Problem
from shared.strict_json import NotStrictJson

LARGE_BYTES = 1 << 20
LARGE_BODIES = 3
"""How many bodies of more than `LARGE_BYTES` an instance handles at a time: while it is handled, a
body takes up to eight times its size."""

_PIECE = 1 << 16
_SECONDS = "tablegate.body_seconds"
# What is left of a refused body is read so that its sender sees the answer, but not for long.
_DISCARD_SECONDS = 1.0
_DISCARD_BYTES = 32 << 20  # as much as Google's front end lets through over HTTP/1

# RFC 7240: preferences are separated by commas, and each may have parameters.
_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=[,;]|$)', re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"[!-~]{1,255}")

Model = TypeVar("Model", bound=msgspec.Struct)


def limit(request: Request, limit_bytes: int, seconds: float) -> None:
    """Limit a call's body.

    Args:
        request: the call.
        limit_bytes: its size, and one byte more, which shows that it is larger.
        seconds: how long it may take to arrive.
    """
    request.environ[_SECONDS] = seconds
    # werkzeug silently cuts off a body without a length at the maximum.
    request.max_content_length = limit_bytes + 1


def may_be_large(request: Request) -> bool:
    """Return whether a body is, or may turn out to be, larger than `LARGE_BYTES`."""
    length = request.content_length
    if length is None:
        return "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    return length > LARGE_BYTES or (length > 0 and "Content-Encoding" in request.headers)


def content(request: Request) -> bytes:
    """Read the bytes of the body.

    Raises:
        Problem: 413, it is larger than the limit, also unpacked; 415, it is compressed by other
            means than gzip; 400, it ended early.
    """
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise Problem(
            415,
            "unsupported-encoding",
            "The body is compressed in a way that is not known here; send it with gzip, or without "
            "Content-Encoding.",
            headers={"Accept-Encoding": "gzip, identity"},
        )
    with arriving(request):
        body = request.get_data()
    if coding.endswith("gzip"):
        body = _unzipped(body, request.max_content_length)
    if len(body) == request.max_content_length:
        raise _too_large(request)
    return body


@contextmanager
def arriving(request: Request) -> Iterator[None]:
    """Read the body inside, within its time.

    Raises:
        Problem: 413, it is larger than the limit; 408, it did not arrive in time; 400, it ended
            early.
    """
    seconds = request.environ.get(_SECONDS, _DISCARD_SECONDS)
    with slow_bodies.within(request, seconds) as watch:
        try:
            yield
        except RequestEntityTooLarge:
            raise _too_large(request) from None
        except (ClientDisconnected, Problem) as error:
            if watch is not None and watch.is_over:
                raise Problem(
                    408,
                    "body-too-slow",
                    f"The body did not arrive within {seconds:.0f} s; send it again, faster or in "
                    "smaller parts.",
                ) from None
            if isinstance(error, Problem):
                raise
            raise Problem(400, "body-cut-off", "The body ended early; send it again.") from None


def _unzipped(body: bytes, limit_bytes: int | None) -> bytes:
    """Unpack gzip, and no more than the limit."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            return packed.read(limit_bytes or -1)
    except (OSError, EOFError, zlib.error):
        detail = "The body says that it is gzip, and is not, or ended early; send it again."
        raise Problem(400, "body-cut-off", detail) from None


def json_content(request: Request) -> bytes:
    """Read the bytes of a body whose Content-Type is JSON.

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
    body = content(request).removeprefix(codecs.BOM_UTF8)
    if is_workbook(body):
        raise workbook()
    return body


def is_workbook(beginning: bytes) -> bool:
    """Return whether bytes begin as a spreadsheet's own files do: .xlsx and .ods, or .xls."""
    return beginning.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def workbook() -> Problem:
    """Return the problem of a workbook where rows are expected."""
    return Problem(
        415,
        "unsupported-media-type",
        "This is a workbook, or a zip archive; save the sheet as CSV in UTF-8 and upload that, or "
        "send its rows as JSON.",
    )


def read(request: Request, model: type[Model], *, may_be_empty: bool = False) -> Model:
    """Read the body as a struct and check its types strictly.

    Args:
        request: the call.
        model: the struct; give it `forbid_unknown_fields=True`.
        may_be_empty: whether no body counts as `{}`.

    Raises:
        Problem: 413; 415; 400, with a `pointer` to the error in the body.
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
    """Decode JSON without duplicate keys, NaN, half surrogate pairs or deep nesting.

    Raises:
        Problem: 400.
    """
    try:
        value = strict_json.decode(text)
        # JSON allows half a surrogate pair; no database does.
        json.dumps(value if b"\\u" in text else None, ensure_ascii=False).encode()
    except NotStrictJson as error:
        raise Problem(400, error.code.replace("_", "-"), str(error)) from None
    except UnicodeEncodeError:
        detail = "The body holds half of a surrogate pair; send whole characters."
        raise Problem(400, "not-json", detail) from None
    return value


def discard(request: Request) -> None:
    """Read the rest of the body and discard it, so that the caller gets the response.

    Otherwise the framework reads the rest itself, all of it into memory.
    """
    request.max_content_length = None
    with slow_bodies.within(request, _DISCARD_SECONDS):
        _discard(request)
    request.stream = io.BytesIO()


def _discard(request: Request) -> None:
    try:
        _exhaust(request.stream)
    except RequestEntityTooLarge:
        # The limit was reached, so read on from the stream below it.
        _exhaust(request.environ["wsgi.input"])
    except (ClientDisconnected, OSError):
        pass


def wait_seconds(request: Request, most: int) -> int:
    """Return how long the caller is willing to wait for the work: `Prefer: wait=N`.

    A preference that cannot be parsed is ignored.
    """
    found = _WAIT.search(",".join(request.headers.getlist("Prefer")))
    return min(int(found[1]), most) if found else 0


def idempotency_key(request: Request) -> str | None:
    """Return the key by which a repeat of the call is recognised, or None.

    Raises:
        Problem: 400, the header is not a valid key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(
            400,
            "bad-idempotency-key",
            "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces.",
        )
    return key


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
