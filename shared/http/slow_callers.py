"""Ends headers and bodies that arrive too slowly, so that they hold no thread."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from threading import Condition, Thread
from typing import Any

from flask import Request
from gunicorn.http.parser import Parser

from shared.lazy import Once

HEADER_SECONDS = 10.0
# Requests end up to this much later than they should; it saves waking up for each of them.
_PRECISION_SECONDS = 0.25


class Watch:
    """The reading of the headers or the body of one request.

    Attributes:
        is_over: whether its time has run out; then it reads as if it had ended.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.is_over = False
        self.ends_at = time.monotonic() + seconds
        self._connection = connection

    def end(self) -> None:
        """End what is read."""
        self.is_over = True
        # A thread that waits for bytes wakes up and finds the end; the answer can be sent. If the
        # caller has closed the connection, there is nothing to end.
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)


class Watcher:
    """One thread that ends each request at its time."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._changed = Condition()
        Thread(target=self._run, daemon=True, name="slow callers").start()

    def add(self, watch: Watch) -> None:
        """End a request at its time, unless its watch is removed before."""
        with self._changed:
            self._watches.add(watch)
            if len(self._watches) == 1:
                self._changed.notify()

    def remove(self, watch: Watch) -> None:
        """Stop watching."""
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._watches)
                now = time.monotonic()
                for watch in self._watches:
                    if watch.ends_at <= now:
                        # Under the lock: once it is removed, the connection may have its next
                        # request.
                        watch.end()
            time.sleep(_PRECISION_SECONDS)


@Once
def _watcher() -> Watcher:
    return Watcher()


@contextmanager
def within(request: Request, seconds: float) -> Iterator[Watch | None]:
    """Read a body inside; after that many seconds it ends, whatever has arrived of it.

    A server other than gunicorn is not watched; gives None there.
    """
    connection = request.environ.get("gunicorn.socket")
    if connection is None or not _has_body(request):
        yield None
        return
    with _watched(connection, seconds) as watch:
        yield watch


@contextmanager
def _watched(connection: socket.socket, seconds: float) -> Iterator[Watch]:
    watch = Watch(connection, seconds)
    _watcher().add(watch)
    try:
        yield watch
    finally:
        _watcher().remove(watch)


def bound_headers(seconds: float = HEADER_SECONDS) -> None:
    """Let gunicorn wait for the rest of a request's headers for so long only.

    It has no such setting, and a header that stops would hold a thread for ever.
    """
    read = Parser.__next__
    if hasattr(read, "__wrapped__"):
        return

    @wraps(read)
    def read_in_time(self: Parser) -> Any:
        with _watched(self.unreader.sock, seconds):
            return read(self)

    Parser.__next__ = read_in_time


def _has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers
