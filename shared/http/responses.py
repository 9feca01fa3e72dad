"""Responses: JSON, tables as JSON or CSV, and responses that a caller need not fetch again.

Source: RFC 9110, 8.8.3 "ETag" and 13.1.2 "If-None-Match".
"""

import csv
import errno
import hashlib
import io
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain
from threading import Lock
from typing import Any

import msgspec
from flask import Request, Response

from shared import deadlines, logs
from shared.errors import TablegateError
from shared.formulas import shield
from shared.http.problems import Problem

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"
# The names under which servers pass the socket of a request.
_CONNECTIONS = ("gunicorn.socket", "werkzeug.socket")
# A reader who does not take a piece in this time has stalled.
_PIECE_BYTES, _STALL_SECONDS = 1 << 16, 10.0


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Build a JSON response; msgspec encodes structs, dataclasses, datetimes and UUIDs."""
    return Response(
        msgspec.json.encode(value), status, headers=dict(headers or {}), content_type=JSON
    )


def table_response(
    request: Request, document: Any, rows: Iterable[Any], columns: Sequence[str]
) -> Response:
    """Build a response of a table, as JSON or as CSV with a header row.

    Args:
        request: its Accept header decides; JSON if it has no preference.
        document: the JSON.
        rows: the objects whose attributes fill the CSV.
        columns: the attributes, in order.

    Raises:
        Problem: 406, the caller accepts neither.
    """
    headers = {"Vary": "Accept"}
    if not wants_csv(request):
        return json_response(document, headers=headers)
    cells = ([getattr(row, name) for name in columns] for row in rows)
    return Response(
        csv_lines(chain([columns], cells)), headers=headers, content_type=f"{CSV}; charset=utf-8"
    )


def wants_csv(request: Request) -> bool:
    """Return whether the caller prefers CSV to JSON.

    Raises:
        Problem: 406, the caller accepts neither.
    """
    return preferred(request, (JSON, CSV)) == CSV


def preferred(request: Request, known: Sequence[str]) -> str:
    """Return the media type that the caller prefers; the first one if it has no preference.

    Raises:
        Problem: 406, the caller accepts none of them.
    """
    accepted = request.accept_mimetypes
    if not accepted.provided:
        return known[0]
    best = accepted.best_match(known)
    if best is None:
        names = f"{', '.join(known[:-1])} or {known[-1]}"
        raise Problem(406, "not-acceptable", f"This call answers as {names}; accept one of them.")
    return best


def revalidated(request: Request, response: Response) -> Response:
    """Add an ETag of the content to the response, or answer 304 if the caller has it already."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


class CachedBody(msgspec.Struct, frozen=True):
    """The body of a cached response."""

    content: bytes
    content_type: str


class ResponseCache:
    """Bodies of responses by their ETag; the least recently used ones make room for new ones.

    Args:
        most_bytes: the most that all bodies together may take.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bodies: OrderedDict[str, CachedBody] = OrderedDict()
        self._lock = Lock()
        self._bytes = 0

    def get(self, etag: str) -> CachedBody | None:
        """Return the body, if the cache has it."""
        with self._lock:
            body = self._bodies.get(etag)
            if body is not None:
                self._bodies.move_to_end(etag)
            return body

    def put(self, etag: str, body: CachedBody) -> None:
        """Add a body, unless it is larger than the whole cache."""
        if len(body.content) > self._most_bytes:
            return
        with self._lock:
            before = self._bodies.pop(etag, None)
            self._bytes += len(body.content) - (len(before.content) if before else 0)
            self._bodies[etag] = body
            while self._bytes > self._most_bytes:
                _, dropped = self._bodies.popitem(last=False)
                self._bytes -= len(dropped.content)


def streamed(
    request: Request, chunks: Generator[bytes, None, None], seconds: float, wait_seconds: float
) -> Iterator[bytes]:
    """Pass on the chunks of a response; its connection is cut if it takes too long, or they fail.

    A caller that stops reading would keep one of the function's threads for ever. One that takes
    nothing for ten seconds has stopped.

    Args:
        request: the request, on whose connection the response is sent.
        chunks: the content; closed at the end, however that comes.
        seconds: how long sending all of it may take.
        wait_seconds: how long a chunk may wait for the database.
    """
    connection = next(filter(None, map(request.environ.get, _CONNECTIONS)), None)
    return _whole_or_cut(_until(time.monotonic() + seconds, wait_seconds, connection, chunks))


def _whole_or_cut(pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    try:
        with closing(pieces):
            yield from pieces
    except (TablegateError, TimeoutError) as error:
        logs.line("WARNING", "A response was cut off", error=str(error))
        # At this error servers close the connection without a last chunk, which the caller sees.
        raise ConnectionResetError(errno.ECONNRESET, "The response was cut off.") from error


def _until(
    moment: float, wait_seconds: float, connection: Any, chunks: Generator[bytes, None, None]
) -> Generator[bytes, None, None]:
    with closing(chunks):
        while (remaining := moment - time.monotonic()) > 0:
            # The call's own deadline ended with the headers of the response.
            with deadlines.within(min(remaining, wait_seconds)):
                chunk = next(chunks, None)
            if chunk is None:
                return
            if connection is not None:
                connection.settimeout(min(remaining, _STALL_SECONDS))
            for start in range(0, len(chunk), _PIECE_BYTES):
                yield chunk[start : start + _PIECE_BYTES]
        raise TimeoutError("The response was not read in time.")


def etag_of(*parts: str) -> str:
    """Compute an ETag that stays the same as long as all `parts` do."""
    digest = hashlib.sha256()
    for part in parts:
        # The length comes before each part, so that no two lists of parts give the same bytes.
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:32]


def cached_response(
    request: Request, etag: str, cache: ResponseCache, make: Callable[[], Response]
) -> Response:
    """Answer 304 if the caller has the response, else with the cached one, else with a new one.

    Args:
        request: its If-None-Match says what the caller has.
        etag: must depend on everything that the response depends on, its media type included.
        cache: earlier responses.
        make: makes the response.
    """
    # A caller may store it, and must ask each time whether it is still valid.
    headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if request.if_none_match.contains_weak(etag):
        return Response(status=304, headers=headers)
    body = cache.get(etag)
    if body is None:
        made = make()
        body = CachedBody(made.get_data(), made.content_type or "")
        cache.put(etag, body)
    return Response(body.content, headers=headers, content_type=body.content_type)


def csv_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Write lines of CSV; a cell that a spreadsheet would run as a formula gets an apostrophe."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(map(_cell, row) for row in rows)
    return buffer.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return shield(value)
    if isinstance(value, datetime):
        return msgspec.json.encode(value).decode().strip('"')
    if isinstance(value, bool | msgspec.Raw):
        return shield(msgspec.json.encode(value).decode())
    return value
