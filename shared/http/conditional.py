"""Answers that need not be sent, or made, again while what they are made of has not changed.

Source: RFC 9110, 8.8.3 "ETag" and 13.1.2 "If-None-Match".
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Request, Response


@dataclass(frozen=True)
class Body:
    """The body of an answer that is kept."""

    content: bytes
    content_type: str


class Kept:
    """Bodies by their ETag, within a number of bytes; the one longest not asked for goes first.

    Args:
        most_bytes: what all bodies together may take.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bodies: OrderedDict[str, Body] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    def get(self, etag: str) -> Body | None:
        """The body that was kept, if it still is."""
        with self._lock:
            body = self._bodies.get(etag)
            if body is not None:
                self._bodies.move_to_end(etag)
            return body

    def put(self, etag: str, body: Body) -> None:
        """Keep a body; one larger than the whole is not kept."""
        if len(body.content) > self._most_bytes:
            return
        with self._lock:
            before = self._bodies.pop(etag, None)
            self._bytes += len(body.content) - (len(before.content) if before else 0)
            self._bodies[etag] = body
            while self._bytes > self._most_bytes:
                _, gone = self._bodies.popitem(last=False)
                self._bytes -= len(gone.content)


def etag_of(*parts: str) -> str:
    """An ETag for an answer that is the same as long as all `parts` are."""
    digest = hashlib.sha256()
    for part in parts:
        # With its length before it, so that no two lists of parts read the same.
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:32]


def answer(request: Request, etag: str, kept: Kept, make: Callable[[], Response]) -> Response:
    """304 where the caller has the answer, else the one that was kept, else a new one.

    Args:
        request: whose If-None-Match says what the caller has.
        etag: of the answer; it must depend on everything the answer does, its media type too.
        kept: answers of before.
        make: makes the answer.
    """
    # A caller may store it, and must ask each time whether it still holds.
    headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if request.if_none_match.contains_weak(etag):
        return Response(status=304, headers=headers)
    body = kept.get(etag)
    if body is None:
        made = make()
        body = Body(made.get_data(), made.content_type or "")
        kept.put(etag, body)
    return _response(body, headers)


def _response(body: Body, headers: Mapping[str, str]) -> Response:
    return Response(body.content, headers=dict(headers), content_type=body.content_type)
